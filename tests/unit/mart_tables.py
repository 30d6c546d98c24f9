"""A mart made of a few rows by hand: each table that its SELECT reads, empty but for the rows given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from llr_pipeline.contracts import contracts
from llr_pipeline.paths import SQL

Rows = Sequence[Mapping[str, Any]]
RAW = "submission_id varchar, template varchar, organisation_code varchar, period varchar, status varchar"


def mart_warehouse(**tables: Rows) -> duckdb.DuckDBPyConnection:
    """The macros, the reference tables, and rows of `core__beds_current`, `mart__x` or `report__x`, by their names."""
    connection = duckdb.connect(config={"threads": 1})
    for layer in ("reference", "raw", "core", "mart", "report"):
        connection.execute(f"create schema {layer}")
    connection.execute((SQL / "macros.sql").read_text(encoding="utf-8"))
    connection.execute(f"create table raw.submissions ({RAW})")
    for name, contract in contracts().items():
        columns = ", ".join(f'"{column.name}" {column.type}' for column in contract.columns)
        suffix = "_current" if contract.layer == "core" and contract.grain[0] == "submission_id" else ""
        if contract.is_list:
            path = SQL / f"{name.replace('.', '/')}.csv"
            connection.execute(f"create table {name} ({columns})")
            connection.execute(f"insert into {name} from read_csv('{path}', all_varchar = true, header = true)")
        elif contract.layer != "raw":
            connection.execute(f"create table {name}{suffix} ({columns})")
    for name, rows in tables.items():
        for row in rows:
            places = ", ".join("?" for _ in row)
            named = ", ".join(f'"{column}"' for column in row)
            connection.execute(f"insert into {name.replace('__', '.')} ({named}) values ({places})", list(row.values()))
    return connection


def make(connection: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """The rows of a mart, which then stands in the warehouse; its columns and types must be the contract's."""
    contract = contracts()[name]
    select = (SQL / f"{name.replace('.', '/')}.sql").read_text(encoding="utf-8")
    connection.execute(f"create or replace table {name} as {select}")
    cursor = connection.execute(f"select * from {name} order by all")
    made = [(column[0], str(column[1]).lower()) for column in cursor.description]
    assert made == [(column.name, column.type.lower()) for column in contract.columns]
    return [dict(zip([column for column, _ in made], row, strict=True)) for row in cursor.fetchall()]
