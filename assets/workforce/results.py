"""What a scenario's staff come to, as the tables that their contracts promise: by post, and added up by area.

Percentiles are taken over runs of what is shown, never added up from parts. Staff are not rounded here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from assets.workforce.inputs import AGENCY, BANK, CONTRACTS, SOURCES, SUBSTANTIVE, Round, at
from llr_pipeline.uncertainty import percentiles

if TYPE_CHECKING:
    from assets.workforce.projection import Staff

SYSTEM = "system"


def projections(inputs: Round, one: Staff, many: Staff) -> pd.DataFrame:
    """`mart.workforce_projections` of a scenario: a row a post and year."""
    years = len(inputs.years)
    frame = pd.DataFrame([{**at(post), "financial_year": year} for post in inputs.posts for year in inputs.years])
    fixed = {
        "is_illustrative": inputs.is_illustrative, "rate_definition": inputs.rate_definition,
        "demand_basis": one.demand.basis,
    }  # fmt: skip
    frame = frame.assign(round=inputs.round, scenario=one.scenario, runs=inputs.runs)
    frame = frame.assign(**{name: np.repeat(values, years) for name, values in fixed.items()})
    wte = inputs.returned.wte
    yearly = {
        "rate_source": inputs.rate_source, "leaver_rate_share": inputs.leaver_rate,
        "retirement_rate_share": inputs.retirement_rate, **_joiners_by_source(inputs, one),
        "closing_stock_headcount": one.closing[:, :, 0] * _people_per_wte(inputs)[:, None],
        "care_hours_wte": one.demand.care_hours_wte, "contacts_wte": one.demand.contacts_wte,
        **{f"planned_{name}_wte": wte[:, n] for n, name in enumerate(CONTRACTS)}, "planned_wte": inputs.planned,
        **_central(one), **costs(inputs, one), **_over_runs(many),
    }  # fmt: skip
    return frame.assign(**{name: values.ravel() for name, values in yearly.items()})


def _central(one: Staff) -> dict[str, np.ndarray]:
    """What is added up as it is: by name, of (post, year)."""
    found = {
        "opening_stock": one.opening, "joiners": one.joiners, "transfers_in": one.transfers_in,
        "transfers_out": one.transfers_out, "leavers": one.leavers, "retirements": one.retirements,
        "closing_stock": one.closing, "demand": one.demand.wte, "gap": one.fills.gap, "bank": one.fills.bank,
        "agency": one.fills.agency, "unfilled": one.fills.unfilled,
    }  # fmt: skip
    return {f"{name}_wte": values[:, :, 0] for name, values in found.items()}


def _over_runs(many: Staff) -> dict[str, np.ndarray]:
    """Mean and percentiles, and how often posts are left unfilled: by name, of (post, year)."""
    result = {}
    for name, values in _uncertain(many).items():
        found = percentiles(values, axis=2)
        ends = {"mean": values.mean(axis=2), "p10": found.p10, "p90": found.p90}
        result |= {f"{name}_wte_{end}_runs": value for end, value in ends.items()}
    unfilled = many.fills.unfilled
    short = (unfilled > 1e-9).mean(axis=2)
    return {**result, "unfilled_probability": np.where(np.isnan(unfilled).any(axis=2), np.nan, short)}


def _uncertain(many: Staff) -> dict[str, np.ndarray]:
    return {
        "closing_stock": many.closing, "demand": many.demand.wte, "gap": many.fills.gap,
        "unfilled": many.fills.unfilled,
    }  # fmt: skip


def _joiners_by_source(inputs: Round, one: Staff) -> dict[str, np.ndarray]:
    """The scenario's joiners as the returned ones are split by source; not known where none are returned."""
    returned = inputs.returned.joiners
    total = returned.sum(axis=1, keepdims=True)
    split = np.divide(returned, total, out=np.full_like(returned, np.nan), where=total > 0)
    found = split * one.joiners[:, None, :, 0]
    none = (one.joiners[:, None, :, 0] == 0) & np.isnan(split)
    found = np.where(none, 0, found)
    return {f"joiners_{source}_wte": found[:, n] for n, source in enumerate(SOURCES)}


def _people_per_wte(inputs: Round) -> np.ndarray:
    """People a whole-time equivalent of substantive staff in the base year."""
    people, wte = (values[:, SUBSTANTIVE, 0] for values in (inputs.returned.headcount, inputs.returned.wte))
    return np.divide(people, wte, out=np.full_like(people, np.nan), where=wte > 0)


def costs(inputs: Round, one: Staff) -> dict[str, np.ndarray]:
    """GBP to the penny, of (post, year): staff at the end of the year, as returns have it, at the group's cost with pay
    inflation, and bank and agency with their premium. `cost_gbp` is the sum of the three.
    """
    get = inputs.assumptions.central
    rise = np.cumprod([1.0, *(1 + get("funding", "inflation", "pay")[1:])])
    unit = np.array([get("workforce", "pay_cost_per_wte", post.staff_group) for post in inputs.posts])
    unit = unit.reshape(len(inputs.posts), len(inputs.years)) * rise
    staff = {"substantive": one.closing, "bank": one.fills.bank, "agency": one.fills.agency}
    premium = {name: get("workforce", "premium_share", name) for name in CONTRACTS[1:]}
    found = {
        f"{name}_cost_gbp": np.round(wte[:, :, 0] * unit * (1 + premium.get(name, 0.0)), 2)
        for name, wte in staff.items()
    }
    return {**found, "cost_gbp": np.round(sum(found.values()), 2)}


def areas(inputs: Round) -> Iterator[tuple[str, str, np.ndarray]]:
    """Kind, area, posts: each organisation, each setting, and the system."""
    for kind, name in (("organisation", "organisation_code"), ("setting", "setting")):
        codes = [getattr(post, name) for post in inputs.posts]
        for code in sorted(set(codes)):
            yield kind, code, np.array([n for n, one in enumerate(codes) if one == code])
    if inputs.posts:
        yield SYSTEM, SYSTEM, np.arange(len(inputs.posts))


def totals(inputs: Round, one: Staff, many: Staff) -> pd.DataFrame:
    """`mart.workforce_totals` of a scenario: sums over the posts of an area, in each run before any percentile.

    Something that is not known of one post is not known of the area.
    """
    wte = inputs.returned.wte
    planned: Mapping[str, np.ndarray] = {
        "planned_substantive_wte": wte[:, SUBSTANTIVE], "planned_bank_wte": wte[:, BANK],
        "planned_agency_wte": wte[:, AGENCY], "planned_wte": inputs.planned,
    }  # fmt: skip
    summed = {**planned, **_central(one), **costs(inputs, one)}
    uncertain, parts = _uncertain(many), []
    for kind, area, which in areas(inputs):
        frame = pd.DataFrame({
            "round": inputs.round, "scenario": one.scenario, "area_kind": kind, "area": area,
            "financial_year": inputs.years, "is_illustrative": bool(inputs.is_illustrative[which].any()),
            **{name: values[which].sum(axis=0) for name, values in summed.items()}, "runs": inputs.runs,
        })  # fmt: skip
        for name, values in uncertain.items():
            total = values[which].sum(axis=0)
            found = percentiles(total, axis=1)
            frame[f"{name}_wte_mean_runs"] = total.mean(axis=1)
            frame[f"{name}_wte_p10_runs"], frame[f"{name}_wte_p90_runs"] = found.p10, found.p90
        parts.append(frame)
    return pd.concat(parts) if parts else pd.DataFrame()
