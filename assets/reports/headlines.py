"""The few figures of each report on the asset page of headlines: a Markdown table a report, short enough to show."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import duckdb

from assets.reports.money import MILLION, millions
from llr_pipeline.documents import number, rows_of
from llr_pipeline.reports import INLINE

Row = Mapping[str, Any]
ILLUSTRATIVE = "\\* illustrative"


def headlines(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Each report's headlines by its name; what does not fit is left to the table, from the last on."""
    rows = rows_of(connection, "select * from report.headlines order by report, position")
    return {report: _table(list(found)) for report, found in groupby(rows, key=lambda row: row["report"])}


def _table(rows: list[Row]) -> str:
    lines = [f"| Round {rows[0]['round']} | Figure |", "|---|---:|"]
    ends = ["", ILLUSTRATIVE] if any(row["is_illustrative"] for row in rows) else []
    for row in rows:
        line = f"| {row['headline']} | {_figure(row)} |"
        if len("\n".join([*lines, line, *ends])) < INLINE:
            lines.append(line)
    return "\n".join([*lines, *ends])


def _figure(row: Row) -> str:
    figure, unit = number(row["figure"]), row["unit"]
    if row["figure"] is not None and unit == "GBP m":
        figure = millions(row["figure"] * MILLION)
    elif row["figure"] is not None:
        figure += "%" if unit == "percent" else f" {unit}"
    return f"{figure} \\*" if row["is_illustrative"] else figure
