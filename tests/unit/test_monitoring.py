"""Indicators, milestones and their summary: each rule on rows made by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from assets.monitoring.control import control
from tests.unit.mart_tables import make, mart_warehouse

ROUND = "2016-11"


def assumed(**values: float) -> list[dict[str, Any]]:
    values = {
        "amber_tolerance": 0.05, "on_target_tolerance": 0.01, "milestone_amber_days": 30, "spc_minimum_points": 12,
    } | values  # fmt: skip
    return [
        {"round": ROUND, "scenario": "all", "subject": "monitoring", "parameter": name, "applies_to": "all",
         "financial_year": "2017/18", "central_value": value}
        for name, value in values.items()
    ]  # fmt: skip


def stated(month: str, numerator: float | None, denominator: float | None = None, **more: Any) -> dict[str, Any]:
    """One indicator of one month, as the return of that month states it."""
    return {
        "submission_id": f"of {more.get('return_month', month)}", "return_month": month, "organisation_code": "RWE",
        "is_illustrative": True, "indicator_code": "I01", "month": month, "indicator_name": "Seen in four hours",
        "aim": "care_quality", "priority": "1", "direction": "higher_is_better", "kind": "percentage",
        "numerator": numerator, "denominator": denominator, "target": 95, "sheet": "Indicators",
        "numerator_cell": "I5", "denominator_cell": "I6",
    } | more  # fmt: skip


def judged(*rows: dict[str, Any], **values: float) -> list[dict[str, Any]]:
    return make(
        charted(core__indicators_current=rows, core__assumptions_current=assumed(**values)), "mart.indicator_rag"
    )


def charted(**tables: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """The warehouse of these rows with its control charts made."""
    connection = mart_warehouse(**{"core__assumptions_current": assumed(), **tables})
    connection.execute(
        "create table raw.sheets as select submission_id, 'control_limits' as table_name from raw.submissions"
    )
    for name in ("mart.published_indicators", "mart.indicator_values", "mart.control_limits"):
        make(connection, name)
    read = ("mart.indicator_values", "mart.control_limits", "core.assumptions_current")
    frames = control({name: connection.execute(f"from {name}").df() for name in read}, lambda words: None)
    for name, frame in frames.items():
        connection.register("frame", frame)
        connection.execute(f"insert into {name} by name select * from frame")
    return connection


@pytest.mark.parametrize(
    ("kind", "direction", "numerator", "denominator", "target", "rag"),
    [
        ("percentage", "higher_is_better", 950, 1000, 95, "green"),
        ("percentage", "higher_is_better", 900, 1000, 95, "amber"),  # five points, not five per cent of 95
        ("percentage", "higher_is_better", 899, 1000, 95, "red"),
        ("percentage", "lower_is_better", 50, 1000, 5, "green"),
        ("percentage", "lower_is_better", 100, 1000, 5, "amber"),
        ("percentage", "on_target", 930, 1000, 92, "green"),
        ("percentage", "on_target", 970, 1000, 92, "amber"),
        ("percentage", "on_target", 860, 1000, 92, "red"),
        ("count", "lower_is_better", 105, None, 100, "amber"),
        ("count", "lower_is_better", 106, None, 100, "red"),
        ("count", "lower_is_better", 0, None, 0, "green"),
        ("count", "lower_is_better", 1, None, 0, "grey"),
        ("rate", "on_target", 101, 10, 10, "green"),
        ("rate", "higher_is_better", 0, 0, 10, "grey"),
        ("percentage", "higher_is_better", float("inf"), 1000, 95, "grey"),
        ("percentage", "higher_is_better", 900, 1000, None, "grey"),
    ],
)  # fmt: skip
def test_the_colour_against_plan(kind, direction, numerator, denominator, target, rag):
    (row,) = judged(
        stated("2017-04", numerator, denominator, kind=kind, direction=direction, target=target)
    )  # fmt: skip
    assert row["rag"] == rag
    assert (row["why_grey"] is None) == (rag != "grey")


def test_no_tolerance_is_grey_and_not_green():
    row = judged(stated("2017-04", 940, 1000), amber_tolerance=None)[0]
    assert (row["rag"], row["why_grey"]) == ("grey", "The assumptions hold no tolerance for the month")


def test_a_month_counts_as_last_restated_and_a_missing_one_is_a_gap():
    rows = judged(
        stated("2017-04", 800, 1000),
        stated("2017-04", 760, 1000, return_month="2017-06"),
        stated("2017-06", 900, 1000),
        stated("2017-06", 5, 10, indicator_code="I02"),
        stated("2017-04", 5, 10, indicator_code="I03"),
        stated("2017-04", 5, 10, indicator_code="KH03"),  # a published statistic has this code
    )
    assert {row["indicator_code"] for row in rows} == {"I01", "I02", "I03"}
    first = [row for row in rows if row["indicator_code"] == "I01"]
    assert [(row["month"], row["value"], row["rag"]) for row in first] == [
        ("2017-04", 76, "red"), ("2017-05", None, "grey"), ("2017-06", 90, "amber"),
    ]  # fmt: skip
    # silence to the end of what others report is grey as well
    silent = [row["rag"] for row in rows if row["indicator_code"] == "I03"]
    assert silent == ["red", "grey", "grey"]


def test_colour_and_chart_that_disagree_say_why():
    months = [f"2017-{month:02}" for month in range(4, 13)]
    # limits 88 +- 2.66 x 2: 95 is out of reach, and then met once
    rows = judged(*(stated(month, value, 100) for month, value in zip(months, [87, 89] * 4 + [95], strict=True)))
    assert rows[-1]["rag"] == "green"
    assert rows[-1]["disagreement"].startswith("Green this month, but")
    assert rows[0]["disagreement"] is None or "red" in rows[0]["disagreement"].lower()


def milestone(month: str, **more: Any) -> dict[str, Any]:
    return {
        "submission_id": month, "month": month, "organisation_code": "RWE", "is_illustrative": True,
        "milestone_code": "M01", "milestone_name": "Case approved", "scheme_code": "C01", "priority": "4",
        "is_critical": True, "baseline_date": date(2017, 6, 30), "sheet": "Milestones", "baseline_date_cell": "F5",
        "forecast_date_cell": "G5", "actual_date_cell": "H5",
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("forecast", "actual", "rag", "slip"),
    [
        (date(2017, 6, 30), None, "green", 0),
        (date(2017, 7, 30), None, "amber", 30),
        (date(2017, 7, 31), None, "red", 31),
        (None, None, "grey", None),  # not due yet
        (date(2017, 5, 20), None, "red", -41),  # the day has passed
        (date(2017, 6, 30), date(2017, 5, 2), "green", -59),
    ],
)
def test_a_milestone_s_colour(forecast, actual, rag, slip):
    connection = mart_warehouse(
        core__milestones_current=[milestone("2017-05", forecast_date=forecast, actual_date=actual)],
        core__assumptions_current=assumed(),
    )
    (row,) = make(connection, "mart.milestone_rag")
    assert (row["rag"], row["slip_days"]) == (rag, slip)


def test_overdue_without_a_forecast_is_red_and_history_is_kept():
    connection = mart_warehouse(
        core__milestones_current=[
            milestone("2017-05", forecast_date=date(2017, 6, 30)),
            milestone("2017-06", forecast_date=date(2017, 7, 10)),
            milestone("2017-07"),
        ],
        core__assumptions_current=assumed(),
    )  # fmt: skip
    rows = make(connection, "mart.milestone_rag")
    assert [(row["rag"], row["rag_before"], row["moved_days"]) for row in rows] == [
        ("green", None, None), ("amber", "green", 10), ("red", "amber", None),
    ]  # fmt: skip
    assert rows[2]["is_overdue"]


def test_a_parent_has_the_worst_colour_of_its_critical_children():
    def child(code: str, rag: str, *, is_critical: bool = True, month: str = "2017-05") -> dict[str, Any]:
        return {
            "month": month, "organisation_code": "RWE", "milestone_code": code, "milestone_name": code, "priority": "4",
            "is_critical": is_critical, "rag": rag, "is_illustrative": True,
        }  # fmt: skip

    def indicator(code: str, rag: str) -> dict[str, Any]:
        return {
            "month": "2017-05", "organisation_code": "RWE", "indicator_code": code, "indicator_name": code,
            "priority": "4", "aim": "care_quality", "rag": rag, "variation": "concern", "assurance": "fails",
            "is_illustrative": True,
        }  # fmt: skip

    connection = mart_warehouse(
        mart__milestone_rag=[
            child("A", "green", month="2017-04"), child("A", "amber"), child("B", "red", is_critical=False),
        ],
        mart__indicator_rag=[indicator("I1", "green"), indicator("I2", "grey")],
        mart__return_completeness=[
            {"organisation_code": code, "template": "monitoring", "period": "2017-05", "is_expected": True,
             "submission_id": given}
            for code, given in (("RWE", "x"), ("RT5", None))
        ],
    )  # fmt: skip
    rows = {(row["month"], row["aim"]): row for row in make(connection, "mart.stp_monitoring_summaries")}
    delivery, quality = rows["2017-05", "delivery"], rows["2017-05", "care_quality"]
    assert (delivery["rag"], delivery["worst_child"], delivery["red_count"]) == ("amber", "RWE A A", 1)
    assert (delivery["worse_count"], delivery["changes"]) == (1, "RWE A: green to amber")
    assert (quality["rag"], quality["grey_count"], quality["concern_count"]) == ("grey", 1, 2)  # never green
    assert (quality["expected_return_count"], quality["received_return_count"], quality["missing_returns"]) == (
        2, 1, "RT5",
    )  # fmt: skip


def test_what_cannot_be_is_named_with_its_cells():
    connection = mart_warehouse(
        core__indicators_current=[
            stated("2017-04", 5, 0), stated("2017-04", float("nan"), 10, indicator_code="I02"),
            stated("2017-04", 5, float("inf"), indicator_code="I07"),
            stated("2017-04", 900, 1000, indicator_code="I03", target=0.95),
            stated("2017-04", 9, None, indicator_code="I04"),
            stated("2017-04", 9, 10, indicator_code="KH03"),
            stated("2017-04", 9, 10, indicator_code="I05"),
            stated("2017-05", 9, 10, indicator_code="I05", direction="lower_is_better"),
        ],
        core__milestones_current=[
            milestone("2017-05", actual_date=date(2017, 6, 2)), milestone("2017-06", baseline_date=date(2017, 8, 1)),
            milestone("2017-05", milestone_code="M02", forecast_date=date(2017, 5, 20)),
            milestone("2017-06", milestone_code="M02", forecast_date=date(2017, 6, 20)),
            milestone("2017-05", milestone_code="M03"),
            milestone("2017-06", milestone_code="M03", actual_date=date(2017, 4, 30)),
            milestone("2017-05", milestone_code="M04", actual_date=date(2017, 5, 9)),
            milestone("2017-06", milestone_code="M04", actual_date=date(2017, 5, 19)),
        ],
        mart__indicator_values=[
            {"organisation_code": "RWE", "indicator_code": "I06", "source": "return", "period": "2017-04",
             "indicator_name": "No target"},
        ],
    )  # fmt: skip
    rows = {(row["guard"], row["item_code"]): row for row in make(connection, "mart.monitoring_doubts")}
    assert set(rows) == {
        ("denominator_not_above_zero", "I01"), ("not_finite", "I02"), ("not_finite", "I07"),
        ("target_on_another_scale", "I03"),
        ("denominator_missing", "I04"), ("description_changed", "I05"), ("no_target", "I06"),
        ("code_of_a_published_indicator", "KH03"),
        ("finished_in_the_future", "M01"), ("no_longer_finished", "M01"), ("baseline_moved", "M01"),
        ("forecast_passed", "M02"), ("finished_before_reported_start", "M03"), ("finished_day_changed", "M04"),
    }  # fmt: skip
    assert rows["denominator_not_above_zero", "I01"]["cells"] == "Indicators!I6"
    assert rows["baseline_moved", "M01"]["cells"] == "Milestones!F5"
    # in May it was expected before the month ended too; a newer return has said more since
    assert (rows["forecast_passed", "M02"]["month"], rows["forecast_passed", "M02"]["cells"]) == (
        "2017-06",
        "Milestones!G5",
    )
    assert rows["finished_before_reported_start", "M03"]["cells"] == "Milestones!H5"


LEVELS = [87, 89, 87, 89, 87, 89, 94, 96, 94, 96]
"""April to January; from October on seven points higher."""


def limits(row_number: int, code: str = "I01", *, month: str = "2018-01", **more: Any) -> dict[str, Any]:
    return {
        "submission_id": month, "return_month": month, "organisation_code": "RWE", "is_illustrative": True,
        "row_number": row_number, "indicator_code": code, "decision": "start_again", "reason": "A second ward opened",
        "sheet": "Control limits", "indicator_cell": f"A{row_number}", "first_month_cell": f"C{row_number}",
        "baseline_cell": f"D{row_number}",
    } | more  # fmt: skip


def with_limits(*lines: dict[str, Any], returns: tuple[str, ...] = ("2018-01",)) -> duckdb.DuckDBPyConnection:
    months = [*(f"2017-{month:02}" for month in range(4, 13)), "2018-01"]
    return charted(
        core__indicators_current=[
            stated(month, value, 100, indicator_code=code)
            for code in ("I01", "I02")
            for month, value in zip(months, LEVELS, strict=True)
        ],
        core__control_limits_current=list(lines),
        raw__submissions=[
            {"submission_id": month, "template": "monitoring", "organisation_code": "RWE", "period": month,
             "status": "accepted"}
            for month in returns
        ],
    )  # fmt: skip


def test_limits_start_again_where_the_newest_return_says_so():
    """Means of 87, 89 and of 94, 96: 88 and 95. Moving ranges of 2: limits 2.66 x 2 = 5.32 away."""
    connection = with_limits(
        limits(5, first_month_starts_on=date(2017, 10, 1)),
        limits(6, "I02", first_month_starts_on=date(2017, 10, 1)),
        limits(7, "I02", first_month_starts_on=date(2017, 8, 1), reason="Clinics moved."),
    )
    points = connection.execute(
        "select distinct stretch, mean, round(upper_limit, 2) from mart.spc_points where indicator_code = 'I01' "
        "order by stretch"
    ).fetchall()
    assert points == [(0, 88, 93.32), (1, 95, 100.32)]
    notes = dict(connection.execute("select indicator_code, limits_note from mart.spc_series").fetchall())
    assert notes == {
        "I01": "Limits start again in 2017-10: A second ward opened.",
        "I02": "Limits start again in 2017-08: Clinics moved. Limits start again in 2017-10: A second ward opened.",
    }
    lengths = connection.execute(
        "select count(*) from mart.spc_points where indicator_code = 'I02' group by stretch order by stretch"
    ).fetchall()
    assert lengths == [(4,), (2,), (4,)]


def test_limits_stand_on_a_stated_baseline():
    connection = with_limits(limits(5, decision="baseline", baseline_months=6))
    points = connection.execute(
        "select distinct mean, rule from mart.spc_points where indicator_code = 'I01' order by rule"
    ).fetchall()
    assert points == [(88, "common_cause"), (88, "outside_limits")]
    (note,) = connection.execute("select limits_note from mart.spc_series where indicator_code = 'I01'").fetchone()
    assert note == "Limits stand on the first 6 months: A second ward opened."


@pytest.mark.parametrize(
    ("lines", "guard", "cells"),
    [
        ([limits(5, "I99", first_month_starts_on=date(2017, 10, 1))], "limits_of_unknown_indicator", "C5"),
        ([limits(5)], "limits_start_without_month", "A5"),
        ([limits(5, first_month_starts_on=date(2017, 4, 1))], "limits_start_outside_series", "C5"),
        ([limits(5, first_month_starts_on=date(2018, 2, 1))], "limits_start_outside_series", "C5"),
        ([limits(5, decision="baseline")], "baseline_without_length", "A5"),
        ([limits(5, decision="baseline", baseline_months=6.5)], "baseline_without_length", "D5"),
        ([limits(5, decision="baseline", baseline_months=11)], "baseline_longer_than_series", "D5"),
        ([limits(5, first_month_starts_on=date(2017, 10, 1), baseline_months=6)], "limits_line_says_both", "C5"),
        ([limits(n, decision="baseline", baseline_months=n) for n in (5, 6)], "two_baselines", "D5, D6"),
    ],
)
def test_a_line_of_limits_that_cannot_be_is_named_with_its_cell_and_not_used(lines, guard, cells):
    connection = with_limits(*lines)
    (row,) = make(connection, "mart.monitoring_doubts")
    named = ", ".join(f"'Control limits'!{cell}" for cell in cells.split(", "))
    assert (row["guard"], row["cells"]) == (guard, named)
    assert "not used" in row["message"]
    assert connection.execute("select max(stretch), count(distinct mean) from mart.spc_points").fetchone() == (0, 1)


def test_what_the_newest_return_leaves_out_holds_no_longer_and_is_named():
    said = limits(5, month="2017-12", first_month_starts_on=date(2017, 10, 1))
    connection = with_limits(said, returns=("2017-12", "2018-01"))
    (row,) = make(connection, "mart.control_limits")
    assert (row["guard"], row["is_used"], row["cells"]) == ("limits_no_longer_stated", False, "'Control limits'!C5")
    # a return that has no such sheet, as it stands on the template's first version, takes nothing back
    connection.execute("delete from raw.sheets where submission_id = '2018-01'")
    (row,) = make(connection, "mart.control_limits")
    assert row["is_used"]
