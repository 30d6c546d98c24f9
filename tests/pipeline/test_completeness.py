"""Completeness: small registers whose rows are counted by hand, the sample's, and the report of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date

import dagster as dg
import duckdb
import pytest

from assets.completeness import TABLES, completeness, every_return_due_is_in_use
from llr_pipeline.checks import check_contract
from llr_pipeline.contracts import contracts
from llr_pipeline.documents import NUMERIC
from llr_pipeline.paths import SQL, Home
from llr_pipeline.raw_tables import create_tables
from llr_pipeline.reports import about, document_metadata, write_document
from llr_pipeline.tables import Warehouse, load_reference
from llr_pipeline.warehouse import SETTINGS, opened, prepare

NAMES = ("mart.return_completeness", "report.completeness")
# Owed each round: RWE 4, RT5 4, RX9 3, three CCGs 2 each, three councils 2 each, QK1 1: 4 + 4 + 3 + 6 + 6 + 1.
OWED_A_ROUND = 24
# Owed each month: RWE, RT5 and QK1.
OWED_A_MONTH = 3
YEARS_LATER = "2026-01-05"
REFUSED = {"refused_for": ("missing_sheet", "missing_column", "missing_column"), "status": "refused"}


@pytest.fixture(scope="module")
def reference() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=SETTINGS) as connection:
        prepare(connection)
        load_reference(connection, run_id="test")
        create_tables(connection)
        yield connection


@pytest.fixture
def connection(reference: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty register; what a test puts in is taken out again."""
    reference.begin()
    yield reference
    reference.rollback()


def arrive(
    connection: duckdb.DuckDBPyConnection, organisation: str | None, template: str | None, period: str | None,
    prepared_on: str | None = "2016-10-24", *, received_on: str = YEARS_LATER, status: str = "accepted",
    data_status: str = "returned", refused_for: tuple[str, ...] = (),
) -> str:  # fmt: skip
    """A line in the register, and the findings that refuse it; returns its id."""
    (number,) = connection.execute("select count(*) + 1 from raw.submissions").fetchone()
    line = {
        "submission_id": f"file-{number}", "arrival_number": number, "file_name": f"{number}.xlsx", "sha256": "0",
        "size_bytes": 1, "modified_ns": 1, "received_at": f"{received_on} 09:30", "template": template,
        "organisation_code": organisation, "period": period, "prepared_on": prepared_on, "data_status": data_status,
        "status": status, "value_count": 7, "error_count": len(refused_for), "warning_count": 2, "note_count": 3,
        "reader": "test",
    }  # fmt: skip
    places = ", ".join(["?"] * len(line))
    connection.execute(f"insert into raw.submissions ({', '.join(line)}) values ({places})", list(line.values()))
    for finding, rule in enumerate(refused_for, 1):
        connection.execute(
            "insert into raw.findings (submission_id, finding_number, file_name, rule, severity, message, remedy) "
            "values (?, ?, ?, ?, 'error', 'found', 'mend')",
            [line["submission_id"], finding, line["file_name"], rule],
        )
    return line["submission_id"]


def build(connection: duckdb.DuckDBPyConnection) -> None:
    """Both tables, which must keep their contracts."""
    for name in NAMES:
        select = (SQL / f"{name.replace('.', '/')}.sql").read_text(encoding="utf-8")
        connection.execute(f"create or replace table {name} as {select}")
        result = check_contract(connection, contracts()[name])
        assert result.passed, result.metadata


def look_up(connection: duckdb.DuckDBPyConnection, organisation: str, template: str, period: str, *columns: str):
    """These columns of a return; None where it has no row."""
    return connection.execute(
        f"select {', '.join(columns)} from mart.return_completeness "
        "where (organisation_code, template, period) = (?, ?, ?)",
        [organisation, template, period],
    ).fetchone()


def statuses(connection: duckdb.DuckDBPyConnection, where: str = "true") -> dict[str, int]:
    return dict(
        connection.execute(f"select status, count(*) from mart.return_completeness where {where} group by 1").fetchall()
    )


# what is owed and when it is missing


def test_before_anything_arrives_every_return_of_the_rounds_is_awaited(connection):
    build(connection)
    # two rounds of 24; no month before one is returned
    assert statuses(connection) == {"awaited": 2 * OWED_A_ROUND}
    assert statuses(connection, "frequency = 'month'") == {}


@pytest.mark.parametrize(
    ("arrived_on", "expected"),
    [
        # due on 31 October and on 21 November: the due day itself is in time
        ("2016-10-31", {"returned": 1, "awaited": 47}),
        ("2016-11-01", {"returned": 1, "missing": 23, "awaited": 24}),
        ("2016-11-22", {"returned": 1, "missing": 47}),
    ],
)
def test_a_return_is_missing_once_a_file_arrived_after_its_due_day(connection, arrived_on, expected):
    arrive(connection, "RWE", "beds", "2016-10", received_on=arrived_on)
    build(connection)
    assert statuses(connection) == expected


def test_late_goes_by_the_cover_and_not_by_the_day_of_arrival(connection):
    arrive(connection, "RWE", "beds", "2016-11", "2016-11-21")
    arrive(connection, "RT5", "beds", "2016-11", "2016-11-24", data_status="illustrative")
    build(connection)
    columns = ("status", "days_late", "is_illustrative")
    # due on 21 November 2016, both arrived in 2026
    assert look_up(connection, "RWE", "beds", "2016-11", *columns) == ("returned", 0, False)
    # 24 - 21 November
    assert look_up(connection, "RT5", "beds", "2016-11", *columns) == ("returned late", 3, True)
    assert look_up(connection, "RX9", "finance", "2016-11", *columns) == ("missing", None, None)


def test_a_correction_supersedes_and_a_copy_does_not_count(connection):
    arrive(connection, "RWE", "beds", "2016-10", "2016-10-20", status="superseded")
    second = arrive(connection, "RWE", "beds", "2016-10", "2016-11-02")
    arrive(connection, None, None, None, None, status="duplicate")
    build(connection)
    found = look_up(
        connection, "RWE", "beds", "2016-10", "submission_id", "status", "days_late", "prepared_on",
        "first_prepared_on", "versions_received", "superseded_count", "value_count", "error_count", "warning_count",
        "note_count",
    )  # fmt: skip
    # the return in use is of 2 November, two days after 31 October, though the first was in time
    assert found == (second, "returned late", 2, date(2016, 11, 2), date(2016, 10, 20), 2, 1, 7, 0, 2, 3)


def test_a_refused_return_is_neither_missing_nor_returned(connection):
    arrive(connection, "RWE", "beds", "2016-10", **REFUSED)
    # a finding that does not refuse is no reason
    arrive(connection, "RWE", "beds", "2016-10", status="refused", refused_for=("missing_sheet", "unknown_column"))
    arrive(connection, "RT5", "beds", "2016-10", **REFUSED)
    arrive(connection, "RT5", "beds", "2016-10")
    build(connection)
    columns = ("status", "versions_received", "refused_count", "refusal_reason_count")
    # 3 reasons + 1 reason
    assert look_up(connection, "RWE", "beds", "2016-10", *columns) == ("refused only", 0, 2, 4)
    assert look_up(connection, "RT5", "beds", "2016-10", *columns) == ("returned", 1, 1, 3)


def test_a_withdrawn_return_is_missing_again(connection):
    arrive(connection, "RWE", "beds", "2016-10", status="withdrawn")
    arrive(connection, "RT5", "beds", "2016-10", "2016-10-20", status="withdrawn")
    arrive(connection, "RT5", "beds", "2016-10", "2016-10-21")
    arrive(connection, "04C", "beds", "2016-10", status="withdrawn")
    build(connection)
    columns = ("status", "versions_received", "withdrawn_count")
    assert look_up(connection, "RWE", "beds", "2016-10", *columns) == ("missing", 0, 1)
    assert look_up(connection, "RT5", "beds", "2016-10", *columns) == ("returned", 1, 1)
    # nobody asked for it, and it is gone
    assert look_up(connection, "04C", "beds", "2016-10", *columns) is None
    cells = completeness(connection).tables[2].frame.iloc[0]
    assert cells["Beds"] == "MISSING, withdrawn"


def test_a_refused_file_without_a_name_is_counted_apart(connection):
    arrive(connection, None, None, None, None, status="refused", refused_for=("not_a_workbook",))
    arrive(connection, "RWE", None, "2016-10", status="refused", refused_for=("unknown_template", "cover_incomplete"))
    arrive(connection, "RWE", "beds", "2016-10", **REFUSED)
    build(connection)
    assert statuses(connection) == {"refused only": 1, "missing": 47}
    found = connection.execute(
        "select period is null, expected_count, refused_file_count, refusal_reason_count from report.completeness "
        "where refused_file_count > 0 order by all"
    ).fetchall()
    # RWE owes four; without a place 1 + 2 reasons in two files; 1 + 2 = 3 files in the register
    assert found == [(False, 4, 1, 3), (True, 0, 2, 3)]


def test_a_return_that_nobody_asked_for_is_kept_apart(connection):
    arrive(connection, "04C", "beds", "2016-11", "2016-11-14")
    build(connection)
    assert look_up(connection, "04C", "beds", "2016-11", "status", "is_expected", "due_on") == (
        "not expected", False, date(2016, 11, 21)
    )  # fmt: skip
    found = connection.execute(
        "select expected_count, returned_count, missing_count, not_expected_count from report.completeness "
        "where (organisation_code, period) = ('04C', '2016-11')"
    ).fetchone()
    # it owes activity and finance, and sent neither
    assert found == (2, 0, 2, 1)


def test_published_statistics_are_no_returns(connection):
    arrive(connection, None, "nhs_kh03", "2020/21 Q1", "2020-08-20", data_status="published")
    build(connection)
    assert statuses(connection) == {"missing": 48}


# months


def monthly(connection: duckdb.DuckDBPyConnection, organisation: str, month: str, prepared_on: str, **about) -> None:
    arrive(connection, organisation, "monitoring", month, prepared_on, **about)


def test_months_run_from_the_first_to_the_last_accepted(connection):
    monthly(connection, "RWE", "2017-04", "2017-05-12")
    monthly(connection, "RWE", "2017-06", "2017-07-13")
    build(connection)
    # April, May and June of three organisations: 9, of which two came
    assert statuses(connection, "frequency = 'month'") == {"returned": 1, "returned late": 1, "missing": 7}
    # due on the 12th of the next month
    columns = ("due_on", "days_late")
    assert look_up(connection, "RWE", "monitoring", "2017-04", *columns) == (date(2017, 5, 12), 0)
    assert look_up(connection, "RWE", "monitoring", "2017-06", *columns) == (date(2017, 7, 12), 1)


@pytest.mark.parametrize(
    ("prepared_on", "months"),
    [
        # August is due on 12 September: past on the 13th; and December's due day falls in the next year
        ("2017-09-12", ["2017-04", "2017-05", "2017-06", "2017-07"]),
        ("2017-09-13", ["2017-04", "2017-05", "2017-06", "2017-07", "2017-08"]),
        ("2018-01-13", [f"2017-{month:02}" for month in range(4, 13)]),
    ],
)
def test_months_go_on_while_they_fall_due_and_others_return(connection, prepared_on, months):
    monthly(connection, "RWE", "2017-04", "2017-05-08")
    arrive(connection, "RX9", "finance", "2016-11", prepared_on)
    build(connection)
    found = connection.execute("select distinct period from mart.return_completeness where frequency = 'month'")
    assert sorted(period for (period,) in found.fetchall()) == months
    missing = OWED_A_MONTH * len(months) - 1
    assert statuses(connection, "frequency = 'month'") == {"returned": 1, "missing": missing}


def test_a_month_that_is_not_over_is_awaited_of_the_others(connection):
    monthly(connection, "RWE", "2017-04", "2017-05-08", received_on="2017-05-08")
    build(connection)
    assert statuses(connection, "frequency = 'month'") == {"returned": 1, "awaited": 2}


def test_a_slip_in_a_date_makes_no_missing_decades(connection):
    monthly(connection, "RWE", "2017-04", "2017-05-08")
    monthly(connection, "RWE", "2071-04", "2017-05-09")
    monthly(connection, "RT5", "2017-04", "2071-05-08")
    build(connection)
    # April of three organisations, and the month of the slip
    assert statuses(connection, "frequency = 'month'") == {"returned": 2, "returned late": 1, "missing": 1}


def test_nothing_is_owed_outside_the_dates_of_a_role(connection):
    connection.execute("insert into reference.expected_returns values ('04C', 'monitoring', 'month', 'commissioner')")
    connection.execute("insert into reference.expected_returns values ('QK1', 'activity', 'month', 'commissioner')")
    monthly(connection, "RWE", "2022-05", "2022-06-08")
    monthly(connection, "RWE", "2022-08", "2022-09-08")
    monthly(connection, "04C", "2022-07", "2022-08-08", status="refused", refused_for=("organisation_outside_dates",))
    build(connection)
    # a commissioner until 30 June 2022
    columns = ("status", "is_expected")
    assert look_up(connection, "04C", "monitoring", "2022-06", *columns) == ("missing", True)
    assert look_up(connection, "04C", "monitoring", "2022-07", *columns) == ("refused only", False)
    assert look_up(connection, "04C", "monitoring", "2022-08", *columns) is None
    # QK1 took over on 1 July
    assert look_up(connection, "QK1", "activity", "2022-06", *columns) is None
    assert look_up(connection, "QK1", "activity", "2022-07", *columns) == ("missing", True)
    found = connection.execute(
        "select expected_count, refused_only_count, refused_file_count, not_expected_count from report.completeness "
        "where (organisation_code, period) = ('04C', '2022-07')"
    ).fetchone()
    assert found == (0, 0, 1, 1)


# the sample


def test_the_sample_is_complete(published):
    found = published.execute(
        "select frequency, if(frequency = 'round', period, 'months'), status, count(*), sum(value_count) > 0 "
        "from mart.return_completeness group by all order by all"
    ).fetchall()
    assert found == [
        # 12 months of RWE, RT5 and QK1: 12 x 3
        ("month", "months", "returned", 36, True),
        ("round", "2016-10", "returned", OWED_A_ROUND, True),
        ("round", "2016-11", "returned", OWED_A_ROUND, True),
    ]
    # every file of the register is in use once: 24 + 24 + 36
    (files,) = published.execute("select count(*) from raw.submissions where status = 'accepted'").fetchone()
    assert files == 84
    sums = published.execute(
        "select sum(expected_count), sum(returned_count), sum(late_count + missing_count + refused_file_count), "
        "count(*), bool_and(is_illustrative) from report.completeness"
    ).fetchone()
    # ten organisations in two rounds, three in twelve months: 20 + 36 rows
    assert sums == (84, 84, 0, 56, True)


# the document


@pytest.fixture
def mixed(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """One of each: in time, late, in two versions, missing, refused, unasked, and a file that cannot be placed."""
    arrive(connection, "RWE", "beds", "2016-11", "2016-11-14", status="superseded")
    arrive(connection, "RWE", "beds", "2016-11", "2016-11-24")
    arrive(connection, "RT5", "beds", "2016-11", "2016-11-14", data_status="illustrative")
    arrive(connection, "RX9", "finance", "2016-11", **REFUSED)
    arrive(connection, "04C", "beds", "2016-11", "2016-11-14")
    arrive(connection, None, None, None, None, status="refused", refused_for=("not_a_workbook",))
    monthly(connection, "RWE", "2017-04", "2017-05-08")
    build(connection)
    return connection


def test_counts_close_and_every_refused_file_is_counted_once(mixed):
    (apart,) = mixed.execute(
        "select count(*) from report.completeness where expected_count "
        "<> returned_count + refused_only_count + missing_count + awaited_count"
    ).fetchone()
    assert apart == 0
    (counted,) = mixed.execute("select sum(refused_file_count) from report.completeness").fetchone()
    (registered,) = mixed.execute("select count(*) from raw.submissions where status = 'refused'").fetchone()
    assert counted == registered == 2


def test_the_summary_names_what_is_not_there(mixed):
    document = completeness(mixed)
    # 24 + 24 + 3 expected; RWE and RT5 beds and RWE April came; 51 - 3 - 1 refused = 47 missing
    assert document.summary.split("\n\n") == [
        "**3 of 51 expected returns are in use: 1 late, 47 missing, 1 sent and refused.**",
        "- Round 2016-11: 2 of 24 returned\n- Round 2016-10: 0 of 24 returned\n- 2017/18 months: 1 of 3 returned",
        "Missing: RT5 monitoring 2017-04; QK1 monitoring 2017-04; RWE activity 2016-11; RWE finance 2016-11; "
        "RWE workforce 2016-11; RT5 activity 2016-11; and 41 more.",
        "Sent and refused: RX9 finance 2016-11.",
        "Late: RWE beds 2016-11.",
    ]
    assert document.headlines == {
        "expected": 51, "returned": 3, "late": 1, "missing": 47, "refused_only": 1, "awaited": 0, "refused_files": 2,
    }  # fmt: skip
    assert [note.split(".")[0] for note in document.notes] == ["Some returns in use are illustrative"]


# the check that warns


def test_what_is_missing_and_what_came_late_is_told_the_latest_first(mixed):
    seen = every_return_due_is_in_use(mixed)
    # 24 + 24 + 3 are due; in use: RWE and RT5 beds of 2016-11, of which one late, and RWE's April: 51 - 3 = 48
    assert not seen.passed
    assert seen.counts == {"due": 51, "missing": 48, "refused_only": 1, "late": 1}
    assert seen.sentences == [
        "48 of 51 returns due are missing, 1 of them refused (2 for 2017-04; 22 for 2016-11; 24 for 2016-10): "
        "QK1 monitoring 2017-04; RT5 monitoring 2017-04; 03W activity 2016-11; and 45 more; see report.completeness",
        "1 of 51 returns due came late (1 for 2016-11): RWE beds 2016-11; see report.completeness",
    ]


def test_a_due_day_passes_though_nobody_sends_anything(connection):
    """The tables, which know no clock, call these awaited: no file has arrived since."""
    round_ = "insert into reference.rounds values (?, ?, '2015/16', '2020/21', current_date + ?::integer, null, null)"
    connection.execute(round_, ["2017-03", "Due yesterday", -1])
    connection.execute(round_, ["2017-09", "Due today", 0])
    build(connection)
    assert statuses(connection) == {"awaited": 4 * OWED_A_ROUND}
    seen = every_return_due_is_in_use(connection)
    assert seen.counts == {"due": 72, "missing": 72, "refused_only": 0, "late": 0}  # 3 x 24: today's may still come
    assert "(24 for 2017-03; 24 for 2016-11; 24 for 2016-10)" in seen.sentences[0]


@pytest.mark.parametrize(("months_ago", "said"), [(1, False), (4, True), (14, False)])
def test_months_that_nobody_returned_are_asked_for_while_the_system_is_live(connection, months_ago: int, said: bool):
    """The month before this one is due on this month's 12th at the earliest: it may still be awaited."""
    connection.execute("delete from reference.expected_returns where frequency = 'round' or organisation_code <> 'QK1'")
    month = "select strftime(current_date - to_months(?), '%Y-%m')"
    last, *later = (connection.execute(month, [ago]).fetchone()[0] for ago in (months_ago, 3, 2, 1))
    connection.execute("update reference.organisation_roles set ends_on = null where organisation_code = 'QK1'")
    arrive(connection, "QK1", "monitoring", last, f"{last}-28")
    build(connection)
    seen = every_return_due_is_in_use(connection)
    assert seen.passed is not said
    if said:
        due = later if date.today().day > 12 else later[:2]
        assert seen.sentences[0] == f"Nobody has returned anything for {'; '.join(reversed(due))}, which fell due"


def test_what_is_all_in_use_passes_though_some_of_it_was_late(connection):
    connection.execute(
        "delete from reference.expected_returns where (organisation_code, template) <> ('QK1', 'assumptions')"
    )
    arrive(connection, "QK1", "assumptions", "2016-10")
    arrive(connection, "QK1", "assumptions", "2016-11", "2016-11-22")
    build(connection)
    seen = every_return_due_is_in_use(connection)
    assert (seen.passed, seen.counts["late"], len(seen.sentences)) == (True, 1, 1)


def test_marks_do_not_lean_on_colour(mixed, tmp_path):
    document = completeness(mixed)
    tables = {table.title: table for table in document.tables}
    assert list(tables) == [
        "In figures", "Round 2016-11", "Round 2016-10", "Monthly monitoring, 2017/18", "Files that were refused",
    ]  # fmt: skip
    cells = {
        organisation.replace("\N{NO-BREAK SPACE}", " "): [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in rest]
        for organisation, *rest in tables["Round 2016-11"].frame.itertuples(index=False)
    }
    none = "\N{EN DASH}"
    # activity, assumptions, beds, finance, workforce, in use
    assert cells["University Hospitals of Leicester NHS Trust"] == [
        "MISSING", none, "late 3 d, 2 versions", "MISSING", "MISSING", "1 of 4"
    ]  # fmt: skip
    assert cells["Leicestershire Partnership NHS Trust"][2] == "yes"
    assert cells["East Midlands Ambulance Service NHS Trust"][3] == "REFUSED"
    assert cells["NHS Leicester City CCG"] == ["MISSING", none, "UNASKED", "MISSING", none, "0 of 2"]
    (note,) = tables["Round 2016-11"].notes
    assert note.startswith("Due on 21 November 2016. yes: in use")
    refused = tables["Files that were refused"].frame
    assert list(refused["Reasons"]) == [1, 3]
    assert list(refused["Why"]) == [
        "The file is not a workbook that can be read",
        "A column is missing (2); A sheet is missing",
    ]
    text = write_document(Home(tmp_path), "run", "completeness", document).read_text(encoding="utf-8")
    assert Counter(re.findall(r"<td>(MISSING|REFUSED|UNASKED)</td>", text)) == {
        "MISSING": 47,
        "REFUSED": 1,
        "UNASKED": 1,
    }
    assert not any(NUMERIC.fullmatch(mark) for mark in ("yes", "MISSING", "1 of 4"))


def test_a_warehouse_without_returns_still_has_a_report(connection, tmp_path):
    build(connection)
    document = completeness(connection)
    assert document.summary.startswith("**Nothing has been returned yet: 48 returns are expected.**")
    assert document.headlines["awaited"] == 48
    assert not document.notes
    assert "awaited" in write_document(Home(tmp_path), "r", "completeness", document).read_text(encoding="utf-8")


def test_the_asset_page_holds_the_summary_whole(mixed):
    document = completeness(mixed)
    shown = document_metadata("0" * 36, "completeness", about(document))["summary"].value
    assert len(shown) < 1000
    assert document.summary in shown


def test_both_tables_are_assets_of_an_empty_home_and_what_is_missing_warns(home):
    with opened(home) as connection:
        load_reference(connection, run_id="test")
        create_tables(connection)
    result = dg.materialize(TABLES, resources={"warehouse": Warehouse()})
    assert result.success
    events = {event.asset_key.to_user_string(): event for event in result.get_asset_materialization_events()}
    found = events["report/completeness"].materialization.metadata
    assert (found["expected"].value, found["returned"].value) == (48, 0)
    assert list(home.reports.glob("*/completeness/index.html"))
    (check,) = [c for c in result.get_asset_check_evaluations() if c.check_name == "every_return_due_is_in_use"]
    assert (check.passed, check.severity, check.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    assert check.metadata["missing"].value == 48
    assert check.metadata["found"].value.startswith("48 of 48 returns due are missing")
