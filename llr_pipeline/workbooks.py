"""Safe opening and reading of Excel workbooks: what a file is, whether it may be opened, its cells with their types.

calamine reads the values; openpyxl is asked only where the file holds an error value or a formula without a result,
which calamine cannot tell from an empty cell. Nothing here knows of templates or of the warehouse.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import python_calamine

MEGABYTE = 1024 * 1024
MAXIMUM_BYTES = 100 * MEGABYTE
MAXIMUM_UNPACKED_BYTES = 400 * MEGABYTE
MAXIMUM_RATIO = 400
MAXIMUM_PARTS = 2_000
MAXIMUM_CELLS = 6_000_000  # the largest published workbook has 16,383 columns by about 250 rows

_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d+)"')
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})\d+"')
_SUSPECT = re.compile(rb't="e"|</(?:\w+:)?f></(?:\w+:)?c>|</(?:\w+:)?f><(?:\w+:)?v\s*/>|</(?:\w+:)?f><(?:\w+:)?v></')


class Unreadable(Exception):
    """A file that cannot or must not be opened. `rule` names the finding, the message says what the file is."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class Grid:
    """A sheet's cells from A1 on, each as str, float, bool, date, datetime, time or '' (empty)."""

    name: str
    rows: list[list[Any]]
    is_visible: bool = True


@dataclass(frozen=True)
class Unvalued:
    """A cell that looks empty and is not: an error value, or a formula that has no result stored."""

    sheet: str
    cell: str
    text: str
    is_error: bool


@dataclass(frozen=True)
class Workbook:
    sheets: tuple[Grid, ...]
    unvalued: tuple[Unvalued, ...] = ()


def column_letter(index: int) -> str:
    """`A` for 0, `AA` for 26."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """1 for `A`, 27 for `AA`."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def read_workbook(path: Path) -> Workbook:
    """Every sheet of an .xlsx, .xlsm or .xls. Raises Unreadable with the reason."""
    suspect = preflight(path)
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
        raise Unreadable("password_protected", "The workbook is protected by a password.") from None
    except python_calamine.CalamineError as error:
        raise Unreadable("corrupt", f"The workbook is damaged and cannot be read ({error}).") from None
    return Workbook(sheets, _unvalued(path, sheets) if suspect else ())


def preflight(path: Path) -> bool:
    """Refuse what must not be opened. Returns whether some cell may hold an error or a formula without a result."""
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("empty_file", "The file is empty (0 bytes).")
    if size > MAXIMUM_BYTES:
        raise Unreadable(
            "too_large", f"The file has {size / MEGABYTE:,.0f} MB; the most is {MAXIMUM_BYTES // MEGABYTE} MB."
        )
    with path.open("rb") as file:
        magic = file.read(8)
    if magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if path.suffix.lower() in {".xlsx", ".xlsm"}:
            raise Unreadable(
                "password_protected", "The workbook is protected by a password, or is an old .xls renamed."
            )
        return False
    if magic[:4] != b"PK\x03\x04":
        raise Unreadable("not_a_workbook", "The file is not an Excel workbook, whatever its name says.")
    try:
        with zipfile.ZipFile(path) as archive:
            return _preflight_parts(archive, size)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, zipfile.zlib.error) as error:
        raise Unreadable("corrupt", f"The workbook is damaged or cut short ({error}).") from None


def _preflight_parts(archive: zipfile.ZipFile, size: int) -> bool:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAXIMUM_PARTS:
        raise Unreadable("hostile", f"The file has {len(parts):,} parts inside; a workbook has a few dozen.")
    if unpacked > MAXIMUM_UNPACKED_BYTES or unpacked > max(size, MEGABYTE // 8) * MAXIMUM_RATIO:
        raise Unreadable("hostile", f"The file of {size:,} bytes would unpack to {unpacked:,} bytes.")
    if not any(part.filename.lower() == "xl/workbook.xml" for part in parts):
        kind = ".xlsb" if any(p.filename.lower() == "xl/workbook.bin" for p in parts) else "zip file"
        raise Unreadable("not_a_workbook", f"The file is a {kind}, not an .xlsx or .xlsm workbook.")
    suspect = False
    for part in parts:
        if not part.filename.lower().endswith((".xml", ".rels")):
            continue
        text = archive.read(part)
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise Unreadable("hostile", f"The part {part.filename} declares entities, which no workbook needs.")
        if part.filename.lower().startswith("xl/worksheets/"):
            rows = max((int(r) for r in _ROW.findall(text)), default=0)
            columns = max(map(column_number, {c.decode() for c in _CELL.findall(text)}), default=0)
            if rows * columns > MAXIMUM_CELLS:
                raise Unreadable(
                    "hostile", f"A sheet reaches to row {rows:,} and column {columns:,}: too far to be read safely."
                )
            suspect = suspect or bool(_SUSPECT.search(text))
    return suspect


def _unvalued(path: Path, sheets: tuple[Grid, ...]) -> tuple[Unvalued, ...]:
    """The cells that calamine left empty although they hold an error or a formula."""
    import openpyxl  # costs 0.3 s: only for the rare workbook that needs it

    book = openpyxl.load_workbook(path)
    found = []
    for grid in sheets:
        for row in book[grid.name].iter_rows():
            for cell in row:
                if cell.data_type not in "ef" or cell.value is None:
                    continue
                line = grid.rows[cell.row - 1] if cell.row <= len(grid.rows) else []
                if cell.column > len(line) or line[cell.column - 1] == "":
                    text = cell.value if isinstance(cell.value, str) else f"={getattr(cell.value, 'text', '')}"
                    found.append(Unvalued(grid.name, cell.coordinate, text, cell.data_type == "e"))
    return tuple(found)
