"""What a workbook's XML holds and calamine passes over: errors, formulas without a result, links, what is hidden or
merged, and the texts beside the cells.

Found with searches for byte patterns; XML is parsed only where one occurs. What it means for a return is not said here.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from io import BytesIO
from xml.etree import ElementTree

UNUSED_TEXT = "a text that no cell shows"

# Patterns begin with fixed characters: that makes them several times faster.
_SUSPECT = (
    re.compile(rb't="e"'),
    re.compile(rb"</f>(?!<v>[^<])"),
    re.compile(rb"<f\b[^>]*/>(?!<v>[^<])"),
    re.compile(rb":sheetData"),  # another writer's way with names: look at every cell
)
_HIDDEN = re.compile(rb'hidden=["\'](?:1|true)["\']')
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b([^>]*hidden=["\'](?:1|true)["\'][^>]*)>')
_HIDDEN_COLUMN = re.compile(rb'<(?:\w+:)?col\b([^>]*hidden=["\'](?:1|true)["\'][^>]*)>')
_NUMBER_OF = {name: re.compile(rb"\b" + name + rb'=["\'](\d{1,7})["\']') for name in (b"r", b"min", b"max")}
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*ref=["\']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["\']')
_FORMULA = re.compile(rb"<f\b[^>]*>([^<]+)</f>")
_ADDRESS = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_SUM = re.compile(rb"SUM\(([A-Z]{1,3})\d+:\1(\d{1,7})\)")  # of what stands above, as templates write them
_LINK = re.compile(r"'[^'\[]*\[[^\]']+\][^']*'!|(?<![\w\]])\[[^\[\]]+\][\w.]*!")
_REFERENCE = re.compile(r"(?<![\w!'.$:])\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?(?![\w(!])")
_QUOTED = re.compile(r'"[^"]*"')  # text within a formula
_PLACES_ONLY = re.compile(r"\b(?:ROWS?|COLUMNS?|CELL|ADDRESS)\(")  # these do not use the value of a cell they name
_TEN_DIGITS = re.compile(rb"\d{3}[^\d<>]{0,5}\d{3}[^\d<>]{0,5}\d{4}")
_TAG = re.compile(rb"<[^>]*>")
_TAIL_TEXT = re.compile(r'>([^<]+)<|\s(?:prompt|promptTitle|error|errorTitle|display|tooltip)="([^"]*)"')
_ASIDES = {  # how a part's name begins -> what it is
    "xl/comments": "a comment",
    "xl/threadedcomments/": "a comment",
    "xl/drawings/": "a text box",
    "docprops/": "the document's properties",
    "xl/workbook.xml": "a name",
    "xl/sharedstrings": UNUSED_TEXT,
}
_BLOCKS = {"comment", "threadedComment", "p", "si", "definedName"}  # the elements that hold one text each


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


@dataclass(frozen=True)
class Formula:
    """A formula that refers to another workbook, or to the cell that it stands in."""

    sheet: str
    cell: str
    text: str
    is_circular: bool


@dataclass(frozen=True)
class Area:
    """A rectangle of a sheet, counted from 0, both ends included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass
class Layout:
    """What a sheet hides and joins: indices of rows, first and last index of columns, merged rectangles."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[Area] = field(default_factory=list)


@dataclass(frozen=True)
class Aside:
    """A text beside the cells that holds ten digits: what it is, and its sheet and cell where it has them."""

    where: str
    text: str
    sheet: str | None = None
    cell: str | None = None


@dataclass
class Unseen:
    """Everything of the kind in one workbook."""

    unvalued: list[Unvalued] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    formulas: list[Formula] = field(default_factory=list)
    layouts: dict[str, Layout] = field(default_factory=dict)


def look_at_sheet(text: bytes, sheet: str, unseen: Unseen) -> None:
    """Note what one sheet's XML holds."""
    if any(pattern.search(text) for pattern in _SUSPECT):
        unseen.unvalued += _find_unvalued(text, sheet)
    layout = Layout()
    if _HIDDEN.search(text):
        layout.hidden_rows.update(_number(about, b"r") - 1 for about in _HIDDEN_ROW.findall(text))
        layout.hidden_columns += [
            (_number(about, b"min") - 1, _number(about, b"max") - 1) for about in _HIDDEN_COLUMN.findall(text)
        ]
    if b"mergeCell " in text:
        layout.merged += [
            Area(int(top) - 1, column_index(left.decode()), int(bottom) - 1, column_index(right.decode()))
            for left, top, right, bottom in _MERGED.findall(text)
        ]
    if layout != Layout():
        unseen.layouts[sheet] = layout
    if b"<f" in text:
        unseen.formulas += _find_formulas(text, sheet)
    tail = text[max(text.find(b"</sheetData>"), 0) :]
    if _TEN_DIGITS.search(tail):
        found = (unescape(one or other) for one, other in _TAIL_TEXT.findall(tail.decode(errors="replace")))
        unseen.asides += [Aside("a header, a footer or a drop-down", text, sheet) for text in found]


def look_beside(archive: zipfile.ZipFile, part: str, text: bytes, sheets: Mapping[str, str], unseen: Unseen) -> None:
    """Note the texts of a part that is no sheet, where they hold ten digits."""
    where = next((where for start, where in _ASIDES.items() if part.lower().startswith(start)), None)
    if where is None:
        return
    text_alone = text if where == UNUSED_TEXT else _TAG.sub(b"", text)
    if not _TEN_DIGITS.search(text_alone) and b"&#" not in text_alone:
        return
    sheet = sheets.get(_sheet_of(archive, part))
    for element in ElementTree.fromstring(text).iter():
        name = element.tag.rpartition("}")[2]
        if name in _BLOCKS:
            unseen.asides.append(Aside(where, "".join(element.itertext()), sheet, element.get("ref")))
        elif where == "the document's properties" and element.text:
            unseen.asides.append(Aside(where, element.text))


def sheet_names(archive: zipfile.ZipFile) -> Mapping[str, str]:
    """Part, in lower case -> name of the sheet in it."""
    try:
        targets = _relations(archive, "xl/workbook.xml")
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    except KeyError:
        return {}
    names = {}
    for element in book.iter():
        if element.tag.endswith("}sheet"):
            identifier = next((v for k, v in element.attrib.items() if k.endswith("}id")), None)
            names[targets.get(identifier, "")] = element.get("name", "")
    return names


def _relations(archive: zipfile.ZipFile, part: str) -> Mapping[str | None, str]:
    """Id -> part, in lower case, of what a part refers to."""
    folder, name = posixpath.split(part)
    relations = ElementTree.fromstring(archive.read(f"{folder}/_rels/{name}.rels"))
    return {
        r.get("Id"): posixpath.normpath(posixpath.join("/", folder, r.get("Target", ""))).lstrip("/").lower()
        for r in relations
    }


def _sheet_of(archive: zipfile.ZipFile, part: str) -> str:
    """The sheet's part that refers to a part, such as its comments."""
    for name in archive.namelist():
        folder, file = posixpath.split(name)
        if folder.lower() == "xl/worksheets/_rels":
            sheet = f"{posixpath.dirname(folder)}/{file.removesuffix('.rels')}"
            if part.lower() in _relations(archive, sheet).values():
                return sheet.lower()
    return ""


def column_index(letters: str) -> int:
    """0 for `A`, 26 for `AA`."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def cell_place(cell: str) -> tuple[int, int]:
    """Column and row, counted from 0, of `B7`."""
    letters = cell.rstrip("0123456789")
    return column_index(letters), int(cell[len(letters) :]) - 1


def _number(attributes: bytes, name: bytes) -> int:
    found = _NUMBER_OF[name].search(attributes)
    return int(found[1]) if found else 0


def _find_formulas(text: bytes, sheet: str) -> Iterator[Formula]:
    """The formulas that refer to another workbook or to their own cell; a shared one where it begins."""
    for found in _FORMULA.finditer(text):
        address = _ADDRESS.search(text, text.rfind(b"<", 0, found.start()), found.start())
        above = _SUM.fullmatch(found[1])
        if address is None or (above and int(above[2]) < int(address[2])):
            continue
        formula = unescape(found[1].decode(errors="replace"))
        cell = (address[1] + address[2]).decode()
        if "[" in formula and _LINK.search(formula):
            yield Formula(sheet, cell, f"={formula}", is_circular=False)
        elif address[1] in found[1] and _names_itself(formula, sheet, *cell_place(cell)):
            yield Formula(sheet, cell, f"={formula}", is_circular=True)


def _names_itself(formula: str, sheet: str, column: int, row: int) -> bool:
    """Whether a formula refers to the cell that it stands in, alone or within a range."""
    if _PLACES_ONLY.search(formula):
        return False
    here = _QUOTED.sub("", formula.replace(f"{sheet}!", "").replace(f"'{sheet}'!", ""))
    for left, top, right, bottom in _REFERENCE.findall(here):
        first, last = sorted((int(top) - 1, int(bottom or top) - 1))
        if first <= row <= last:
            start, end = sorted((column_index(left), column_index(right or left)))
            if start <= column <= end:
                return True
    return False


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
