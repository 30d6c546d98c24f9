"""Contract -> workbook: a blank return to fill in, or one with its lines filled in.

What every template has in common belongs here: the cover, the header row, sections and their totals, drop-downs,
protection and style. What a template asks for does not: that is its contract (`sql/raw/<template>.toml`). Nor does
reading a workbook back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from io import BytesIO
from itertools import groupby, product
from math import ceil, fsum
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range
from xlsxwriter.worksheet import Worksheet

from llr_pipeline.codes import Reference
from llr_pipeline.contracts import Column, Sheet, Template
from llr_pipeline.entries import date_rule, is_number, own_lists, validate, write_lists
from llr_pipeline.periods import month_label
from llr_pipeline.stylesheet import BLUE, DATE_FORMAT, FONT, NAVY, ROW_HEIGHT, Style, set_page, stylesheet

COVER = "Cover"
HEADER_ROW = 3
BLANK_ROWS_AT_MOST = 120
FROZEN_WIDTH_AT_MOST = 60
LABEL_WIDTH, PROSE_WIDTH = 24, 100
CREATED = date(2016, 1, 1)

STEPS = (
    "Fill in the yellow cells, and on this sheet Prepared by (a role or team, no person's name) and Prepared on.",
    "A yellow line under a heading marks a column that every line needs. Leave lines that you do not need as they are.",
    "Choose from the list where a cell offers one. Select a cell to see what goes in it.",
    "Enter values as numbers, in the unit stated above the headings. 0 means zero: leave empty what is not known.",
    "For more lines, insert rows between two lines of the section, so that its total includes them.",
    "Do not rename, move or delete sheets, columns or headings. The protection has no password: it stops accidents.",
    "To correct a return, send the whole workbook again with a later date in Prepared on: it replaces the earlier one.",
)


@dataclass(frozen=True)
class Cover:
    """Whose return a workbook is, and for when. `period` is a round (2016-11) or a month (2017-04)."""

    organisation_code: str
    period: str
    prepared_by: str = ""
    prepared_on: date | None = None
    data_status: str = "returned"


@dataclass(frozen=True)
class Line:
    """A line of a sheet: column name -> code, text, number, date or bool; period -> value (None or absent: blank)."""

    attributes: Mapping[str, Any]
    values: Mapping[str, float | str | None] = field(default_factory=dict)


Block = tuple[tuple[str, ...], list[Line]]


def write_workbook(
    path: Path,
    template: Template,
    cover: Cover,
    reference: Reference,
    lines: Mapping[str, Sequence[Line]] | None = None,
) -> None:
    """Write the template as a workbook: with these lines by raw table; a sheet without lines is left blank to fill in.

    The same input gives the same bytes. Raises ValueError for a table, column, period or organisation that is not
    known, and then writes nothing; text that is no code of its column's list is written as it is.
    """
    lines = lines or {}
    _known("table", lines, [sheet.table for sheet in template.sheets])
    organisation = reference.find("organisations", organisation_code=cover.organisation_code)
    if organisation is None:
        raise ValueError(f"no organisation {cover.organisation_code} in reference.organisations")
    status = reference.find("code_lists", list_name="data_status", code=cover.data_status)
    if status is None:
        raise ValueError(f"no data status {cover.data_status} in reference.code_lists")

    buffer = BytesIO()
    workbook = Workbook(buffer, {"in_memory": True, "default_format_properties": dict(FONT)})
    workbook.set_properties(
        {
            "title": template.title,
            "subject": f"{organisation['organisation_name']}, {cover.period}",
            "created": datetime.combine(cover.prepared_on or CREATED, time()),
        }
    )

    style = stylesheet(workbook)
    notice = "" if cover.data_status == "returned" else f"{status['label']}: {status['description']}".strip(" :")
    about = f"{organisation['organisation_name']}, {cover.period}"
    lists: dict[str, list[str]] = {}

    names = {"organisation": organisation["organisation_name"], "status": status["label"], "notice": notice}
    _write_cover(workbook.add_worksheet(COVER), template, cover, style, **names)
    for sheet in template.sheets:
        periods = reference.periods(sheet.period, cover.period) if sheet.period else ()
        if sheet.period and not periods:
            raise ValueError(f"no periods for {cover.period}: it is not in reference.rounds")
        worksheet = workbook.add_worksheet(sheet.title)
        blocks = _blocks(sheet, lines.get(sheet.table), reference)
        _write_head(worksheet, sheet, periods, about, notice, style)
        filled = _write_lines(worksheet, sheet, periods, blocks, reference, style)
        validate(worksheet, sheet, periods, filled, own_lists(sheet, reference, cover.organisation_code, lists))
        _protect(worksheet)
    write_lists(workbook, lists)
    workbook.close()
    path.write_bytes(buffer.getvalue())


def _known(kind: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    if unknown := [name for name in given if name not in known]:
        raise ValueError(f"unknown {kind} {', '.join(map(str, unknown))}; known: {', '.join(known)}")


def _blocks(sheet: Sheet, lines: Sequence[Line] | None, reference: Reference) -> list[Block]:
    """Each section with its lines, in the order of the code lists; without lines, every section with blank ones."""
    columns = {column.name: column for column in sheet.columns}
    orders = [list(reference.labels(columns[name].list)) for name in sheet.sections]
    if not lines:
        codes = list(product(*orders))
        rows = max(1, min(sheet.blank_rows, BLANK_ROWS_AT_MOST // len(codes)))
        return [(group, [Line(dict(zip(sheet.sections, group, strict=True)))] * rows) for group in codes]

    def group(line: Line) -> tuple[str, ...]:
        return tuple(_code(line.attributes.get(name)) for name in sheet.sections)

    def place(line: Line) -> tuple[tuple[int, str], ...]:
        return tuple((o.index(c) if c in o else len(o), c) for o, c in zip(orders, group(line), strict=True))

    return [(codes, list(some)) for codes, some in groupby(sorted(lines, key=place), key=group)]


def _code(value: Any) -> str:
    """The code that a value stands for in a code list."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _write_cover(
    worksheet: Worksheet, template: Template, cover: Cover, style: Style, *, organisation: str, status: str, notice: str
) -> None:
    worksheet.set_column(0, 0, LABEL_WIDTH)
    worksheet.set_column(1, 1, PROSE_WIDTH)
    worksheet.write_string(0, 0, template.title, style("title"))
    worksheet.write_string(1, 0, template.purpose, style("subtitle"))
    if notice:
        worksheet.write_string(2, 0, notice, style("banner"))
        worksheet.write_blank(2, 1, None, style("banner"))
    block: list[tuple[str, Any, Format]] = [
        ("Template", template.name, style("fixed")),
        ("Template version", template.version, style("fixed")),
        ("Organisation code", cover.organisation_code, style("fixed")),
        ("Organisation", organisation, style("fixed")),
        ("Period", cover.period, style("fixed", "@")),
        ("Prepared by", cover.prepared_by, style("text")),
        ("Prepared on", cover.prepared_on, style("text", DATE_FORMAT)),
        ("Data status", status, style("fixed")),
    ]
    row = 4
    for label, value, shape in block:
        worksheet.write_string(row, 0, label, style("label"))
        _put(worksheet, row, 1, value, shape)
        if label == "Prepared on":
            worksheet.data_validation(row, 1, row, 1, date_rule())
        row += 1

    def heading(text: str) -> None:
        nonlocal row
        row += 2
        worksheet.write_string(row - 1, 0, text, style("heading"))
        worksheet.write_blank(row - 1, 1, None, style("heading"))

    heading("How to fill it in")
    for number, step in enumerate(STEPS, start=1):
        worksheet.write_number(row, 0, number, style("step"))
        worksheet.write_string(row, 1, step, style("prose"))
        row += 1
    heading("Contents")
    for sheet in template.sheets:
        worksheet.write_url(row, 0, f"internal:'{sheet.title}'!A1", style("link"), sheet.title)
        worksheet.write_string(row, 1, sheet.help, style("prose"))
        worksheet.set_row(row, ROW_HEIGHT * ceil(len(sheet.help) / PROSE_WIDTH))
        row += 1
    heading("Colours")
    for name, text, meaning in (
        ("key", "Fill in", "Cells to fill in"),
        ("total", "Calculated", "Totals: calculated from the lines above them"),
        ("fixed", "Do not change", "Labels, and what identifies the return: do not change"),
        ("required", "Needed", "Heading of a column that every line needs"),
        ("header", "As it applies", "Heading of a column to fill in where it applies"),
        ("section", "Section", "Heading of a section"),
    ):
        worksheet.write_string(row, 0, text, style(name))
        worksheet.write_string(row, 1, meaning, style("prose"))
        row += 1
    worksheet.set_tab_color(NAVY)
    set_page(worksheet, width=LABEL_WIDTH + PROSE_WIDTH, footer=f"{organisation}, {cover.period}")
    _protect(worksheet)


def _write_head(
    worksheet: Worksheet, sheet: Sheet, periods: Sequence[str], about: str, notice: str, style: Style
) -> None:
    """Title, help, unit and status, and the header row; widths and what stays in view."""
    value = sheet.value
    unit = "" if value is None else f"Values in {value.unit}" if value.unit else value.description
    worksheet.write_string(0, 0, sheet.title, style("title"))
    worksheet.write_string(1, 0, sheet.help, style("subtitle"))
    worksheet.write_string(2, 0, ". ".join(filter(None, (unit, about, notice))), style("subtitle"))
    worksheet.set_row(2, 1.2 * ROW_HEIGHT)
    deepest = 1
    for place, column in enumerate(sheet.attributes):
        header = column.header or column.name
        worksheet.set_column(place, place, column.width)
        worksheet.write_string(HEADER_ROW, place, header, style("required" if column.required else "header"))
        deepest = max(deepest, ceil((len(header) + 1) / column.width))
    if value:
        first = len(sheet.attributes)
        worksheet.set_column(first, first + len(periods) - 1, value.width)
        for place, period in enumerate(periods, start=first):
            header = month_label(period) if sheet.period == "month" else period
            worksheet.write_string(HEADER_ROW, place, header, style("period"))
    worksheet.set_row(HEADER_ROW, ROW_HEIGHT * (deepest + 0.5))
    frozen = 2 if sum(column.width for column in sheet.attributes[:2]) <= FROZEN_WIDTH_AT_MOST else 1
    width = sum(column.width for column in sheet.attributes) + len(periods) * (value.width if value else 0)
    worksheet.set_tab_color(BLUE)
    set_page(worksheet, width=width, footer=about, header_row=HEADER_ROW, frozen=frozen)


def _write_lines(
    worksheet: Worksheet,
    sheet: Sheet,
    periods: Sequence[str],
    blocks: Sequence[Block],
    reference: Reference,
    style: Style,
) -> list[tuple[int, int]]:
    """The sections with their headings, lines and totals; answers the first and last row of each section's lines."""
    columns = sheet.attributes
    names = [column.name for column in columns]
    labels = {c.name: reference.labels(c.list) for c in columns if c.list}
    shapes = [_shape(column, style) for column in columns]
    first_value, last = len(columns), len(columns) + len(periods)
    number = sheet.value.format or "General" if sheet.value else "General"
    has_totals = sheet.totals and sheet.value is not None
    value_style, total_style = style("number", number), style("total", number)
    filled = []
    row = HEADER_ROW + 1
    worksheet.outline_settings(symbols_below=has_totals)
    for codes, lines in blocks:
        words = (labels[name].get(code, code) for name, code in zip(sheet.sections, codes, strict=True))
        title = " - ".join(word or "not stated" for word in words)
        top = row
        if codes:
            worksheet.write_string(row, 0, title, style("section"))
            for place in range(1, last):
                worksheet.write_blank(row, place, None, style("section"))
            row += 1
        filled.append((row, row + len(lines) - 1))
        for line in lines:
            _known("column", line.attributes, names)
            _known("period", line.values, periods)
            for place, (name, shape) in enumerate(zip(names, shapes, strict=True)):
                value = line.attributes.get(name)
                if name in labels:
                    value = labels[name].get(_code(value), _code(value))
                _put(worksheet, row, place, value, shape)
            for place, period in enumerate(periods, start=first_value):
                _put(worksheet, row, place, line.values.get(period), value_style)
            if codes:
                worksheet.set_row(row, None, None, {"level": 1})
            row += 1
        if has_totals:
            worksheet.write_string(row, 0, f"Total {title}".strip(), style("total"))
            for place in range(1, first_value):
                worksheet.write_blank(row, place, None, style("total"))
            for place, period in enumerate(periods, start=first_value):
                total = fsum(v for line in lines if isinstance(v := line.values.get(period), (int, float)))
                worksheet.write_formula(row, place, f"=SUM({xl_range(top, place, row - 1, place)})", total_style, total)
            row += 1
    return filled


def _shape(column: Column, style: Style) -> Format:
    """The format of a cell to fill in."""
    if column.type == "date":
        return style("date", column.format)
    return style("number", column.format or "General") if is_number(column) else style("text")


def _put(worksheet: Worksheet, row: int, column: int, value: Any, shape: Format) -> None:
    """One cell. Text is text, whatever it starts with."""
    if value is None or value == "":
        worksheet.write_blank(row, column, None, shape)
    elif isinstance(value, str):
        worksheet.write_string(row, column, value, shape)
    elif isinstance(value, date):
        worksheet.write_datetime(row, column, value, shape)
    elif isinstance(value, bool):
        worksheet.write_boolean(row, column, value, shape)
    else:
        worksheet.write_number(row, column, value, shape)


def _protect(worksheet: Worksheet) -> None:
    """Against accidents, without a password; what people need in order to work stays allowed."""
    allowed = ("objects", "format_cells", "format_columns", "format_rows", "insert_rows", "sort")
    worksheet.protect(options=dict.fromkeys(allowed, True))
