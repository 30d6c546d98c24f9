"""What must hold of any finance system: sums, eliminations, pools, prices and the order of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings

from assets.finance.model import do_nothing, drawn, growth, pools, savings
from assets.finance.results import gaps
from llr_pipeline.assumptions import Drawn, pick_central
from tests.unit.funding_systems import RUNS, in_real_prices, some_delivery, systems
from tests.unit.funding_tables import SCOPE_OF, funding_round, of, projected

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
QUICK = settings(max_examples=6, deadline=None, phases=PHASES)
PENNY = 0.005
KEY = ["scenario", "area", "financial_year"]


@QUICK
@given(systems())
def test_the_tables_add_up_and_bridges_are_the_change_to_the_penny(system):
    made = projected(**system)
    assert_they_add_up(made)
    assert_bridges_close(made)


def assert_they_add_up(made):
    totals, modelled = made["mart.funding_modelled_totals"], made["mart.funding_modelled"]
    own = totals[totals["area"].isin(SCOPE_OF)]
    # an organisation's categories are its total
    parts = modelled.groupby(["scenario", "organisation_code", "financial_year"])[["cost_gbp", "income_gbp"]].sum()
    whole = own.set_index(["scenario", "area", "financial_year"])[["cost_gbp", "income_gbp"]].sort_index()
    assert parts.sort_index().to_numpy() == pytest.approx(whole.to_numpy(), abs=PENNY)
    # the gap is cost less income, and schemes are the rest
    assert (totals["cost_gbp"] - totals["income_gbp"]).to_numpy() == pytest.approx(
        totals["residual_gap_gbp"].to_numpy(), abs=PENNY
    )
    closed = totals["do_nothing_gap_gbp"] + totals["schemes_effect_gbp"] - totals["residual_gap_gbp"]
    assert closed.abs().max() < PENNY
    # an area is its organisations with what flows inside taken out of cost and of income alike
    for area in {*totals["area"]} - {*SCOPE_OF}:
        inside = own if area == "system" else of(own, scope=area)
        summed = inside.groupby(["scenario", "financial_year"])
        found = of(totals, area=area).set_index(["scenario", "financial_year"]).sort_index()
        for name, eliminated in (
            ("cost_gbp", 1),
            ("income_gbp", 1),
            ("residual_gap_gbp", 0),
            ("do_nothing_gap_gbp", 0),
        ):
            left = summed[name].sum().sort_index() - eliminated * found["eliminated_gbp"]
            assert left.to_numpy() == pytest.approx(found[name].to_numpy(), abs=PENNY), (area, name)
    # schemes are worth no more than they save less what they cost
    worth = made["mart.savings_modelled"]
    if not worth.empty:
        assert (worth["expected_net_gbp"] <= worth["gross_saving_gbp"] - worth["investment_gbp"] + PENNY).all()
        assert (worth["net_p10_runs_gbp"] <= worth["net_p90_runs_gbp"]).all()


def assert_bridges_close(made):
    ends = made["mart.funding_modelled_totals"].set_index(KEY).sort_index()
    step = ends.groupby(level=["scenario", "area"])[["cost_gbp", "income_gbp", "residual_gap_gbp"]].diff().dropna()
    bars = made["mart.funding_bridges"]
    for side, column in (("cost", "cost_gbp"), ("income", "income_gbp"), (None, "residual_gap_gbp")):
        some = bars if bars.empty or side is None else of(bars, side=side)
        added = (
            some.groupby(KEY)["change_gbp" if side else "gap_change_gbp"].sum() if len(some) else pd.Series(dtype=float)
        )
        left = step[column] - added.reindex(step.index).fillna(0)
        assert left.abs().max() < PENNY, column


@QUICK
@given(systems())
def test_no_pool_gives_more_than_it_has_in_any_run(system):
    inputs = funding_round(**system)
    made = Drawn(inputs.assumptions, RUNS, 1)
    values = do_nothing(inputs, growth(inputs, made.pick))
    deliveries = [
        drawn(inputs, made.delivered, made.slip_months, RUNS), some_delivery(len(inputs.savings), RUNS),
    ]  # fmt: skip
    for delivery in deliveries:
        for scenario in inputs.scenarios:
            taken, said, _ = savings(inputs, scenario, values, delivery)
            assert (taken <= said * (1 + 1e-12) + 1e-6).all()
            assert (taken >= 0).all()
            for pair in {(one.organisation_code, one.cost_pool) for one in inputs.savings}:
                which = [n for n, one in enumerate(inputs.savings) if (one.organisation_code, one.cost_pool) == pair]
                pool = np.maximum(values[pools(inputs).get(pair, [])].sum(axis=0), 0)
                assert (taken[which].sum(axis=0) <= pool * (1 + 1e-12) + 1e-6).all()


@QUICK
@given(systems())
def test_real_prices_give_the_gap_of_prices_of_the_year(system):
    found = []
    for inputs in (funding_round(**system), funding_round(**in_real_prices(system))):
        values = do_nothing(inputs, growth(inputs, Drawn(inputs.assumptions, RUNS, 1).pick))
        taken = savings(inputs, "plan", values, some_delivery(len(inputs.savings), RUNS))[0]
        found.append((gaps(inputs, values), taken))
    for nominal, real in zip(*found, strict=True):
        assert real == pytest.approx(nominal, rel=1e-9, abs=1e-3)


@QUICK
@given(systems())
def test_the_order_of_rows_does_not_matter(system):
    def path_and_savings(found):
        values = do_nothing(found, growth(found, pick_central))
        return values, savings(found, "plan", values, some_delivery(len(found.savings), 1))[0]

    def turned(rows):
        return [*rows][::-1]

    first = funding_round(**system)
    # schemes keep their row numbers: the first line of a scheme speaks for it
    numbered = [{**one, "row_number": 5 + n} for n, one in enumerate(system["schemes"])]
    again = funding_round(**{name: turned(rows) for name, rows in system.items() if name != "schemes"},
                          schemes=turned(numbered))  # fmt: skip
    assert [cell.category for cell in again.cells] == [cell.category for cell in first.cells]
    assert [one.scheme_code for one in again.savings] == [one.scheme_code for one in first.savings]
    for one, other in zip(path_and_savings(first), path_and_savings(again), strict=True):
        assert np.allclose(one, other, rtol=1e-12, atol=1e-6)
    assert {*again.doubts} == {*first.doubts}
