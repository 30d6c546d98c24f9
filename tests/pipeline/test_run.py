"""Whole runs: the sample from workbooks to the published file, what a second run does, and what a failed one leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from llr_pipeline.archive import waiting
from llr_pipeline.paths import Home
from llr_pipeline.running import Outcome, run_everything
from llr_pipeline.warehouse import HomeLocked, locked
from tests.pipeline.test_intake import write_beds


def run(home: Home) -> Outcome:
    return run_everything(home, report=lambda message, done, steps: None)


@pytest.fixture
def copied(sample_home: Home, home: Home) -> Home:
    """A home of one's own in which the sample has been run."""
    shutil.copytree(sample_home.root, home.root, dirs_exist_ok=True)
    return home


def table_hashes(path: Path) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every table but the record of builds, doubles to six decimals."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where table_name not in ('table_builds', 'schema_migrations')"
        ).fetchall()
        found = {}
        for (name,) in names:
            columns = connection.execute(f"describe {name}").fetchall()
            parts = [f'round("{c}", 6)' if kind == "DOUBLE" else f'"{c}"' for c, kind, *_ in columns]
            query = f"select count(*), coalesce(bit_xor(hash({', '.join(parts)})), 0) from {name}"
            found[name] = connection.execute(query).fetchone()
    return found


# Published: press release of 21 November 2016 (reference.published_figures); 16.309% of 233 is 38.
PUBLISHED_BEDS = {
    ("stp_acute", "2015/16"): 1940,
    ("stp_acute", "2020/21"): 1697,
    ("stp_community", "2015/16"): 233,
    ("stp_community", "2020/21"): 195,
}


def test_submitted_beds_equal_the_published_figures(published: duckdb.DuckDBPyConnection) -> None:
    rows = published.execute(
        "select bed_definition, financial_year, sum(available_beds) from core.beds_current "
        "where round = '2016-11' and bed_definition in ('stp_acute', 'stp_community') "
        "and financial_year in ('2015/16', '2020/21') group by all"
    ).fetchall()
    assert {(definition, year): round(beds, 6) for definition, year, beds in rows} == PUBLISHED_BEDS


def test_the_trajectories_hold_the_same_beds(published: duckdb.DuckDBPyConnection) -> None:
    rows = published.execute(
        "select bed_definition, financial_year, planned_beds from mart.bed_capacity_totals where round = '2016-11' "
        "and method = 'submitted' and area = 'system' and financial_year in ('2015/16', '2020/21') "
        "and bed_definition in ('stp_acute', 'stp_community')"
    ).fetchall()
    assert {(definition, year): round(beds, 6) for definition, year, beds in rows} == PUBLISHED_BEDS


def test_closing_sites_reach_zero_and_hinckley_is_halved(published: duckdb.DuckDBPyConnection) -> None:
    rows = dict(
        published.execute(
            "select site_name, max(available) filter (where financial_year = '2020/21') "
            "/ max(available) filter (where financial_year = '2015/16') from (select site_code, financial_year, "
            "sum(available_beds) as available from core.beds_current where round = '2016-11' and bed_definition in "
            "('stp_acute', 'stp_community') group by all) join reference.sites using (site_code) group by all"
        ).fetchall()
    )
    assert [share for name, share in rows.items() if "General" in name] == [0]
    assert [share for name, share in rows.items() if "Feilding" in name or "Rutland" in name] == [0, 0]
    assert [share for name, share in rows.items() if "Hinckley" in name] == [0.5]


def test_published_gaps_income_capital_and_staff_are_the_sums_of_the_returns(
    published: duckdb.DuckDBPyConnection,
) -> None:
    gaps = published.execute(
        "select round, scope, sum(if(flow = 'cost', amount_gbp, -amount_gbp)) from core.income_expenditure_current "
        "where scenario = 'do_nothing' and financial_year = '2020/21' group by all order by all"
    ).fetchall()
    million = 1_000_000
    assert gaps[0] == ("2016-10", "local_authority", 70 * million)
    assert gaps[1] == ("2016-10", "nhs", 450 * million)
    assert gaps[3] == ("2016-11", "nhs", 399_300_000)
    income = published.execute(
        "select financial_year, sum(amount_gbp) from core.income_expenditure_current where round = '2016-11' "
        "and scope = 'nhs' and scenario = 'do_nothing' and category in ('allocation', 'other_income') "
        "and financial_year in ('2015/16', '2020/21') group by all order by all"
    ).fetchall()
    assert income == [("2015/16", 1_600 * million), ("2020/21", 1_800 * million)]
    capital = published.execute(
        "select sum(amount_gbp), sum(amount_gbp) filter (where source = 'external') "
        "from core.capital_current where round = '2016-11'"
    ).fetchone()
    assert capital == (350 * million, 250 * million)
    staff = published.execute(
        "select setting, financial_year, round(sum(wte), 6) from core.workforce_current where round = '2016-11' "
        "and setting in ('acute', 'community') and financial_year in ('2015/16', '2020/21') group by all order by all"
    ).fetchall()
    assert [wte for setting, _, wte in staff if setting == "community"] == [2271, 2505]
    acute = [wte for setting, _, wte in staff if setting == "acute"]
    assert acute[1] - acute[0] == -1500


def test_every_figure_of_the_sample_is_marked_illustrative(published: duckdb.DuckDBPyConnection) -> None:
    names = published.execute(
        "select schema_name || '.' || table_name from duckdb_columns() where column_name = 'is_illustrative'"
    ).fetchall()
    assert len(names) >= 15
    for (name,) in names:
        own = "verdict like 'equals %'" if name == "report.headlines" else "false"  # what equals a published figure
        query = f"select count(*) from {name} where not is_illustrative and not ({own})"
        assert published.execute(query).fetchone() == (0,), name


def test_a_figure_leads_back_to_its_cell(published: duckdb.DuckDBPyConnection, sample_home: Home) -> None:
    import openpyxl

    beds, sheet, cell, sha256 = published.execute(
        "select available_beds, sheet, available_cell, sha256 from core.beds_current "
        "join raw.submissions using (submission_id) where round = '2016-11' and site_code = 'RWEAA' "
        "and sector = 'adult_general_acute' and bed_definition = 'stp_acute' and financial_year = '2020/21'"
    ).fetchone()
    book = openpyxl.load_workbook(sample_home.archive / sha256[:2] / f"{sha256}.xlsx", data_only=True)
    assert book[sheet][cell].value == beds


def test_a_second_run_opens_no_workbook_and_gives_the_same_tables(copied: Home) -> None:
    before = table_hashes(copied.published)
    outcome = run(copied)
    assert outcome.succeeded
    assert outcome.intake["workbooks_opened"] == 0
    assert table_hashes(copied.published) == before


def test_a_failed_run_leaves_the_published_file_and_says_why(copied: Home) -> None:
    before = copied.published.read_bytes()
    with duckdb.connect(str(copied.warehouse)) as connection:  # a bed that is in no workbook
        connection.execute(
            "update raw.beds set reading = struct_update(reading, beds := reading.beds + 1) "
            "where reading.measure = 'available'"
        )
    outcome = run(copied)
    assert not outcome.succeeded
    assert len(outcome.failures) == 1, outcome.failures
    ((step, why),) = outcome.failures
    assert (step, why.split()[0]) == ("core.beds", "equals_the_totals_in_the_workbooks")
    assert copied.published.read_bytes() == before


def test_one_run_at_a_time_and_the_second_is_told_who_holds_the_home(home: Home) -> None:
    with locked(home, who="run 1234"), pytest.raises(HomeLocked, match=f"run 1234.*process {os.getpid()}"):
        run(home)
    assert not home.warehouse.exists()


def test_the_published_file_is_read_while_a_run_writes(copied: Home) -> None:
    write_beds(copied.inbox / "beds.xlsx", 100)
    with duckdb.connect(str(copied.published), read_only=True) as reader:
        before = reader.execute("select sum(available_beds) from core.beds_current").fetchone()
        process = subprocess.Popen([sys.executable, "-m", "llr_pipeline.cli", "run"], stdout=subprocess.DEVNULL)
        reads = 0
        while process.poll() is None:
            assert reader.execute("select sum(available_beds) from core.beds_current").fetchone() == before
            reads += 1
            time.sleep(0.01)
        assert process.returncode == 0
        assert reads > 50
    with duckdb.connect(str(copied.published), read_only=True) as reader:
        assert reader.execute("select sum(available_beds) from core.beds_current").fetchone() != before


def test_a_run_killed_in_the_middle_is_finished_by_the_next(copied: Home) -> None:
    write_beds(copied.inbox / "beds.xlsx", 100)
    before = copied.published.read_bytes()
    process = subprocess.Popen([sys.executable, "-m", "llr_pipeline.cli", "run"], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "core.capital" in line:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    assert copied.published.read_bytes() == before
    outcome = run(copied)
    assert outcome.succeeded
    assert waiting(copied) == []
    with duckdb.connect(str(copied.published), read_only=True) as reader:
        rows = reader.execute(
            "select distinct available_beds from core.beds_current "
            "where round = '2016-11' and organisation_code = 'RWE'"
        )
        assert rows.fetchall() == [(100.0,)]


def test_the_kh03_workbook_as_published(home: Home, shared: Path) -> None:
    """Reference values: the README beside the file; 1,453.67 available and 984.47 occupied."""
    for path in (shared / "data" / "nhs" / "kh03").glob("*.xlsx"):
        shutil.copy(path, home.inbox)
    assert run(home).succeeded
    with duckdb.connect(str(home.published), read_only=True) as reader:
        row = reader.execute(
            "select round(available_beds, 2), round(occupied_beds, 2), bed_definition, "
            "strftime(revised_on, '%Y-%m-%d') from core.nhs_beds_current "
            "where organisation_code = 'RWE' and quarter = '2020/21 Q1' and sector = 'general_acute'"
        ).fetchone()
        trusts = reader.execute("select count(distinct organisation_code) from core.nhs_beds_current").fetchone()
    assert row == (1453.67, 984.47, "kh03_general_acute", "2020-11-19")
    assert trusts == (195,)  # rows 18 to 212 of the sheet
