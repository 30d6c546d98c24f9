"""Claims against the returns, and what is not the same in two rounds, on rows made by hand."""

from __future__ import annotations

from typing import Any

from tests.unit.mart_tables import make, mart_warehouse


def ledger(**reports: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    rows = make(mart_warehouse(**reports), "mart.claims_ledger")
    return {(row["figure_code"], row["document"]): row for row in rows}


def of_beds(definition: str, before: float, after: float) -> list[dict[str, Any]]:
    row = {
        "round": "2016-11", "bed_definition": definition, "method": "submitted", "scenario": "plan", "area": "system",
        "is_complete": True,
    }  # fmt: skip
    years = (("2015/16", before), ("2020/21", after))
    return [row | {"financial_year": year, "planned_beds": beds} for year, beds in years]


def test_the_arithmetic_of_published_figures_is_done_again():
    claims = ledger()
    pct = claims["acute_beds_reduction_pct", "press_release"]
    assert (pct["arithmetic"], pct["arithmetic_verdict"]) == ("243 / 1,940 = 12.526%", "agrees_when_truncated")
    community = claims["community_beds_reduction_pct", "press_release"]
    assert (community["arithmetic"], community["arithmetic_verdict"]) == ("38 / 233 = 16.309%", "agrees")
    for document in ("press_release", "briefing"):  # printed 13% and 12.9%
        total = claims["total_beds_reduction_pct", document]
        assert (total["arithmetic"], total["arithmetic_verdict"]) == ("281 / 2,173 = 12.931%", "agrees")
    assert claims["community_staff_after", "briefing"]["arithmetic"] == "2,271 + 234 = 2,505, +10.304%"


def test_every_claim_has_a_verdict_beside_the_returns():
    gap = {
        "scenario": "do_nothing", "method": "submitted", "area": "nhs", "price_basis": "nominal",
        "financial_year": "2020/21",
    }  # fmt: skip
    claims = ledger(
        mart__bed_capacity_totals=[*of_beds("stp_acute", 1940, 1700), *of_beds("kh03_general_acute", 233, 195)],
        mart__funding_gap_totals=[
            {"round": "2016-11", "do_nothing_gap_gbp": 399.3e6, **gap},
            {"round": "2016-10", "do_nothing_gap_gbp": 450e6, **gap},
        ],
        mart__capital_totals=[
            {"round": "2016-11", "price_basis": "nominal", "source": "external", "needed_gbp": 350e6,
             "secured_gbp": 0},
        ],
    )  # fmt: skip
    assert claims["acute_beds_after", "briefing"]["verdict"] == "differs"
    assert claims["acute_beds_after", "briefing"]["difference"] == 3
    assert claims["acute_beds_before", "briefing"]["verdict"] == "agrees"
    # 240 / 1,940 = 12.371%: 12 as printed
    assert claims["acute_beds_reduction_pct", "press_release"]["verdict"] == "agrees"
    assert claims["community_beds_after", "press_release"]["verdict"] == "nothing_to_compare_with"  # another definition
    new, old = claims["nhs_funding_gap", "press_release"], claims["nhs_funding_gap_earlier", "slides"]
    assert (new["verdict"], old["verdict"], old["round"]) == ("agrees", "agrees", "2016-10")
    assert new["arithmetic"] == "£399.3m / 1,061,800 people = £376.06 a head"
    assert claims["local_authority_funding_gap_earlier", "slides"]["verdict"] == "nothing_to_compare_with"
    assert claims["capital_external", "press_release"]["verdict"] == "differs"
    other = claims["capital_cases_in_preparation", "update_2018"]
    assert (other["verdict"], other["difference"]) == ("different_scope", None)
    department = claims["emergency_department_cost", "press_release"]
    assert department["verdict"] == "differs"
    assert "£48 million" in department["why"]


def of_round(round_: str, beds: float | None, *, site: str = "RWEAA") -> dict[str, Any]:
    return {
        "submission_id": f"RWE {round_}", "round": round_, "organisation_code": "RWE", "site_code": site,
        "sector": "adult_general_acute", "bed_definition": "stp_acute", "financial_year": "2020/21",
        "available_beds": beds, "sheet": "Beds", "available_cell": "H7",
    }  # fmt: skip


def returned(template: str, *rounds: str, organisation: str = "RWE") -> list[dict[str, Any]]:
    return [
        {"submission_id": f"{organisation} {round_}", "template": template, "organisation_code": organisation,
         "period": round_, "status": "accepted"}
        for round_ in rounds
    ]  # fmt: skip


def test_what_changed_between_any_two_rounds():
    connection = mart_warehouse(
        raw__submissions=returned("beds", "2016-10", "2016-11", "2017-01"),
        core__beds_current=[
            of_round("2016-10", 100), of_round("2016-11", 80), of_round("2017-01", 80),
            of_round("2016-10", 30, site="RWEAK"), of_round("2016-11", 30, site="RWEAK"),
            of_round("2016-11", 0, site="RWEAE"), of_round("2017-01", 12, site="RWEAK"),
        ],
    )  # fmt: skip
    assert len(make(connection, "mart.figures")) == 7  # a bed count each; none says who lies in them
    rows = make(connection, "mart.round_changes")
    found = {
        (row["round_before"], row["round_after"], row["line"].split(",")[0]):
        (row["change"], row["before_value"], row["after_value"], row["difference"], row["position"])
        for row in rows
    }  # fmt: skip
    assert found == {
        ("2016-10", "2016-11", "RWEAA"): ("changed", 100, 80, -20, 1),
        ("2016-10", "2016-11", "RWEAE"): ("added", None, 0, 0, 2),  # 0 is a figure, and was not there
        ("2016-10", "2017-01", "RWEAA"): ("changed", 100, 80, -20, 1),
        ("2016-10", "2017-01", "RWEAK"): ("changed", 30, 12, -18, 2),
        ("2016-11", "2017-01", "RWEAK"): ("changed", 30, 12, -18, 1),
        ("2016-11", "2017-01", "RWEAE"): ("removed", 0, None, 0, 2),
    }
    assert rows[0]["before_cell"] == rows[0]["after_cell"] == "Beds!H7"
    totals = make(connection, "mart.round_change_totals")
    assert [(row["round_after"], row["changed_count"], row["added_count"]) for row in totals] == [
        ("2016-11", 1, 1), ("2017-01", 2, 0), ("2017-01", 1, 0),
    ]  # fmt: skip


def test_a_return_that_one_round_lacks_is_not_a_change_of_each_line():
    connection = mart_warehouse(
        raw__submissions=returned("beds", "2016-10"), core__beds_current=[of_round("2016-10", 100)]
    )
    assert len(make(connection, "mart.figures")) == 1
    assert make(connection, "mart.round_changes") == []
