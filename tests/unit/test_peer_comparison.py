"""Trusts among their peers, from a few rows by hand: who counts, ties, small groups, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.unit.mart_tables import make, mart_warehouse

Row = dict[str, Any]


def absence(lost_days: Mapping[str, float | None], month: str = "2024-04", **more: Any) -> list[Row]:
    """Days lost of 1,000 available, by organisation."""
    return [
        {"submission_id": "a", "organisation_code": code, "month": month, "organisation_kind": "Acute",
         "available_days": 1000, "lost_days": lost, **more}
        for code, lost in lost_days.items()
    ]  # fmt: skip


def emergency(code: str, values: Mapping[str, tuple[float | None, float | None]]) -> list[Row]:
    """Attendances and those over four hours, by type of department."""
    return [
        {"organisation_code": code, "month": "2024-04", "type": type_, "measure": measure, "value": value}
        for type_, pair in values.items()
        for measure, value in zip(("attendances", "over_4_hours"), pair, strict=True)
    ]


def places(**tables: Sequence[Row]) -> dict[str, tuple]:
    """(value, rank, peers, quartile) by organisation of the system and period."""
    rows = make(mart_warehouse(**tables), "mart.peer_comparison")
    return {
        f"{row['organisation_code']} {row['period']}": (row["value_share"], row["rank"], row["peers"], row["quartile"])
        for row in rows
    }


@pytest.mark.parametrize(
    ("own", "others", "rank", "quartile"),
    [
        (10, (20, 30, 40), 1, 1),
        (40, (10, 20, 30), 4, 4),
        (20, (10, 20, 30), 2, 2),  # second with another, and the next is fourth
        (30, (10, 20, 20), 4, 4),
        (20, (20, 20, 20), 1, 1),  # all alike: nobody is worse than anybody
        (0, (10, 20, 30), 1, 1),
        (50, (10, 20, 30, 40, 60, 70, 80), 5, 3),  # 5 of 8 is more than a half, and less than three quarters
    ],
)
def test_equal_values_share_a_rank_and_the_quartile_is_that_of_the_rank(own, others, rank, quartile):
    days = {"RWE": own, **{f"R{n:02}": lost for n, lost in enumerate(others)}}
    value = (own / 1000, rank, len(days), quartile)
    assert places(core__nhs_absence_current=absence(days)) == {"RWE 2024-04": value}


def test_three_cannot_be_in_quarters():
    assert places(core__nhs_absence_current=absence({"RWE": 20, "R01": 10, "R02": 30})) == {
        "RWE 2024-04": (0.02, 2, 3, None)
    }


def test_a_peer_without_a_value_is_not_counted_and_an_own_value_that_is_missing_has_no_place():
    rows = absence({"RWE": 20, "R01": None, "R02": 30}) + absence({"RWE": None, "R01": 10}, "2024-05")
    assert places(core__nhs_absence_current=rows) == {"RWE 2024-04": (0.02, 1, 2, None)}


def test_an_organisation_that_merged_is_a_peer_until_it_ended():
    """R01 became a part of R02 in May: three peers in April, two in May, and nobody is carried on."""
    rows = absence({"RWE": 20, "R01": 10, "R02": 30}) + absence({"RWE": 20, "R02": 15}, "2024-05")
    assert places(core__nhs_absence_current=rows) == {
        "RWE 2024-04": (0.02, 2, 3, None),
        "RWE 2024-05": (0.02, 2, 2, None),
    }


def test_another_kind_of_organisation_is_no_peer():
    rows = absence({"RWE": 20, "R01": 10}) + absence({"R02": 1}, organisation_kind="Ambulance")
    assert places(core__nhs_absence_current=rows)["RWE 2024-04"] == (0.02, 2, 2, None)


def test_a_type_of_department_without_its_waits_keeps_the_month_out():
    """R01 has 400 of 1,000 over four hours; RWE's 600 major attendances have none stated: not 10 of 700."""
    rows = emergency("RWE", {"type_1": (600, None), "other": (100, 10)})
    rows += emergency("R01", {"type_1": (1000, 400)})
    assert places(core__nhs_emergency_current=rows) == {}
    rows = emergency("RWE", {"type_1": (600, 170), "type_2": (0, None), "other": (100, 5)})
    assert places(core__nhs_emergency_current=rows) == {"RWE 2024-04": (0.25, 1, 1, None)}  # 175 of 700


def test_who_has_no_major_department_is_no_peer():
    rows = emergency("RWE", {"type_1": (600, 300)}) + emergency("R01", {"type_1": (0, 0), "other": (100, 1)})
    assert places(core__nhs_emergency_current=rows) == {"RWE 2024-04": (0.5, 1, 1, None)}


def test_half_a_day_is_no_day():
    """1 December: 90 of 100; 2 December has no beds occupied. 90%, not 45%."""
    days = [
        ("2016-12-01", "ga_beds_open", 100), ("2016-12-01", "ga_beds_occupied", 90),
        ("2016-12-02", "ga_beds_open", 100), ("2016-12-02", "ga_beds_occupied", None),
    ]  # fmt: skip
    rows = [
        {"organisation_code": "RWE", "date": day, "measure": measure, "value": value} for day, measure, value in days
    ]
    assert places(core__nhs_sitrep_current=rows) == {"RWE 2016-12": (0.9, 1, 1, None)}


def test_a_trust_without_beds_has_no_occupancy():
    """A dash is 0 of 0: no share, and no peer with one of 0."""
    rows = [
        {"organisation_code": code, "quarter": "2020/21 Q1", "bed_definition": "kh03_general_acute",
         "available_beds": available, "occupied_beds": occupied}
        for code, available, occupied in (("RWE", 1453.67, 984.47), ("R01", 0, 0))
    ]  # fmt: skip
    assert places(core__nhs_beds_current=rows) == {"RWE 2020/21 Q1": (984.47 / 1453.67, 1, 1, None)}
