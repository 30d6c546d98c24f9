"""Planned figures beside published ones of their own definition, from a few rows by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tests.unit.mart_tables import make, mart_warehouse

YEAR = "2016/17"
QUARTERS = [f"{YEAR} Q{n}" for n in range(1, 5)]
MONTHS = [f"2016-{n:02}" for n in range(4, 13)] + [f"2017-{n:02}" for n in range(1, 4)]
GROUPS = {"HCHS doctors": 100, "Nurses & health visitors": 200, "Midwives": 30, "Managers": 50}
Rows = Iterable[Mapping[str, Any]]


def kh03(quarters: Mapping[str, tuple[float | None, float | None]], code: str = "RWE") -> Rows:
    for quarter, (available, occupied) in quarters.items():
        yield {
            "organisation_code": code, "quarter": quarter, "sector": "general_acute",
            "bed_definition": "kh03_general_acute", "available_beds": available, "occupied_beds": occupied,
        }  # fmt: skip


def planned_beds(available: float, occupied: float, definition: str = "kh03_general_acute") -> list[dict[str, Any]]:
    return [{
        "round": "2016-11", "organisation_code": "RWE", "financial_year": YEAR, "bed_definition": definition,
        "is_illustrative": False, "available_beds": available, "occupied_beds": occupied,
    }]  # fmt: skip


def planned_staff(groups: Mapping[str, float]) -> list[dict[str, Any]]:
    about = {"round": "2016-11", "organisation_code": "RWE", "financial_year": YEAR, "is_illustrative": False}
    return [{**about, "contract": "substantive", "staff_group": group, "wte": wte} for group, wte in groups.items()]


def staff_in_post(groups: Mapping[str, float | None], month: str = "2017-03", **more: Any) -> list[dict[str, Any]]:
    return [
        {"organisation_code": "RWE", "month": month, "staff_group": group, "staff_wte": wte, **more}
        for group, wte in groups.items()
    ]


def compared(**tables: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    connection = mart_warehouse(**tables)
    connection.execute("delete from reference.kh03_outturn where organisation_code <> 'RWE'")
    make(connection, "mart.nhs_bed_years")
    rows = make(connection, "mart.plan_against_actuals")
    return {(row["measure"], row["planned_definition"], row["actual_definition"]): row for row in rows}


def bed_years(rows: Rows) -> dict[tuple[str, str], dict[str, Any]]:
    connection = mart_warehouse(core__nhs_beds_current=list(rows))
    return {(row["organisation_code"], row["financial_year"]): row for row in make(connection, "mart.nhs_bed_years")}


def test_four_quarters_of_files_come_before_the_series_that_is_kept():
    """(1,500 + 1,520 + 1,540 + 1,560) / 4 = 1,530 available; (1,300 + 3 x 1,340) / 4 = 1,330 occupied."""
    beds = zip((1500, 1520, 1540, 1560), (1300, 1340, 1340, 1340), strict=True)
    year = bed_years(kh03(dict(zip(QUARTERS, beds, strict=True))))["RWE", YEAR]
    assert (year["available_beds"], year["occupied_beds"], year["quarters_found"]) == (1530, 1330, 4)
    assert year["found_in"] == "core.nhs_beds"


def test_the_series_that_is_kept_comes_before_an_incomplete_year():
    year = bed_years(kh03({QUARTERS[0]: (1000, 900)}))["RWE", YEAR]
    assert (year["available_beds"], year["found_in"]) == (1514.1, "reference.kh03_outturn")


def test_a_quarter_with_one_of_its_two_figures_is_no_quarter():
    rows = kh03({**dict.fromkeys(QUARTERS[:3], (80, 70)), QUARTERS[3]: (80, None)}, code="RT5")
    assert bed_years(rows)["RT5", YEAR]["quarters_found"] == 3


def test_occupancy_is_compared_as_a_share_of_the_same_beds():
    """1,400 of 1,600 planned is 87.5%; KH03 of 2016/17 has 1,323.1 of 1,514.1, which is 87.385%."""
    found = compared(core__beds_current=planned_beds(1600, 1400))
    row = found["occupancy_share", "kh03_general_acute", "kh03_general_acute"]
    assert (row["planned_value"], row["verdict"]) == (0.875, "compared")
    assert row["difference"] == pytest.approx(1323.1 / 1514.1 - 0.875)
    other = found["available_beds", "kh03_general_acute", "kh03_general_acute"]
    assert other["difference"] == pytest.approx(1514.1 - 1600)


def test_a_situation_report_of_winter_days_is_not_the_year():
    """Same definition, 2 of the year's 365 days: beside the plan, not subtracted."""
    days = [
        {"organisation_code": "RWE", "date": f"2016-12-0{day}", "measure": measure, "value": value}
        for day in (1, 2)
        for measure, value in (("ga_beds_open", 1600 + day), ("ga_beds_occupied", 1500))
    ]
    found = compared(core__beds_current=planned_beds(1600, 1400, "sitrep_general_acute"), core__nhs_sitrep_current=days)
    row = found["available_beds", "sitrep_general_acute", "sitrep_general_acute"]
    assert (row["actual_value"], row["difference"], row["verdict"]) == (1601.5, None, "year incomplete")
    assert row["reason"] == "2 of 365 periods of the year are in"


def emergency(values: Mapping[str, float | None], months: Iterable[str] = MONTHS) -> list[dict[str, Any]]:
    return [
        {"organisation_code": "RWE", "month": month, "measure": "attendances", "type": type_, "value": value}
        for month in months
        for type_, value in values.items()
    ]


PLANNED_ATTENDANCES = [{
    "round": "2016-11", "organisation_code": "RWE", "financial_year": YEAR, "point_of_delivery": "a_and_e",
    "scenario": "plan", "perspective": "provider", "is_illustrative": False, "attendances": 20000,
}]  # fmt: skip


def test_attendances_of_every_type_are_compared_and_those_of_one_type_are_not():
    """12 months of 1,000 + 500 + 200 are 20,400: 400 more than planned. Type 1 alone is another definition."""
    found = compared(
        core__activity_current=PLANNED_ATTENDANCES,
        core__nhs_emergency_current=emergency({"type_1": 1000, "type_2": 500, "other": 200}),
    )
    row = found["attendances", "a_and_e", "ae_all_types"]
    assert (row["actual_value"], row["difference"], row["verdict"]) == (20400, 400, "compared")
    row = found["attendances", "a_and_e", "ae_type_1"]
    assert (row["actual_value"], row["difference"], row["verdict"]) == (12000, None, "definitions differ")


def test_a_month_with_a_part_missing_is_no_month_of_the_year():
    """In March one type was not submitted: eleven months, and no sum that passes for a year."""
    months = emergency({"type_1": 1000, "other": 200}, MONTHS[:11]) + emergency(
        {"type_1": 1000, "other": None}, MONTHS[11:]
    )
    row = compared(core__activity_current=PLANNED_ATTENDANCES, core__nhs_emergency_current=months)
    row = row["attendances", "a_and_e", "ae_all_types"]
    assert (row["difference"], row["reason"]) == (None, "11 of 12 periods of the year are in")


def test_staff_are_compared_group_by_group():
    """Nurses and midwives are one group of a return: 200 + 30 against 240 planned; 50 managers against 60."""
    found = compared(
        core__workforce_current=planned_staff(
            {"medical_dental": 110, "nursing_midwifery_health_visiting": 240, "infrastructure_support": 60}
        ),
        core__nhs_workforce_current=staff_in_post(GROUPS),
    )
    differences = {planned: row["difference"] for (_, planned, actual), row in found.items() if "post" in actual}
    assert differences == {
        "substantive": -30, "medical_dental": -10, "nursing_midwifery_health_visiting": -10,
        "infrastructure_support": -10,
    }  # fmt: skip


def test_a_group_that_nobody_knows_leaves_the_other_groups_in_doubt():
    """Had nurses been renamed, the rest would look like too few: the total stands, no group is subtracted."""
    groups = {"HCHS doctors": 100, "Registered nurses": 200, "Midwives": 30}
    found = compared(
        core__workforce_current=planned_staff({"medical_dental": 110, "nursing_midwifery_health_visiting": 240}),
        core__nhs_workforce_current=staff_in_post(groups),
    )
    assert found["staff_wte", "substantive", "staff_in_post"]["difference"] == -20
    group = "nursing_midwifery_health_visiting"
    row = found["staff_wte", group, f"staff_in_post.{group}"]
    assert (row["difference"], row["verdict"]) == (None, "year incomplete")
    assert "no known group" in row["reason"]


def test_a_group_without_a_value_leaves_the_total_in_doubt():
    found = compared(
        core__workforce_current=planned_staff({"medical_dental": 110}),
        core__nhs_workforce_current=staff_in_post({**GROUPS, "Midwives": None}),
    )
    assert found["staff_wte", "substantive", "staff_in_post"]["difference"] is None
