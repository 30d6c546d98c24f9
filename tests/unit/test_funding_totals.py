"""The funding tables that SQL makes: flows, totals and what makes them incomplete, savings delivered, and capital."""

from __future__ import annotations

import pytest

from tests.unit.bed_tables import ROUND, YEARS
from tests.unit.funding_tables import flow, funding, money, saving
from tests.unit.funding_warehouse import funding_warehouse, make, rows

PAY = money("pay", 1_000)
FLOWS = ("mart.system_flows",)
TOTALS = (*FLOWS, "mart.funding_inflation", "mart.funding_gap_projections", "mart.funding_gap_totals")
LAST = YEARS[-1]


def totals(connection, columns="cost_gbp, income_gbp, eliminated_gbp, residual_gap_gbp", **equal):
    """By area, as submitted for 2020/21 if nothing is done, in prices of the year."""
    keys = {"method": "submitted", "scenario": "do_nothing", "price_basis": "nominal", "financial_year": LAST} | equal
    where = " and ".join(f"{name} = '{value}'" for name, value in keys.items())
    found = rows(connection, f"select area, {columns} from mart.funding_gap_totals where {where} order by area")
    return {area: values[0] if len(values) == 1 else values for area, *values in found}


# -- flows


@pytest.mark.parametrize(
    ("lines", "status", "eliminated"),
    [
        (flow("04C", "RWE", 200_000), "matched", 200_000),
        (flow("04C", "RWE", 200_000, 240_000), "matched", 200_000),
        (flow("04C", "RWE", 200_000, 260_000), "differs", 200_000),
        (flow("04C", "RWE", 200_000)[:6], "purchaser only", None),
        (flow("04C", "RWE", 200_000)[6:], "provider only", None),
        (flow("04C", "03W", 200_000)[:6], "provider returned nothing", None),
        (flow("03W", "RWE", 200_000)[6:], "purchaser returned nothing", None),
        ([*flow("04C", "RWE", 200_000)[:6], *flow("04C", "RWE", 200_000, prices="real_2015_16")[6:]],
         "stated differently", None),
    ],
)  # fmt: skip
def test_a_flow_s_status_and_both_its_cells(lines, status, eliminated):
    """Sides may be 50 thousand pounds apart: 40 match, 60 differ."""
    tolerance = funding("tolerance", "contract_income_against_bought", 50)
    others = [*PAY, *money("pay", 10, at="04C")]
    warehouse = funding_warehouse(
        [*others, *lines], assumptions=[{**row, "subject": "triangulation"} for row in tolerance], marts=FLOWS
    )
    cells = [
        next((f"Income and expenditure!{row['cell']}" for row in lines if row["category"] == category), None)
        for category in ("healthcare_bought", "contract_income")
    ]
    (found,) = rows(
        warehouse,
        "select status, eliminated_gbp, purchaser_cells, provider_cells from mart.system_flows "
        "where financial_year = '2015/16'",
    )
    assert found == (status, eliminated, *cells)


# -- totals


def test_elimination_by_scope_and_for_the_system():
    """04C buys 200 from RWE, both NHS, and 30 from the council."""
    lines = [
        *PAY, *money("allocation", 300, at="04C"), *flow("04C", "RWE", 200), *flow("04C", "E06000016", 30),
        *money("pay", 35, at="E06000016"),
    ]  # fmt: skip
    assert totals(funding_warehouse(lines, marts=TOTALS)) == {
        "04C": [230, 300, 0, -70], "E06000016": [35, 30, 0, 5], "RWE": [1_000, 200, 0, 800],
        "local_authority": [35, 30, 0, 5], "nhs": [1_030, 300, 200, 730], "system": [1_035, 300, 230, 735],
    }  # fmt: skip


def test_real_prices_are_those_of_the_year_through_the_deflator():
    """1.02^5 = 1.10408: 1,000 of 2020/21 are 905.73 of 2015/16."""
    warehouse = funding_warehouse(
        PAY, assumptions=funding("inflation", "all", [None, *[0.02] * 5]), marts=TOTALS
    )  # fmt: skip
    assert totals(warehouse, "cost_gbp", price_basis="real_2015_16")["RWE"] == 905.73


def test_a_surplus_is_over_closure_and_never_cut_off():
    lines = [*PAY, *money("allocation", 1_200, at="RWE")]
    assert totals(funding_warehouse(lines, marts=TOTALS), "unidentified_gbp, over_closure_gbp")["RWE"] == [0, 200]


COUNCIL = money("pay", 50, at="E06000016")
OWED = ("RWE", "E06000016")


def complete(lines, **more):
    """Whether each area is complete in 2016/17."""
    keys = {key: more.pop(key) for key in ("method", "scenario") if key in more}
    warehouse = funding_warehouse(lines, owed=more.pop("owed", OWED), marts=TOTALS, **more)
    return totals(warehouse, "is_complete", financial_year="2016/17", **keys)


def test_all_that_is_owed_and_every_line_is_complete():
    whole = {"RWE": True, "E06000016": True, "nhs": True, "local_authority": True, "system": True}
    assert complete([*PAY, *COUNCIL]) == whole
    assert complete([*PAY, *COUNCIL], method="modelled") == whole


def test_a_return_that_is_missing_makes_its_areas_incomplete():
    found = complete([*PAY, *COUNCIL], owed=("RWE", "E06000016", "RT5"))
    assert found == {"RWE": True, "E06000016": True, "nhs": False, "local_authority": True, "system": False}


def test_a_line_that_lacks_the_year_makes_it_incomplete():
    found = complete([*PAY, *money("drugs", [9, None, 9, 9, 9, 9]), *COUNCIL])
    assert found == {"RWE": False, "E06000016": True, "nhs": False, "local_authority": True, "system": False}


def test_lines_that_lack_a_year_each_are_not_whole_because_they_are_alike():
    """Every year has one line of two."""
    lines = [*money("pay", [9, None, 9, None, 9, None]), *money("drugs", [None, 9, None, 9, None, 9])]
    assert complete(lines, owed=("RWE",))["RWE"] is False


def test_an_organisation_that_lacks_the_year_makes_its_areas_incomplete():
    found = complete([*PAY, *money("pay", [9, None, 9, 9, 9, 9], at="RT5"), *COUNCIL], owed=(*OWED, "RT5"))
    assert found == {"RWE": True, "E06000016": True, "nhs": False, "local_authority": True, "system": False}


def test_an_organisation_without_a_plan_saves_nothing_by_it():
    """RWE plans 900 instead of 1,000. RT5 has no plan: its 500 are no saving, and the plan of both is not complete."""
    lines = [*PAY, *money("pay", 500, at="RT5"), *money("pay", 900, scenario="plan")]
    warehouse = funding_warehouse(lines, owed=("RWE", "RT5"), marts=TOTALS)
    found = totals(warehouse, "schemes_effect_gbp, is_complete", scenario="plan")
    assert found == {"RWE": [-100, True], "nhs": [None, False], "system": [None, False]}


@pytest.mark.parametrize("method", ["submitted", "modelled"])
def test_areas_on_two_bases_have_no_total(method):
    lines = [*PAY, *money("pay", 50, at="RT5", prices="real_2015_16"), *COUNCIL]
    rates = funding("inflation", "all", 0.02)
    found = totals(funding_warehouse(lines, assumptions=rates, marts=TOTALS), "cost_gbp", method=method)
    assert {*found} == {"RWE", "RT5", "E06000016", "local_authority"}


def test_an_organisation_on_two_bases_leaves_the_modelled_total_of_the_others_incomplete():
    lines = [*PAY, *money("drugs", 9, support="with_support"), *money("pay", 50, at="RT5")]
    warehouse = funding_warehouse(lines, owed=("RWE", "RT5"), marts=TOTALS)
    assert totals(warehouse, "cost_gbp, is_complete", method="modelled") == {
        "RT5": [50, True], "nhs": [50, False], "system": [50, False],
    }  # fmt: skip
    assert {*totals(warehouse)} == {"RT5"}
    assert rows(warehouse, "select distinct organisation_code from mart.funding_gap_projections") == [("RT5",)]


def test_a_total_that_the_model_does_not_know_is_not_complete():
    lines = [*PAY, *money("pressure", [0, None, 9, 9, 9, 9]), *COUNCIL]
    warehouse = funding_warehouse(lines, owed=OWED, marts=TOTALS)
    found = totals(warehouse, "cost_gbp, is_complete", method="modelled", financial_year="2016/17")
    assert found["RWE"] == [None, False]
    assert found["E06000016"] == [50, True]


# -- savings delivered to date


def delivered(code, month, pounds, *, at="RWE", returned=None):
    return {
        "submission_id": f"{at}-{month}", "organisation_code": at, "is_illustrative": True, "indicator_code": code,
        "return_month": returned or month, "month": month, "numerator": pounds / 1_000,
    }  # fmt: skip


def test_savings_are_delivered_to_date_against_the_plan_of_the_same_months():
    """Two of twelve months of 1,200 planned by the trust's two schemes: 200, of which 150 came. April was restated."""
    schemes = [saving("A", (0, 0, 700, 0, 0, 0)), saving("QIP01", (0, 0, 500, 0, 0, 0)),
               saving("QIP01", (0, 0, 100, 0, 0, 0), at="RT5")]  # fmt: skip
    months = [
        delivered("EFF-04", "2017-04", 999), delivered("EFF-04", "2017-04", 60, returned="2017-05"),
        delivered("EFF-04", "2017-05", 90), delivered("EFF-06", "2017-04", 30, at="QK1"),
        delivered("OTHER", "2017-04", 7_000),
    ]  # fmt: skip
    lines = [*PAY, *money("pay", 900, at="RT5")]
    warehouse = funding_warehouse(
        lines, schemes=schemes, indicators=months, marts=("mart.savings_delivered", "mart.savings_schemes")
    )
    found = rows(
        warehouse,
        "select organisation_code, scheme_code, reported_months, last_month, delivered_gbp, planned_gbp, "
        "planned_to_date_gbp, delivered_share from mart.savings_delivered order by all",
    )
    # the scheme in the system: 500 + 100 planned, 30 of the 50 of one month
    assert found == [
        ("QK1", "QIP01", 1, "2017-04", 30, 600, 50, 0.6), ("RWE", "all", 2, "2017-05", 150, 1_200, 200, 0.75),
    ]  # fmt: skip
    by_scheme = rows(
        warehouse,
        "select organisation_code, scheme_code, delivered_covers, delivered_to_date_gbp from mart.savings_schemes "
        "where scenario = 'plan' and financial_year = '2017/18' order by all",
    )
    assert by_scheme == [
        ("RT5", "QIP01", "QIP01 in the system", 30), ("RWE", "A", "all schemes of RWE", 150),
        ("RWE", "QIP01", "QIP01 in the system", 30),
    ]  # fmt: skip


def test_a_scheme_that_one_organisation_reports_is_not_another_s():
    schemes = [saving("S9", (0, 0, 120, 0, 0, 0)), saving("S9", (0, 0, 120, 0, 0, 0), at="RT5")]
    warehouse = funding_warehouse([*PAY, *money("pay", 900, at="RT5")], schemes=schemes, marts=())
    warehouse.execute("insert into reference.savings_indicators values ('RWE', 'I9', 'S9', 1, null)")
    warehouse.execute(
        "insert into core.indicators_current by name select 'RWE' as organisation_code, 'I9' as indicator_code, "
        "'2017-04' as month, '2017-04' as return_month, 8 as numerator, true as is_illustrative"
    )
    make(warehouse, "mart.savings_delivered", "mart.savings_schemes")
    assert rows(
        warehouse,
        "select organisation_code, delivered_covers, delivered_share from mart.savings_schemes "
        "where scenario = 'plan' and financial_year = '2017/18' order by all",
    ) == [("RT5", None, None), ("RWE", "S9 of RWE", 0.8)]


# -- capital


def capital(code, amount, *, year="2016/17", source="external", status="planned", prices="nominal"):
    return {
        "submission_id": "RWE-finance", "round": ROUND, "organisation_code": "RWE", "is_illustrative": True,
        "scheme_code": code, "scheme_name": code, "source": source, "status": status, "price_basis": prices,
        "financial_year": year, "amount_gbp": amount, "sheet": "Capital", "cell": "F5",
    }  # fmt: skip


def test_capital_by_source_is_what_is_needed_secured_and_likely():
    """External: 100 bid at 0.5 and 60 + 40 planned at 0.65 are 115 of 200. Internal: 50 secured at 0.95."""
    confidence = [
        line for status, share in (("secured", 0.95), ("bid", 0.5), ("planned", 0.65))
        for line in funding("confidence_share", status, share)
    ]  # fmt: skip
    lines = [
        capital("A", 100, status="bid"), capital("B", 60), capital("B", 40, year="2017/18"),
        capital("C", 50, source="internal", status="secured"),
    ]  # fmt: skip
    warehouse = funding_warehouse(
        PAY, assumptions=confidence, capital=lines, marts=("mart.capital_plan", "mart.capital_totals")
    )
    assert rows(
        warehouse,
        "select source, needed_gbp, secured_gbp, bid_gbp, planned_gbp, expected_gbp, expected_shortfall_gbp, "
        "source_share, secured_share from mart.capital_totals order by source",
    ) == [("external", 200, 0, 100, 100, 115, 85, 0.8, 0), ("internal", 50, 50, 0, 0, 47.5, 2.5, 0.2, 1)]
    assert rows(
        warehouse, "select cumulative_gbp from mart.capital_plan where scheme_code = 'B' order by financial_year"
    ) == [(60,), (100,)]


def test_capital_whose_likelihood_is_not_known_is_not_guessed_at():
    warehouse = funding_warehouse(
        PAY, assumptions=funding("confidence_share", "bid", 0.5),
        capital=[capital("A", 100, status="bid"), capital("B", 60), capital("C", 9, source="internal", status="bid")],
        marts=("mart.capital_plan", "mart.capital_totals"),
    )  # fmt: skip
    found = rows(warehouse, "select source, expected_gbp, expected_shortfall_gbp from mart.capital_totals order by 1")
    assert found == [("external", None, None), ("internal", 4.5, 4.5)]
