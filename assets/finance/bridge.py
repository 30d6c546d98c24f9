"""Why cost and income change from year to year, in bars that add up exactly. A gap may change sign and is never split.

Cost and income are each split by log-mean Divisia: inflation and demand, or growth of income. Pressures, what does not
recur and schemes are bars as they stand. Central values; to the penny, the largest bar of a step taking what rounding
leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assets.finance.inputs import COSTS, PRESSURE, SCOPES, Area, FundingRound
from assets.finance.model import Growth, of_area
from llr_pipeline.bridges import divisia_bars

INFLATION, DEMAND, INCOME_GROWTH = "inflation", "demand", "income_growth"
PRESSURES, NON_RECURRENT, SCHEMES, INVESTMENT = "pressures", "non_recurrent", "schemes", "investment"


@dataclass(frozen=True)
class Bar:
    """A change by step, a step being from a year to the next: (step,), in pounds, of a side as it stands."""

    side: str
    category: str
    factor: str
    change: np.ndarray
    scheme_code: str | None = None
    savings_category: str | None = None


def cell_bars(inputs: FundingRound, factors: Growth, values: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Bars of each cell by factor: (step,), from one run's factors and values (cell, year)."""
    place = {code: n for n, code in enumerate(inputs.organisations)}
    found: list[dict[str, np.ndarray]] = []
    for n, cell in enumerate(inputs.cells):
        before = values[n, :-1]
        if cell.mirrors is not None:
            found.append(found[cell.mirrors])
        elif cell.levels is not None:
            name = PRESSURES if cell.category == PRESSURE and cell.is_recurrent else NON_RECURRENT
            found.append({name: np.diff(values[n])})
        elif cell.side == "cost":
            category = COSTS.index(cell.category)
            demand = factors.demand[place[cell.organisation_code], category, 1:, 0]
            found.append(_split(before, {INFLATION: factors.inflation[category, 1:, 0], DEMAND: demand}))
        else:
            income = factors.income[SCOPES.index(inputs.scope[cell.organisation_code]), 1:, 0]
            found.append(_split(before, {INCOME_GROWTH: income}))
    return found


def _split(before: np.ndarray, factors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Log-mean bars; of a negative figure those of its negative, turned round."""
    sign = np.where(before < 0, -1.0, 1.0)
    bars = sign * divisia_bars(sign * before, np.array(list(factors.values())))
    return dict(zip(factors, bars, strict=True))


def area_bars(
    inputs: FundingRound,
    area: Area,
    by_cell: list[dict[str, np.ndarray]],
    taken: np.ndarray,
    investment: np.ndarray,
) -> list[Bar]:
    """Bars of an area: cells' by side, category and factor, then schemes' and their investment; those of 0 left out."""
    cost, income = of_area(inputs, area)
    found: dict[tuple, np.ndarray] = {}

    def add(key: tuple, change: np.ndarray) -> None:
        found[key] = found[key] + change if key in found else change

    for n, (cell, bars) in enumerate(zip(inputs.cells, by_cell, strict=True)):
        if cost[n] or income[n]:
            for factor, change in bars.items():
                add((cell.side, cell.category, factor, None, None), change)
    for n, saving in enumerate(inputs.savings):
        if saving.organisation_code in area.organisations:
            about = saving.scheme_code, saving.category
            add(("cost", saving.cost_pool, SCHEMES, *about), -np.diff(taken[n]))
            add(("cost", saving.cost_pool, INVESTMENT, *about), np.diff(investment[n]))
    return [
        Bar(side, category, factor, change, *about)
        for (side, category, factor, *about), change in found.items()
        if np.any(change != 0)
    ]


def to_the_penny(bars: list[Bar], totals: dict[str, np.ndarray]) -> Iterator[tuple[Bar, np.ndarray]]:
    """Each bar to the penny, so that a side's bars add up to the change of its total (year,) in every step."""
    for side, total in totals.items():
        own = [bar for bar in bars if bar.side == side]
        if not own:
            continue
        rounded = np.round(np.array([bar.change for bar in own]), 2)
        left = np.round(np.diff(total) - rounded.sum(axis=0), 2)
        largest = np.abs(rounded).argmax(axis=0)
        rounded[largest, np.arange(len(left))] += left
        yield from zip(own, np.round(rounded, 2), strict=True)
