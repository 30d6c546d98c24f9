"""Tables as Dagster assets: `table("mart.x")` makes the asset of `sql/mart/x.sql` with its contract and blocking checks.

What a SELECT reads is asked of DuckDB's own parser, so nobody types a list of dependencies. Which tables there are is
said in `assets/`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import dagster as dg
import duckdb

from llr_pipeline import intake
from llr_pipeline.checks import check_specs, run_checks
from llr_pipeline.contracts import Column, Contract, contracts
from llr_pipeline.paths import SQL, current_home
from llr_pipeline.publishing import publish
from llr_pipeline.warehouse import (
    comment,
    folder_fingerprint,
    inputs_of,
    locked,
    opened,
    record_build,
    replace_table,
    transaction,
)

CURRENT = "_current"
PIPELINE_OWN = ("raw.schema_migrations", "raw.table_builds")  # kept by the warehouse itself, made by no step


class Warehouse(dg.ConfigurableResource):
    """The home's warehouse, held by one run: the lock and the one connection from the run's start to its end."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[duckdb.DuckDBPyConnection]:
        home = current_home()
        with locked(home, who=f"run {context.run_id}"), opened(home) as connection:
            yield connection


def table(name: str) -> dg.AssetsDefinition:
    """The asset of one SQL table: `create or replace`, comments and checks, in the order that makes a failure harmless.

    A core table also gets its view `core.<table>_current`, with the rows of accepted returns alone.
    """
    contract = contracts()[name]
    sql = SQL / contract.layer / f"{contract.table}.sql"
    select = sql.read_text(encoding="utf-8")
    upstream = reads(select)

    @dg.asset(
        key=[contract.layer, contract.table],
        deps=[dg.AssetKey(read.split(".")) for read in upstream],
        description=f"{contract.description}\n\n{columns_table(contract)}",
        group_name=contract.group,
        kinds={"duckdb", "sql"},
        code_version=hashlib.sha256(select.encode()).hexdigest()[:12],
        check_specs=check_specs(contract),
        metadata={"dagster/column_schema": column_schema(contract.columns), "dagster/relation_identifier": name},
        op_tags={"layer": contract.layer},
        required_resource_keys={"warehouse"},
    )
    def build(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        connection = context.resources.warehouse
        view = None
        if contract.layer == "core" and "submission_id" in [column.name for column in contract.columns]:
            accepted = "(select submission_id from raw.submissions where status = 'accepted')"
            select_current = f"select * from {name} where submission_id in {accepted}"
            view = (f"{name}{CURRENT}", select_current, f"The accepted returns of {name}: {contract.description}")
        rows = replace_table(
            connection, name, select,
            description=contract.description, columns=contract.columns,
            inputs=inputs_of(connection, upstream), run_id=context.run_id, view=view,
        )  # fmt: skip
        context.log.info(f"{name}: {rows:,} rows")
        return dg.MaterializeResult(
            metadata={"dagster/row_count": rows, **summary(connection, contract)},
            check_results=run_checks(connection, contract),
        )

    return build


def reference_tables(*, group: str = "reference") -> dg.AssetsDefinition:
    """One step that loads every `sql/reference/*.csv` as its contract says, each table with its contract check."""
    found = [contract for contract in contracts().values() if contract.layer == "reference"]

    @dg.multi_asset(
        name="reference_tables",
        specs=[
            dg.AssetSpec(
                ["reference", contract.table],
                description=f"{contract.description}\n\n{columns_table(contract)}",
                group_name=group,
                kinds={"duckdb", "csv"},
                metadata={"dagster/column_schema": column_schema(contract.columns)},
            )
            for contract in found
        ],
        check_specs=[spec for contract in found for spec in check_specs(contract)],
        required_resource_keys={"warehouse"},
    )
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        connection = context.resources.warehouse
        load_reference(connection, run_id=context.run_id)
        for contract in found:
            rows = connection.execute(f"select count(*) from {contract.name}").fetchone()[0]
            yield dg.MaterializeResult(
                asset_key=["reference", contract.table],
                metadata={"dagster/row_count": rows},
                check_results=run_checks(connection, contract),
            )

    return load


def load_reference(connection: duckdb.DuckDBPyConnection, *, run_id: str) -> None:
    """Load the reference tables that changed since they were last loaded; all of them into a new warehouse."""
    mark = folder_fingerprint("reference", (SQL / "reference").iterdir())
    known = connection.execute("select table_name from raw.table_builds where inputs = [?]", [mark]).fetchall()
    for contract in contracts().values():
        if contract.layer != "reference" or (contract.name,) in known:
            continue
        with transaction(connection):
            columns = ", ".join(f'"{c.name}"::{c.type} as "{c.name}"' for c in contract.columns)
            path = SQL / "reference" / f"{contract.table}.csv"
            select = f"select {columns} from read_csv(?, header = true, all_varchar = true)"
            connection.execute(f"create or replace table {contract.name} as {select}", [str(path)])
            comment(connection, "table", contract.name, contract.description, contract.columns)
            record_build(connection, contract.name, [mark], run_id)


def received_tables(*, group: str = "intake") -> dg.AssetsDefinition:
    """One step that takes in the inbox: the register, the findings and every raw table."""
    key = dg.AssetKey(["raw", "submissions"])
    found = {name: about for name, about in intake.raw_descriptions().items() if f"raw.{name}" not in PIPELINE_OWN}

    @dg.multi_asset(
        name="intake",
        specs=[
            dg.AssetSpec(
                ["raw", name],
                deps=[["reference", c.table] for c in contracts().values() if c.layer == "reference"],
                description=description,
                group_name=group,
                kinds={"duckdb", "excel"},
                metadata={"dagster/column_schema": column_schema(columns)},
            )
            for name, (description, columns) in found.items()
        ],
        check_specs=[
            dg.AssetCheckSpec("nothing_was_refused", asset=key, description="No file of this run was refused."),
        ],
        required_resource_keys={"warehouse"},
    )
    def take_in(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        connection = context.resources.warehouse

        def progress(done: int, total: int, name: str) -> None:
            context.log.info(f"intake {done} of {total}: {name}")

        took = intake.take_in(connection, current_home(), run_id=context.run_id, progress=progress)
        about = {
            "accepted": len(took.accepted), "superseded": len(took.superseded), "duplicate": len(took.duplicate),
            "refused": len(took.refused), "read_again": took.read_again, "workbooks_opened": took.opened,
        }  # fmt: skip
        if took.refused:
            lines = [f"| {name} | {reason} |" for name, reason in took.refused]
            about["refused_files"] = dg.MetadataValue.md("\n".join(["| file | why |", "|---|---|", *lines]))
        for name in found:
            (rows,) = connection.execute(f"select count(*) from raw.{name}").fetchone()
            is_register = name == "submissions"
            check = dg.AssetCheckResult(
                check_name="nothing_was_refused", asset_key=key, passed=not took.refused,
                severity=dg.AssetCheckSeverity.WARN, metadata={"refused": len(took.refused)},
            )  # fmt: skip
            yield dg.MaterializeResult(
                asset_key=["raw", name],
                metadata={"dagster/row_count": rows, **(about if is_register else {})},
                check_results=[check] if is_register else [],
            )

    return take_in


@cache
def reads(select: str) -> tuple[str, ...]:
    """The tables that a SELECT reads, `core.x_current` counted as `core.x`, from DuckDB's own parse of it."""
    (text,) = duckdb.execute("select json_serialize_sql(?::varchar)", [select]).fetchone()
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
    """Periods and one total: enough to see on a run's page whether the data moved."""
    names = [column.name for column in contract.columns]
    found: dict[str, Any] = {}
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
                column.name, column.type,
                description=f"{column.description} [{column.unit}]" if column.unit else column.description,
                constraints=dg.TableColumnConstraints(nullable=not column.required),
            )
            for column in columns
        ]
    )  # fmt: skip


def columns_table(contract: Contract) -> str:
    """A line on the key and the source, in Markdown."""
    lines = [f"Key: {', '.join(contract.grain)}."]
    if contract.source:
        lines.append("Source: " + "; ".join(f"{value}" for value in contract.source.values()) + ".")
    return "\n\n".join(lines)


def published_file(*, group: str = "publishing") -> dg.AssetsDefinition:
    """The step that publishes: it stands on every table, so a blocking check that fails anywhere stops it."""
    every = [contract.name for contract in contracts().values()] + [f"raw.{name}" for name in intake.raw_descriptions()]

    @dg.asset(
        key=["published", "llr"],
        deps=[dg.AssetKey(name.split(".")) for name in sorted(set(every) - set(PIPELINE_OWN))],
        description="The file that analysts open: a copy of the warehouse, swapped into place when every check passed.",
        group_name=group,
        kinds={"duckdb"},
        required_resource_keys={"warehouse"},
    )
    def publish_file(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        published = publish(context.resources.warehouse, current_home().published)
        context.log.info(f"published {published.tables} tables, {published.size_bytes:,} bytes")
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(published.path)),
                "size_bytes": published.size_bytes,
                "sha256": published.sha256,
                "tables": published.tables,
            }
        )

    return publish_file
