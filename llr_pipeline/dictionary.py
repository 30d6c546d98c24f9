"""The data dictionary: every table, view, column and macro, from the contracts that make them, with values as examples.

`entries` is what the pages under `docs/dictionary/` and `reference.dictionary` both say; the table adds an example of
each column from the rows that are published with it. The step that makes it stands on every table, and so also defines
the macros that lead analysts from a figure to its cells (`sql/lineage.sql`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields

import dagster as dg
import duckdb
import pyarrow as pa

from llr_pipeline.checks import check_specs, run_checks
from llr_pipeline.contracts import LAYERS, Column, Contract, contracts, templates
from llr_pipeline.paths import SQL
from llr_pipeline.raw_tables import raw_descriptions
from llr_pipeline.steps import PIPELINE_OWN
from llr_pipeline.tables import CURRENT, column_schema, definition, has_current_view
from llr_pipeline.warehouse import build_of, folder_fingerprint, identifier, inputs_of, replace_table, set_sound

NAME = "reference.dictionary"
MACROS = "macros"
MACRO = re.compile(
    r"^((?:--[^\n]*\n)+)create or replace macro (?P<name>\w+)\((?P<takes>[^)]*)\) as(?P<table> table)?", re.MULTILINE
)
LONGEST_EXAMPLE = 80
LOOKED_AT = 200


@dataclass(frozen=True)
class Entry:
    """A table, view or macro (`column_name` is empty), or a column: what it holds, in words, and within what bounds."""

    layer: str
    name: str
    column_name: str
    position: int
    kind: str
    definition: str
    type: str | None = None
    unit: str | None = None
    is_key: bool = False
    is_required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: str | None = None
    source: str | None = None


def entries() -> list[Entry]:
    """Everything that the published file holds by name: layer after layer, a table before its columns."""
    return [*(entry for layer in LAYERS for entry in _of_layer(layer)), *_macros()]


def _of_layer(layer: str) -> Iterator[Entry]:
    if layer == "raw":
        for name, (description, columns) in raw_descriptions().items():
            yield from _of_table(layer, f"raw.{name}", description, columns, keys=_raw_key(name))
        return
    for contract in sorted(contracts().values(), key=lambda contract: contract.name):
        if contract.layer == layer:
            said = "; ".join(contract.source.values()) or None
            yield from _of_table(layer, contract.name, contract.description, contract.columns, contract.grain, said)
            if has_current_view(contract):
                about = (
                    f"The returns in use of {contract.name}, with its columns: take this unless you ask for history."
                )
                yield Entry(layer, contract.name + CURRENT, "", 0, "view", about)


def _raw_key(name: str) -> tuple[str, ...]:
    """A contract's key; of a sheet the row and its period. A published file's rows are told apart by what they say."""
    if contract := contracts().get(f"raw.{name}"):
        return contract.grain
    sheet = {sheet.table: sheet for template in templates().values() for sheet in template.sheets}.get(name)
    return ("submission_id", "row_number", *filter(None, [sheet.period])) if sheet else ()


def _of_table(
    layer: str,
    name: str,
    description: str,
    columns: Iterable[Column],
    keys: tuple[str, ...] = (),
    source: str | None = None,
) -> Iterator[Entry]:
    yield Entry(layer, name, "", 0, "table", description, source=source)
    for position, column in enumerate(columns, 1):
        yield Entry(
            layer,
            name,
            column.name,
            position,
            "column",
            column.description,
            type=column.type,
            unit=column.unit,
            is_key=column.name in keys,
            is_required=column.required or column.name in keys,
            minimum=column.minimum,
            maximum=column.maximum,
            allowed=_allowed(column),
        )


def _allowed(column: Column) -> str | None:
    """The values that a column may hold: themselves, or where they are listed."""
    if column.list is None:
        return ", ".join(column.values) or None
    named = f", list {column.list.name}" if column.list.name else ""
    return f"{column.list.table}.{column.list.code}{named}"


def _macros() -> Iterator[Entry]:
    """The macros of `sql/`, each with the comment above it, which states its units."""
    for path in sorted(SQL.glob("*.sql")):
        for found in MACRO.finditer(path.read_text(encoding="utf-8")):
            words = " ".join(line.removeprefix("--").strip() for line in found[1].splitlines())
            kind = "table macro" if found["table"] else "macro"
            yield Entry(MACROS, found["name"], "", 0, kind, words, type=f"{found['name']}({found['takes']})")


def examples(connection: duckdb.DuckDBPyConnection) -> Mapping[tuple[str, str], str]:
    """A value of each column, as text, by table and column: the first that is there among LOOKED_AT rows of its table.

    Rows are taken by a hash of their key, so that equal tables have equal examples.
    """
    columns: dict[str, list[Entry]] = {}
    for entry in entries():
        if entry.kind == "column" and entry.name not in (NAME, *PIPELINE_OWN):  # those differ from run to run
            columns.setdefault(entry.name, []).append(entry)
    doubles = set(
        connection.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() where data_type = 'DOUBLE'"
        ).fetchall()
    )
    found = {}
    for table, described in columns.items():
        key = ", ".join(identifier(entry.column_name) for entry in described if entry.is_key) or "whole_row"
        texts = [_as_example(e.column_name, is_double=(table, e.column_name) in doubles) for e in described]
        values = connection.execute(
            f"select {', '.join(texts)} "
            f"from (select *, hash({key}) as place from {table} as whole_row order by place limit {LOOKED_AT})"
        ).fetchone()
        pairs = zip(described, values, strict=True)
        found |= {(table, entry.column_name): value for entry, value in pairs if value}
    return found


def _as_example(name: str, *, is_double: bool) -> str:
    """SQL for one example of a column; the last bits of a number may differ from run to run."""
    shown = f"round({identifier(name)}, 6)" if is_double else identifier(name)
    return f"arg_min(left({shown}::varchar, {LONGEST_EXAMPLE}), place)"


def dictionary_table() -> dg.AssetsDefinition:
    """The asset of `reference.dictionary`, and of the macros that read tables."""
    contract = contracts()[NAME]
    described = sorted({entry.name for entry in entries() if entry.kind == "table"} - {NAME})

    @dg.asset(
        key=NAME.split("."),
        deps=[name.split(".") for name in described if name not in PIPELINE_OWN],
        description=contract.description,
        group_name=contract.group,
        kinds={"duckdb", "python"},
        code_version=definition(NAME),
        check_specs=check_specs(contract),
        metadata={"dagster/relation_identifier": NAME, "dagster/column_schema": column_schema(contract.columns)},
        required_resource_keys={"warehouse"},
    )
    def dictionary(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        connection, run_id = context.resources.warehouse, context.run.run_id
        connection.execute(
            (SQL / "lineage.sql").read_text(encoding="utf-8")
        )  # macros over tables: they are all there now
        said = folder_fingerprint("contracts", [*SQL.glob("*/*.toml"), *SQL.glob("*.sql")])
        inputs = [*inputs_of(connection, described), said, definition(NAME)]
        if build_of(connection, NAME, inputs) is None:
            _write(connection, contract, inputs=inputs, run_id=run_id)
        results = run_checks(connection, contract)
        set_sound(connection, NAME, all(result.passed for result in results))
        (rows,) = connection.execute(f"select count(*) from {NAME}").fetchone()
        return dg.MaterializeResult(metadata={"dagster/row_count": rows}, check_results=results)

    return dictionary


def _write(connection: duckdb.DuckDBPyConnection, contract: Contract, *, inputs: Iterable[str], run_id: str) -> None:
    values = examples(connection)
    rows = [asdict(entry) | {"example": values.get((entry.name, entry.column_name))} for entry in entries()]
    names = [*(field.name for field in fields(Entry)), "example"]
    connection.register("described", pa.table({name: [row[name] for row in rows] for name in names}))
    try:
        replace_table(
            connection,
            NAME,
            f"select {', '.join(f'{identifier(c.name)}::{c.type} as {identifier(c.name)}' for c in contract.columns)} "
            "from described",
            description=contract.description,
            columns=contract.columns,
            inputs=inputs,
            run_id=run_id,
        )
    finally:
        connection.unregister("described")
