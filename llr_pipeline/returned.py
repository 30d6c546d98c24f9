"""What goes back to a sender: the workbook with every cell concerned marked, behind a first sheet that lists why.

Where openpyxl would lose something of the workbook, the list is a workbook of its own, beside the untouched original.
`python -m llr_pipeline.returned` is the worker that opens it, with limits. What is wrong is not decided here.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from zipfile import ZIP_DEFLATED, ZipFile, is_zipfile

import openpyxl
from openpyxl.cell import Cell
from openpyxl.comments import Comment
from openpyxl.packaging.relationship import get_dependents
from openpyxl.reader.workbook import WorkbookParser
from openpyxl.styles import Alignment, Border, Color, Font, PatternFill, Side
from openpyxl.utils import quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from llr_pipeline.cells import day_in_words
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.findings import Finding
from llr_pipeline.paths import PROJECT, Home
from llr_pipeline.stylesheet import A4, BLUE, FONT, LINE_GREY, MUTED

if TYPE_CHECKING:
    import duckdb

Row = Mapping[str, Any]
Results = dict[str, dict[str, tuple[str, str]]]

MEMORY_BYTES = 3 * 1024**3  # address space of a worker
SECONDS = 60.0  # wall-clock time for one workbook
WORKERS = min(2, os.cpu_count() or 1)
LISTED_AT_MOST = 5_000  # findings in a list; the gravest come first
NEVER_OPENED = re.compile("hostile|too_large|not_a_workbook|corrupt|password_protected|reader_stopped|empty_file")
TITLE, SHEET = "Findings in this return", "Findings"
FILLS = {"error": "FFF4B8B3", "warning": "FFFFD98A", "note": "FFBFE4F5"}  # tints of the NHS red, yellow and light blue
INK = "212B32"
COLUMNS = {  # of the list: heading and width
    "number": ("No.", 6), "severity": ("Severity", 12), "sheet": ("Sheet", 18), "cell": ("Cell", 8), "line": ("Row", 7),
    "period": ("Period", 10), "message": ("What was found", 58), "value": ("Value received", 26),
    "remedy": ("What to do", 48), "format": ("Format before", 14),
}  # fmt: skip
MARKED = "Every cell concerned is coloured and has a comment. Its address below leads to it."
NOW = "Correct the cells in your workbook, enter a later date in Prepared on, and send the whole workbook again."
BLOCK = re.compile(r"(?:ERROR|WARNING|NOTE) \(finding (\d+)\): .*\n.*\nWhat to do: .*(?:\n\n)?")
SUBMISSION = re.compile(r"_([0-9a-f]{12}(?:-\d+)?)_")
ADDRESS = re.compile(r"[A-Z]{1,3}[1-9]\d{0,6}")
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


@dataclass(frozen=True)
class Returned:
    """The workbook to send back. Not annotated: the list of findings alone, and why."""

    path: Path
    is_annotated: bool
    why_not: str = ""


def annotate(source: Path, findings: Sequence[Finding], target: Path, *, about: Mapping[str, str]) -> Returned:
    """Write the source with its findings marked to `target` (.xlsx), `about` (label -> text) at the top of the list.

    Where that would lose something: an untouched copy under the target's name, and `<target>.findings.xlsx` beside it;
    where the source must not be opened at all, the latter alone. Each file is whole or absent.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    rows, about = _listed(findings, about)
    why_not = "It could not be opened"
    if not any(NEVER_OPENED.fullmatch(finding.rule) for finding in findings):
        part = target.with_name(f".{target.name}.tmp")
        why_not = _mark_in_worker(rows, {**about, "Marked": MARKED, "What now": NOW}, source=source, target=part)
        if not why_not:
            os.replace(part, target)
            return Returned(target, is_annotated=True)
        part.unlink(missing_ok=True)
        _write_whole(target.with_suffix(source.suffix), lambda part: shutil.copyfile(source, part))
    book = openpyxl.Workbook()
    book.remove(book.active)
    _put_list(book, rows, {**about, "Not marked": f"{why_not}.", "What now": NOW})
    path = _write_whole(target.with_name(f"{target.stem}.findings.xlsx"), book.save)
    return Returned(path, is_annotated=False, why_not=why_not)


def return_workbooks(connection: duckdb.DuckDBPyConnection, home: Home, submission_ids: Sequence[str]) -> list[Path]:
    """Write each of these returns that has an error or a warning into `returned/<period>/`; answers what was written.

    What an earlier reading of the same submissions left there is replaced, or removed where nothing is wrong any more.
    Publications are not sent back, nor a file with personal data or without its copy in the archive.
    """
    from llr_pipeline.archive import archived  # the worker does not need it, and it takes long to import

    jobs: list[tuple[Path, list[Finding], Path, dict[str, str]]] = []
    submissions = "select * from raw.submissions where submission_id in (select unnest(?::varchar[])) order by all"
    for about in connection.execute(submissions, [list(submission_ids)]).to_arrow_table().to_pylist():
        columns = "* exclude (submission_id, finding_number, file_name)"
        findings = f"select {columns} from raw.findings where submission_id = ? order by finding_number"
        found = connection.execute(findings, [about["submission_id"]]).to_arrow_table().to_pylist()
        source = archived(home, about["sha256"], about["file_name"])
        is_return = about["template"] is None or about["template"] in templates()
        rules, severities = ({finding[name] for finding in found} for name in ("rule", "severity"))
        if is_return and severities - {"note"} and "personal_data" not in rules and source.exists():
            jobs.append((source, [Finding(**finding) for finding in found], *_place(home, about)))
    for path in [path for path in home.returned.rglob("*") if path.is_file()]:
        if (found := SUBMISSION.search(path.name)) and found[1] in submission_ids:
            path.unlink()
    with ThreadPoolExecutor(WORKERS) as pool:
        return [returned.path for returned in pool.map(lambda job: annotate(*job[:3], about=job[3]), jobs)]


def safe_name(text: str) -> str:
    """Text as a part of a file's name on any system: no control, direction or path characters, 100 at most."""
    kept = "".join(c for c in _visible(text) if c not in '<>:"/\\|?*').strip(" .")[:100]
    return kept.encode()[:150].decode(errors="ignore").strip(" .")  # names are limited in bytes


def _visible(text: str | None) -> str:
    """The text on one line, without the characters that no program shows, such as those that turn its direction."""
    spaced = " ".join(unicodedata.normalize("NFC", text or "").split())
    return "".join(c for c in spaced if unicodedata.category(c)[0] != "C")


def _place(home: Home, submission: Row) -> tuple[Path, dict[str, str]]:
    """Where a submission's workbook goes, and what stands at the top. A refused one's period may be any text."""
    template, code, period = (submission[name] or "" for name in ("template", "organisation_code", "period"))
    stem = SUBMISSION.split(Path(submission["file_name"]).stem)[-1]  # of a returned workbook that was sent again
    name = [code or "unknown", template or "unknown", submission["submission_id"], safe_name(stem) or "return"]
    organisation = read_reference().find("organisations", organisation_code=code)
    return home.returned / (period if re.fullmatch(r"\d{4}-\d\d", period) else "unplaced") / f"{'_'.join(name)}.xlsx", {
        "Return": ", ".join(filter(None, [templates()[template].title if template else "not known", period])),
        "From": organisation["organisation_name"] if organisation else "not known",
        "File": submission["file_name"],
        "Received": day_in_words(submission["received_at"].date()),
        "Outcome": f"{submission['status']}, {submission['value_count']:,} values read",
    }


def _write_whole(target: Path, write: Callable[[Path], object]) -> Path:
    """Write a file that is whole or absent."""
    part = target.with_name(f".{target.name}.tmp")
    write(part)
    os.replace(part, target)
    return target


def _listed(findings: Sequence[Finding], about: Mapping[str, str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The findings as they are numbered and listed, the gravest first; and about them, how many there are too."""
    titles = {row["rule"]: row["title"] for row in read_reference().rows("finding_rules")}
    ranked = sorted(findings, key=lambda finding: list(FILLS).index(finding.severity))[:LISTED_AT_MOST]
    rows = [
        {**finding.as_dict(), "number": number, "title": titles.get(finding.rule, finding.rule),
         "value": (finding.value_received or "")[:2_000], "is_linked": False}
        for number, finding in enumerate(ranked, 1)
    ]  # fmt: skip
    counts = Counter(finding.severity for finding in findings)
    said = ", ".join(f"{counts[s]:,} {s}{'s' if counts[s] > 1 else ''}" for s in FILLS if counts[s])
    limit = f"; the first {LISTED_AT_MOST:,} are listed" if len(findings) > LISTED_AT_MOST else ""
    return rows, {**about, "Found": f"{said}{limit}"}


def _put_list(book: openpyxl.Workbook, rows: Sequence[Row], about: Mapping[str, str]) -> tuple[Worksheet, int]:
    """The list as the first sheet; answers it and its header's row. Text is text, whatever it starts with."""
    sheet = book.create_sheet(SHEET, 0)
    plain, bold, link, styles = _font(), _font(bold=True), _font(BLUE, underline="single"), {}
    line, top = Side("thin", color=LINE_GREY.strip("#")), Alignment("left", "top", wrap_text=True)
    border = Border(line, line, line, line)

    def put(row: int, column: int, value: Any, font: Font) -> Cell:
        cell = sheet.cell(row, column)
        cell.value, cell.font = value, font
        cell.data_type = "s" if isinstance(value, str) else cell.data_type
        return cell

    put(1, 1, TITLE, _font(BLUE, size=16, bold=True))
    for row, (name, text) in enumerate(about.items(), 2):
        put(row, 1, name, _font(MUTED, bold=True))
        put(row, 3, _visible(text), _font())
    header, last = len(about) + 3, len(about) + 3 + len(rows)
    for column, (name, (title, width)) in enumerate(COLUMNS.items(), 1):
        cell = put(header, column, title, _font("FFFFFF", bold=True))
        cell.fill, cell.alignment = PatternFill("solid", fgColor=f"FF{BLUE.strip('#')}"), Alignment(vertical="center")
        sheet.column_dimensions[cell.column_letter].width = width
        for row in rows:
            value, cell = row.get(name), sheet.cell(header + row["number"], column)
            cell.value = value.upper() if name == "severity" else _visible(value) if isinstance(value, str) else value
            cell.data_type = "s" if isinstance(value, str) else cell.data_type
            if to := {"sheet": "A1", "cell": value}.get(name) if row["is_linked"] else None:
                cell.hyperlink = Hyperlink(ref="", location=f"{quote_sheetname(row['sheet'])}!{to}")
            if (key := (name, row["severity"], to is None)) not in styles:  # openpyxl is slow to make them
                cell.font = link if to else bold if name == "severity" else plain
                cell.fill = PatternFill("solid", fgColor=FILLS[value]) if name == "severity" else PatternFill()
                cell.border, cell.alignment, cell.quotePrefix = border, top, name == "value"
                styles[key] = cell._style
            cell._style = copy(styles[key])
    for row in rows:  # LibreOffice leaves a row's height as it is
        lines = max(-int(-len(str(row.get(name) or "")) // (width * 1.15)) for name, (_, width) in COLUMNS.items())
        sheet.row_dimensions[header + row["number"]].height = 13 * lines + 2
    sheet.column_dimensions[cell.column_letter].hidden = True  # how a cell looked before it was marked
    sheet.auto_filter.ref, sheet.print_area = f"A{header}:I{last}", f"A1:I{last}"
    sheet.print_title_rows, sheet.freeze_panes = f"{header}:{header}", f"A{header + 1}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", A4
    sheet.page_margins.left = sheet.page_margins.right = sheet.page_margins.top = 0.5
    sheet.page_setup.fitToPage, sheet.page_setup.fitToHeight = True, 0
    sheet.oddFooter.left.text, sheet.oddFooter.right.text = _visible(about.get("Return")).replace("&", "&&"), "&P of &N"
    sheet.sheet_view.showGridLines, sheet.sheet_properties.tabColor = False, BLUE.strip("#")
    return sheet, header


def _font(color: str = INK, **shape: Any) -> Font:
    return Font(**{"name": FONT["font_name"], "size": FONT["font_size"], "color": f"FF{color.strip('#')}", **shape})


def _mark_in_worker(rows: Sequence[Row], about: Mapping[str, str], *, source: Path, target: Path) -> str:
    """Run `mark` in a process of its own. Answers why the source cannot be marked, or nothing."""
    job = {"rows": rows, "about": about, "source": str(source.resolve()), "target": str(target.resolve())}
    command = [sys.executable, "-m", "llr_pipeline.returned"]
    try:
        done = subprocess.run(command, input=json.dumps(job).encode(), stdout=-1, timeout=SECONDS, cwd=PROJECT)
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return f"Marking its cells took more than {SECONDS:,.10g} seconds"
    except ValueError:
        return "Marking its cells took too much memory, or failed"


def work(job: Mapping[str, Any]) -> str:
    """The worker: `mark` with its memory limited."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        return mark(Path(job["source"]), job["rows"], Path(job["target"]), about=job["about"])
    except Exception as error:
        return f"It cannot be taken apart and put together again ({type(error).__name__})"


def mark(source: Path, rows: Sequence[Row], target: Path, *, about: Mapping[str, str]) -> str:
    """Write the source with the list in front and its cells marked, or answer why not: what would be lost."""
    content = BytesIO(source.read_bytes())
    if not is_zipfile(content):
        return "It is a workbook of the old kind, .xls"
    with ZipFile(content) as archive:
        lost, carried, results = examine(archive)
    if lost:
        return f"It holds what marking its cells would lose: {', '.join(lost)}"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        book = openpyxl.load_workbook(content, rich_text=True)
    if said := [text for warning in said if "Unknown extension" not in (text := str(warning.message))]:
        return f"Marking its cells would lose something: {said[0].rstrip('.')}"
    _unmark(book)
    _mark_cells(book, rows, about)
    book.template = False
    book.save(saved := BytesIO())
    results = {sheet.path[1:]: results.get(sheet.title, {}) for sheet in book.worksheets}
    with ZipFile(saved) as before, ZipFile(content) as archive:
        _complete(before, archive, target, carried, results)
    return ""


def _mark_cells(book: openpyxl.Workbook, rows: Sequence[Row], about: Mapping[str, str]) -> None:
    """Fill and comment on each cell of the rows, and put the list with links to them in front."""
    marked: dict[tuple[str, str], list[Row]] = {}
    for row in (row for row in rows if row["sheet"] in book.sheetnames):
        other = book[row["sheet"]]
        row["is_linked"] = other.sheet_state == "visible"
        if ADDRESS.fullmatch(row["cell"] or ""):
            whole = (cells.coord for cells in other.merged_cells.ranges if row["cell"] in cells)
            address = next(whole, row["cell"]).partition(":")[0]  # of merged cells the first alone holds anything
            marked.setdefault((other.title, address), []).append(row)
    sheet, header = _put_list(book, rows, about)
    for (name, address), findings in marked.items():
        cell = book[name][address]
        for row in findings:
            sheet.cell(header + row["number"], len(COLUMNS))._style = copy(cell._style)
        font = copy(cell.font)
        font.color = Color(f"FF{INK}")
        cell.font, cell.fill = font, PatternFill("solid", fgColor=FILLS[findings[0]["severity"]])
        said = [cell.comment.text] if cell.comment else []
        for row in findings:
            said.append(f"{row['severity'].upper()} (finding {row['number']}): {row['title']}\n"
                        f"{_visible(row['message'])}.\nWhat to do: {_visible(row['remedy'])}")  # fmt: skip
        cell.comment = Comment("\n\n".join(said), cell.comment.author if cell.comment else SHEET)
    for cell in _commented(book):
        lines = sum(1 + len(line) // 56 for line in cell.comment.text.split("\n"))
        cell.comment.width, cell.comment.height = 380, min(500, 24 + 17 * lines)
    for view in (view for other in book.worksheets for view in other.views.sheetView):
        view.tabSelected = view is sheet.sheet_view  # two selected sheets would be edited together
    book.active = 0


def _commented(book: openpyxl.Workbook) -> list[Cell]:
    return [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.comment]


def _unmark(book: openpyxl.Workbook) -> None:
    """Take off the marks of an earlier list, from a workbook that was corrected and sent again."""
    for earlier in [sheet for sheet in book.worksheets if sheet["A1"].value == TITLE]:
        before = {cell.value: earlier.cell(cell.row, len(COLUMNS)) for (cell,) in earlier.iter_rows(max_col=1)}
        for cell in _commented(book):
            if found := BLOCK.search(cell.comment.text):
                rest = BLOCK.sub("", cell.comment.text).strip()
                cell.comment = Comment(rest, cell.comment.author) if rest else None
                cell._style = copy(before.get(int(found[1]), cell)._style)
        book.remove(earlier)


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
            found = RESULT.findall(content.decode())
            results[sheets.get(name, "")] = {cell: (kind or "n", value) for cell, kind, value in found}
        elif CARRIED.fullmatch(name):
            carried[name] = kind
        elif LOST_WITHIN.search(content) or not (kind.endswith(KEPT_PARTS) or NO_PARTS.match(part)):
            lost.add(f"{kind} {name}")
    words = {next((word for sign, word in LOSSES.items() if sign in what.lower()), what) for what in lost}
    return sorted(words), carried, results


def _complete(saved: ZipFile, source: ZipFile, target: Path, carried: Mapping[str, str], results: Results) -> None:
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


if __name__ == "__main__":
    print(json.dumps(work(json.load(sys.stdin))))
