"""Report workbooks, opened with openpyxl: numbers are numbers, words are words, and a sheet says what it is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook

from llr_pipeline.books import cell_of, sheet_names, write_book
from llr_pipeline.documents import MINUS, MISSING, Chart, Document, Table, frame_of
from llr_pipeline.look import figure

HOSTILE = ("=1+1", "+44 20", "-2", "@SUM(A1)", "=HYPERLINK(\"http://evil\")", "http://evil", "{=A1}")  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> Workbook:
    frame = pd.DataFrame(
        {
            "What": [*HOSTILE],
            "Beds": [1940.0, 12.5, None, 1, 2, 3, 4],
            "Share": ["12.5%", "100%", MISSING, f"{MINUS}3%", "0%", "1%", "2%"],
        }
    )
    tables = [
        Table("Counts", frame, ["Beds are whole."]),
        Table("Counts", pd.DataFrame({"A": ["x"]})),
        Table("=Odd [name] of: a sheet?", pd.DataFrame({"=B": ["=1"]})),
    ]
    drawn = figure([], title="Needs", subtitle=["Eight runs", "in ten."], width=400)
    chart = Chart(
        "needs", drawn, "Words.", frame_of([{"year": "2016/17", "beds": 90}], {"year": "Year", "beds": "Beds"})
    )
    document = Document(
        title="Report", summary="**=Bold** finding.\n\n- one", charts=[chart], tables=tables, notes=["Illustrative."],
        credits=["NHS England."],
    )  # fmt: skip
    write_book(tmp_path / "report.xlsx", document, run_id="run1", written="1 May 2026")
    return load_workbook(tmp_path / "report.xlsx")


def test_a_sheet_for_each_table_and_for_the_figures_of_each_chart(book):
    assert book.sheetnames == ["Contents", "Needs", "Counts", "Counts 2", "=Odd name of a sheet"]
    contents = [cell.value for cell in book["Contents"]["A"] if cell.value]
    assert contents == [
        "Report", "=Bold finding.", "- one", "Illustrative.", "NHS England.", "Run run1, 1 May 2026.", "Sheets",
        "Needs", "Counts", "Counts", "=Odd [name] of: a sheet?",
    ]  # fmt: skip
    links = [cell.hyperlink.location for cell in book["Contents"]["A"] if cell.hyperlink]
    assert links == ["'Needs'!A1", "'Counts'!A1", "'Counts 2'!A1", "'=Odd name of a sheet'!A1"]
    assert [cell.value for cell in book["Needs"]["A"]] == [
        "Needs", "The figures of the chart.", "Eight runs in ten.",
        "Report. NHS England. Run run1, 1 May 2026.", None, "Year", "2016/17",
    ]  # fmt: skip


def test_nothing_is_a_formula_or_leads_outside(book):
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    assert not [cell.coordinate for cell in cells if cell.hyperlink and cell.hyperlink.target]
    assert [cell.value for cell in book["Counts"]["A"]][5:] == list(HOSTILE)
    assert book["=Odd name of a sheet"]["A4"].value == "=B"


def test_numbers_are_numbers_with_their_format_and_what_is_missing_stays_a_dash(book):
    sheet = book["Counts"]
    assert [cell.value for cell in sheet["B"]][5:10] == [1940, 12.5, MISSING, 1, 2]
    assert [cell.number_format for cell in sheet["B"]][5:7] == ["#,##0", "#,##0.0"]
    assert [cell.value for cell in sheet["C"]][5:9] == [0.125, 1, MISSING, -0.03]
    assert [cell.number_format for cell in sheet["C"]][5:7] == ["0.0%", "0%"]


def test_a_sheet_is_set_up_to_be_read_and_printed(book):
    sheet = book["Counts"]
    assert sheet.freeze_panes == "B6"
    assert sheet.print_title_rows == "$5:$5"
    assert sheet.page_setup.orientation == "landscape"
    assert int(sheet.page_setup.paperSize) == 9  # A4
    assert "Run run1, 1 May 2026" in sheet.oddFooter.left.text
    assert sheet.column_dimensions["A"].width > len(HOSTILE[4])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,697", (1697, "#,##0")),
        ("12.50", (12.5, "#,##0.00")),
        (f"{MINUS}£3.4m", (-3.4, '"£"#,##0.0"m"')),
        ("12.5%", (0.125, "0.0%")),
        ("2015/16", ("2015/16", None)),
        ("=1", ("=1", None)),
        (MISSING, (MISSING, None)),
    ],
)
def test_a_number_that_is_text_is_a_number_again(text, expected):
    assert cell_of(text, text) == expected


def test_names_of_sheets_are_short_and_their_own():
    long = "Where beds are first too few under the plan"
    assert sheet_names([long, long, "a/b", "Contents", "?"]) == [
        "Where beds are first too few", "Where beds are first too 2", "a b", "Contents 2", "Table",
    ]  # fmt: skip
