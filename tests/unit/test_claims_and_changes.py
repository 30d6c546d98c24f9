"""Claims against the returns, and what is not the same in two rounds, on rows made by hand."""

from __future__ import annotations

from typing import Any

from llr_pipeline.contracts import contracts
from llr_pipeline.paths import SQL
from llr_pipeline.tables import reads
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
    assert department["verdict"] == "documents_differ"
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


def test_every_figure_of_every_planning_table_is_compared():
    """A core table of rounds, and each cell that it keeps: a figure of a return. Text is not compared."""
    select = (SQL / "mart" / "figures.sql").read_text(encoding="utf-8")
    planning = [
        contract for name, contract in contracts().items()
        if contract.layer == "core" and "round" in {column.name for column in contract.columns}
    ]  # fmt: skip
    monthly = {"core.indicators", "core.milestones"}
    assert {contract.name for contract in planning} | monthly == {
        name for name in reads(select) if name.startswith("core.")
    }
    for contract in planning:
        for column in contract.columns:
            assert not column.name.endswith("_cell") or column.name in select, f"{contract.name}.{column.name}"


def in_both(keys: str, **values: tuple[Any, Any]) -> list[dict[str, Any]]:
    """A line of two rounds: `keys` as "column=code", then the values in each."""
    line = {"organisation_code": "RWE", "sheet": "S"} | dict(key.split("=") for key in keys.split())
    return [
        line | {"submission_id": f"RWE {round_}", "round": round_} | {name: pair[n] for name, pair in values.items()}
        for n, round_ in enumerate(("2016-10", "2016-11"))
    ]


def test_flows_scenarios_and_savings_schemes_that_changed():
    connection = mart_warehouse(
        raw__submissions=[
            row for template in ("workforce", "finance", "assumptions")
            for row in returned(template, "2016-10", "2016-11")
        ],
        core__workforce_flows_current=in_both(
            "staff_group=doctors setting=acute rate_definition=opening_stock financial_year=2020/21",
            leaver_rate_share=(0.1, 0.12), joiners_overseas_wte=(5, 5), leaver_rate_cell=("F5", "F6"),
        ),
        core__savings_schemes_current=in_both(
            "scheme_code=REC01 category=efficiency cost_pool=pay",
            confidence_share=(0.8, 0.5), full_year_effect_gbp=(900, None), full_year_effect_share=(None, 0.02),
        ),
        core__scenarios_current=in_both(
            "scenario=late scheme_code=REC01", slip_months=(None, 6), slip_months_cell=("E5", "E5")
        ),
    )  # fmt: skip
    make(connection, "mart.figures")
    found = {
        (row["subject"], row["measure"]): (row["change"], row["before_value"], row["after_value"], row["after_cell"])
        for row in make(connection, "mart.round_changes")
    }
    assert found == {
        ("workforce_flows", "leaver_rate"): ("changed", 0.1, 0.12, "S!F6"),
        ("savings_schemes", "confidence"): ("changed", 0.8, 0.5, None),
        ("savings_schemes", "full_year_effect"): ("removed", 900, None, None),
        ("savings_schemes", "full_year_effect_of_pool"): ("added", None, 0.02, None),
        ("scenarios", "slip"): ("added", None, 6, "S!E5"),
    }


def staff_of(round_: str, headcount: int, wte: float, pay: int, *, setting: str = "acute") -> dict[str, Any]:
    return {
        "submission_id": f"RWE {round_}", "round": round_, "organisation_code": "RWE", "staff_group": "medical",
        "setting": setting, "contract": "substantive", "financial_year": "2016/17", "wte": wte, "headcount": headcount,
        "pay_cost_gbp": pay, "wte_cell": "H7", "headcount_cell": "H8", "pay_cost_cell": "H9", "sheet": "Workforce",
    }  # fmt: skip


def test_the_number_and_the_pay_of_fewer_than_five_people_are_not_shown():
    """4 is small in either round, and 4.9 WTE; 5 are shown. The mart has them all, the document does not."""
    connection = mart_warehouse(
        raw__submissions=returned("workforce", "2016-10", "2016-11"),
        core__workforce_current=[
            staff_of("2016-10", 9, 8.5, 900_000), staff_of("2016-11", 4, 3.5, 400_000),
            staff_of("2016-10", 6, 4.9, 410_000, setting="community"),
            staff_of("2016-11", 7, 6.1, 500_000, setting="community"),
            staff_of("2016-10", 6, 5.0, 420_000, setting="ambulance"),
            staff_of("2016-11", 5, 5.5, 390_000, setting="ambulance"),
            staff_of("2016-10", 60, 55.0, 4_000_000, setting="primary_care"),
            staff_of("2016-11", 60, 55.0, 6_000_000, setting="primary_care"),
        ],
    )  # fmt: skip
    make(connection, "mart.figures")
    assert len(make(connection, "mart.round_changes")) == 10  # three lines of three measures, and one's pay
    totals = make(connection, "mart.round_change_totals")
    assert {row["measure"]: (row["largest_difference"], row["is_few"]) for row in totals} == {
        "headcount": (5, True), "wte": (5.0, True), "pay_cost": (2_000_000, False),
    }  # fmt: skip
    rows = make(connection, "report.changes")
    shown = {(row["line"], row["measure"]): (row["before_value"], row["after_value"]) for row in rows}
    assert {place: values for place, values in shown.items() if values != (None, None)} == {
        ("medical, ambulance", "wte"): (5.0, 5.5),
        ("medical, ambulance", "headcount"): (6.0, 5.0),
        ("medical, ambulance", "pay_cost"): (420_000.0, 390_000.0),
        ("medical, primary_care", "pay_cost"): (4_000_000.0, 6_000_000.0),
    }
    hidden = {
        (row["before_in_words"], row["after_in_words"], row["difference"], row["difference_in_words"])
        for row in rows
        if row["line"] not in ("medical, ambulance", "medical, primary_care")
    }
    assert hidden == {("not shown: 1 to 4 people", "not shown: 1 to 4 people", None, "not shown")}
