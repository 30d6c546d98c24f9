"""How the workbooks that we write look and print: palette, cell styles by name, page. What they hold is not said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

FONT = {"font_name": "Arial", "font_size": 10}
DATE_FORMAT = "dd/mm/yyyy"
ROW_HEIGHT = 15
PAGE_WIDTH_AT_MOST = 280
A4 = 9

NAVY, BLUE, PALE_BLUE, GREY, LINE_GREY = "#003087", "#005EB8", "#DCE9F5", "#E8EDEE", "#C8D0D6"
MUTED, WARM, FILL_IN = "#425563", "#FFB81C", "#FFF9E0"

CELL = {"border": 1, "border_color": LINE_GREY, "valign": "top"}
OPEN = {**CELL, "bg_color": FILL_IN, "locked": False}
HEADER = {"font_color": "white", "bg_color": BLUE, "text_wrap": True, "valign": "vcenter", "border": 1}
HEADER |= {"border_color": "white"}
STYLES: Mapping[str, Mapping[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": BLUE},
    "heading": {"bold": True, "font_size": 12, "font_color": BLUE, "bottom": 2, "bottom_color": BLUE},
    "subtitle": {"font_color": MUTED, "valign": "top"},
    "banner": {"bold": True, "bg_color": WARM},
    "prose": {"text_wrap": True, "valign": "top"},
    "step": {"align": "right", "valign": "top", "font_color": BLUE, "bold": True, "indent": 1},
    "link": {"font_color": BLUE, "underline": 1, "valign": "top"},
    "label": {**CELL, "bold": True, "bg_color": GREY},
    "fixed": {**CELL, "align": "left"},
    "header": HEADER,
    "required": {**HEADER, "bold": True, "bottom": 5, "bottom_color": WARM},
    "period": {**HEADER, "bold": True, "align": "right"},
    "section": {"bold": True, "bg_color": PALE_BLUE, "font_color": NAVY, "top": 1, "top_color": BLUE},
    "total": {"bold": True, "bg_color": GREY, "top": 1, "top_color": MUTED, "bottom": 1, "bottom_color": MUTED},
    "text": {**OPEN, "align": "left", "num_format": "@"},
    "number": {**OPEN, "align": "right"},
    "key": {**CELL, "bg_color": FILL_IN},
    "words": {**CELL, "text_wrap": True},
    "figure": {**CELL, "align": "right"},
    "date": {**OPEN, "align": "center", "num_format": DATE_FORMAT},
}

Style = Callable[..., Format]


def stylesheet(workbook: Workbook) -> Style:
    """The workbook's formats: style(name) or style(name, number format), each made once."""

    @cache
    def style(name: str, number_format: str | None = None) -> Format:
        return workbook.add_format({**STYLES[name], **({"num_format": number_format} if number_format else {})})

    return style


def set_page(
    worksheet: Worksheet, *, width: float, footer: str, header_row: int | None = None, frozen: int = 0
) -> None:
    """A4 landscape, as wide as the page where that stays legible; the header row and frozen columns on every page."""
    worksheet.hide_gridlines(2)
    worksheet.set_landscape()
    worksheet.set_paper(A4)
    worksheet.fit_to_pages(-int(-width // PAGE_WIDTH_AT_MOST), 0 if header_row else 1)
    worksheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    worksheet.set_footer(f"&L&8{footer.replace('&', '&&')}&C&8&A&R&8Page &P of &N")
    if header_row:
        worksheet.repeat_rows(header_row)
        worksheet.repeat_columns(0, frozen - 1)
        worksheet.freeze_panes(header_row + 1, frozen)
