"""A published statistics workbook and its contract -> rows with the cell of every value, and findings.

A publication is recognised by a sentence in its title block; its headings are found by content; its period and its
dates come from the title block. Which publications there are is said in `sql/raw/*.toml`.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from llr_pipeline.cells import Misread, as_text, day_in_words, implausible, is_blank, listed, quoted, read_date, shown
from llr_pipeline.codes import Reference, normalise
from llr_pipeline.contracts import Column, build, read_columns, read_contract
from llr_pipeline.cover import Identity
from llr_pipeline.findings import Findings
from llr_pipeline.numerals import read_number
from llr_pipeline.paths import SQL
from llr_pipeline.periods import financial_year_of, read_month
from llr_pipeline.returns import Reading, arrow_schema
from llr_pipeline.unseen import Unvalued
from llr_pipeline.workbooks import Grid, Workbook, cell_name

PUBLICATIONS = arrow_schema(read_contract(SQL / "raw" / "publications.toml"))
TITLE_ROWS, SEARCHED_ROWS = 30, 60
_QUARTER = re.compile(
    r"(?P<first>[a-z]{3,9})\s*(?:20\d\d)?\s*(?:to|-|\u2013)\s*(?P<last>[a-z]{3,9})\s*(?P<year>20\d\d)", re.IGNORECASE
)


@dataclass(frozen=True)
class PublishedSheet:
    """The sheet that is read: headings in one row, groups of like-named headings in the row above."""

    table: str
    value: str
    group_column: str
    group_reading: str
    heading_column: str
    keys: Mapping[str, str]
    groups: Mapping[str, str]
    headings: Mapping[str, str]
    missing: tuple[str, ...] = ()
    ignored_groups: tuple[str, ...] = ()
    ignored_headings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Publication:
    """A published workbook: how it is recognised, where its period and dates stand, the sheet that is read."""

    name: str
    title: str
    version: int
    recognise: str
    period: str
    period_label: str
    published_label: str
    revised_label: str
    publisher: str
    licence: str
    address: str
    description: str
    sheet: PublishedSheet
    columns: tuple[Column, ...] = field(default=())


@dataclass(frozen=True)
class _Columns:
    """Key -> column, and value column -> (group, heading) as received."""

    keys: dict[str, int]
    values: dict[int, tuple[str, str]]


@cache
def publications(folder: Path = SQL / "raw") -> Mapping[str, Publication]:
    """Every publication by name."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        about = tomllib.loads(path.read_text(encoding="utf-8"))
        if "publication" in about:
            where = f"sql/raw/{path.name}"
            found[path.stem] = build(
                Publication,
                about["publication"],
                where,
                name=path.stem,
                description=about["description"],
                sheet=build(PublishedSheet, about["sheet"], where),
                columns=read_columns(about["columns"], where),
            )
    return found


def published_schema(publication: Publication) -> pa.Schema:
    """The columns of a publication's raw table, submission apart."""
    sheet = publication.sheet
    text, number = pa.string(), pa.float64()
    readings = [*sheet.keys, sheet.group_reading, sheet.heading_column]
    return pa.schema(
        [
            ("sheet", text),
            ("row_number", pa.int32()),
            *((key, text) for key in sheet.keys),
            (sheet.group_column, text),
            (sheet.heading_column, text),
            ("value", text),
            ("reading", pa.struct([*((name, text) for name in readings), (sheet.value, number)])),
            ("cell", pa.struct([*((key, text) for key in sheet.keys), (sheet.value, text)])),
            ("is_quarantined", pa.bool_()),
        ]
    )


def recognise(book: Workbook, known: Mapping[str, Publication]) -> Publication | None:
    """The publication whose sentence stands in the title block of one of the sheets."""
    for grid in book.sheets:
        block = {normalise(v) for row in grid.rows[:TITLE_ROWS] for v in row if isinstance(v, str) and v}
        for publication in known.values():
            if publication.recognise in block:
                return publication
    return None


def read_publication(
    book: Workbook, publication: Publication, reference: Reference, *, today: date | None = None
) -> Reading:
    """Read a publication by the rules of `today`, or of the day that it is. Never raises for what a file holds."""
    findings = Findings(reference, today)
    sheet = publication.sheet
    grid, header_row = _find_sheet(book, sheet)
    if grid is None:
        wanted = listed([*sheet.keys.values(), *sheet.groups])
        message = f"No sheet has the headings of {publication.title}: {wanted}"
        findings.add("missing_column", message)
        return Reading(Identity(template=publication.name), findings)
    block = _title_block(grid, header_row)
    period_text = block.get(publication.period_label)
    period = _read_quarter(period_text)
    if period is None:
        message = f"The title block gives no quarter beside “{publication.period_label}”"
        findings.add("unknown_period", message, sheet=grid.name, value=as_text(period_text))
    published, revised = (
        _dated(block, label, grid, findings, today or date.today())
        for label in (publication.published_label, publication.revised_label)
    )
    identity = Identity(
        template=publication.name,
        template_version=publication.version,
        period=period,
        prepared_by=publication.publisher,
        prepared_on=revised or published,
        data_status="published",
    )
    for other in book.sheets:
        if other.name != grid.name and other.is_visible:
            message = f"The sheet {quoted(other.name)} is not part of what is read from this publication"
            findings.add("sheet_not_read", message, sheet=other.name)
    columns = _find_columns(grid, header_row, sheet, findings)
    unvalued = {u.cell: u for u in book.unseen.unvalued if u.sheet == grid.name}
    rows = _read_rows(grid, header_row, sheet, columns, unvalued, findings)
    if findings.refuse:
        return Reading(identity, findings)
    about = [{"publication": publication.name, "period": period, "published_on": published, "revised_on": revised}]
    tables = {
        sheet.table: pa.Table.from_pylist(rows, published_schema(publication)),
        "publications": pa.Table.from_pylist(about, PUBLICATIONS),
    }
    return Reading(identity, findings, tables, sum(row["value"] is not None for row in rows))


def _find_sheet(book: Workbook, sheet: PublishedSheet) -> tuple[Grid | None, int]:
    """The first sheet with a row that holds every key's heading below a row that holds every group."""
    for grid in book.sheets:
        above: set[str] = set()
        for index, row in enumerate(grid.rows[:SEARCHED_ROWS]):
            headings = {normalise(v) for v in row if isinstance(v, str) and v}
            if set(sheet.keys.values()) <= headings and set(sheet.groups) <= above:
                return grid, index
            above = headings
    return None, 0


def _title_block(grid: Grid, header_row: int) -> dict[str, Any]:
    """Label -> the next filled cell in its row, above the headings."""
    block: dict[str, Any] = {}
    for row in grid.rows[:header_row]:
        filled = [v for v in row if not is_blank(v)]
        if len(filled) > 1:
            block.setdefault(normalise(filled[0]), filled[1])
    return block


def _read_quarter(value: Any) -> str | None:
    """`2020/21 Q1` from April to June 2020; None where the months are not a quarter of a financial year."""
    found = _QUARTER.search(str(value))
    if found is None:
        return None
    first, last = (read_month(f"{found[name]} {found['year']}") for name in ("first", "last"))
    if first is None or last is None:
        return None
    start, end = int(first[-2:]), int(last[-2:])
    return f"{financial_year_of(first)} Q{(start - 4) % 12 // 3 + 1}" if start % 3 == 1 and end == start + 2 else None


def _dated(block: Mapping[str, Any], label: str, grid: Grid, findings: Findings, today: date) -> date | None:
    """A day of the title block."""
    day = _read_date(block.get(label))
    if day and (why := implausible(day, today)):
        message = f"{label}: {day_in_words(day)} {why}"
        findings.add("implausible_date", message, sheet=grid.name, value=as_text(block.get(label)))
    return day


def _read_date(value: Any) -> date | None:
    try:
        return read_date(value)
    except Misread:
        return None


def _find_columns(grid: Grid, header_row: int, sheet: PublishedSheet, findings: Findings) -> _Columns:
    """Where the keys and the values stand; a heading that is not known is a note."""
    columns = _Columns({}, {})
    group = ""
    groups = grid.rows[header_row - 1]
    for i, value in enumerate(grid.rows[header_row]):
        if not is_blank(groups[i]):
            group = str(groups[i]).strip()
        if is_blank(value):
            continue
        heading = normalise(value)
        name = next((name for name, wanted in sheet.keys.items() if wanted == heading), None)
        if name:
            columns.keys.setdefault(name, i)
        elif normalise(group) in sheet.groups and heading in sheet.headings:
            columns.values[i] = (group, str(value).strip())
        elif heading not in sheet.ignored_headings and normalise(group) not in sheet.ignored_groups:
            under = f" under {quoted(group)}" if group else ""
            message = f"The column {quoted(value)}{under} is not known and is not read"
            findings.add("unknown_column", message, sheet=grid.name, cell=cell_name(i, header_row), value=value)
    return columns


def _read_rows(
    grid: Grid,
    header_row: int,
    sheet: PublishedSheet,
    columns: _Columns,
    unvalued: Mapping[str, Unvalued],
    findings: Findings,
) -> list[dict[str, Any]]:
    """One row per organisation and value column; a row without its first key is a total, checked and left out."""
    first = next(iter(sheet.keys))
    rows: list[dict[str, Any]] = []
    totals: list[int] = []
    sums: dict[int, list[float]] = defaultdict(list)
    for index in range(header_row + 1, len(grid.rows)):
        row = grid.rows[index]
        if all(is_blank(row[i]) and cell_name(i, index) not in unvalued for i in columns.values):
            continue
        key = {name: (as_text(row[i]) or "").strip() or None for name, i in columns.keys.items()}
        if key[first] is None:
            totals.append(index)
            continue
        key_cells = {name: cell_name(i, index) for name, i in columns.keys.items()}
        for i, (group, heading) in columns.values.items():
            at = {"sheet": grid.name, "cell": cell_name(i, index), "line": index + 1}
            number = _read_value(row[i], sheet.missing, unvalued.get(at["cell"]))
            is_faulty = isinstance(number, Misread)
            if is_faulty:
                findings.add(number.rule, f"{group}, {heading}: {number}", value=as_text(row[i]), **at)
                number = None
            if number is not None:
                sums[i].append(number)
            reading = {
                **key,
                sheet.group_reading: sheet.groups[normalise(group)],
                sheet.heading_column: sheet.headings[normalise(heading)],
                sheet.value: number,
            }
            rows.append(
                {
                    "sheet": grid.name,
                    "row_number": index + 1,
                    **key,
                    sheet.group_column: group,
                    sheet.heading_column: heading,
                    "value": as_text(row[i]),
                    "reading": reading,
                    "cell": {**key_cells, sheet.value: at["cell"]},
                    "is_quarantined": is_faulty,
                }
            )
    for index in totals:
        for i, names in columns.values.items():
            stated, total = grid.rows[index][i], math.fsum(sums[i])
            if isinstance(stated, int | float) and not math.isclose(stated, total, rel_tol=1e-6, abs_tol=0.005):
                message = (
                    f"{', '.join(names)}: the total says {shown(stated)} and the organisations add up to {shown(total)}"
                )
                at = {"sheet": grid.name, "cell": cell_name(i, index), "line": index + 1}
                findings.add("published_total_differs", message, value=as_text(stated), **at)
    return rows


def _read_value(value: Any, missing: Sequence[str], unvalued: Unvalued | None) -> float | Misread | None:
    """The number; None where the publication says there is none."""
    if unvalued:
        return Misread(unvalued.rule, f"the cell {unvalued}")
    if is_blank(value) or normalise(value) in missing:
        return None
    try:
        return read_number(value)[0]
    except Misread as error:
        return error
