"""Faults that a workbook shows besides wrong values: what is hidden, merged, fetched from elsewhere or typed as text.

Each fault is found at its cell with one sentence, and the values are read as they stand.
"""

import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import ContractError, read_columns, templates
from llr_pipeline.reading import read_file
from llr_pipeline.returns import Reading
from llr_pipeline.templates import Cover, Line, write_workbook

ROUND = "2016-11"
YEARS = ("2015/16", "2016/17", "2017/18", "2018/19", "2019/20", "2020/21")
OF_OPENPYXL = "total_without_value"  # it stores no results of formulas


def line(values: list, **attributes) -> Line:
    return Line(attributes, dict(zip(YEARS, values, strict=True)))


BEDS = {"bed_definition": "stp_acute", "sector": "adult_general_acute"}
RETURNS = {
    # Beds: headings in row 4; Available in rows 5-8 with the total in 8, Occupied in rows 9-11; the years in E-J.
    # Bed schemes: one line in row 5; the start date in O, Share avoided in L, Nights shortened in M.
    "beds": {
        "beds": [
            line([900, 890, 880, 870, 860, 850], site_code="RWEAA", measure="available", **BEDS),
            line([400, 300, 200, 100, 50, 0], site_code="RWEAK", measure="available", **BEDS),
            line([810, 800, 790, 780, 770, 760], site_code="RWEAA", measure="occupied", **BEDS),
        ],
        "bed_schemes": [
            line(
                [0, -5, -10, -15, -20, -20], scheme_code="S1", scheme="Home first", priority="1",
                mechanism="avoid_admission", from_site_code="RWEAA", from_sector="adult_general_acute",
                effect_share=0.2, cover_share=0.5, start_date=date(2017, 4, 1), confidence_share=0.7,
            )
        ],
    },
    # Capital: headings in row 4, a line in row 6, the years in F-K.
    "finance": {
        "capital": [
            line([1, 2, 3, 4, 5, 6], scheme_code="S1", scheme="New ward", source="internal", status="secured",
                 price_basis="nominal"),
        ],
    },
    # Workforce: headings in row 4, a line in row 6, the years in E-J.
    "workforce": {
        "workforce": [
            line([10, 11, 12, 13, 14, 15], staff_group="medical", setting="acute", contract="substantive",
                 measure="wte"),
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> dict[str, Path]:
    folder, reference = tmp_path_factory.mktemp("clean"), read_reference()
    for name, lines in RETURNS.items():
        for sheet in templates()[name].sheets:  # codes that are in use, whatever they are called
            for one in lines.get(sheet.table, []):
                for column in sheet.attributes:
                    codes = reference.labels(column.list, "RWE") if column.list else {}
                    if column.list and column.required and one.attributes.get(column.name) not in codes:
                        one.attributes[column.name] = next(iter(codes))
        about = Cover("RWE", ROUND, "Planning team", date(2016, 11, 1))
        write_workbook(folder / f"{name}.xlsx", templates()[name], about, reference, lines)
    return {name: folder / f"{name}.xlsx" for name in RETURNS}


@pytest.fixture
def altered(paths, tmp_path) -> Callable[..., Reading]:
    """Read a return after a change: a function of the workbook, or sheet, cell and entry."""

    def read(name: str, *change) -> Reading:
        book = openpyxl.load_workbook(paths[name])
        if callable(change[0]):
            change[0](book)
        else:
            sheet, cell, entry = change
            book[sheet][cell] = entry
        book.save(tmp_path / "altered.xlsx")
        reading = read_file(tmp_path / "altered.xlsx")
        reading.findings[:] = [f for f in reading.findings if f.rule != OF_OPENPYXL]
        return reading

    return read


def said(reading: Reading) -> list[tuple]:
    return [(f.severity, f.rule, f.sheet, f.cell, f.message) for f in reading.findings]


def value(reading: Reading, table: str, row: int, column: str, period: str = "2015/16") -> object:
    rows = reading.tables[table].to_pylist()
    return next(r["reading"][column] for r in rows if (r["row_number"], r["financial_year"]) == (row, period))


@pytest.mark.parametrize("name", RETURNS)
def test_nothing_is_found_in_what_was_written(paths, name):
    assert said(read_file(paths[name])) == []


# -- typed as text: sheet, cell, entry; severity, rule, message; table, row, column, value


TYPED = [
    ("beds", "Beds", "E6", "900 beds", "note", "number_as_text", "2015/16: “900 beds” is text and is read as 900",
     ("beds", 6, "beds", 900)),
    ("beds", "Beds", "E6", "(900)", "error", "out_of_range", "2015/16: -900 is below 0, the least that there can be",
     ("beds", 6, "beds", None)),
    ("beds", "Beds", "E6", "1.940,5", "error", "not_a_number", "2015/16: “1.940,5” can be read in more than one way",
     ("beds", 6, "beds", None)),
    ("beds", "Beds", "E6", "\u2013", "error", "placeholder",
     "2015/16: “\u2013” may stand for 0 or for no value: enter 0, or leave the cell empty", ("beds", 6, "beds", None)),
    ("beds", "Beds", "E6", "Nil", "error", "placeholder", "2015/16: “Nil” stands for none: enter 0",
     ("beds", 6, "beds", None)),
    ("beds", "Bed schemes", "L5", "12%", "note", "number_as_text",
     "Share avoided or moved: “12%” is text and is read as 0.12", ("bed_schemes", 5, "effect_share", 0.12)),
    ("beds", "Bed schemes", "M5", "-", "note", "dash_read", "Nights shortened: “-” is read as empty",
     ("bed_schemes", 5, "shortened_nights", None)),
    ("beds", "Bed schemes", "J5", "-", "note", "dash_read", "To site: “-” is read as empty",
     ("bed_schemes", 5, "to_site_code", None)),
    ("beds", "Bed schemes", "J5", "n/a", "error", "placeholder",
     "To site: “n/a” stands for no value: leave the cell empty", ("bed_schemes", 5, "to_site_code", None)),
    ("beds", "Bed schemes", "A5", "TBC", "error", "placeholder",
     "Scheme code: “TBC” stands for no value, and one is needed", ("bed_schemes", 5, "scheme_code", None)),
    ("finance", "Capital", "F6", "-", "note", "dash_read", "2015/16: “-” is read as 0", ("capital", 6, "amount", 0)),
    ("finance", "Capital", "F6", "£1.2m", "note", "number_as_text", "2015/16: “£1.2m” is text and is read as 1,200",
     ("capital", 6, "amount", 1200)),
    ("finance", "Capital", "F6", "£1,200", "error", "not_a_number",
     "2015/16: “£1,200” may be in GBP 000 or not: enter the number of GBP 000 alone", ("capital", 6, "amount", None)),
    ("workforce", "Workforce", "E6", "1,940 WTE", "note", "number_as_text",
     "2015/16: “1,940 WTE” is text and is read as 1,940", ("workforce", 6, "workforce", 1940)),
    ("workforce", "Workforce", "E6", "1,940 headcount", "error", "not_a_number",
     "2015/16: “1,940 headcount” stands where a number belongs", ("workforce", 6, "workforce", None)),
    ("beds", "Bed schemes", "O5", "TBC", "error", "placeholder",
     "Start date: “TBC” stands for no value, and one is needed", ("bed_schemes", 5, "start_date", None)),
    ("beds", "Bed schemes", "O5", 42826, "note", "date_as_text",
     "Start date: 42,826 is Excel's number of a day and is read as 1 April 2017",
     ("bed_schemes", 5, "start_date", date(2017, 4, 1))),
    ("beds", "Bed schemes", "O5", "2017-04-03", "note", "date_as_text",
     "Start date: “2017-04-03” is text and is read as 3 April 2017",
     ("bed_schemes", 5, "start_date", date(2017, 4, 3))),
    ("beds", "Bed schemes", "O5", "03/04/17", "note", "date_as_text",
     "Start date: “03/04/17” is text and is read with the day first, as 3 April 2017",
     ("bed_schemes", 5, "start_date", date(2017, 4, 3))),
    ("beds", "Bed schemes", "O5", "31/03/2017", "note", "date_as_text",
     "Start date: “31/03/2017” is text and is read as 31 March 2017",
     ("bed_schemes", 5, "start_date", date(2017, 3, 31))),
    ("beds", "Bed schemes", "O5", "31/02/2017", "error", "not_a_date", "Start date: “31/02/2017” is not a date",
     ("bed_schemes", 5, "start_date", None)),
    ("beds", "Bed schemes", "O5", datetime(1905, 7, 9), "error", "out_of_range",
     "Start date: 9 July 1905 is not between 2000 and 2100", ("bed_schemes", 5, "start_date", None)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sheet", "cell", "entry", "severity", "rule", "message", "read"), TYPED)
def test_what_is_typed_as_text(altered, name, sheet, cell, entry, severity, rule, message, read):
    reading = altered(name, lambda book: fill(book[sheet], cell, entry))
    assert said(reading) == [(severity, rule, sheet, cell, message)]
    table, row, column, expected = read
    assert value(reading, table, row, column) == expected


def fill(sheet, cell: str, entry: object) -> None:
    """The entry as people leave it: a number in a date cell shows as a number once its format is gone."""
    sheet[cell] = entry
    if isinstance(entry, int):
        sheet[cell].number_format = "General"


def test_a_dash_in_a_total_is_what_the_contract_says(altered):
    reading = altered("finance", "Capital", "F7", "-")
    (finding,) = reading.findings
    assert (finding.rule, finding.cell) == ("total_differs", "F7")
    assert finding.message.endswith("the total says 0 and its lines add up to 1, a difference of -1")


def test_a_contract_says_only_what_can_be_meant():
    with pytest.raises(ContractError, match="a dash is nought; known: error, missing, zero"):
        read_columns({"a": {"description": "x", "dash": "nought"}}, "here")
    with pytest.raises(ContractError, match="unit_from names no column: b"):
        read_columns({"a": {"description": "x", "unit_from": "b"}}, "here")


# -- hidden


def hide_rows(*rows: int) -> Callable:
    def change(book):
        for row in rows:
            book["Beds"].row_dimensions[row].hidden = True

    return change


def hide_column(letter: str, entry: object = None) -> Callable:
    def change(book):
        book["Beds"].column_dimensions[letter].hidden = True
        if entry is not None:
            book["Beds"][f"{letter}6"] = entry

    return change


def helper_row(book):
    book["Beds"]["G20"] = 1.05
    book["Beds"].row_dimensions[20].hidden = True


def hidden_sheet(state: str, entry: object) -> Callable:
    def change(book):
        book.create_sheet("Workings")["B3"] = entry
        book["Workings"].sheet_state = state

    return change


def hide_beds(book):
    book["Beds"].sheet_state = "veryHidden"


READ, NOT_READ = "which are read all the same", "they are not part of the template and are not read"
HIDDEN = [
    (hide_rows(7), "Beds", "A7", f"Row 7 is hidden and holds values, {READ}"),
    (hide_rows(6, 7), "Beds", "A6", f"Rows 6 to 7 are hidden and hold values, {READ}"),
    (hide_column("F"), "Beds", "F6", f"Column F is hidden and holds values, {READ}"),
    (hide_column("B"), "Beds", "B6", f"Column B is hidden and holds values, {READ}"),
    (hide_column("N", 12), "Beds", "N6", f"Column N is hidden and holds values; {NOT_READ}"),
    (hide_beds, "Beds", None, f"The sheet “Beds” is hidden and holds values, {READ}"),
    (hidden_sheet("hidden", 4), "Workings", "B3", "The sheet “Workings” is hidden and holds values; it is not read"),
    (hidden_sheet("veryHidden", 4), "Workings", "B3",
     "The sheet “Workings” is hidden and holds values; it is not read"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sheet", "cell", "message"), HIDDEN)
def test_hidden_values_are_read_and_named(altered, paths, change, sheet, cell, message):
    reading = altered("beds", change)
    assert said(reading) == [("warning", "hidden_values", sheet, cell, message)]
    assert reading.tables["beds"].equals(read_file(paths["beds"]).tables["beds"])


def test_a_hidden_helper_row_is_named_with_what_it_lacks(altered):
    found = {(f.rule, f.cell) for f in altered("beds", helper_row).findings}
    assert found == {("missing_value", "G20"), ("hidden_values", "G20")}


@pytest.mark.parametrize(
    "change",
    [hide_rows(1, 2, 3), hide_rows(5, 9), hide_rows(30), hide_column("N"), hidden_sheet("hidden", "text")],
)
def test_what_is_hidden_and_holds_no_values_is_nobodys_business(altered, change):
    assert said(altered("beds", change)) == []


def test_lines_that_nobody_filled_in_may_be_hidden(tmp_path):
    path = tmp_path / "a.xlsx"
    write_workbook(path, templates()["beds"], Cover("RWE", ROUND, "T", date(2016, 11, 1)), read_reference())
    book = openpyxl.load_workbook(path)
    for row in range(5, 60):
        book["Beds"].row_dimensions[row].hidden = True
    book.save(path)
    assert "hidden_values" not in {f.rule for f in read_file(path).findings}


# -- merged


def merge(*ranges: str) -> Callable:
    def change(book):
        for one in ranges:
            book["Beds"].merge_cells(one)

    return change


def test_merged_values_are_named_and_not_copied(altered):
    reading = altered("beds", merge("E6:F6"))
    message = "E6:F6 are merged: E6 holds 900 for itself alone, and F6 is read as empty"
    assert said(reading) == [("warning", "merged_values", "Beds", "E6", message)]
    assert value(reading, "beds", 6, "beds") == 900
    assert value(reading, "beds", 6, "beds", "2016/17") is None


def test_a_merged_attribute_is_missing_below(altered):
    reading = altered("beds", merge("A6:A7"))
    assert said(reading) == [
        ("error", "missing_value", "Beds", "A7", "Site is empty"),
        ("warning", "merged_values", "Beds", "A6",
         "A6:A7 are merged: A6 holds “Leicester Royal Infirmary” for itself alone, and A7 is read as empty"),
    ]  # fmt: skip


def test_a_large_merge_is_named_in_short(altered):
    (*_, finding) = altered("beds", merge("E6:J7")).findings
    assert finding.message == (
        "E6:J7 are merged: E6 holds 900 for itself alone, and F6, G6, H6, I6, J6, E7, F7, G7, H7, I7 and J7 are read "
        "as empty"
    )


@pytest.mark.parametrize("change", [merge("A1:D1"), merge("A5:J5"), merge("A8:D8"), merge("L6:M7"), merge("A30:C31")])
def test_merged_titles_and_labels_are_nobodys_business(altered, change):
    assert said(altered("beds", change)) == []


# -- fetched from elsewhere


def with_results(paths, tmp_path, sheet: str, formulas: dict[str, tuple[str, float]]) -> Reading:
    """The return with formulas and their results, as Excel stores them."""
    with zipfile.ZipFile(paths["beds"]) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part = {"Beds": "xl/worksheets/sheet2.xml"}[sheet]
    text = parts[part].decode()
    for cell, (formula, result) in formulas.items():
        start = text.index(f'<c r="{cell}"')
        end = text.index("</c>", start) + 4
        style = text[start : text.index(">", start)].replace(' t="s"', "")
        text = f"{text[:start]}{style}><f>{formula}</f><v>{result}</v></c>{text[end:]}"
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name, content in (parts | {part: text.encode()}).items():
            archive.writestr(name, content)
    return read_file(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    "formula",
    ["[1]Plan!B4", "'[2]Our plan'!$B$4*2", "'C:\\Plans\\[beds.xlsx]Plan'!B4", "SUM([1]Plan!B4:B5)", "[1]!Beds"],
)
def test_a_value_from_another_workbook_is_used_and_named(paths, tmp_path, formula):
    reading = with_results(paths, tmp_path, "Beds", {"E6": (formula, 900)})
    message = f"The formula “={formula}” fetches 900 from another workbook; what is stored here is used"
    assert said(reading) == [("warning", "linked_value", "Beds", "E6", message)]
    assert value(reading, "beds", 6, "beds") == 900


def test_a_total_that_adds_itself(paths, tmp_path):
    reading = with_results(paths, tmp_path, "Beds", {"E8": ("SUM(E6:E8)", 1300)})
    message = "The formula “=SUM(E6:E8)” includes the cell it stands in, so that its result cannot be trusted"
    assert said(reading) == [("warning", "circular_formula", "Beds", "E8", message)]


@pytest.mark.parametrize(
    "formula",
    ["SUM(E6:E7)", "E7+E6", "Cover!E8+1300-Cover!E8", "ROW(E8)*0+1300", "SUM(E$6:E$7)", "1300+0*LEN(\"E8\")",
     "SUM(Table1[2015])", "SUM(Table1[[#This Row],[a]])", "E88-E80"],
)  # fmt: skip
def test_other_formulas_are_nobodys_business(paths, tmp_path, formula):
    assert said(with_results(paths, tmp_path, "Beds", {"E8": (formula, 1300)})) == []


def test_a_link_where_nothing_is_read_is_nobodys_business(paths, tmp_path):
    assert said(with_results(paths, tmp_path, "Beds", {"A1": ("[1]Plan!A1", 5)})) == []


def test_a_total_without_its_result_is_a_note(paths, tmp_path):
    book = openpyxl.load_workbook(paths["beds"])
    book.save(tmp_path / "a.xlsx")
    first = read_file(tmp_path / "a.xlsx").findings[0]
    message = "12 totals, E8 the first, have no result stored and cannot be held against the lines"
    assert (first.severity, first.rule, first.sheet, first.cell, first.message) == (
        "note", "total_without_value", "Beds", "E8", message,
    )  # fmt: skip


def test_an_error_in_a_total_is_named(altered):
    message = "Total Acute beds (STP count) - Available, 2015/16: the cell holds the error #REF!"
    assert said(altered("beds", "Beds", "E8", "#REF!")) == [("error", "error_value", "Beds", "E8", message)]


# -- what garbles


def test_messages_stay_short_and_plain(altered):
    def change(book):
        book["Beds"]["A6"] = "\u202eyramrifnI \u200b" + "long " * 200
        book["Beds"]["E6"] = "12\u202ebeds" + "9" * 400
        book["Beds"]["K4"] = "x" * 5000
        book.create_sheet("\u202eWork\u2066ings")

    reading = altered("beds", change)
    assert len(reading.findings) == 4
    for finding in reading.findings:
        assert len(finding.message) <= 300
        assert not set("\u202e\u2066\u200b") & set(finding.message)


def test_a_long_entry_does_not_hide_what_is_said_of_it(altered):
    """The entry is cut, not the sentence: of formulas, names of lines, numbers and labels of totals."""
    long = "x" * 900

    def change(book):
        sheet = book["Beds"]
        sheet["E6"], sheet["F6"], sheet["G6"] = f'="{long}"', 1.5e300, long
        sheet["A8"], sheet["E8"] = f"Total {long}", 1
        for row in (5, 6):
            book["Bed schemes"][f"A{row}"] = "S1"
            for cell in book["Bed schemes"][5]:
                book["Bed schemes"].cell(row, cell.column).value = cell.value
        book["Bed schemes"]["B5"] = book["Bed schemes"]["B6"] = long

    ends = {
        "formula_without_value": " without its result",
        "out_of_range": "2016/17: 1.5e+300 is too large: a figure is at most 1,000,000,000,000, plus or minus",
        "not_a_number": "…” stands where a number belongs",
        "duplicate_line": "; only the first is used",
    }
    messages = {finding.rule: finding.message for finding in altered("beds", change).findings}
    assert messages.keys() == ends.keys()
    for rule, end in ends.items():
        assert messages[rule].endswith(end), messages[rule]
        assert "x" * 100 not in messages[rule]


def test_control_characters_are_shown_as_marks(paths, tmp_path):
    with zipfile.ZipFile(paths["beds"]) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part = "xl/worksheets/sheet2.xml"
    start = parts[part].index(b'<c r="A6"')
    end = parts[part].index(b"</c>", start) + 4
    cell = '<c r="A6" t="inlineStr"><is><t>a_x0000_\u202e_x001B_b</t></is></c>'.encode()
    parts[part] = parts[part][:start] + cell + parts[part][end:]
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    (finding,) = read_file(tmp_path / "a.xlsx").findings
    assert (finding.rule, finding.cell) == ("unknown_code", "A6")
    assert finding.message.startswith("Site: “a\ufffd\ufffd\ufffdb” is not on the list")
