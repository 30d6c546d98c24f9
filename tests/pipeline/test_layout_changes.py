"""What was new in one file's layout, held against the file before: workbooks as publishers change them, really read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import openpyxl
import pytest

from llr_pipeline.intake import take_in
from llr_pipeline.paths import SQL, Home
from llr_pipeline.raw_tables import create_tables
from llr_pipeline.tables import load_reference
from llr_pipeline.warehouse import opened

TITLE = "Daily Hospital Situation Report - General and Acute Beds"
CLOSURES = "Daily Hospital Situation Report - A&E Closures"


def winter(path: Path, first: date, sheets: Mapping[str, Sequence[str]], *, above: int = 0) -> None:
    """Two trusts, two days, the headings given by sheet; a sheet without headings has one measure, A&E closures."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    days = [first, first + timedelta(days=1)]
    for name, headings in sheets.items():
        sheet = book.create_sheet(name)
        for _ in range(above):
            sheet.append(["", "corrected"])
        if name.startswith("Notes"):
            sheet.append(["", "about the figures"])
            continue
        sheet.append(["", "Title:", TITLE if headings else CLOSURES])
        if headings:
            sheet.append(["", "", "", *(cell for day in days for cell in (day, *[""] * (len(headings) - 1)))])
            sheet.append(["", "Code", "Name", *headings, *headings])
        else:
            sheet.append(["", "Code", "Name", *days])
        for n, code in enumerate(("RWE", "RX1")):
            sheet.append(["", code, code, *(10 * n + k for k in range(len(days) * max(len(headings), 1)))])
    book.save(path)


def changes_in(connection: duckdb.DuckDBPyConnection, home: Home) -> duckdb.DuckDBPyConnection:
    """Take in what waits, and make the table."""
    create_tables(connection)
    load_reference(connection, run_id="test")
    take_in(connection, home, run_id="test")
    select = (SQL / "mart" / "layout_changes.sql").read_text(encoding="utf-8")
    connection.execute(f"create or replace table mart.layout_changes as {select}")
    return connection


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Three winters: the second changes its layout, the third keeps it."""
    home = Home(tmp_path_factory.mktemp("layouts")).create()
    later = {"G&A beds ": ["Core Beds Open", "Escalation Beds Open", "Virtual beds"], "Notes 2": []}
    first = {"G&A beds": ["Core beds avail", "Total beds occ'd"], "A&E closures": []}
    winter(home.inbox / "first.xlsx", date(2016, 12, 1), first)
    winter(home.inbox / "second.xlsx", date(2017, 12, 1), later, above=2)
    winter(home.inbox / "third.xlsx", date(2018, 12, 1), later, above=2)
    with opened(home) as connection:
        yield changes_in(connection, home)


def test_every_change_is_said_once_and_with_its_place(made: duckdb.DuckDBPyConnection):
    """Renamed, new, not known and absent headings, a sheet that is gone, a sheet that is new, lines moved by two."""
    found = made.execute(
        "select change, trim(sheet), cell, before, after from mart.layout_changes where file_name = 'second.xlsx'"
    ).fetchall()
    assert len(found) == 7
    assert set(found) == {
        ("heading_renamed", "G&A beds", "D5", "Core beds avail", "Core Beds Open"),
        ("measure_new", "G&A beds", "E5", None, "Escalation Beds Open"),
        ("measure_absent", "G&A beds", None, "Total beds occ'd", None),
        ("measure_absent", "A&E closures", None, None, None),
        ("heading_unknown", "G&A beds", "F5", None, "Virtual beds"),
        ("rows_moved", "G&A beds", None, "line 4", "line 6"),
        ("sheet_not_read", "Notes 2", None, None, "Notes 2"),
    }


def test_each_file_is_held_against_the_one_before_and_names_its_contract(made: duckdb.DuckDBPyConnection):
    found = made.execute("select distinct file_name, previous_file, contract from mart.layout_changes").fetchall()
    assert found == [("second.xlsx", "first.xlsx", "sql/raw/nhs_sitrep.toml")]  # the third is as the second


def test_every_kind_of_change_says_what_was_done_and_what_to_do(made: duckdb.DuckDBPyConnection):
    kinds = {kind for (kind,) in made.execute("select change from reference.layout_changes").fetchall()}
    assert {kind for (kind,) in made.execute("select change from mart.layout_changes").fetchall()} <= kinds


def test_headings_that_moved_between_two_months_that_were_published(shared: Path, home: Home):
    """June 2022 has its headings in row 4 and July in row 5: both blocks of rows begin a line lower."""
    for month in ("june", "july"):
        shutil.copy(shared / "data" / "nhs" / "discharge" / f"acute_{month}2022.xlsx", home.inbox)
    with opened(home) as connection:
        found = changes_in(connection, home).execute(
            "select subject, before, after from mart.layout_changes where period = '2022-07' order by subject"
        )
        assert found.fetchall() == [("boards", "line 15", "line 16"), ("organisations", "line 59", "line 60")]
