"""The workforce projection from end to end: tables in, tables out; what a scenario's staff come to, year by year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.workforce.demand import Demand, demand
from assets.workforce.doubts import doubts
from assets.workforce.gathering import rounds
from assets.workforce.inputs import SUBSTANTIVE, Round
from assets.workforce.model import Fills, fill, roll_forward
from assets.workforce.redundancy import redundancy
from assets.workforce.results import projections, totals
from llr_pipeline.assumptions import Drawn, Pick, pick_central
from llr_pipeline.computed import together

Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Staff:
    """A scenario's staff: all of (post, year, run), one run where central; flows are NaN in the base year."""

    scenario: str
    opening: np.ndarray
    joiners: np.ndarray
    transfers_in: np.ndarray
    transfers_out: np.ndarray
    leavers: np.ndarray
    retirements: np.ndarray
    closing: np.ndarray
    demand: Demand
    fills: Fills


def project(tables: Frames, say: Callable[[str], None] = lambda words: None) -> Frames:
    """Every round and scenario: the tables `mart.workforce_*` and `mart.redundancy_*` by name."""
    parts: dict[str, list[pd.DataFrame]] = defaultdict(list)
    for inputs in rounds(tables):
        made = Drawn(inputs.assumptions, inputs.runs, inputs.seed)
        plan = None
        for scenario in inputs.scenarios:
            one = project_staff(inputs, scenario, pick_central)
            many = project_staff(inputs, scenario, made.pick, central=one)
            plan = one if scenario == "plan" else plan
            parts["mart.workforce_projections"].append(projections(inputs, one, many))
            parts["mart.workforce_totals"].append(totals(inputs, one, many))
            parts["mart.workforce_doubts"].append(doubts(inputs, one))
            say(f"workforce, {inputs.round}, {scenario}: {inputs.runs:,} runs of {len(inputs.posts)} posts")
        of_posts, of_areas = redundancy(inputs, plan)
        parts["mart.redundancy_test"].append(of_posts)
        parts["mart.redundancy_totals"].append(of_areas)
    return {name: together(some) for name, some in parts.items()}


def project_staff(inputs: Round, scenario: str, pick: Pick, *, central: Staff | None = None) -> Staff:
    """One scenario: central without `central`, else in runs around it.

    Under the plan and what stands on it, joiners and transfers are those returned; in a run, joiners differ from them
    by the change in the share of leavers and retirements that is replaced (never below none). Where nothing of the plan
    is done, everybody who goes is replaced and nobody is transferred, so that staff stay as many.
    """
    size = len(inputs.posts), len(inputs.years)
    is_nothing, is_average = inputs.scenarios[scenario], inputs.is_average[:, None]
    leaver = _leaver_rates(inputs, pick)
    retirement = inputs.retirement_rate[:, :, None]
    more = 0.0
    if central is not None:
        replaced = inputs.assumptions.picked(pick, "workforce", ("replacement_share", "all"), missing=0.0)
        expected = inputs.assumptions.central("workforce", "replacement_share", "all", default=0.0)
        more = (replaced - expected[:, None])[None] * (central.leavers + central.retirements)
    planned_in, planned_out = (
        np.zeros((*size, 1)) if is_nothing else given[:, :, None]
        for given in (inputs.returned.transfers_in, inputs.returned.transfers_out)
    )
    planned_joiners = np.maximum(inputs.returned.joiners.sum(axis=1)[:, :, None] + more, 0)
    runs = max(leaver.shape[2], planned_joiners.shape[2], 1 if central is None else inputs.runs)
    opening, joiners, leavers, retirements, closing = (np.full((*size, runs), np.nan) for _ in range(5))
    closing[:, 0] = inputs.returned.wte[:, SUBSTANTIVE, :1]
    for t in range(1, size[1]):
        opening[:, t] = closing[:, t - 1]
        if is_nothing:
            rate = leaver[:, t] + retirement[:, t]
            joiners[:, t] = np.where(opening[:, t] == 0, 0, opening[:, t] * rate)
            closing[:, t] = opening[:, t]
            leavers[:, t], retirements[:, t] = opening[:, t] * leaver[:, t], opening[:, t] * retirement[:, t]
            continue
        joiners[:, t] = planned_joiners[:, t]
        found = roll_forward(
            opening[:, t], leaver_rate=leaver[:, t], retirement_rate=retirement[:, t], is_average=is_average,
            net_in=joiners[:, t] + planned_in[:, t] - planned_out[:, t],
        )  # fmt: skip
        leavers[:, t], retirements[:, t], closing[:, t] = found.leavers, found.retirements, found.closing
    needed = demand(inputs, scenario, pick, is_central=central is None)
    caps = {
        f"{contract}_cap": inputs.assumptions.picked(pick, "workforce", ("cap_share", contract), missing=np.nan)[None]
        for contract in ("bank", "agency")
    }
    return Staff(
        scenario, opening, joiners, _flows(planned_in, runs), _flows(planned_out, runs), leavers, retirements, closing,
        needed, fill(needed.wte, closing, **caps),
    )  # fmt: skip


def _leaver_rates(inputs: Round, pick: Pick) -> np.ndarray:
    """The rates used, times the group's assumed rate in the run over its central value: (post, year, run)."""
    factors = {}
    for group in sorted({post.staff_group for post in inputs.posts}):
        name = "leaver_rate", group
        central = inputs.assumptions.picked(pick_central, "workforce", name, missing=np.nan)
        drawn = inputs.assumptions.picked(pick, "workforce", name, missing=np.nan)
        factors[group] = np.divide(drawn, central, out=np.ones_like(drawn, dtype=float), where=central > 0)
    runs = max((factor.shape[1] for factor in factors.values()), default=1)
    of_posts = [np.broadcast_to(factors[post.staff_group], (len(inputs.years), runs)) for post in inputs.posts]
    factor = np.array(of_posts).reshape(len(inputs.posts), len(inputs.years), runs)
    retirement = inputs.retirement_rate[:, :, None]
    return np.minimum(inputs.leaver_rate[:, :, None] * factor, np.fmax(1 - retirement, 0))


def _flows(planned: np.ndarray, runs: int) -> np.ndarray:
    """Transfers in each run; none are known of the base year."""
    found = np.broadcast_to(planned, (*planned.shape[:2], runs)).astype(float)
    found[:, 0] = np.nan
    return found
