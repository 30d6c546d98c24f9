"""What is opened, what is refused and why, and what a sheet's cells are."""

import os
import re
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from llr_pipeline.codes import read_reference
from llr_pipeline.preflight import MAXIMUM_CELLS, Unreadable
from llr_pipeline.reading import read_file
from llr_pipeline.unseen import Unvalued
from llr_pipeline.workbooks import cell_name, column_letter, read_workbook

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.fixture
def path(tmp_path) -> Path:
    """A sound workbook with one sheet, “Beds”."""
    book = openpyxl.Workbook()
    book.active.title = "Beds"
    book.active["B2"] = 1940
    book.save(tmp_path / "beds.xlsx")
    return tmp_path / "beds.xlsx"


def repack(path: Path, change: dict[str, bytes | None], *, level: int = 6) -> None:
    """Write the zip again with parts replaced, added or (None) left out."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in (parts | change).items():
            if content is not None:
                archive.writestr(name, content)


def refusal(path: Path) -> tuple[str, str]:
    with pytest.raises(Unreadable) as error:
        read_workbook(path)
    return error.value.rule, str(error.value)


# -- what a file is


@pytest.mark.parametrize(
    ("content", "rule", "message"),
    [
        (b"", "empty_file", "The file is empty: it has 0 bytes"),
        (b"site,beds\nRWEAA,1940\n", "not_a_workbook", "The file is plain text, such as CSV, not an Excel workbook"),
        (b"%PDF-1.7\n", "not_a_workbook", "The file is a PDF, not an Excel workbook"),
        (b" <html><table>", "not_a_workbook", "The file is a web page or XML, not an Excel workbook"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not_a_workbook", "The file is a picture, not an Excel workbook"),
        (b"\x7fELF\0\0\0", "not_a_workbook", "The file is something else, not an Excel workbook"),
        (b"PK\x05\x06" + bytes(18), "not_a_workbook", "The file is a zip archive, not an Excel workbook"),
        (b"PK\x03\x04 cut", "corrupt", "The workbook is damaged or was cut short"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "password_protected",
         "The workbook is protected by a password"),
        (OLE + bytes(600), "not_a_workbook",
         "The file is an Office file of the old kind, such as .xls, under the name .xlsx"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_workbook_says_what_it_is(tmp_path, content, rule, message):
    path = tmp_path / "renamed.xlsx"
    path.write_bytes(content)
    assert refusal(path) == (rule, message)


def test_a_damaged_old_workbook_is_refused(tmp_path):
    path = tmp_path / "old.xls"
    path.write_bytes(OLE + bytes(600))
    rule, message = refusal(path)
    assert rule == "corrupt"
    assert message.startswith("The workbook is damaged and cannot be read (")


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("xl/workbook.bin", "a binary workbook (.xlsb)"),
        ("word/document.xml", "a Word document"),
        ("ppt/presentation.xml", "a PowerPoint presentation"),
        ("content.xml", "an OpenDocument file, such as .ods"),
        ("holiday.jpg", "a zip archive"),
    ],
)
def test_a_zip_that_is_no_workbook_says_what_it_is(tmp_path, part, kind):
    path = tmp_path / "beds.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(part, b"x")
    assert refusal(path) == ("not_a_workbook", f"The file is {kind}, not an .xlsx or .xlsm workbook")


@pytest.mark.parametrize("suffix", [".xls", ".xlsb", ".ods"])
def test_a_workbook_under_another_kinds_name_says_so(path, suffix):
    other = path.rename(path.with_suffix(suffix))
    message = f"The file is an .xlsx or .xlsm workbook under the name {suffix}"
    assert refusal(other) == ("not_a_workbook", message)


def test_a_csv_says_what_it_lacks(tmp_path):
    path = tmp_path / "beds.csv"
    path.write_text("Template,beds\nOrganisation code,RWE\n")
    message = "The file is a text file (CSV), which keeps one sheet, not an Excel workbook"
    assert refusal(path) == ("not_a_workbook", message)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
def test_a_workbook_cut_short_is_refused(path, keep):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    assert refusal(path) == ("corrupt", "The workbook is damaged or was cut short")


def test_a_damaged_byte_is_noticed(path):
    with zipfile.ZipFile(path) as archive:
        about = archive.getinfo("xl/worksheets/sheet1.xml")
    content = bytearray(path.read_bytes())
    content[about.header_offset + 60 + about.compress_size // 2] ^= 0xFF
    path.write_bytes(content)
    assert refusal(path) == ("corrupt", "The workbook is damaged or was cut short")


def test_a_sheet_that_is_not_there_is_noticed(path):
    repack(path, {"xl/worksheets/sheet1.xml": None})
    assert refusal(path)[0] == "corrupt"


def test_a_file_that_may_not_be_opened_or_has_gone(tmp_path):
    assert refusal(tmp_path / "gone.xlsx") == ("corrupt", "The file cannot be opened: no such file or directory")


def test_a_file_too_large_is_not_read(tmp_path):
    path = tmp_path / "large.xlsx"
    with path.open("wb") as file:
        os.ftruncate(file.fileno(), 101 * 1024 * 1024)  # sparse: takes no room
    assert refusal(path) == ("too_large", "The file has 101 MB; the most is 100 MB")


# -- what is built to harm


def test_a_bomb_is_not_unpacked(path):
    repack(path, {"xl/media/zeros.xml": bytes(60 * 1024 * 1024)}, level=9)
    assert path.stat().st_size < 128 * 1024
    rule, message = refusal(path)
    assert rule == "hostile"
    # 60 x 1,048,576 = 62,914,560 bytes of zeros and the workbook's own few thousand
    assert message.startswith(f"The file of {path.stat().st_size:,} bytes would unpack to 62,9")


def test_too_many_parts(path):
    repack(path, {f"xl/{n}.xml": b"<a/>" for n in range(2_001)})
    rule, message = refusal(path)
    assert rule == "hostile"
    assert message.endswith("parts inside; a workbook has a few dozen")


def test_two_parts_of_one_name(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("XL/Workbook.xml", b"<workbook/>")
    assert refusal(path) == ("hostile", "The file holds two parts of the same name, so that readers would disagree")


@pytest.mark.parametrize("declaration", [b'<!DOCTYPE x [<!ENTITY a "b">]>', b'<!ENTITY a SYSTEM "file:///etc/passwd">'])
def test_entities_are_refused(path, declaration):
    repack(path, {"docProps/custom.xml": b'<?xml version="1.0"?>' + declaration + b"<x>&a;</x>"})
    message = "The part docProps/custom.xml declares entities, which no workbook needs"
    assert refusal(path) == ("hostile", message)


def test_a_cell_far_away_is_named(path):
    book = openpyxl.load_workbook(path)
    book["Beds"]["XFD1048576"] = "x"
    book.save(path)
    message = "The sheet “Beds” reaches out to cell XFD1048576, too far to be read safely"
    assert refusal(path) == ("hostile", message)


def test_a_format_far_away_does_no_harm(path):
    book = openpyxl.load_workbook(path)
    book["Beds"]["XFD1048576"].font = openpyxl.styles.Font(bold=True)
    book["Beds"].row_dimensions[1_048_576].height = 12.8  # as LibreOffice leaves it
    book.save(path)
    assert read_workbook(path).sheets[0].rows == [["", ""], ["", 1940.0]]


def test_a_wide_published_sheet_is_read(path):
    book = openpyxl.load_workbook(path)
    book["Beds"]["XFC9"] = "x"  # 16,383 columns by 9 rows, as in a published discharge workbook
    book.save(path)
    grid = read_workbook(path).sheets[0]
    assert (len(grid.rows), len(grid.rows[8]), grid.rows[8][-1]) == (9, 16_383, "x")
    assert MAXIMUM_CELLS > 16_383 * 9


# -- cells


def test_cells_have_their_types(tmp_path):
    path = tmp_path / "types.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Types")
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write_row(0, 0, ["text", 12, 12.5, True])
    sheet.write_datetime(0, 4, date(2017, 3, 31), day)
    sheet.write_number(2, 1, 0)
    sheet.write_formula(2, 2, "=1+1", None, 2)
    book.add_worksheet("Hidden").hide()
    book.close()
    shown, hidden = read_workbook(path).sheets
    assert shown.rows[0] == ["text", 12.0, 12.5, True, date(2017, 3, 31)]
    assert type(shown.rows[0][3]) is bool
    assert not isinstance(shown.rows[0][4], datetime)
    assert shown.rows[1] == [""] * 5
    assert shown.rows[2] == ["", 0.0, 2.0, "", ""]
    assert (shown.name, shown.is_visible, hidden.name, hidden.is_visible) == ("Types", True, "Hidden", False)


def test_cells_that_only_look_empty_are_listed(path):
    book = openpyxl.load_workbook(path)
    sheet = book.create_sheet("Bed schemes & more")
    book.move_sheet(sheet, -1)  # the first sheet in the book is the second part in the zip
    sheet["B7"] = "#REF!"
    sheet["C8"] = "=SUM(A1:A3)"
    sheet["D9"] = '=IF(A1<>"","a","b")'
    book["Beds"]["A1"] = "#DIV/0!"
    book.save(path)
    found = read_workbook(path)
    assert set(found.unseen.unvalued) == {
        Unvalued("Bed schemes & more", "B7", "#REF!", True),
        Unvalued("Bed schemes & more", "C8", "=SUM(A1:A3)", False),
        Unvalued("Bed schemes & more", "D9", '=IF(A1<>"","a","b")', False),
        Unvalued("Beds", "A1", "#DIV/0!", True),
    }
    assert found.sheets[0].rows[6] == [""] * 4  # what calamine makes of them
    assert len(found.sheets[0].rows) == 9  # there is room for the formulas without a result, of which it knows nothing


def test_a_formula_with_a_result_is_a_value_even_if_the_result_is_empty(path):
    """As Excel writes them: a shared formula without its text, an empty text, an error's neighbour."""
    cells = (
        '<row r="1"><c r="A1"><f t="shared" ref="A1:A2" si="0">B1*2</f><v>4</v></c>'
        '<c r="B1" t="str"><f>IF(A1=4,"","x")</f><v></v></c></row>'
        '<row r="2"><c r="A2"><f t="shared" si="0"/><v>6</v></c><c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
        '<row r="3"><c r="A3"><f t="shared" si="0"/></c></row>'
    )
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{space}"><sheetData>{cells}</sheetData></worksheet>'
    repack(path, {"xl/worksheets/sheet1.xml": sheet.encode()})
    book = read_workbook(path)
    assert book.unseen.unvalued == [Unvalued("Beds", "B2", "#DIV/0!", True), Unvalued("Beds", "A3", "=", False)]
    assert book.sheets[0].rows[:2] == [[4.0, ""], [6.0, ""]]


def rewritten(path: Path, cells: str, *, head: str = "", part: str = "xl/worksheets/sheet1.xml") -> None:
    """Make these rows all that the sheet holds."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{space}">{head}<sheetData>{cells}</sheetData></worksheet>'
    repack(path, {part: sheet.encode()})


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="2"><c r="B2" t="e"><v>#REF!</v></c></row>',
        "<row r='2'><c r='B2' t='e'><v>#REF!</v></c></row>",
        '<row r="2"><c r="B2" t = "e"><v>#REF!</v></c></row>',
        '<row r="2"><c r="B2" t=\n"e"><v>#REF!</v></c></row>',
        '<row r="2"><c\nt="e" r="B2"><v>#REF!</v></c></row>',
        '<row r="2"><c r="A2"/><c t="e"><v>#REF!</v></c></row>',
        '<row><c><v>1</v></c></row><row><c/><c t="e"><v>#REF!</v></c></row>',
        '<row r="2"><c r="b2" t="e"><v>#REF!</v></c></row>',
    ],
)
def test_an_error_is_found_however_its_cell_is_written(path, cells):
    rewritten(path, cells)
    assert read_workbook(path).unseen.unvalued == [Unvalued("Beds", "B2", "#REF!", True)]


@pytest.mark.parametrize("quote", ['"', "'"])
def test_what_is_hidden_and_merged_is_found_however_it_is_written(path, quote):
    cells = '<row hidden="true"><c><v>1</v></c></row><row r="2" hidden = "1"><c r="A2"><v>1</v></c></row>'
    head = '<cols><col min = "3" max="4" hidden="1"/></cols>'
    rewritten(path, cells.replace('"', quote), head=head.replace('"', quote))
    layout = read_workbook(path).unseen.layouts["Beds"]
    assert (layout.hidden_rows, layout.hidden_columns) == ({0, 1}, [(2, 3)])


def test_every_name_may_have_a_prefix(path):
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    cells = '<x:row r="1" hidden="1"><x:c r="A1"><x:f>[1]Plan!B4&amp;""</x:f><x:v>5</x:v></x:c></x:row>'
    sheet = f'<x:worksheet xmlns:x="{space}"><x:sheetData>{cells}</x:sheetData></x:worksheet>'
    repack(path, {"xl/worksheets/sheet1.xml": sheet.encode()})
    unseen = read_workbook(path).unseen
    assert [formula.text for formula in unseen.formulas] == ['=[1]Plan!B4&""']
    assert unseen.layouts["Beds"].hidden_rows == {0}


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.bin", "xl/worksheets/Sheet1.XML", "xl/worksheets/sheet1"])
def test_a_sheet_may_be_in_a_part_of_any_name(path, part):
    with zipfile.ZipFile(path) as archive:
        links = archive.read("xl/_rels/workbook.xml.rels")
    target = part.removeprefix("xl/").encode()
    links = links.replace(b"/xl/worksheets/sheet1.xml", target).replace(b"worksheets/sheet1.xml", target)
    repack(path, {"xl/worksheets/sheet1.xml": None, "xl/_rels/workbook.xml.rels": links})
    rewritten(path, '<row r="2"><c r="B2" t="e"><v>#REF!</v></c></row>', part=part)
    assert read_workbook(path).unseen.unvalued == [Unvalued("Beds", "B2", "#REF!", True)]


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels"])
def test_capitals_in_a_parts_name_do_not_count(path, part):
    rewritten(path, '<row r="2"><c r="B2" t="e"><v>#REF!</v></c></row>')
    with zipfile.ZipFile(path) as archive:
        content = archive.read(part)
    repack(path, {part: None, part.replace("workbook", "Workbook"): content})
    assert read_workbook(path).unseen.unvalued == [Unvalued("Beds", "B2", "#REF!", True)]


DAMAGED = "The workbook is damaged: the sheet “Beds” has a cell at "
REMARKS = "The sheet “Beds” has remarks among its cells, on which readers disagree"


@pytest.mark.parametrize(
    ("cells", "rule", "message"),
    [
        (f'<row r="2"><c r="A{"9" * 5000}"><v>1</v></c></row>', "corrupt", f"{DAMAGED}“A{'9' * 78}…”"),
        ('<row r="2"><c r="ABCDEF2"><v>1</v></c></row>', "corrupt", f"{DAMAGED}“ABCDEF2”"),
        ('<row r="2"><c r="A0"><v>1</v></c></row>', "corrupt", f"{DAMAGED}“A0”"),
        (f'<row r="{"9" * 5000}"><c><v>1</v></c></row>', "corrupt", "The workbook is damaged or was cut short"),
        ('<row r="x"><c><v>1</v></c></row>', "corrupt", "The workbook is damaged or was cut short"),
        ("<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>", "hostile",
         "The sheet “Beds” reaches out to cell XFD1048576, too far to be read safely"),
        ('<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row>', "hostile",
         "The sheet “Beds” has two cells at one address, so that readers would disagree"),
        ('<row r="2"><c r="A2"><v>9<!-- x -->00</v></c></row>', "hostile", REMARKS),
        ('<row r="2"><c r="A2"><v><![CDATA[900]]></v></c></row>', "hostile", REMARKS),
        ('<row r="2"><c r="A2"><v>9<?x?>00</v></c></row>', "hostile", REMARKS),
    ],
)  # fmt: skip
def test_cells_on_which_readers_would_disagree_are_refused(path, cells, rule, message):
    rewritten(path, cells)
    assert refusal(path) == (rule, message)


@pytest.mark.parametrize(("old", "new"), [('name="Beds"', 'name="Copy"'), ('id="rId1"', 'id="rId9"')])
def test_two_sheets_of_one_part_or_one_name_are_refused(path, old, new):
    with zipfile.ZipFile(path) as archive:
        book = archive.read("xl/workbook.xml").decode()
    (sheet,) = re.findall("<sheet .*?/>", book)
    assert old in sheet
    repack(path, {"xl/workbook.xml": book.replace(sheet, sheet + sheet.replace(old, new)).encode()})
    message = "Two sheets are one part or have one name, so that readers would disagree"
    assert refusal(path) == ("hostile", message)


@pytest.mark.parametrize("encoding", ["foo", "utf-7", "shift_jis"])
@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/comments1.xml"])
def test_an_encoding_that_cannot_be_read_is_refused(path, part, encoding):
    content = f'<?xml version="1.0" encoding="{encoding}"?><a t="e">943 476 5919<sheetData><c/></sheetData></a>'
    repack(path, {part: content.encode()})
    assert refusal(path) == ("corrupt", "The workbook is damaged or was cut short")


@pytest.mark.parametrize("number", ["NaN", "inf", "-inf", "-5", "0.5", "60", "2958466", "1e300", "-1e300", "1e20"])
def test_no_number_in_a_date_cell_is_the_end_of_the_reader(tmp_path, number):
    path = tmp_path / "dates.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("Beds").write_number(0, 0, 42_825, book.add_format({"num_format": "dd/mm/yyyy"}))
    book.close()
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    repack(path, {"xl/worksheets/sheet1.xml": sheet.replace(b"42825", number.encode())})
    (finding,) = read_file(path).findings
    assert finding.rule in ("not_a_return", "corrupt")


def test_cell_names():
    assert [column_letter(n) for n in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]
    assert cell_name(1, 6) == "B7"


# -- what the sender is told


def test_every_refusal_says_what_to_do(tmp_path, path):
    """A refusal is one finding with a remedy; remedies are whole sentences, titles and messages are not."""
    text = tmp_path / "text.xlsx"
    text.write_text("not a workbook")
    (finding,) = read_file(text).findings
    assert (finding.rule, finding.severity) == ("not_a_workbook", "error")
    assert finding.message == "The file is plain text, such as CSV, not an Excel workbook"
    assert finding.remedy.startswith("Send the planning return as .xlsx or .xlsm")
    assert read_file(text).is_refused
    (finding,) = read_file(path).findings
    assert finding.rule == "not_a_return"
    for row in read_reference().rows("finding_rules"):
        assert row["remedy"].endswith("."), row["rule"]
        assert not row["title"].endswith("."), row["rule"]
