"""Slips of known sizes in a clean round, one a copy of it, and which checks of triangulation find them.

Each slip has a copy of the round to itself, under a name of its own, so that the SELECTs judge many slips at once and
whatever differs in a copy is due to its slip. Shared by `test_triangulation_slips.py` and
`tests.benchmarks.triangulation_detection`. What a scheme implies in beds is not worked out anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

from llr_pipeline.contracts import contracts
from llr_pipeline.paths import SQL

FAMILIES = ("activity", "beds", "workforce", "productivity", "finance", "parts", "units")
TABLES = [*(f"mart.triangulation_{family}" for family in FAMILIES), "mart.triangulation_checks"]
# table and column -> rows of it that a comparison stands on; a value of 0 cannot slip by a factor
COMPARED: Mapping[tuple[str, str], str] = {
    ("activity", "spells"): "spells > 0", ("activity", "bed_days"): "bed_days > 0",
    ("activity", "attendances"): "attendances > 0", ("activity", "contacts"): "contacts > 0",
    ("beds", "available_beds"): "available_beds > 0 and starts_with(bed_definition, 'stp')",
    ("beds", "occupied_beds"): "occupied_beds > 0 and starts_with(bed_definition, 'stp')",
    ("bed_scheme_claims", "claimed_beds"): "claimed_beds <> 0",
    ("income_expenditure", "amount_gbp"): "amount_gbp > 0",
    ("savings", "gross_saving_gbp"): "gross_saving_gbp > 0", ("savings", "investment_gbp"): "investment_gbp > 0",
    ("workforce", "wte"): "wte > 0", ("workforce", "pay_cost_gbp"): "pay_cost_gbp > 0",
}  # fmt: skip
CORE = (
    "activity", "beds", "bed_schemes", "bed_scheme_claims", "income_expenditure", "savings", "savings_schemes",
    "capital", "workforce", "assumptions",
)  # fmt: skip


# a change well within the tightest tolerance of a column's comparisons: times, and added
WELL_WITHIN: Mapping[str, tuple[float, float]] = {
    "spells": (1.001, 0.0), "bed_days": (1.001, 0.0), "attendances": (1.001, 0.0), "contacts": (1.001, 0.0),
    "available_beds": (1.0, 0.2), "occupied_beds": (1.0025, 0.0), "claimed_beds": (1.0, 0.2),
    "amount_gbp": (1.0, 9_000.0), "gross_saving_gbp": (1.0, 500.0), "investment_gbp": (1.0, 9_000.0),
    "wte": (1.005, 0.0), "pay_cost_gbp": (1.0, 900.0),
}  # fmt: skip


@dataclass(frozen=True)
class Slip:
    """A value of a core table that is multiplied, then added to: the row's number, by the table's own order."""

    table: str
    column: str
    row: int
    value: float
    times: float = 1.0
    plus: float = 0.0


def clean_round(published: Path, *, only: str = "true", activity: str = "true") -> duckdb.DuckDBPyConnection:
    """The latest round of a published file in memory, as the SELECTs read it; `only` picks organisations' rows, and
    `activity` some of their activity.
    """
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(f"attach '{published}' as given (read_only)")
    for schema in ("reference", "raw", "core", "mart", "base"):
        connection.execute(f"create schema {schema}")
    connection.execute((SQL / "macros.sql").read_text(encoding="utf-8"))
    latest = "(select max(round) from given.mart.triangulation_summary)"
    for name in contracts():
        if name.startswith("reference."):
            connection.execute(f"create table {name} as select * from given.{name}")
    chosen = f"(select organisation_code from reference.organisations where {only})"
    for table in CORE:
        keep = "true" if table == "assumptions" else only
        if table in ("activity", "income_expenditure"):
            keep = f"({keep} or counterparty_code in {chosen})"
        if table == "activity":
            keep = f"{keep} and {activity}"
        connection.execute(
            f"create table base.{table} as select *, (row_number() over ())::integer as slip_row "
            f"from (select * from given.core.{table}_current where round = {latest} and ({keep}) order by all)"
        )
    connection.execute(
        f"create table base.bed_scheme_effects as select * from given.mart.bed_scheme_effects where round = {latest} "
        f"and sender_code in {chosen}"
    )
    connection.execute(
        f"create table base.submissions as select * from given.raw.submissions where period = {latest} "
        "and status = 'accepted'"
    )
    connection.execute(f"create table base.rounds as select * from reference.rounds where round = {latest}")
    for name, source in (("raw.sheets", "raw.sheets"), ("raw.totals", "raw.totals"),
                         ("mart.return_completeness",) * 2, ("mart.triangulation_gaps",) * 2):  # fmt: skip
        connection.execute(f"create table {name} as select * from given.{source} limit 0")
    connection.execute("detach given")
    return connection


def some_slips(
    connection: duckdb.DuckDBPyConnection, *, each: int, seed: int, times: float = 1.0, least: float = 0.0
) -> list[Slip]:
    """So many values of each compared column, at random, multiplied by the same factor; none smaller than `least`."""
    generator, slips = np.random.default_rng(seed), []
    for (table, column), condition in COMPARED.items():
        rows = connection.execute(
            f"select slip_row, {column}::double from base.{table} "
            f"where {condition} and abs({column}) >= {least} order by 1"
        ).fetchall()
        for place in generator.permutation(len(rows))[:each]:
            slips.append(Slip(table, column, *rows[place], times=times))
    return slips


def well_within(slip: Slip) -> Slip:
    """The slip made so small that no check may call it a difference."""
    times, plus = WELL_WITHIN[slip.column]
    return replace(slip, times=times, plus=plus)


def differing(connection: duckdb.DuckDBPyConnection, slips: Sequence[Slip]) -> list[set[str]]:
    """The checks that differ in the copy of each slip."""
    copies = f"cross join range({len(slips)}) as copies(n)"
    connection.execute(
        "create or replace table reference.rounds as select * replace (printf('slip %05d', n) as round) "
        f"from base.rounds {copies}"
    )
    copied = "printf('slip %05d', n) as round, submission_id || '-' || n as submission_id"
    for table in CORE:
        connection.execute(
            f"create or replace table core.{table}_current as select * replace ({copied}) from base.{table} {copies}"
        )
    connection.execute(
        "create or replace table mart.bed_scheme_effects as select * replace (printf('slip %05d', n) as round) "
        f"from base.bed_scheme_effects {copies}"
    )
    connection.execute(
        "create or replace table raw.submissions as select * replace (printf('slip %05d', n) as period, "
        f"submission_id || '-' || n as submission_id) from base.submissions {copies}"
    )
    for n, slip in enumerate(slips):
        connection.execute(
            f"update core.{slip.table}_current set {slip.column} = {slip.column} * ?::double + ?::double "
            "where round = ? and slip_row = ?",
            [slip.times, slip.plus, f"slip {n:05d}", slip.row],
        )
    for name in TABLES:
        select = (SQL / f"{name.replace('.', '/')}.sql").read_text(encoding="utf-8")
        connection.execute(f"create or replace table {name} as {select}")
    found: list[set[str]] = [set() for _ in slips]
    for round_, check in connection.execute(
        "select distinct round, check_code from mart.triangulation_checks where verdict = 'differs'"
    ).fetchall():
        found[int(round_.split()[1])].add(check)
    return found
