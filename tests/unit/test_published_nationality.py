"""A published count of staff whose publisher heads neither codes nor names: the real one, and small ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from llr_pipeline.reading import read_file
from llr_pipeline.returns import Reading

GROUPS, STAFF = ("EU", "UK"), ("All staff", "HCHS doctors", "Nurses & health visitors", "Other staff")
READ = {"EU": "eu", "UK": "uk", "All staff": "all", "HCHS doctors": "doctors",
        "Nurses & health visitors": "nurses_health_visitors", "Other staff": "other"}  # fmt: skip
ORGANISATIONS = {"RWE": "University Hospitals of Leicester", "RT5": "Leicestershire Partnership", "04C": "A CCG"}
TITLE = "HCHS staff with an EU nationality1 or UK nationality2, as at 30 September 2016, headcount"
Key = tuple[str, str, str]


def figure(organisation: int, group: int, staff: int) -> int:
    """A figure that says where it belongs."""
    return 100 * (organisation + 1) + 10 * group + staff


EXPECTED = {
    (code, READ[group], READ[staff]): figure(n, g, s)
    for n, code in enumerate(ORGANISATIONS) for g, group in enumerate(GROUPS) for s, staff in enumerate(STAFF)
}  # fmt: skip


def small(path: Path, change: Callable[[Worksheet], None] = lambda sheet: None) -> Reading:
    """A region and its three organisations; England above, which is not their sum; a note below."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([TITLE])
    sheet.append([])
    sheet.append(["NHS Trusts and CCGs, as at 30 September 2016"])
    sheet.append(["", "", "", "EU", "", "", "", "UK"])
    sheet.append(["", "", "", *STAFF, *STAFF])
    sheet.append(["England", "", "", *[7] * 8])
    sheet.append([])
    sheet.append(["Health Education East Midlands", "", "", *[5] * 8])
    for n, (code, name) in enumerate(ORGANISATIONS.items()):
        sheet.append(["", name, code, *(figure(n, g, s) for g in range(2) for s in range(4))])
    sheet.append([])
    sheet.append(["' - ' denotes zero."])
    change(sheet)
    book.save(path)
    return read_file(path)


def headcounts(reading: Reading) -> dict[Key, float | None]:
    found: dict[Key, float | None] = {}
    for row in reading.tables["nhs_nationality"].to_pylist() if reading.tables else ():
        read = row["reading"]
        key = (read["organisation_code"], read["nationality"], read["staff_group"])
        if not row["is_quarantined"]:
            assert key not in found, f"{key} is there twice"
            found[key] = read["headcount"]
    return found


def test_codes_without_a_heading_are_found(tmp_path):
    reading = small(tmp_path / "a.xlsx")
    assert headcounts(reading) == EXPECTED
    assert (reading.identity.template, reading.identity.period) == ("nhs_nationality", "2016-09")
    assert [(f.rule, f.message) for f in reading.findings] == [
        ("row_not_read", "Rows 6 and 8: no code, so they are totals, and not read")
    ]
    rows = reading.tables["nhs_nationality"].to_pylist()
    names = {row["organisation_code"]: row["organisation_name"] for row in rows}
    assert names == ORGANISATIONS


def test_the_day_is_the_one_behind_its_words(tmp_path):
    def publish(sheet: Worksheet) -> None:
        sheet["A2"] = "Published 24 January 2017"

    assert small(tmp_path / "a.xlsx", publish).identity.period == "2016-09"


def test_without_its_day_the_file_is_refused(tmp_path):
    def undated(sheet: Worksheet) -> None:
        sheet["A1"] = sheet["A3"] = "NHS Trusts and CCGs"

    reading = small(tmp_path / "a.xlsx", undated)
    assert [f.message for f in reading.findings if f.severity == "error"] == [
        "The title block gives no day behind “as at ”"
    ]
    assert reading.is_refused


def test_a_dash_is_nobody_as_the_publisher_says(tmp_path):
    def dash(sheet: Worksheet) -> None:
        sheet["D9"] = " - "

    assert headcounts(small(tmp_path / "a.xlsx", dash)) == EXPECTED | {("RWE", "eu", "all"): 0}


REPORTED = {"unknown_column", "missing_column", "row_without_code", "row_not_read", "not_a_return"}


def disturb(sheet: Worksheet, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 4)):
        what = chance.choice(["row above", "column left", "rename", "extra", "note", "code", "helper", "drop"])
        head = next((cell.row for row in sheet for cell in row if cell.value in STAFF), 5)
        if what == "row above":
            sheet.insert_rows(chance.randint(1, head - 2), chance.randint(1, 4))
        elif what == "column left":
            sheet.insert_cols(1, chance.randint(1, 3))
        elif what == "rename":
            chance.choice([cell for cell in sheet[head] if cell.value]).value = "Renamed"
        elif what == "extra":
            sheet.insert_cols(chance.choice([cell.column for cell in sheet[head] if cell.value]))
        elif what == "note":
            row = chance.randint(head + 1, sheet.max_row)
            sheet.insert_rows(row)
            sheet.cell(row, 1).value = "The trusts below were late"
        elif what == "code":
            codes = [cell for row in sheet for cell in row if cell.value in ORGANISATIONS]
            chance.choice(codes or [sheet["A1"]]).value = "see note"
        elif what == "helper":
            row = chance.randint(head + 1, sheet.max_row)
            sheet.insert_rows(row)
            for place in range(4, sheet.max_column + 1):
                sheet.cell(row, place).value = place
        elif what == "drop":
            sheet.delete_rows(chance.randint(head + 1, sheet.max_row))


@pytest.mark.parametrize("seed", range(60))
def test_what_is_read_is_right_or_reported(tmp_path, seed):
    taken: list[str] = []

    def change(sheet: Worksheet) -> None:
        disturb(sheet, random.Random(seed))
        there = {cell.value for row in sheet for cell in row}
        taken.extend(code for code in ORGANISATIONS if code not in there)

    reading = small(tmp_path / "a.xlsx", change)
    found = headcounts(reading)
    assert {key: EXPECTED.get(key) for key in found} == found, "a value is read that never stood there"
    if {key for key in EXPECTED if key[0] not in taken} - set(found):
        assert REPORTED & {finding.rule for finding in reading.findings}


# -- the real file


@pytest.fixture(scope="module")
def published(shared: Path) -> tuple[Path, Reading]:
    path = next((shared / "data" / "nhs" / "workforce").glob("EU_and_UK*"))
    return path, read_file(path)


def test_every_figure_of_september_2016_stands_where_it_is_read(published):
    """Another reader, by fixed places: code in column C, figures in D to K, from row 9 on."""
    path, reading = published
    sheet = openpyxl.load_workbook(path, read_only=True).active
    heads = [(READ[group], READ[staff]) for group in GROUPS for staff in STAFF]
    printed = {
        (row[2], *head): number
        for row in sheet.iter_rows(min_row=9, max_row=467, values_only=True) if row[2]
        for head, number in zip(heads, row[3:11], strict=True)
    }  # fmt: skip
    assert headcounts(reading) == printed
    assert len(printed) == 435 * 8
    assert (printed["RT5", "eu", "all"], printed["RT5", "uk", "all"]) == (108, 4649)
    assert [f.severity for f in reading.findings] == ["note"]
