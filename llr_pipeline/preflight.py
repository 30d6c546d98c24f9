"""What may be opened: refuses a file that is no workbook or is not safe to open, before any reader touches it.

Since it looks at the XML anyway, it has `unseen.py` note what calamine passes over.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from string import ascii_uppercase
from xml.etree import ElementTree

from llr_pipeline.cells import quoted, shortened
from llr_pipeline.unseen import Unseen, column_index, look_at_sheet, look_beside, plain, sheet_parts

MEGABYTE = 1024 * 1024
MAXIMUM_BYTES = 100 * MEGABYTE
MAXIMUM_UNPACKED_BYTES = 400 * MEGABYTE
MAXIMUM_RATIO = 400
SMALL_BYTES = MEGABYTE // 8  # a tiny file may be packed tighter without harm
MAXIMUM_PARTS = 2_000
MAXIMUM_CELLS = 6_000_000  # a sheet's rows times columns; the widest published sheet has 16,383 by 9

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FILLED = re.compile(rb'<c r="([A-Z]{1,3}[1-9]\d{0,6})"[^>]*(?<!/)>')
_NO_CELL = re.compile(rb'<c r="((?![A-Z]{1,3}[1-9]\d{0,6}")[^"]*)"')
_KINDS = {  # how a file begins -> what it is
    b"%PDF": "a PDF",
    b"{\\rtf": "a text document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"<": "a web page or XML",
    b"\xef\xbb\xbf<": "a web page or XML",
    b"PK": "a zip archive",
}
TEXT_KIND = "a text file (CSV), which keeps one sheet"
OTHER_SUFFIXES = (".xls", ".xlsb", ".ods")  # by which readers would take a workbook for what it is not
_ZIP_KINDS = {  # a part inside -> what the file is
    "xl/workbook.bin": "a binary workbook (.xlsb)",
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint presentation",
    "content.xml": "an OpenDocument file, such as .ods",
}


class Unreadable(Exception):
    """A file that cannot or must not be opened. `rule` names the finding, the message says what the file is."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def preflight(path: Path) -> Unseen:
    """What calamine will pass over. Raises Unreadable for a file that must not be opened."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise Unreadable("corrupt", f"The file cannot be opened: {(error.strerror or 'unknown').lower()}") from None
    if size == 0:
        raise Unreadable("empty_file", "The file is empty: it has 0 bytes")
    if size > MAXIMUM_BYTES:
        raise Unreadable(
            "too_large", f"The file has {size / MEGABYTE:,.0f} MB; the most is {MAXIMUM_BYTES // MEGABYTE} MB"
        )
    if head.startswith(_OLE):
        _check_compound_file(path)
        return Unseen()
    if not head.startswith(b"PK\x03\x04"):
        raise Unreadable("not_a_workbook", f"The file is {_kind(head, path.suffix)}, not an Excel workbook")
    try:
        with zipfile.ZipFile(path) as archive:
            unseen = _check_parts(archive, size)
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        zlib.error,
        ElementTree.ParseError,
        LookupError,  # an encoding that there is not, a part that is not there
        ValueError,  # an encoding that cannot be read, a number that is none
    ):
        raise Unreadable("corrupt", "The workbook is damaged or was cut short") from None
    if path.suffix.lower() in OTHER_SUFFIXES:
        raise Unreadable("not_a_workbook", f"The file is an .xlsx or .xlsm workbook under the name {path.suffix}")
    return unseen


def _kind(head: bytes, suffix: str) -> str:
    for start, kind in _KINDS.items():
        if head.lstrip().startswith(start):
            return kind
    if b"\0" in head:
        return "something else"
    return TEXT_KIND if suffix.lower() == ".csv" else "plain text, such as CSV"


def _check_compound_file(path: Path) -> None:
    """An .xls is read; a workbook with a password, and anything old under a new name, is not."""
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise Unreadable("password_protected", "The workbook is protected by a password")
    if path.suffix.lower() != ".xls":
        raise Unreadable(
            "not_a_workbook", f"The file is an Office file of the old kind, such as .xls, under the name {path.suffix}"
        )


def _check_parts(archive: zipfile.ZipFile, size: int) -> Unseen:
    parts = archive.infolist()
    names = {part.filename.lower() for part in parts}
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAXIMUM_PARTS:
        raise Unreadable("hostile", f"The file has {len(parts):,} parts inside; a workbook has a few dozen")
    if len(names) < len(parts):
        raise Unreadable("hostile", "The file holds two parts of the same name, so that readers would disagree")
    if unpacked > MAXIMUM_UNPACKED_BYTES or unpacked > max(size, SMALL_BYTES) * MAXIMUM_RATIO:
        raise Unreadable("hostile", f"The file of {size:,} bytes would unpack to {unpacked:,} bytes")
    if "xl/workbook.xml" not in names:
        kind = next((kind for part, kind in _ZIP_KINDS.items() if part in names), "a zip archive")
        raise Unreadable("not_a_workbook", f"The file is {kind}, not an .xlsx or .xlsm workbook")
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("password_protected", "The workbook is protected by a password")
    unseen = Unseen()
    listed = sheet_parts(archive)
    sheets = dict(listed)
    if len(set(sheets.values())) < len(listed):
        raise Unreadable("hostile", "Two sheets are one part or have one name, so that readers would disagree")
    for part in parts:
        name = part.filename.lower()
        if not name.endswith((".xml", ".rels")) and name not in sheets:
            continue
        text = archive.read(part)
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            message = f"The part {shortened(part.filename)} declares entities, which no workbook needs"
            raise Unreadable("hostile", message)
        if name not in sheets or b"sheetData" not in text:
            look_beside(archive, part.filename, text, sheets, unseen)
            continue
        sheet = quoted(sheets[name])
        if _has_remarks(text):
            raise Unreadable("hostile", f"The sheet {sheet} has remarks among its cells, on which readers disagree")
        text, cells = plain(text)
        _check_cells(text, cells, sheet)
        look_at_sheet(text, sheets[name], unseen)
    return unseen


def _has_remarks(text: bytes) -> bool:
    """Whether the XML of the cells has a comment, unparsed text or an instruction: some readers end a number there."""
    start, end = text.find(b"sheetData"), text.rfind(b"sheetData")
    # a rare character first: that is searched for fastest
    return any(text.find(m, start, end) > 0 and text.find(b"<" + m, start, end) > 0 for m in (b"!", b"?"))


def _check_cells(text: bytes, cells: list[bytes], sheet: str) -> None:
    """Raise Unreadable where readers would not agree on which cells there are, or they reach out too far."""
    if len(cells) < text.count(b'<c r="'):
        address = quoted(_NO_CELL.search(text)[1].decode(errors="replace"))
        raise Unreadable("corrupt", f"The workbook is damaged: the sheet {sheet} has a cell at {address}")
    if len(set(cells)) < len(cells):
        raise Unreadable("hostile", f"The sheet {sheet} has two cells at one address, so that readers would disagree")
    if _far_corner(cells) and (far := _far_corner(_FILLED.findall(text))):  # a format alone does no harm
        raise Unreadable("hostile", f"The sheet {sheet} reaches out to cell {far}, too far to be read safely")


def _far_corner(cells: list[bytes]) -> str | None:
    """The last column and row of the cells, where they are too far out."""
    columns, rows = ({cell.strip(part) for cell in cells} for part in (b"0123456789", ascii_uppercase.encode()))
    column = max((letters.decode() for letters in columns), key=column_index, default="A")
    row = max(map(int, rows), default=0)
    return f"{column}{row}" if (column_index(column) + 1) * row > MAXIMUM_CELLS else None
