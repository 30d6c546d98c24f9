"""Tables as Dagster assets: `table("mart.x")` is the asset of `sql/mart/x.sql`, with its contract and blocking checks.

What a SELECT reads is asked of DuckDB's own parser, so nobody types a list of dependencies. Which tables there are is
said in `assets/`; the steps that make many tables at once are in `steps.py`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import dagster as dg
import duckdb

from llr_pipeline.checks import (
    Seen,
    Warn,
    check_specs,
    checks_before,
    checks_read,
    look,
    run_checks,
    warn_result,
    warn_spec,
)
from llr_pipeline.contracts import Column, Contract, contracts
from llr_pipeline.housekeeping import low_disk
from llr_pipeline.paths import PROJECT, SQL, current_home
from llr_pipeline.rebuilding import set_aside_if_damaged
from llr_pipeline.warehouse import (
    build_of,
    comment,
    content,
    fingerprint,
    folder_fingerprint,
    inputs_of,
    locked,
    opened,
    quoted,
    record_build,
    replace_table,
    set_sound,
    transaction,
)

CURRENT = "_current"
BUILDING = ("checks.py", "contracts.py", "tables.py")
REGISTERS = ("raw.submissions", "raw.publications", "raw.sheets", "raw.totals")
"""What is known of each file that arrived: of these a core table reads the lines of its own files alone."""


class Warehouse(dg.ConfigurableResource):
    """The home's warehouse, held by one run: the lock and the one connection from the run's start to its end."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[duckdb.DuckDBPyConnection]:
        home = current_home()
        with locked(home, who=f"run {context.run.run_id}"):
            for said in filter(None, (low_disk(home), set_aside_if_damaged(home))):
                context.log.warning(said)
            with opened(home) as connection:
                yield connection


Then = Callable[[duckdb.DuckDBPyConnection, str], Mapping[str, Any]]


def table(
    name: str,
    *,
    then: Then | None = None,
    warns: Sequence[Warn] = (),
    reads_too: Sequence[str] = (),
    kinds: tuple[str, ...] = (),
    about: str = "",
) -> dg.AssetsDefinition:
    """The asset of one SQL table, with the contract's checks, which block what stands on it, and checks that only warn.

    A table that was built by the same SELECT from tables that hold the same rows stays as it is.

    `then(connection, run_id)` does what is to be done with a table that keeps its contract, and returns metadata; a
    table that breaks it gets none, and is not looked at by `warns`. `reads_too` are tables that these read and the
    SELECT does not. `about` goes before the contract's description.
    """
    contract = contracts()[name]
    select = select_of(contract)
    schema = {"dagster/column_schema": column_schema(contract.columns)}  # would stand before what `then` has to show

    @dg.asset(
        key=[contract.layer, contract.table],
        deps=[dg.AssetKey(read.split(".")) for read in sorted({*reads(select), *reads_too})],
        description="\n\n".join(filter(None, [about, contract.description, key_and_source(contract)])),
        group_name=contract.group,
        kinds={"duckdb", "sql", *kinds},
        code_version=hashlib.sha256(select.encode()).hexdigest()[:12],
        check_specs=[*check_specs(contract), *(warn_spec(contract, warn) for warn in warns)],
        metadata={"dagster/relation_identifier": name, **({} if then else schema)},
        required_resource_keys={"warehouse"},
    )
    def build(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        connection, run_id = context.resources.warehouse, context.run.run_id
        results, is_kept = build_if_changed(connection, contract, run_id=run_id)
        metadata = summary(connection, contract)
        context.log.info(f"{name}: {metadata['dagster/row_count']:,} rows{', as they were' if is_kept else ''}")
        is_sound = all(result.passed for result in results)
        if then and is_sound:
            metadata = {**then(connection, run_id), **metadata}  # what it has to show stands first
        results += warnings(context, contract, warns, is_sound=is_sound)
        return dg.MaterializeResult(metadata=metadata, check_results=results)

    return build


def warnings(
    context: dg.AssetExecutionContext, contract: Contract, warns: Iterable[Warn], *, is_sound: bool
) -> list[dg.AssetCheckResult]:
    """The results of a table's checks that only warn, each told in the run's log."""
    results = []
    for warn in warns:
        broken = Seen(False, [f"{contract.name} breaks its contract"], {})
        seen = look(context.resources.warehouse, warn) if is_sound else broken
        for sentence in seen.sentences:
            context.log.warning(sentence)
        results.append(warn_result(contract, warn, seen))
    return results


def built_from(connection: duckdb.DuckDBPyConnection, contract: Contract) -> list[str]:
    """The fingerprints of what a table's SELECT reads, now, and of the SELECT.

    A core table reads the registers for the submissions that its raw tables hold, so a line of any other leaves it as
    it is. What its checks read counts too.
    """
    names = {*reads(select_of(contract)), *checks_read(contract)}
    registers = names & set(REGISTERS) if contract.layer == "core" else set()
    arrived = " union all ".join(
        f"select submission_id from {name}" for name in sorted(names - registers) if name.startswith("raw.")
    )
    lines = [
        f"{name} of {contract.name}@"
        + content(connection, f"(select * from {name} where submission_id in ({arrived or 'null'}))")
        for name in sorted(registers)
    ]
    return [*inputs_of(connection, names - registers), *lines, definition(contract.name)]


def build_if_changed(
    connection: duckdb.DuckDBPyConnection, contract: Contract, *, run_id: str
) -> tuple[list[dg.AssetCheckResult], bool]:
    """Build a table and check it, unless that was done with what it stands on now; returns whether it was, too."""
    if built_in := build_of(connection, contract.name, built_from(connection, contract)):
        return checks_before(contract, built_in), True
    build_table(connection, contract, run_id=run_id)
    return checked(connection, contract), False


def checked(connection: duckdb.DuckDBPyConnection, contract: Contract) -> list[dg.AssetCheckResult]:
    """The results of a table's checks, run now, and noted: what is not sound is not published."""
    results = run_checks(connection, contract)
    set_sound(connection, contract.name, all(result.passed for result in results))
    return results


def build_table(connection: duckdb.DuckDBPyConnection, contract: Contract, *, run_id: str) -> None:
    """Build one table, and for a core table of returns the view of the accepted ones."""
    select, view = select_of(contract), None
    if has_current_view(contract):
        what = f"The accepted returns of {contract.name}: {contract.description}"
        view = (contract.name + CURRENT, select_current(contract), what)
    replace_table(
        connection,
        contract.name,
        select,
        description=contract.description,
        columns=contract.columns,
        inputs=built_from(connection, contract),
        run_id=run_id,
        view=view,
    )


def select_current(contract: Contract) -> str:
    """What of a core table is in use: the accepted returns; of publications that hold one key, the newest's row."""
    accepted = "(select submission_id from raw.submissions where status = 'accepted')"
    select = f"select * from {contract.name} where submission_id in {accepted}"
    if not contract.newest_counts:
        return select
    key = ", ".join(f"current.{name}" for name in contract.grain if name != "submission_id")
    return f"""
        select current.*
        from ({select}) as current
        inner join raw.submissions using (submission_id)
        qualify row_number() over (partition by {key} order by prepared_on desc nulls last, arrival_number desc) = 1
    """


def has_current_view(contract: Contract) -> bool:
    """Whether a table holds returns, so that a view shows the accepted ones."""
    return contract.layer == "core" and "submission_id" in [column.name for column in contract.columns]


@cache
def definition(name: str) -> str:
    """`sql/layer.table@hash` of a table's contract and of what makes it: its SELECT and the macros, or its modules.

    How any table is built and checked is part of it: a release that checks more must look at what stays, too.
    """
    contract, beside = contracts()[name], SQL / name.replace(".", "/")
    made_by = [PROJECT / given for given in contract.made_by]
    paths = [beside.with_suffix(".toml"), *(PROJECT / "llr_pipeline" / module for module in BUILDING)]
    paths += [m for path in made_by for m in (sorted(path.glob("*.py")) if path.is_dir() else [path])]
    if not made_by:
        paths += [beside.with_suffix(".sql"), SQL / "macros.sql"]
    if other := contract.columns_of:
        paths.append((SQL / other.replace(".", "/")).with_suffix(".toml"))
    return fingerprint(f"sql/{name}", *(path.read_bytes() for path in paths))


def definitions() -> list[str]:
    """The definition of every table that a step makes from others."""
    return [
        definition(contract.name)
        for contract in contracts().values()
        if contract.made_by or contract.layer not in ("raw", "reference")
    ]


def select_of(contract: Contract) -> str:
    """The SELECT of a table: `sql/<layer>/<table>.sql`."""
    return (SQL / contract.layer / f"{contract.table}.sql").read_text(encoding="utf-8")


def load_reference(connection: duckdb.DuckDBPyConnection, *, run_id: str) -> None:
    """Load the reference tables that changed since they were last loaded; all of them into a new warehouse."""
    mark = folder_fingerprint("reference", (SQL / "reference").iterdir())
    known = connection.execute("select table_name from raw.table_builds where inputs = [?]", [mark]).fetchall()
    for contract in contracts().values():
        if not contract.is_list or (contract.name,) in known:
            continue
        with transaction(connection):
            columns = ", ".join(f'"{c.name}"::{c.type} as "{c.name}"' for c in contract.columns)
            path = SQL / "reference" / f"{contract.table}.csv"
            select = f"select {columns} from read_csv(?, header = true, all_varchar = true)"
            connection.execute(f"create or replace table {contract.name} as {select}", [str(path)])
            comment(connection, "table", contract.name, contract.description, contract.columns)
            record_build(connection, contract.name, [mark], run_id, is_sound=False, holds=[contract.name])


@cache
def reads(select: str) -> tuple[str, ...]:
    """The tables that a SELECT reads, `core.x_current` counted as `core.x`, from DuckDB's own parse of it."""
    # a literal, not a parameter: DuckDB imports pandas (0.4 CPU s) for the first query that has parameters
    (text,) = duckdb.execute(f"select json_serialize_sql({quoted(select)})").fetchone()
    tree = json.loads(text)
    if tree.get("error"):
        raise ValueError(f"DuckDB cannot read this SELECT: {tree.get('error_message')}")
    found = {f"{node['schema_name']}.{node['table_name']}" for node in _base_tables(tree) if node["schema_name"]}
    return tuple(sorted(name.removesuffix(CURRENT) for name in found))


def _base_tables(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield node
        for child in node.values():
            yield from _base_tables(child)
    elif isinstance(node, list):
        for child in node:
            yield from _base_tables(child)


def summary(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, Any]:
    """Rows, periods and one total: enough to see on a run's page whether the data moved."""
    names = [column.name for column in contract.columns]
    (rows,) = connection.execute(f"select count(*) from {contract.name}").fetchone()
    found: dict[str, Any] = {"dagster/row_count": rows}
    for period in ("financial_year", "quarter", "month", "round"):
        if period in names:
            first, last = connection.execute(f'select min("{period}"), max("{period}") from {contract.name}').fetchone()
            found["periods"] = f"{first} to {last}" if first else "none"
            break
    if contract.total:
        (total,) = connection.execute(f"select {contract.total.expression} from {contract.name}").fetchone()
        found["total"] = float(total)
    return found


def column_schema(columns: Iterable[Column]) -> dg.TableSchema:
    """The columns as the UI shows them."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                column.type,
                description=f"{column.description} [{column.unit}]" if column.unit else column.description,
                constraints=dg.TableColumnConstraints(nullable=not column.required),
            )
            for column in columns
        ]
    )


def key_and_source(contract: Contract) -> str:
    """A line on the key and one on the source, in Markdown."""
    lines = [f"Key: {', '.join(contract.grain)}."]
    if contract.source:
        lines.append("Source: " + "; ".join(f"{value}" for value in contract.source.values()) + ".")
    return "\n\n".join(lines)
