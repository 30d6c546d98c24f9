"""The report on what happened: beds planned and published, what could be compared, peers, layouts that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import duckdb

from assets.reports.actual_charts import beds_by_year
from llr_pipeline.contracts import contracts
from llr_pipeline.reports import Document, Table, number, rows_of

Row = Mapping[str, Any]
CREDITS = (f"Published beds: {contracts()['reference.kh03_outturn'].source['title']}.",)
NOT_SUBTRACTED = (
    "The plan counted beds in its own way: its beds are drawn beside KH03's and are never subtracted from them. "
    "Where a year has not four quarters of KH03, the published lines have a gap."
)
BESIDE = """
    with

    comparisons as (
        select
            *,
            case measure
                when 'available_beds' then ': available'
                when 'occupied_beds' then ': occupied'
                when 'occupancy_share' then ': occupancy, %'
                else ''
            end as of_it,
            if(measure = 'occupancy_share', 100, 1) as shown_as,
        from mart.plan_against_actuals
        where actual_value is not null and round = (select max(round) from mart.plan_against_actuals)
    )

    select
        organisation_code as "Organisation",
        financial_year as "Year",
        planned_name || of_it as "Planned",
        round(shown_as * planned_value, 1) as "Plan",
        actual_name as "Published as",
        round(shown_as * actual_value, 1) as "Published",
        round(shown_as * difference, 1) + 0 as "Difference",
        case
            when verdict = 'year incomplete' and periods_needed = 1 then 'not of 31 March'
            when verdict = 'year incomplete' then concat(periods_found, ' of ', periods_needed, ' periods are in')
            else verdict
        end as "Verdict",
    from comparisons
    order by verdict, organisation_code, subject, "Planned", "Published as", financial_year
"""
SELECTS = (
    (
        "The plan beside what was published",
        BESIDE,
        "Difference = published - planned, only where both count the same thing and the whole year is in. Beds are the "
        "year's mean, staff whole-time equivalents at 31 March.",
    ),
    (
        "What is compared with what",
        """
        select
            planned_name as "Planned",
            actual_name as "Published",
            if(bool_and(is_same), 'yes', 'no') as "Subtracted",
            coalesce(any_value(reason), 'Both count the same') as "Why",
        from reference.definition_pairs
        group by all
        order by min(position)
        """,
        "reference.definition_pairs has them; a pair that is not there is not compared.",
    ),
    (
        "Among peers, latest period of each",
        """
        select
            replace(measure, '_', ' ') as "Measure",
            organisation_code as "Organisation",
            peer_group as "Among",
            period as "Period",
            round(100 * value_share, 1) as "Value, %",
            round(100 * median_share, 1) as "Median, %",
            rank as "Rank",
            peers as "Of",
            quartile as "Quartile",
        from mart.peer_comparison
        qualify row_number() over (partition by measure, peer_group, organisation_code order by period desc) = 1
        order by all
        """,
        "Rank 1 is the lowest value; higher is worse in every measure. A mean or a quartile of few says little.",
    ),
)


def actuals(connection: duckdb.DuckDBPyConnection) -> Document:
    """Beds by year, planned and published, of each organisation with a published year; comparisons in tables."""
    rows = rows_of(
        connection,
        "select * from report.actuals order by organisation_kind <> 'acute', organisation_code, series, financial_year",
    )
    tables = _tables(connection)
    if not rows:
        said = "No whole year of published beds is in yet."
        return Document(title="Plan against actuals", summary=said, tables=tables, credits=CREDITS)
    trusts = [list(found) for _, found in groupby(rows, key=lambda row: row["organisation_code"])]
    names = [found[0]["organisation_name"] for found in trusts]
    return Document(
        title=f"Plan against actuals: {names[0]}",
        summary="\n\n".join(_summary(name, found) for name, found in zip(names, trusts, strict=True)),
        charts=[
            beds_by_year(f"beds_{found[0]['organisation_code'].lower()}", found, title=f"{name}: beds by year")
            for name, found in zip(names, trusts, strict=True)
        ],
        tables=tables,
        notes=[NOT_SUBTRACTED],
        credits=CREDITS,
    )


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


def _tables(connection: duckdb.DuckDBPyConnection) -> Sequence[Table]:
    made = []
    for title, select, note in SELECTS:
        frame = connection.execute(select).df()
        if len(frame):
            made.append(Table(title=title, frame=frame.astype(object).where(frame.notna(), None), notes=[note]))
    return made
