"""A planning return read back: what was written, what people do to it, and what they are told about what is wrong.

Workbooks are written by `templates.write_workbook` and altered with openpyxl, as people alter them in Excel.
"""

import random
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from itertools import islice, product
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llr_pipeline.cells import as_text
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import Sheet, templates
from llr_pipeline.reading import read_file
from llr_pipeline.returns import Reading, raw_schema
from llr_pipeline.templates import Cover, Line, write_workbook

ROUND, MONTH, NBSP = "2016-11", "2017-06", "\u00a0"
YEARS = ("2015/16", "2016/17", "2017/18", "2018/19", "2019/20", "2020/21")
RETURNS = [
    ("activity", "RWE"), ("activity", "04C"), ("assumptions", "QK1"), ("beds", "RT5"), ("finance", "E06000016"),
    ("monitoring", "RWE"), ("workforce", "RX9"),
]  # fmt: skip


def beds_line(site: str, sector: str, measure: str, *beds: float | str | None) -> Line:
    codes = {"site_code": site, "sector": sector, "bed_definition": "stp_acute", "measure": measure}
    return Line(codes, dict(zip(YEARS, beds, strict=True)))


# The sheet Beds that they make: headings in row 4, Available in rows 5-8, Occupied in rows 9-11, the years in E-J.
BEDS = [
    beds_line("RWEAA", "adult_general_acute", "available", 900, 890, 880, 870, 860, 850),  # row 6
    beds_line("RWEAK", "adult_general_acute", "available", 400, 300, 200, 100, 50, 0),  # row 7
    beds_line("RWEAA", "adult_general_acute", "occupied", 810, 800.5, 790, None, 770, 760),  # row 10
]
# Bed schemes: headings in row 4, one line in row 5, the years in R-W.
SCHEMES = [
    Line(
        {
            "scheme_code": "S1", "scheme": "Home first", "priority": "1", "mechanism": "avoid_admission",
            "from_site_code": "RWEAA", "from_sector": "adult_general_acute", "effect_share": 0.2, "cover_share": 0.5,
            "start_date": date(2017, 4, 1), "phase_in_months": 12, "confidence_share": 0.7,
        },
        dict(zip(YEARS, (0, -5, -10, -15, -20, -20), strict=True)),
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def reference():
    return read_reference()


@pytest.fixture(scope="module")
def beds_path(tmp_path_factory, reference) -> Path:
    """RWE's beds return of the round."""
    path = tmp_path_factory.mktemp("beds") / "beds.xlsx"
    about = Cover("RWE", ROUND, "Planning team", date(2016, 11, 1))
    write_workbook(path, templates()["beds"], about, reference, {"beds": BEDS, "bed_schemes": SCHEMES})
    return path


@pytest.fixture(scope="module")
def clean(beds_path) -> Reading:
    """The beds return as it is read before anything is altered."""
    return read_file(beds_path)


@pytest.fixture
def altered(beds_path, tmp_path) -> Callable[..., Reading]:
    """Read the beds return after a change: a function of the workbook, or sheet, cell and value."""

    def read(*change) -> Reading:
        book = openpyxl.load_workbook(beds_path)
        if callable(change[0]):
            change[0](book)
        else:
            sheet, cell, value = change
            book[sheet][cell] = value
        return read_saved(book, tmp_path / "altered.xlsx")

    return read


ABOUT = {"totals", "sheets"}  # the tables that are about a sheet and not its lines


def said(reading: Reading) -> list[tuple]:
    return [(f.severity, f.rule, f.sheet, f.cell, f.message) for f in reading.findings]


def contents(reading: Reading) -> dict[str, list]:
    """What the tables say apart from where it stood: (period, readings, whether it is kept out), in order."""
    found = {}
    for name, table in reading.tables.items():
        rows = table.to_pylist()
        period = "month" if "month" in table.column_names else "financial_year"
        if name == "totals":
            found[name] = [(row["label"], row["period"], row["value"], row["parts_sum"]) for row in rows]
        elif name == "sheets":
            found[name] = [(row["table_name"], row["line_count"], round(row["value_sum"], 6)) for row in rows]
        else:
            found[name] = [(row.get(period), row["reading"], row["is_quarantined"]) for row in rows]
    return found


def assert_cells_hold_what_was_received(reading: Reading, path: Path) -> None:
    """Every address in the tables is the cell of the workbook that holds the text received."""
    book = openpyxl.load_workbook(path, data_only=True)
    for name, table in reading.tables.items():
        for row in table.to_pylist() if name != "sheets" else ():
            sheet = book[row["sheet"]]
            cells = {"value": row["cell"]} if name == "totals" else row["cell"]
            for column, cell in cells.items():
                there = sheet[cell].value
                there = float(there) if isinstance(there, int) and not isinstance(there, bool) else there
                received = as_text(row[column]) if name == "totals" else row[column]
                assert as_text(there) == received, (name, column, cell)
                assert sheet[cell].row == row["row_number"]


# -- round trip


def sample_value(column, n: int) -> object:
    if column.type == "date":
        return date(2016, 4, 1 + n % 28)
    if column.type == "double":
        return round(0.01 * (n % 90), 2) if column.maximum == 1 else n + (column.minimum or 0) + 0.5
    return f"{column.name} {n}"


def sample_lines(sheet: Sheet, reference, organisation_code: str, periods) -> list[Line]:
    """Lines with different keys: the first codes of each list in every combination, values 100, 101, ... by line."""
    coded = [column for column in sheet.attributes if column.list]
    lists = [list(reference.labels(column.list, organisation_code))[:3] for column in coded]
    lines = []
    for n, codes in enumerate(islice(product(*lists), 40)):
        attributes = {c.name: sample_value(c, n) for c in sheet.attributes if not c.list}
        for column, code in zip(coded, codes, strict=True):
            attributes[column.name] = code == "yes" if column.type == "boolean" else code
        lines.append(Line(attributes, {period: 100.25 * n + k for k, period in enumerate(periods)}))
    return lines


@pytest.mark.parametrize(("name", "organisation_code"), RETURNS)
def test_what_was_written_is_read_back(tmp_path, reference, name, organisation_code):
    template, period = templates()[name], MONTH if name == "monitoring" else ROUND
    periods = {s.table: reference.periods(s.period, period) if s.period else () for s in template.sheets}
    lines = {s.table: sample_lines(s, reference, organisation_code, periods[s.table]) for s in template.sheets}
    about = Cover(organisation_code, period, "Planning team", date(2016, 11, 1), "illustrative")
    write_workbook(tmp_path / "a.xlsx", template, about, reference, lines)
    reading = read_file(tmp_path / "a.xlsx")

    assert said(reading) == []
    identity = (name, template.version, organisation_code, period, "Planning team", date(2016, 11, 1), "illustrative")
    assert tuple(vars(reading.identity).values()) == identity
    totals = {}
    for sheet in template.sheets:
        table = reading.tables[sheet.table]
        assert table.schema == raw_schema(sheet)
        key = [c.name for c in sheet.attributes]
        found = {}
        for row in table.to_pylist():
            attributes = tuple(row["reading"][k] for k in key)
            value = row["reading"][sheet.value.name] if sheet.value else None
            found[attributes, row.get(sheet.period)] = value
        expected = {
            (tuple(line.attributes[k] for k in key), p): line.values.get(p)
            for line in lines[sheet.table]
            for p in (periods[sheet.table] or [None])
        }
        assert found == expected
        if sheet.totals and sheet.value:
            for line in lines[sheet.table]:
                codes = [line.attributes[s] for s in sheet.sections]
                columns = {c.name: c for c in sheet.columns}
                label = " - ".join(
                    reference.labels(columns[s].list)[c] for s, c in zip(sheet.sections, codes, strict=True)
                )
                for p, value in line.values.items():
                    at = (sheet.table, f"Total {label}".strip(), p)
                    totals[at] = totals.get(at, 0) + value
    by_hand = {at: (pytest.approx(total), pytest.approx(total)) for at, total in totals.items()}
    written = reading.tables["totals"].to_pylist()
    assert {(t["table_name"], t["label"], t["period"]): (t["value"], t["parts_sum"]) for t in written} == by_hand
    assert len(written) == len(by_hand)
    assert_cells_hold_what_was_received(reading, tmp_path / "a.xlsx")


def test_values_are_counted(altered, clean):
    assert clean.value_count == 18 - 1 + 6  # three lines of six years with one cell empty, and a scheme of six
    assert altered("Beds", "E6", None).value_count == 22


@pytest.mark.parametrize(("name", "organisation_code"), RETURNS)
def test_a_blank_says_only_that_it_is_empty(tmp_path, reference, name, organisation_code):
    about = Cover(organisation_code, MONTH if name == "monitoring" else ROUND, "Team", date(2016, 11, 1))
    write_workbook(tmp_path / "a.xlsx", templates()[name], about, reference)
    reading = read_file(tmp_path / "a.xlsx")
    assert said(reading) == [("error", "empty_return", None, None, "The return holds no values")]
    assert reading.is_refused  # else a blank sent by mistake would replace a full return
    assert reading.identity.data_status == "returned"


def test_a_blank_partly_filled_in(tmp_path, reference):
    """Two prepared lines filled in, one of them with a gap; the others stay as they were."""
    path = tmp_path / "a.xlsx"
    write_workbook(path, templates()["beds"], Cover("RWE", ROUND, "Team", date(2016, 11, 1)), reference)
    book = openpyxl.load_workbook(path)
    sheet = book["Beds"]
    assert (sheet["C6"].value, sheet["D6"].value) == ("Acute beds (STP count)", "Available")
    sheet["A6"], sheet["B6"], sheet["E6"], sheet["J6"] = "Glenfield Hospital", "Critical care", 12, 14
    sheet["A8"], sheet["B8"] = "Glenfield Hospital", "Maternity"
    reading = read_saved(book, path)
    assert said(reading) == [("note", "no_values", "Beds", "E8", "The line has no values")]
    rows = reading.tables["beds"].to_pylist()
    assert [(r["reading"]["sector"], r["financial_year"], r["reading"]["beds"]) for r in rows] == [
        *zip(["critical_care"] * 6, YEARS, [12, None, None, None, None, 14], strict=True),
        *zip(["maternity"] * 6, YEARS, [None] * 6, strict=True),
    ]
    assert not any(r["is_quarantined"] for r in rows)


# -- a cell that is wrong: its line or its value is kept out, the rest is read


CELLS = [  # sheet, cell, entry; severity, rule, message; line's rows kept out
    ("Beds", "E6", "tbc", "error", "placeholder", "2015/16: “tbc” stands for no value: leave the cell empty", 1),
    ("Beds", "E6", "-", "error", "placeholder",
     "2015/16: “-” may stand for 0 or for no value: enter 0, or leave the cell empty", 1),
    ("Beds", "E6", "12%", "error", "not_a_number",
     "2015/16: “12%” is a percentage typed as text, and a number belongs here", 1),
    ("Beds", "E6", True, "error", "not_a_number", "2015/16: TRUE stands where a number belongs", 1),
    ("Beds", "E6", -99999999, "error", "placeholder",
     "2015/16: -99999999 stands for no value: leave the cell empty", 1),
    ("Beds", "E6", datetime(2016, 4, 1), "error", "not_a_number",
     "2015/16: the date 1 April 2016 stands where a number belongs", 1),
    ("Beds", "E6", "1,940", "note", "number_as_text", "2015/16: “1,940” is text and is read as 1,940", 0),
    ("Beds", "E6", f"1{NBSP}940", "note", "number_as_text", "2015/16: “1 940” is text and is read as 1,940", 0),
    ("Beds", "E6", -1940, "error", "out_of_range", "2015/16: -1,940 is below 0, the least that there can be", 1),
    ("Beds", "E6", "#REF!", "error", "error_value", "2015/16: the cell holds the error #REF!", 1),
    ("Beds", "E6", "#DIV/0!", "error", "error_value", "2015/16: the cell holds the error #DIV/0!", 1),
    ("Beds", "E6", "=900+0", "error", "formula_without_value",
     "2015/16: the cell holds the formula =900+0 without its result", 1),
    ("Beds", "A6", "=A7", "error", "formula_without_value",
     "Site: the cell holds the formula =A7 without its result", 6),
    ("Beds", "A6", "Leicester Royal Infirmry", "error", "unknown_code",
     "Site: “Leicester Royal Infirmry” is not on the list; did you mean “Leicester Royal Infirmary”?", 6),
    ("Beds", "A6", "Loughborough Hospital", "error", "unknown_code",
     "Site: “Loughborough Hospital” belongs to another organisation", 6),
    ("Beds", "D6", "Mothballed", "error", "unknown_code",
     "Measure: “Mothballed” is not on the list, which has “Available” and “Occupied”", 6),
    ("Beds", "B6", None, "error", "missing_value", "Sector is empty", 6),
    ("Beds", "B6", " ", "error", "missing_value", "Sector is empty", 6),
    ("Bed schemes", "O5", "spring 2018", "error", "not_a_date", "Start date: “spring 2018” is not a date", 6),
    ("Bed schemes", "Q5", 70, "error", "out_of_range",
     "Confidence (0 to 1): 70 is above 1, the most that there can be; for 70 per cent enter 0.7", 6),
    ("Bed schemes", "Q5", 1200, "error", "out_of_range",
     "Confidence (0 to 1): 1,200 is above 1, the most that there can be", 6),
    ("Beds", "E6", 1e18, "error", "out_of_range",
     "2015/16: 1e+18 is too large: a figure is at most 1,000,000,000,000, plus or minus", 1),
    ("Bed schemes", "R5", "-1,000,000,000,001", "error", "out_of_range",
     "2015/16: -1,000,000,000,001 is too large: a figure is at most 1,000,000,000,000, plus or minus", 1),
    ("Bed schemes", "M5", 1e300, "error", "out_of_range",
     "Nights shortened: 1e+300 is too large: a figure is at most 1,000,000,000,000, plus or minus", 6),
]  # fmt: skip


@pytest.mark.parametrize(("sheet", "cell", "entry", "severity", "rule", "message", "kept_out"), CELLS)
def test_a_wrong_cell_is_named_and_the_rest_is_read(
    altered, clean, sheet, cell, entry, severity, rule, message, kept_out
):
    reading = altered(sheet, cell, entry)
    assert said(reading) == [(severity, rule, sheet, cell, message)]
    assert reading.findings[0].line == int(cell[1:])
    assert reading.findings[0].remedy.endswith(".")
    out = [row for name in ("beds", "bed_schemes") for row in reading.tables[name].to_pylist() if row["is_quarantined"]]
    assert len(out) == kept_out
    assert {row["row_number"] for row in out} <= {int(cell[1:])}
    before, after = contents(clean), contents(reading)
    changed = sum(a != b for name in before.keys() - ABOUT for a, b in zip(before[name], after[name], strict=True))
    assert changed == max(kept_out, 1)  # a number as text is read as another number here


def test_a_number_as_text_is_used(altered):
    rows = altered("Beds", "E6", f"1{NBSP}940").tables["beds"].to_pylist()
    assert (rows[0]["reading"]["beds"], rows[0]["beds"], rows[0]["cell"]["beds"]) == (1940, f"1{NBSP}940", "E6")


def test_a_sheet_says_what_of_it_is_used(altered, clean):
    """By hand: 5,250 + 1,050 available and 3,930.5 occupied; without the 900 of one cell, then without the line."""
    by_hand = sum([900, 890, 880, 870, 860, 850]) + sum([400, 300, 200, 100, 50, 0]) + 810 + 800.5 + 790 + 770 + 760
    assert by_hand == 10_230.5
    found = [
        tuple(
            reading.tables["sheets"].to_pylist()[0][name] for name in ("line_count", "quarantined_count", "value_sum")
        )
        for reading in (clean, altered("Beds", "E6", "tbc"), altered("Beds", "A6", "Nowhere"))
    ]
    assert found == [(3, 0, 10_230.5), (3, 1, 9_330.5), (3, 6, 4_980.5)]


def test_a_value_kept_out_leaves_no_reading(altered):
    row = altered("Beds", "E6", "tbc").tables["beds"].to_pylist()[0]
    assert (row["reading"]["beds"], row["beds"], row["is_quarantined"]) == (None, "tbc", True)


def test_an_unknown_organisation_among_the_entries_names_the_nearest(tmp_path, reference):
    line = Line(
        {
            "site_code": "RWEAA", "point_of_delivery": "day_case", "specialty_group": "general_surgery",
            "age_band": "18-64", "scenario": "plan", "perspective": "provider", "measure": "spells",
            "counterparty_code": "Universty Hospitals of Leicester",
        },
        {"2016/17": 1},
    )  # fmt: skip
    about = Cover("RWE", ROUND, "Team", date(2016, 11, 1))
    write_workbook(tmp_path / "a.xlsx", templates()["activity"], about, reference, {"activity": [line]})
    assert said(read_file(tmp_path / "a.xlsx")) == [
        ("error", "unknown_code", "Activity", "G6", "Counterparty: “Universty Hospitals of Leicester” is not on the "
         "list; did you mean “University Hospitals of Leicester NHS Trust”?")
    ]  # fmt: skip


def test_a_line_that_stands_twice_is_used_once(altered):
    reading = altered("Beds", "A7", "Leicester Royal Infirmary")
    message = (
        "A6 and A7 begin the same line (Leicester Royal Infirmary, Adult general and acute, Acute beds (STP count), "
        "Available); only the first is used"
    )
    assert said(reading) == [("error", "duplicate_line", "Beds", "A7", message)]
    rows = reading.tables["beds"].to_pylist()
    assert {(row["row_number"], row["is_quarantined"]) for row in rows} == {(6, False), (7, True), (10, False)}


def test_a_faulty_line_is_no_duplicate(altered):
    def change(book):
        book["Beds"]["A6"] = book["Beds"]["A7"] = "Nowhere"

    assert [f.rule for f in altered(change).findings] == ["unknown_code", "unknown_code"]


def test_values_of_nothing_are_one_finding(altered):
    message = "Row 20 has values and does not say of what: Site, Sector, Bed definition and Measure are empty"
    assert said(altered("Beds", "F20", 12)) == [("error", "missing_value", "Beds", "F20", message)]


def fill(sheet: str, **cells: object) -> Callable:
    def change(book):
        for cell, value in cells.items():
            book[sheet][cell] = value

    return change


NOTHING_OF = "Row 20 has values and does not say of what: Site, Sector, Bed definition and Measure are empty"
NOT_READ = "has no values and is not read; it holds"
BEYOND = [  # a change; severity, rule, sheet, cell, message
    # figures in a row that says nothing of what they are of
    (fill("Beds", F20="1,940"), "error", "missing_value", "Beds", "F20", NOTHING_OF),
    (fill("Beds", F20="tbc"), "error", "missing_value", "Beds", "F20", NOTHING_OF),
    (fill("Beds", F20="see note", G20="-"), "error", "missing_value", "Beds", "G20", NOTHING_OF),
    (fill("Beds", F20=datetime(2016, 4, 1)), "error", "missing_value", "Beds", "F20", NOTHING_OF),
    (fill("Beds", F20=True), "error", "missing_value", "Beds", "F20", NOTHING_OF),
    (fill("Beds", F20="#N/A"), "error", "missing_value", "Beds", "F20", NOTHING_OF),
    (fill("Beds", F20="=SUM(E6:E7)"), "error", "missing_value", "Beds", "F20", NOTHING_OF),
    (fill("Bed schemes", A9="S2", L9=0.2), "error", "missing_value", "Bed schemes", "L9",
     "Row 9 has values and does not say of what: Scheme, Priority, Mechanism, From site, From sector, Start date and "
     "Confidence (0 to 1) are empty"),
    # too little for a line, or no line at all
    (fill("Beds", F20="provisional"), "note", "row_not_read", "Beds", "F20", f"Row 20 {NOT_READ} “provisional”"),
    (fill("Beds", A20="Leicester Royal Infirmary", B20="Critical care"), "note", "row_not_read", "Beds", "A20",
     f"Row 20 {NOT_READ} “Leicester Royal Infirmary” and “Critical care”"),
    (fill("Beds", A20="Source: board paper"), "note", "row_not_read", "Beds", "A20",
     f"Row 20 {NOT_READ} “Source: board paper”"),
    (fill("Beds", B20="#REF!"), "note", "row_not_read", "Beds", "B20", f"Row 20 {NOT_READ} “#REF!”"),
    (fill("Beds", A20="a", B20="b", A21="c", B21="d", A22="e"), "note", "row_not_read", "Beds", "A20",
     "Rows 20 to 22 have no values and are not read; they hold “a”, “b”, “c” and more"),
    (fill("Beds", C5="#REF!"), "note", "row_not_read", "Beds", "A5",
     f"Row 5 {NOT_READ} “Acute beds (STP count) - Available” and “#REF!”"),
    (fill("Bed schemes", A9="S2"), "note", "row_not_read", "Bed schemes", "A9", f"Row 9 {NOT_READ} “S2”"),
    # columns without a heading
    (fill("Beds", K6=5), "warning", "unheaded_values", "Beds", "K6",
     "Column K has no heading in row 4 and is not read; it holds 5 in K6"),
    (fill("Beds", K6="see L6", K7="1,940"), "warning", "unheaded_values", "Beds", "K7",
     "Column K has no heading in row 4 and is not read; it holds “1,940” in K7"),
    (fill("Beds", K6="#REF!"), "warning", "unheaded_values", "Beds", "K6",
     "Column K has no heading in row 4 and is not read; it holds “#REF!” in K6"),
    (fill("Beds", K6="=SUM(E6:J6)"), "warning", "unheaded_values", "Beds", "K6",
     "Column K has no heading in row 4 and is not read; it holds “=SUM(E6:J6)” in K6"),
    (fill("Beds", K30=5, L6=7, M7=8), "warning", "unheaded_values", "Beds", "K30",
     "Columns K to M have no heading in row 4 and are not read; they hold 5 in K30"),
    (fill("Beds", K6="checked"), "note", "unknown_column", "Beds", "K6",
     "Column K has no heading in row 4 and is not read; it holds “checked” in K6"),
    (lambda book: (book["Beds"].insert_cols(3), fill("Beds", C7=5)(book)), "warning", "unheaded_values", "Beds", "C7",
     "Column C has no heading in row 4 and is not read; it holds 5 in C7"),
    # above the headings
    (fill("Beds", A2="Glenfield Hospital", B2="Critical care", C2="Acute beds (STP count)", D2="Available", G2=5),
     "warning", "unheaded_values", "Beds", "G2", "Row 2 stands above the headings in row 4 and is not read"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "severity", "rule", "sheet", "cell", "message"), BEYOND)
def test_what_stands_beyond_the_lines_is_named(altered, clean, change, severity, rule, sheet, cell, message):
    reading = altered(change)
    reading.findings[:] = [f for f in reading.findings if f.rule not in OF_OPENPYXL]
    assert said(reading) == [(severity, rule, sheet, cell, message)]
    assert reading.findings[0].line == int(cell[1:])
    assert contents(reading)["beds"] == contents(clean)["beds"]
    assert contents(reading)["bed_schemes"] == contents(clean)["bed_schemes"]


@pytest.mark.parametrize(
    "change",
    [
        fill("Beds", A20="Total", E20=None),
        fill("Beds", C20="Acute beds (STP count)", D20="Occupied"),  # a prepared line that nobody filled in
        fill("Beds", A20="Acute beds (STP count) - Available"),  # the heading of a section
        fill("Beds", A2="as at October", E3="drafted", K3="see Cover"),
        fill("Beds", K6="  ", L9=None),
    ],
)
def test_what_a_template_writes_itself_is_nobodys_business(altered, change):
    assert said(altered(change)) == []


def test_a_sheet_of_dates_drops_none_of_them(tmp_path, reference):
    """A sheet without periods: a date alone in its row is named, and so is a code."""
    line = {
        "milestone_code": "M1", "milestone": "Open", "scheme_code": "S1", "priority": "1", "is_critical": True,
        "baseline_date": date(2017, 4, 1),
    }  # fmt: skip
    path = tmp_path / "a.xlsx"
    about = Cover("RWE", MONTH, "Team", date(2017, 7, 1))
    write_workbook(path, templates()["monitoring"], about, reference, {"milestones": [Line(line)]})
    book = openpyxl.load_workbook(path)
    sheet = book["Milestones"]
    header = {cell.value: cell.column_letter for cell in sheet[4]}
    dated, coded = f"{header['Forecast date']}9", f"{header['Milestone code']}11"
    sheet[dated], sheet[coded] = date(2017, 9, 1), "M2"
    reading = read_saved(book, path)
    assert [(f.rule, f.cell) for f in reading.findings] == [("missing_value", dated), ("row_not_read", coded)]


def monitoring_return(path: Path, reference, **limits: object) -> openpyxl.Workbook:
    """A return with one milestone, and a line of its Control limits sheet where there is one."""
    line = {
        "milestone_code": "M1", "milestone": "Open", "scheme_code": "S1", "priority": "1", "is_critical": True,
        "baseline_date": date(2017, 4, 1),
    }  # fmt: skip
    tables = {"milestones": [Line(line)], "control_limits": [Line(limits)] if limits else []}
    write_workbook(
        path, templates()["monitoring"], Cover("RWE", MONTH, "Team", date(2017, 7, 1)), reference, tables
    )  # fmt: skip
    return openpyxl.load_workbook(path)


def test_a_return_on_the_first_version_of_monitoring_is_read_without_its_limits(tmp_path, reference):
    path = tmp_path / "a.xlsx"
    book = monitoring_return(path, reference)
    del book["Control limits"]
    assert [f.rule for f in read_saved(book, path).findings] == ["missing_sheet"]
    cover = {row[0].value: row[1] for row in book["Cover"].iter_rows()}
    cover["Template version"].value = 1
    reading = read_saved(book, path)
    assert list(reading.findings) == []
    assert reading.identity.template_version == 1
    assert reading.tables["milestones"].num_rows == 1
    assert "control_limits" not in reading.tables
    assert [row["table_name"] for row in reading.tables["sheets"].to_pylist()] == ["indicators", "milestones"]


def test_indicators_that_cannot_be_are_findings_with_their_cells(tmp_path, reference):
    """A line twice, no direction for a target, a figure that is no number: the rest is read."""
    line = {
        "indicator_code": "I1", "indicator": "Seen in four hours", "aim": "care_quality", "priority": "1",
        "direction": "higher_is_better", "kind": "percentage", "measure": "numerator",
    }  # fmt: skip
    months = reference.periods("month", MONTH)
    lines = [
        Line(line, dict.fromkeys(months, 9.0)), Line(line, dict.fromkeys(months, 8.0)),
        Line(line | {"measure": "target", "direction": None}, dict.fromkeys(months, 95.0)),
        Line(line | {"measure": "denominator"}, dict.fromkeys(months, 10.0)),
    ]  # fmt: skip
    path = tmp_path / "a.xlsx"
    write_workbook(
        path, templates()["monitoring"], Cover("RWE", MONTH, "Team", date(2017, 7, 1)), reference, {"indicators": lines}
    )
    book = openpyxl.load_workbook(path)
    sheet = book["Indicators"]
    rows = {row[6].value: row for row in sheet.iter_rows(min_row=5) if row[0].value}
    rows["Denominator"][7].value = "1e999"
    reading = read_saved(book, path)
    found = {(f.rule, f.cell) for f in reading.findings}
    assert {rule for rule, _ in found} == {"duplicate_line", "missing_value", "not_a_number"}
    assert ("missing_value", rows["Target"][4].coordinate) in found
    assert ("not_a_number", rows["Denominator"][7].coordinate) in found
    assert reading.tables["sheets"].to_pylist()[0]["quarantined_count"] == 2 * len(months) + 1


@pytest.mark.parametrize(
    ("more", "rule", "column"),
    [
        ({"decision": "start_again", "first_month": "in autumn"}, "not_a_date", "Limits start again in"),
        ({"decision": "baseline", "baseline_months": 1}, "out_of_range", "Baseline: first n months"),
        ({"decision": "baseline", "baseline_months": 6, "reason": None}, "missing_value", "Reason"),
    ],
)
def test_a_line_of_limits_that_cannot_be_read_is_a_finding_with_its_cell(tmp_path, reference, more, rule, column):
    path = tmp_path / "a.xlsx"
    book = monitoring_return(path, reference, **{"indicator_code": "I1", "reason": "New ward", **more})
    cells = {cell.value: f"{cell.column_letter}5" for cell in book["Control limits"][4]}
    reading = read_file(path)
    assert [(f.rule, f.cell) for f in reading.findings] == [(rule, cells[column])]
    assert reading.tables["control_limits"]["is_quarantined"].to_pylist() == [True]


OF_OPENPYXL = ("total_without_value", "circular_formula")


def with_totals(path: Path) -> openpyxl.Workbook:
    """The workbook with its totals as values: openpyxl forgets what its formulas came to."""
    return openpyxl.load_workbook(path, data_only=True)


def read_saved(book: openpyxl.Workbook, path: Path) -> Reading:
    """The reading, without what openpyxl does to totals: no results stored, no ranges moved with the rows."""
    book.save(path)
    reading = read_file(path)
    reading.findings[:] = [finding for finding in reading.findings if finding.rule not in OF_OPENPYXL]
    return reading


def test_a_total_that_differs_shows_both_figures(beds_path, tmp_path):
    book = with_totals(beds_path)
    assert book["Beds"]["E8"].value == 900 + 400
    book["Beds"]["E8"] = 2543.25
    reading = read_saved(book, tmp_path / "a.xlsx")
    message = (
        "Total Acute beds (STP count) - Available, 2015/16: the total says 2,543.25 and its lines add up to 1,300, "
        "a difference of 1,243.25"
    )
    assert said(reading) == [("error", "total_differs", "Beds", "E8", message)]
    assert not any(row["is_quarantined"] for row in reading.tables["beds"].to_pylist())
    first = reading.tables["totals"].to_pylist()[0]
    assert (first["value"], first["parts_sum"], first["cell"]) == (2543.25, 1300, "E8")


def test_a_total_over_a_cell_that_cannot_be_read_is_not_judged(beds_path, tmp_path):
    book = with_totals(beds_path)
    book["Beds"]["E6"] = "tbc"
    sheet = book["Beds"]
    for n in range(5, 11):
        sheet.cell(12, n).value = sheet.cell(8, n).value + sheet.cell(11, n).value
    sheet["A12"] = "Grand total"
    reading = read_saved(book, tmp_path / "a.xlsx")
    assert [f.rule for f in reading.findings] == ["placeholder"]
    totals = [(t["row_number"], t["period"]) for t in reading.tables["totals"].to_pylist() if t["table_name"] == "beds"]
    assert totals == [(row, year) for row in (8, 11, 12) for year in YEARS if year != "2015/16" or row == 11]


def test_a_grand_total_is_of_the_whole_sheet(beds_path, tmp_path):
    book = with_totals(beds_path)
    sheet = book["Beds"]
    sheet["A12"], sheet["A13"] = "checked by finance", "Grand total"
    sheet["E13"], sheet["F13"] = 900 + 400 + 810, 1  # of 890 + 300 + 800.5
    reading = read_saved(book, tmp_path / "a.xlsx")
    message = "Grand total, 2016/17: the total says 1 and its lines add up to 1,990.5, a difference of -1,989.5"
    remark = "Row 12 has no values and is not read; it holds “checked by finance”"
    assert said(reading) == [
        ("error", "total_differs", "Beds", "F13", message), ("note", "row_not_read", "Beds", "A12", remark)
    ]  # fmt: skip


def test_a_sum_beyond_any_float_is_no_end(beds_path, tmp_path):
    """Each of the figures is kept out, so that none is left to be added up."""
    book = with_totals(beds_path)
    for row in (6, 7, 8, 10, 11):
        for letter in "EFGHIJ":
            book["Beds"][f"{letter}{row}"] = 1.7e308
    reading = read_saved(book, tmp_path / "a.xlsx")
    assert {(f.rule, f.severity) for f in reading.findings} == {("out_of_range", "error")}
    assert len(reading.findings) == 5 * 6
    assert reading.tables["sheets"].to_pylist()[0]["value_sum"] == 0
    assert not [total for total in reading.tables["totals"].to_pylist() if total["table_name"] == "beds"]


def test_text_in_a_total_is_named(beds_path, tmp_path):
    book = with_totals(beds_path)
    book["Beds"]["E8"] = "see below"
    message = "Total Acute beds (STP count) - Available, 2015/16: “see below” stands where a number belongs"
    assert said(read_saved(book, tmp_path / "a.xlsx")) == [("error", "not_a_number", "Beds", "E8", message)]


# -- a sheet or a column that is wrong: the file is refused


def rename(old: str, new: str) -> Callable:
    def change(book):
        book[old].title = new

    return change


def both(*changes: Callable) -> Callable:
    def change(book):
        for each in changes:
            each(book)

    return change


def put(sheet: str, cell: str, value: object) -> Callable:
    def change(book):
        book[sheet][cell] = value

    return change


STRUCTURES = [
    (lambda book: book.remove(book["Bed schemes"]), "missing_sheet", "Bed schemes", None,
     "There is no sheet “Bed schemes”; the workbook has “Cover” and “Beds”"),
    (both(put("Beds", "A4", "x"), rename("Beds", "Bedz")), "missing_sheet", "Beds", None,
     "There is no sheet “Beds”; did you mean “Bedz”?"),
    (lambda book: both(rename("Beds", "First"), lambda b: b.copy_worksheet(b["First"]))(book), "missing_sheet", "Beds",
     None, "There is no sheet “Beds”; its headings stand on “First” and “First Copy”"),
    (put("Beds", "B4", "Secter"), "missing_column", "Beds", "A4",
     "No column is headed “Sector”; is it “Secter” in B4?"),
    (put("Beds", "B4", "Zzz"), "missing_column", "Beds", "A4", "No column is headed “Sector”; not known are “Zzz”"),
    (put("Beds", "B4", None), "missing_column", "Beds", "A4", "No column is headed “Sector”"),
    (lambda book: book["Beds"].delete_rows(1, 5), "missing_column", "Beds", None,
     "No row of the sheet holds its headings, which are Site, Sector, Bed definition, Measure, 2015/16, 2016/17, "
     "2017/18, 2018/19, 2019/20 and 2020/21"),
    (put("Beds", "K4", "Bed type"), "column_twice", "Beds", "K4",
     "“Sector” in B4 and “Bed type” in K4 are headings of the same column"),
    (put("Beds", "K4", "FY2016/17"), "column_twice", "Beds", "K4",
     "“2016/17” in F4 and “FY2016/17” in K4 are headings of the same column"),
    (lambda book: book["Beds"].delete_cols(8), "missing_period", "Beds", "A4", "No column is headed “2018/19”"),
    (put("Beds", "H4", "2108/19"), "missing_period", "Beds", "A4",
     "No column is headed “2018/19”; is it “2108/19” in H4?"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "rule", "sheet", "cell", "message"), STRUCTURES, ids=[s[4] for s in STRUCTURES])
def test_a_wrong_sheet_or_heading_refuses_the_file(altered, change, rule, sheet, cell, message):
    reading = altered(change)
    assert said(reading) == [("error", rule, sheet, cell, message)]
    assert (reading.is_refused, reading.tables, reading.value_count) == (True, {}, 0)
    assert reading.identity.organisation_code == "RWE"  # so that the refusal can be sent to somebody


def test_several_faults_are_all_named_at_once(altered):
    def change(book):
        book["Beds"]["B4"] = "Secter"
        book["Beds"]["E4"] = "then"
        book["Bed schemes"]["O5"] = "soon"

    found = [(f.rule, f.sheet) for f in altered(change).findings]
    assert found == [("missing_column", "Beds"), ("missing_period", "Beds"), ("not_a_date", "Bed schemes")]


def test_a_year_too_many_is_a_warning(altered, clean):
    reading = altered("Beds", "K4", "2021/22")
    message = "2021/22 does not belong to this return, which covers 2015/16 to 2020/21; it is not read"
    assert said(reading) == [("warning", "unexpected_period", "Beds", "K4", message)]
    assert contents(reading)["beds"] == contents(clean)["beds"]


# -- the Cover


COVERS = [
    ("B5", "bed", "unknown_template", "There is no template “bed”; did you mean “beds”?"),
    ("B5", "annual report", "unknown_template", "There is no template “annual report”; the templates are activity, "
     "assumptions, beds, finance, monitoring and workforce"),
    ("B5", None, "cover_incomplete", "“Template” on the Cover is empty"),
    ("B6", 2, "wrong_version", "“2” is not the version of “Beds plan” in use, which is 1"),
    ("B6", 10**12, "wrong_version", "“1000000000000” is not the version of “Beds plan” in use, which is 1"),
    ("B6", "²", "wrong_version", "“²” is not the version of “Beds plan” in use, which is 1"),
    ("B7", "RWF", "unknown_organisation", "“RWF” is not an organisation of the system; did you mean “RWE, University "
     "Hospitals of Leicester NHS Trust”?"),
    ("B7", "Universty Hospitals of Leicester", "unknown_organisation", "“Universty Hospitals of Leicester” is not an "
     "organisation of the system; did you mean “RWE, University Hospitals of Leicester NHS Trust”?"),
    ("B7", "?", "unknown_organisation", "“?” is not an organisation of the system; the codes are RWE, RT5, RX9, 04C, "
     "03W, 04V, E06000016, E10000018, E06000017 and QK1"),
    ("B9", "2016-12", "unknown_period", "There is no round “2016-12”; the rounds are 2016-10 and 2016-11"),
    ("B9", "later", "unknown_period", "There is no round “later”; the rounds are 2016-10 and 2016-11"),
    ("B9", None, "cover_incomplete", "“Period” on the Cover is empty"),
    ("B11", None, "cover_incomplete", "“Prepared on” on the Cover is empty"),
    ("B11", "soon", "cover_incomplete", "Prepared on: “soon” is not a date"),
    ("B11", "31/12/9999", "implausible_date", "Prepared on: 31 December 9999 has not come yet"),
    ("B11", datetime(9999, 12, 31), "implausible_date", "Prepared on: 31 December 9999 has not come yet"),
    ("B11", datetime(1999, 12, 31), "implausible_date", "Prepared on: 31 December 1999 is before 2000"),
    ("B11", datetime(1900, 1, 1), "implausible_date", "Prepared on: 1 January 1900 is before 2000"),
    ("B11", "=TODAY()", "cover_incomplete", "“Prepared on” on the Cover holds the formula =TODAY() without its result"),
    ("A7", None, "cover_incomplete", "The Cover has no line “Organisation code”"),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "entry", "rule", "message"), COVERS)
def test_a_wrong_cover_refuses_the_file(altered, cell, entry, rule, message):
    reading = altered("Cover", cell, entry)
    assert said(reading) == [("error", rule, "Cover", cell if cell[0] == "B" else None, message)]
    assert reading.is_refused
    assert reading.identity.template_version in (None, 1)


@pytest.mark.parametrize(
    ("entry", "today", "rules"),
    [
        (datetime(2016, 12, 2), date(2016, 12, 1), []),  # where the sender is, it may be tomorrow
        (datetime(2016, 12, 3), date(2016, 12, 1), ["implausible_date"]),
        (datetime(2016, 12, 3), date(2016, 12, 2), []),
        (datetime(2000, 1, 1), date(2016, 12, 1), []),
    ],
)
def test_prepared_on_is_held_against_the_day_of_reading(beds_path, tmp_path, entry, today, rules):
    book = with_totals(beds_path)
    book["Cover"]["B11"] = entry
    book.save(tmp_path / "a.xlsx")
    reading = read_file(tmp_path / "a.xlsx", today=today)
    assert [f.rule for f in reading.findings] == rules
    assert reading.is_refused is bool(rules)


def test_a_month_that_has_not_begun_is_refused(tmp_path, reference):
    about = Cover("RWE", "2017-08", "Team", date(2017, 7, 31))
    write_workbook(tmp_path / "a.xlsx", templates()["monitoring"], about, reference)
    expected = ("error", "unknown_period", "Cover", "B9", "The month 2017-08 has not begun")
    assert said(read_file(tmp_path / "a.xlsx", today=date(2017, 7, 31)))[0] == expected
    assert expected not in said(read_file(tmp_path / "a.xlsx", today=date(2017, 8, 1)))


@pytest.mark.parametrize(
    ("entry", "rule", "message"),
    [
        ("illustratve", "unknown_code", "Data status: “illustratve” is not on the list; did you mean “Illustrative”?"),
        ("#N/A", "error_value", "“Data status” on the Cover holds the error #N/A"),
    ],
)
def test_a_data_status_that_is_not_known_is_named(altered, entry, rule, message):
    reading = altered("Cover", "B12", entry)
    assert said(reading) == [("error", rule, "Cover", "B12", message)]
    assert (reading.is_refused, reading.identity.data_status) == (False, "returned")


def test_a_workbook_without_a_cover_is_no_return(altered):
    reading = altered(lambda book: book.remove(book["Cover"]))
    message = "No sheet is the Cover of a planning return, with a template and an organisation"
    assert said(reading) == [("error", "not_a_return", None, None, message)]


@pytest.mark.parametrize(
    ("organisation_code", "month", "message"),
    [
        ("04C", "2023-01", "NHS Leicester City CCG (04C) cannot send a return for 2023-01: it is known as commissioner "
         "from 1 April 2013 to 30 June 2022"),
        ("QK1", "2016-02", "Leicester, Leicestershire and Rutland (QK1) cannot send a return for 2016-02: it is known "
         "as system from 1 March 2016 on"),
    ],
)  # fmt: skip
def test_an_organisation_outside_its_dates_is_refused(tmp_path, reference, organisation_code, month, message):
    about = Cover(organisation_code, month, "Team", date(2023, 2, 1))
    write_workbook(tmp_path / "a.xlsx", templates()["monitoring"], about, reference)
    expected = [("error", "organisation_outside_dates", "Cover", "B7", message)]
    assert said(read_file(tmp_path / "a.xlsx")) == expected


def test_the_last_month_of_a_role_is_inside_it(tmp_path, reference):
    about = Cover("04C", "2022-06", "Team", date(2022, 7, 1))
    write_workbook(tmp_path / "a.xlsx", templates()["monitoring"], about, reference)
    message = "NHS Leicester City CCG (04C) is not asked for “Monthly monitoring”"
    assert said(read_file(tmp_path / "a.xlsx"))[0] == ("error", "unexpected_return", "Cover", "B7", message)


@pytest.mark.parametrize(
    ("cell", "entry", "name", "value"),
    [
        ("B5", "Beds plan", "template", "beds"),
        ("B5", " BEDS ", "template", "beds"),
        ("B6", "v1", "template_version", 1),
        ("B7", "rwe ", "organisation_code", "RWE"),
        ("B7", "University Hospitals of Leicester NHS Trust", "organisation_code", "RWE"),
        ("B9", datetime(2016, 11, 1), "period", "2016-11"),
        ("B9", "Nov 2016", "period", "2016-11"),
        ("B11", "2nd November 2016", "prepared_on", date(2016, 11, 2)),
        ("B12", "sample", "data_status", "illustrative"),
        ("B12", None, "data_status", "returned"),
        ("A7", "ODS code:", "organisation_code", "RWE"),
        ("A9", "Round", "period", "2016-11"),
    ],
)
def test_the_cover_is_read_as_people_fill_it_in(altered, cell, entry, name, value):
    reading = altered("Cover", cell, entry)
    assert [f.rule for f in reading.findings] == (["date_as_text"] if name == "prepared_on" else [])
    assert getattr(reading.identity, name) == value


def test_an_empty_entry_does_not_take_the_next_label(altered):
    def change(book):
        sheet = book["Cover"]
        sheet["B11"], sheet["C11"], sheet["D11"] = None, "Data status", "Illustrative"

    assert [f.message for f in altered(change).findings] == ["“Prepared on” on the Cover is empty"]


# -- what people do to a sheet, each by itself


def insert_comment(book):
    sheet = book["Beds"]
    sheet.insert_rows(7, 2)
    sheet["A7"], sheet["B7"], sheet["F8"] = "Note", "see the board paper", "provisional"


def insert_column(book):
    sheet = book["Beds"]
    sheet.insert_cols(2)
    sheet["B4"], sheet["B6"], sheet["B7"] = "Ward", "31 and 32", 7


def reorder_columns(book):
    sheet = book["Beds"]
    sheet.insert_cols(1, 3)
    for row in sheet.iter_rows(min_row=4):
        row[0].value, row[7].value = row[7].value, None  # 2015/16 comes first


TOLERATED = {
    "rows above the headings": (lambda book: book["Beds"].insert_rows(1, 7), []),
    "an empty row and a comment among the lines": (insert_comment, ["row_not_read"]),
    "columns in another order": (reorder_columns, []),
    "a column of one's own": (insert_column, ["unknown_column"]),
    "a sheet of one's own": (lambda book: book.create_sheet("Workings", 0), ["sheet_not_read"]),
    "a sheet's name in capitals": (rename("Beds", "BEDS "), []),
    "a sheet's name changed": (rename("Beds", "Bed numbers"), ["sheet_renamed"]),
    "no totals": (both(*(lambda book, n=n: book["Beds"].delete_rows(n) for n in (11, 8))), []),
    "no section headings": (both(*(lambda book, n=n: book["Beds"].delete_rows(n) for n in (9, 5))), []),
    "a section deleted": (lambda book: book["Beds"].delete_rows(9, 3), []),
    "a heading in other words": (put("Beds", "A4", "Hospital site"), []),
    "a heading with its unit": (put("Beds", "E4", "2015/16 (beds)"), []),
    "a heading with a note": (put("Beds", "E4", "2015/16 actual"), []),
    "a heading with a note beside the heading itself": (put("Beds", "K4", "Site (as at 2010)"), ["unknown_column"]),
    "cover lines moved": (lambda book: book["Cover"].insert_rows(6, 4), []),
    "labels as codes": (both(put("Beds", "A6", "RWEAA"), put("Beds", "B6", "adult_general_acute")), []),
    "labels in capitals": (put("Beds", "B6", f"ADULT  GENERAL{NBSP}and acute "), []),
}


@pytest.mark.parametrize(("change", "rules"), TOLERATED.values(), ids=TOLERATED)
def test_what_people_do_changes_nothing(altered, clean, tmp_path, change, rules):
    reading = altered(change)
    assert [f.rule for f in reading.findings] == rules
    rows = contents(reading)["beds"]
    assert rows == contents(clean)["beds"][: len(rows)]
    assert len(rows) == (12 if change is TOLERATED["a section deleted"][0] else 18)
    assert contents(reading)["bed_schemes"] == contents(clean)["bed_schemes"]
    assert_cells_hold_what_was_received(reading, tmp_path / "altered.xlsx")


def test_months_may_be_dates(tmp_path, reference):
    line = Line(
        {
            "indicator_code": "I1", "indicator": "Four-hour waits", "aim": "care_quality", "priority": "1",
            "direction": "higher_is_better", "kind": "percentage", "measure": "numerator",
        },
        {"2017-04": 1, "2017-05": 2, "2017-06": 3},
    )  # fmt: skip
    path = tmp_path / "a.xlsx"
    about = Cover("RWE", MONTH, "Team", date(2017, 7, 1))
    write_workbook(path, templates()["monitoring"], about, reference, {"indicators": [line]})
    book = openpyxl.load_workbook(path)
    header = next(row for row in book["Indicators"].iter_rows() if row[0].value == "Indicator code")
    assert [cell.value for cell in header[-3:]] == ["Apr 2017", "May 2017", "Jun 2017"]
    header[-3].value, header[-2].value, header[-1].value = datetime(2017, 4, 1), "May-17", "june 2017"
    reading = read_saved(book, path)
    assert said(reading) == []
    rows = reading.tables["indicators"].to_pylist()
    assert [(row["month"], row["reading"]["indicator_value"]) for row in rows] == [
        ("2017-04", 1), ("2017-05", 2), ("2017-06", 3),
    ]  # fmt: skip


# -- what people do to a workbook, many things at once


def respell(text: object, choose: random.Random) -> object:
    """A label or a heading as somebody else would type it."""
    if not isinstance(text, str):
        return text
    changes = [str.upper, str.lower, lambda t: f" {t}  ", lambda t: t.replace(" ", NBSP), lambda t: t]
    return choose.choice(changes)(text)


def respell_heading(text: object, choose: random.Random) -> object:
    if text in YEARS:
        first, last = str(text).split("/")
        return choose.choice(
            [f"{first}-{last}", f"FY{text}", f"{first}/20{last}", f"{first}\u2013{last}", f"{text} plan", text]
        )
    others = {
        "Site": ["Site name", "Site code", "Site (ODS)"],
        "Sector": ["Bed type"],
        "Bed definition": ["Definition"],
    }
    return respell(choose.choice([*others.get(str(text), []), text]), choose)


def disarrange(rows: list[list], choose: random.Random, codes: dict[str, str], *, keep_totals: bool) -> list[list]:
    """A sheet's rows with its layout changed and its content left: what `rows` say is said by the result."""
    header = next(i for i, row in enumerate(rows) if "2016/17" in row)
    top, lines = rows[:header], rows[header + 1 :]
    heading = [respell_heading(value, choose) for value in rows[header]]
    body = []
    for row in lines:
        is_total, is_section = str(row[0]).startswith("Total"), sum(value is not None for value in row) == 1
        if (is_total and not keep_totals) or (is_section and choose.random() < 0.3):
            continue
        while choose.random() < 0.25:
            body.append(choose.choice([[], ["checked by finance 12/10"], ["", "", "", "", "provisional"]]))
        if not is_total and not is_section and choose.random() < 0.5:
            row = [choose.choice([codes[value], respell(value, choose)]) if value in codes else value for value in row]
        body.append(row)
    above = [["drafted in October"] for _ in range(choose.randrange(4))]
    width = len(heading)
    table = [row + [None] * (width - len(row)) for row in [*above, *top, heading, *body]]
    order = list(range(width))
    if choose.random() < 0.5:
        choose.shuffle(order)
    table = [[row[i] for i in order] for row in table]
    head = len(above) + len(top)
    for n in range(choose.randrange(3)):
        place = choose.randrange(width + 1)
        for i, row in enumerate(table):
            row.insert(
                place,
                f"Our column {n}" if i == head else choose.choice([None, 7, "x"]) if i > head and any(row) else None,
            )
    return table


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32), keep_totals=st.booleans())
def test_layout_does_not_change_what_is_read(beds_path, clean, seed, keep_totals):
    """Any mixture of such changes: the same readings and totals, and each address is the cell that holds the value."""
    choose = random.Random(seed)
    reference, template = read_reference(), templates()["beds"]
    source, book = with_totals(beds_path), openpyxl.Workbook()
    book.remove(book.active)
    codes = {
        label: code
        for column in template.sheets[0].attributes
        for code, label in reference.labels(column.list, "RWE").items()
    }
    for name in choose.sample(["Cover", "Beds", "Bed schemes"], 3):
        rows = [list(row) for row in source[name].iter_rows(values_only=True)]
        if name == "Cover":
            rows = [[None] * choose.randrange(2) + row for row in rows if row[0] is not None]
            choose.shuffle(rows)
        else:
            rows = disarrange(rows, choose, codes, keep_totals=keep_totals)
        sheet = book.create_sheet(choose.choice([name, name.upper(), f"{name} ", name.lower()]))
        for row in rows:
            sheet.append(row)
    if choose.random() < 0.3:
        book.create_sheet("Workings", choose.randrange(3)).append(["scratch", 12])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        reading = read_saved(book, path)
        assert {f.rule for f in reading.findings} <= {"unknown_column", "sheet_not_read", "row_not_read"}, said(reading)
        expected = contents(clean)
        found = contents(reading)
        found_totals, expected_totals = found.pop("totals"), expected.pop("totals")
        assert found == expected
        assert reading.identity == clean.identity
        assert len(found_totals) == (len(expected_totals) if keep_totals else 0)
        assert {t[1:] for t in found_totals} == ({t[1:] for t in expected_totals} if keep_totals else set())
        assert_cells_hold_what_was_received(reading, path)
