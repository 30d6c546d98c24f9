"""Personal data in a workbook: valid NHS numbers, wherever they stand. Pure functions; what becomes of the file is not
decided here.

A number of ten digits passes the check digit once in eleven times by chance: text counts at once, as nobody types an
amount that way; numbers count where a column has two of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from llr_pipeline.unseen import UNUSED_TEXT
from llr_pipeline.workbooks import Grid, Workbook, cell_name

NUMBERS_AT_LEAST = 2  # distinct ones in a column of numbers
_GAP = r"(?:[^\S\r\n]|[\u00ad\u200b\u2060\ufeff]|[^\S\r\n]?[-\u2010-\u2015\u2212][^\S\r\n]?)?"
_START = r"\d(?<!\d\d)(?<!\d[.,]\d)(?<!\+44\d)(?<!\+44[\s-]\d)"  # no decimals, no telephone; faster after its digit
_CANDIDATE = re.compile(rf"({_START}\d\d){_GAP}(\d{{3}}){_GAP}(\d{{4}})(?!\d)")

Place = tuple[str | None, str | None]


def is_nhs_number(digits: str) -> bool:
    """Whether ten digits end in the check digit of an NHS number (modulus 11). Numbers kept for tests count too."""
    if len(digits) != 10 or not digits.isdecimal() or not int(digits):
        return False
    *body, check = map(int, digits)
    return -sum(weight * digit for weight, digit in zip(range(10, 1, -1), body, strict=True)) % 11 == check


def nhs_numbers(text: str) -> set[str]:
    """The NHS numbers in a text, with or without spaces or hyphens between their three groups."""
    found = ("".join(groups) for groups in _CANDIDATE.findall(text))
    return {str(int(digits)).zfill(10) for digits in found if is_nhs_number(digits)}


def find(book: Workbook) -> list[Place]:
    """Sheet and cell of every NHS number, each place once; no cell where it is in none, no sheet where that names it.

    Cells of every sheet, hidden ones too, the sheets' names, and what stands beside the cells: comments, properties,
    names, text boxes, headers and footers.
    """
    places: dict[Place, None] = {}
    known: set[str] = set()
    for grid in book.sheets:
        name = grid.name
        if numbers := nhs_numbers(name):
            name, known = None, known | numbers
            places[None, None] = None
        for column, row, numbers in _in_cells(grid):
            places[name, cell_name(column, row)] = None
            known |= numbers
    named = {grid.name for grid in book.sheets if not nhs_numbers(grid.name)}
    for aside in book.unseen.asides:
        numbers = nhs_numbers(aside.text)
        if numbers - known if aside.where == UNUSED_TEXT else numbers:
            places[aside.sheet if aside.sheet in named else None, aside.cell] = None
    return list(places)


def _in_cells(grid: Grid) -> Iterator[tuple[int, int, set[str]]]:
    """Column, row and the numbers of each cell that counts."""
    values = set().union(*grid.rows)
    texts = {value for value in values if type(value) is str}
    in_texts = {value for value in texts if nhs_numbers(value)} if _CANDIDATE.search("\n".join(texts)) else set()
    large = [value for value in values if type(value) is float and 1e9 <= value < 1e10 and value.is_integer()]
    in_numbers = {value for value in large if is_nhs_number(str(int(value)))}
    if in_texts:
        for index, row in enumerate(grid.rows):
            for place, value in enumerate(row):
                if value in in_texts:
                    yield place, index, nhs_numbers(value)
    if len(in_numbers) < NUMBERS_AT_LEAST:
        return
    columns: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for index, row in enumerate(grid.rows):
        for place, value in enumerate(row):
            if value in in_numbers:
                columns[place].append((index, str(int(value))))
    for place, hits in columns.items():
        if len({digits for _, digits in hits}) >= NUMBERS_AT_LEAST:
            yield from ((place, index, {digits}) for index, digits in hits)
