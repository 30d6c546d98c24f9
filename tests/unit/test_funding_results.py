"""What the runs say: the chance of no gap, what its spread comes from, and what must be believed for it to close."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from assets.finance.break_evens import break_evens
from assets.finance.model import Delivery, Growth, at_confidence, do_nothing, growth, savings
from assets.finance.results import gaps
from llr_pipeline.assumptions import pick_central
from tests.unit.funding_tables import funding, funding_round, money, of, of_schemes, projected, runs, saving

LINES = [*money("pay", 1_000_000), *money("allocation", 980_000)]
RATES = [
    *funding("inflation", "pay", [None, 0.03, 0.03]), *funding("allocation_growth", "nhs", [None, 0.02, 0.02]),
]  # fmt: skip


def gap_left(inputs, factors: Growth, delivery: Delivery) -> float:
    """Of the plan in the last year, by the model's parts and not by the search."""
    values = do_nothing(inputs, factors)
    taken, _, investment = savings(inputs, "plan", values, delivery)
    return float(gaps(inputs, values)[:, -1, 0].sum() - taken[:, -1, 0].sum() + investment[:, -1].sum())


# -- runs


def test_without_a_range_every_run_is_the_central_one():
    made = projected(LINES, assumptions=RATES, schemes=[saving(gross=(0, 10_000, 20_000))])
    found = of(made["mart.funding_modelled_totals"], area="system", scenario="plan").iloc[-1]
    for name in ("mean", "p10", "p50", "p90"):
        assert found[f"residual_gap_{name}_runs_gbp"] == pytest.approx(found["residual_gap_gbp"], abs=0.02)
    assert (found["closed_probability"], found["runs"]) == (0, 10)
    assert made["mart.funding_assumption_effects"].empty


def test_the_chance_of_no_gap_is_the_share_of_runs_without_one():
    """Cost of 1,000,000 grows by a normal rate, P10 1% and P90 5%; the income is 1,040,000: below 4% nothing is left.
    Mean 3%, standard deviation 4% / 2.563103, so in 73.9% of runs.
    """
    rate = [*funding("inflation", "pay", 0.03, low=0.01, high=0.05), *runs(500)]
    lines = [*money("pay", 1_000_000), *money("allocation", 1_040_000)]
    found = of(projected(lines, assumptions=rate)["mart.funding_modelled_totals"], area="RWE", scenario="plan")
    chance = norm.cdf((0.04 - 0.03) / (0.04 / 2.563103))
    assert abs(found["closed_probability"][1] - chance) <= 5 * np.sqrt(chance * (1 - chance) / 500)
    assert found["closed_probability"][0] == 1
    p10, p90 = found.loc[1, ["residual_gap_p10_runs_gbp", "residual_gap_p90_runs_gbp"]]
    error = (
        5 * 1.7 * 15_606 / np.sqrt(500)
    )  # of a tenth percentile: sqrt(0.1 x 0.9) / density = 1.7 standard deviations
    assert abs(p10 - -30_000) < error
    assert abs(p90 - 10_000) < error


def test_one_uncertain_assumption_explains_its_spread():
    made = projected(
        LINES, assumptions=[*RATES[6:], *funding("inflation", "pay", 0.03, low=0.01, high=0.05), *runs(200)]
    )
    found = of(made["mart.funding_assumption_effects"], area="system", scenario="plan")
    assert found["parameter"].tolist() == ["inflation"]
    assert found["variance_share"][0] + found["joint_variance_share"][0] == pytest.approx(1, abs=0.01)
    assert found["other_variance_share"][0] == pytest.approx(0, abs=0.01)


def test_of_two_the_wider_explains_more_and_they_share_out_the_whole():
    """Standard deviations of 4% on 1,000,000 and of 1% on 980,000, squared: 16 to 0.96."""
    rates = [
        *funding("inflation", "pay", [None, 0.03, 0], low=[None, 0.01, 0], high=[None, 0.05, 0.0001]),
        *funding("allocation_growth", "nhs", [None, 0.02, 0], low=[None, 0.015, 0], high=[None, 0.025, 0.0001]),
    ]  # fmt: skip
    made = projected(LINES, assumptions=[*rates, *runs(500)])["mart.funding_assumption_effects"]
    found = of(made, area="system", scenario="plan").set_index("parameter")["variance_share"]
    assert found["inflation"] > 0.85
    assert 0.02 < found["allocation_growth"] < 0.15


def test_schemes_explain_nothing_of_doing_nothing():
    made = projected(
        LINES, assumptions=[*RATES, *of_schemes("slip_months", 3.0, low=0.0, high=9.0), *runs(100)],
        schemes=[saving(gross=(0, 50_000, 80_000), confidence=0.6)],
    )["mart.funding_assumption_effects"]  # fmt: skip
    assert {*of(made, scenario="plan")["parameter"]} == {"delivered_share", "slip_months"}
    assert of(made, scenario="do_nothing").empty


# -- what must be believed


@pytest.fixture(scope="module")
def inputs():
    """1,060,900 of cost and 1,019,592 of income in 2017/18; schemes of 40,000 and 30,000 with 5,000 of investment."""
    return funding_round(
        LINES, assumptions=RATES,
        schemes=[
            saving("A", (0, 20_000, 40_000), confidence=0.5, investment=(0, 0, 5_000)),
            saving("B", (0, 20_000, 30_000), confidence=0.8),
        ],
    )  # fmt: skip


def test_break_evens_by_hand(inputs):
    """Gap before schemes 41,308 and 5,000 of investment: 46,308 of 70,000 gross is 66.15%, and senders expect
    (20,000 + 24,000) / 70,000 = 62.86%. Income must be 1,060,900 - 44,000 + 5,000 = 1,021,900 = 980,000 x 1.0211545^2;
    prices must make cost 1,019,592 + 44,000 - 5,000 = 1,058,592 = 1,000,000 x 1.0288790^2.
    """
    found = break_evens(inputs, "plan", growth(inputs, pick_central))
    by_parameter = of(found, area="system").set_index("parameter")
    assert by_parameter["needed_share"].round(4).to_dict() == {
        "delivered_share": 0.6615, "allocation_growth": 0.0212, "inflation": 0.0289,
    }  # fmt: skip
    needed = by_parameter["needed_share"]
    assert needed["delivered_share"] == pytest.approx(46_308 / 70_000)
    assert needed["allocation_growth"] == pytest.approx((1_021_900 / 980_000) ** 0.5 - 1)
    assert needed["inflation"] == pytest.approx((1_058_592 / 1_000_000) ** 0.5 - 1)
    assert by_parameter["stated_share"].to_dict() == pytest.approx(
        {"delivered_share": 44 / 70, "allocation_growth": 0.02, "inflation": 0.03}
    )
    assert {*by_parameter["gap_at_stated_gbp"]} == {41_308 + 5_000 - 44_000}


def test_a_break_even_put_back_leaves_no_gap(inputs):
    central = growth(inputs, pick_central)
    found = of(break_evens(inputs, "plan", central), area="system").set_index("parameter")["needed_share"]
    assert gap_left(inputs, central, at_confidence(inputs, lambda _: found["delivered_share"])) == pytest.approx(
        0, abs=0.01
    )

    def again(parameter, code, value):
        rates = [row for row in RATES if row["parameter"] != parameter]
        lines = funding(parameter, code, [None, value, value])
        return growth(funding_round(LINES, assumptions=[*rates, *lines]), pick_central)

    for parameter, code in (("allocation_growth", "nhs"), ("inflation", "pay")):
        left = gap_left(inputs, again(parameter, code, found[parameter]), at_confidence(inputs))
        assert left == pytest.approx(0, abs=0.01)


def test_a_gap_that_nothing_closes_has_no_break_even():
    """A cost a hundred times the income, and no scheme: neither a share nor any growth tried will do."""
    inputs = funding_round([*money("pay", 100), *money("allocation", 1)], assumptions=RATES)
    found = of(break_evens(inputs, "plan", growth(inputs, pick_central)), area="system").set_index("parameter")
    assert found["needed_share"].isna().to_dict() == {
        "delivered_share": True, "allocation_growth": True, "inflation": True,
    }  # fmt: skip
