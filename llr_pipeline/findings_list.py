"""The list of findings as a sheet: the first of a workbook that goes back to its sender, with links to the cells.

Marking the cells belongs to `marking.py`; what is wrong is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import openpyxl
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from llr_pipeline.findings import visible
from llr_pipeline.stylesheet import A4, BLUE, FONT, LINE_GREY, MUTED

Row = Mapping[str, Any]

TITLE, SHEET = "Findings in this return", "Findings"
FILLS = {"error": "FFF4B8B3", "warning": "FFFFD98A", "note": "FFBFE4F5"}  # tints of the NHS red, yellow and light blue
INK = "212B32"
COLUMNS = {  # of the list: heading and width; all but the last fit the width of a screen
    "number": ("No.", 5), "severity": ("Severity", 11), "sheet": ("Sheet", 15), "cell": ("Cell", 8), "line": ("Row", 7),
    "period": ("Period", 9), "message": ("What was found", 52), "value": ("Value received", 20),
    "remedy": ("What to do", 44), "format": ("Format before", 14),
}  # fmt: skip
LAST = "I"  # the last column that is shown; the one behind it keeps how a cell looked before it was marked
CHARACTERS = 1.2  # of text in a column's width of one


def put_list(book: openpyxl.Workbook, rows: Sequence[Row], about: Mapping[str, str]) -> tuple[Worksheet, int]:
    """The list as the first sheet; answers it and its header's row.

    Text is text, whatever it starts with, and quoted: editing its cell does not turn it into a formula either.
    """
    sheet = book.create_sheet(SHEET, 0)
    texts = {(1, 1): (TITLE, _font(BLUE, size=16, bold=True))}
    for row, (name, text) in enumerate(about.items(), 2):
        texts |= {(row, 1): (name, _font(MUTED, bold=True)), (row, 3): (visible(text), _font())}
    for place, (text, font) in texts.items():
        cell = sheet.cell(*place)
        _put(cell, text)
        cell.font, cell.quotePrefix = font, True
    header = len(about) + 3
    for column, (title, width) in enumerate(COLUMNS.values(), 1):
        cell = sheet.cell(header, column)
        _put(cell, title)
        cell.font, cell.fill = _font("FFFFFF", bold=True), PatternFill("solid", fgColor=f"FF{BLUE.strip('#')}")
        cell.alignment = Alignment(vertical="center")
        sheet.column_dimensions[cell.column_letter].width = width
    sheet.column_dimensions[cell.column_letter].hidden = True
    sheet.row_dimensions[header].height = 20
    _put_rows(sheet, rows, header)
    sheet.auto_filter.ref = f"A{header}:{LAST}{header + len(rows)}"
    sheet.freeze_panes = f"A{header + 1}"
    sheet.sheet_view.showGridLines, sheet.sheet_properties.tabColor = False, BLUE.strip("#")
    _set_page(sheet, header, header + len(rows), footer=visible(about.get("Return")))
    return sheet, header


def _put_rows(sheet: Worksheet, rows: Sequence[Row], header: int) -> None:
    """A row a finding, with links to its sheet and its cell where these are there to be shown."""
    plain, bold, link, styles = _font(), _font(bold=True), _font(BLUE, underline="single"), {}
    side = Side("thin", color=LINE_GREY.strip("#"))
    border, top = Border(side, side, side, side), Alignment("left", "top", wrap_text=True)
    for row in rows:
        for column, name in enumerate(COLUMNS, 1):
            value, cell = row.get(name), sheet.cell(header + row["number"], column)
            to = {"sheet": "A1", "cell": value}.get(name) if row["is_linked"] else None
            if (key := (name, row["severity"], to is None)) not in styles:  # openpyxl is slow to make them
                cell.font = link if to else bold if name == "severity" else plain
                cell.fill = PatternFill("solid", fgColor=FILLS[value]) if name == "severity" else PatternFill()
                cell.border, cell.alignment, cell.quotePrefix = border, top, True
                styles[key] = cell._style
            _put(cell, value.upper() if name == "severity" else visible(value) if isinstance(value, str) else value)
            if to:
                cell.hyperlink = Hyperlink(ref="", location=f"{quote_sheetname(row['sheet'])}!{to}")
            cell._style = copy(styles[key])
        lengths = {name: len(str(row.get(name) or "")) for name in COLUMNS}
        lines = max(-int(-lengths[name] // (width * CHARACTERS)) for name, (_, width) in COLUMNS.items())
        sheet.row_dimensions[header + row["number"]].height = 13 * lines + 4  # LibreOffice would leave it as it is


def _put(cell: Cell, value: Any) -> None:
    """A value that is never a formula."""
    cell.value = value
    cell.data_type = "s" if isinstance(value, str) else cell.data_type


def _set_page(sheet: Worksheet, header: int, last: int, *, footer: str) -> None:
    """A4 landscape, as wide as the page, with the header on every page."""
    sheet.print_area, sheet.print_title_rows = f"A1:{LAST}{last}", f"{header}:{header}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", A4
    sheet.page_setup.fitToPage, sheet.page_setup.fitToHeight = True, 0
    sheet.page_margins.left = sheet.page_margins.right = sheet.page_margins.top = 0.4
    sheet.oddFooter.left.text, sheet.oddFooter.right.text = footer.replace("&", "&&"), "Page &P of &N"


def _font(color: str = INK, **shape: Any) -> Font:
    return Font(**{"name": FONT["font_name"], "size": FONT["font_size"], "color": f"FF{color.strip('#')}", **shape})
