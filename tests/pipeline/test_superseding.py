"""Publications of the same days: of each figure the newest counts, and none is lost, whatever order files come in.

Each case has a winter of its own, so that one intake takes them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import openpyxl
import pytest

from llr_pipeline.contracts import contracts
from llr_pipeline.intake import take_in
from llr_pipeline.paths import Home
from llr_pipeline.raw_tables import create_tables
from llr_pipeline.repair import Request
from llr_pipeline.tables import build_table
from llr_pipeline.warehouse import opened

BEDS = "Daily Hospital Situation Report - General and Acute Beds"
AE = "Period,Org Code,Parent Org,Org name,A&E attendances Type 1,Attendances over 4hrs Type 1\n"


@dataclass(frozen=True)
class File:
    """A winter report: so many beds open in each organisation on each of these days of its winter."""

    name: str
    beds: float | str
    days: range
    published: date
    revised: date | None = None
    codes: tuple[str, ...] = ("RWE", "RT5")


DECEMBER = [date(2016, 12, day) for day in range(1, 32)]
CASES = {  # the files of a case, in the order in which they are made
    "shorter": (File("long", 20, range(5), DECEMBER[8]), File("short", 30, range(2), DECEMBER[15])),
    "longer": (File("old", 20, range(2), DECEMBER[2]), File("new", 30, range(5), DECEMBER[8])),
    "together": (
        File("both", 10, range(4), DECEMBER[8]),
        File("begin", 20, range(2), DECEMBER[15]),
        File("end", 30, range(2, 4), DECEMBER[16]),
    ),
    "extract": (
        File("england", 20, range(2), DECEMBER[8]),
        File("extract", 30, range(2), DECEMBER[15], codes=("RWE",)),
    ),
    "revision": (
        File("first", 20, range(2), DECEMBER[8]),
        File("revised", 30, range(2), DECEMBER[8], revised=date(2017, 2, 1), codes=("RWE",)),
    ),
    "dash": (File("told", 20, range(2), DECEMBER[2]), File("dashed", "-", range(1), DECEMBER[8])),
    "withdrawn": (File("right", 20, range(2), DECEMBER[2]), File("wrong", 30, range(5), DECEMBER[8])),
}
ORDERS = {"in order": 1, "reversed": -1}
WINTERS = {(case, order): number for number, (case, order) in enumerate((c, o) for c in CASES for o in ORDERS)}


def first_day(case: str, order: str) -> date:
    return date(2012, 1, 1) + timedelta(days=20 * WINTERS[case, order])


def write(path: Path, file: File, first: date) -> None:
    days = [first + timedelta(days=n) for n in file.days]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["", "Title:", BEDS])
    sheet.append(["", "Published:", file.published])
    sheet.append(["", "Revised:", file.revised])
    sheet.append(["", "", "", *days])
    sheet.append(["", "Code", "Name", *["Total Beds Open"] * len(days)])
    for code in file.codes:
        sheet.append(["", code, f"Trust {code}", *[file.beds] * len(days)])
    book.save(path)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A home into which every case has come, in both orders: an inbox is taken in by name."""
    home = Home(tmp_path_factory.mktemp("home")).create()
    for (case, order), winter in WINTERS.items():
        for number, file in enumerate(CASES[case][:: ORDERS[order]]):
            write(home.inbox / f"{winter:02}{number} {file.name}.xlsx", file, first_day(case, order))
    for name, attendances in (("a first.csv", 100), ("b second.csv", 110)):
        (home.inbox / name).write_text(f"{AE}MSitAE-APRIL-2024,RWE,MIDLANDS,UHL,{attendances},10\n")
    with opened(home) as made:
        create_tables(made)
        assert not take_in(made, home, run_id="test").refused
        wrong = made.execute("select submission_id from raw.submissions where file_name like '% wrong.xlsx'").fetchall()
        take_in(made, home, run_id="test", request=Request(withdraw=tuple(one for (one,) in wrong)))
        for table in ("core.nhs_sitrep", "core.nhs_emergency"):
            build_table(made, contracts()[table], run_id="test")
        yield made


@pytest.fixture(params=ORDERS)
def order(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def statuses(connection: duckdb.DuckDBPyConnection, order: str):
    """What became of each file of a case."""

    def find(case: str) -> Mapping[str, str]:
        rows = connection.execute(
            "select file_name[5:-6], status from raw.submissions where starts_with(file_name, ?)",
            [f"{WINTERS[case, order]:02}"],
        )
        return dict(rows.fetchall())

    return find


@pytest.fixture
def open_beds(connection: duckdb.DuckDBPyConnection, order: str):
    """The beds open on each day of a case, as analysts see them."""

    def find(case: str, code: str = "RWE") -> list[float | None]:
        first = first_day(case, order)
        rows = connection.execute(
            "select value from core.nhs_sitrep_current where organisation_code = ? and date between ? and ? "
            "order by date",
            [code, first, first + timedelta(days=19)],
        )
        return [value for (value,) in rows.fetchall()]

    return find


@pytest.fixture
def said(connection: duckdb.DuckDBPyConnection, order: str):
    def find(case: str) -> list[tuple[str, str, str]]:
        rows = connection.execute(
            r"select file_name[5:-6], rule, regexp_replace(message, '“\d+ ', '“') from raw.findings "
            "where starts_with(file_name, ?) and rule in ('older_return', 'overlapping_publication')",
            [f"{WINTERS[case, order]:02}"],
        )
        return rows.fetchall()

    return find


def test_a_shorter_later_file_replaces_its_own_days_alone(statuses, open_beds, said, order):
    """Five days published on the 9th, two of them again on the 16th: 30 beds on those, 20 on the other three."""
    assert statuses("shorter") == {"long": "accepted", "short": "accepted"}
    assert open_beds("shorter") == [30, 30, 20, 20, 20]
    rule = "overlapping_publication"
    assert said("shorter") == [
        ("short", rule, "6 figures of “long.xlsx” are not in this file: they stay in use")
        if order == "in order"
        else ("long", rule, "6 figures of this file are not in “short.xlsx”, published later: they are in use")
    ]


def test_a_longer_later_file_replaces_the_shorter_one(statuses, open_beds, said, order):
    assert statuses("longer") == {"old": "superseded", "new": "accepted"}
    assert open_beds("longer") == [30] * 5
    late = ("old", "older_return", "Every figure of this file is in “new.xlsx”, published later, which counts")
    assert said("longer") == ([] if order == "in order" else [late])


def test_two_later_files_replace_the_one_that_they_hold_together(statuses, open_beds):
    assert statuses("together") == {"both": "superseded", "begin": "accepted", "end": "accepted"}
    assert open_beds("together") == [20, 20, 30, 30]


def test_an_extract_of_one_trust_leaves_the_others_in_use(statuses, open_beds):
    assert statuses("extract") == {"england": "accepted", "extract": "accepted"}
    assert (open_beds("extract"), open_beds("extract", "RT5")) == ([30, 30], [20, 20])


def test_a_revision_takes_the_place_of_what_it_leaves_out(statuses, open_beds):
    """It says that it is a revision and holds every day: a trust that it no longer names is gone."""
    assert statuses("revision") == {"first": "superseded", "revised": "accepted"}
    assert (open_beds("revision"), open_beds("revision", "RT5")) == ([30, 30], [])


def test_a_figure_that_a_newer_file_says_is_missing_is_missing(open_beds):
    """A dash is what was published last: the older figure is not put in its place."""
    assert open_beds("dash") == [None, 20]


def test_what_is_withdrawn_gives_back_what_it_replaced(statuses, open_beds):
    assert statuses("withdrawn") == {"right": "accepted", "wrong": "withdrawn"}
    assert open_beds("withdrawn") == [20, 20]


def test_of_files_that_do_not_say_when_they_were_published_the_last_to_arrive_counts(connection):
    found = connection.execute("select value from core.nhs_emergency_current where measure = 'attendances'").fetchall()
    assert found == [(110,)]
    found = connection.execute("select file_name, status from raw.submissions where file_name like '%.csv'").fetchall()
    assert found == [("a first.csv", "superseded"), ("b second.csv", "accepted")]
