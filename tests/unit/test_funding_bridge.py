"""Why cost and income change: bars by hand, and that they add up in any system."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given

from assets.finance.bridge import area_bars, cell_bars, to_the_penny
from assets.finance.model import do_nothing, growth, in_full, of_area, savings
from assets.finance.results import of_savings
from llr_pipeline.assumptions import pick_central
from tests.unit.bed_tables import assumption
from tests.unit.funding_systems import systems
from tests.unit.funding_tables import activity, flow, funding, funding_round, money, of, projected, saving
from tests.unit.test_funding_systems import QUICK

DEAR = [
    *funding("inflation", "all", [None, 0.03, 0]), *funding("marginal_cost_share", "all", 0.5),
    *funding("allocation_growth", "nhs", [None, 0.02, 0]), *assumption("population_index", "all", [1, 1.02, 1.02]),
]  # fmt: skip
LOG_MEAN = 4.03 / log(1.0403)
"""Of 100 and 104.03."""


def bars(lines, *, scenario="do_nothing", area="RWE", **more):
    """Change by side, category and factor in 2016/17."""
    made = projected(lines, **{"assumptions": DEAR, "base_activity": [activity()]} | more)
    found = of(made["mart.funding_bridges"], scenario=scenario, area=area, financial_year="2016/17")
    return {
        (row["side"], row["category"], row["factor"]): row["change_gbp"] for row in found.to_dict("records")
    }  # fmt: skip


def test_cost_is_split_into_prices_and_demand_by_the_log_mean():
    """100,000 -> 104,030: 102,002 x ln 1.03 = 3,015.05 and x ln 1.01 = 1,014.95."""
    found = bars(money("pay", 100_000))
    assert found == {
        ("cost", "pay", "inflation"): round(1_000 * LOG_MEAN * log(1.03), 2),
        ("cost", "pay", "demand"): round(1_000 * LOG_MEAN * log(1.01), 2),
    }
    assert found["cost", "pay", "inflation"] == 3_015.05
    assert sum(found.values()) == pytest.approx(4_030, abs=0.005)


def test_a_cost_below_zero_is_split_as_its_negative_is():
    found = bars(money("pay", -100_000))
    assert found["cost", "pay", "inflation"] == -3_015.05


def test_income_pressures_and_one_offs_are_bars_as_they_stand():
    lines = [
        *money("allocation", 1_000), *money("pressure", [0, 18, 40]), *money("pay", [7, 3, 0], recurs=False),
        *money("other_income", [6, 2, 0], recurs=False),
    ]  # fmt: skip
    assert bars(lines) == {
        ("income", "allocation", "income_growth"): 20, ("cost", "pressure", "pressures"): 18,
        ("cost", "pay", "non_recurrent"): -4, ("income", "other_income", "non_recurrent"): -4,
    }  # fmt: skip


def test_income_widens_no_gap():
    made = projected(money("allocation", 1_000), assumptions=DEAR)
    found = of(made["mart.funding_bridges"], scenario="plan", area="RWE")
    assert found["change_gbp"].tolist() == [20]
    assert found["gap_change_gbp"].tolist() == [-20]


def test_schemes_and_their_investment_are_bars_of_their_own():
    found = bars(
        money("pay", 1_000), scenario="plan", assumptions=[],
        schemes=[saving("A", (0, 60, 90), investment=(0, 25, 0))],
    )  # fmt: skip
    assert found == {("cost", "pay", "schemes"): -60, ("cost", "pay", "investment"): 25}
    assert bars(money("pay", 1_000), assumptions=[], schemes=[saving("A", (0, 60, 90))]) == {}


def test_what_flows_inside_an_area_is_in_no_bar_of_it():
    lines = [*money("pay", 100, at="04C"), *flow("04C", "RWE", 200)]
    assert ("cost", "healthcare_bought", "inflation") in bars(lines, area="04C", base_activity=[])
    assert bars(lines, area="RWE", base_activity=[]) == {("income", "contract_income", "inflation"): 6}
    assert bars(lines, area="system", base_activity=[]) == {("cost", "pay", "inflation"): 3}


def test_a_year_that_is_not_known_has_no_bridge_and_the_other_areas_have():
    lines = [*money("pressure", [0, None, 40]), *money("pressure", [0, 5, 5], at="RT5")]
    found = projected(lines)["mart.funding_bridges"]
    assert {*found["area"]} == {"RT5"}


def test_the_largest_bar_takes_what_rounding_leaves():
    """Three bars of 0.334 are 1.002: to the penny 0.33, 0.33 and 0.34, which is the change of 1.00."""
    inputs = funding_round(money("pay", 100))
    one_bar = area_bars(
        inputs, inputs.areas[0], [{name: np.array([0.334, 0]) for name in "abc"}], np.empty(0), np.empty(0)
    )
    found = [changes[0] for _, changes in to_the_penny(one_bar, {"cost": np.array([0, 1.0, 1.0])})]
    assert sorted(found) == [0.33, 0.33, 0.34]


@QUICK
@given(systems())
def test_bars_of_any_system_add_up_before_they_are_rounded(system):
    """To a millionth of a pound, against the model's own paths."""
    inputs = funding_round(**system)
    factors = growth(inputs, pick_central)
    values = do_nothing(inputs, factors)
    by_cell = cell_bars(inputs, factors, values[:, :, 0])
    for cell_of, path in zip(by_cell, values[:, :, 0], strict=True):
        assert sum(cell_of.values()) == pytest.approx(np.diff(path), abs=1e-6)
    for scenario in inputs.scenarios:
        taken, _, investment = savings(inputs, scenario, values, in_full(inputs))
        for area in inputs.areas:
            cost, income = of_area(inputs, area)
            which = of_savings(inputs, area)
            ends = {
                "cost": values[cost, :, 0].sum(axis=0) + (investment - taken[:, :, 0])[which].sum(axis=0),
                "income": values[income, :, 0].sum(axis=0),
            }
            made = area_bars(inputs, area, by_cell, taken[:, :, 0], investment)
            for side, path in ends.items():
                added = sum((bar.change for bar in made if bar.side == side), np.zeros(len(path) - 1))
                assert added == pytest.approx(np.diff(path), abs=1e-6)
