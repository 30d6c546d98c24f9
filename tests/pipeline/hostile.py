"""Files built to harm, each by a function whose name says how, and the intake that they are put through.

Shared by `test_hostile.py` and `tests.benchmarks.hostile_files`: the same files, some of them larger in the second.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import re
import socket
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.paths import PROJECT, Home
from llr_pipeline.templates import Cover, Line, write_workbook

SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
YEARS = ("2015/16", "2016/17", "2017/18", "2018/19", "2019/20", "2020/21")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SHEET, BOOK, TYPES, STRINGS = (
    "xl/worksheets/sheet2.xml",
    "xl/workbook.xml",
    "[Content_Types].xml",
    "xl/sharedStrings.xml",
)
LINKS = "xl/_rels/workbook.xml.rels"
GOOD = "good.xlsx"

Parts = dict[str, bytes]


@dataclass(frozen=True)
class Hostile:
    """One file: its maker, and what may become of it.

    `outcomes` are rules that refuse it, `read` (accepted or superseded), or `left` (it stays in the inbox). `words` is
    in the reason.
    """

    name: str
    place: Callable[[Path, bool], None]
    outcomes: frozenset[str]
    words: str = ""
    is_full_only: bool = False


FILES: list[Hostile] = []


def hostile(*outcomes: str, words: str = "", name: str = "", full_only: bool = False) -> Callable:
    """Note a maker: a function of (is_full) -> bytes or parts, or of (inbox, is_full) that places the file itself."""

    def note(make: Callable) -> Callable:
        title = make.__name__
        file_name = name or f"{title}.xlsx"

        def place(inbox: Path, is_full: bool) -> None:
            if make.__code__.co_argcount == 2:
                make(inbox, is_full)
                return
            content = make(is_full)
            (inbox / file_name).write_bytes(zipped(content) if isinstance(content, dict) else content)

        FILES.append(Hostile(title, place, frozenset(outcomes), words, full_only))
        return make

    return note


# -- what they are made of


@cache
def sound_bytes(beds: float = 900, organisation: str = "RWE", site: str = "RWEAA") -> bytes:
    """A sound beds return; each combination of arguments is a content of its own."""
    codes = {"site_code": site, "sector": "adult_general_acute", "bed_definition": "stp_acute"}
    lines = [
        Line(codes | {"measure": "available"}, dict.fromkeys(YEARS, beds)),
        Line(codes | {"measure": "occupied"}, dict.fromkeys(YEARS, beds - 100)),
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder, "beds.xlsx")
        about = Cover(organisation, "2016-11", "Planning team", date(2016, 11, 1))
        write_workbook(path, templates()["beds"], about, read_reference(), {"beds": lines})
        return path.read_bytes()


def parts() -> Parts:
    with zipfile.ZipFile(io.BytesIO(sound_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content: Parts, *, level: int = 6) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    return sink.getvalue()


def with_cell(cell: str, xml: str | bytes, *, part: str = SHEET) -> Parts:
    """The sound return with one cell's XML replaced."""
    found = parts()
    new = xml.encode() if isinstance(xml, str) else xml
    pattern = rb'<c r="' + cell.encode() + rb'"[^>]*?(/>|>.*?</c>)'
    found[part], count = re.subn(pattern, lambda match: new, found[part], count=1)
    assert count == 1, cell
    return found


def with_rows(xml: str | bytes, *, part: str = SHEET) -> Parts:
    """The sound return with rows added below the others."""
    found = parts()
    new = xml.encode() if isinstance(xml, str) else xml
    found[part] = found[part].replace(b"</sheetData>", new + b"</sheetData>")
    return found


def with_xml_after_declaration(part: str, xml: str, *, inside: str = "") -> Parts:
    found = parts()
    head, separator, rest = found[part].partition(b"?>")
    if inside:
        rest = re.sub(rb"(<(?!\?)[^>]*[^/]>)", lambda match: match[1] + inside.encode(), rest, count=1)
    found[part] = head + separator + xml.encode() + rest
    return found


def with_part(**new: bytes) -> Parts:
    return parts() | new


# -- zips


@hostile("hostile", words="would unpack to")
def bomb_by_ratio(is_full: bool) -> bytes:
    return zipped(parts() | {"xl/media/zeros.xml": bytes(60 * 1024 * 1024)}, level=9)


@hostile("hostile", words="would unpack to", full_only=True)
def bomb_by_size(is_full: bool) -> bytes:
    """450 MB, part of it noise so that the ratio stays below the limit."""
    noise = os.urandom(3 * 1024 * 1024)
    return zipped(parts() | {"xl/media/noise.xml": noise, "xl/media/zeros.xml": bytes(450 * 1024 * 1024)}, level=9)


@hostile("read")
def padding_below_the_ratio(is_full: bool) -> Parts:
    return with_rows(b" " * (45 * 1024 * 1024))


@hostile("read")
def nested_zip(is_full: bool) -> Parts:
    inner = zipped({"zeros": bytes(40 * 1024 * 1024)}, level=9)
    return parts() | {"xl/media/inner.zip": zipped({f"{n}.zip": inner for n in range(40)})}


@hostile("corrupt", words="damaged")
def sizes_that_lie(is_full: bool) -> bytes:
    """The zip's list says that the sheet has 1,000 bytes; it has more."""
    content = bytearray(zipped(parts()))
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET.encode()))
    content[at + 24 : at + 28] = struct.pack("<I", 1_000)
    return bytes(content)


@hostile("hostile", words="parts inside")
def two_thousand_and_one_parts(is_full: bool) -> Parts:
    return parts() | {f"xl/extra/{n}.xml": b"<a/>" for n in range(2_001)}


@hostile("hostile", words="two parts of the same name")
def part_twice(is_full: bool) -> bytes:
    sink = io.BytesIO(zipped(parts()))
    with zipfile.ZipFile(sink, "a") as archive:
        archive.writestr(SHEET.upper(), b"<worksheet/>")
    return sink.getvalue()


@hostile("not_a_workbook", "corrupt")
def empty_zip(is_full: bool) -> bytes:
    return zipped({})


@hostile("read", "hostile")
def parts_with_paths_that_leave_the_folder(is_full: bool) -> Parts:
    names = ["../../../../../../etc/llr_owned", "/etc/llr_owned", "C:\\llr_owned", "xl/../../llr_owned", "llr\0.xml"]
    return parts() | dict.fromkeys(names, b"owned")


@hostile("corrupt", words="damaged")
def sheet_outside_the_zip(is_full: bool) -> Parts:
    """The workbook says that its second sheet is a file of the machine."""
    found = parts()
    found[LINKS] = found[LINKS].replace(b"worksheets/sheet2.xml", b"/../../../../etc/passwd")
    return found


@hostile("corrupt", "not_a_workbook")
def truncated(inbox: Path, is_full: bool) -> None:
    content = sound_bytes(901)
    for cut in (1, 3, 40, 500, 3_000, len(content) - 2_000, len(content) - 30, len(content) - 1):
        (inbox / f"truncated-{cut}.xlsx").write_bytes(content[:cut])


@hostile("corrupt", words="damaged")
def flipped_bytes(inbox: Path, is_full: bool) -> None:
    """In the packed sheet itself, where nothing but the checksum can tell."""
    content = sound_bytes(902)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        about = archive.getinfo(SHEET)
    for n in range(40 if is_full else 5):
        flipped = bytearray(content)
        flipped[about.header_offset + 100 + n * 31 % (about.compress_size - 100)] ^= 1 << n % 8
        (inbox / f"flipped_bytes-{n}.xlsx").write_bytes(flipped)


@hostile("too_large", words="the most is 100 MB")
def sparse_file_of_101_megabytes(inbox: Path, is_full: bool) -> None:
    with (inbox / "sparse_file_of_101_megabytes.xlsx").open("wb") as file:
        file.write(sound_bytes())
        os.ftruncate(file.fileno(), 101 * 1024 * 1024)


@hostile("corrupt", "not_a_workbook", "hostile")
def sparse_file_of_99_megabytes(inbox: Path, is_full: bool) -> None:
    with (inbox / "sparse_file_of_99_megabytes.xlsx").open("wb") as file:
        file.write(sound_bytes())
        os.ftruncate(file.fileno(), 99 * 1024 * 1024)


# -- cells and sheets


@hostile("hostile", words="XFD1048576")
def cell_far_away_by_address(is_full: bool) -> Parts:
    return with_rows('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


@hostile("hostile", words="1048576")
def row_far_away(is_full: bool) -> Parts:
    return with_rows('<row r="1048576"><c r="A1048576"><v>1</v></c></row>')


@hostile("hostile", words="too far")
def cells_far_away_without_address(is_full: bool) -> Parts:
    return with_rows('<row r="100"><c r=\'XFD100\'><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>')


@hostile("hostile", words="too far")
def cells_far_away_under_a_prefix(is_full: bool) -> Parts:
    """The names of the rows and cells alone have one: readers go by what follows it."""
    cell = f'<x:c xmlns:x="{SPACE}" r="XFD1048576"><v>1</v></x:c>'
    return with_rows(f'<row r="1048576">{cell}</row>')


@hostile("corrupt", words="a cell at “A9999")
def row_number_of_5000_digits(is_full: bool) -> Parts:
    return with_rows(f'<row r="100"><c r="A{"9" * 5000}"><v>1</v></c></row>')


@hostile("corrupt", words="damaged")
def row_number_below_zero(is_full: bool) -> Parts:
    return with_cell("E6", '<c r="E-6"><v>1</v></c>')


@hostile("corrupt", words="damaged")
def row_number_zero(is_full: bool) -> Parts:
    return with_cell("E6", '<c r="E0"><v>1</v></c>')


@hostile("read")
def styled_columns(is_full: bool) -> Parts:
    """16,383 columns with a format, and a row of as many empty cells with one."""
    found = parts()
    cells = "".join(f'<c r="{letters(n)}300" s="6"/>' for n in range(16_383))
    found[SHEET] = re.sub(
        rb"<cols>.*?</cols>", b'<cols><col min="1" max="16383" width="9" style="6"/></cols>', found[SHEET]
    )
    found[SHEET] = found[SHEET].replace(b"</sheetData>", f'<row r="300">{cells}</row></sheetData>'.encode())
    return found


@hostile("read", "corrupt", "reader_stopped")
def elements_nested_a_million_deep(is_full: bool) -> Parts:
    deep = 1_000_000 if is_full else 50_000
    return with_rows(b'<row r="100"><c r="A100" t="e"><v>#REF!</v></c></row>' + b"<a>" * deep + b"</a>" * deep)


@hostile("read", "hostile")
def cell_of_ten_million_characters(is_full: bool) -> Parts:
    return with_cell("E6", b'<c r="E6" t="inlineStr"><is><t>' + b"x" * 10_000_000 + b"</t></is></c>")


@hostile("read", "hostile", "reader_stopped", full_only=True)
def long_text_in_many_cells(is_full: bool) -> Parts:
    """One shared string of a million characters (or four), used in forty cells: a file of some kilobytes."""
    found = parts()
    length = 4_000_000 if is_full else 1_000_000
    number = found[STRINGS].count(b"<si>")
    found[STRINGS] = found[STRINGS].replace(b"</sst>", b"<si><t>" + b"x" * length + b"</t></si></sst>")
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="s"><v>{number}</v></c><c r="E{n}"><v>5</v></c></row>' for n in range(100, 140)
    )
    found[SHEET] = found[SHEET].replace(b"</sheetData>", rows.encode() + b"</sheetData>")
    return found


@hostile("read", "hostile", "reader_stopped", full_only=True)
def wrong_cells_by_the_hundred_thousand(is_full: bool) -> Parts:
    """20,000 lines (or 8,000) of ten wrong cells: a finding each."""
    lines = 20_000 if is_full else 8_000
    cell = '<c r="{0}{1}" t="inlineStr"><is><t>x</t></is></c>'
    rows = (f'<row r="{n}">{"".join(cell.format(c, n) for c in "ABCDEFGHIJ")}</row>' for n in range(100, 100 + lines))
    return with_rows("".join(rows))


@hostile("read")
def shared_strings_by_the_million(is_full: bool) -> Parts:
    found = parts()
    count = 1_000_000 if is_full else 100_000
    found[STRINGS] = found[STRINGS].replace(
        b"</sst>", b"".join(b"<si><t>text %d</t></si>" % n for n in range(count)) + b"</sst>"
    )
    return found


@hostile("read", "hostile")
def merged_ranges_by_the_hundred_thousand(is_full: bool) -> Parts:
    found = parts()
    count = 200_000 if is_full else 50_000
    ranges = "".join(f'<mergeCell ref="L{n}:M{n}"/>' for n in range(10, 10 + count))
    merges = f'<mergeCells count="{count}">{ranges}</mergeCells>'.encode()
    found[SHEET] = re.sub(rb"(</sheetData>(<sheetProtection[^>]*/>)?)", lambda m: m[1] + merges, found[SHEET], count=1)
    return found


@hostile("hostile", words="two cells at one address")
def cell_twice(is_full: bool) -> Parts:
    return with_cell("E6", '<c r="E6"><v>900</v></c><c r="E6"><v>9</v></c>')


@hostile("hostile", words="remarks among its cells")
def number_cut_by_a_comment(is_full: bool) -> Parts:
    return with_cell("E6", '<c r="E6"><v>9<!-- x -->00</v></c>')


@hostile("hostile", words="parts inside")
def five_thousand_sheets(is_full: bool) -> Parts:
    found = parts()
    return found | {f"xl/worksheets/sheet{n}.xml": found[SHEET] for n in range(10, 5_010)}


@hostile("hostile", words="one part")
def one_sheet_under_5000_names(is_full: bool) -> Parts:
    found = parts()
    (link,) = re.findall(rb'Id="(\w+)"[^>]*Target="worksheets/sheet4.xml"', found[LINKS]) or [b"rId2"]
    sheets = b"".join(b'<sheet name="S%d" sheetId="%d" r:id="%s"/>' % (n, n, link) for n in range(100, 5_100))
    found[BOOK] = found[BOOK].replace(b"</sheets>", sheets + b"</sheets>")
    return found


@hostile("hostile", words="one part", full_only=True)
def one_large_sheet_under_500_names(is_full: bool) -> Parts:
    """A sheet of 200,000 cells that is unpacked and kept 500 times."""
    rows = "".join(f'<row r="{n}">' + "<c><v>1</v></c>" * 100 + "</row>" for n in range(1, 2_001))
    found = parts() | {
        "xl/worksheets/sheet9.xml": f'<worksheet xmlns="{SPACE}"><sheetData>{rows}</sheetData></worksheet>'.encode()
    }
    kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    link = b'<Relationship Id="rId900" Type="' + kind + b'" Target="worksheets/sheet9.xml"/>'
    found[LINKS] = found[LINKS].replace(b"</Relationships>", link + b"</Relationships>")
    sheets = b"".join(b'<sheet name="S%d" sheetId="%d" r:id="rId900"/>' % (n, n) for n in range(100, 600))
    found[BOOK] = found[BOOK].replace(b"</sheets>", sheets + b"</sheets>")
    return found


@hostile("not_a_return", "corrupt", "not_a_workbook")
def workbook_without_sheets(is_full: bool) -> Parts:
    found = parts()
    found[BOOK] = re.sub(rb"<sheets>.*?</sheets>", b"<sheets/>", found[BOOK])
    return found


@hostile("read", full_only=True)
def text_that_a_search_trips_over(is_full: bool) -> Parts:
    """What looks like 200,000 addresses within one cell's tag: a search that starts anew at each takes hours."""
    addresses = 'r="A1" ' * 200_000
    return with_rows(f'<row r="1048576"><c r="XFD1048576" x=\'{addresses}\'/></row>')


# -- XML


LAUGHS = "<!DOCTYPE a [" + "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "laugh"}">' for n in range(10)
) + "]>"  # fmt: skip
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@hostile("hostile", words="declares entities")
def billion_laughs(is_full: bool) -> Parts:
    return with_xml_after_declaration(STRINGS, LAUGHS)


@hostile("hostile", words="declares entities")
def entity_from_outside_in_the_sheet(is_full: bool) -> Parts:
    found = with_cell("E6", '<c r="E6" t="inlineStr"><is><t>&x;</t></is></c>')
    found[SHEET] = found[SHEET].replace(b"?>", b"?>" + OUTSIDE.encode(), 1)
    return found


@hostile("hostile", words="declares entities")
def entity_from_outside_in_the_workbook(is_full: bool) -> Parts:
    return with_xml_after_declaration(BOOK, OUTSIDE)


@hostile("hostile", words="declares entities")
def entity_from_outside_in_the_content_types(is_full: bool) -> Parts:
    return with_xml_after_declaration(TYPES, OUTSIDE)


@hostile("corrupt", "hostile", "missing_column", "missing_sheet")
def entity_from_outside_in_utf_16(is_full: bool) -> Parts:
    """Where a search for the bytes `<!DOCTYPE` finds nothing."""
    found = parts()
    text = found[SHEET].decode().replace("UTF-8", "UTF-16").replace("?>", "?>" + OUTSIDE, 1)
    found[SHEET] = ("\ufeff" + text.replace("<v>900</v>", "<v>&x;</v>", 1)).encode("utf-16-le")
    return found


@hostile("corrupt", words="damaged")
def encodings_that_there_are_not(inbox: Path, is_full: bool) -> None:
    for number, part in enumerate((SHEET, BOOK, LINKS)):
        found = parts()
        found[part] = found[part].replace(b'"UTF-8"', b'"x-no-such"')
        if part == SHEET:
            found[part] = found[part].replace(b'<c r="E6" ', b'<c r="E6" t="e" ', 1)
        (inbox / f"encodings_that_there_are_not-{number}.xlsx").write_bytes(zipped(found))


@hostile("corrupt", words="damaged")
def text_that_is_not_utf_8(is_full: bool) -> Parts:
    return with_cell("E6", b'<c r="E6" t="inlineStr"><is><t>\xff\xfe\xc0\x80</t></is></c>')


@hostile("corrupt", words="damaged")
def string_that_is_not_there(is_full: bool) -> Parts:
    return with_cell("E6", '<c r="E6" t="s"><v>4294967295</v></c>')


@hostile("read")
def nul_in_a_cell(is_full: bool) -> Parts:
    return with_cell("A6", '<c r="A6" t="inlineStr"><is><t>a_x0000_b</t></is></c>')


@hostile("read")
def numbers_that_are_none(is_full: bool) -> Parts:
    found = with_cell("E6", '<c r="E6"><v>1e400</v></c>')
    for cell, text in (("F6", "NaN"), ("G6", "-inf"), ("H6", "0x10"), ("I6", "1e-400"), ("J6", "")):
        xml = f'<c r="{cell}"><v>{text}</v></c>'.encode()
        found[SHEET] = re.sub(rb'<c r="' + cell.encode() + rb'"[^>]*>.*?</c>', xml, found[SHEET], count=1)
    return found


@hostile("out_of_range", words="1.7e+308 is too large")
def numbers_whose_sum_is_none(is_full: bool) -> Parts:
    found = parts()
    found[SHEET] = re.sub(rb"<v>[89]00</v>", b"<v>1.7e308</v>", found[SHEET])
    return found


def prepared_on(number: object) -> bytes:
    """The sound return with this number in the date cell Prepared on."""
    found, part = parts(), "xl/worksheets/sheet1.xml"
    found[part], count = re.subn(rb'(<c r="B11"[^>]*>)<v>\d+</v>', rb"\1<v>%s</v>" % str(number).encode(), found[part])
    assert count == 1
    return zipped(found)


@hostile("implausible_date", "cover_incomplete")
def dates_of_1899_and_9999(inbox: Path, is_full: bool) -> None:
    for number in (0.5, 1, 60, 2_958_465):
        (inbox / f"dates_of_1899_and_9999-{number}.xlsx").write_bytes(prepared_on(number))


@hostile("cover_incomplete", "corrupt")
def dates_that_are_none(inbox: Path, is_full: bool) -> None:
    for number in ("-5", "1e300", "-1e300", "inf", "99999999"):
        (inbox / f"dates_that_are_none-{number}.xlsx").write_bytes(prepared_on(number))


@hostile("read")
def names_defined_by_themselves(is_full: bool) -> Parts:
    found = parts()
    names = "".join(f'<definedName name="{a}">{b}</definedName>' for a, b in (("a", "b"), ("b", "a"), ("c", "c+c")))
    found[BOOK] = re.sub(rb"<definedNames>", lambda m: m[0] + names.encode(), found[BOOK], count=1)
    return found


@hostile("read")
def text_that_would_run(is_full: bool) -> Parts:
    """Text is text, whatever it starts with: the site is not on the list, and that is all."""
    return with_cell("A6", '<c r="A6" t="inlineStr"><is><t>=cmd|\' /C calc\'!A0</t></is></c>')


@hostile("read")
def formula_that_would_run(is_full: bool) -> Parts:
    return with_cell("E6", "<c r=\"E6\"><f>cmd|' /C calc'!A0</f><v>900</v></c>")


# -- other kinds of file


@hostile("read", name="macros.xlsm")
def macros(is_full: bool) -> Parts:
    found = parts() | {"xl/vbaProject.bin": OLE + b"Attribute VB_Name = Auto_Open" * 99}
    found[TYPES] = found[TYPES].replace(
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    )
    return found


@hostile("not_a_workbook", words="old kind")
def old_workbook_under_a_new_name(is_full: bool) -> bytes:
    return OLE + bytes(504) + b"Workbook".ljust(4_096, b"\0")


@hostile("corrupt", "reader_stopped", "not_a_workbook", name="old_workbook_of_noise.xls")
def old_workbook_of_noise(is_full: bool) -> bytes:
    return OLE + bytes(range(256)) * 4_000


@hostile("corrupt", "reader_stopped", "not_a_workbook", name="old_workbook_without_end.xls")
def old_workbook_without_end(is_full: bool) -> bytes:
    """A chain of sectors whose next is always itself."""
    header = bytearray(OLE + bytes(504))
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIIII", header, 40, 0, 1, 1, 0, 4096, 0, 1, 0, 1)
    struct.pack_into("<109I", header, 76, 0, *[0xFFFFFFFF] * 108)
    return bytes(header) + struct.pack("<128I", *[0] * 128) * 4


@hostile("password_protected", words="password")
def encrypted(is_full: bool) -> bytes:
    return OLE + bytes(504) + "EncryptedPackage".encode("utf-16-le").ljust(4_096, b"\0")


# -- names, and what is no file: sound returns whose names would do the harm


NAMES = {
    "name_of_255_bytes": "é" * 125 + ".xlsx",
    "name_from_right_to_left": "beds\u202excod.xlsx",
    "name_with_control_characters": "beds\x1b[31m\x07\x7f.xlsx",
    "name_of_two_lines": "beds\nINFO everything is well.xlsx",
    "name_as_sql": "'; drop table raw.submissions; --.xlsx",
    "name_as_html": "<img src=x onerror=alert(1)>.xlsx",
    "name_as_markdown": "| a | [x](javascript:alert(1)) `.xlsx",
    "name_as_formula": "=HYPERLINK(0,A1).xlsx",
    "name_as_option": "-rf.xlsx",
    "name_of_spaces": "   .xlsx",
    "name_without_suffix": "beds",
}


@hostile("read")
def names(inbox: Path, is_full: bool) -> None:
    for n, name in enumerate(NAMES.values()):
        (inbox / name).write_bytes(sound_bytes(500 + n))


@hostile("read")
def path_of_300_characters(inbox: Path, is_full: bool) -> None:
    folder = inbox / ("a" * 150) / ("b" * 150)
    folder.mkdir(parents=True)
    (folder / "path_of_300_characters.xlsx").write_bytes(sound_bytes(600))


@hostile("left", "not_a_workbook", "not_a_return", "hostile")
def link_out_of_the_inbox(inbox: Path, is_full: bool) -> None:
    (inbox / "link_out_of_the_inbox.xlsx").symlink_to("/etc/passwd")


@hostile("left")
def links_to_nothing(inbox: Path, is_full: bool) -> None:
    (inbox / "links_to_nothing-1.xlsx").symlink_to(inbox / "links_to_nothing-1.xlsx")
    (inbox / "links_to_nothing-2.xlsx").symlink_to("/nowhere")
    (inbox / "links_to_nothing-3").symlink_to(inbox)


@hostile("left")
def pipe_socket_device_and_folder(inbox: Path, is_full: bool) -> None:
    os.mkfifo(inbox / "pipe_socket_device_and_folder-1.xlsx")
    (inbox / "pipe_socket_device_and_folder-2.xlsx").mkdir()
    here = os.getcwd()
    os.chdir(inbox)  # a socket's whole path may have 108 characters
    with suppress(OSError), socket.socket(socket.AF_UNIX) as made:
        made.bind("pipe_socket_device_and_folder-3.xlsx")
    os.chdir(here)
    with suppress(OSError):  # only root may
        os.mknod(inbox / "pipe_socket_device_and_folder-4.xlsx", 0o020666, os.makedev(1, 5))


def letters(index: int) -> str:
    found = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        found = chr(65 + rest) + found
    return found


# -- the intake


INTAKE = """
import functools, json, sys, time
from pathlib import Path
from llr_pipeline import intake, reading
from llr_pipeline.paths import Home
from llr_pipeline.tables import load_reference
from llr_pipeline.warehouse import opened

home, seconds, times, took = Home(Path(sys.argv[1])), float(sys.argv[2]), int(sys.argv[3]), {}
read = reading._Worker.read

def timed(worker, path):
    start = time.monotonic()
    try:
        return read(worker, path)
    finally:
        took[path.name] = time.monotonic() - start

def megabytes(field):
    status = Path('/proc/self/status').read_text().splitlines()
    return int(next(line for line in status if line.startswith(field)).split()[1]) / 1024

reading._Worker.read = timed
intake.read_all = functools.partial(reading.read_all, seconds=seconds)
if sys.argv[4] == 'keep':
    intake._send_back = lambda *about: []
with opened(home) as connection:
    load_reference(connection, run_id='test')
    before = megabytes('VmHWM')
    start = time.monotonic()
    for _ in range(times):
        intake.take_in(connection, home, run_id='test')
    wall = time.monotonic() - start
    register = connection.execute('select submission_id, file_name, status from raw.submissions').fetchall()
    rows = connection.execute('''
        select file_name, rule, severity, cell, message[:300] from raw.findings
        qualify row_number() over (partition by file_name order by severity, finding_number) <= 20
    ''').fetchall()
print(json.dumps({'register': register, 'findings': rows, 'took': took, 'wall': wall, 'megabytes': megabytes('VmHWM'),
                  'megabytes_before': before}))
"""


@dataclass(frozen=True)
class Outcome:
    """What an intake did: file name -> (status, rule that refused it, its message); seconds by file; peak memory."""

    files: dict[str, tuple[str, str, str]]
    took: dict[str, float]
    wall: float
    megabytes: float
    errors: str


def become_ordinary() -> None:
    """Let root have no more than its files' permissions say, from the next program on; others have no more anyway."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def take_in(home: Home, *, seconds: float, times: int = 1, is_sent_back: bool = False) -> Outcome:
    """Run the intake in a process of its own, as no superuser. Raises AssertionError where it does not end well.

    Sending back costs a process for each file with findings: only the benchmark does.
    """
    done = subprocess.run(
        [sys.executable, "-c", INTAKE, str(home.root), str(seconds), str(times), "back" if is_sent_back else "keep"],
        cwd=PROJECT, capture_output=True, text=True, check=False, errors="replace",
        preexec_fn=become_ordinary,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3_000:]
    said = json.loads(done.stdout.splitlines()[-1])
    first: dict[str, tuple[str, str]] = {}
    for name, rule, severity, _, message in said["findings"]:
        if severity == "error":
            first.setdefault(name, (rule, message))
    files = {name: (status, *first.get(name, ("", ""))) for _, name, status in said["register"]}
    return Outcome(files, said["took"], said["wall"], said["megabytes"], done.stderr)


def place_good(inbox: Path) -> None:
    """A sound return of an organisation that sends nothing else."""
    (inbox / GOOD).write_bytes(sound_bytes(1_000, "RT5", "RT5PA"))


def place_all(inbox: Path, *, is_full: bool) -> Iterator[tuple[Hostile, list[str]]]:
    """Put every hostile file and a good return into the inbox: each with the names that it came to."""
    place_good(inbox)
    for file in FILES:
        if file.is_full_only and not is_full:
            continue
        before = set(inbox.iterdir())
        file.place(inbox, is_full)
        new = set(inbox.iterdir()) - before
        found = []
        for path in new:
            inside = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() and not path.is_symlink() else []
            found += [p.name for p in inside or [path]]
        yield file, sorted(found)


def outcome_of(name: str, outcome: Outcome, inbox: Path) -> str:
    """`read`, `left`, or the rule that refused the file."""
    if name in outcome.files:
        status, rule, _ = outcome.files[name]
        return rule if status == "refused" else "read" if status in ("accepted", "superseded") else status
    return "left" if os.path.lexists(inbox / name) else "gone"
