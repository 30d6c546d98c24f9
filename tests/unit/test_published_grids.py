"""Published sheets with a value a heading and day: small workbooks of our own, with what publishers do to them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from llr_pipeline.publications import publications
from llr_pipeline.published_values import days_in, month_in, read_days
from llr_pipeline.reading import read_file
from llr_pipeline.returns import Reading

BEDS = "Daily Hospital Situation Report - General and Acute Beds"
TRUSTS = {"RWE": "LEICESTER", "RT5": "LEICS", "RX1": "NOTTINGHAM"}
HEADINGS = {"Core Beds Open": "ga_core_beds_open", "Total beds occ'd": "ga_beds_occupied"}
DAYS = [date(2017, 11, 20) + timedelta(days=n) for n in range(3)]
Change = Callable[[Worksheet], None]


def figure(trust: int, day: int, heading: int) -> int:
    """A figure that says where it belongs."""
    return 100 * (trust + 1) + 10 * day + heading


def sitrep(path: Path, change: Change = lambda sheet: None, *, above: int = 0, title: str = BEDS) -> Reading:
    """Three trusts, three days, two headings: title block, days over headings, England, column numbers, a note."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "G&A beds"
    for _ in range(above):
        sheet.append(["", "corrected"])
    sheet.append(["", "Title:", title])
    sheet.append(["", "Period:", "20th November 2017 to 22nd November 2017"])
    sheet.append(["", "Published:", "08 March 2018"])
    sheet.append([])
    sheet.append(["", *[""] * 4, *(cell for day in DAYS for cell in (day, ""))])
    sheet.append(["", "NHS England Region", "", "Code", "Name", *list(HEADINGS) * len(DAYS)])
    total = [sum(figure(t, d, h) for t in range(len(TRUSTS))) for d in range(len(DAYS)) for h in range(len(HEADINGS))]
    sheet.append(["", "-", "", "-", "ENGLAND", *total])
    sheet.append(["", "", "", "", "", 3, "", 4, "", 5])
    for t, (code, name) in enumerate(TRUSTS.items()):
        figures = [figure(t, d, h) for d in range(len(DAYS)) for h in range(len(HEADINGS))]
        sheet.append(["", "Midlands", "", code, name, *figures])
    sheet.append([])
    sheet.append(["", "Notes:"])
    change(sheet)
    book.save(path)
    return read_file(path)


def values(reading: Reading, table: str = "nhs_sitrep") -> dict[tuple, float]:
    """What core would use, by organisation, day and measure."""
    found = {}
    for row in reading.tables.get(table, _NONE).to_pylist():
        read = row["reading"]
        if row["is_quarantined"] or read["measure"] is None or read["first_day"] is None:
            continue
        key = (read["organisation_code"], read["first_day"], read["measure"])
        assert key not in found, f"{key} is there twice"
        found[key] = read["value"]
    return found


_NONE = publications()["nhs_sitrep"].schemas["nhs_sitrep"].empty_table()
EXPECTED = {
    (code, day, measure): figure(t, d, h)
    for t, code in enumerate(TRUSTS) for d, day in enumerate(DAYS) for h, measure in enumerate(HEADINGS.values())
}  # fmt: skip


def said(reading: Reading) -> list[tuple]:
    return [(f.severity, f.rule, f.cell) for f in reading.findings if f.rule != "row_not_read"]


def test_every_value_is_under_its_organisation_day_and_measure(tmp_path):
    reading = sitrep(tmp_path / "a.xlsx")
    assert values(reading) == EXPECTED
    assert said(reading) == []
    about = reading.identity
    assert (about.template, about.period, about.prepared_on) == (
        "nhs_sitrep",
        "2017-11-20 to 2017-11-22",
        date(2018, 3, 8),
    )
    assert (reading.value_count, about.data_status) == (len(EXPECTED), "published")


def test_helper_total_and_footnote_rows_are_reported(tmp_path):
    found = [(f.line, f.message) for f in sitrep(tmp_path / "a.xlsx").findings]
    assert found == [
        (7, "Row 7: total, not read: “ENGLAND”"),
        (8, "Row 8: numbers without an organisation, not read"),
        (13, "Row 13: a remark, not read: “Notes:”"),
    ]


def test_each_address_holds_its_value(tmp_path):
    reading = sitrep(tmp_path / "a.xlsx", above=2)
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    for row in reading.tables["nhs_sitrep"].to_pylist():
        assert sheet[row["cell"]["value"]].value == row["reading"]["value"]
        assert sheet[row["cell"]["organisation_code"]].value == row["organisation_code"]
        assert sheet[row["cell"]["heading"]].value == row["heading"]


def put(cell: str, value: Any) -> Change:
    def change(sheet: Worksheet) -> None:
        sheet[cell] = value

    return change


@pytest.mark.parametrize(
    ("entry", "received"), [("-", "-"), ("N/A", "N/A"), (None, None)], ids=["dash", "text", "blank"]
)
def test_no_value_is_not_zero_and_says_what_stood_there(tmp_path, entry, received):
    reading = sitrep(tmp_path / "a.xlsx", put("F9", entry))
    assert values(reading) == EXPECTED | {("RWE", DAYS[0], "ga_core_beds_open"): None}
    assert [f.rule for f in reading.findings if f.severity == "error"] == []
    (row,) = [row for row in reading.tables["nhs_sitrep"].to_pylist() if row["cell"]["value"] == "F9"]
    assert row["value"] == received


@pytest.mark.parametrize(
    ("cell", "entry", "rule"),
    [("F9", "about 100", "not_a_number"), ("F9", "=1/0", "formula_without_value"), ("F9", True, "not_a_number")],
)
def test_what_is_no_figure_is_an_error_and_is_kept_out(tmp_path, cell, entry, rule):
    reading = sitrep(tmp_path / "a.xlsx", put(cell, entry))
    assert ("error", rule, cell) in said(reading)
    expected = dict(EXPECTED)
    del expected["RWE", DAYS[0], "ga_core_beds_open"]
    assert values(reading) == expected


def test_a_heading_that_is_not_known_is_a_note_and_stays_in_raw(tmp_path):
    reading = sitrep(tmp_path / "a.xlsx", put("F6", "G&A core"))
    assert said(reading) == [("note", "unknown_column", "F6")]
    assert values(reading) == {k: v for k, v in EXPECTED.items() if k[1:] != (DAYS[0], "ga_core_beds_open")}
    kept = [row["value"] for row in reading.tables["nhs_sitrep"].to_pylist() if row["heading"] == "G&A core"]
    assert kept == [str(figure(t, 0, 0)) for t in range(len(TRUSTS))]


def test_a_sheet_whose_measure_is_not_known_is_kept_in_raw(tmp_path):
    title = "Daily Hospital Situation Report - Beds on the Moon"
    reading = sitrep(tmp_path / "a.xlsx", title=title)
    assert reading.is_refused  # the only sheet: nothing of the file is known
    assert [f.rule for f in reading.findings if f.severity == "error"] == ["missing_column"]
    assert {f.rule for f in reading.findings if f.cell} == {"unknown_column"}


def test_a_line_that_stands_twice_is_not_used(tmp_path):
    reading = sitrep(tmp_path / "a.xlsx", put("D10", "RWE"))
    assert [(f.rule, f.line) for f in reading.findings if f.severity == "error"] == [
        ("duplicate_line", 9), ("duplicate_line", 10),
    ]  # fmt: skip
    assert values(reading) == {k: v for k, v in EXPECTED.items() if k[0] == "RX1"}


def test_a_day_that_stands_twice_is_not_used(tmp_path):
    reading = sitrep(tmp_path / "a.xlsx", put("H5", DAYS[0]))
    assert [rule for _, rule, _ in said(reading)] == ["duplicate_line"] * 4
    assert values(reading) == {k: v for k, v in EXPECTED.items() if k[1] == DAYS[2]}


def test_a_heading_that_is_no_day_is_a_note(tmp_path):
    reading = sitrep(tmp_path / "a.xlsx", put("J5", "winter to date"))
    assert ("note", "unknown_column", "J5") in said(reading)
    assert values(reading) == {k: v for k, v in EXPECTED.items() if k[1] != DAYS[2]}


def test_a_total_that_is_not_the_sum_is_a_warning(tmp_path):
    reading = sitrep(tmp_path / "a.xlsx", put("F7", 1))
    assert said(reading) == [("warning", "published_total_differs", "F7")]
    assert values(reading) == EXPECTED


def test_the_title_block_and_the_name_are_checked_against_the_days(tmp_path):
    reading = sitrep(tmp_path / "a.xlsx", put("C2", "1st November 2017 to 2nd November 2017"))
    assert [rule for _, rule, _ in said(reading)] == ["period_differs"]
    reading = sitrep(tmp_path / "Winter-April-2019.xlsx")
    assert [rule for _, rule, _ in said(reading)] == ["period_differs"]
    assert reading.identity.period == "2017-11-20 to 2017-11-22"
    assert said(sitrep(tmp_path / "Winter-data-timeseries-20171122.xlsx")) == []


def test_a_row_of_values_without_a_code_is_a_warning(tmp_path):
    reading = sitrep(tmp_path / "a.xlsx", put("D10", "see note"))
    assert ("warning", "row_without_code", "D10") in said(reading)
    assert values(reading) == {k: v for k, v in EXPECTED.items() if k[0] != "RT5"}


# -- whatever happens to a layout, what is read is right or reported

REPORTED = {"unknown_column", "layout_not_known", "missing_column", "duplicate_line", "row_without_code"}


def disturb(sheet: Worksheet, chance: random.Random) -> None:
    """Rows and columns inserted, headings renamed, notes and helper rows added, days taken away."""
    for _ in range(chance.randint(1, 4)):
        what = chance.choice(["row above", "column left", "column right", "rename", "note", "helper", "day", "swap"])
        head = next(cell.row for row in sheet for cell in row if cell.value == "Code")
        if what == "row above":
            sheet.insert_rows(chance.randint(1, head - 1), chance.randint(1, 5))
        elif what == "column left":
            sheet.insert_cols(chance.randint(1, 3))
        elif what == "column right":
            sheet.insert_cols(chance.randint(6, sheet.max_column))
        elif what == "rename":
            cells = [cell for cell in sheet[head] if cell.value in HEADINGS]
            chance.choice(cells).value = "Renamed"
        elif what == "note":
            row = chance.randint(head + 1, sheet.max_row)
            sheet.insert_rows(row)
            sheet.cell(row, 2).value = "The trusts below were late"
        elif what == "helper":
            row = chance.randint(head + 1, sheet.max_row)
            sheet.insert_rows(row)
            for place in range(8, sheet.max_column):
                sheet.cell(row, place).value = place
        elif what == "day":
            cells = [cell for row in sheet.iter_rows(max_row=head) for cell in row if cell.value in DAYS]
            if cells:
                chance.choice(cells).value = "n/a"
        elif what == "swap":  # two trusts change places
            rows = [cell.row for row in sheet for cell in row if cell.value in TRUSTS]
            one, other = chance.sample(rows, 2)
            for place in range(1, sheet.max_column + 1):
                a, b = sheet.cell(one, place), sheet.cell(other, place)
                a.value, b.value = b.value, a.value


@pytest.mark.parametrize("seed", range(60))
def test_what_is_read_is_right_or_reported(tmp_path, seed):
    reading = sitrep(tmp_path / "a.xlsx", lambda sheet: disturb(sheet, random.Random(seed)))
    found = values(reading)
    assert {key: EXPECTED.get(key) for key in found} == found, "a value is read that never stood there"
    if found != EXPECTED:
        assert REPORTED & {finding.rule for finding in reading.findings}


# -- blocks, and tables of text


def discharges(path: Path, *, above: int = 0) -> Reading:
    """A board above its two trusts; the sheet Contents names another publication."""
    book = openpyxl.Workbook()
    cover = book.active
    cover.append(["", "Title:", "Community Discharge Situation Report "])
    cover.append(["", "Period:", date(2023, 7, 1), "-", date(2023, 7, 2)])
    cover.append(["", "Published:", date(2023, 8, 10)])
    contents = book.create_sheet("Contents")
    contents.append(["", "Contents", "", "", "", "Contents", "Acute Daily Discharge Situation Report "])
    sheet = book.create_sheet("Table 2")
    for _ in range(above):
        sheet.append([])
    names = [
        "Number of patients who no longer meet the criteria to reside", "Number of patients discharged",
        "Number of patients remaining in hospital who no longer meet the criteria to reside",
    ]  # fmt: skip
    sheet.append(["", "Table 2: Number of patients"])
    sheet.append(["", "", "", "", date(2023, 7, 1), "", "", date(2023, 7, 2)])
    sheet.append(["", "Notes: 1. Due to disclosure risks", "", "", *names, *names])
    sheet.append(["", "", "", "ENGLAND", 9, 9, 9, 9, 9, 9])
    sheet.append([])
    sheet.append(["", "Region", "ICB Code", "ICB Name"])
    sheet.append(["", "MIDLANDS", "QK1", "LEICESTERSHIRE", 30, 10, 20, 31, 11, 20])
    sheet.append([])
    sheet.append(["", "Region", "Org Code", "Org Name"])
    sheet.append(["", "MIDLANDS", "RT5", "LEICS", 25, 5, 20, 31, 11, 20])
    sheet.append(["", "MIDLANDS", 507, "A COUNCIL", 5, 5, 0, "-", "-", "-"])
    book.create_sheet("Old").sheet_state = "hidden"
    book.save(path)
    return read_file(path)


@pytest.mark.parametrize("above", [0, 1, 4])
def test_a_block_of_boards_stands_above_the_organisations(tmp_path, above):
    reading = discharges(tmp_path / "a.xlsx", above=above)
    assert (reading.identity.template, reading.identity.period) == ("nhs_discharges_community", "2023-07")
    rows = reading.tables["nhs_discharges_community"].to_pylist()
    assert {row["organisation_code"]: row["block"] for row in rows} == {
        "QK1": "boards", "RT5": "organisations", "507": "organisations",
    }  # fmt: skip
    delayed = {
        (row["organisation_code"], row["reading"]["first_day"].day): (row["reading"]["value"], row["value"])
        for row in rows if row["reading"]["measure"] == "not_meeting_criteria_to_reside"
    }  # fmt: skip
    assert delayed == {
        ("QK1", 1): (30, "30"), ("QK1", 2): (31, "31"), ("RT5", 1): (25, "25"), ("RT5", 2): (31, "31"),
        ("507", 1): (5, "5"), ("507", 2): (None, "-"),
    }  # fmt: skip
    noted = {f.sheet for f in reading.findings if f.rule == "sheet_not_read"}
    assert noted == {"Sheet", "Contents", "Old"}
    assert any("hidden sheet “Old”" in f.message for f in reading.findings)


EMERGENCY = "Period,Org Code,Parent Org,Org name,A&E attendances Type 1,Attendances over 4hrs Type 1,New measure\n"


@pytest.mark.parametrize("total", ["Total ", "TOTAL", "Total"])
def test_a_table_of_text_is_read_and_its_total_left_out(tmp_path, total):
    path = tmp_path / "ae_2024-04.csv"
    lines = [
        "MSitAE-APRIL-2024,RWE,NHS ENGLAND MIDLANDS ,UHL,21378,8850,1",
        "MSitAE-APRIL-2024,RX1,NHS ENGLAND MIDLANDS ,NUH,\"1,000\",-,2",
        f"{total},{total},{total},{total},22378,8850,3",
    ]  # fmt: skip
    path.write_text(EMERGENCY + "\n".join(lines))
    reading = read_file(path)
    assert (reading.identity.template, reading.identity.period) == ("nhs_emergency", "2024-04")
    rows = [(r["organisation_code"], r["reading"]["measure"], r["reading"]["value"])
            for r in reading.tables["nhs_emergency"].to_pylist()]  # fmt: skip
    assert rows == [
        ("RWE", "attendances.type_1", 21378), ("RWE", "over_4_hours.type_1", 8850), ("RWE", None, 1),
        ("RX1", "attendances.type_1", 1000), ("RX1", "over_4_hours.type_1", None), ("RX1", None, 2),
    ]  # fmt: skip
    assert said(reading) == [("note", "unknown_column", "G1")]


def test_the_period_is_that_of_the_content_not_of_the_name(tmp_path):
    path = tmp_path / "ae_activity_2023-01.csv"
    path.write_text(EMERGENCY + "MSitAE-APRIL-2024,RWE,MIDLANDS,UHL,1,1,1\n")
    reading = read_file(path)
    assert reading.identity.period == "2024-04"
    assert "period_differs" in {f.rule for f in reading.findings}


def test_a_table_of_text_that_is_no_publication_is_refused_by_its_headings(tmp_path):
    path = tmp_path / "beds.csv"
    path.write_text("Site,Beds\nA,1\n")
    (finding,) = read_file(path).findings
    assert (finding.rule, finding.message) == (
        "not_a_publication",
        "The file is a text file (CSV), which keeps one sheet, and no publication that is known: "
        "its headings are “Site” and “Beds”",
    )
    assert "as its publisher made it" in finding.remedy


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("02-04 Dec 16", date(2016, 12, 2), date(2016, 12, 4)),
        ("31 Dec 16 - 02 Jan 17", date(2016, 12, 31), date(2017, 1, 2)),
        ("07-08 Jan-17", date(2017, 1, 7), date(2017, 1, 8)),
        ("30/04/2024", date(2024, 4, 30), date(2024, 4, 30)),
        ("2017-SEP", date(2017, 9, 1), date(2017, 9, 30)),
        ("MSitAE-FEBRUARY-2024", date(2024, 2, 1), date(2024, 2, 29)),
    ],
)
def test_days_as_publishers_write_them(text, first, last):
    assert read_days(text) == (first, last)


@pytest.mark.parametrize("text", ["", "Total Beds Open", "31 Feb 2017", "04-02 Dec 16", None, 3.0])
def test_what_is_no_day(text):
    assert read_days(text) is None


def test_days_of_a_title_block_and_of_a_name():
    assert days_in(["1st December 2016 to 12th March 2017"]) == (date(2016, 12, 1), date(2017, 3, 12))
    assert days_in([date(2022, 6, 1), "-", date(2022, 6, 30)]) == (date(2022, 6, 1), date(2022, 6, 30))
    assert month_in("community_july2023.xlsx") == (date(2023, 7, 1), date(2023, 7, 31))
    assert month_in("Winter-data-timeseries-20180304.xlsx") == (date(2018, 3, 1), date(2018, 3, 31))
    assert month_in("2021-Q1-Beds.xlsx") is None
