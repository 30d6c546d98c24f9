"""Discharge reports: days, weeks and months side by side, in small workbooks of our own, disturbed at random."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from llr_pipeline.published_values import read_days
from llr_pipeline.reading import read_file
from llr_pipeline.returns import Reading

JULY = (date(2023, 7, 1), date(2023, 7, 31))
CODES = {"QK1": "boards", "RT5": "organisations", "RY8": "organisations"}
SHEETS = {  # title: what stands over the headings, with its days; headings, with what they are read as
    "Table 2: Number of patients": (
        {JULY[0]: (JULY[0], JULY[0]), JULY[1]: (JULY[1], JULY[1])},
        {"Number of patients discharged": "discharged",
         "Number of patients remaining in hospital who no longer meet the criteria to reside": "remaining_in_hospital"},
    ),
    "Table 3: Number of additional days": (
        {"w/c 26/06/2023 (daily snapshot)": (date(2023, 6, 26), date(2023, 7, 2)),
         "w/c 03/07/2023 (daily snapshot)": (date(2023, 7, 3), date(2023, 7, 9))},
        {"Number of additional bed days, patients with length of stay of 14+ days": "additional_bed_days.over_14_days",
         "Number of additional bed days, patients with length of stay of 21+ days": "additional_bed_days.over_21_days"},
    ),
    "Table 4: Month total": (
        {"Total number of patients discharged": JULY},
        {"P0 - Other, no new support need": "discharged_to.p0_other",
         "P3 - Care Home\n(new admission, likely permanent)": "discharged_to.p3_care_home_new"},
    ),
    "Table 5: Weekly snapshot average": (
        {"": JULY},
        {"Awaiting Diagnostic test": "delayed_by.diagnostic_test", "No Plan": "delayed_by.no_plan"},
    ),
}  # fmt: skip
HEADINGS = {heading for _, headings in SHEETS.values() for heading in headings}
Key = tuple[str, str, date, date]


def figure(table: int, code: int, column: int) -> int:
    """A figure that says where it belongs."""
    return 1000 * (table + 1) + 100 * (code + 1) + column


EXPECTED: dict[Key, float | None] = {
    (code, measure, first, last): figure(table, c, n)
    for table, (over, headings) in enumerate(SHEETS.values()) for c, code in enumerate(CODES)
    for n, ((first, last), measure) in enumerate((d, m) for d in over.values() for m in headings.values())
}  # fmt: skip


def community(path: Path, change: Callable[[Workbook], None] = lambda book: None) -> Reading:
    """A cover, and four tables: a board above its two trusts."""
    book = openpyxl.Workbook()
    book.active.append(["", "Title:", "Community Discharge Situation Report "])
    book.active.append(["", "Period:", JULY[0], "-", JULY[1]])
    for table, (title, (over, headings)) in enumerate(SHEETS.items()):
        sheet = book.create_sheet(title.partition(":")[0])
        width = len(over) * len(headings)
        sheet.append(["", title])
        sheet.append(["", "", "", "", *(cell for entry in over for cell in (entry, *[""] * (len(headings) - 1)))])
        sheet.append(["", "Notes: 1. Due to disclosure risks", "", "", *list(headings) * len(over)])
        sheet.append(["", "", "", "ENGLAND", *[9] * width])
        for name, kind in (("ICB", "boards"), ("Org", "organisations")):
            sheet.append(["", "Region", f"{name} Code", f"{name} Name"])
            for c, code in enumerate(CODES):
                if CODES[code] == kind:
                    sheet.append(["", "MIDLANDS", code, f"Name {code}", *(figure(table, c, n) for n in range(width))])
    change(book)
    book.save(path)
    return read_file(path)


def values(reading: Reading) -> dict[Key, float | None]:
    """What core would use, by organisation, measure and days."""
    found: dict[Key, float | None] = {}
    for row in reading.tables["nhs_discharges_community"].to_pylist() if reading.tables else ():
        read = row["reading"]
        if row["is_quarantined"] or read["measure"] is None or read["first_day"] is None:
            continue
        key = (read["organisation_code"], read["measure"], read["first_day"], read["last_day"])
        assert key not in found, f"{key} is there twice"
        found[key] = read["value"]
    return found


def test_days_weeks_and_months_are_told_apart(tmp_path):
    reading = community(tmp_path / "a.xlsx")
    assert values(reading) == EXPECTED
    assert reading.identity.period == "2023-07"  # not June, in which the first week begins
    assert {f.rule for f in reading.findings} == {"sheet_not_read"}  # the cover


@pytest.mark.parametrize(
    ("text", "first"),
    [("w/c 01/04/2022 (daily snapshot)", date(2022, 4, 1)), ("W/C 3 July 2023", date(2023, 7, 3))],
)
def test_a_week_by_the_day_on_which_it_begins(text, first):
    assert read_days(text) == (first, first + timedelta(days=6))


@pytest.mark.parametrize("text", ["w/c July 2023", "w/c 31/02/2022", "w/c"])
def test_what_is_no_week(text):
    assert read_days(text) is None


def test_a_month_without_a_name_is_that_of_the_days_where_the_cover_says_another(tmp_path):
    def misdated(book: Workbook) -> None:
        book.worksheets[0]["C2"], book.worksheets[0]["E2"] = date(2023, 6, 1), date(2023, 6, 30)

    reading = community(tmp_path / "a.xlsx", misdated)
    assert values(reading) == EXPECTED
    assert "period_differs" in {f.rule for f in reading.findings}


def test_a_table_that_is_not_there_is_missed(tmp_path):
    reading = community(tmp_path / "a.xlsx", lambda book: book.remove(book["Table 5"]))
    assert [f.message for f in reading.findings if f.severity == "warning"] == [
        "No sheet has the title “table 5:”, which is expected"
    ]
    assert values(reading) == {key: value for key, value in EXPECTED.items() if not key[1].startswith("delayed_by")}


REPORTED = {"unknown_column", "layout_not_known", "missing_column", "duplicate_line", "row_without_code",
            "unknown_period"}  # fmt: skip


def disturb(book: Workbook, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 5)):
        sheet: Worksheet = chance.choice(book.worksheets)
        what = chance.choice(["row above", "column left", "column right", "rename", "note", "day", "drop", "move"])
        heads = [cell for row in sheet for cell in row if cell.value in HEADINGS]
        if what == "drop" and len(book.worksheets) > 2:
            book.remove(sheet)
        elif what == "move":
            book.move_sheet(sheet, chance.randint(-2, 2))
        elif not heads:
            continue
        elif what == "row above":
            sheet.insert_rows(chance.randint(1, heads[0].row - 1), chance.randint(1, 3))
        elif what == "column left":
            sheet.insert_cols(chance.randint(1, 3))
        elif what == "column right":
            sheet.insert_cols(chance.randint(heads[0].column, sheet.max_column))
        elif what == "rename":
            chance.choice(heads).value = "Renamed"
        elif what == "note":
            row = chance.randint(heads[0].row + 1, sheet.max_row)
            sheet.insert_rows(row)
            sheet.cell(row, 2).value = "The trusts below were late"
        elif what == "day":
            over = [c for c in sheet[heads[0].row - 1] if c.value and c.column >= heads[0].column]
            if over:
                chance.choice(over).value = "n/a"


@pytest.mark.parametrize("seed", range(80))
def test_what_is_read_is_right_or_reported(tmp_path, seed):
    reading = community(tmp_path / "a.xlsx", lambda book: disturb(book, random.Random(seed)))
    found = values(reading)
    assert {key: EXPECTED.get(key) for key in found} == found, "a value is read that never stood there"
    if found != EXPECTED:
        assert REPORTED & {finding.rule for finding in reading.findings} or reading.is_refused
