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

from llr_pipeline.cells import Misread, as_text, is_blank, read_date, read_number
from llr_pipeline.codes import Reference, normalise
from llr_pipeline.contracts import Column, build, read_columns, read_contract
from llr_pipeline.findings import Findings
from llr_pipeline.paths import SQL
from llr_pipeline.periods import MONTHS
from llr_pipeline.returns import Identity, Reading, agree, arrow_schema
from llr_pipeline.workbooks import Grid, Workbook, column_letter

TITLE_ROWS = 30
_QUARTER = re.compile(r"(\w{3})\w*\s*(?:to|-|\u2013)\s*(\w{3})\w*\s*(20\d\d)", re.IGNORECASE)
_ORDINAL = re.compile(r"(\d)(st|nd|rd|th)\b", re.IGNORECASE)


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


@cache
def publications(folder: Path = SQL / "raw") -> Mapping[str, Publication]:
    """Every publication by name."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        about = tomllib.loads(path.read_text(encoding="utf-8"))
        if "publication" in about:
            where = f"sql/raw/{path.name}"
            found[path.stem] = build(
                Publication, about["publication"], where, name=path.stem, description=about["description"],
                sheet=build(PublishedSheet, about["sheet"], where), columns=read_columns(about["columns"], where),
            )  # fmt: skip
    return found


def published_schema(publication: Publication) -> pa.Schema:
    """The columns of a publication's raw table, submission apart."""
    sheet = publication.sheet
    text, number = pa.string(), pa.float64()
    readings = [*sheet.keys, sheet.group_reading, sheet.heading_column]
    return pa.schema(
        [
            ("sheet", text), ("row_number", pa.int32()), *((key, text) for key in sheet.keys),
            (sheet.group_column, text), (sheet.heading_column, text), ("value", text),
            ("reading", pa.struct([*((name, text) for name in readings), (sheet.value, number)])),
            ("cell", pa.struct([*((key, text) for key in sheet.keys), (sheet.value, text)])),
            ("is_quarantined", pa.bool_()),
        ]
    )  # fmt: skip


def recognise(book: Workbook, known: Mapping[str, Publication]) -> Publication | None:
    """The publication whose sentence stands in the title block of one of the sheets."""
    for grid in book.sheets:
        block = {normalise(v) for row in grid.rows[:TITLE_ROWS] for v in row if isinstance(v, str) and v}
        for publication in known.values():
            if publication.recognise in block:
                return publication
    return None


def read_publication(book: Workbook, publication: Publication, reference: Reference) -> Reading:
    """Read a publication. Never raises for what a file holds."""
    findings = Findings(reference)
    sheet = publication.sheet
    grid, header_row = _find_sheet(book, sheet)
    if grid is None:
        findings.add(
            "missing_column", f"No sheet has the headings of {publication.title} ({', '.join(sheet.keys.values())})"
        )
        return Reading(Identity(template=publication.name), findings)
    block = _title_block(grid, header_row)
    period = _read_quarter(block.get(publication.period_label))
    if period is None:
        findings.add("unknown_period", f"The title block does not give a quarter beside “{publication.period_label}”",
                     sheet=grid.name, value=as_text(block.get(publication.period_label)))  # fmt: skip
    published, revised = (
        _read_date(block.get(label)) for label in (publication.published_label, publication.revised_label)
    )
    for other in book.sheets:
        if other.name != grid.name:
            findings.add("sheet_not_read", f"The sheet “{other.name}” is not read", sheet=other.name)
    identity = Identity(
        template=publication.name, template_version=publication.version, period=period,
        prepared_by=publication.publisher, prepared_on=revised or published, data_status="published",
    )  # fmt: skip
    rows = _read_rows(grid, header_row, sheet, findings)
    about = [{"publication": publication.name, "period": period, "published_on": published, "revised_on": revised}]
    tables = {
        sheet.table: pa.Table.from_pylist(rows, published_schema(publication)),
        "publications": pa.Table.from_pylist(about, PUBLICATIONS),
    }
    return Reading(identity, findings, {} if findings.refuse else tables, sum(r["value"] is not None for r in rows))


PUBLICATIONS = arrow_schema(read_contract(SQL / "raw" / "publications.toml"))


def _find_sheet(book: Workbook, sheet: PublishedSheet) -> tuple[Grid | None, int]:
    """The first sheet with a row that holds every key's heading below a row that holds every group."""
    for grid in book.sheets:
        for index, row in enumerate(grid.rows[: 2 * TITLE_ROWS]):
            headings = {normalise(v) for v in row if isinstance(v, str)}
            above = {normalise(v) for v in grid.rows[index - 1] if isinstance(v, str)} if index else set()
            if set(sheet.keys.values()) <= headings and set(sheet.groups) <= above:
                return grid, index
    return None, 0


def _title_block(grid: Grid, header_row: int) -> dict[str, Any]:
    """Label -> the next filled cell in its row, above the headings."""
    block = {}
    for row in grid.rows[:header_row]:
        filled = [v for v in row if not is_blank(v)]
        if len(filled) > 1:
            block.setdefault(normalise(filled[0]), filled[1])
    return block


def _read_quarter(value: Any) -> str | None:
    """`2020/21 Q1` from April to June 2020."""
    found = _QUARTER.search(str(value or ""))
    if not found or found[1].lower() not in MONTHS:
        return None
    month, year = MONTHS.index(found[1].lower()) + 1, int(found[3])
    start = year if month >= 4 else year - 1
    quarter = {4: 1, 7: 2, 10: 3, 1: 4}.get(month)
    return f"{start}/{(start + 1) % 100:02} Q{quarter}" if quarter else None


def _read_date(value: Any) -> date | None:
    try:
        return read_date(_ORDINAL.sub(r"\1", value) if isinstance(value, str) else value)
    except Misread:
        return None


def _read_rows(grid: Grid, header_row: int, sheet: PublishedSheet, findings: Findings) -> list[dict[str, Any]]:
    """One row per organisation and value column; a row without its first key is a total, checked and left out."""
    keys, values = _columns(grid, header_row, sheet, findings)
    first = next(iter(sheet.keys))
    rows: list[dict[str, Any]] = []
    totals: list[tuple[int, Mapping[int, float]]] = []
    sums: dict[int, list[float]] = defaultdict(list)
    for index in range(header_row + 1, len(grid.rows)):
        row = grid.rows[index]
        key = {name: (as_text(row[i]) or "").strip() or None if i < len(row) else None for name, i in keys.items()}
        numbers = {i: row[i] for i in values if i < len(row) and not is_blank(row[i])}
        if not numbers:
            continue
        if key[first] is None:
            totals.append((index, {i: v for i, v in numbers.items() if isinstance(v, int | float)}))
            continue
        for i, (group, heading) in values.items():
            cell = f"{column_letter(i)}{index + 1}"
            number, faulty = _read_value(
                numbers.get(i), sheet.missing, findings, sheet=grid.name, cell=cell, line=index + 1
            )
            if number is not None:
                sums[i].append(number)
            rows.append(
                {
                    "sheet": grid.name, "row_number": index + 1, **key, sheet.group_column: group,
                    sheet.heading_column: heading, "value": as_text(numbers.get(i)),
                    "reading": {**key, sheet.group_reading: sheet.groups[normalise(group)],
                                sheet.heading_column: sheet.headings[normalise(heading)], sheet.value: number},
                    "cell": {**{n: f"{column_letter(k)}{index + 1}" for n, k in keys.items()}, sheet.value: cell},
                    "is_quarantined": faulty,
                }
            )  # fmt: skip
    for index, stated in totals:
        for i, number in stated.items():
            total = math.fsum(sums[i])
            if not agree(number, total) and not math.isclose(number, total, rel_tol=1e-6):
                findings.add("published_total_differs", f"{' '.join(values[i])}: the total says {number:,.2f}, the organisations add "
                             f"up to {total:,.2f}", sheet=grid.name, cell=f"{column_letter(i)}{index + 1}", line=index + 1,
                             value=number)  # fmt: skip
    return rows


def _columns(
    grid: Grid, header_row: int, sheet: PublishedSheet, findings: Findings
) -> tuple[dict[str, int], dict[int, tuple[str, str]]]:
    """Key -> column, and value column -> (group, heading) as received; a heading that is not known is a note."""
    keys, values = {}, {}
    group: str | None = None
    groups = grid.rows[header_row - 1]
    for i, value in enumerate(grid.rows[header_row]):
        if i < len(groups) and not is_blank(groups[i]):
            group = str(groups[i]).strip()
        if is_blank(value):
            continue
        text = normalise(value)
        named = next((name for name, heading in sheet.keys.items() if heading == text), None)
        if named:
            keys[named] = i
        elif group and normalise(group) in sheet.groups and text in sheet.headings:
            values[i] = (group, str(value).strip())
        elif text not in sheet.ignored_headings and normalise(group or "") not in sheet.ignored_groups:
            cell = f"{column_letter(i)}{header_row + 1}"
            findings.add("unknown_column", f"The column “{value}” under “{group or 'no group'}” is not known and is not read",
                         sheet=grid.name, cell=cell, value=value)  # fmt: skip
    return keys, values


def _read_value(value: Any, missing: Sequence[str], findings: Findings, **where: Any) -> tuple[float | None, bool]:
    if is_blank(value) or normalise(value) in missing:
        return None, False
    try:
        return read_number(value)[0], False
    except Misread as error:
        findings.add(error.rule, str(error), value=as_text(value), **where)
        return None, True
