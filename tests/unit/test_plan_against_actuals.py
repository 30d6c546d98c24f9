"""Planned figures beside published ones of their own definition, from a few rows by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from llr_pipeline.paths import SQL
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


def test_a_published_figure_leads_to_its_cells():
    """(1,500 + 1,540) / 2 = 1,520 beds; doctors and nurses of the last month in are 100 + 200."""
    beds = [
        {**row, "submission_id": "kh03", "sheet": "NHS Trust", "available_cell": f"F{n}", "occupied_cell": f"L{n}"}
        for n, row in enumerate(kh03({QUARTERS[0]: (1500, 1300), QUARTERS[1]: (1540, 1400)}, code="RT5"))
    ]
    groups = {"HCHS doctors": 100, "Nurses & health visitors": 200}
    staff = [
        {**row, "submission_id": "staff", "sheet": "Data", "value_cell": f"D{n}"}
        for n, row in enumerate([*staff_in_post(groups), *staff_in_post({"HCHS doctors": 90}, "2016-09")])
    ]
    connection = mart_warehouse(core__nhs_beds_current=beds, core__nhs_workforce_current=staff)
    make(connection, "mart.nhs_bed_years")
    connection.execute(
        "alter table raw.submissions add column file_name varchar;"
        "alter table raw.submissions add column received_at timestamp;"
        "alter table raw.submissions add column sha256 varchar;"
        "insert into raw.submissions (submission_id, file_name, sha256) values "
        "('kh03', 'beds.xlsx', 'ab1'), ('staff', 'staff.csv', 'cd2');"
        "create table raw.nhs_kh03 as select 'kh03' as submission_id, 'NHS Trust' as sheet, "
        "{'beds': 'F1'} as cell, '1,540' as value;"
        "create table raw.nhs_kh03_day_only as from raw.nhs_kh03 limit 0"
    )
    for name in ("sitrep", "emergency", "workforce", "absence"):
        connection.execute(
            f"create table raw.nhs_{name} as "
            "select '' as submission_id, '' as sheet, {'value': ''} as cell, '' as value limit 0"
        )
    macros = (SQL / "lineage.sql").read_text(encoding="utf-8").split("\n\n")
    for name in ("files_received", "cells_published", "published_sources"):
        connection.execute(next(macro for macro in macros if f"replace macro {name}(" in macro))

    def cells(*keys: str) -> list[tuple[Any, ...]]:
        asked = (
            "select adds_to, cell, adds, received, file_name, archived_as "
            "from published_sources(?, ?, ?, ?) order by cell"
        )
        return connection.execute(asked, keys).fetchall()

    assert cells("RT5", "available_beds", "kh03_general_acute", YEAR) == [
        ("actual_value", "F0", 750, None, "beds.xlsx", "archive/ab/ab1.xlsx"),
        ("actual_value", "F1", 770, "1,540", "beds.xlsx", "archive/ab/ab1.xlsx"),
    ]
    assert [row[:3] for row in cells("RT5", "occupancy_share", "kh03_general_acute", YEAR)][2:] == [
        ("occupied_beds", "L0", 650), ("occupied_beds", "L1", 700),
    ]  # fmt: skip
    assert [row[1:3] for row in cells("RWE", "staff_wte", "staff_in_post", YEAR)] == [("D0", 100), ("D1", 200)]
    assert cells("RWE", "available_beds", "kh03_general_acute", YEAR) == []  # of the series that is kept
