"""NHS numbers are found wherever they stand, and nothing else is taken for one; what is said names no content."""

import random
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.cover import Identity
from llr_pipeline.personal_data import find, is_nhs_number, nhs_numbers
from llr_pipeline.reading import read_all, read_file
from llr_pipeline.returns import Reading
from llr_pipeline.templates import Cover, Line, write_workbook
from llr_pipeline.workbooks import Grid, Workbook

# 9434765919 by hand: 9x10 + 4x9 + 3x8 + 4x7 + 7x6 + 6x5 + 5x4 + 9x3 + 1x2 = 299; 299 = 27 x 11 + 2; 11 - 2 = 9.
KNOWN = "9434765919"
# 4010232137 by hand: 4x10 + 0 + 1x8 + 0 + 2x6 + 3x5 + 2x4 + 1x3 + 3x2 = 92; 92 = 8 x 11 + 4; 11 - 4 = 7.
OTHER = "4010232137"


def made(seed: int) -> str:
    """A valid number, its check digit worked out in another way: the one last digit that makes the whole sum 0."""
    choose = random.Random(seed)
    while True:
        body = str(choose.randrange(4 * 10**8, 10**9))
        for last in range(10):
            if sum(int(d) * w for d, w in zip(body + str(last), range(10, 0, -1), strict=True)) % 11 == 0:
                return body + str(last)


def test_the_check_digit_by_hand():
    assert is_nhs_number(KNOWN)
    assert is_nhs_number(OTHER)
    assert [n for n in range(10) if is_nhs_number(KNOWN[:9] + str(n))] == [9]
    assert is_nhs_number("9990000018")  # kept for tests: counts, to be safe
    assert not is_nhs_number("0000000000")
    assert not any(is_nhs_number(text) for text in ("", "943476591", "94347659190", "943476591X", "²434765919"))
    # 1.6 billion: 1x10 + 6x9 = 64; 64 = 5 x 11 + 9; 11 - 9 = 2.
    assert is_nhs_number("1600000002")
    assert not is_nhs_number("1600000000")


@given(st.integers(0, 2**32))
def test_every_valid_number_is_known_and_a_slip_of_one_digit_is_not(seed):
    digits = made(seed)
    assert is_nhs_number(digits)
    place = seed % 10
    assert not is_nhs_number(digits[:place] + str((int(digits[place]) + 1 + seed % 9) % 10) + digits[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        KNOWN, "943 476 5919", "943-476-5919", "943\u00a0476\u00a05919", "943\u2013476\u20135919", "943 - 476 - 5919",
        "NHS no.9434765919, seen in May", "x9434765919y", "943\u200b4765919", "\uff19434765919",
        "(943 476 5919)", "0116 258 8665 and 943 476 5919", "9434765919/4010232137",
    ],
)  # fmt: skip
def test_a_number_in_a_text(text):
    assert KNOWN in nhs_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "943476591", "94347659190", "19434765919", "0.9434765919", "1,9434765919", "943 476 5918", "943 476\n5919",
        "0116 258 8665", "+44 943 476 5919", "+449434765919", "2015/16 to 2020/21", "943  476  5919", "9434 765 919",
        "0000000000", "1 600 000 002", "2016-11-01 12:00",
    ],
)  # fmt: skip
def test_what_is_no_number(text):
    assert nhs_numbers(text) == set()


def book(rows: list[list], name: str = "Beds") -> Workbook:
    return Workbook((Grid(name, rows),))


def test_one_text_is_enough_and_numbers_take_two_in_a_column():
    known, other, invalid = float(KNOWN), float(OTHER), 9434765918.0
    assert find(book([["x", KNOWN], [f"a {OTHER} b", ""]])) == [("Beds", "B1"), ("Beds", "A2")]
    assert find(book([[known, 1.0], [known, ""], [invalid, ""]])) == []  # one number, twice
    assert find(book([[known, other]])) == []  # in two columns
    assert find(book([[known], [5.0], [other], [known + 0.5]])) == [("Beds", "A1"), ("Beds", "A3")]
    assert find(book([[known, KNOWN]])) == [("Beds", "B1")]
    assert find(book([[1.6e9], [1.8e9], [True], [date(2016, 11, 1)], [""]])) == []
    assert find(book([[]])) == find(Workbook(())) == []


def test_the_name_of_a_sheet_is_not_repeated():
    assert find(book([["x"]], KNOWN)) == [(None, None)]
    assert find(book([[OTHER]], KNOWN)) == [(None, None), (None, "A1")]


# -- in a workbook


@pytest.fixture(scope="module")
def clean_path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("beds") / "beds.xlsx"
    codes = {"site_code": "RWEAA", "sector": "maternity", "bed_definition": "stp_acute", "measure": "available"}
    lines = {"beds": [Line(codes, {"2016/17": 3})]}
    write_workbook(path, templates()["beds"], Cover("RWE", "2016-11", "T", date(2016, 11, 1)), read_reference(), lines)
    return path


def in_a_cell(book):
    book["Beds"]["F6"] = f"see {KNOWN}"


def in_a_number_column(book):
    book["Beds"]["P6"], book["Beds"]["P9"] = int(KNOWN), int(OTHER)


def in_a_hidden_sheet(book):
    book.create_sheet("Workings").sheet_state = "veryHidden"
    book["Workings"]["C3"] = "943 476 5919"


def in_the_lists(book):
    book["Lists"]["A40"] = KNOWN


def in_the_sheets_name(book):
    book.create_sheet(KNOWN)["A1"] = "nothing here"


def in_a_comment(book):
    book["Bed schemes"]["B2"].comment = Comment("This is 943 476 5919", "somebody")


def in_the_properties(book):
    book.properties.description = f"About {KNOWN}"


def in_a_property_of_ones_own(book):
    book.custom_doc_props.append(openpyxl.packaging.custom.StringProperty(name="Ref", value=KNOWN))


def in_a_name(book):
    book.defined_names["x"] = DefinedName("x", attr_text=f'"{KNOWN}"')


def in_a_footer(book):
    book["Beds"].oddFooter.left.text = f"for {KNOWN}"


def in_a_prompt(book):
    rule = DataValidation("decimal", operator="greaterThan", formula1="0", prompt=f"as of {KNOWN}")
    rule.add("E6")
    book["Beds"].add_data_validation(rule)


WHERE = [
    (in_a_cell, [("Beds", "F6")]),
    (in_a_number_column, [("Beds", "P6"), ("Beds", "P9")]),
    (in_a_hidden_sheet, [("Workings", "C3")]),
    (in_the_lists, [("Lists", "A40")]),
    (in_the_sheets_name, [(None, None)]),
    (in_a_comment, [("Bed schemes", "B2")]),
    (in_the_properties, [(None, None)]),
    (in_a_property_of_ones_own, [(None, None)]),
    (in_a_name, [(None, None)]),
    (in_a_footer, [("Beds", None)]),
    (in_a_prompt, [("Beds", None)]),
]


def assert_only_places(reading: Reading) -> None:
    """Nothing is said of the file but where."""
    assert reading.has_personal_data
    assert reading.is_refused
    assert (reading.identity, reading.tables, reading.value_count) == (Identity(), {}, 0)
    for finding in reading.findings:
        assert (finding.rule, finding.severity, finding.value_received) == ("personal_data", "error", None)
        assert not nhs_numbers(" ".join(str(value) for value in finding.as_dict().values()))


@pytest.mark.parametrize(("change", "places"), WHERE, ids=[change.__name__ for change, _ in WHERE])
def test_wherever_it_stands_the_file_is_refused(clean_path, tmp_path, change, places):
    book = openpyxl.load_workbook(clean_path)
    book["Beds"]["A6"] = "Nowhere"  # which is not said: the finding would hold what the file holds
    change(book)
    book.save(tmp_path / "a.xlsx")
    reading = read_file(tmp_path / "a.xlsx")
    assert [(f.sheet, f.cell) for f in reading.findings] == places
    assert_only_places(reading)


def test_the_sentence_says_how_many_and_the_first_are_named(clean_path, tmp_path):
    book = openpyxl.load_workbook(clean_path)
    for n in range(30):
        book["Beds"].cell(20 + n, 14).value = made(n)
    book.save(tmp_path / "a.xlsx")
    ((_, reading),) = read_all([tmp_path / "a.xlsx"])
    assert [f.cell for f in reading.findings] == [f"N{20 + n}" for n in range(20)]
    assert {f.message for f in reading.findings} == {
        "The cell holds a valid NHS number; the workbook does in 30 places"
    }
    assert_only_places(reading)


def repack(source: Path, path: Path, change: dict[str, str]) -> None:
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w") as copy:
        for name in archive.namelist():
            text = archive.read(name)
            if name in change:
                old, new = change[name].split("|")
                assert old.encode() in text
                text = text.replace(old.encode(), new.encode(), 1)
            copy.writestr(name, text)


def test_a_text_that_no_cell_shows_any_more(clean_path, tmp_path):
    change = {"xl/sharedStrings.xml": f"</sst>|<si><t>{KNOWN}</t></si></sst>"}
    repack(clean_path, tmp_path / "a.xlsx", change)
    assert_only_places(read_file(tmp_path / "a.xlsx"))


def test_a_number_in_pieces_of_a_comment(clean_path, tmp_path):
    """As Excel writes a comment with one word in bold."""
    book = openpyxl.load_workbook(clean_path)
    book["Beds"]["C7"].comment = Comment("943 476 XXXX", "somebody")
    book.save(tmp_path / "a.xlsx")
    change = {"xl/comments/comment1.xml": "XXXX|</t><r><rPr><b/></rPr><t>5919</t></r><t>"}
    repack(tmp_path / "a.xlsx", tmp_path / "b.xlsx", change)
    reading = read_file(tmp_path / "b.xlsx")
    assert [(f.sheet, f.cell) for f in reading.findings] == [("Beds", "C7")]


def test_a_published_workbook_is_looked_through_too(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"], book.active["A2"] = "NHS organisations in England", KNOWN
    book.save(tmp_path / "a.xlsx")
    assert_only_places(read_file(tmp_path / "a.xlsx"))


def test_a_clean_return_holds_none(clean_path):
    assert not read_file(clean_path).has_personal_data


def test_the_sample_holds_none(sample_folder):
    assert not any(read_file(path).findings for path in sorted((sample_folder / "returns").iterdir()))
