"""Where a sheet of a template is in a workbook, and where its columns are: found by content, wherever they stand.

A heading that is spelt as known comes first; where none is, one that differs only in a trailing note ("Site (ODS)",
"2016/17 plan") takes its place. Reading what stands below belongs to `lines.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llr_pipeline.cells import as_text, did_you_mean, is_blank, listed, nearest, quoted
from llr_pipeline.codes import normalise
from llr_pipeline.contracts import Sheet
from llr_pipeline.findings import Findings
from llr_pipeline.periods import period_label, read_financial_year, read_month
from llr_pipeline.workbooks import Grid, Workbook, cell_name

SEARCHED_ROWS = 200
NAMED_AT_MOST = 20
PERIOD_READERS = {"financial_year": read_financial_year, "month": read_month}
_NOTE = re.compile(r"\s*[(\[][^)\]]*[)\]]$")
_PERIOD_NOTE = re.compile(r"(?<=\d)[\s,:;(\[][^\d/]*$")


@dataclass(frozen=True)
class Headings:
    """The index of the heading row, and of the column of each attribute and of each period."""

    row: int
    places: Mapping[str, int]
    periods: Mapping[str, int]


def find_sheet(book: Workbook, sheet: Sheet, titles: Sequence[str], findings: Findings) -> Grid | None:
    """The sheet by its name, else the one visible sheet that holds the contract's headings under a name of its own.

    `titles` are the names of all of the template's sheets. None, with a finding, where there is no such sheet.
    """
    by_name = {normalise(grid.name): grid for grid in sorted(book.sheets, key=lambda grid: grid.name == sheet.title)}
    if grid := by_name.get(normalise(sheet.title)):
        return grid
    taken = {normalise(title) for title in titles}
    others = [grid for name, grid in by_name.items() if name not in taken and grid.is_visible]
    holding = [
        grid for grid in others if {c.name for c in sheet.attributes} <= set(_heading_row(grid, sheet)[1].values())
    ]
    if len(holding) == 1:
        message = f"The sheet {quoted(holding[0].name)} has the headings of “{sheet.title}” and is read as that"
        findings.add("sheet_renamed", message, sheet=holding[0].name)
        return holding[0]
    if holding:
        hint = f"; its headings stand on {listed([quoted(grid.name) for grid in holding])}"
    else:
        hint = did_you_mean(sheet.title, {normalise(grid.name): grid.name for grid in others})
        hint = hint or f"; the workbook has {listed([quoted(grid.name) for grid in book.sheets if grid.is_visible])}"
    findings.add("missing_sheet", f"There is no sheet “{sheet.title}”{hint}", sheet=sheet.title)
    return None


def find_headings(grid: Grid, sheet: Sheet, periods: Sequence[str], findings: Findings) -> Headings | None:
    """Find every heading. None, with findings, when one that is needed is missing or stands twice."""
    row, meanings = _heading_row(grid, sheet)
    headings = {column.name: column.header or column.name for column in sheet.attributes}
    headings |= {period: period_label(period) for period in periods}
    if len(set(meanings.values()) & headings.keys()) * 3 < len(headings):
        message = f"No row of the sheet holds its headings, which are {listed(list(headings.values()))}"
        findings.add("missing_column", message, sheet=grid.name)
        return None

    filled = {i: value for i, value in enumerate(grid.rows[row]) if not is_blank(value)}
    places: dict[str, int] = {}
    is_sound = True
    for i, key in meanings.items():
        if places.setdefault(key, i) != i and key in headings:
            where = [f"{quoted(filled[k])} in {cell_name(k, row)}" for k in (places[key], i)]
            message = f"{listed(where)} are headings of the same column"
            findings.add("column_twice", message, sheet=grid.name, cell=cell_name(i, row), value=as_text(filled[i]))
            is_sound = False
    unread = {i: value for i, value in filled.items() if meanings.get(i) not in headings}
    for key, heading in headings.items():
        if key not in places:
            rule, period = ("missing_period", key) if key in periods else ("missing_column", None)
            message = f"No column is headed “{heading}”{_nearest(heading, unread, row)}"
            findings.add(rule, message, sheet=grid.name, cell=cell_name(0, row), period=period)
            is_sound = False
    if not is_sound:
        return None

    for i, value in unread.items():
        at = {"sheet": grid.name, "cell": cell_name(i, row), "value": as_text(value)}
        if period := meanings.get(i):
            covered = f"{period_label(periods[0])} to {period_label(periods[-1])}"
            message = f"{period_label(period)} does not belong to this return, which covers {covered}; it is not read"
            findings.add("unexpected_period", message, period=period, **at)
        else:
            message = f"The column {quoted(value)} is not part of the template and is not read"
            findings.add("unknown_column", message, **at)
    return Headings(row, {c.name: places[c.name] for c in sheet.attributes}, {p: places[p] for p in periods})


def _heading_row(grid: Grid, sheet: Sheet) -> tuple[int, dict[int, str]]:
    """The first row with the most headings of the sheet, and its columns' meanings."""
    known = _known_headings(sheet)
    best: tuple[int, dict[int, str]] = (0, {})
    for index, row in enumerate(grid.rows[:SEARCHED_ROWS]):
        meanings = _meanings(row, sheet, known)
        found = set(meanings.values())
        if len(found) > len(set(best[1].values())):
            best = (index, meanings)
        if found >= set(known.values()):
            break
    return best


def _known_headings(sheet: Sheet) -> dict[str, str]:
    """Normalised heading -> column name: each heading, its alternatives, and both without a trailing note."""
    spellings = [
        (normalise(heading), column.name)
        for column in sheet.attributes
        for heading in (column.header or column.name, *column.headers)
    ]
    return {_NOTE.sub("", heading): name for heading, name in spellings} | dict(spellings)


def _meanings(row: Sequence[Any], sheet: Sheet, known: Mapping[str, str]) -> dict[int, str]:
    """Index -> the attribute or period that the cell heads; a trailing note counts where nothing is spelt as known."""
    read_period = PERIOD_READERS.get(sheet.period or "", lambda value: None)
    texts = {i: normalise(value) for i, value in enumerate(row) if not is_blank(value)}
    exact = {i: read_period(row[i]) or known.get(text) for i, text in texts.items()}
    found = set(exact.values())
    meanings = {}
    for i, text in texts.items():
        loose = read_period(_PERIOD_NOTE.sub("", text)) or known.get(_NOTE.sub("", text))
        if key := exact[i] or (loose if loose not in found else None):
            meanings[i] = key
    return meanings


def _nearest(heading: str, unread: Mapping[int, Any], row: int) -> str:
    """A clause about the unread heading that comes nearest, else about all of them."""
    spellings = {normalise(value): i for i, value in unread.items()}
    if near := nearest(heading, spellings):
        i = spellings[near]
        return f"; is it {quoted(unread[i])} in {cell_name(i, row)}?"
    others = [quoted(value) for value in unread.values()][:NAMED_AT_MOST]
    return f"; not known are {listed(others)}" if others else ""
