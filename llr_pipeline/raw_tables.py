"""The raw tables: their columns, as contracts and readers make them, and making them in the warehouse.

What is loaded into them, and when, is in `intake.py`.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import duckdb
import pyarrow as pa

from llr_pipeline.contracts import Column, contracts, read_contract, templates
from llr_pipeline.paths import PROJECT, SQL
from llr_pipeline.publications import PUBLICATIONS, publications
from llr_pipeline.returns import SHEETS, TOTALS, arrow_schema, raw_schema
from llr_pipeline.warehouse import comment, comments_of, folder_fingerprint, identifier, transaction

READER_FILES = (
    "cells", "codes", "contracts", "cover", "findings", "headings", "layout", "lines", "numerals", "parquet_files",
    "periods", "personal_data", "preflight", "publications", "published_grids", "published_groups", "published_layouts",
    "published_values", "returns", "text_files", "unseen", "workbooks",
)  # fmt: skip
FINDINGS = arrow_schema(read_contract(SQL / "raw" / "findings.toml"))


COMMENTS = """
select table_name, '', comment from duckdb_tables() where schema_name = 'raw' and comment is not null
union all
select table_name, column_name, comment from duckdb_columns() where schema_name = 'raw' and comment is not null
"""

ROW_COLUMNS = (
    Column("submission_id", "File that the row was read from"),
    Column("sheet", "Sheet that the row stands on"),
    Column("row_number", "Row number on the sheet", type="integer"),
)
READ_COLUMNS = (
    Column(
        "reading",
        "Each column as read: codes for entries on a list, numbers, dates; empty where it could not be read",
        type="struct",
    ),
    Column("cell", "Each column's cell, such as B7", type="struct"),
    Column("is_quarantined", "Whether an error keeps the row out of core; see raw.findings", type="boolean"),
)

GRID_COLUMNS = (
    Column("block", "Block of rows of the sheet, as the contract names it"),
    Column("days", "Day or days that the value is of, as the headings say; empty where a key says it"),
    Column("heading", "Heading of the value; empty where a sheet has one measure"),
)


@cache
def reader_version() -> str:
    """Changes when a contract, a code list or the reader's code changes: what was read before is then read again."""
    package = PROJECT / "llr_pipeline"
    paths = [*(package / f"{name}.py" for name in READER_FILES), *(SQL / "raw").glob("*.toml")]
    paths += [p for p in (SQL / "reference").glob("*.csv") if p.stem != "published_figures"]
    return folder_fingerprint("reader", paths)


def raw_schemas() -> dict[str, pa.Schema]:
    """Every raw table that readings are loaded into, submission apart."""
    sheets = {s.table: raw_schema(s) for t in templates().values() for s in t.sheets}
    published = {name: schema for p in publications().values() for name, schema in p.schemas.items()}
    return {
        **sheets,
        **published,
        "publications": PUBLICATIONS,
        "totals": TOTALS,
        "sheets": SHEETS,
        "findings": FINDINGS,
    }


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the register and the raw tables. A table whose contract changed is made anew: its returns are read again."""
    for register in (contracts()["raw.submissions"], contracts()["raw.actions"]):
        columns = ", ".join(f"{c.name} {c.type}{' not null' if c.required else ''}" for c in register.columns)
        key = ", ".join(register.grain)
        connection.execute(f"create table if not exists {register.name} ({columns}, primary key ({key}))")
    for name, schema in raw_schemas().items():
        empty = pa.schema([("submission_id", pa.string()), *schema]).empty_table()
        connection.register("empty", empty)
        wanted = connection.execute("describe select * from empty").fetchall()
        try:
            found = connection.execute(f"describe raw.{name}").fetchall()
        except duckdb.CatalogException:
            found = []
        if [row[:2] for row in found] != [row[:2] for row in wanted]:
            # Whatever is in the register is read again, even when the change is undone. The rows are kept, as far as
            # they fit, for a return that is in use and that the new contract refuses.
            same = [row[:2] for row in wanted if row[0] in {old[0] for old in found}]
            kept = ", ".join(
                f"try_cast({identifier(column)} as {kind}) as {identifier(column)}" for column, kind in same
            )
            with transaction(connection):
                if found:
                    connection.execute(f"create or replace temp table rows_before as select {kept} from raw.{name}")
                connection.execute(f"create or replace table raw.{name} as select * from empty")
                if found:
                    connection.execute(f"insert into raw.{name} by name from rows_before")
                connection.execute("update raw.submissions set reader = ''")
        connection.unregister("empty")
    found = defaultdict(dict)
    for name, column, text in connection.execute(COMMENTS).fetchall():
        found[name][column] = text
    for name, (description, described) in raw_descriptions().items():
        if found[name] != comments_of(description, described):
            comment(connection, "table", f"raw.{name}", description, described)


def raw_descriptions() -> dict[str, tuple[str, list[Column]]]:
    """Description and columns of every raw table."""
    found = {c.table: (c.description, list(c.columns)) for c in contracts().values() if c.layer == "raw"}
    for sheet in (sheet for template in templates().values() for sheet in template.sheets):
        period = [Column(sheet.period, "Period of the value")] if sheet.period else []
        received = [Column(c.name, f"{c.description}; as received", unit=c.unit) for c in sheet.columns]
        found[sheet.table] = (sheet.description, [*ROW_COLUMNS, *period, *received, *READ_COLUMNS])
    for publication in publications().values():
        for name, schema in publication.schemas.items():
            columns = [c for c in publication.columns if c.name in schema.names]
            received = [Column(c.name, f"{c.description}; as received", unit=c.unit) for c in columns]
            grid = GRID_COLUMNS if publication.grid and name == publication.grid.table else ()
            found[name] = (publication.description, [*ROW_COLUMNS, *grid, *received, *READ_COLUMNS])
    return found
