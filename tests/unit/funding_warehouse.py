"""The funding tables as SQL makes them, from lines by hand: core tables as their contracts say, then every mart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pandas as pd
import pyarrow as pa

from assets.finance.projection import project
from llr_pipeline.contracts import contracts
from llr_pipeline.paths import SQL
from tests.unit.bed_tables import ROUND, YEARS
from tests.unit.funding_tables import Lines, funding_tables

CONTRACTS = contracts()
READ = (
    "core.capital_current", "core.bed_schemes_current", "core.indicators_current", "mart.return_completeness",
)  # fmt: skip
MODELLED = tuple(
    name for name, c in CONTRACTS.items() if c.layer == "mart" and "assets/finance" in (c.made_by or ())
)  # fmt: skip
REFERENCE = (
    "reference.organisations", "reference.rounds", "reference.financial_years", "reference.savings_indicators",
)  # fmt: skip
NOT_MODELLED = ("mart.system_flows", "mart.capital_plan", "mart.capital_totals")
OF_DOUBTS = ("mart.system_flows", "mart.funding_inflation", "mart.funding_doubts")
MARTS = (
    "mart.system_flows", "mart.funding_inflation", "mart.funding_gap_projections", "mart.funding_gap_totals",
    "mart.savings_delivered", "mart.savings_schemes", "mart.funding_doubts", "mart.capital_plan",
    "mart.capital_totals",
)  # fmt: skip


def funding_warehouse(
    lines: Lines, *, returned: Sequence[str] | None = None, owed: Sequence[str] = (), capital: Lines = (),
    indicators: Lines = (), bed_schemes: Lines = (), marts: Sequence[str] = MARTS, **more: object,
) -> duckdb.DuckDBPyConnection:  # fmt: skip
    """The funding marts of these lines, in the round's six years. `owed`: organisations that owe a finance return;
    `returned`: those of them that have sent one, by default those with lines.
    """
    connection = duckdb.connect(config={"threads": 1})
    for layer in ("reference", "core", "mart"):
        connection.execute(f"create schema {layer}")
    connection.execute((SQL / "macros.sql").read_text(encoding="utf-8"))
    for name in REFERENCE:
        path = SQL / f"{name.replace('.', '/')}.csv"
        _create(connection, name, f"(from read_csv('{path}', all_varchar = true, header = true))")
    tables = funding_tables(lines, last_year=YEARS[-1], **more)
    sent = {row["organisation_code"] for row in lines} if returned is None else {*returned}
    completeness = [
        {"organisation_code": code, "template": "finance", "period": ROUND, "is_expected": True,
         "submission_id": f"{code}-finance" if code in sent else None}
        for code in owed
    ]  # fmt: skip
    others = dict(zip(READ, (capital, bed_schemes, indicators, completeness), strict=True))
    frames = {name: frame for name, frame in tables.items() if not name.startswith("reference.")}
    for name, frame in (frames | {name: pd.DataFrame(list(rows)) for name, rows in others.items()}).items():
        _fill(connection, name, frame)
    made = {} if marts and {*marts} <= {*NOT_MODELLED} else project(tables)
    for name in MODELLED:
        _fill(connection, name, made.get(name, pd.DataFrame()))
    make(connection, *marts)
    return connection


def make(connection: duckdb.DuckDBPyConnection, *marts: str) -> None:
    """Make these marts, in their order, each of which must keep its contract."""
    for name in marts:
        sql = (SQL / f"{name.replace('.', '/')}.sql").read_text(encoding="utf-8")
        connection.execute(f"create table {name} as {sql}")
        _hold_the_grain(connection, name)


def _fill(connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
    """The table of a contract, its columns by name; one that no line has is empty."""
    if frame.empty:
        columns = ", ".join(f"{c.name} {c.type}" for c in _contract(name).columns)
        connection.execute(f"create table {name} ({columns})")
        return
    columns = [column.name for column in _contract(name).columns]
    lines = [
        {name: None if pd.isna(row.get(name)) else str(row[name]) for name in columns}
        for row in frame.to_dict("records")
    ]
    schema = pa.schema([(column, pa.string()) for column in columns])
    connection.register("lines", pa.Table.from_pylist(lines, schema))
    _create(connection, name, "lines")


def _create(connection: duckdb.DuckDBPyConnection, name: str, source: str) -> None:
    columns = ", ".join(f"{c.name}::{c.type} as {c.name}" for c in _contract(name).columns)
    connection.execute(f"create table {name} as select {columns} from {source}")


def _contract(name: str) -> object:
    return CONTRACTS[name.removesuffix("_current")]


def _hold_the_grain(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """As the pipeline does: a key twice, or a required column empty, stops the run."""
    grain = ", ".join(CONTRACTS[name].grain)
    twice = connection.execute(f"select {grain} from {name} group by all having count(*) > 1").fetchall()
    assert twice == [], f"{name} has a key twice: {twice}"
    kept = {c.name: f"bool_and({c.name} is not null)" for c in CONTRACTS[name].columns if c.required}
    kept |= {f"{c.name} on its list": f"bool_and({c.name} in {(*c.values, '')})"
             for c in CONTRACTS[name].columns if c.values}  # fmt: skip
    found = connection.execute(f"select {', '.join(kept.values())} from {name}").fetchone()
    assert [what for what, is_kept in zip(kept, found, strict=True) if is_kept is False] == [], name


def rows(connection: duckdb.DuckDBPyConnection, select: str) -> list[tuple]:
    """Decimals as floats, which compare with what is written in a test."""
    return [
        tuple(float(value) if type(value).__name__ == "Decimal" else value for value in row)
        for row in connection.execute(select).fetchall()
    ]


def doubts(connection: duckdb.DuckDBPyConnection, guard: str) -> list[Mapping[str, str]]:
    """The doubts of one guard."""
    names = ("area", "about", "message", "cells")
    found = connection.execute(
        f"select {', '.join(names)} from mart.funding_doubts where guard = ? order by all", [guard]
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]
