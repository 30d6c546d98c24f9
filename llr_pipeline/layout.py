"""What a sheet hides, joins, fetches from elsewhere or holds outside its lines -> findings.

The values themselves are read by `lines.py`, hidden or not. The value of merged cells is never copied to all of them;
what stands where no value is read is named, never moved to where it may belong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from llr_pipeline.cells import as_text, is_blank, listed, quoted
from llr_pipeline.contracts import Column, Sheet
from llr_pipeline.findings import Findings
from llr_pipeline.headings import Headings
from llr_pipeline.numerals import is_figure
from llr_pipeline.unseen import Area, Layout, Unseen, Unvalued, cell_place
from llr_pipeline.workbooks import Grid, cell_name, column_letter

NAMED_AT_MOST = 12
QUOTED_AT_MOST = 3  # entries of rows that are not read


@dataclass
class Rows:
    """The rows of a sheet: indices of its lines and totals, and of those that hold something and are neither."""

    lines: set[int] = field(default_factory=set)
    totals: set[int] = field(default_factory=set)
    unread: list[int] = field(default_factory=list)


def check_layout(grid: Grid, sheet: Sheet, headings: Headings, rows: Rows, unseen: Unseen, findings: Findings) -> None:
    """Findings about one sheet that is read."""
    columns = {headings.places[column.name]: column for column in sheet.attributes}
    columns |= dict.fromkeys(headings.periods.values(), sheet.value)
    unvalued = {cell_place(u.cell): u for u in unseen.unvalued if u.sheet == grid.name}
    _check_above(grid, headings, columns, findings)
    _check_unread_rows(grid, columns, rows, unvalued, findings)
    _check_unheaded(grid, headings, unseen.layouts.get(grid.name, Layout()), unvalued, findings)
    if not grid.is_visible and rows.lines:
        message = f"The sheet {quoted(grid.name)} is hidden and holds values, which are read all the same"
        findings.add("hidden_values", message, sheet=grid.name)
    if layout := unseen.layouts.get(grid.name):
        _check_hidden(grid, headings, rows, layout, findings)
        _check_merged(grid, headings, rows, layout, findings)
    if unseen.formulas:
        _check_formulas(grid, headings, rows, unseen, findings)


def check_other_sheet(grid: Grid, findings: Findings) -> None:
    """A finding about a sheet that is hidden and not read, where it holds numbers."""
    first = next(((i, row) for i, row in enumerate(grid.rows) if any(map(_is_number, row))), None)
    if first and not grid.is_visible:
        index, row = first
        place = next(i for i, value in enumerate(row) if _is_number(value))
        message = f"The sheet {quoted(grid.name)} is hidden and holds values; it is not read"
        findings.add("hidden_values", message, sheet=grid.name, cell=cell_name(place, index))


def _check_above(grid: Grid, headings: Headings, columns: Mapping[int, Column], findings: Findings) -> None:
    """Rows above the headings that look like lines: a number in a column of numbers, and more than one attribute."""
    for index, row in enumerate(grid.rows[: headings.row]):
        place = next((i for i in sorted(columns) if _is_of_figures(columns[i]) and not isinstance(row[i], str)), None)
        if place is not None and sum(not is_blank(row[i]) for i in headings.places.values()) > 1:
            message = f"Row {index + 1} stands above the headings in row {headings.row + 1} and is not read"
            at = {"sheet": grid.name, "cell": cell_name(place, index), "line": index + 1}
            findings.add("unheaded_values", message, value=as_text(row[place]), **at)


def _check_unread_rows(
    grid: Grid,
    columns: Mapping[int, Column],
    rows: Rows,
    unvalued: Mapping[tuple[int, int], Unvalued],
    findings: Findings,
) -> None:
    """Figures of nothing are an error; neighbouring rows of remarks, or with too little of a line, are one note."""
    places = sorted(columns)
    remarks: dict[int, dict[int, Any]] = {}  # by row: place -> entry
    for index in rows.unread:
        row = grid.rows[index]
        entries = {i: unvalued.get((i, index)) or row[i] for i in places}
        entries = {i: entry for i, entry in entries.items() if not is_blank(entry)}
        figures = [i for i, entry in entries.items() if _is_of_figures(columns[i]) and is_figure(entry, columns[i])]
        if figures:
            lacking = [c.header or c.name for i, c in columns.items() if c.required and is_blank(row[i])]
            verb = "is" if len(lacking) == 1 else "are"
            message = f"Row {index + 1} has values and does not say of what: {listed(lacking)} {verb} empty"
            at = {"sheet": grid.name, "cell": cell_name(figures[0], index), "line": index + 1}
            findings.add("missing_value", message, value=as_text(_content(entries[figures[0]])), **at)
        else:
            remarks[index] = entries
    for first, last in _runs(list(remarks)):
        entries = [quoted(_content(entry)) for n in range(first, last + 1) for entry in remarks[n].values()]
        named = listed(entries if len(entries) <= QUOTED_AT_MOST else [*entries[:QUOTED_AT_MOST], "more"])
        what = f"Row {first + 1} has no values and is not read; it holds"
        if last > first:
            what = f"Rows {first + 1} to {last + 1} have no values and are not read; they hold"
        cell = cell_name(next(iter(remarks[first])), first)
        findings.add("row_not_read", f"{what} {named}", sheet=grid.name, cell=cell, line=first + 1)


def _content(entry: Any) -> Any:
    """What stands in a cell: its value, or the error or formula without one."""
    return entry.text if isinstance(entry, Unvalued) else entry


def _is_of_figures(column: Column) -> bool:
    return column.type in ("double", "date")


def _check_unheaded(
    grid: Grid,
    headings: Headings,
    layout: Layout,
    unvalued: Mapping[tuple[int, int], Unvalued],
    findings: Findings,
) -> None:
    """Columns without a heading that hold something below: figures are a warning, remarks a note.

    A hidden column of numbers is left to `_check_hidden`.
    """
    read = {*headings.places.values(), *headings.periods.values()}
    bare = [i for i, value in enumerate(grid.rows[headings.row]) if is_blank(value) and i not in read]
    below = list(zip(*grid.rows[headings.row + 1 :], strict=True)) if bare else []
    if not below:
        return
    figures: dict[int, tuple[int, Any]] = {}  # by column: row and content of the first
    remarks: dict[int, tuple[int, Any]] = {}
    held = {place for place in bare if set(below[place]) - {""}} | {place for place, _ in unvalued} & {*bare}
    for place in sorted(held):
        if _is_hidden(place, layout) and any(map(_is_number, below[place])):
            continue
        for index, value in enumerate(below[place], headings.row + 1):
            entry = unvalued.get((place, index)) or value
            if not is_blank(entry):
                (figures if is_figure(entry) else remarks).setdefault(place, (index, entry))
    remarks = {place: about for place, about in remarks.items() if place not in figures}
    for rule, tops in (("unheaded_values", figures), ("unknown_column", remarks)):
        for first, last in _runs(list(tops)):
            index, entry = tops[first]
            what, verb = f"Column {column_letter(first)} has no heading", "is not read; it holds"
            if last > first:
                what = f"Columns {column_letter(first)} to {column_letter(last)} have no heading"
                verb = "are not read; they hold"
            cell = cell_name(first, index)
            message = f"{what} in row {headings.row + 1} and {verb} {quoted(_content(entry))} in {cell}"
            findings.add(rule, message, sheet=grid.name, cell=cell, line=index + 1, value=as_text(_content(entry)))


def _is_hidden(place: int, layout: Layout) -> bool:
    return any(first <= place <= last for first, last in layout.hidden_columns)


def _check_hidden(grid: Grid, headings: Headings, rows: Rows, layout: Layout, findings: Findings) -> None:
    """Hidden rows and columns with values; prepared lines that nobody filled in, and totals of nothing, are none."""
    filled = [i for i in sorted(layout.hidden_rows) if headings.row < i < len(grid.rows) and _has_values(grid, rows, i)]
    for first, last in _runs(filled):
        what, verb = (f"Rows {first + 1} to {last + 1}", "are") if last > first else (f"Row {first + 1}", "is")
        is_read = any(first <= i <= last for i in rows.lines)
        message = f"{what} {verb} hidden and {_holds(verb)} values{_fate(is_read)}"
        place = next(i for i, value in enumerate(grid.rows[first]) if not is_blank(value))
        findings.add("hidden_values", message, sheet=grid.name, cell=cell_name(place, first), line=first + 1)
    width = len(grid.rows[0]) if grid.rows else 0
    read = {*headings.places.values(), *headings.periods.values()}
    hidden = [i for first, last in layout.hidden_columns for i in range(max(0, first), min(last, width - 1) + 1)]
    tops = {i: top for i in sorted(set(hidden)) if (top := _first_value(grid, rows, i, is_read=i in read)) is not None}
    for is_read, places in groupby(tops, key=lambda i: i in read):
        for first, last in _runs(list(places)):
            letters = column_letter(first), column_letter(last)
            what, verb = (f"Columns {' to '.join(letters)}", "are") if last > first else (f"Column {letters[0]}", "is")
            message = f"{what} {verb} hidden and {_holds(verb)} values{_fate(is_read)}"
            findings.add("hidden_values", message, sheet=grid.name, cell=cell_name(first, tops[first]))


def _holds(verb: str) -> str:
    return "hold" if verb == "are" else "holds"


def _fate(is_read: bool) -> str:
    return ", which are read all the same" if is_read else "; they are not part of the template and are not read"


def _has_values(grid: Grid, rows: Rows, index: int) -> bool:
    return index in rows.lines or any(_is_number(value) and value for value in grid.rows[index])


def _first_value(grid: Grid, rows: Rows, place: int, *, is_read: bool) -> int | None:
    """The first row with a value in the column: an entry of a line, or a number in a column that is not read."""
    for index in sorted(rows.lines) if is_read else range(len(grid.rows)):
        value = grid.rows[index][place]
        if _is_number(value) or (is_read and not is_blank(value)):
            return index
    return None


def _check_merged(grid: Grid, headings: Headings, rows: Rows, layout: Layout, findings: Findings) -> None:
    """Merged cells over entries of lines or over the values of totals: all but the first of them are empty."""
    attributes, periods = set(headings.places.values()), set(headings.periods.values())
    for area in layout.merged:
        if not _touches(area, rows.lines, attributes | periods) and not _touches(area, rows.totals, periods):
            continue
        if not area.first_row < len(grid.rows) or not area.first_column < len(grid.rows[area.first_row]):
            continue
        value = grid.rows[area.first_row][area.first_column]
        first = cell_name(area.first_column, area.first_row)
        covered = _covered(area)
        holds = f"holds {quoted(value)} for itself alone" if not is_blank(value) else "is empty"
        verb = "is" if len(covered) == 1 else "are"
        message = f"{first}:{covered[-1]} are merged: {first} {holds}, and {_named(covered)} {verb} read as empty"
        at = {"sheet": grid.name, "cell": first, "line": area.first_row + 1}
        findings.add("merged_values", message, value=as_text(value), **at)


def _touches(area: Area, rows: Iterable[int], columns: Iterable[int]) -> bool:
    return any(area.first_row <= row <= area.last_row for row in rows) and any(
        area.first_column <= column <= area.last_column for column in columns
    )


def _covered(area: Area) -> list[str]:
    """The first and the last few of the cells that a merged one covers."""
    cells = [
        cell_name(column, row)
        for row in range(area.first_row, min(area.last_row, area.first_row + 20) + 1)
        for column in range(area.first_column, min(area.last_column, area.first_column + 20) + 1)
    ]
    return [*cells[1:-1], cell_name(area.last_column, area.last_row)]


def _named(cells: Sequence[str]) -> str:
    return listed(cells) if len(cells) <= NAMED_AT_MOST else f"the {len(cells):,} others"


def _check_formulas(grid: Grid, headings: Headings, rows: Rows, unseen: Unseen, findings: Findings) -> None:
    """Values fetched from another workbook, and values that add themselves."""
    columns = {*headings.places.values(), *headings.periods.values()}
    periods = {place: period for period, place in headings.periods.items()}
    for formula in unseen.formulas:
        place, index = cell_place(formula.cell)
        if formula.sheet != grid.name or place not in columns or index not in rows.lines | rows.totals:
            continue
        value = grid.rows[index][place]
        at = {"sheet": grid.name, "cell": formula.cell, "line": index + 1, "period": periods.get(place)}
        what = quoted(formula.text)
        if formula.is_circular:
            message = f"The formula {what} includes the cell it stands in, so that its result cannot be trusted"
            findings.add("circular_formula", message, value=as_text(value), **at)
        elif not is_blank(value):
            message = f"The formula {what} fetches {quoted(value)} from another workbook; what is stored here is used"
            findings.add("linked_value", message, value=as_text(value), **at)


def _runs(indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of neighbouring indices."""
    for _, run in groupby(enumerate(indices), key=lambda pair: pair[1] - pair[0]):
        members = [index for _, index in run]
        yield members[0], members[-1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
