"""A published KH03 workbook read as it is, and a small one of the same kind with what publishers do to it."""

import random
from collections import Counter
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from llr_pipeline.findings import Finding
from llr_pipeline.paths import PROJECT
from llr_pipeline.publications import publications
from llr_pipeline.reading import read_file
from llr_pipeline.returns import Reading

SPECIALTY_COUNT = 76
KH03 = PROJECT.parent / "shared/data/nhs/kh03/2021-Q1-Beds-Open-Overnight-Web_File-Final-DE5WC.xlsx"
SHEET, SPECIALTIES = "NHS Trust by Sector", "Occupied by Specialty"
HEADINGS = ["Year", "Period End", "Region Code", "Org Code", "Org Name"]
SECTORS = ["Total ", "General & Acute", "Maternity"]


@pytest.fixture(scope="module")
def published() -> Reading:
    if not KH03.exists():
        pytest.skip(f"NHS England's KH03 workbook is not at {KH03}; it is published, not ours to keep in the project")
    return read_file(KH03)


def beds(reading: Reading) -> list[dict]:
    return reading.tables["nhs_kh03"].to_pylist()


# -- the workbook of April to June 2020, as revised


def test_leicester_in_april_to_june_2020(published):
    """The figures of the published workbook: RWE, general and acute, 1,453.67 available and 984.47 occupied."""
    found = {
        row["reading"]["measure"]: row["reading"]["beds"]
        for row in beds(published)
        if (row["reading"]["organisation_code"], row["reading"]["sector"]) == ("RWE", "general_acute")
    }
    assert {measure: round(number, 2) for measure, number in found.items()} == {
        "available": 1453.67,
        "occupied": 984.47,
    }


def test_it_says_what_it_is(published):
    about = published.identity
    assert (about.template, about.period, about.data_status) == ("nhs_kh03", "2020/21 Q1", "published")
    assert (about.organisation_code, about.prepared_by) == (None, "NHS England")
    assert about.prepared_on == date(
        2020, 11, 19
    )  # revised on the 19th of November, not published on the 20th of August
    assert published.tables["publications"].to_pylist() == [
        {
            "publication": "nhs_kh03", "period": "2020/21 Q1", "first_day": date(2020, 4, 1),
            "last_day": date(2020, 6, 30), "published_on": date(2020, 8, 20), "revised_on": date(2020, 11, 19),
        }
    ]  # fmt: skip


def test_a_revision_that_has_not_come_yet_is_refused(published):
    """It would supersede every later one. Read as on the eve of the eve of its revision, 19 November 2020."""
    reading = read_file(KH03, today=date(2020, 11, 17))
    assert reading.is_refused
    assert [f.rule for f in reading.findings if f.severity == "error"] == ["implausible_date"]
    assert not read_file(KH03, today=date(2020, 11, 18)).is_refused


def test_england_is_the_sum_of_the_trusts_and_other_sheets_are_noted(published):
    """No finding says that the England row differs; what is not read is said to be not read."""
    found = [(f.severity, f.rule, f.sheet) for f in published.findings]
    assert found == [("note", "row_not_read", SPECIALTIES)] + [
        ("note", "sheet_not_read", sheet) for sheet in ("Region by Sector", "Data Quality")
    ]


def test_every_trust_is_there_once_for_each_column(published):
    """Counted another way: the rows of the sheet that have a code in column E, with openpyxl."""
    sheet = openpyxl.load_workbook(KH03, read_only=True)[SHEET]
    codes = [row[4] for row in sheet.iter_rows(min_row=16, values_only=True) if row[4]]
    assert len(codes) > 190
    assert Counter(row["organisation_code"] for row in beds(published)) == dict.fromkeys(
        codes, 10
    )  # 2 groups, 5 sectors
    assert published.value_count == (10 + SPECIALTY_COUNT) * len(codes)


def test_specialties_add_up_to_the_sector_of_every_trust(published):
    """Two sheets of one workbook, each the other's oracle: 195 trusts, four sectors."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in published.tables["nhs_kh03_specialties"].to_pylist():
        code = int(row["heading"][:3])
        sector = (
            "learning_disability" if code == 700 else "mental_illness" if 710 <= code <= 715
            else "maternity" if code in (501, 560) else "general_acute"
        )  # fmt: skip
        sums[row["organisation_code"], sector] += row["reading"]["value"]
    by_sector = {
        (row["organisation_code"], row["reading"]["sector"]): row["reading"]["beds"]
        for row in beds(published) if row["reading"]["measure"] == "occupied" and row["reading"]["sector"] != "total"
    }  # fmt: skip
    assert len(by_sector) == 195 * 4
    assert sums == pytest.approx(by_sector, abs=0.001)


def test_each_address_holds_its_value(published):
    sheet = openpyxl.load_workbook(KH03, data_only=True)[SHEET]
    for row in beds(published):
        assert sheet[row["cell"]["beds"]].value == pytest.approx(row["reading"]["beds"])
        assert sheet[row["cell"]["organisation_code"]].value == row["organisation_code"]
        assert sheet[row["cell"]["beds"]].row == row["row_number"]


# -- a small one of our own, with what publishers do


def small(path: Path, change=lambda sheet: None, *, above: int = 0, opening: str = "overnight") -> Reading:
    """Two trusts and England: 30 + 12 = 42 available in all, 20 + 10 = 30 occupied."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = SHEET
    for _ in range(above):
        sheet.append(["", "corrected"])
    sheet.append(["", "Title:", f"Average daily number of available and occupied beds open {opening} by sector"])
    sheet.append(["", "Period:", "January to March 2017"])
    sheet.append(["", "Published:", "25th May 2017"])
    sheet.append(["", *[""] * 5, "Available", "", "", "", "Occupied", "", "", "", "% Occupied"])
    sheet.append(["", *HEADINGS, *SECTORS, "", *SECTORS, "", *SECTORS])
    sheet.append(["", "2016-17", "March", "", "", "England", 42, 40, 2, "", 30, 29, 1, "", 0.7, 0.7, 0.5])
    sheet.append([])
    sheet.append(["", "2016-17", "March", "Y55", "RWE", "LEICESTER", 30, 28, 2, "", 20, 19, 1, "", 0.67, 0.68, 0.5])
    sheet.append(["", "2016-17", "March", "Y55", "RT5", "LEICS", 12, 12, "-", "", 10, 10, "-", "", 0.83, 0.83, "-"])
    by_specialty = book.create_sheet(SPECIALTIES)
    by_specialty.append(["", "Title:", f"Average daily number of occupied beds open {opening} by Consultant Specialty"])
    by_specialty.append(["", *HEADINGS, "100 General Surgery", "430 Geriatric Medicine", "501 Obstetrics"])
    by_specialty.append(["", "2016-17", "March", "", "", "England", 12, 17, 1])
    by_specialty.append(["", "2016-17", "March", "Y55", "RWE", "LEICESTER", 12, 7, 1])
    by_specialty.append(["", "2016-17", "March", "Y55", "RT5", "LEICS", 0, 10, "-"])
    change(sheet)
    book.save(path)
    return read_file(path)


def said(reading: Reading) -> list[Finding]:
    """The findings, but for England's row among the specialties."""
    return [f for f in reading.findings if (f.rule, f.sheet) != ("row_not_read", SPECIALTIES)]


def specialties(reading: Reading, table: str = "nhs_kh03_specialties") -> dict[tuple[str, str], float | None]:
    rows = reading.tables[table].to_pylist()
    return {(row["organisation_code"], row["reading"]["measure"]): row["reading"]["value"] for row in rows}


def readings(reading: Reading) -> list[tuple]:
    names = ("organisation_code", "measure", "sector", "beds")
    return [tuple(row["reading"][name] for name in names) for row in beds(reading)]


EXPECTED = [
    (code, measure, sector, number)
    for code, measure, numbers in (
        ("RWE", "available", (30, 28, 2)),
        ("RWE", "occupied", (20, 19, 1)),
        ("RT5", "available", (12, 12, None)),
        ("RT5", "occupied", (10, 10, None)),
    )
    for sector, number in zip(("total", "general_acute", "maternity"), numbers, strict=True)
]


def test_a_dash_is_no_bed_number_and_no_fault(tmp_path):
    reading = small(tmp_path / "a.xlsx")
    assert said(reading) == []
    assert readings(reading) == EXPECTED
    assert reading.tables["nhs_kh03"].schema == publications()["nhs_kh03"].schemas["nhs_kh03"]
    assert [row["value"] for row in beds(reading)][8] == "-"
    assert not any(row["is_quarantined"] for row in beds(reading))
    assert (reading.identity.period, reading.identity.prepared_on) == ("2016/17 Q4", date(2017, 5, 25))


def test_a_heading_that_begins_with_a_code_is_a_specialty(tmp_path):
    assert specialties(small(tmp_path / "a.xlsx")) == {
        ("RWE", "100 General Surgery"): 12, ("RWE", "430 Geriatric Medicine"): 7, ("RWE", "501 Obstetrics"): 1,
        ("RT5", "100 General Surgery"): 0, ("RT5", "430 Geriatric Medicine"): 10, ("RT5", "501 Obstetrics"): None,
    }  # fmt: skip


def test_beds_open_day_only_are_a_publication_of_their_own(tmp_path):
    reading = small(tmp_path / "a.xlsx", opening="day only")
    assert (reading.identity.template, reading.identity.period) == ("nhs_kh03_day_only", "2016/17 Q4")
    assert [row["reading"]["beds"] for row in reading.tables["nhs_kh03_day_only"].to_pylist()][:3] == [30, 28, 2]
    assert specialties(reading, "nhs_kh03_day_only_specialties")["RT5", "430 Geriatric Medicine"] == 10


def test_a_file_without_its_specialties_says_so(tmp_path):
    reading = small(tmp_path / "a.xlsx", lambda sheet: sheet.parent.remove(sheet.parent[SPECIALTIES]))
    (finding,) = reading.findings
    assert (finding.severity, finding.rule) == ("warning", "layout_not_known")
    assert "beds open overnight by consultant specialty" in finding.message
    assert readings(reading) == EXPECTED


@pytest.mark.parametrize("above", [1, 9])
def test_headings_may_move_down(tmp_path, above):
    reading = small(tmp_path / "a.xlsx", above=above)
    assert (readings(reading), said(reading)) == (EXPECTED, [])
    assert beds(reading)[0]["cell"]["beds"] == f"G{8 + above}"


def test_columns_may_move_to_the_right(tmp_path):
    reading = small(tmp_path / "a.xlsx", lambda sheet: sheet.insert_cols(5))
    assert (readings(reading), said(reading)) == (EXPECTED, [])
    assert beds(reading)[0]["cell"] == {"organisation_code": "F8", "organisation_name": "G8", "beds": "H8"}


def put(cell, value):
    def change(sheet):
        sheet[cell] = value

    return change


def test_a_renamed_heading_is_named_and_the_rest_is_read(tmp_path):
    reading = small(tmp_path / "a.xlsx", put("H5", "G&A beds"))
    (finding,) = said(reading)
    assert (finding.severity, finding.rule, finding.cell) == ("note", "unknown_column", "H5")
    assert finding.message == "The column “G&A beds” under “Available” is not known and is not read"
    assert readings(reading) == [row for row in EXPECTED if row[1:3] != ("available", "general_acute")]


@pytest.mark.parametrize(
    ("cell", "value", "severity", "rule", "message"),
    [
        ("G9", 13, "warning", "published_total_differs",
         "Available, Total: the total says 42 and the organisations add up to 43"),
        ("H8", "n/k", "error", "placeholder",
         "Available, General & Acute: “n/k” stands for no value: leave the cell empty"),
        ("I8", "#REF!", "error", "error_value", "Available, Maternity: the cell holds the error #REF!"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_named_and_the_rest_is_read(tmp_path, cell, value, severity, rule, message):
    reading = small(tmp_path / "a.xlsx", put(cell, value))
    first = said(reading)[0]
    place = "G6" if rule == "published_total_differs" else cell
    assert (first.severity, first.rule, first.cell, first.message) == (severity, rule, place, message)
    out = [row["cell"]["beds"] for row in beds(reading) if row["is_quarantined"]]
    assert out == ([] if severity == "warning" else [cell])


@pytest.mark.parametrize("period", ["February to April 2017", "January to June 2017", "2016-17", None])
def test_a_period_that_is_no_quarter_refuses_the_file(tmp_path, period):
    reading = small(tmp_path / "a.xlsx", put("C2", period))
    (finding,) = said(reading)
    assert (finding.rule, finding.message) == ("unknown_period", "The title block gives no quarter beside “period”")
    assert (reading.is_refused, reading.tables) == (True, {})


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("April to June 2016", "2016/17 Q1"),
        ("July \u2013 September 2016", "2016/17 Q2"),
        ("October 2016 to December 2016", "2016/17 Q3"),
        ("Jan-Mar 2017", "2016/17 Q4"),
    ],
)
def test_quarters(tmp_path, text, period):
    assert small(tmp_path / "a.xlsx", put("C2", text)).identity.period == period


def test_a_publication_without_its_headings_says_so(tmp_path):
    reading = small(tmp_path / "a.xlsx", put("E5", "Code"))
    (finding,) = said(reading)
    assert (finding.severity, finding.rule) == ("error", "missing_column")
    assert finding.message == (
        "No sheet has the headings of KH03: bed availability and occupancy, overnight: "
        "org code, org name, available and occupied"
    )
    assert reading.identity.template == "nhs_kh03"


# -- whatever happens to the layout, what is read is right or reported

REPORTED = {"unknown_column", "layout_not_known", "missing_column", "row_without_code", "unknown_period",
            "published_total_differs", "duplicate_line", "not_a_return"}  # fmt: skip
KNOWN = {*SECTORS, "100 General Surgery", "430 Geriatric Medicine", "501 Obstetrics"}


def disturb(book: openpyxl.Workbook, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 4)):
        sheet = chance.choice(book.worksheets)
        what = chance.choice(["row above", "column left", "column right", "rename", "add", "note", "drop", "move"])
        heads = [cell for row in sheet for cell in row if cell.value in KNOWN]
        if what == "drop" and len(book.worksheets) > 1:
            book.remove(sheet)
        elif what == "move":
            book.move_sheet(sheet, chance.choice([-1, 1]))
        elif not heads:
            continue
        elif what == "row above":
            sheet.insert_rows(1, chance.randint(1, 4))
        elif what == "column left":
            sheet.insert_cols(1, chance.randint(1, 3))
        elif what == "column right":
            sheet.insert_cols(chance.randint(heads[0].column + 1, sheet.max_column))
        elif what == "rename":
            chance.choice(heads).value = "Renamed"
        elif what == "add":  # another code and its figures, at the right
            place = sheet.max_column + 2
            sheet.cell(heads[0].row, place).value = "Ward 7"
            for row in range(heads[0].row + 1, sheet.max_row + 1):
                sheet.cell(row, place).value = 99
        elif what == "note":
            row = chance.randint(heads[0].row + 1, sheet.max_row)
            sheet.insert_rows(row)
            sheet.cell(row, 2).value = "The trusts below were late"


@pytest.mark.parametrize("seed", range(60))
def test_what_is_read_is_right_or_reported(tmp_path, seed):
    whole = specialties(small(tmp_path / "whole.xlsx"))
    reading = small(tmp_path / "a.xlsx", lambda sheet: disturb(sheet.parent, random.Random(seed)))
    found = readings(reading) if "nhs_kh03" in reading.tables else []
    assert set(found) <= set(EXPECTED), "a value is read that never stood there"
    assert len(found) == len(set(found))
    by_specialty = specialties(reading) if "nhs_kh03_specialties" in reading.tables else {}
    known = {key: value for key, value in by_specialty.items() if key[1] is not None}
    assert {key: whole.get(key) for key in known} == known, "a specialty is read that never stood there"
    if len(found) < len(EXPECTED) or len(known) < len(whole):
        assert REPORTED & {finding.rule for finding in reading.findings}
