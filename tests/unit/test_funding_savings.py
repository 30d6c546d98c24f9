"""What schemes take out of cost: pools, shares and pounds, lateness, investment, and the draws that beds share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.beds.parameters import drawn as drawn_for_beds
from assets.finance.inputs import FundingRound
from assets.finance.model import Delivery, do_nothing, drawn, growth, savings, shifted
from llr_pipeline.assumptions import Drawn
from llr_pipeline.scenarios import MONTH_DAYS
from tests.unit.bed_tables import ORDINARY, YEARS, bed_round, patients, scenario
from tests.unit.bed_tables import scheme as bed_scheme
from tests.unit.funding_tables import (
    funding,
    funding_round,
    money,
    of,
    of_schemes,
    projected,
    runs,
    saving,
    taken,
)

PAY = money("pay", 1_000)
SIX_YEARS = {"last_year": YEARS[-1]}
OCTOBER = "2018-10-01"
FROM_OCTOBER = (0, 0, 0, 50, 100, 100)
"""100 a year in full from 1 October 2018."""


def round_of(*schemes: dict, **more: object) -> FundingRound:
    return funding_round(more.pop("lines", PAY), schemes=schemes, **more)


def late(inputs: FundingRound, months: float, share: float = 1.0) -> Delivery:
    count = len(inputs.savings)
    return Delivery(np.full((count, 1), share), np.full((count, 1), months))


# -- pools


def test_shares_of_one_pool_combine_as_a_product():
    """0.3 and 0.2 of 1,000: 1 - 0.7 x 0.8 = 0.44, of which 3/5 and 2/5 each."""
    inputs = round_of(
        saving("A", (0, 300, 300), stated_as="share", full_year=0.3),
        saving("B", (0, 200, 200), stated_as="share", full_year=0.2),
    )
    took, said, _ = taken(inputs)
    assert took[:, 1] == pytest.approx([264, 176])
    assert took[:, 1].sum() == pytest.approx(440)
    assert said[:, 1] == pytest.approx([300, 200])


def test_a_share_follows_its_pool_as_the_pool_grows():
    """10% of 1,000 as returned; of 1,030 with inflation it is 103."""
    inputs = round_of(
        saving(gross=(0, 100, 100), stated_as="share", full_year=0.1),
        assumptions=funding("inflation", "pay", [None, 0.03, 0]),
    )
    assert taken(inputs)[0][0] == pytest.approx([0, 103, 103])


def test_pounds_add_and_do_not_combine():
    inputs = round_of(saving("A", (0, 300, 300)), saving("B", (0, 200, 200)))
    assert taken(inputs)[0].sum(axis=0).tolist() == [0, 500, 500]


def test_pounds_stop_at_the_pool_and_each_gives_in_proportion():
    """900 and 600 of 1,000: 600 and 400 are taken and 500 is not."""
    made = projected(PAY, schemes=[saving("A", (0, 900, 0)), saving("B", (0, 600, 0))])
    found = of(made["mart.savings_modelled"], scenario="plan", financial_year="2016/17")
    assert found["gross_saving_gbp"].tolist() == [600, 400]
    assert found["stopped_at_pool_gbp"].tolist() == [300, 200]
    total = of(made["mart.funding_modelled_totals"], scenario="plan", financial_year="2016/17", area="system")
    assert total[["cost_gbp", "stopped_at_pool_gbp", "schemes_effect_gbp"]].iloc[0].tolist() == [0, 500, -1_000]


def test_pounds_take_what_shares_leave():
    """Half of 1,000 is a share; of 700 in pounds 500 is left."""
    inputs = round_of(saving("A", (0, 500, 500), stated_as="share", full_year=0.5), saving("B", (0, 700, 700)))
    assert taken(inputs)[0][:, 1] == pytest.approx([500, 500])


def test_a_pool_without_cost_gives_nothing():
    inputs = round_of(saving("A", pool="drugs"), saving("B", pool="drugs", stated_as="share", full_year=0.1))
    assert not taken(inputs)[0].any()


def test_pools_of_other_organisations_are_not_touched():
    inputs = round_of(saving(gross=(0, 800, 800), at="RT5"), lines=[*PAY, *money("pay", 500, at="RT5")])
    assert taken(inputs)[0][0].tolist() == [0, 500, 500]


# -- worth and investment


def test_expected_net_is_the_saving_at_its_confidence_less_the_investment():
    """0.7 x 100 - 40 = 30."""
    made = projected(PAY, schemes=[saving(gross=(0, 100, 100), investment=(0, 40, 0), confidence=0.7)])
    found = of(made["mart.savings_modelled"], scenario="plan")
    assert found["expected_net_gbp"].tolist() == pytest.approx([0, 30, 70])


def test_money_is_invested_though_nothing_is_delivered_but_not_if_nothing_is_done():
    made = projected(PAY, schemes=[saving(gross=(0, 100, 100), investment=(0, 40, 0), confidence=0.0)])
    totals = of(made["mart.funding_modelled_totals"], area="system", financial_year="2016/17").set_index("scenario")
    assert totals.loc["plan", "residual_gap_mean_runs_gbp"] == 1_040
    assert totals.loc["do_nothing", "residual_gap_mean_runs_gbp"] == 1_000
    assert totals.loc["do_nothing", "investment_gbp"] == 0
    assert of(made["mart.savings_modelled"], scenario="do_nothing").empty


def test_a_scheme_that_a_scenario_does_not_do_costs_nothing():
    made = projected(
        PAY,
        schemes=[saving("A", investment=(0, 40, 0)), saving("B", investment=(0, 7, 0))],
        scenarios=[scenario("without", scheme_code="A", delivered=0.0)],
    )
    found = of(made["mart.savings_modelled"], scenario="without").set_index(["scheme_code", "financial_year"])
    assert found.loc[("A", "2016/17"), "investment_gbp"] == 0
    assert found.loc[("B", "2016/17"), "investment_gbp"] == 7


def test_support_funding_is_named_where_it_is_counted():
    made = projected(PAY, schemes=[saving(category="support_funding")])["mart.funding_modelled"]
    assert {*of(made, scenario="plan")["support_basis"]} == {"with_support"}
    assert {*of(made, scenario="do_nothing")["support_basis"]} == {"without_support"}


def test_what_recurs_of_a_saving_is_told_apart():
    lines = [saving("A", (0, 60, 60)), saving("A", (0, 40, 0), recurs=False)]
    (one,) = round_of(*lines).savings
    assert one.gross.tolist() == [0, 100, 60]
    found = of(projected(PAY, schemes=lines)["mart.savings_modelled"], scenario="plan")
    assert found["recurrent_saving_gbp"].tolist() == [0, 60, 60]


def test_the_line_with_the_saving_speaks_for_the_scheme():
    """The investment's line, though first, states another confidence."""
    lines = [
        saving("A", None, investment=(0, 5, 0), recurs=False, confidence=0.2, row_number=5),
        saving("A", (0, 60, 60), confidence=0.8, row_number=6),
    ]
    (one,) = round_of(*lines).savings
    assert (one.confidence, one.investment.tolist()) == (0.8, [0, 5, 0])


# -- lateness


def test_six_months_late_from_1_october_2018_is_from_1_april_2019():
    """Six months are the 182 days to 1 April 2019. 2018/19 falls to nil. 2019/20, a leap year's 366 days, has the 50 of
    October to March and then 184 of its own 366 days: 50 + 100 x 184/366. 2020/21 ends 182 days before its end.
    """
    inputs = round_of(
        saving(gross=FROM_OCTOBER, start=OCTOBER),
        scenarios=[scenario("plan_six_months_late", months=6)],
        **SIX_YEARS,
    )
    took, _, _ = taken(inputs, "plan_six_months_late")
    in_2020_21 = 100 * 182 / 366 + 100 * (365 - 182) / 365
    assert (date(2019, 4, 1) - date(2018, 10, 1)).days == 182
    assert took[0] == pytest.approx([0, 0, 0, 0, 50 + 100 * 184 / 366, in_2020_21])
    assert took[0, 4] == pytest.approx(100, rel=0.004)  # the whole but for the day of the leap year


def test_two_months_late_costs_the_days_that_are_missed():
    """1 October to 1 December are 61 of the 182 days: 50 x 121/182."""
    inputs = round_of(saving(gross=FROM_OCTOBER, start=OCTOBER), scenarios=[scenario("late", months=2)], **SIX_YEARS)
    assert taken(inputs, "late")[0][0, 3] == pytest.approx(50 * 121 / 182)


def test_a_scenario_s_lateness_and_a_drawn_one_add():
    inputs = round_of(saving(gross=FROM_OCTOBER, start=OCTOBER), scenarios=[scenario("late", months=2)], **SIX_YEARS)
    (one,) = inputs.savings
    days = np.array([61 + 3 * MONTH_DAYS])
    both = taken(inputs, "late", late(inputs, 3))[0][0]
    assert both == pytest.approx(shifted(inputs, one.start, one.gross, days)[:, 0])
    assert both.sum() < taken(inputs, "plan", late(inputs, 3))[0][0].sum()


def test_lateness_never_changes_a_year_before_the_start():
    """10 fall in 2016/17, before the scheme starts: a return says so, and it is taken as it stands."""
    inputs = round_of(saving(gross=(0, 10, 0, 50, 100, 100), start=OCTOBER), **SIX_YEARS)
    for months in (0, 2, 6, 30):
        took = taken(inputs, "plan", late(inputs, months))[0][0]
        assert took[:3].tolist() == [0, 10, 0]
    assert took[3] == 0


ANY = round_of(saving(gross=FROM_OCTOBER), **SIX_YEARS)


@settings(max_examples=50, deadline=None)
@given(
    gross=st.lists(st.integers(0, 500), min_size=6, max_size=6),
    start=st.dates(date(2015, 4, 1), date(2021, 3, 31)),
    months=st.floats(0, 60),
)
def test_lateness_only_takes_away(gross, start, months):
    """By any day no more has been saved than on time, the years before the start keep theirs, nothing is below 0."""
    inputs = replace(ANY, savings=(replace(ANY.savings[0], gross=np.array(gross, float), start=start),))
    on_time, slipped = (taken(inputs, "plan", late(inputs, by))[0][0] for by in (0.0, months))
    assert on_time == pytest.approx(gross)
    assert (slipped.cumsum() <= on_time.cumsum() + 1e-6).all()
    assert (slipped >= -1e-9).all()
    before = [n for n, first in enumerate(inputs.starts[1:]) if first <= start]
    assert slipped[before] == pytest.approx(on_time[before], abs=1e-9)


def test_four_fifths_delivered_are_four_fifths():
    inputs = round_of(saving(gross=(0, 100, 200)), scenarios=[scenario("eighty", delivered=0.8)])
    assert taken(inputs, "eighty")[0][0] == pytest.approx([0, 80, 160])


# -- draws


@pytest.mark.parametrize("confidence", [0.7, 0.35, 1.0])
def test_a_scheme_is_delivered_and_late_in_money_as_in_beds_run_for_run(confidence):
    slip = [*of_schemes("slip_months", 3.0, low=0.0, high=9.0), *of_schemes("delivery_kappa", 8.0)]
    inputs = round_of(saving("EFF01", confidence=confidence), assumptions=slip)
    made = Drawn(inputs.assumptions, 200, 7)
    money_side = drawn(inputs, made.delivered, made.slip_months, 200)
    beds = bed_round([patients()], schemes=[bed_scheme("EFF01", confidence_share=confidence)],
                     assumptions=[*ORDINARY, *slip])  # fmt: skip
    bed_side, _, _ = drawn_for_beds(beds, runs=200, seed=7)
    assert (money_side.delivered[0] == bed_side.delivered[0]).all()
    assert (money_side.slip_months[0] == bed_side.slip_months[0]).all()
    assert money_side.slip_months.std() > 0


def test_a_scheme_is_the_same_in_every_organisation_that_makes_it():
    lines = [*PAY, *money("pay", 500, at="RT5")]
    inputs = round_of(
        saving("A", confidence=0.6), saving("A", at="RT5", confidence=0.6), saving("B", confidence=0.6),
        lines=lines, assumptions=of_schemes("slip_months", 3.0, low=0.0, high=9.0),
    )  # fmt: skip
    made = Drawn(inputs.assumptions, 100, 1)
    found = drawn(inputs, made.delivered, made.slip_months, 100)
    by_code = [(one.organisation_code, one.scheme_code) for one in inputs.savings]
    here, there, other = (by_code.index(pair) for pair in (("RWE", "A"), ("RT5", "A"), ("RWE", "B")))
    for values in (found.delivered, found.slip_months):
        assert (values[here] == values[there]).all()
        assert (values[here] != values[other]).any()


def test_first_runs_of_more_are_the_runs_of_fewer():
    lines = [
        *of_schemes("slip_months", 3.0, low=0.0, high=9.0), *funding("inflation", "pay", 0.02, low=0.01, high=0.03),
    ]  # fmt: skip
    inputs = round_of(saving(gross=(0, 300, 400), confidence=0.6), assumptions=lines)
    found = []
    for number in (50, 120):
        made = Drawn(inputs.assumptions, number, 3)
        values = do_nothing(inputs, growth(inputs, made.pick))
        delivery = drawn(inputs, made.delivered, made.slip_months, number)
        found.append((values, savings(inputs, "plan", values, delivery)[0]))
    for few, many in zip(*found, strict=True):
        assert (few == many[..., :50]).all()
        assert few.std() > 0


def test_the_mean_over_runs_is_the_confidence():
    """A beta of 12 x 0.7 and 12 x 0.3: 500 runs of mean 70 and standard deviation 100 x sqrt(0.21 / 13)."""
    made = projected(PAY, schemes=[saving(gross=(0, 100, 100), confidence=0.7)], assumptions=runs(500))
    net = of(made["mart.savings_modelled"], scenario="plan", financial_year="2017/18")["net_mean_runs_gbp"][0]
    assert abs(net - 70) <= 5 * 100 * np.sqrt(0.21 / 13 / 500)
