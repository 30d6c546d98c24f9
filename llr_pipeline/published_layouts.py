"""How a published sheet with a row an organisation is laid out: what the contract says, and where a sheet has it.

The headings of the keys begin each block of rows; those of the values stand in that row or above it, right of the keys;
days stand in the headings, in the row above them, or in a column. Reading the rows belongs to `published_grids.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llr_pipeline.cells import as_text, is_blank, listed, quoted
from llr_pipeline.codes import normalise
from llr_pipeline.findings import Findings
from llr_pipeline.published_values import Days, read_days
from llr_pipeline.workbooks import Grid, cell_name, column_letter

SEARCHED_ROWS, TITLE_COLUMNS = 60, 8

Block = tuple[int, str, dict[str, int]]


@dataclass(frozen=True)
class GridSheet:
    """A sheet by how its title begins: the measure of all its values, or a measure for each heading.

    A heading that begins as `measures_like`, a pattern, is its own measure. `adds_up` says whether a total is the sum
    of the organisations, `is_expected` that a file without the sheet lacks something, and `tells_period` that the
    file's period is that of its days.
    """

    title: str = ""
    measure: str = ""
    measures_like: str = ""
    adds_up: bool = True
    is_expected: bool = False
    tells_period: bool = True
    measures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedGrid:
    """Keys by block, where the days stand, and what the values are."""

    table: str
    blocks: Mapping[str, Mapping[str, str]]
    sheets: tuple[GridSheet, ...]
    code: str = "organisation_code"  # the key without which a row is none
    labels: tuple[str, ...] = ("organisation_name",)  # keys that only describe
    days: str = "headings"  # `headings`, the key column that holds them, or `none`
    missing: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()  # errors that a formula gives where there is nothing to divide
    words: Mapping[str, float] = field(default_factory=dict)
    totals: tuple[str, ...] = ()  # how total rows are named
    checked: tuple[str, ...] = ()  # those that are the sum of the organisations
    ignored: tuple[str, ...] = ()  # headings of text that is not read

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(next(iter(self.blocks.values())))


@dataclass(frozen=True)
class Columns:
    """Where keys and values stand; for each value column its heading, measure and days as received and as read."""

    head: int
    keys: dict[str, int]
    places: list[int]
    headings: list[str | None]
    measures: list[str | None]
    received: list[str | None]
    days: list[Days | None]


def sheet_of(grid: Grid, about: PublishedGrid) -> GridSheet | None:
    """The contract's sheet whose title begins a cell of the title block; one without measures where none is known."""
    if not grid.is_visible:
        return None
    texts = {normalise(v) for row in grid.rows[:SEARCHED_ROWS] for v in row[:TITLE_COLUMNS] if isinstance(v, str)}
    found = [s for s in about.sheets if any(text.startswith(s.title) for text in texts)]
    if found:
        return max(found, key=lambda sheet: len(sheet.title))
    return GridSheet() if about.days == "headings" else None


def find_blocks(grid: Grid, about: PublishedGrid) -> list[Block]:
    """Each row that holds the headings of all the keys of a block: its index, the block's name, the keys' columns."""
    found = []
    for index, row in enumerate(grid.rows):
        headings: dict[str, int] = {}
        for place, value in enumerate(row):
            if isinstance(value, str) and value:
                headings.setdefault(normalise(value), place)
        for name, keys in about.blocks.items():
            if set(keys.values()) <= set(headings):
                found.append((index, name, {key: headings[heading] for key, heading in keys.items()}))
                break
        if len(found) == len(about.blocks) or (not found and index >= SEARCHED_ROWS):
            break
    return found


def find_columns(
    grid: Grid,
    about: PublishedGrid,
    sheet: GridSheet,
    blocks: Sequence[Block],
    period: Days | None,
    findings: Findings,
) -> Columns | None:
    """The value columns right of the keys; None where the sheet has no days where its kind has them.

    Headings that are measures and have no days are of `period`, the file's.
    """
    start, _, keys = blocks[0]
    if any(set(other.values()) != set(keys.values()) for _, _, other in blocks):
        message = f"The blocks of the sheet {quoted(grid.name)} have their keys in different columns"
        findings.add("layout_not_known", message, sheet=grid.name, line=start + 1)
        return None
    width = len(grid.rows[start])
    key_places = set(keys.values())
    first = max(key_places) + 1 if about.days == "headings" else 0
    wanted = [place for place in range(first, width) if place not in key_places]
    head = _heading_row(grid, start, wanted, about)
    row = grid.rows[head]
    if about.days != "headings":
        day_row = None
    elif any(_is_day(row[place], sheet) for place in wanted):
        day_row = head
    else:
        above = range(head - 1, max(head - 6, -1), -1)
        day_row = next((n for n in above if any(_is_day(grid.rows[n][place], sheet) for place in wanted)), None)
        if day_row is None and not (period and any(normalise(row[place]) in sheet.measures for place in wanted)):
            if sheet.title:
                message = f"The sheet {quoted(grid.name)} has no days in the headings or above them"
                findings.add("layout_not_known", message, sheet=grid.name, line=head + 1)
            return None
    columns = Columns(head, keys, [], [], [], [], [])
    entry: Any = None
    is_new = False
    unheaded: list[int] = []
    for place in wanted:
        heading = row[place]
        if day_row is not None and not is_blank(grid.rows[day_row][place]):
            entry, is_new = grid.rows[day_row][place], True
        if is_blank(heading):
            if any(not is_blank(line[place]) for line in grid.rows[start + 1 :]):
                unheaded.append(place)
            continue
        name = normalise(heading)
        if name in about.ignored:
            continue
        days = read_days(entry) if day_row is not None else period
        if day_row is not None and days is None and is_new:
            message = f"{quoted(entry)} is no day: what stands under it is kept in raw alone"
            findings.add("unknown_column", message, sheet=grid.name, cell=cell_name(place, day_row), value=entry)
            is_new = False
        measure = (sheet.measure or None) if day_row == head else _measure_of(heading, name, sheet)
        columns.places.append(place)
        columns.headings.append(None if day_row == head else str(heading).strip())
        columns.measures.append(measure)
        columns.received.append(as_text(entry) if day_row is not None else None)
        columns.days.append(days)
    if unheaded:
        letters = listed([column_letter(place) for place in unheaded[:8]]) + (" and others" * (len(unheaded) > 8))
        message = f"{'Columns' if len(unheaded) > 1 else 'Column'} {letters}: no heading, not read"
        findings.add("unknown_column", message, sheet=grid.name, cell=cell_name(unheaded[0], head))
    _note_unknown(grid, columns, head, day_row == head, findings)
    return columns


def _measure_of(heading: Any, name: str, sheet: GridSheet) -> str | None:
    if sheet.measures_like and re.match(sheet.measures_like, name):
        return " ".join(str(heading).split())
    return sheet.measures.get(name)


def _heading_row(grid: Grid, start: int, wanted: Sequence[int], about: PublishedGrid) -> int:
    """The row of the keys' headings, or the nearest above it, in which words or days stand over the values."""
    for index in range(start, -1, -1):
        for place in wanted:
            value = grid.rows[index][place]
            if not is_blank(value) and type(value) is not float and normalise(value) not in about.missing:
                return index
    return start


def _is_day(value: Any, sheet: GridSheet) -> bool:
    """Whether a heading is a day, or, on a sheet that the contract knows, several days or a month."""
    days = read_days(value)
    return days is not None and (bool(sheet.title) or days[0] == days[1])


def _note_unknown(grid: Grid, columns: Columns, head: int, has_days: bool, findings: Findings) -> None:
    """One note for each heading that is no known measure, at its first column."""
    if has_days and not any(columns.measures):
        message = f"What the sheet {quoted(grid.name)} counts is not known: it is kept in raw alone"
        findings.add("unknown_column", message, sheet=grid.name, line=head + 1)
        return
    seen: dict[str, list[int]] = {}
    for place, heading, measure in zip(columns.places, columns.headings, columns.measures, strict=True):
        if heading is not None and measure is None:
            seen.setdefault(heading, []).append(place)
    for heading, places in seen.items():
        more = f" (in {len(places):,} columns)" if len(places) > 1 else ""
        message = f"The heading {quoted(heading)}{more} is not known: what stands under it is kept in raw alone"
        findings.add("unknown_column", message, sheet=grid.name, cell=cell_name(places[0], head), value=heading)
