"""Whole runs: the sample from workbooks to the published file, what a second run does, and what a failed one leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from llr_pipeline.as_at import gather, verdict
from llr_pipeline.automation import root_cause
from llr_pipeline.checks import run_checks
from llr_pipeline.contracts import contracts
from llr_pipeline.definitions import defs
from llr_pipeline.intake import take_in
from llr_pipeline.paths import PROJECT, Home
from llr_pipeline.running import Outcome, run_everything
from llr_pipeline.tables import build_table
from llr_pipeline.warehouse import HomeLocked, locked


def run(home: Home) -> Outcome:
    return run_everything(home, report=lambda message, done, steps: None)


@pytest.fixture
def copied(sample_home: Home, home: Home) -> Home:
    """A home of one's own in which the sample has been run."""
    shutil.copytree(sample_home.root, home.root, symlinks=True, dirs_exist_ok=True)
    return home


LISTS = tuple(contract.name for contract in contracts().values() if contract.is_list)
"""The reference tables that stand on no other table."""


def materialise(*wanted: str) -> str:
    """Run the chosen layers and tables alone, as the web interface does; returns what stopped it."""
    every = defs.resolve_asset_graph().get_all_asset_keys()
    chosen = [key for key in every if key.path[0] in wanted or ".".join(key.path) in wanted]
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(asset_selection=chosen, raise_on_error=False)
    errors = [root_cause(e.step_failure_data.error) for e in result.all_events if e.is_step_failure]
    ends = [e.job_failure_data for e in result.all_events if e.event_type_value == "PIPELINE_FAILURE"]
    errors += [root_cause(end.error) for end in ends if end and end.error]  # before any step: the home is held
    failed = [c for c in result.get_asset_check_evaluations() if not c.passed]
    return "\n".join([*errors, *(f"{c.check_name} {[v.value for v in c.metadata.values()]}" for c in failed)])


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


def builds(home: Home) -> dict[str, tuple]:
    """By table and document: when it was built, by which run, and what it holds."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        query = "select table_name, built_at, run_id, content from raw.table_builds"
        return {name: found for name, *found in connection.execute(query).fetchall()}


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


def test_a_run_with_nothing_new_leaves_everything_as_it_was(copied: Home) -> None:
    """Tables and documents stay those of the run that made them, and the published file is the same file."""
    published, reports = copied.published.stat().st_ino, {path.name for path in copied.reports.iterdir()}
    before = builds(copied)
    outcome = run(copied)
    assert outcome.succeeded
    assert outcome.intake["workbooks_opened"] == 0
    assert builds(copied) == before
    assert copied.published.stat().st_ino == published
    assert {path.name for path in copied.reports.iterdir()} == reports


def test_a_publication_is_regenerated_from_the_archive_to_every_figure(
    sample_home: Home, home: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In a home that has the files alone, as after a lost warehouse: the manifest's figures, and the same tables."""
    edition = json.loads((sample_home.published.parent / "manifest.json").read_text())["edition"]
    made, known = gather(sample_home, edition, tmp_path_factory.mktemp("again"))
    assert run(made).succeeded
    right, (said,) = verdict(made, known)
    assert right, said
    assert table_hashes(made.published) == table_hashes(sample_home.published)


def test_a_failed_run_leaves_the_published_file_and_says_why(small: Home) -> None:
    before = small.published.read_bytes()
    with duckdb.connect(str(small.warehouse)) as connection:  # a bed that is in no workbook
        connection.execute(
            "update raw.beds set reading = struct_update(reading, beds := reading.beds + 1) "
            "where reading.measure = 'available'"
        )
    outcome = run(small)
    assert not outcome.succeeded
    assert len(outcome.failures) == 1, outcome.failures
    ((step, why),) = outcome.failures
    assert (step, why.split()[0]) == ("core.beds", "equals_the_totals_in_the_workbooks")
    assert small.published.read_bytes() == before


def test_one_run_at_a_time_and_the_second_is_told_who_holds_the_home(home: Home) -> None:
    with locked(home, who="run 1234"), pytest.raises(HomeLocked, match=f"run 1234.*process {os.getpid()}"):
        run(home)
    assert not home.warehouse.exists()


def test_part_of_a_run_that_fails_its_check_is_not_published_by_another(small: Home) -> None:
    def add(number: int) -> None:
        with duckdb.connect(str(small.warehouse)) as connection:
            more = "update raw.beds set reading = struct_update(reading, beds := reading.beds + ?)"
            connection.execute(more, [number])

    before = small.published.read_bytes()
    add(1)  # beds that are in no workbook
    assert "equals_the_totals_in_the_workbooks" in materialise("raw", "core.beds")
    assert "these tables have not passed their checks: core.beds;" in materialise("published")
    assert small.published.read_bytes() == before
    add(-1)
    assert materialise("raw", "core.beds") == materialise("published") == ""
    assert small.published.read_bytes() != before


def test_a_contract_that_no_longer_fits_publishes_nothing_until_it_is_put_back(small: Home, tmp_path: Path) -> None:
    """A return that is in use, and that a new contract would refuse, stays in use."""
    chosen = ("raw", "core.beds", "published")
    before, tables = small.published.read_bytes(), table_hashes(small.published)

    changed = tmp_path / "changed"
    for name in ("llr_pipeline", "assets", "sql", "tests"):
        shutil.copytree(PROJECT / name, changed / name, ignore=shutil.ignore_patterns("__pycache__"))
    contract = changed / "sql" / "raw" / "beds.toml"
    column = '[sheets.beds.columns.funding]\nheader = "Funding"\nrequired = true\ndescription = "Who pays for them"\n\n'
    last = "[sheets.beds.columns.beds]\n"
    contract.write_text(contract.read_text().replace(last, column + last))
    script = f"from tests.pipeline.test_run import PROJECT, materialise; print(PROJECT, materialise(*{chosen}))"
    environment = {**os.environ, "PYTHONPATH": str(changed)}
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=changed, env=environment, capture_output=True, text=True, check=True)
    said = "every_return_in_use_can_be_read_again ['beds.xlsx: No column is headed “Funding”']"
    assert ended.stdout.startswith(str(changed))
    assert said in ended.stdout
    assert small.published.read_bytes() == before
    with duckdb.connect(str(small.warehouse), read_only=True) as warehouse:
        assert warehouse.execute("select status from raw.submissions").fetchall() == [("accepted",)]
        assert warehouse.execute("select sum(available_beds) from core.beds_current").fetchone() == (600.0,)  # 6 x 100
        assert warehouse.execute("select sum(reading.beds), count(funding) from raw.beds").fetchone() == (600.0, 0)
    refused = materialise("published")
    assert "these tables have not passed their checks: " in refused
    assert "raw.beds" in refused

    assert materialise(*chosen) == ""
    assert table_hashes(small.published) == tables


def test_the_kh03_workbook_as_published(connection: duckdb.DuckDBPyConnection, home: Home, shared: Path) -> None:
    """Reference values: the README beside the file; 1,453.67 available and 984.47 occupied."""
    for path in (shared / "data" / "nhs" / "kh03").glob("*.xlsx"):
        shutil.copy(path, home.inbox)
    assert not take_in(connection, home, run_id="test").refused
    contract = contracts()["core.nhs_beds"]
    build_table(connection, contract, run_id="test")
    assert all(result.passed for result in run_checks(connection, contract))
    row = connection.execute(
        "select round(available_beds, 2), round(occupied_beds, 2), bed_definition, "
        "strftime(revised_on, '%Y-%m-%d') from core.nhs_beds_current "
        "where organisation_code = 'RWE' and quarter = '2020/21 Q1' and sector = 'general_acute'"
    ).fetchone()
    trusts = connection.execute("select count(distinct organisation_code) from core.nhs_beds_current").fetchone()
    assert row == (1453.67, 984.47, "kh03_general_acute", "2020-11-19")
    assert trusts == (195,)  # rows 18 to 212 of the sheet
