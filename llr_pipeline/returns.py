"""A planning workbook and its contract -> raw tables with the cell of every value, the totals in it, and findings.

A structural fault refuses the workbook; a faulty cell keeps its row or value out and the rest is read. Who sent it is
read by `cover.py`, where the columns are by `headings.py`, the rows by `lines.py`. Loading belongs to `intake.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from llr_pipeline.cells import quoted
from llr_pipeline.codes import Reference
from llr_pipeline.contracts import Contract, Sheet, Template, read_contract
from llr_pipeline.cover import Identity, read_cover
from llr_pipeline.findings import Findings
from llr_pipeline.headings import Headings, find_headings, find_sheet
from llr_pipeline.layout import Rows, check_layout, check_other_sheet
from llr_pipeline.lines import Line, LineReader
from llr_pipeline.paths import SQL
from llr_pipeline.workbooks import Grid, Workbook, column_letter

OWN_SHEETS = {"cover", "lists", "findings"}  # what a template, or one sent back, has besides its sheets
ARROW_TYPES = {
    "varchar": pa.string(),
    "double": pa.float64(),
    "integer": pa.int32(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


def arrow_schema(contract: Contract) -> pa.Schema:
    """A raw table's columns, submission apart, as Arrow has them."""
    return pa.schema([(c.name, ARROW_TYPES[c.type]) for c in contract.columns if c.name != "submission_id"])


TOTALS = arrow_schema(read_contract(SQL / "raw" / "totals.toml"))
SHEETS = arrow_schema(read_contract(SQL / "raw" / "sheets.toml"))


@dataclass
class Reading:
    """What one file holds: identity, raw tables (rows as received and as read), totals, findings."""

    identity: Identity
    findings: Findings
    tables: dict[str, pa.Table] = field(default_factory=dict)
    value_count: int = 0

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it is used: a breach that refuses the file, or nothing that could be read."""
        return self.findings.refuse or not self.tables

    @property
    def has_personal_data(self) -> bool:
        """Whether nothing of the file but its hash, its size and the cells concerned may be kept."""
        return any(finding.rule == "personal_data" for finding in self.findings)

    @property
    def reason(self) -> str | None:
        """The first error's message."""
        return next((finding.message for finding in self.findings if finding.severity == "error"), None)


def raw_schema(sheet: Sheet) -> pa.Schema:
    """The columns of a sheet's raw table, submission apart."""
    period = [(sheet.period, pa.string())] if sheet.period else []
    return pa.schema(
        [
            ("sheet", pa.string()),
            ("row_number", pa.int32()),
            *period,
            *((c.name, pa.string()) for c in sheet.columns),
            ("reading", pa.struct([(c.name, ARROW_TYPES[c.type]) for c in sheet.columns])),
            ("cell", pa.struct([(c.name, pa.string()) for c in sheet.columns])),
            ("is_quarantined", pa.bool_()),
        ]
    )


def read_return(
    book: Workbook, reference: Reference, templates: Mapping[str, Template], *, today: date | None = None
) -> Reading:
    """Read a planning return: one row per line and period, as `raw_schema`. Never raises for what a file holds.

    The rules are those of `today`, or of the day that it is.
    """
    today = today or date.today()
    findings = Findings(reference, today)
    identity = read_cover(book, reference, templates, findings, today=today)
    reading = Reading(identity, findings)
    if findings.refuse or not (identity.template and identity.period):
        return reading
    asked = templates[identity.template].sheets_of(identity.template_version or 0)
    titles = [sheet.title for sheet in asked]
    found = [(sheet, find_sheet(book, sheet, titles, findings)) for sheet in asked]
    totals: list[dict[str, Any]] = []
    sheets: list[dict[str, Any]] = []
    for sheet, grid in found:
        periods = reference.periods(sheet.period, identity.period or "") if sheet.period else ()
        headings = grid and find_headings(grid, sheet, periods, findings)
        if grid is None or headings is None:
            continue
        reader = LineReader(
            grid,
            sheet,
            headings,
            organisation_code=identity.organisation_code,
            reference=reference,
            unvalued={u.cell: u for u in book.unseen.unvalued if u.sheet == grid.name},
            findings=findings,
        )
        reader.read()
        rows = Rows({line.index for line in reader.lines}, reader.total_rows, reader.unread_rows)
        check_layout(grid, sheet, headings, rows, book.unseen, findings)
        reading.tables[sheet.table] = _raw_table(sheet, grid, headings, reader.lines)
        reading.value_count += reader.value_count
        totals += reader.totals
        sheets.append(_sheet_sum(sheet, grid, reader.lines))
    if findings.refuse:
        return Reading(identity, findings)
    reading.tables["totals"] = pa.Table.from_pylist(totals, TOTALS)
    reading.tables["sheets"] = pa.Table.from_pylist(sheets, SHEETS)
    if not reading.value_count:
        findings.add("empty_return", "The return holds no values")
    _note_other_sheets(book, [grid.name for _, grid in found if grid], findings)
    return reading


def _sheet_sum(sheet: Sheet, grid: Grid, lines: Sequence[Line]) -> dict[str, Any]:
    """What a sheet holds, summed here and not by DuckDB, so that the tables can be held against it."""
    used = [
        value
        for line in lines
        if not line.is_faulty
        for n, value in enumerate(line.values)
        if value is not None and n not in line.faulty_values
    ]
    quarantined = sum(len(line.values) if line.is_faulty else len(line.faulty_values) for line in lines)
    about = {"table_name": sheet.table, "sheet": grid.name, "line_count": len(lines)}
    return about | {"quarantined_count": quarantined, "value_sum": math.fsum(used)}


def _note_other_sheets(book: Workbook, read: Sequence[str], findings: Findings) -> None:
    """A note for each sheet that somebody added and can see, a warning for one that is hidden with values in it."""
    for grid in book.sheets:
        if grid.name in read or grid.name.strip().casefold() in OWN_SHEETS:
            continue
        if grid.is_visible:
            message = f"The sheet {quoted(grid.name)} is not part of the template and is not read"
            findings.add("sheet_not_read", message, sheet=grid.name)
        else:
            check_other_sheet(grid, findings)


def _raw_table(sheet: Sheet, grid: Grid, headings: Headings, lines: Sequence[Line]) -> pa.Table:
    """The lines as the raw table: attributes are made once a line and spread over its periods."""
    schema = raw_schema(sheet)
    periods = list(headings.periods) or [None]
    spread = pa.array([n for n in range(len(lines)) for _ in periods], pa.int32())
    numbers = [line.index + 1 for line in lines]
    received, readings, cells = [], [], []
    for i, column in enumerate(sheet.attributes):
        letter = column_letter(headings.places[column.name])
        received.append(pa.array([line.received[i] for line in lines], pa.string()).take(spread))
        readings.append(pa.array([line.readings[i] for line in lines], ARROW_TYPES[column.type]).take(spread))
        cells.append(pa.array([f"{letter}{number}" for number in numbers], pa.string()).take(spread))
    faulty = [line.is_faulty or n in line.faulty_values for line in lines for n in range(len(periods))]
    if sheet.value:
        letters = [column_letter(place) for place in headings.periods.values()]
        received.append(pa.array([text for line in lines for text in line.values_received], pa.string()))
        readings.append(pa.array([value for line in lines for value in line.values], pa.float64()))
        cells.append(pa.array([f"{letter}{number}" for number in numbers for letter in letters], pa.string()))
    arrays = [
        pa.repeat(grid.name, len(spread)),
        pa.array(numbers, pa.int32()).take(spread),
        *([pa.array(periods * len(lines), pa.string())] if sheet.period else []),
        *received,
        pa.StructArray.from_arrays(readings, fields=list(schema.field("reading").type)),
        pa.StructArray.from_arrays(cells, fields=list(schema.field("cell").type)),
        pa.array(faulty, pa.bool_()),
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
