"""What the model found -> the tables `mart.funding_*` and `mart.savings_modelled`. Money to the penny.

Central figures are rounded cell by cell and then added, so that parts make up their totals exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from assets.finance.bridge import area_bars, cell_bars, to_the_penny
from assets.finance.inputs import Area, FundingRound
from assets.finance.model import Growth, eliminated, of_area
from llr_pipeline.assumptions import Name
from llr_pipeline.uncertainty import contributions, percentiles

WITH_SUPPORT, SUPPORT_FUNDING = "with_support", "support_funding"


@dataclass(frozen=True)
class Result:
    """A round's scenario. Central: cells (cell, year), what schemes take out, what they say before their pool stops
    them and their investment (saving, year), to the penny. By run: gaps before schemes (organisation, year, run) and
    what schemes take out (saving, year, run).
    """

    inputs: FundingRound
    scenario: str
    central: np.ndarray
    central_taken: np.ndarray
    central_said: np.ndarray
    investment: np.ndarray
    gaps: np.ndarray
    taken: np.ndarray


def money(values: np.ndarray) -> np.ndarray:
    """To the penny."""
    return np.round(values, 2)


def stacked(parts: Sequence[Mapping[str, Any]], length: int) -> pd.DataFrame:
    """One frame of parts with the same columns, each a value or one for each of `length` rows."""
    if not parts:
        return pd.DataFrame()
    return pd.DataFrame({
        name: np.concatenate([np.broadcast_to(np.asarray(part[name]), length) for part in parts]) for name in parts[0]
    })  # fmt: skip


def of_savings(inputs: FundingRound, area: Area) -> list[int]:
    """Places of the savings of an area's organisations."""
    return [n for n, saving in enumerate(inputs.savings) if saving.organisation_code in area.organisations]


def gaps(inputs: FundingRound, values: np.ndarray) -> np.ndarray:
    """Each organisation's gap between cost and income, cells as given: (organisation, year, run).

    An area's is their sum: what flows inside it is a cost of one and the same income of another.
    """
    place = {code: n for n, code in enumerate(inputs.organisations)}
    found = np.zeros((len(inputs.organisations), *values.shape[1:]))
    for cell, value in zip(inputs.cells, values, strict=True):
        (np.add if cell.side == "cost" else np.subtract)(
            found[place[cell.organisation_code]], value, out=found[place[cell.organisation_code]]
        )
    return found


def gaps_left(result: Result) -> Mapping[str, np.ndarray]:
    """Each area's gap after schemes in every run: (year, run)."""
    inputs = result.inputs
    left = result.gaps.copy()
    for n, saving in enumerate(inputs.savings):
        own = left[inputs.organisations.index(saving.organisation_code)]
        own -= result.taken[n]
        own += result.investment[n][:, None]
    return {
        area.name: sum(left[inputs.organisations.index(code)] for code in area.organisations) for area in inputs.areas
    }


def support_basis(result: Result, organisation_code: str) -> str:
    """Of an organisation's money in this scenario: with support where a scheme brings it support funding."""
    has_support = any(
        saving.organisation_code == organisation_code and saving.category == SUPPORT_FUNDING and taken.any()
        for saving, taken in zip(result.inputs.savings, result.central_taken, strict=True)
    )
    return WITH_SUPPORT if has_support else result.inputs.support_basis[organisation_code]


def projections(result: Result) -> pd.DataFrame:
    """`mart.funding_modelled`: by organisation, category and year, after the scenario's schemes."""
    inputs = result.inputs
    found: dict[tuple, dict[str, np.ndarray]] = {}

    def add(code: str, category: str, recurs: bool, side: str, path: np.ndarray) -> None:
        sides = found.setdefault((code, category, recurs), {s: np.zeros(len(inputs.years)) for s in ("cost", "income")})
        sides[side] = sides[side] + path

    for cell, path in zip(inputs.cells, result.central, strict=True):
        add(cell.organisation_code, cell.category, cell.is_recurrent, cell.side, path)
    for n, saving in enumerate(inputs.savings):
        if not (result.central_taken[n].any() or result.investment[n].any()):
            continue
        recurs = np.divide(saving.recurrent, saving.gross, out=np.ones(len(inputs.years)), where=saving.gross > 0)
        taken = money(result.central_taken[n] * recurs)
        add(saving.organisation_code, saving.cost_pool, True, "cost", -taken)
        once = result.investment[n] - (result.central_taken[n] - taken)
        if once.any():
            add(saving.organisation_code, saving.cost_pool, False, "cost", once)
    parts = [
        {
            "round": inputs.round, "scenario": result.scenario, "scope": inputs.scope[code], "organisation_code": code,
            "category": category, "is_recurrent": recurs, "support_basis": support_basis(result, code),
            "financial_year": inputs.years, "cost_gbp": money(sides["cost"]), "income_gbp": money(sides["income"]),
            "is_illustrative": inputs.is_illustrative[code],
        }
        for (code, category, recurs), sides in found.items()
    ]  # fmt: skip
    return stacked(parts, len(inputs.years))


def totals(result: Result, left: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """`mart.funding_modelled_totals`: by area and year, central and over the runs."""
    inputs = result.inputs
    parts = []
    for area in inputs.areas:
        cost, income = of_area(inputs, area)
        which = of_savings(inputs, area)
        taken, said = result.central_taken[which].sum(axis=0), result.central_said[which].sum(axis=0)
        invested = result.investment[which].sum(axis=0)
        before = money(result.central[cost].sum(axis=0))
        earned = money(result.central[income].sum(axis=0))
        gap = money(before - earned)
        after = left[area.name]
        found = percentiles(after, axis=1)
        unknown = np.isnan(after).any(axis=1)
        parts.append(
            {
                "round": inputs.round, "scenario": result.scenario, "area": area.name, "scope": area.scope,
                "financial_year": inputs.years,
                "cost_gbp": money(before - taken + invested), "income_gbp": earned,
                "eliminated_gbp": money(result.central[eliminated(inputs, area)].sum(axis=0) / 2),
                "do_nothing_gap_gbp": gap, "gross_saving_gbp": money(taken), "investment_gbp": money(invested),
                "stopped_at_pool_gbp": money(said - taken), "schemes_effect_gbp": money(invested - taken),
                "residual_gap_gbp": money(gap - taken + invested),
                "residual_gap_mean_runs_gbp": money(after.mean(axis=1)), "residual_gap_p10_runs_gbp": money(found.p10),
                "residual_gap_p50_runs_gbp": money(found.p50), "residual_gap_p90_runs_gbp": money(found.p90),
                "closed_probability": np.where(unknown, np.nan, (after <= 0).mean(axis=1)),
                "runs": after.shape[1],
                "is_illustrative": any(inputs.is_illustrative[code] for code in area.organisations),
            }
        )  # fmt: skip
    return stacked(parts, len(inputs.years))


def schemes(result: Result) -> pd.DataFrame:
    """`mart.savings_modelled`: what each scheme takes out of one pool, at its confidence and over the runs."""
    inputs = result.inputs
    if not inputs.savings or not (result.central_said.any() or result.investment.any()):
        return pd.DataFrame()
    parts = []
    for n, saving in enumerate(inputs.savings):
        taken, investment = result.central_taken[n], result.investment[n]
        net = result.taken[n] - investment[:, None]
        found = percentiles(net, axis=1)
        parts.append(
            {
                "round": inputs.round, "scenario": result.scenario, "organisation_code": saving.organisation_code,
                "scope": inputs.scope[saving.organisation_code], "scheme_code": saving.scheme_code,
                "category": saving.category, "cost_pool": saving.cost_pool, "financial_year": inputs.years,
                "stated_as": "gbp" if saving.shares is None else "share", "start_date": saving.start,
                "confidence_share": saving.confidence, "returned_saving_gbp": money(saving.gross),
                "gross_saving_gbp": taken, "recurrent_saving_gbp": money(np.divide(
                    taken * saving.recurrent, saving.gross, out=np.zeros(len(taken)), where=saving.gross > 0)),
                "stopped_at_pool_gbp": money(result.central_said[n] - taken), "investment_gbp": investment,
                "full_year_effect_gbp": money(np.full(len(taken), saving.full_year)),
                "expected_net_gbp": money(saving.confidence * taken - investment),
                "net_mean_runs_gbp": money(net.mean(axis=1)), "net_p10_runs_gbp": money(found.p10),
                "net_p90_runs_gbp": money(found.p90),
                "is_illustrative": inputs.is_illustrative[saving.organisation_code],
            }
        )  # fmt: skip
    return stacked(parts, len(inputs.years))


def bridges(result: Result, factors: Growth) -> pd.DataFrame:
    """`mart.funding_bridges`: why each area's cost and income change from one year to the next."""
    inputs = result.inputs
    by_cell = cell_bars(inputs, factors, result.central)
    found = []
    for area in inputs.areas:
        cost, income = of_area(inputs, area)
        which = of_savings(inputs, area)
        net = result.investment[which].sum(axis=0) - result.central_taken[which].sum(axis=0)
        ends = {
            "cost": money(result.central[cost].sum(axis=0) + net),
            "income": money(result.central[income].sum(axis=0)),
        }
        if any(np.isnan(path).any() for path in ends.values()):
            continue
        bars = area_bars(inputs, area, by_cell, result.central_taken, result.investment)
        found += [
            {
                "round": inputs.round, "scenario": result.scenario, "area": area.name, "financial_year": year,
                "side": bar.side, "category": bar.category, "factor": bar.factor, "scheme_code": bar.scheme_code,
                "savings_category": bar.savings_category, "change_gbp": change,
                "gap_change_gbp": change if bar.side == "cost" else -change,
            }
            for bar, changes in to_the_penny(bars, ends)
            for year, change in zip(inputs.years[1:], changes, strict=True)
            if change
        ]  # fmt: skip
    return pd.DataFrame(found)


def assumption_effects(
    result: Result,
    left: Mapping[str, np.ndarray],
    values: Mapping[Name, np.ndarray],
    clamped: Mapping[Name, float],
) -> pd.DataFrame:
    """`mart.funding_assumption_effects`: what each uncertain parameter does to the gap left in the last year."""
    inputs = result.inputs
    known = {name: path[-1] for name, path in left.items() if not np.isnan(path[-1]).any()}
    names = list(values)
    if not known or not names:
        return pd.DataFrame()
    outcomes = np.array(list(known.values())).T
    try:
        found = contributions({" ".join(name): values[name] for name in names}, outcomes)
    except ValueError:  # too few runs, or parameters that are one and the same: nothing can be told apart
        return pd.DataFrame()
    tenth, ninetieth = np.percentile(list(values.values()), [10, 90], axis=1)
    parts = [
        {
            "round": inputs.round, "scenario": result.scenario, "area": area, "financial_year": inputs.years[-1],
            "parameter": [parameter for parameter, _ in names], "applies_to": [code for _, code in names],
            "p10_value": tenth, "p90_value": ninetieth, "effect_gbp": money(found.effects[:, n]),
            "variance_share": found.shares[:, n],
            "joint_variance_share": found.joint_share[n], "other_variance_share": found.residual_share[n],
            "clamped_share": [clamped.get(name, 0.0) for name in names],
        }
        for n, area in enumerate(known)
    ]  # fmt: skip
    return stacked(parts, len(names))
