"""A published sheet with groups of like-named headings -> one row per organisation and value column, with its cells.

The headings stand in one row, the groups in the row above; a row without a code is a total: checked, or noted, and left
out. A publisher who heads no key is understood too: the code's column is then the one that holds codes. What a file is
belongs to `publications.py`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from llr_pipeline.cells import Misread, as_text, is_blank, listed, quoted, shown
from llr_pipeline.codes import normalise
from llr_pipeline.findings import Findings
from llr_pipeline.numerals import read_number
from llr_pipeline.published_values import CODE
from llr_pipeline.unseen import Unvalued
from llr_pipeline.workbooks import Grid, Workbook, cell_name

SEARCHED_ROWS = 60


@dataclass(frozen=True)
class PublishedSheet:
    """The sheet that is read: headings in one row, groups of like-named headings in the row above.

    The first key is the code, the second a name; where the publisher heads neither, their headings are empty. `adds_up`
    says whether a row without a code is the sum of the organisations.
    """

    table: str
    value: str
    group_column: str
    group_reading: str
    heading_column: str
    keys: Mapping[str, str]
    groups: Mapping[str, str]
    headings: Mapping[str, str]
    missing: tuple[str, ...] = ()
    words: Mapping[str, float] = field(default_factory=dict)
    adds_up: bool = True
    ignored_groups: tuple[str, ...] = ()
    ignored_headings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Columns:
    """Key -> column, and value column -> (group, heading) as received."""

    keys: dict[str, int]
    values: dict[int, tuple[str, str]]


def groups_schema(sheet: PublishedSheet) -> pa.Schema:
    """The columns of its raw table, submission apart."""
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


def find_groups(book: Workbook, sheet: PublishedSheet) -> tuple[Grid | None, int]:
    """The first sheet with a row that holds every key's heading, or known ones alone, below a row with every group."""
    keys = set(sheet.keys.values()) - {""}
    for grid in book.sheets:
        above: set[str] = set()
        for index, row in enumerate(grid.rows[:SEARCHED_ROWS]):
            headings = {normalise(v) for v in row if isinstance(v, str) and v}
            if keys <= headings and headings & set(sheet.headings) and set(sheet.groups) <= above:
                return grid, index
            above = headings
    return None, 0


def find_columns(grid: Grid, header_row: int, sheet: PublishedSheet, findings: Findings) -> _Columns:
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
    if columns.values and not columns.keys:
        columns.keys.update(_keys_without_headings(grid, header_row, sheet, min(columns.values)))
    return columns


def _keys_without_headings(grid: Grid, header_row: int, sheet: PublishedSheet, first_value: int) -> dict[str, int]:
    """Left of the values: the column with most codes that differ, and of the others that with most beside a code."""
    rows = [[(as_text(value) or "").strip() for value in row[:first_value]] for row in grid.rows[header_row + 1 :]]
    codes = Counter(i for i in range(first_value) for _ in {row[i] for row in rows if CODE.fullmatch(row[i])})
    if not codes:
        return {}
    ((code, _),) = codes.most_common(1)
    beside = Counter(i for row in rows if CODE.fullmatch(row[code]) for i, text in enumerate(row) if text and i != code)
    return dict(zip(sheet.keys, [code, *(i for i, _ in beside.most_common(1))], strict=False))


def read_rows(
    grid: Grid,
    header_row: int,
    sheet: PublishedSheet,
    columns: _Columns,
    unvalued: Mapping[str, Unvalued],
    findings: Findings,
) -> list[dict[str, Any]]:
    """One row per organisation and value column; a row without its first key is a total, and left out."""
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
        if not CODE.fullmatch(key[first]):
            message = f"{quoted(' '.join(filter(None, key.values())))} is no code: the row is not read"
            at = {"sheet": grid.name, "cell": cell_name(columns.keys[first], index), "line": index + 1}
            findings.add("row_without_code", message, **at)
            continue
        key_cells = {name: cell_name(i, index) for name, i in columns.keys.items()}
        for i, (group, heading) in columns.values.items():
            at = {"sheet": grid.name, "cell": cell_name(i, index), "line": index + 1}
            number = _read_value(row[i], sheet, unvalued.get(at["cell"]))
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
    if sheet.adds_up:
        _check_totals(grid, totals, columns, sums, findings)
    elif totals:
        numbers = listed([str(index + 1) for index in totals])
        message = f"Rows {numbers}: no code, so they are totals, and not read"
        findings.add("row_not_read", message, sheet=grid.name, line=totals[0] + 1)
    return rows


def _check_totals(
    grid: Grid, totals: Sequence[int], columns: _Columns, sums: Mapping[int, Sequence[float]], findings: Findings
) -> None:
    """One finding for each total that is not the sum of the organisations."""
    for index in totals:
        for i, names in columns.values.items():
            stated, total = grid.rows[index][i], math.fsum(sums.get(i, ()))
            if isinstance(stated, int | float) and not math.isclose(stated, total, rel_tol=1e-6, abs_tol=0.005):
                message = (
                    f"{', '.join(names)}: the total says {shown(stated)} and the organisations add up to {shown(total)}"
                )
                at = {"sheet": grid.name, "cell": cell_name(i, index), "line": index + 1}
                findings.add("published_total_differs", message, value=as_text(stated), **at)


def _read_value(value: Any, sheet: PublishedSheet, unvalued: Unvalued | None) -> float | Misread | None:
    """The number; None where the publication says there is none."""
    if unvalued:
        return Misread(unvalued.rule, f"the cell {unvalued}")
    if is_blank(value) or (entry := normalise(value)) in sheet.missing:
        return None
    if (number := sheet.words.get(entry)) is not None:
        return number
    try:
        return read_number(value)[0]
    except Misread as error:
        return error
