"""What a workbook's XML holds and calamine passes over: errors, formulas without a result, links, what is hidden or
merged, and the texts beside the cells.

Found with searches for byte patterns, which know XML as most programs write it; XML is parsed only where one occurs, or
where it is written otherwise. What it means for a return is not said here.
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
from xml.sax.saxutils import escape

from llr_pipeline.cells import shortened

UNUSED_TEXT = "a text that no cell shows"

# Patterns begin with fixed characters: that makes them several times faster.
_SUSPECT = (
    re.compile(rb"</f>(?!<v>[^<])"),
    re.compile(rb"<f\b[^>]*/>(?!<v>[^<])"),
)
_HIDDEN = re.compile(rb'hidden\s*=\s*["\'](?:1|true)["\']')
_HIDDEN_ROW = re.compile(rb'<row\b([^>]*hidden\s*=\s*["\'](?:1|true)["\'][^>]*)>')
_HIDDEN_COLUMN = re.compile(rb'<col\b([^>]*hidden\s*=\s*["\'](?:1|true)["\'][^>]*)>')
_NUMBER_OF = {name: re.compile(rb"\b" + name + rb'\s*=\s*["\'](\d{1,7})["\']') for name in (b"r", b"min", b"max")}
_MERGED = re.compile(rb'<mergeCell\s[^>]*ref\s*=\s*["\']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["\']')
_NAMELESS_ROW = re.compile(rb'<row(?! r="\d)')
_PREFIXED = re.compile(rb":(?:row|c|v|f|is)[\s/>]")
_CELL = re.compile(rb'<c r="([A-Z]{1,3}[1-9]\d{0,6})"')
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
        text = shortened(self.text)
        return f"holds the error {text}" if self.is_error else f"holds the formula {text} without its result"


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


def plain(text: bytes) -> tuple[bytes, list[bytes]]:
    """A sheet's XML as most programs write it, and the address of each of its cells.

    As it is, or written anew where names have prefixes, or a row or a cell does not begin with its address. Raises
    ParseError where it is damaged.
    """
    start, end = text.find(b"<sheetData"), text.rfind(b"</sheetData>")
    cells = _CELL.findall(text, start, end)
    is_plain = start >= 0 and len(cells) == text.count(b"<c", start, end)
    if not is_plain or _NAMELESS_ROW.search(text, start, end) or _PREFIXED.search(text, start, end):
        text = _written_anew(text)
        cells = _CELL.findall(text)
    return text, cells


def _written_anew(text: bytes) -> bytes:
    """The XML without prefixes, in quotation marks, with the address of each row and cell."""
    parts: list[str] = []
    row = column = 0  # of the last row and cell, counted from 1
    is_open = False  # whether the last part begins an element
    for event, element in ElementTree.iterparse(BytesIO(text), ("start", "end")):
        name = element.tag.rpartition("}")[2]
        if event == "end":
            inside = "" if len(element) else escape(element.text or "")
            parts[-1] += "/>" if is_open and not inside else f"{'>' * is_open}{inside}</{name}>"
            is_open = False
            element.clear()
            continue
        about = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        if name == "row":
            row, column = int(about.pop("r", row + 1)), 0
            about = {"r": str(row)} | about
        elif name == "c":
            address = about.pop("r", "").upper() or cell_name(column, row - 1)
            column = column_index(address.rstrip("0123456789")[:3]) + 1
            about = {"r": address} | about
        attributes = "".join(f' {key}="{escape(value, {chr(34): "&quot;"})}"' for key, value in about.items())
        parts.append(f"{'>' * is_open}<{name}{attributes}")
        is_open = True
    return "".join(parts).encode()


def look_at_sheet(text: bytes, sheet: str, unseen: Unseen) -> None:
    """Note what one sheet's XML holds."""
    if b'"e"' in text or (b"'" in text and b"'e'" in text) or any(pattern.search(text) for pattern in _SUSPECT):
        unseen.unvalued += _find_unvalued(text, sheet)
    layout = Layout()
    if _HIDDEN.search(text):
        layout.hidden_rows.update(_number(about, b"r") - 1 for about in _HIDDEN_ROW.findall(text))
        layout.hidden_columns += [
            (_number(about, b"min") - 1, _number(about, b"max") - 1) for about in _HIDDEN_COLUMN.findall(text)
        ]
    if b"<mergeCell" in text:
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


def sheet_parts(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Part, in lower case, and name of each sheet, in the workbook's order."""
    try:
        targets = _relations(archive, "xl/workbook.xml")
    except KeyError:
        return []
    book = ElementTree.fromstring(read_part(archive, "xl/workbook.xml"))
    found = []
    for element in book.iter():
        if element.tag.endswith("}sheet"):
            identifier = next((v for k, v in element.attrib.items() if k.endswith("}id")), None)
            found.append((targets.get(identifier, ""), element.get("name", "")))
    return found


def read_part(archive: zipfile.ZipFile, name: str) -> bytes:
    """A part's content, however its name is spelt. Raises KeyError where there is none."""
    return archive.read({part.lower(): part for part in archive.namelist()}[name.lower()])


def _relations(archive: zipfile.ZipFile, part: str) -> Mapping[str | None, str]:
    """Id -> part, in lower case, of what a part refers to."""
    folder, name = posixpath.split(part)
    relations = ElementTree.fromstring(read_part(archive, f"{folder}/_rels/{name}.rels"))
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
        name = element.tag.rpartition("}")[2]
        if name == "row":
            element.clear()
        if name != "c":
            continue
        inside = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
        kind = element.get("t")
        if kind == "e":
            yield Unvalued(sheet, element.get("r", ""), inside.get("v", ""), is_error=True)
        elif "f" in inside and not inside.get("v") and not (kind == "str" and "v" in inside):
            yield Unvalued(sheet, element.get("r", ""), f"={inside['f']}", is_error=False)
