"""The funding projection from end to end: tables in, tables out, each with its function in `results.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import pandas as pd

from assets.finance.break_evens import break_evens
from assets.finance.gathering import rounds
from assets.finance.inputs import FundingRound
from assets.finance.model import do_nothing, drawn, growth, in_full, savings
from assets.finance.results import (
    Result,
    assumption_effects,
    bridges,
    gaps,
    gaps_left,
    money,
    projections,
    schemes,
    totals,
)
from llr_pipeline.assumptions import SHARE, SLIP, Drawn, pick_central, runs_and_seed
from llr_pipeline.computed import together


def project(
    tables: Mapping[str, pd.DataFrame], say: Callable[[str], None] = lambda words: None
) -> Mapping[str, pd.DataFrame]:
    """Every round and scenario: the tables by name."""
    parts: dict[str, list[pd.DataFrame]] = defaultdict(list)
    for inputs in rounds(tables):
        runs, seed = runs_and_seed(inputs.assumptions, "funding")
        made = Drawn(inputs.assumptions, runs, seed)
        central = growth(inputs, pick_central)
        one, many = money(do_nothing(inputs, central)), do_nothing(inputs, growth(inputs, made.pick))
        before = gaps(inputs, many)
        delivery = drawn(inputs, made.delivered, made.slip_months, runs)
        for scenario in inputs.scenarios:
            taken, said, investment = savings(inputs, scenario, one, in_full(inputs))
            result = Result(
                inputs, scenario, one[:, :, 0], money(taken[:, :, 0]), money(said[:, :, 0]), money(investment), before,
                savings(inputs, scenario, many, delivery)[0],
            )  # fmt: skip
            left = gaps_left(result)
            is_idle = not taken.any() and not investment.any()
            values = {name: path for name, path in made.values.items() if not (is_idle and name[0] in (SHARE, SLIP))}
            parts["mart.funding_modelled"].append(projections(result))
            parts["mart.funding_modelled_totals"].append(totals(result, left))
            parts["mart.savings_modelled"].append(schemes(result))
            parts["mart.funding_bridges"].append(bridges(result, central))
            parts["mart.funding_assumption_effects"].append(assumption_effects(result, left, values, made.clamped))
            if scenario == "plan":
                parts["mart.funding_break_evens"].append(break_evens(inputs, scenario, central))
            say(f"funding, {inputs.round}, {scenario}: {runs:,} runs of {len(inputs.cells)} lines of income and cost")
        parts["mart.funding_model_doubts"].append(_doubts(inputs))
    return {name: together(some) for name, some in parts.items()}


def _doubts(inputs: FundingRound) -> pd.DataFrame:
    return pd.DataFrame([{"round": inputs.round, **vars(doubt)} for doubt in dict.fromkeys(inputs.doubts)])
