"""The funding model's arithmetic: cost and income by year and run, and what schemes take out of them. Pure functions.

cost[t] = cost[t-1] x (1 + inflation[t]) x (1 + marginal share[t] x growth in activity[t]); pressures and what does not
recur are as returned. A purchase from an organisation of the system is projected once, from the purchaser's side, and
the provider books the same. Other income grows as allocations do. Pounds throughout; the last axis is the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from assets.finance.inputs import COSTS, SCOPES, Area, FundingRound, Saving
from llr_pipeline.assumptions import Pick
from llr_pipeline.scenarios import MONTH_DAYS, Change, later


@dataclass(frozen=True)
class Growth:
    """Factors on the year before, 1 in the base year: inflation (category, year, run), demand (organisation, category,
    year, run) and income (scope, year, run).
    """

    inflation: np.ndarray
    demand: np.ndarray
    income: np.ndarray


@dataclass(frozen=True)
class Delivery:
    """Share delivered and months late of each saving: (saving, run)."""

    delivered: np.ndarray
    slip_months: np.ndarray


def growth(inputs: FundingRound, pick: Pick) -> Growth:
    """Growth of cost and income from the assumptions, and of activity from the same ones as the beds."""
    given = inputs.assumptions

    def rates(parameter: str, codes: Sequence[str]) -> np.ndarray:
        found = np.array([given.picked(pick, "funding", (parameter, code), missing=0.0, least=-1.0) for code in codes])
        found[:, 0] = 0.0
        return np.where(np.isnan(found), 0.0, found)

    marginal = [given.picked(pick, "funding", ("marginal_cost_share", code), missing=0.0) for code in COSTS]
    volume = activity_index(inputs, pick)
    before = volume[:, :-1]
    change = np.divide(volume[:, 1:], before, out=np.ones_like(before), where=before > 0) - 1
    change = np.concatenate([np.zeros_like(volume[:, :1]), change], axis=1)
    return Growth(
        inflation=1 + rates("inflation", COSTS),
        demand=np.maximum(1 + np.nan_to_num(np.array(marginal))[None] * change[:, None], 0.0),
        income=1 + rates("allocation_growth", SCOPES),
    )


def activity_index(inputs: FundingRound, pick: Pick) -> np.ndarray:
    """Each organisation's activity at the weights of the base year if nothing is done: (organisation, year, run).

    Population and health status by age and other growth by point of delivery, as in the bed model, run by run.
    """
    given = inputs.assumptions
    if not inputs.activity.any():
        runs = given.picked(pick, "funding", ("allocation_growth", "all"), missing=0.0).shape[1]
        return np.ones((len(inputs.organisations), len(inputs.years), runs))
    ages = given.indices(pick, "activity", "population_index", inputs.ages)
    ages = ages * given.indices(pick, "activity", "health_status_factor", inputs.ages)
    others = given.compounded(pick, "activity", "non_demographic_growth", inputs.points_of_delivery)
    by_age = ages.reshape(len(inputs.ages), -1)
    total = np.zeros((len(inputs.organisations), *others.shape[1:]))
    for n, other in enumerate(others):
        total += (inputs.activity[:, n] @ by_age).reshape(total.shape) * other
    has_none = ~inputs.activity.any(axis=(1, 2))
    total[has_none] = 1.0
    return total


def do_nothing(inputs: FundingRound, factors: Growth) -> np.ndarray:
    """Every cell by year if nothing is done: (cell, year, run)."""
    place = {code: n for n, code in enumerate(inputs.organisations)}
    runs = factors.demand.shape[-1]
    found = np.empty((len(inputs.cells), len(inputs.years), runs))
    costs = np.cumprod(factors.inflation[None] * factors.demand, axis=2)
    income = np.cumprod(factors.income, axis=1)
    for n, cell in enumerate(inputs.cells):
        if cell.mirrors is not None:
            found[n] = found[cell.mirrors]
        elif cell.levels is not None:
            found[n] = cell.levels[:, None]
        elif cell.side == "cost":
            found[n] = cell.base * costs[place[cell.organisation_code], COSTS.index(cell.category)]
        else:
            found[n] = cell.base * income[SCOPES.index(inputs.scope[cell.organisation_code])]
    return found


def pools(inputs: FundingRound) -> Mapping[tuple[str, str], list[int]]:
    """The cells of each organisation's cost of one category: what schemes can save from."""
    found: dict[tuple[str, str], list[int]] = {}
    for n, cell in enumerate(inputs.cells):
        if cell.side == "cost":
            found.setdefault((cell.organisation_code, cell.category), []).append(n)
    return found


def shifted(inputs: FundingRound, start: date, path: np.ndarray, days: np.ndarray) -> np.ndarray:
    """A yearly path of what a scheme saves, so many days later: (year, run) for days of shape (run,), not below 0.

    What falls in a year falls evenly over its days, and in the year of the start, over those from the start. A year
    that ends before the start keeps what it has.
    """
    if not days.any():
        return np.repeat(path[:, None], len(days), axis=1)
    bounds = [day.toordinal() for day in inputs.starts]
    bounds.append(inputs.starts[-1].replace(year=inputs.starts[-1].year + 1).toordinal())
    kept = np.where(np.array(bounds[1:]) <= start.toordinal(), path, 0.0)
    knots, gone = [float(bounds[0])], [0.0]
    for n, amount in enumerate(path - kept):
        if bounds[n] < start.toordinal() < bounds[n + 1]:
            knots.append(float(start.toordinal()))
            gone.append(gone[-1])
        knots.append(float(bounds[n + 1]))
        gone.append(gone[-1] + float(amount))
    return kept[:, None] + np.diff(np.interp(np.array(bounds, dtype=float)[:, None] - days, knots, gone), axis=0)


def savings(
    inputs: FundingRound, scenario: str, values: np.ndarray, delivery: Delivery
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each scheme takes out of its pool, (saving, year, run); what it says before the pool stops it; and its
    investment, (saving, year).

    Schemes stated as shares of one pool combine as a product, pool x (1 - product of (1 - share)); those in pounds add,
    and all together stop at the pool. What is too much is taken from each in proportion. Money is invested when the
    plan says, however late the scheme is and whatever it delivers, unless the scenario does not do it at all.
    """
    runs = values.shape[-1]
    shape = (len(inputs.savings), len(inputs.years), runs)
    said, taken, investment = np.zeros(shape), np.zeros(shape), np.zeros(shape[:2])
    groups: dict[tuple[str, str], list[int]] = {}
    for n, saving in enumerate(inputs.savings):
        change = inputs.scenarios[scenario].get(saving.scheme_code, Change())
        if not change.delivered:
            continue
        investment[n] = saving.investment
        groups.setdefault((saving.organisation_code, saving.cost_pool), []).append(n)
        path = saving.gross if saving.shares is None else saving.shares
        days = later(saving.start, change.slip_months) - saving.start.toordinal()
        late = np.maximum(days + delivery.slip_months[n] * MONTH_DAYS, 0.0)
        said[n] = shifted(inputs, saving.start, path, late) * (change.delivered * delivery.delivered[n])
    of_pool = pools(inputs)
    for key, which in groups.items():
        whole = np.maximum(values[of_pool.get(key, [])].sum(axis=0), 0.0)
        shares = [n for n in which if inputs.savings[n].shares is not None]
        pounds = [n for n in which if inputs.savings[n].shares is None]
        together = 1 - np.prod([1 - np.clip(said[n], 0, 1) for n in shares], axis=0) if shares else 0.0
        of_shares = whole * together
        added = sum((said[n] for n in shares), np.zeros_like(whole))
        for n in shares:
            taken[n] = np.divide(of_shares * said[n], added, out=np.zeros_like(whole), where=added > 0)
            said[n] = whole * said[n]
        asked = sum((said[n] for n in pounds), np.zeros_like(whole))
        left = np.maximum(whole - of_shares, 0.0)
        part = np.divide(left, asked, out=np.ones_like(whole), where=asked > left)
        for n in pounds:
            taken[n] = said[n] * part
    return taken, said, investment


def of_area(inputs: FundingRound, area: Area) -> tuple[np.ndarray, np.ndarray]:
    """Which cells are an area's cost, and which its income; a flow that stays inside it is neither."""
    inner = eliminated(inputs, area)
    own = np.array([cell.organisation_code in area.organisations for cell in inputs.cells]) & ~inner
    is_cost = np.array([cell.side == "cost" for cell in inputs.cells])
    return own & is_cost, own & ~is_cost


def eliminated(inputs: FundingRound, area: Area) -> np.ndarray:
    """Which cells are the two sides of a flow inside an area."""
    inside = {*area.organisations}
    return np.array(
        [cell.is_matched and {cell.organisation_code, cell.counterparty} <= inside for cell in inputs.cells]
    )


def in_full(inputs: FundingRound) -> Delivery:
    """Every scheme delivered in full and on time: one run."""
    count = len(inputs.savings)
    return Delivery(np.ones((count, 1)), np.zeros((count, 1)))


def at_confidence(
    inputs: FundingRound, share: Callable[[Saving], float] = lambda saving: saving.confidence
) -> Delivery:
    """Every scheme on time and delivered at the confidence that its sender states, or at another share: one run."""
    return Delivery(
        np.array([share(saving) for saving in inputs.savings]).reshape(-1, 1), np.zeros((len(inputs.savings), 1))
    )


def drawn(
    inputs: FundingRound, deliver: Callable[[str, float], np.ndarray], late: Callable[[str], np.ndarray], runs: int
) -> Delivery:
    """Share delivered and months late of each saving in every run: those of its scheme, whoever makes it."""
    shape = (len(inputs.savings), runs)
    delivered, slip = np.ones(shape), np.zeros(shape)
    months: Mapping[str, np.ndarray] = {}
    for n, saving in enumerate(inputs.savings):
        delivered[n] = deliver(saving.scheme_code, saving.confidence)
        if saving.scheme_code not in months:
            months = {**months, saving.scheme_code: late(saving.scheme_code)}
        slip[n] = months[saving.scheme_code]
    return Delivery(delivered, slip)
