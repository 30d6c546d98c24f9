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
