"""What may be opened: refuses a file that is no workbook or is not safe to open, before any reader touches it.

Since it looks at the sheets' XML anyway, it also lists the cells that calamine shows as empty although they hold an
error value or a formula without a result.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

MEGABYTE = 1024 * 1024
MAXIMUM_BYTES = 100 * MEGABYTE
MAXIMUM_UNPACKED_BYTES = 400 * MEGABYTE
MAXIMUM_RATIO = 400
SMALL_BYTES = MEGABYTE // 8  # a tiny file may be packed tighter without harm
MAXIMUM_PARTS = 2_000
MAXIMUM_CELLS = 6_000_000  # a sheet's rows times columns; the widest published sheet has 16,383 by 9

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Patterns begin with fixed characters: that makes them several times faster.
_CELL = re.compile(rb'r="([A-Z]{1,3})(\d+)"')
_FILLED = re.compile(rb'r="([A-Z]{1,3})(\d+)"[^>]*(?<!/)>')
_SUSPECT = (
    re.compile(rb't="e"'),
    re.compile(rb"</f>(?!<v>[^<])"),
    re.compile(rb"<f\b[^>]*/>(?!<v>[^<])"),
    re.compile(rb":sheetData"),  # another writer's way with names: look at every cell
)
_KINDS = {  # how a file begins -> what it is
    b"%PDF": "a PDF",
    b"{\\rtf": "a text document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"<": "a web page or XML",
    b"\xef\xbb\xbf<": "a web page or XML",
    b"PK": "a zip archive",
}
_ZIP_KINDS = {  # a part inside -> what the file is
    "xl/workbook.bin": "a binary workbook (.xlsb)",
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint presentation",
    "content.xml": "an OpenDocument file",
}


class Unreadable(Exception):
    """A file that cannot or must not be opened. `rule` names the finding, the message says what the file is."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True)
class Unvalued:
    """A cell that looks empty and is not: an error value, or a formula that has no result stored."""

    sheet: str
    cell: str
    text: str
    is_error: bool

    @property
    def rule(self) -> str:
        """The rule that the cell breaks."""
        return "error_value" if self.is_error else "formula_without_value"

    def __str__(self) -> str:
        return f"holds the error {self.text}" if self.is_error else f"holds the formula {self.text} without its result"


def preflight(path: Path) -> tuple[Unvalued, ...]:
    """The cells that only look empty. Raises Unreadable for a file that must not be opened."""
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
        return ()
    if not head.startswith(b"PK\x03\x04"):
        raise Unreadable("not_a_workbook", f"The file is {_kind(head)}, not an Excel workbook")
    try:
        with zipfile.ZipFile(path) as archive:
            return _check_parts(archive, size)
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        zlib.error,
        ElementTree.ParseError,
    ):
        raise Unreadable("corrupt", "The workbook is damaged or was cut short") from None


def _kind(head: bytes) -> str:
    for start, kind in _KINDS.items():
        if head.lstrip().startswith(start):
            return kind
    return "something else" if b"\0" in head else "plain text, such as CSV"


def _check_compound_file(path: Path) -> None:
    """An .xls is read; a workbook with a password, and anything old under a new name, is not."""
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise Unreadable("password_protected", "The workbook is protected by a password")
    if path.suffix.lower() != ".xls":
        raise Unreadable(
            "not_a_workbook", f"The file is an Office file of the old kind, such as .xls, under the name {path.suffix}"
        )


def _check_parts(archive: zipfile.ZipFile, size: int) -> tuple[Unvalued, ...]:
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
    unvalued: list[Unvalued] = []
    sheets: Mapping[str, str] = {}
    for part in parts:
        if not part.filename.lower().endswith((".xml", ".rels")):
            continue
        text = archive.read(part)
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise Unreadable("hostile", f"The part {part.filename} declares entities, which no workbook needs")
        if b"sheetData" not in text:
            continue
        name = part.filename.lower()
        if far := _far_cell(text):
            sheet = _sheet_names(archive).get(name, name)
            raise Unreadable("hostile", f"The sheet “{sheet}” reaches out to cell {far}, too far to be read safely")
        if any(pattern.search(text) for pattern in _SUSPECT):
            sheets = sheets or _sheet_names(archive)
            unvalued += _find_unvalued(text, sheets[name]) if name in sheets else ()
    return tuple(unvalued)


def _far_cell(text: bytes) -> str | None:
    """The sheet's last cell where it is too far out; cells with nothing but a format do not count."""
    for pattern in (_CELL, _FILLED):
        found = pattern.findall(text)
        column = max(
            (letters.decode() for letters in {letters for letters, _ in found}), key=_column_number, default="A"
        )
        row = max({int(digits) for _, digits in found}, default=0)
        if _column_number(column) * row <= MAXIMUM_CELLS:
            return None
    return f"{column}{row}"


def _column_number(letters: str) -> int:
    """1 for `A`, 27 for `AA`."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _sheet_names(archive: zipfile.ZipFile) -> Mapping[str, str]:
    """Part, in lower case -> name of the sheet in it."""
    try:
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    except KeyError:
        return {}
    targets = {r.get("Id"): posixpath.join("/xl", r.get("Target", "")).lstrip("/").lower() for r in relations}
    names = {}
    for element in book.iter():
        if element.tag.endswith("}sheet"):
            identifier = next((v for k, v in element.attrib.items() if k.endswith("}id")), None)
            names[posixpath.normpath(targets.get(identifier, ""))] = element.get("name", "")
    return names


def _find_unvalued(text: bytes, sheet: str) -> Iterator[Unvalued]:
    """The sheet's error cells, and its formulas without a result; a result of "" is a result."""
    for _, element in ElementTree.iterparse(BytesIO(text)):
        if element.tag.endswith("}row"):
            element.clear()
        if not element.tag.endswith("}c") or not element.get("r"):
            continue
        inside = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
        kind = element.get("t")
        if kind == "e":
            yield Unvalued(sheet, element.get("r", ""), inside.get("v", ""), is_error=True)
        elif "f" in inside and not inside.get("v") and not (kind == "str" and "v" in inside):
            yield Unvalued(sheet, element.get("r", ""), f"={inside['f']}", is_error=False)
