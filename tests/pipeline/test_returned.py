"""What goes back to a sender: what is marked, what is kept, and when the original goes back untouched instead."""

from __future__ import annotations

import hashlib
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from io import BytesIO
from pathlib import Path

import duckdb
import openpyxl
import pytest
import python_calamine
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font

from llr_pipeline import intake, returned
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.findings import Finding
from llr_pipeline.findings_list import COLUMNS, FILLS, SHEET
from llr_pipeline.paths import PROJECT, Home
from llr_pipeline.reading import read_file
from llr_pipeline.returned import Marker, Returned, return_workbooks, safe_name
from llr_pipeline.tables import load_reference
from llr_pipeline.templates import Cover, Line, write_workbook
from llr_pipeline.warehouse import opened

YEARS = ("2015/16", "2016/17", "2017/18", "2018/19", "2019/20", "2020/21")
ABOUT = {"Return": "Bed plan, 2016-11", "From": "University Hospitals of Leicester NHS Trust", "Received": "today"}
TOO_MUCH = Finding(
    "out_of_range", "error", "=7 is too much", sheet="A", cell="A1", value_received="=7", remedy="Check."
)


MARKER = Marker()
annotate = partial(returned.annotate, marker=MARKER)


@pytest.fixture(scope="module", autouse=True)
def _one_marker() -> Iterator[None]:
    yield
    MARKER.close()


def beds_line(site: str, measure: str, *beds: float) -> Line:
    codes = {"site_code": site, "sector": "adult_general_acute", "bed_definition": "stp_acute", "measure": measure}
    return Line(codes, dict(zip(YEARS, beds, strict=True)))


def write_beds(path: Path) -> Path:
    """Sheet Beds: headings in row 4, lines in rows 6, 7 and 10, totals in rows 8 and 11, the years in E-J."""
    lines = [
        beds_line("RWEAA", "available", 900, 890, 880, 870, 860, 850),
        beds_line("RWEAK", "available", 400, 300, 200, 100, 50, 0),
        beds_line("RWEAA", "occupied", 810, 800.5, 790, 780, 770, 760),
    ]
    cover = Cover("RWE", "2016-11", "Planning team", date(2016, 11, 1))
    write_workbook(path, templates()["beds"], cover, read_reference(), {"beds": lines})
    return path


def changed(path: Path, change: Callable[[openpyxl.Workbook], object], target: Path | None = None) -> Path:
    """The workbook after a change, as a person makes it: saved with the results of its sums."""
    book = openpyxl.load_workbook(path, rich_text=True)
    change(book)
    book.save(path := target or path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for sheet in book.worksheets:

        def with_result(found: re.Match[str], sheet=sheet) -> str:
            values = [cell.value for row in sheet[found[2]] for cell in row]
            return f"{found[1]}<v>{sum(v for v in values if isinstance(v, int | float))}</v>"

        text = parts[sheet.path[1:]].decode()
        parts[sheet.path[1:]] = re.sub(r"(<f>SUM\(([A-Z0-9:]+)\)</f>)<v ?(?:/>|></v>)", with_result, text).encode()
    return zipped(path, parts)


def zipped(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def with_parts(path: Path, added: dict[str, tuple[str, bytes]], *, sheet_end: str = "") -> Path:
    """The workbook with parts (name -> content type, content) and an addition at the end of its first sheet."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    types = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, (kind, _) in added.items())
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", f"{types}</Types>".encode())
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</worksheet>", f"{sheet_end}</worksheet>".encode())
    return zipped(path, parts | {name: content for name, (_, content) in added.items()})


def break_ten(book: openpyxl.Workbook) -> None:
    sheet = book["Beds"]
    sheet["E6"] = "a dozen"
    sheet["E6"].comment = Comment("As agreed with the site", "Site team")
    sheet["F6"] = -3
    sheet["I6"] = "860"
    sheet["A7"] = "Leicester Roayl"
    sheet["H7"] = "#REF!"
    sheet["H7"].data_type = "e"
    sheet["J8"] = 4000
    sheet["A10"] = None
    sheet["E10"] = '=HYPERLINK("http://example.org")'
    sheet["E10"].data_type = "s"
    sheet["K4"] = "Remarks"
    sheet["A2"] = CellRichText("Average beds ", TextBlock(InlineFont(b=True), "over the year "), "at midnight")
    book.create_sheet("My workings")["A1"] = "=1+1"


BROKEN = {  # cell -> severity, rule
    "E6": ("error", "not_a_number"), "F6": ("error", "out_of_range"), "I6": ("note", "number_as_text"),
    "A7": ("error", "unknown_code"), "H7": ("error", "error_value"), "J8": ("error", "total_differs"),
    "I8": ("error", "total_differs"), "A10": ("error", "missing_value"), "E10": ("error", "not_a_number"),
    "K4": ("note", "unknown_column"),
}  # fmt: skip


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Path:
    return changed(write_beds(tmp_path_factory.mktemp("broken") / "beds.xlsx"), break_ten)


@pytest.fixture(scope="module")
def findings(broken: Path) -> list[Finding]:
    """What reading finds, which holds at least BROKEN."""
    findings = list(read_file(broken).findings)
    assert {(f.cell, (f.severity, f.rule)) for f in findings if f.sheet == "Beds"} >= set(BROKEN.items())
    return findings


@pytest.fixture(scope="module")
def marked(broken: Path, findings: list[Finding]) -> openpyxl.Workbook:
    back = annotate(broken, findings, broken.with_name("back.xlsx"), about=ABOUT)
    assert back == Returned(broken.with_name("back.xlsx"), is_annotated=True)
    return openpyxl.load_workbook(back.path, rich_text=True)


def listed(book: openpyxl.Workbook) -> list[dict]:
    """The list's rows: column name -> cell."""
    sheet = book[SHEET]
    header = next(row[0].row for row in sheet.iter_rows(max_col=1) if row[0].value == "No.")
    return [dict(zip(COLUMNS, row, strict=True)) for row in sheet.iter_rows(min_row=header + 1)]


def test_every_cell_concerned_has_a_fill_and_a_comment_that_needs_no_colour(marked, findings) -> None:
    for cell, (severity, _) in BROKEN.items():
        assert marked["Beds"][cell].fill.fgColor.rgb == FILLS[severity], cell
        assert f"{severity.upper()} (finding " in marked["Beds"][cell].comment.text, cell
    text = marked["Beds"]["F6"].comment.text
    assert text.startswith("ERROR (finding ")
    assert "The value is outside what is possible" in text
    assert "\nWhat to do: Check the value and its unit." in text
    commented = {c.coordinate for row in marked["Beds"].iter_rows() for c in row if c.comment}
    assert commented == {f.cell for f in findings if f.sheet == "Beds" and f.cell}


def test_the_senders_own_comment_stays_above_ours(marked) -> None:
    comment = marked["Beds"]["E6"].comment
    assert comment.text.startswith("As agreed with the site\n\nERROR (finding ")
    assert comment.author == "Site team"


def test_the_list_comes_first_and_its_links_lead_to_the_cells(marked, findings) -> None:
    assert marked.sheetnames == [SHEET, "Cover", "Beds", "Bed schemes", "Lists", "My workings"]
    assert marked.active.title == SHEET
    assert [view.tabSelected for sheet in marked for view in sheet.views.sheetView].count(True) == 1
    rows = listed(marked)
    assert [row["number"].value for row in rows] == list(range(1, len(findings) + 1))
    for row in (row for row in rows if row["cell"].value):
        assert row["cell"].hyperlink.location == f"'{row['sheet'].value}'!{row['cell'].value}"
        assert row["message"].value
        assert row["remedy"].value
    for cell, (severity, _) in BROKEN.items():
        assert (cell, severity.upper()) in [(row["cell"].value, row["severity"].value) for row in rows]
    ranks = [["ERROR", "WARNING", "NOTE"].index(row["severity"].value) for row in rows]
    assert ranks == sorted(ranks)
    whole = next(row for row in rows if row["sheet"].value == "My workings")
    assert (whole["cell"].value, whole["sheet"].hyperlink.location) == (None, "'My workings'!A1")
    assert next(row for row in rows if row["cell"].value == "F6")["period"].value == "2016/17"
    top = {row[0].value: row[2].value for row in marked[SHEET].iter_rows(max_row=8, max_col=3)}
    assert top | ABOUT == top


def test_the_list_is_ready_to_work_with_and_to_print(marked) -> None:
    sheet, first = marked[SHEET], listed(marked)[0]["number"].row
    assert sheet.freeze_panes == f"A{first}"
    assert sheet.auto_filter.ref.startswith(f"A{first - 1}:I")
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == f"${first - 1}:${first - 1}"
    assert sheet.column_dimensions["G"].width == 52
    assert sheet.column_dimensions["J"].hidden


def test_text_that_looks_like_a_formula_stays_text(marked) -> None:
    row = next(row for row in listed(marked) if row["cell"].value == "E10")
    assert row["value"].data_type == "s"
    assert row["value"].value == '=HYPERLINK("http://example.org")'
    assert row["value"].quotePrefix
    assert not [c.coordinate for line in marked[SHEET].iter_rows() for c in line if c.data_type == "f"]
    assert marked["Beds"]["E10"].data_type == "s"


def test_what_the_sender_made_is_kept(broken: Path, marked) -> None:
    before = openpyxl.load_workbook(broken, rich_text=True)
    assert dict(before.defined_names).keys() == dict(marked.defined_names).keys()
    for sheet in before:
        other = marked[sheet.title]
        assert other.sheet_state == sheet.sheet_state
        assert other.freeze_panes == sheet.freeze_panes
        assert other.protection.__dict__ == sheet.protection.__dict__
        assert other.print_title_rows == sheet.print_title_rows
        assert {k: d.width for k, d in other.column_dimensions.items()} == {
            k: d.width for k, d in sheet.column_dimensions.items()
        }
        assert {k: (d.height, d.outlineLevel) for k, d in other.row_dimensions.items()} == {
            k: (d.height, d.outlineLevel) for k, d in sheet.row_dimensions.items()
        }
        rules = [[(str(v.sqref), v.type, v.formula1, v.prompt) for v in s.data_validations.dataValidation]
                 for s in (sheet, other)]  # fmt: skip
        assert rules[0] == rules[1]
        for row in sheet.iter_rows():
            for cell in row:
                same = other[cell.coordinate]
                assert (same.value, same.data_type, same.number_format) == (
                    cell.value, cell.data_type, cell.number_format,
                )  # fmt: skip
                kept = ["protection", "border", "alignment", *([] if same.comment else ["fill", "font"])]
                assert [repr(getattr(same, name)) for name in kept] == [repr(getattr(cell, name)) for name in kept]
    assert marked["Beds"]["E8"].value == "=SUM(E5:E7)"
    assert marked["Beds"].protection.sheet


def test_results_of_formulas_are_kept_for_programs_that_do_not_calculate(marked, broken: Path) -> None:
    path = broken.with_name("back.xlsx")
    with python_calamine.load_workbook(str(path)) as book:
        assert book.get_sheet_by_name("Beds").to_python(skip_empty_area=False)[7][5] == 297
    assert [f for f in read_file(path).findings if f.rule == "formula_without_value"] == []


def test_a_corrected_workbook_loses_the_marks_of_what_is_right_now(broken: Path, tmp_path: Path) -> None:
    back = annotate(broken, read_file(broken).findings, tmp_path / "back.xlsx", about=ABOUT).path

    def correct(book: openpyxl.Workbook) -> None:
        book["Beds"].insert_rows(1)  # what is marked moves, and so do its comments
        book["Beds"]["F7"] = 890
        book["Beds"]["E7"] = 900

    again = changed(back, correct, tmp_path / "again.xlsx")
    left = [Finding("out_of_range", "error", "too much", sheet="Beds", cell="E11", remedy="Check.")]
    book = openpyxl.load_workbook(annotate(again, left, tmp_path / "back again.xlsx", about=ABOUT).path)
    before = openpyxl.load_workbook(broken)
    assert book.sheetnames.count(SHEET) == 1
    assert len(book.sheetnames) == len(before.sheetnames) + 1
    assert book["Beds"]["E7"].comment.text == "As agreed with the site"
    assert book["Beds"]["F7"].comment is None
    assert repr(book["Beds"]["F7"].fill) == repr(before["Beds"]["F6"].fill)
    assert book["Beds"]["E11"].comment.text.count("ERROR") == 1


# -- what openpyxl would lose


def picture() -> BytesIO:
    """A PNG of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return BytesIO(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    )


def add_chart(book: xlsxwriter.Workbook, sheet) -> None:
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=A!$A$1:$A$2"})
    sheet.insert_chart("C3", chart)


def add_macros(book: xlsxwriter.Workbook, sheet) -> None:
    book.add_vba_project(BytesIO(b"\xd0\xcf\x11\xe0 not a program"), is_stream=True)


LOSING: dict[str, Callable] = {
    "charts": add_chart,
    "chart sheets": lambda book, sheet: book.add_chartsheet().set_chart(
        [chart := book.add_chart({"type": "line"}), chart.add_series({"values": "=A!$A$1"})][0]
    ),
    "pictures": lambda book, sheet: sheet.insert_image("C3", "picture.png", {"image_data": picture()}),
    "pictures in the header": lambda book, sheet: sheet.set_header(
        "&L&G", {"image_left": "picture.png", "image_data_left": picture()}
    ),
    "drawings": lambda book, sheet: sheet.insert_textbox("C3", "A note in a shape"),
    "form controls": lambda book, sheet: sheet.insert_button("C3", {"caption": "Go"}),
    "macros": add_macros,
    "sparklines": lambda book, sheet: sheet.add_sparkline("C3", {"range": "A!A1:A2"}),
    "conditional formats": lambda book, sheet: sheet.conditional_format(
        "A1:A2", {"type": "data_bar", "data_bar_2010": True}
    ),
    "dynamic arrays": lambda book, sheet: sheet.write_dynamic_array_formula("C3", "=_xlfn.SEQUENCE(3)"),
}


def excel_workbook(path: Path, add: Callable = lambda book, sheet: None) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("A")
        sheet.write_column(0, 0, [1, 2])
        add(book, sheet)
    return path


def assert_untouched(source: Path, target: Path, words: str) -> None:
    """The original goes back as it is, and beside it a list without a live formula."""
    sent = source.read_bytes()
    back = annotate(source, [TOO_MUCH], target, about=ABOUT)
    assert (back.path.name, back.is_annotated) == (f"{target.stem}.findings.xlsx", False)
    assert words in back.why_not
    copied = target.with_suffix(source.suffix)
    assert hashlib.sha256(copied.read_bytes()).digest() == hashlib.sha256(sent).digest()
    assert source.read_bytes() == sent
    book = openpyxl.load_workbook(back.path)
    assert book.sheetnames == [SHEET]
    row = listed(book)[0]
    assert (row["cell"].value, row["cell"].hyperlink) == ("A1", None)
    assert (row["value"].value, row["value"].data_type) == ("=7", "s")
    assert (row["message"].value, row["message"].data_type) == ("=7 is too much", "s")
    assert sorted(path.name for path in target.parent.iterdir()) == sorted([copied.name, back.path.name])


@pytest.mark.parametrize("what", LOSING)
def test_a_workbook_that_openpyxl_would_spoil_goes_back_untouched(what: str, tmp_path: Path) -> None:
    name = "sent.xlsm" if what == "macros" else "sent.xlsx"
    words = {"chart sheets": "charts", "pictures in the header": "pictures"}.get(what, what)
    assert_untouched(excel_workbook(tmp_path / name, LOSING[what]), tmp_path / "out" / "back.xlsx", words)


X14 = 'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"'
MS = "application/vnd.ms-excel"
OFFICE = "application/vnd.openxmlformats-officedocument"
OPEN = f"{OFFICE}.spreadsheetml"
INJECTED: dict[str, tuple[dict, str]] = {
    "pivot tables": ({"xl/pivotTables/pivotTable1.xml": (f"{OPEN}.pivotTable+xml", b"<pivotTableDefinition/>")}, ""),
    "slicers": ({"xl/slicers/slicer1.xml": (f"{MS}.slicer+xml", b"<slicers/>")}, ""),
    "threaded comments": ({"xl/threadedComments/t1.xml": (f"{MS}.threadedcomments+xml", b"<ThreadedComments/>")}, ""),
    "data connections": ({"xl/connections.xml": (f"{OPEN}.connections+xml", b"<connections/>")}, ""),
    "form controls": ({"xl/ctrlProps/c1.xml": (f"{MS}.controlproperties+xml", b"<formControlPr/>")}, ""),
    "embedded objects": ({"xl/embeddings/o1.bin": (f"{OFFICE}.oleObject", b"x")}, ""),
    "drop-downs of Excel 2010": (
        {}, f'<extLst><ext {X14} uri="{{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}}"><x14:dataValidations/></ext></extLst>',
    ),
    "protected ranges": ({}, '<protectedRanges><protectedRange sqref="A1" name="mine"/></protectedRanges>'),
    "links to other workbooks": (
        {"xl/externalLinks/link1.xml": (f"{OPEN}.externalLink+xml", b"<externalLink><ddeLink/></externalLink>")},
        "",
    ),
    "x/unheard-of": ({"xl/new/new1.xml": ("x/unheard-of", b"<new/>")}, ""),
}  # fmt: skip


@pytest.mark.parametrize("what", INJECTED)
def test_so_does_one_with_a_part_that_openpyxl_does_not_know(what: str, tmp_path: Path) -> None:
    parts, sheet_end = INJECTED[what]
    sent = with_parts(excel_workbook(tmp_path / "sent.xlsx"), parts, sheet_end=sheet_end)
    assert_untouched(sent, tmp_path / "out" / "back.xlsx", what)


def test_custom_xml_and_a_sensitivity_label_are_carried_over(tmp_path: Path) -> None:
    """As SharePoint and Microsoft 365 add them to most workbooks."""
    label = ("docMetadata/LabelInfo.xml", "application/vnd.ms-office.classificationlabels+xml", b"<labelList/>")
    props = "application/vnd.openxmlformats-officedocument.customXmlProperties+xml"
    sent = with_parts(
        excel_workbook(tmp_path / "sent.xlsx"),
        {
            label[0]: label[1:],
            "customXml/item1.xml": ("application/xml", b"<item/>"),
            "customXml/itemProps1.xml": (props, b"<props/>"),
        },
    )
    with zipfile.ZipFile(sent) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    custom = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/customXml"
    link = f'<Relationship Id="rId99" Type="{custom}" Target="../customXml/item1.xml"/></Relationships>'
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
        b"</Relationships>", link.encode()
    )
    back = annotate(zipped(sent, parts), [TOO_MUCH], tmp_path / "back.xlsx", about=ABOUT)
    assert back.is_annotated
    with zipfile.ZipFile(back.path) as archive:
        assert archive.read(label[0]) == label[2]
        assert archive.read("customXml/item1.xml") == b"<item/>"
        assert props in archive.read("[Content_Types].xml").decode()
        assert 'Target="/customXml/item1.xml"' in archive.read("xl/_rels/workbook.xml.rels").decode()
    assert openpyxl.load_workbook(back.path)["A"]["A1"].comment.text.startswith("ERROR")


def test_an_empty_drawing_is_no_loss(tmp_path: Path) -> None:
    """As LibreOffice writes one beside comments."""
    drawing = b'<d:wsDr xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"/>'
    parts = {"xl/drawings/drawing1.xml": (f"{OFFICE}.drawing+xml", drawing)}
    sent = with_parts(excel_workbook(tmp_path / "sent.xlsx"), parts)
    assert annotate(sent, [TOO_MUCH], tmp_path / "back.xlsx", about=ABOUT).is_annotated


def test_an_xlsm_without_macros_and_an_old_xls(tmp_path: Path) -> None:
    sent = with_parts(excel_workbook(tmp_path / "sent.xlsx"), {})
    back = annotate(sent.rename(tmp_path / "sent.xlsm"), [TOO_MUCH], tmp_path / "back.xlsx", about=ABOUT)
    assert back.is_annotated
    old = tmp_path / "old.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on")
    assert_untouched(old, tmp_path / "out" / "back.xlsx", "of the old kind")


def test_a_marked_cell_with_white_text_stays_readable(tmp_path: Path) -> None:
    sent = excel_workbook(tmp_path / "sent.xlsx")
    changed(sent, lambda book: setattr(book["A"]["A1"], "font", Font(name="Arial", bold=True, color="FFFFFFFF")))
    cell = openpyxl.load_workbook(annotate(sent, [TOO_MUCH], tmp_path / "back.xlsx", about={}).path)["A"]["A1"]
    assert (cell.font.color.rgb, cell.font.bold, cell.font.name) == ("FF212B32", True, "Arial")


def test_of_merged_cells_the_first_is_marked(tmp_path: Path) -> None:
    sent = changed(excel_workbook(tmp_path / "sent.xlsx"), lambda book: book["A"].merge_cells("C3:D4"))
    finding = Finding("missing_value", "error", "It is empty", sheet="A", cell="D4", remedy="Fill it in.")
    book = openpyxl.load_workbook(annotate(sent, [finding], tmp_path / "back.xlsx", about={}).path)
    assert book["A"]["C3"].comment.text.startswith("ERROR")


def test_a_workbook_that_is_damaged_goes_back_untouched(tmp_path: Path) -> None:
    damaged = excel_workbook(tmp_path / "damaged.xlsx")
    with zipfile.ZipFile(damaged) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    zipped(damaged, parts | {"xl/styles.xml": b"<styleSheet><fonts>"})
    assert_untouched(damaged, tmp_path / "out" / "back.xlsx", "cannot be taken apart")


def test_one_that_takes_too_long_or_ends_the_process_goes_back_untouched_and_the_next_is_marked(
    tmp_path: Path, monkeypatch
) -> None:
    sent = excel_workbook(tmp_path / "sent.xlsx")
    assert annotate(sent, [TOO_MUCH], tmp_path / "one.xlsx", about=ABOUT).is_annotated
    first, left = MARKER.process, Path(MARKER.folder.name)
    (left / "openpyxl.sheet").write_text("what a process that is stopped leaves behind")
    first.kill()
    first.wait()
    assert_untouched(sent, tmp_path / "two" / "back.xlsx", "too much memory, or failed")
    assert not left.exists()
    assert annotate(sent, [TOO_MUCH], tmp_path / "three.xlsx", about=ABOUT).is_annotated
    second = MARKER.process
    with monkeypatch.context() as impatient:
        impatient.setattr(returned, "SECONDS", 0.0001)
        assert_untouched(sent, tmp_path / "four" / "back.xlsx", "more than 0.0001 seconds")
    assert annotate(sent, [TOO_MUCH], tmp_path / "five.xlsx", about=ABOUT).is_annotated
    assert None not in (first.poll(), second.poll())
    assert MARKER.process not in (first, second)


def test_one_process_marks_one_workbook_after_another(tmp_path: Path) -> None:
    sent, processes = excel_workbook(tmp_path / "sent.xlsx"), set()
    for n in range(3):
        annotate(sent, [TOO_MUCH], tmp_path / f"{n}.xlsx", about=ABOUT)
        processes.add(MARKER.process)
    assert len(processes) == 1


def test_the_pipelines_own_process_does_without_openpyxl() -> None:
    program = "import sys, llr_pipeline.returned; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert not {"openpyxl", "xlsxwriter"} & set(modules.stdout.split())


def test_what_is_found_often_is_one_row_at_its_first_cell(tmp_path: Path) -> None:
    sent = excel_workbook(tmp_path / "sent.xlsx")
    rest = replace(
        TOO_MUCH, message="Too much: 9,800 more cells of this kind, from A2 to A9801", cell="A2", breach_count=9_800
    )
    book = openpyxl.load_workbook(annotate(sent, [TOO_MUCH, rest], tmp_path / "back.xlsx", about=ABOUT).path)
    _, row = listed(book)
    assert (row["cell"].value, row["cell"].hyperlink.location) == ("A2", "'A'!A2")
    assert "9,800 more cells of this kind" in book["A"]["A2"].comment.text


def test_what_is_not_safe_is_neither_opened_nor_sent_on(tmp_path: Path) -> None:
    sent = excel_workbook(tmp_path / "sent.xlsx")
    finding = Finding("hostile", "error", "It declares entities", remedy="Use a blank.")
    back = annotate(sent, [finding], tmp_path / "out" / "back.xlsx", about=ABOUT)
    assert not back.is_annotated
    assert [path.name for path in back.path.parent.iterdir()] == ["back.findings.xlsx"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("beds (final) v2", "beds (final) v2"),
        ("../../etc/passwd", "....etcpasswd".strip(".")),
        ("plan\u202excod\x00\n.", "planxcod"),
        ('a<b>c:d"e|f?g*h\\i', "abcdefghi"),
        ("x" * 300, "x" * 100),
        ("\u202e..", ""),
    ],
)
def test_names_are_safe_on_any_system(name: str, safe: str) -> None:
    assert safe_name(name) == safe


# -- what would run


RUNS = ("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", '=HYPERLINK("http://x.org")', "=1+1|")


def live_formulas(path: Path) -> dict[str, set[str]]:
    """Sheet -> its formulas, straight from the XML; none may start a program, and no part may reach outside."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}
    assert not any("externalLink" in name or "TargetMode" in text for name, text in parts.items())
    found = {
        name: set(re.findall(r"<f\b[^>]*>([^<]*)</f>", parts[f"xl/worksheets/sheet{n}.xml"]))
        for n, name in enumerate(openpyxl.load_workbook(path).sheetnames, 1)
    }
    assert not any("|" in formula for formulas in found.values() for formula in formulas)
    return {name: formulas for name, formulas in found.items() if formulas}


def workbook_that_would_run(path: Path, add: Callable = lambda book, sheet: None) -> tuple[Path, list[Finding]]:
    """Text that looks like a formula wherever a sender can write: cells of each kind, sheets' names, comments."""
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        names = ("=1+1", "+A1", "-x", "@SUM(1)", "=cmd|'!A0")
        for name in names:
            sheet = book.add_worksheet(name)
            for row, text in enumerate(RUNS):
                sheet.write_string(row, 0, text)
                sheet.write_rich_string(row, 1, text, book.add_format({"bold": True}), "=2+2")
                sheet.write_comment(row, 2, text, {"author": "=author"})
        sheet.write_formula("E1", "=SUM(F1:F2)", None, 0)
        add(book, sheet)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part, direct = "xl/worksheets/sheet1.xml", '<c r="A101" t="str"><v>=3+3</v></c>'
    direct += '<c r="B101" t="inlineStr"><is><t>=4+4</t></is></c>'
    parts[part] = parts[part].replace(b"</sheetData>", f'<row r="101">{direct}</row></sheetData>'.encode())
    findings = [
        Finding(rule, "error", text, sheet=name, cell=cell, period=text, value_received=text, remedy=text)
        for name in names
        for rule, text, cell in zip(RUNS, RUNS, ("A1", "B2", "C3", "A101", "B101", "D7", "E1", "A8"), strict=True)
    ]
    return zipped(path, parts), findings


@pytest.mark.parametrize("is_marked", [True, False])
def test_nothing_that_a_sender_wrote_becomes_a_formula(is_marked: bool, tmp_path: Path) -> None:
    """In the list, the comments and the links, and in the sender's own cells, which keep their own formulas alone."""
    sent, findings = workbook_that_would_run(tmp_path / "=1+1.xlsx", *([] if is_marked else [LOSING["charts"]]))
    about = {"Return": RUNS[0], "=File": RUNS[0], "+Outcome": "@SUM(1)"}
    back = annotate(sent, findings, tmp_path / "back.xlsx", about=about)
    assert back.is_annotated is is_marked
    assert live_formulas(back.path) == ({"=cmd|'!A0": {"SUM(F1:F2)"}} if is_marked else {})
    book, headings = openpyxl.load_workbook(back.path), [heading for heading, _ in COLUMNS.values()]
    for row in book[SHEET].iter_rows():
        for cell in (cell for cell in row if isinstance(cell.value, str)):
            assert cell.data_type == "s", cell.coordinate
            assert cell.quotePrefix or cell.value in headings, cell.coordinate
            assert cell.hyperlink is None or cell.hyperlink.location.startswith("'")
    if is_marked:
        assert [book["=1+1"].cell(row, 1).value for row in (1, 2, 101)] == [*RUNS[:2], "=3+3"]
        assert {book["=1+1"][cell].data_type for cell in ("A1", "B1", "A7", "A101", "B101")} == {"s"}
        assert listed(book)[0]["cell"].hyperlink.location == "'=1+1'!A1"


def test_a_formula_that_starts_a_program_is_not_written_again(tmp_path: Path) -> None:
    dynamic = excel_workbook(tmp_path / "sent.xlsx", lambda book, sheet: sheet.write_formula("B1", "=cmd|' /C x'!A0"))
    assert_untouched(dynamic, tmp_path / "out" / "back.xlsx", "links to other programs")
    text = excel_workbook(
        tmp_path / "text.xlsx", lambda book, sheet: sheet.write_formula("B1", '=A1&" | "&A2', None, 1)
    )
    assert annotate(text, [TOO_MUCH], tmp_path / "back.xlsx", about=ABOUT).is_annotated


# -- a home


@pytest.fixture
def connection(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(home) as connection:
        load_reference(connection, run_id="test")
        yield connection


def take_in(connection: duckdb.DuckDBPyConnection, home: Home) -> list[str]:
    """Take in the inbox and send back; answers the files in `returned/`."""
    intake.take_in(connection, home, run_id="test")
    ids = [row[0] for row in connection.execute("select submission_id from raw.submissions").fetchall()]
    return_workbooks(connection, home, ids)
    return files(home)


def files(home: Home) -> list[str]:
    return sorted(str(path.relative_to(home.returned)) for path in home.returned.rglob("*") if path.is_file())


def test_each_return_with_errors_goes_back_by_round(connection, home: Home) -> None:
    """One that is right, or has notes alone, does not; one that cannot be read has its list alone."""
    changed(write_beds(home.inbox / "Beds \u202eplan.xlsx"), lambda book: book["Beds"].__setitem__("E6", "a dozen"))
    write_beds(home.inbox / "right.xlsx")
    changed(write_beds(home.inbox / "note.xlsx"), lambda book: book["Beds"].__setitem__("K4", "Remarks"))
    changed(write_beds(home.inbox / "when.xlsx"), lambda book: book["Cover"].__setitem__("B9", "../2016"))
    (home.inbox / "letter.xlsx").write_text("Dear colleague")
    found = take_in(connection, home)
    ids = dict(connection.execute("select file_name, submission_id from raw.submissions").fetchall())
    beds, letter, when = (ids[name] for name in ("Beds \u202eplan.xlsx", "letter.xlsx", "when.xlsx"))
    assert found == [
        f"2016-11/RWE_beds_{beds}_Beds plan.xlsx",
        f"unplaced/RWE_beds_{when}_when.xlsx",
        f"unplaced/unknown_unknown_{letter}_letter.findings.xlsx",
    ]
    assert openpyxl.load_workbook(home.returned / found[0]).sheetnames[0] == SHEET
    comment = openpyxl.load_workbook(home.returned / found[1])["Cover"]["B9"].comment
    assert "What to do: Enter a round" in comment.text


def test_writing_again_changes_nothing_and_what_is_right_now_is_removed(connection, home: Home) -> None:
    changed(write_beds(home.inbox / "beds.xlsx"), lambda book: book["Beds"].__setitem__("E6", "a dozen"))
    found = take_in(connection, home)
    assert len(found) == 1

    def contents() -> dict[str, bytes]:
        with zipfile.ZipFile(home.returned / found[0]) as archive:
            return {name: archive.read(name) for name in archive.namelist() if name != "docProps/core.xml"}

    before = contents()
    assert take_in(connection, home) == found
    assert contents() == before
    connection.execute("update raw.findings set severity = 'note'")
    assert take_in(connection, home) == []


def test_a_file_sent_back_by_another_name_is_not_removed_with_the_first(connection, home: Home) -> None:
    changed(write_beds(home.inbox / "beds.xlsx"), lambda book: book["Beds"].__setitem__("E6", "a dozen"))
    first = take_in(connection, home)[0]
    changed(
        home.returned / first, lambda book: book["Beds"].__setitem__("F6", "a score"), home.inbox / Path(first).name
    )
    both = take_in(connection, home)
    assert len(both) == 2
    assert all(name.endswith("_beds.xlsx") and name.count("_") == 3 for name in both)
    ids = [
        row[0]
        for row in connection.execute("select submission_id from raw.submissions order by arrival_number").fetchall()
    ]
    connection.execute("update raw.findings set severity = 'note'")
    return_workbooks(connection, home, ids[:1])
    assert files(home) == [name for name in both if ids[1] in name]


def test_what_was_withdrawn_is_not_sent_back_again(connection, home: Home) -> None:
    changed(write_beds(home.inbox / "beds.xlsx"), lambda book: book["Beds"].__setitem__("E6", "a dozen"))
    assert len(take_in(connection, home)) == 1
    connection.execute("update raw.submissions set status = 'withdrawn'")
    ids = [row[0] for row in connection.execute("select submission_id from raw.submissions").fetchall()]
    assert return_workbooks(connection, home, ids) == []
    assert files(home) == []


def test_the_list_counts_what_is_not_listed_one_by_one(connection, home: Home) -> None:
    lines = [beds_line("RWEAA", "available", *["a dozen"] * 6) for _ in range(50)]
    lines.append(beds_line("RWEAK", "occupied", 1, 2, 3, 4, 5, 6))
    cover = Cover("RWE", "2016-11", "Planning team", date(2016, 11, 1))
    write_workbook(home.inbox / "beds.xlsx", templates()["beds"], cover, read_reference(), {"beds": lines})
    (name,) = take_in(connection, home)
    (count,) = connection.execute("select error_count from raw.submissions").fetchone()
    assert count > 300
    book = openpyxl.load_workbook(home.returned / name)
    top = {row[0].value: row[2].value for row in book[SHEET].iter_rows(max_row=8, max_col=3)}
    assert top["Outcome"] == f"accepted: 6 values read, {count} errors"
    said = [row["message"].value for row in listed(book)]
    assert len(said) == count - 99
    assert [text for text in said if " more " in text] == [
        "Text where a number belongs: 100 more cells of this kind, from G39 to J55"
    ]


def test_personal_data_and_publications_go_nowhere(connection, home: Home) -> None:
    changed(write_beds(home.inbox / "beds.xlsx"), lambda book: book["Beds"].__setitem__("E6", "a dozen"))
    assert len(take_in(connection, home)) == 1
    connection.execute("update raw.findings set rule = 'personal_data'")
    assert take_in(connection, home) == []
    connection.execute("update raw.findings set rule = 'out_of_range'")
    connection.execute("update raw.submissions set template = 'nhs_kh03'")
    assert take_in(connection, home) == []
