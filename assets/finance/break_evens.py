"""What must be believed for the gap to close: how far each assumption, moved alone, must go."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from assets.finance.inputs import COSTS, SCOPES, Area, FundingRound
from assets.finance.model import Delivery, Growth, at_confidence, do_nothing, of_area, savings
from assets.finance.results import of_savings

WIDEST = {"delivered_share": (0.0, 5.0), "allocation_growth": (-0.2, 0.3), "inflation": (-0.3, 0.2)}
"""How far each is tried; beyond that it closes nothing that anyone would believe."""


def break_evens(inputs: FundingRound, scenario: str, central: Growth) -> pd.DataFrame:
    """`mart.funding_break_evens`: for each scope and the system, the value at which the last year's gap is nil.

    `delivered_share`: every scheme delivers this share of what it says. `allocation_growth` and `inflation`: growth a
    year of allocations, and of prices, with schemes at the confidence that senders state. Empty where no value does it.
    """
    found, values = [], do_nothing(inputs, central)
    for area in inputs.areas:
        if area.name not in (*SCOPES, "system"):
            continue
        which = of_savings(inputs, area)
        gross = sum(inputs.savings[n].gross[-1] for n in which)
        stated = {
            "delivered_share": sum(inputs.savings[n].gross[-1] * inputs.savings[n].confidence for n in which) / gross
            if gross
            else np.nan,
            "allocation_growth": _income_factor(inputs, area, central) - 1,
            "inflation": _price_factor(inputs, area, central) - 1,
        }
        expected = _gap(inputs, area, scenario, values, at_confidence(inputs))
        for parameter, value in stated.items():
            found.append({
                "round": inputs.round, "scenario": scenario, "area": area.name, "financial_year": inputs.years[-1],
                "parameter": parameter, "stated_share": value,
                "needed_share": _needed(_changes(inputs, area, scenario, central, values, parameter, value), parameter),
                "gap_at_stated_gbp": round(float(expected), 2),
            })  # fmt: skip
    return pd.DataFrame(found)


def _changes(
    inputs: FundingRound, area: Area, scenario: str, central: Growth, values: np.ndarray, parameter: str, stated: float
) -> Callable[[float], float]:
    """The gap as a function of the parameter's value; `values` are the cells at central growth."""
    after_base = np.arange(len(inputs.years))[:, None] > 0

    def gap(value: float) -> float:
        if parameter == "delivered_share":
            return _gap(inputs, area, scenario, values, at_confidence(inputs, lambda _: value))
        change = (value - stated) * after_base
        if parameter == "allocation_growth":
            factors = Growth(central.inflation, central.demand, central.income + change)
        else:
            factors = Growth(central.inflation + change, central.demand, central.income)
        return _gap(inputs, area, scenario, do_nothing(inputs, factors), at_confidence(inputs))

    return gap


def _gap(inputs: FundingRound, area: Area, scenario: str, values: np.ndarray, delivery: Delivery) -> float:
    """Of the last year, from the cells if nothing is done."""
    taken, _, investment = savings(inputs, scenario, values, delivery)
    cost, income = of_area(inputs, area)
    which = of_savings(inputs, area)
    gap = values[cost, -1, 0].sum() - values[income, -1, 0].sum()
    return float(gap - taken[which, -1, 0].sum() + investment[which, -1].sum())


def _needed(gap: Callable[[float], float], parameter: str) -> float:
    """The value at which the gap is nil; NaN where the widest values leave it on one side."""
    from scipy.optimize import brentq

    if not gap(WIDEST[parameter][0]) * gap(WIDEST[parameter][1]) <= 0:
        return np.nan
    return float(brentq(gap, *WIDEST[parameter], xtol=1e-9))


def _income_factor(inputs: FundingRound, area: Area, central: Growth) -> float:
    """Mean factor a year of the area's allocations and other income, weighted by them."""
    weights = np.zeros(len(SCOPES))
    for cell in inputs.cells:
        if cell.organisation_code in area.organisations and cell.side == "income" and cell.mirrors is None:
            weights[SCOPES.index(inputs.scope[cell.organisation_code])] += cell.base if cell.levels is None else 0.0
    return _mean_factor(weights, central.income)


def _price_factor(inputs: FundingRound, area: Area, central: Growth) -> float:
    weights = np.zeros(len(COSTS))
    cost, _ = of_area(inputs, area)
    for n, cell in enumerate(inputs.cells):
        if cost[n] and cell.levels is None:
            weights[COSTS.index(cell.category)] += cell.base
    return _mean_factor(weights, central.inflation)


def _mean_factor(weights: np.ndarray, factors: np.ndarray) -> float:
    """What the weighted sum grows by a year on average, compounded: factors are (code, year, 1)."""
    if not weights.sum() > 0:
        return np.nan
    years = factors.shape[1] - 1
    grown = (weights * np.prod(factors[:, 1:, 0], axis=1)).sum() / weights.sum()
    return float(grown ** (1 / years)) if years else np.nan
