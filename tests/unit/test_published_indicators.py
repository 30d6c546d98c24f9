"""Control charts of published statistics: weeks of seven days, months and quarters, each figure as last published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from llr_pipeline.reading import read_file
from tests.unit.mart_tables import make, mart_warehouse
from tests.unit.test_monitoring import charted

MONDAY = date(2017, 12, 4)


def days(*values: float | None, measure: str = "beds_occupied_over_7_days", **more: Any) -> list[dict[str, Any]]:
    """A value for each day from the Monday on."""
    return [
        {"submission_id": "winter", "organisation_code": "RWE", "date": day, "last_date": day, "measure": measure,
         "is_illustrative": False, "published_on": date(2018, 3, 8), "value": value, "sheet": "Beds",
         "value_cell": f"A{n}"} | more
        for n, value in enumerate(values, 1)
        if (day := MONDAY + timedelta(days=n - 1))
    ]  # fmt: skip


def weeks(sitrep: Iterable[dict[str, Any]]) -> list[tuple[date, float, float]]:
    rows = make(mart_warehouse(core__nhs_sitrep_current=list(sitrep)), "mart.published_indicators")
    return [(row["period_starts_on"], row["numerator"], row["denominator"]) for row in rows]


def test_days_make_weeks_from_monday_to_sunday():
    """600 on four days and 650 on three: 4,350 bed days over 7, 621.4 a day; Monday the 11th is no week yet."""
    rows = make(
        mart_warehouse(core__nhs_sitrep_current=days(600, 600, 600, 600, 650, 650, 650, 900)),
        "mart.published_indicators",
    )
    (row,) = rows
    assert (row["indicator_code"], row["frequency"], row["period_starts_on"]) == ("SITREP-LOS7", "week", MONDAY)
    assert (row["numerator"], row["denominator"]) == (4350, 7)
    assert row["cells"] == [f"Beds!A{n}" for n in range(1, 8)]


@pytest.mark.parametrize(
    "tenth_day",
    [None, {"value": None, "missing_as": "-"}, {"last_date": MONDAY + timedelta(days=10)}],
    ids=["not there", "a dash", "of two days"],
)
def test_a_week_that_lacks_a_day_is_a_gap_and_never_a_mean_of_six(tenth_day):
    three_weeks = days(*[600] * 21)
    three_weeks[9:10] = [] if tenth_day is None else [three_weeks[9] | tenth_day]
    connection = charted(core__nhs_sitrep_current=three_weeks)
    found = connection.execute(
        "select frequency, period, value, moving_range from mart.spc_points order by period_starts_on"
    ).fetchall()
    assert found == [
        ("week", "w/c 2017-12-04", 600, None), ("week", "w/c 2017-12-11", None, None),
        ("week", "w/c 2017-12-18", 600, None),  # no range goes over the gap
    ]  # fmt: skip


def test_a_percentage_is_of_sums_and_needs_both_of_its_figures():
    """Occupied 6 x 90 + 50 = 590 of 6 x 100 + 200 = 800: 73.75%, where the mean of rates is 80.7%."""
    occupied = days(*[90] * 6, 50, measure="ga_beds_occupied")
    opened = days(*[100] * 6, 200, measure="ga_beds_open")
    assert weeks([*occupied, *opened]) == [(MONDAY, 590, 800)]
    assert weeks([*occupied, *opened[:6]]) == []


def test_only_the_system_s_organisations_and_the_stated_measures():
    assert weeks(days(*[600] * 7, organisation_code="RJ1")) == []
    assert weeks(days(*[3] * 7, measure="ae_closures")) == []


def test_months_are_sums_of_their_types_and_a_type_without_a_figure_makes_a_gap():
    def month(name: str, kind: str, attendances: float, over: float | None) -> list[dict[str, Any]]:
        return [
            {"submission_id": name, "organisation_code": "RWE", "month": name, "measure": measure, "type": kind,
             "is_illustrative": False, "value": value, "sheet": "ae", "value_cell": "B2"}
            for measure, value in (("attendances", attendances), ("over_4_hours", over))
        ]  # fmt: skip

    connection = charted(
        core__nhs_emergency_current=[
            *month("2024-04", "type_1", 800, 400), *month("2024-04", "other", 200, 20),
            *month("2024-05", "type_1", 800, 400), *month("2024-05", "other", 200, None),
            *month("2024-06", "type_1", 900, 450), *month("2024-06", "other", 100, 0),
        ],
        core__nhs_absence_current=[
            {"submission_id": "a", "organisation_code": "RT5", "month": "2024-04", "available_days": 1000,
             "lost_days": 47, "is_illustrative": False, "sheet": "a", "lost_cell": "C2", "available_cell": "D2"},
        ],
    )  # fmt: skip
    found = connection.execute(
        "select indicator_code, period, round(value, 1) from mart.spc_points order by all"
    ).fetchall()
    assert found == [
        ("ABSENCE", "2024-04", 4.7), ("AE-OVER4", "2024-04", 42), ("AE-OVER4", "2024-05", None),
        ("AE-OVER4", "2024-06", 45),
    ]  # fmt: skip
    # nothing that was published has a colour: no return owes it
    assert make(connection, "mart.indicator_rag") == []


def test_kh03_by_quarter_with_a_quarter_that_is_missing():
    """1,195.2 of 1,530.8 beds: 78.1%. The second quarter, 1,300 of 1,600, is 81.25%; the third is a gap."""

    def quarter(name: str, available: float, occupied: float, **more: Any) -> dict[str, Any]:
        return {
            "submission_id": name, "organisation_code": "RWE", "quarter": name, "bed_definition": "kh03_general_acute",
            "available_beds": available, "occupied_beds": occupied, "is_illustrative": False, "sheet": "KH03",
            "published_on": date(2020, 8, 20), "available_cell": "D20", "occupied_cell": "J20",
        } | more  # fmt: skip

    connection = charted(
        core__nhs_beds_current=[
            quarter("2020/21 Q1", 1530.8, 1195.2), quarter("2020/21 Q2", 1600, 1300),
            quarter("2020/21 Q4", 1500, 1350), quarter("2020/21 Q1", 9, 9, bed_definition="kh03_total"),
        ]
    )  # fmt: skip
    found = connection.execute(
        "select frequency, period, round(value, 2) from mart.spc_points order by period_starts_on"
    ).fetchall()
    assert found == [
        ("quarter", "2020/21 Q1", 78.08), ("quarter", "2020/21 Q2", 81.25), ("quarter", "2020/21 Q3", None),
        ("quarter", "2020/21 Q4", 90),
    ]  # fmt: skip
    advice, source = connection.execute("select advice, source from mart.spc_series").fetchone()
    assert advice.startswith("Limits stand on 3 points, fewer than 12: provisional. Periods without a value: 1.")
    assert source == "kh03"


def test_a_real_winter_by_week_is_the_sheet_s_own_columns_added_up(shared: Path):
    """Every week of Leicester's winter of 2017/18, against the published sheet read by another reader."""
    path = shared / "data/nhs/sitrep/Winter-data-timeseries-20180304.xlsx"
    table = read_file(path).tables["nhs_sitrep"]
    connection = mart_warehouse()
    connection.register("lines", table)
    connection.execute(
        "insert into core.nhs_sitrep_current by name select 'winter' as submission_id, reading.organisation_code as "
        "organisation_code, reading.first_day as date, reading.last_day as last_date, reading.measure as measure, "
        "reading.value as value, false as is_illustrative, sheet, cell.value as value_cell from lines "
        "where not is_quarantined and reading.organisation_code = 'RWE'"
    )
    found = {
        row["period_starts_on"]: round(100 * row["numerator"] / row["denominator"], 6)
        for row in make(connection, "mart.published_indicators")
        if row["indicator_code"] == "SITREP-OCC"
    }

    rows = CalamineWorkbook.from_path(path).get_sheet_by_name("G&A beds").to_python(skip_empty_area=False)
    headings = next(row for row in rows if "Core Beds Open" in row)
    trust = next(row for row in rows if "RWE" in row)
    opened = [trust[n] for n, heading in enumerate(headings) if heading == "Total Beds Open"]
    occupied = [
        trust[n] for n, heading in enumerate(headings) if "occ'd" in str(heading) and "rate" not in str(heading)
    ]
    assert len(opened) == len(occupied) == 105  # from Monday 20 November
    assert found == {
        date(2017, 11, 20) + timedelta(days=n): round(100 * sum(occupied[n : n + 7]) / sum(opened[n : n + 7]), 6)
        for n in range(0, 105, 7)
    }
