"""Reading Excel workbooks: every sheet's cells with their types, and what else is in there.

calamine reads the values. What may be opened at all is the business of `preflight.py`, what calamine passes over is
that of `unseen.py`. Nothing here knows of templates or of the warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import python_calamine

from llr_pipeline.preflight import Unreadable, preflight
from llr_pipeline.unseen import Unseen


@dataclass(frozen=True)
class Grid:
    """A sheet's cells from A1 on, every row equally long, each cell str, float, bool, date, time or '' (empty)."""

    name: str
    rows: list[list[Any]]
    is_visible: bool = True


@dataclass(frozen=True)
class Workbook:
    sheets: tuple[Grid, ...]
    unseen: Unseen = field(default_factory=Unseen)


def read_workbook(path: Path) -> Workbook:
    """Every sheet of an .xlsx, .xlsm or .xls. Raises Unreadable with the reason."""
    unseen = preflight(path)
    try:
        with python_calamine.load_workbook(str(path)) as book:
            sheets = tuple(
                Grid(
                    about.name,
                    book.get_sheet_by_name(about.name).to_python(skip_empty_area=False),
                    about.visible == python_calamine.SheetVisibleEnum.Visible,
                )
                for about in book.sheets_metadata
                if about.typ == python_calamine.SheetTypeEnum.WorkSheet
            )
    except python_calamine.PasswordError:
        raise Unreadable("password_protected", "The workbook is protected by a password") from None
    except (python_calamine.CalamineError, OSError) as error:
        raise Unreadable("corrupt", f"The workbook is damaged and cannot be read ({error})") from None
    return Workbook(sheets, unseen)


def column_letter(index: int) -> str:
    """`A` for 0, `AA` for 26."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_name(column: int, row: int) -> str:
    """`B7` for column 1, row 6."""
    return f"{column_letter(column)}{row + 1}"
