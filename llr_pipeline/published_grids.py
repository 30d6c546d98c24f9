"""A published sheet with a row an organisation and many columns of values -> one row per value, with its cells.

Where keys, headings and days stand is found by `published_layouts.py`, what a cell holds by `published_values.py`, what
a file is by `publications.py`. What is not understood is a finding, and its values are not used.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llr_pipeline.cells import as_text, day_in_words, is_blank, listed, quoted, shortened, shown
from llr_pipeline.codes import normalise
from llr_pipeline.findings import Findings
from llr_pipeline.published_layouts import (
    SEARCHED_ROWS,
    Block,
    Columns,
    PublishedGrid,
    find_blocks,
    find_columns,
    sheet_of,
)
from llr_pipeline.published_values import CODE, Cells, Days, days_in, read_cells, read_days
from llr_pipeline.unseen import Unvalued
from llr_pipeline.workbooks import Grid, Workbook, cell_name, column_letter

_HEADING = "heading"


def grid_schema(grid: PublishedGrid) -> pa.Schema:
    """The columns of a grid's raw table, submission apart."""
    text = pa.string()
    keys = [(key, text) for key in grid.keys]
    days = [("first_day", pa.date32()), ("last_day", pa.date32())]
    return pa.schema(
        [
            ("sheet", text),
            ("row_number", pa.int32()),
            ("block", text),
            *keys,
            ("days", text),
            (_HEADING, text),
            ("value", text),
            ("reading", pa.struct([*keys, *days, ("measure", text), ("value", pa.float64())])),
            ("cell", pa.struct([(grid.code, text), (_HEADING, text), ("value", text)])),
            ("is_quarantined", pa.bool_()),
        ]
    )


def read_grids(
    book: Workbook, about: PublishedGrid, findings: Findings
) -> tuple[pa.Table | None, Days | None, set[str]]:
    """Every sheet that is laid out as the contract says: the rows, the days that they span, the names of the sheets.

    Nothing is raised: what is not understood is a finding, and its values are not used.
    """
    tables, spans, names = [], [], set()
    read: dict[str, str] = {}
    stated = _stated_period(book) if about.days == "headings" else None
    for grid in book.sheets:
        sheet = sheet_of(grid, about)
        if sheet is None or not (blocks := find_blocks(grid, about)):
            continue
        if sheet.title and (first := read.setdefault(sheet.title, grid.name)) != grid.name:
            message = f"The sheet {quoted(grid.name)} has the title of {quoted(first)}, which alone is read"
            findings.add("layout_not_known", message, sheet=grid.name)
            names.add(grid.name)
            continue
        columns = find_columns(grid, about, sheet, blocks, _span(spans) or stated, findings)
        if columns is None:
            continue
        names.add(grid.name)
        table, span = _read_sheet(grid, about, blocks, columns, book, findings, adds_up=sheet.adds_up)
        if table.num_rows:
            tables.append(table)
            spans += [span] if span and sheet.tells_period else []
            if about.days == "headings":
                _check_title_block(grid, blocks, span, findings)
    for sheet in about.sheets:
        if sheet.is_expected and sheet.title not in read:
            findings.add("layout_not_known", f"No sheet has the title {quoted(sheet.title)}, which is expected")
    if stated and spans and stated != _span(spans) and all(f.rule != "period_differs" for f in findings):
        note_period(stated, _span(spans), "The title block", findings)
    whole = pa.concat_tables(tables).unify_dictionaries() if tables else None
    return whole, _span(spans), names


def _read_sheet(
    grid: Grid,
    about: PublishedGrid,
    blocks: Sequence[Block],
    columns: Columns,
    book: Workbook,
    findings: Findings,
    *,
    adds_up: bool,
) -> tuple[pa.Table, Days | None]:
    """The rows with an organisation, as one row per value; what other rows there are is said."""
    lines, totals = _sort_rows(grid, about, blocks, columns, findings)
    count, width = len(lines), len(columns.places)
    rows = [grid.rows[index] for index, _, _ in lines]
    cells = read_cells(
        [[row[place] for place in columns.places] for row in rows],
        missing=about.missing,
        words=about.words,
        errors=about.undefined,
    )
    faulty = np.isin(cells.places, np.fromiter(cells.faults, np.int32, len(cells.faults))).reshape(count, width)
    for n, i in np.argwhere(faulty):
        index, place = lines[n][0], columns.places[i]
        fault = cells.faults[cells.places[n * width + i]]
        what = columns.headings[i] or columns.received[i]
        at = {"sheet": grid.name, "cell": cell_name(place, index), "line": index + 1}
        findings.add(fault.rule, f"{what}: {fault}", value=as_text(grid.rows[index][place]), **at)
    faulty |= _unvalued(grid.name, lines, columns, cells, book.unseen.unvalued, findings)
    keys = {key: [entries[key] for _, _, entries in lines] for key in about.keys}
    days = _days_of(lines, columns, about, findings, grid.name)
    telling = {key: entries for key, entries in keys.items() if key not in about.labels}
    faulty |= _twice(grid, lines, telling, columns, findings)
    numbers = cells.numbers[cells.places].reshape(count, width)
    if adds_up:
        sums = np.where(faulty.any(axis=0), np.nan, np.nansum(numbers, axis=0))
        _check_totals(grid, about, totals, columns, sums, findings)
    table = _table(grid, about, lines, columns, keys, days, cells, faulty)
    return table, _span([d for d in days if d])


Line = tuple[int, str, dict[str, str | None]]


def _sort_rows(
    grid: Grid,
    about: PublishedGrid,
    blocks: Sequence[Block],
    columns: Columns,
    findings: Findings,
) -> tuple[list[Line], list[int]]:
    """Lines with a code, and the rows of checked totals; helper rows, other totals and footnotes are noted."""
    lines: list[Line] = []
    checked, others, helpers, notes = [], [], [], []
    totals = set(about.totals)
    starts = {index: name for index, name, _ in blocks}
    block = ""
    for index in range(blocks[0][0], len(grid.rows)):
        if index in starts:
            block = starts[index]
            continue
        row = grid.rows[index]
        entries = {key: (as_text(row[place]) or "").strip() or None for key, place in columns.keys.items()}
        code = entries[about.code] or ""
        if totals and (named := totals.intersection(normalise(text) for text in entries.values() if text)):
            (checked if named & set(about.checked) else others).append(index)
        elif CODE.fullmatch(code):
            lines.append((index, block, entries))
        elif any(not is_blank(row[place]) for place in columns.places):
            if not {text for text in entries.values() if text} - {"-"}:
                helpers.append(index)
                continue
            message = f"{quoted(' '.join(filter(None, entries.values())))} is no code: the row is not read"
            at = {"sheet": grid.name, "cell": cell_name(columns.keys[about.code], index), "line": index + 1}
            findings.add("row_without_code", message, **at)
        elif any(not is_blank(value) for value in row[: max(columns.places, default=0)]):
            notes.append(index)
    _note_rows(grid, checked + others, "total", findings)
    _note_rows(grid, helpers, "numbers without an organisation", findings)
    _note_rows(grid, notes, "a remark", findings)
    return lines, checked


def _note_rows(grid: Grid, indices: Sequence[int], what: str, findings: Findings) -> None:
    if not indices:
        return
    rows = listed([str(index + 1) for index in indices[:8]]) + (" and others" if len(indices) > 8 else "")
    text = next((v for v in grid.rows[indices[0]] if isinstance(v, str) and v.strip(" -")), "")
    said = f": “{shortened(text)}”" if text else ""
    message = f"{'Rows' if len(indices) > 1 else 'Row'} {rows}: {what}, not read{said}"
    findings.add("row_not_read", message, sheet=grid.name, line=indices[0] + 1)


def _unvalued(
    sheet: str,
    lines: Sequence[Line],
    columns: Columns,
    cells: Cells,
    unvalued: Sequence[Unvalued],
    findings: Findings,
) -> np.ndarray:
    """Which values are errors or formulas without a result, which calamine reads as empty.

    Errors that the contract calls undefined are empty indeed: one note counts them.
    """
    mask = np.zeros((len(lines), len(columns.places)), bool)
    here = {u.cell: u for u in unvalued if u.sheet == sheet}
    empty = []
    for n, (index, _, _) in enumerate(lines if here else ()):
        for i, place in enumerate(columns.places):
            if (found := here.get(cell_name(place, index))) is None:
                continue
            if (place_of := cells.errors.get(found.text)) is not None:
                cells.places[n * mask.shape[1] + i] = place_of
                empty.append(found)
                continue
            mask[n, i] = True
            what = columns.headings[i] or columns.received[i]
            findings.add(found.rule, f"{what}: the cell {found}", sheet=sheet, cell=found.cell, line=index + 1)
    if empty:
        message = f"{empty[0].text} in {len(empty):,} cells is read as no value: there is nothing to divide by"
        findings.add("undefined_value", message, sheet=sheet, cell=empty[0].cell)
    return mask


def _days_of(
    lines: Sequence[Line], columns: Columns, about: PublishedGrid, findings: Findings, sheet: str
) -> list[Days | None]:
    """The days of each value column, or, where a key holds them, of each line."""
    if about.days not in about.keys:
        return columns.days
    known = {text: read_days(text) for text in {entries[about.days] for _, _, entries in lines}}
    for text, days in known.items():
        if days is None:
            line = next(index for index, _, entries in lines if entries[about.days] == text)
            at = {"sheet": sheet, "cell": cell_name(columns.keys[about.days], line), "line": line + 1}
            findings.add("not_a_date", f"{quoted(text or '')} names no day or month", value=text, **at)
    return [known[entries[about.days]] for _, _, entries in lines]


def _twice(
    grid: Grid,
    lines: Sequence[Line],
    keys: Mapping[str, Sequence[str | None]],
    columns: Columns,
    findings: Findings,
) -> np.ndarray:
    """Values of lines, or of columns, that stand twice: none of them is used, as nobody can say which is right."""
    same_line = Counter(identity := [(block, *(keys[key][n] for key in keys)) for n, (_, block, _) in enumerate(lines)])
    doubled = np.array([same_line[one] > 1 for one in identity], bool)
    for n in np.flatnonzero(doubled):
        index = lines[n][0]
        message = f"{listed([quoted(part) for part in identity[n][1:] if part])} stands twice on the sheet"
        findings.add("duplicate_line", message, sheet=grid.name, line=index + 1)
    heads = list(zip(columns.days, columns.measures, strict=True))
    same_head = Counter(head for head in heads if head[1] is not None)
    repeated = np.array([same_head[head] > 1 for head in heads], bool)
    for i in np.flatnonzero(repeated):
        what = listed(list(filter(None, [columns.headings[i], columns.received[i]])))
        message = f"{quoted(what)} heads more than one column: none of them is used"
        findings.add("duplicate_line", message, sheet=grid.name, cell=f"{column_letter(columns.places[i])}1")
    return doubled[:, None] | repeated[None, :] if lines else np.zeros((0, len(heads)), bool)


def _check_totals(
    grid: Grid,
    about: PublishedGrid,
    totals: Sequence[int],
    columns: Columns,
    sums: np.ndarray,
    findings: Findings,
) -> None:
    """One finding a total row: in how many columns it is not the sum of the organisations, and the first of them."""
    for index in totals:
        stated = [grid.rows[index][place] for place in columns.places]
        read = read_cells([stated], missing=about.missing, words=about.words)
        wrong = [
            i
            for i, number in enumerate(read.numbers[read.places])
            if columns.measures[i] and not np.isnan(number)
            and not math.isclose(number, sums[i], rel_tol=1e-6, abs_tol=0.5)
            and float(sums[i]).is_integer()  # shares and means are no sums
        ]  # fmt: skip
        if wrong:
            i = wrong[0]
            message = (
                f"In {len(wrong):,} of {len(stated):,} columns the total is not the sum of the organisations; in the "
                f"first it says {shown(float(read.numbers[read.places[i]]))} and they add up to {shown(float(sums[i]))}"
            )
            at = {"sheet": grid.name, "cell": cell_name(columns.places[i], index), "line": index + 1}
            findings.add("published_total_differs", message, **at)


def _stated_period(book: Workbook) -> Days | None:
    """The days beside the word period in the first title block that has it."""
    return next((days for grid in book.sheets for days in _periods(grid.rows[:SEARCHED_ROWS])), None)


def _periods(rows: Sequence[Sequence[Any]]) -> Iterator[Days]:
    for row in rows:
        filled = [value for value in row if not is_blank(value)]
        if len(filled) > 1 and normalise(filled[0]) == "period" and (stated := days_in(filled[1:])):
            yield stated


def _check_title_block(grid: Grid, blocks: Sequence[Block], span: Days | None, findings: Findings) -> None:
    """A note where the title block names other days than the headings."""
    for stated in _periods(grid.rows[: blocks[0][0]]):
        if stated != span:
            note_period(stated, span, "The title block", findings, sheet=grid.name)


def note_period(stated: Days, span: Days | None, who: str, findings: Findings, *, sheet: str | None = None) -> None:
    """A note that something says other days than the table itself has."""
    if span:
        first, last, begins, ends = map(day_in_words, (*stated, *span))
        message = f"{who} says {first} to {last}; the figures are of {begins} to {ends}, and that is what counts"
        findings.add("period_differs", message, sheet=sheet)


def _span(spans: Sequence[Days]) -> Days | None:
    return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None


def _coded(values: Sequence[Any], index: np.ndarray, kind: pa.DataType) -> pa.Array:
    """An array that keeps each distinct text once."""
    distinct = [value for value in dict.fromkeys(values) if value is not None]
    place = {value: n for n, value in enumerate(distinct)}
    codes = np.fromiter((place.get(value, -1) for value in values), np.int32, len(values))[index]
    places = pa.array(codes, mask=codes < 0)
    known = pa.array(distinct, kind)
    return pa.DictionaryArray.from_arrays(places, known) if kind == pa.string() else known.take(places)


def _table(
    grid: Grid,
    about: PublishedGrid,
    lines: Sequence[Line],
    columns: Columns,
    keys: Mapping[str, Sequence[str | None]],
    days: Sequence[Days | None],
    cells: Cells,
    faulty: np.ndarray,
) -> pa.Table:
    """One row per line and value column."""
    count, width = len(lines), len(columns.places)
    by_line, by_column = np.repeat(np.arange(count), width), np.tile(np.arange(width), count)
    text, every = pa.string(), np.arange(count * width)
    numbers = [index + 1 for index, _, _ in lines]
    letters = [column_letter(place) for place in columns.places]
    source = by_line if about.days in about.keys else by_column
    first, last = ([both and both[n] for both in days] for n in (0, 1))
    received = {key: _coded(keys[key], by_line, text) for key in keys}
    values = np.where(faulty.ravel(), np.nan, cells.numbers[cells.places])
    readings = [
        *received.values(),
        _coded(first, source, pa.date32()),
        _coded(last, source, pa.date32()),
        _coded(columns.measures, by_column, text),
        pa.array(values, from_pandas=True),
    ]
    row_texts = _coded([str(number) for number in numbers], by_line, text).cast(text)
    value_cells = pc.binary_join_element_wise(_coded(letters, by_column, text).cast(text), row_texts, "")
    places = [
        _coded([f"{column_letter(columns.keys[about.code])}{n}" for n in numbers], by_line, text),
        _coded([f"{letter}{columns.head + 1}" for letter in letters], by_column, text),
        value_cells,
    ]
    names = [*keys, "first_day", "last_day", "measure", "value"]
    arrays = [
        _coded([grid.name], np.zeros(len(every), int), text),
        pa.array(np.array(numbers, np.int32)[by_line] if count else [], pa.int32()),
        _coded([block for _, block, _ in lines], by_line, text),
        *received.values(),
        _coded(columns.received, by_column, text),
        _coded(columns.headings, by_column, text),
        _coded(cells.texts, cells.places, text),
        pa.StructArray.from_arrays(readings, names),
        pa.StructArray.from_arrays(places, [about.code, _HEADING, "value"]),
        pa.array(faulty.ravel()),
    ]
    table_names = ["sheet", "row_number", "block", *keys, "days", _HEADING, "value", "reading", "cell"]
    return pa.Table.from_arrays(arrays, [*table_names, "is_quarantined"])
