"""Reading Excel workbooks: every sheet's cells with their types, and what else is in there.

calamine reads the values. What may be opened at all is the business of `preflight.py`, what calamine passes over is
that of `unseen.py`. Nothing here knows of templates or of the warehouse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import python_calamine

from llr_pipeline.preflight import Unreadable, preflight
from llr_pipeline.unseen import Unseen, cell_place
from llr_pipeline.unseen import cell_name as cell_name
from llr_pipeline.unseen import column_letter as column_letter


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
                    _with_room(
                        book.get_sheet_by_name(about.name).to_python(skip_empty_area=False),
                        [cell_place(u.cell) for u in unseen.unvalued if u.sheet == about.name],
                    ),
                    about.visible == python_calamine.SheetVisibleEnum.Visible,
                )
                for about in book.sheets_metadata
                if about.typ == python_calamine.SheetTypeEnum.WorkSheet
            )
    except python_calamine.PasswordError:
        raise Unreadable("password_protected", "The workbook is protected by a password") from None
    except (python_calamine.CalamineError, OSError) as error:
        raise Unreadable("corrupt", f"The workbook is damaged and cannot be read ({error})") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # calamine's own end, at a date out of all bounds
            raise
        raise Unreadable("corrupt", f"The workbook is damaged and cannot be read ({error})") from None
    return Workbook(sheets, unseen)


def _with_room(rows: list[list[Any]], places: Sequence[tuple[int, int]]) -> list[list[Any]]:
    """The rows with empty cells as far as these columns and rows."""
    width = max([len(rows[0]) if rows else 0, *(column + 1 for column, _ in places)])
    height = max([len(rows), *(row + 1 for _, row in places)])
    if rows and width > len(rows[0]):
        rows = [row + [""] * (width - len(row)) for row in rows]
    return rows + [[""] * width for _ in range(height - len(rows))]
