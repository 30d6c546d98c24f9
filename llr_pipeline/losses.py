"""What openpyxl would lose of a workbook, found in the parts of its zip; and what is put back after openpyxl saved it.

Whatever is not known to be kept counts as lost. Marking belongs to `marking.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl.packaging.relationship import get_dependents
from openpyxl.reader.workbook import WorkbookParser

Results = dict[str, dict[str, tuple[str, str]]]

RESULT = re.compile(r'<c r="(\w+)"(?:[^>]*? t="(\w+)")?[^>]*>\s*<f\b[^>]*(?:/>|>[^<]*</f>)\s*<v>([^<]+)</v>')
FORMULA = re.compile(r'<c r="([A-Z]+\d+)"([^>]*?)(?: t="n")?>(<f\b[^>]*(?:/>|>[^<]*</f>))<v ?(?:/>|></v>)</c>')
OVERRIDE = '<Override PartName="/{}" ContentType="{}"/>'
RELATION = '<Relationship Id="carried{}" Type="{}" Target="/{}"/>'
SPACED = '<t xml:space="preserve">'  # or the spaces between differently formatted words go
NO_PARTS = re.compile(r"/\[content_types]|/docprops/thumbnail|.*/$")
CARRIED = re.compile(r"(?:customXml|docMetadata)/[\w./-]+")  # parts that nothing else refers to
# What openpyxl writes again or Excel makes anew, and what in it is lost; whatever is not named here counts as lost.
KEPT_PARTS = (
    ".relationships+xml", ".core-properties+xml", ".extended-properties+xml", ".custom-properties+xml", ".main+xml",
    ".worksheet+xml", ".styles+xml", ".theme+xml", ".sharedStrings+xml", ".comments+xml", ".table+xml", ".vmlDrawing",
    ".drawing+xml", ".externalLink+xml", ".calcChain+xml", ".printerSettings", ".person+xml",
)  # fmt: skip
LOST_WITHIN = re.compile(rb'ObjectType="(?!Note)|alternateUrls|ddeLink|oleLink|CellAnchor|absoluteAnchor')
PROGRAM = re.compile(rb'<f\b[^>]*>[^<"]*(?:"[^<"]*"[^<"]*)*\|')  # a formula that starts one: cmd|' /C calc'!A0
KEPT_IN_SHEET = """
    sheetPr dimension sheetViews sheetFormatPr cols sheetData sheetCalcPr sheetProtection scenarios autoFilter sortState
    mergeCells phoneticPr conditionalFormatting dataValidations hyperlinks printOptions pageMargins pageSetup drawing
    headerFooter rowBreaks colBreaks ignoredErrors legacyDrawing tableParts extLst ext.PLV ext.ignoredErrors
"""
LOSSES = {  # part of a content type, of a part's name or of an element -> what that is
    "vmldrawing": "form controls", "control": "form controls", "activex": "form controls", "vba": "macros",
    "alternatecontent": "form controls", "chart": "charts", "image/": "pictures", "pivot": "pivot tables", "slicer":
    "slicers", "externallink": "links to other workbooks", "threaded": "threaded comments", "connection":
    "data connections", "sheetmetadata": "dynamic arrays", "ole": "embedded objects", "sparkline": "sparklines",
    "datavalidation": "drop-downs of Excel 2010 or later", "conditionalformatting": "conditional formats of Excel 2010",
    "drawing": "drawings", "customsheetviews": "custom views", "protectedranges": "protected ranges",
}  # fmt: skip


def examine(archive: ZipFile) -> tuple[list[str], dict[str, str], Results]:
    """What would be lost, in words; the parts to carry over, with their types; and formulas' results by sheet."""
    types = ElementTree.fromstring(archive.read("[Content_Types].xml"))
    kinds = {(t.get("PartName") or f".{t.get('Extension')}").lower(): t.get("ContentType", "") for t in types}
    book = WorkbookParser(archive, "xl/workbook.xml")
    book.parse()
    sheets = {relation.target: sheet.name for sheet, relation in book.find_sheets()}
    lost, carried, results = set(), {}, {}
    for name in archive.namelist():
        part, content = f"/{name.lower()}", archive.read(name)
        kind = kinds.get(part) or kinds.get(f".{part.rpartition('.')[2]}", "")
        if kind.endswith(".worksheet+xml"):
            root = ElementTree.fromstring(content)
            tags = [("", x) for x in root] + [("ext.", x) for ext in root.iterfind("{*}extLst/{*}ext") for x in ext]
            lost |= {where + element.tag.rpartition("}")[2] for where, element in tags} - set(KEPT_IN_SHEET.split())
            lost |= {"links to other programs"} if PROGRAM.search(content) else set()
            found = RESULT.findall(content.decode())
            results[sheets.get(name, "")] = {cell: (kind or "n", value) for cell, kind, value in found}
        elif CARRIED.fullmatch(name):
            carried[name] = kind
        elif LOST_WITHIN.search(content) or not (kind.endswith(KEPT_PARTS) or NO_PARTS.match(part)):
            lost.add(f"{kind} {name}".strip())
    words = {next((word for sign, word in LOSSES.items() if sign in what.lower()), what) for what in lost}
    return sorted(words), carried, results


def complete(saved: ZipFile, source: ZipFile, target: Path, carried: Mapping[str, str], results: Results) -> None:
    """Write what openpyxl saved with what it left out: formulas' results, for Excel's protected view, and parts."""

    def with_result(found: re.Match[str]) -> str:
        kind, value = known.get(found[1], ("n", ""))
        return f'<c r="{found[1]}"{found[2]} t="{kind}">{found[3]}<v>{value}</v></c>'

    added = {"[Content_Types].xml": [OVERRIDE.format(name, escape(kind)) for name, kind in carried.items()]}
    for name in ("_rels/.rels", "xl/_rels/workbook.xml.rels"):
        found = [relation for relation in get_dependents(source, name) if relation.target in carried]
        added[name] = [RELATION.format(n, escape(r.Type), escape(r.target)) for n, r in enumerate(found)]
    with ZipFile(target, "w", ZIP_DEFLATED) as after:
        for part in saved.infolist():
            text, known = saved.read(part).decode().replace("<t>", SPACED), results.get(part.filename)
            head, end, tail = (FORMULA.sub(with_result, text) if known else text).rpartition("</")
            after.writestr(part, "".join([head, *added.get(part.filename, []), end, tail]))
        for name in carried:
            after.writestr(name, source.read(name))
