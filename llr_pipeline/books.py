"""Report workbooks: a `Document` as .xlsx, a sheet for each table and for the figures of each chart.

Every cell is a value: numbers with their format, all else as text, so that what begins with = + - or @ stays words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llr_pipeline.documents import MINUS, MISSING, Document, Table, numeric_columns, texts_of
from llr_pipeline.stylesheet import FONT, ROW_HEIGHT, Style, set_page, stylesheet

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

CONTENTS = "Contents"
NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")
NAME_LENGTH = 31  # of a sheet, at most
NARROWEST, WIDEST = 9, 60
"""Columns, in characters."""
SCALED = {"%": (0.01, "0.0%", "0%"), "m": (1, '#,##0.0"m"', '#,##0"m"'), "k": (1, '#,##0.0"k"', '#,##0"k"')}
"""What stands behind a number: by what it is multiplied, and its formats with decimals and without."""
PARTS = re.compile(rf"({MINUS}?)(£?)([\d,]+(?:\.\d+)?)([%mk]?)")


def write_book(path: Path, document: Document, *, run_id: str, written: str) -> None:
    """Write the document's tables, and a first sheet that says what they are and leads to them."""
    from xlsxwriter import Workbook  # takes 30 ms: not when the definitions are loaded

    tables = [
        *(
            Table(chart.title, chart.figures, list(filter(None, ["The figures of the chart.", chart.subtitle])))
            for chart in document.charts
        ),
        *document.tables,
    ]
    names = sheet_names([table.title for table in tables])
    made = f"Run {run_id}, {written}"
    source = " ".join([f"{document.title}.", *document.credits, f"{made}."])
    options = {"strings_to_formulas": False, "strings_to_urls": False, "default_format_properties": dict(FONT)}
    with Workbook(str(path), options) as book:
        book.set_properties({"title": document.title, "comments": made})
        style = stylesheet(book)
        _contents(book.add_worksheet(CONTENTS), document, dict(zip(names, tables, strict=True)), made=made, style=style)
        for name, table in zip(names, tables, strict=True):
            _sheet(book.add_worksheet(name), table, source=source, footer=made, style=style)


def sheet_names(titles: Sequence[str]) -> list[str]:
    """A name for each title that a workbook can have: cut at a word, without what is not allowed, and its own."""
    names: list[str] = []
    for title in titles:
        plain = " ".join(NOT_IN_A_NAME.sub(" ", title).split()) or "Table"
        name, count = _cut(plain, NAME_LENGTH), 2
        while name.casefold() in (CONTENTS.casefold(), *(known.casefold() for known in names)):
            name, count = f"{_cut(plain, NAME_LENGTH - 4)} {count}", count + 1
        names.append(name)
    return names


def cell_of(value: Any, text: str) -> tuple[Any, str | None]:
    """A cell's value and its number format; None for text. A number that is text already is a number again."""
    if isinstance(value, int | float) and not isinstance(value, bool) and text != MISSING:
        return float(value), "#,##0" if float(value).is_integer() else "#,##0.0"
    found = PARTS.fullmatch(text)
    if not found:
        return text, None
    minus, sign, digits, behind = found.groups()
    times, fine, whole = SCALED.get(behind, (1, "#,##0.0", "#,##0"))
    decimals = len(digits.partition(".")[2])
    shape = whole if not decimals else fine.replace(".0", f".{'0' * decimals}")
    number = round(float(digits.replace(",", "")) * times * (-1 if minus else 1), decimals + 2)
    return number, (f'"{sign}"' if sign else "") + shape


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most + 1].rpartition(" ")[0] or text[:most]


def _contents(sheet: Worksheet, document: Document, tables: Mapping[str, Table], *, made: str, style: Style) -> None:
    """The document's words, then a link to each sheet."""
    sheet.set_column(0, 0, 100)
    plain = document.summary.replace("**", "")
    words = [*filter(None, re.split(r"\n+", plain)), *document.notes, *document.credits, f"{made}."]
    sheet.write_string(0, 0, document.title, style("title"))
    for row, text in enumerate(words, start=1):
        sheet.write_string(row, 0, text, style("prose"))
        sheet.set_row(row, ROW_HEIGHT * (1 + len(text) // 95))
    start = len(words) + 2
    sheet.write_string(start, 0, "Sheets", style("heading"))
    for row, (name, table) in enumerate(tables.items(), start=start + 1):
        sheet.write_url(row, 0, f"internal:'{name}'!A1", style("link"), string=table.title)
    set_page(sheet, width=100, footer=made)


def _sheet(sheet: Worksheet, table: Table, *, source: str, footer: str, style: Style) -> None:
    """The title, the notes and the source, then the headings, frozen with the first column."""
    notes = [*table.notes, source]
    texts = texts_of(table.frame)
    numeric = numeric_columns(texts, len(table.frame.columns))
    sheet.write_string(0, 0, table.title, style("title"))
    header, widths = len(notes) + 2, list(_widths(table, texts))
    lines = 1 + max(len(str(name)) // width for name, width in zip(table.frame.columns, widths, strict=True))
    sheet.set_row(header, ROW_HEIGHT * lines)
    for row, note in enumerate(notes, start=1):
        sheet.write_string(row, 0, note, style("prose"))
        if len(widths) > 1:
            sheet.merge_range(row, 0, row, len(widths) - 1, note, style("prose"))
        sheet.set_row(row, ROW_HEIGHT * (1 + len(note) // sum(widths)))
    for column, (name, is_number, width) in enumerate(zip(table.frame.columns, numeric, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(header, column, str(name), style("period" if is_number else "header"))
    for row, (values, own) in enumerate(zip(table.frame.itertuples(index=False), texts, strict=True), start=header + 1):
        for column, (value, text) in enumerate(zip(values, own, strict=True)):
            shown, number_format = cell_of(value, text)
            if number_format:
                sheet.write_number(row, column, shown, style("figure", number_format))
            else:
                sheet.write_string(row, column, shown, style("figure" if numeric[column] else "words"))
    set_page(sheet, width=sum(widths), footer=footer, header_row=header, frozen=1)


def _widths(table: Table, texts: Sequence[Sequence[str]]) -> Iterator[int]:
    """Of each column: what its longest cell needs, and the longest word of its heading."""
    for column, name in enumerate(map(str, table.frame.columns)):
        longest = max([*(len(row[column]) for row in texts), *(len(word) for word in name.split())], default=0)
        yield min(max(longest + 2, NARROWEST), WIDEST)
