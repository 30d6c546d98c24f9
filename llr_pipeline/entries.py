"""What a cell of a template accepts: the drop-downs with the lists behind them, and the rules for numbers and dates.

Where the cells are, and how they look, is in `templates.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_range_abs
from xlsxwriter.worksheet import Worksheet

from llr_pipeline.codes import Reference
from llr_pipeline.contracts import CodeList, Column, Sheet
from llr_pipeline.numerals import LARGEST

LISTS = "Lists"
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def is_number(column: Column) -> bool:
    return column.list is None and column.type not in ("varchar", "date", "boolean")


def own_lists(
    sheet: Sheet, reference: Reference, organisation_code: str, lists: dict[str, list[str]]
) -> dict[str, str]:
    """Column -> name of its drop-down's list; what the lists hold is added to `lists`."""

    def name(codes: CodeList) -> str:
        return "_".join(["list", codes.name or codes.table.split(".")[-1], *(["own"] if codes.within else [])])

    own = {}
    for column in sheet.attributes:
        if column.list and (labels := list(reference.labels(column.list, organisation_code).values())):
            own[column.name] = name(column.list)
            lists[own[column.name]] = labels
    return own


def write_lists(workbook: Workbook, lists: Mapping[str, Sequence[str]]) -> None:
    """The sheet that the drop-downs read, out of sight: a column a list, named."""
    worksheet = workbook.add_worksheet(LISTS)
    for place, (name, labels) in enumerate(sorted(lists.items())):
        worksheet.write_string(0, place, name)
        for row, label in enumerate(labels, start=1):
            worksheet.write_string(row, place, label)
        workbook.define_name(name, f"={LISTS}!{xl_range_abs(1, place, len(labels), place)}")
    worksheet.very_hidden()
    worksheet.protect()


def validate(
    worksheet: Worksheet,
    sheet: Sheet,
    periods: Sequence[str],
    filled: Sequence[tuple[int, int]],
    lists: Mapping[str, str],
) -> None:
    """What each column's cells accept, with the contract's words as the message."""
    places = [(place, place, column) for place, column in enumerate(sheet.attributes)]
    if sheet.value:
        places.append((len(sheet.attributes), len(sheet.attributes) + len(periods) - 1, sheet.value))
    for first, last, column in places:
        message = f"{column.description}. Needed on every line." if column.required else f"{column.description}."
        rule = _rule(column, lists.get(column.name)) | {
            "input_title": (column.header or sheet.title)[:32],
            "input_message": message[:255],
        }
        ranges = [(top, first, bottom, last) for top, bottom in filled]
        worksheet.data_validation(*ranges[0], rule | {"other_cells": [list(cells) for cells in ranges[1:]]})


def _rule(column: Column, own_list: str | None) -> dict[str, Any]:
    if own_list:
        return {
            "validate": "list",
            "source": f"={own_list}",
            "error_title": "Not in the list",
            "error_message": "Choose from the list.",
        }
    if column.type == "date":
        return date_rule()
    if not is_number(column):
        return {"validate": "any"}
    low, high = column.minimum, column.maximum
    words = [f"not below {low}"] * (low is not None) + [f"not above {high}"] * (high is not None)
    return {
        "validate": "decimal",
        "criteria": "between",
        "minimum": -LARGEST if low is None else low,
        "maximum": LARGEST if high is None else high,
        "error_title": "Not a number that fits",
        "error_message": f"Enter a number{', ' if words else ''}{' and '.join(words)}; or leave the cell empty.",
    }


def date_rule() -> dict[str, Any]:
    return {
        "validate": "date",
        "criteria": "between",
        "minimum": EARLIEST,
        "maximum": LATEST,
        "error_title": "Not a date",
        "error_message": "Enter a date as dd/mm/yyyy.",
    }
