"""The funding model's arithmetic before schemes: each figure is the sum written beside it."""

from __future__ import annotations

from itertools import accumulate
from operator import mul

import numpy as np
import pytest

from assets.finance.inputs import Basis, MixedBasis, one_basis
from assets.finance.model import activity_index, do_nothing, growth
from llr_pipeline.assumptions import Drawn, pick_central
from tests.unit.bed_tables import YEARS, assumption
from tests.unit.funding_tables import (
    activity,
    flow,
    funding,
    funding_round,
    funding_tables,
    money,
    of,
    path,
    projected,
    untouched,
)

ALL_YEARS = {"last_year": YEARS[-1]}
DEAR = [*funding("inflation", "all", [0, 0.03, 0.03]), *funding("marginal_cost_share", "all", 0.5)]
MORE = assumption("population_index", "all", [1, 1.02, 1.02 * 1.02])


# -- growth


def test_cost_grows_by_inflation_and_by_its_share_of_activity():
    """100 x 1.03 x (1 + 0.5 x 2%) = 104.03, and the same again."""
    inputs = funding_round(money("pay", 100), assumptions=[*DEAR, *MORE], base_activity=[activity()])
    assert path(inputs, "pay") == pytest.approx([100, 100 * 1.03 * 1.01, 100 * (1.03 * 1.01) ** 2], rel=1e-12)
    assert path(inputs, "pay")[1] == pytest.approx(104.03, rel=1e-12)


def test_the_base_year_is_as_returned_whatever_the_assumptions_say_of_it():
    inputs = funding_round(money("pay", 100), assumptions=funding("inflation", "pay", [0.5, 0.0, 0.0]))
    assert path(inputs, "pay") == [100, 100, 100]


def test_a_category_has_its_own_inflation_and_that_of_all_where_it_has_none():
    lines = [*money("pay", 100), *money("drugs", 100)]
    inputs = funding_round(
        lines, assumptions=[*funding("inflation", "all", [None, 0.02, 0.02]), *funding("inflation", "drugs", 0.045)]
    )
    assert path(inputs, "pay")[1] == pytest.approx(102)
    assert path(inputs, "drugs")[1] == pytest.approx(104.5)


def test_activity_grows_by_its_ages_and_points_of_delivery_at_their_weights():
    """300 of the old x 1.10 x 1.01 and 100 of the young x 1.00 x 1.01, and 600 contacts of the young x 1.03:
    333.3 + 101 + 618 = 1,052.3 on 1,000.
    """
    base = [
        activity(300, age="85+"), activity(100, age="0-17"),
        activity(600, age="0-17", pod="community_contacts"),
    ]  # fmt: skip
    found = funding_round(
        money("pay", 100),
        base_activity=base,
        assumptions=[
            *assumption("population_index", "85+", [100, 110, 110]), *assumption("population_index", "0-17", 50),
            *assumption("non_demographic_growth", "non_elective", [None, 0.01, 0]),
            *assumption("non_demographic_growth", "community_contacts", [None, 0.03, 0]),
        ],
    )  # fmt: skip
    assert activity_index(found, pick_central)[0, :, 0] / 1_000 == pytest.approx([1, 1.0523, 1.0523])


def test_an_organisation_without_activity_grows_by_prices_alone_and_is_named_where_it_owes_some():
    lines = [*money("pay", 100), *money("pay", 100, at="RT5"), *money("pay", 100, at="04C")]
    inputs = funding_round(lines, assumptions=[*DEAR, *MORE], base_activity=[activity()], expected=("RWE", "RT5"))
    assert path(inputs, "pay")[1] == pytest.approx(104.03)
    assert path(inputs, "pay", at="RT5")[1] == pytest.approx(103)
    named = [doubt for doubt in inputs.doubts if doubt.guard == "no_activity"]
    assert [doubt.organisation_code for doubt in named] == ["RT5"]
    assert "RT5 has returned no activity" in named[0].message


def test_published_income_grows_by_2_3836_pct_a_year():
    """1.6 bn in 2015/16 -> 1.8 bn in 2020/21."""
    rate = (1.8 / 1.6) ** (1 / 5) - 1
    assert round(100 * rate, 4) == 2.3836
    inputs = funding_round(
        money("allocation", 1_600_000_000), assumptions=funding("allocation_growth", "nhs", 0.023836), **ALL_YEARS
    )
    assert path(inputs, "allocation")[-1] == pytest.approx(
        1_800_000_000, rel=3e-6
    )  # five years of a rate to a millionth


def test_published_inflation_compounds():
    """3.1, 2.3, 2.0, 2.0, 2.9% make 1.1291458."""
    inputs = funding_round(
        money("pay", 1_000),
        assumptions=funding("inflation", "all", [None, 0.031, 0.023, 0.020, 0.020, 0.029]),
        **ALL_YEARS,
    )
    assert path(inputs, "pay")[-1] / 1_000 == pytest.approx(1.1291458, abs=5e-8)
    assert path(inputs, "pay") == pytest.approx([*accumulate([1_000, 1.031, 1.023, 1.020, 1.020, 1.029], mul)])


def test_councils_income_grows_by_their_own_rate():
    lines = [*money("allocation", 100, at="04C"), *money("allocation", 100, at="E06000016")]
    inputs = funding_round(
        lines,
        assumptions=[
            *funding("allocation_growth", "nhs", 0.02), *funding("allocation_growth", "local_authority", -0.01),
        ],
    )  # fmt: skip
    assert path(inputs, "allocation", at="04C")[2] == pytest.approx(104.04)
    assert path(inputs, "allocation", at="E06000016")[2] == pytest.approx(98.01)


# -- pressures and what does not recur


def test_pressures_are_as_returned_and_do_not_grow():
    inputs = funding_round(money("pressure", [0, 18, 40]), assumptions=[*DEAR, *MORE], base_activity=[activity()])
    assert path(inputs, "pressure") == [0, 18, 40]


def test_what_does_not_recur_stays_apart_from_what_does():
    lines = [*money("pay", 100), *money("pay", [7, 3, 0], recurs=False, line="Moving")]
    inputs = funding_round(lines, assumptions=DEAR)
    assert path(inputs, "pay", is_recurrent=True) == pytest.approx([100, 103, 106.09])
    assert path(inputs, "pay", is_recurrent=False) == [7, 3, 0]
    found = of(projected(lines, assumptions=DEAR)["mart.funding_modelled"], scenario="do_nothing")
    assert of(found, is_recurrent=False)["cost_gbp"].tolist() == [7, 3, 0]
    assert of(found, is_recurrent=True)["cost_gbp"].tolist() == [100, 103, 106.09]


def test_a_pressure_that_lacks_a_year_is_unknown_in_it_and_so_is_the_total():
    lines = [*money("pay", 100), *money("pressure", [0, None, 40])]
    found = of(projected(lines)["mart.funding_modelled_totals"], scenario="do_nothing", area="system")
    assert found["cost_gbp"].tolist() == pytest.approx([100, np.nan, 140], nan_ok=True)
    assert np.isnan(found["closed_probability"][1])


# -- flows inside the system


@pytest.mark.parametrize("earned", [200, 190])
def test_a_matched_flow_is_the_same_on_both_sides_in_every_year_and_run(earned):
    """And it is the purchaser's figure, whatever the provider says."""
    inputs = funding_round(
        flow("04C", "RWE", 200, earned),
        assumptions=funding("inflation", "healthcare_bought", 0.02, low=0.01, high=0.03),
    )
    bought, sold = inputs.cells
    assert (bought.side, sold.side, sold.mirrors) == ("cost", "income", 0)
    values = do_nothing(inputs, growth(inputs, Drawn(inputs.assumptions, 50, 1).pick))
    assert (values[0] == values[1]).all()
    assert values[0, 0, 0] == 200
    assert values[0, 1].std() > 0


def test_a_flow_on_one_side_grows_as_its_own_side_does():
    """The purchaser's by inflation, the provider's as allocations do."""
    rates = [*funding("inflation", "all", 0.03), *funding("allocation_growth", "nhs", 0.01)]
    lines = [*flow("04C", "RWE", 200)[: len(YEARS)], *flow("03W", "RT5", 50)[len(YEARS) :]]
    inputs = funding_round(lines, assumptions=rates)
    assert path(inputs, "healthcare_bought", at="04C")[1] == pytest.approx(206)
    assert path(inputs, "contract_income", at="RT5")[1] == pytest.approx(50.5)
    totals = of(projected(lines, assumptions=rates)["mart.funding_modelled_totals"], area="system", scenario="plan")
    assert totals["eliminated_gbp"].tolist() == [0, 0, 0]
    assert totals["cost_gbp"].tolist() == [200, 206, pytest.approx(212.18)]


def test_a_flow_is_eliminated_where_both_sides_are_inside_the_area():
    """04C buys 200 from RWE, both NHS, and 30 from the council: of the NHS 200, of the system 230."""
    lines = [
        *money("allocation", 300, at="04C"), *flow("04C", "RWE", 200), *flow("04C", "E06000016", 30),
        *money("pay", 210), *money("pay", 30, at="E06000016"),
    ]  # fmt: skip
    found = of(projected(lines)["mart.funding_modelled_totals"], scenario="do_nothing", financial_year="2017/18")
    by_area = found.set_index("area")[["cost_gbp", "income_gbp", "eliminated_gbp", "residual_gap_gbp"]]
    assert by_area.loc["04C"].tolist() == [230, 300, 0, -70]
    assert by_area.loc["nhs"].tolist() == [240, 300, 200, -60]
    assert by_area.loc["local_authority"].tolist() == [30, 30, 0, 0]
    assert by_area.loc["system"].tolist() == [240, 300, 230, -60]


def test_a_flow_that_does_not_recur_is_eliminated_as_well():
    lines = [*money("allocation", 300, at="04C"), *flow("04C", "RWE", [9, 4, 0], recurs=False), *money("pay", 210)]
    found = of(projected(lines)["mart.funding_modelled_totals"], scenario="do_nothing", area="system")
    assert found["eliminated_gbp"].tolist() == [9, 4, 0]
    assert found["cost_gbp"].tolist() == [210, 210, 210]
    assert found["income_gbp"].tolist() == [300, 300, 300]


def test_a_contract_with_oneself_is_no_flow():
    lines = [*money("pay", 100), *flow("RWE", "RWE", 50)]
    found = of(projected(lines)["mart.funding_modelled_totals"], scenario="do_nothing", area="RWE")
    assert found["eliminated_gbp"].tolist() == [0, 0, 0]
    assert found["cost_gbp"].tolist() == [150, 150, 150]


# -- bases


def test_real_prices_are_brought_to_those_of_the_year_by_overall_inflation():
    rates = [*funding("inflation", "all", [None, 0.03, 0.02])]
    inputs = funding_round(money("pressure", [100, 100, 100], prices="real_2015_16"), assumptions=rates)
    assert path(inputs, "pressure") == pytest.approx([100, 103, 105.06])


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (("nhs", "real_2015_16", "with_support"), "RWE (B5) is nominal and RT5 (C7) is real 2015 16: prices"),
        (("nhs", "nominal", "without_support"),
         "RWE (B5) is with support and RT5 (C7) is without support: support funding"),
        (("local_authority", "nominal", "with_support"), "RT5 (C7) is local authority, and the total is of nhs"),
    ],
)  # fmt: skip
def test_money_on_two_bases_is_not_added_and_both_are_named(second, words):
    first = Basis("nhs", "nominal", "with_support", "RWE (B5)")
    with pytest.raises(MixedBasis) as raised:
        one_basis([first, Basis(*second, "RT5 (C7)")], scopes=("nhs",))
    assert words in str(raised.value)


@pytest.mark.parametrize("other", [{"prices": "real_2015_16"}, {"support": "with_support"}])
def test_an_organisation_on_two_bases_is_left_out_with_both_cells_and_the_others_go_on(other):
    lines = [
        *money("pay", 100, line="Wages"), *money("drugs", 10, line="Pills", **other), *money("pay", 50, at="RT5"),
    ]  # fmt: skip
    made = projected(lines)
    (doubt,) = of(made["mart.funding_model_doubts"], guard="mixed_basis").to_dict("records")
    assert (doubt["organisation_code"], doubt["about"]) == ("RWE", "RWE")
    for one in ("Wages", "Pills"):
        cell = next(row["cell"] for row in lines if row["line"] == one)
        assert f"RWE (Income and expenditure!{cell})" in doubt["message"]
    assert {*made["mart.funding_modelled_totals"]["area"]} == {"RT5", "nhs", "system"}
    assert of(made["mart.funding_modelled_totals"], area="system", scenario="plan")["cost_gbp"].tolist() == [50] * 3


def test_an_area_on_two_bases_has_no_total_and_the_others_have():
    lines = [
        *money("pay", 100), *money("pay", 50, at="RT5", prices="real_2015_16"), *money("pay", 9, at="E06000016"),
    ]  # fmt: skip
    made = projected(lines)
    doubts = of(made["mart.funding_model_doubts"], guard="mixed_basis")
    assert sorted(doubts["about"]) == ["nhs", "system"]
    assert all("RT5 (" in words and words.count("!") == 2 for words in doubts["message"])
    assert {*made["mart.funding_modelled_totals"]["area"]} == {"RWE", "RT5", "E06000016", "local_authority"}


def test_where_every_organisation_is_on_two_bases_there_are_doubts_and_no_figures():
    made = projected([*money("pay", 100), *money("drugs", 10, prices="real_2015_16")])
    assert made["mart.funding_modelled_totals"].empty
    assert of(made["mart.funding_model_doubts"], guard="mixed_basis")["about"].tolist() == ["RWE"]


def test_a_return_that_says_nothing_of_doing_nothing_gives_no_figures():
    made = projected(money("pay", 100, scenario="plan"))
    assert made["mart.funding_modelled_totals"].empty
    (doubt,) = of(made["mart.funding_model_doubts"], guard="do_nothing_missing").to_dict("records")
    assert doubt["organisation_code"] == "RWE"


def test_a_scope_that_is_not_known_is_a_doubt():
    lines = [*money("pay", 100), *money("pay", 50, at="RT5")]
    made = projected([{**row, "scope": None} if row["organisation_code"] == "RT5" else row for row in lines])
    assert of(made["mart.funding_model_doubts"], guard="mixed_basis")["about"].tolist() == ["RT5"]
    assert {*made["mart.funding_modelled_totals"]["area"]} == {"RWE", "nhs", "system"}


# -- what the assumptions leave open


def test_what_no_assumption_says_is_named_and_taken_as_none():
    inputs = funding_round(money("pay", 100), assumptions=funding("inflation", "pay", [None, 0.03, None]))
    assert path(inputs, "pay") == pytest.approx([100, 103, 103])
    assert {doubt.about for doubt in inputs.doubts if doubt.guard == "no_assumption"} == {
        "inflation, pay", "marginal_cost_share, pay", "allocation_growth, nhs", "allocation_growth, local_authority",
    }  # fmt: skip


def test_an_assumption_of_one_scenario_is_named_and_not_used():
    inputs = funding_round(money("pay", 100), assumptions=funding("inflation", "pay", 0.5, scenario="plan"))
    assert path(inputs, "pay") == [100, 100, 100]
    assert {doubt.guard for doubt in inputs.doubts} == {"no_assumption", "not_used"}


def test_a_marginal_share_of_40_for_40_pct_stops_nothing():
    """Activity falls by 3%: 1 + 40 x -3% = -0.2, a cost below zero that must be seen and not break the run."""
    made = projected(
        money("pay", 100),
        assumptions=[*funding("marginal_cost_share", "pay", 40), *assumption("population_index", "all", [1, 0.97, 1])],
        base_activity=[activity()],
    )
    assert not made["mart.funding_modelled_totals"].empty
    (doubt,) = of(made["mart.funding_model_doubts"], guard="share_out_of_range").to_dict("records")
    assert "marginal_cost_share, pay" in doubt["about"]


def test_rows_in_another_order_give_the_same():
    lines = [*money("pay", 100.1), *money("pay", 33.3, line="Agency"), *flow("04C", "RWE", 7.7)]
    first = untouched(funding_round(lines, assumptions=DEAR))
    assert untouched(funding_round(lines[::-1], assumptions=DEAR[::-1])) == pytest.approx(first, rel=1e-14)


def test_years_come_from_the_round():
    assert funding_round(money("pay", 100), last_year="2018/19").years == YEARS[:4]
    assert [*funding_tables(money("pay", 1))["core.income_expenditure_current"]["financial_year"]] == [*YEARS]
