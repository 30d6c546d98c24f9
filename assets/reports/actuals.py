"""The report on what happened: beds planned and published, what could be compared, peers, layouts that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import duckdb

from assets.reports.actual_charts import beds_by_year
from assets.reports.actual_tables import ACTUALS
from assets.reports.selects import tables_of
from llr_pipeline.contracts import contracts
from llr_pipeline.documents import Document, number, rows_of

Row = Mapping[str, Any]
CREDITS = (f"Published beds: {contracts()['reference.kh03_outturn'].source['title']}.",)
NOT_SUBTRACTED = (
    "The plan counted beds in its own way: its beds are drawn beside KH03's and are never subtracted from them. "
    "Where a year has not four quarters of KH03, the published lines have a gap."
)


def actuals(connection: duckdb.DuckDBPyConnection) -> Document:
    """Beds by year, planned and published, of each organisation with a published year; comparisons in tables."""
    rows = rows_of(
        connection,
        "select * from report.actuals order by organisation_kind <> 'acute', organisation_code, series, financial_year",
    )
    tables = tables_of(connection, ACTUALS)
    if not rows:
        said = "No whole year of published beds is in yet."
        return Document(title="Plan against actuals", summary=said, tables=tables, credits=CREDITS)
    trusts = [list(found) for _, found in groupby(rows, key=lambda row: row["organisation_code"])]
    names = [found[0]["organisation_name"] for found in trusts]
    return Document(
        title=f"Plan against actuals: {names[0]}",
        summary="\n\n".join(
            filter(None, (_comparable(connection), *map(_summary, names, trusts))),
        ),
        charts=[
            beds_by_year(f"beds_{found[0]['organisation_code'].lower()}", found, title=f"{name}: beds by year")
            for name, found in zip(names, trusts, strict=True)
        ],
        tables=tables,
        notes=[NOT_SUBTRACTED],
        credits=CREDITS,
    )


# A figure of the plan may stand beside several published ones: it is compared if one of them counts the same.
COMPARABLE = """
with

figures as (
    select
        plans.financial_year > rounds.base_year as is_later,
        rounds.base_year,
        bool_or(plans.verdict = 'compared') as is_compared,
        bool_or(plans.verdict = 'year incomplete') as is_incomplete,
        bool_or(plans.verdict = 'definitions differ') as is_other,
    from mart.plan_against_actuals as plans
    inner join reference.rounds as rounds on plans.round = rounds.round
    where plans.round = (select max(round) from mart.plan_against_actuals)
    group by
        rounds.base_year, plans.organisation_code, plans.financial_year, plans.measure, plans.planned_definition
)

select
    base_year,
    count(*) filter (is_later) as later,
    count(*) filter (is_later and is_compared) as later_compared,
    count(*) filter (is_later and is_incomplete and not is_compared) as incomplete,
    count(*) filter (is_later and is_other and not is_incomplete and not is_compared) as other,
    count(*) filter (is_later and not is_other and not is_incomplete and not is_compared) as unpublished,
    count(*) filter (not is_later and is_compared) as base_compared,
from figures
group by base_year
"""


def _comparable(connection: duckdb.DuckDBPyConnection) -> str:
    """Whether the page answers its question at all: how much of the plan's own years can be compared, and why not."""
    found = rows_of(connection, COMPARABLE)
    if not found or not found[0]["later"]:
        return ""
    (row,) = found
    counts = {name: number(count) for name, count in row.items() if name != "base_year"}
    said = (
        f"**Of {counts['later']} figures planned for the years after {row['base_year']}, {counts['later_compared']} "
        "can be compared with what happened.**"
        if row["later_compared"]
        else f"**Nothing planned for the years after {row['base_year']} can be compared with what happened yet.**"
    )
    reasons = {
        "unpublished": "have no published figure here",
        "other": "are published by another definition only",
        "incomplete": "have part of the year",
    }
    why = "; ".join(f"{counts[name]} {words}" for name, words in reasons.items() if row[name])
    of_all = "" if row["later_compared"] else f"Of {counts['later']} figures, "
    said += f" {of_all}{why}." if why else ""
    if row["base_compared"] and not row["later_compared"]:
        said += f" The {counts['base_compared']} compared below are of {row['base_year']}, where the plan starts."
    return said


def _summary(name: str, rows: Sequence[Row]) -> str:
    beds = {(row["series"], row["financial_year"]): row["beds"] for row in rows}
    years = [year for (series, year), value in beds.items() if series == "published_occupied" and value is not None]
    said = " and ".join(
        f"{number(beds['published_occupied', year], decimals=0)} of "
        f"{number(beds['published_available', year], decimals=0)} beds in {year}"
        for year in dict.fromkeys((years[0], years[-1]))
    )
    gaps = sorted(year for (series, year), value in beds.items() if series == "published_occupied" and value is None)
    missing = f" Not received in full: {', '.join(gaps)}." if gaps else ""
    return f"**{name} had {said} occupied overnight** (general and acute, KH03).{missing}"
