"""What cannot be, or cannot be known: planned cuts without schemes behind them, wards that close with patients in them,
more patients than beds, assumptions without effect, and whatever the inputs leave open. A row a case, in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from assets.beds.inputs import COUNTED, Round
from assets.beds.parameters import central, in_force
from assets.beds.results import areas, by_year, keys_of, since_base_year
from assets.beds.schemes import about_line
from assets.beds.simulation import Result
from llr_pipeline.computed import rows

STEP_SHARE = 0.25
LEAST_BEDS = 0.5
"""Smaller differences are rounding."""
NO_UNIT = {"organisation_code": None, "site_code": None, "sector": None, "bed_definition": None}


def feasibility(
    result: Result, planned: np.ndarray, tables: Mapping[str, pd.DataFrame], effects: pd.DataFrame
) -> pd.DataFrame:
    """`mart.bed_feasibility` of one scenario; what concerns the round alone is said with the plan."""
    inputs = result.inputs
    found = [*_cuts(result, planned), *_closing(result, planned), *_below_zero(result, planned)]
    if result.scenario == "plan":
        found += [*_overfull(inputs, tables), *_doubts(inputs), *_unmodelled(inputs), *_without_effect(effects)]
        found += _out_of_step(inputs)
    return pd.DataFrame(found).assign(round=inputs.round, scenario=result.scenario)


def _cuts(result: Result, planned: np.ndarray) -> Iterator[dict]:
    """Cuts in the system's planned beds that its schemes do not make room for, by the last year: the sum in words."""
    inputs = result.inputs
    need, beds = by_year(inputs, result.central_need), by_year(inputs, planned)
    bars = since_base_year(result)
    growth = sum(bar[:, -1] for (_, line), bar in bars.items() if line < 0)
    schemes = sum((bar[:, -1] for (_, line), bar in bars.items() if line >= 0), np.zeros(len(inputs.units)))
    for area, definition, which in areas(inputs):
        (before, after), (need_before, need_after) = (some[which][:, [0, -1]].sum(axis=0) for some in (beds, need))
        cut, short = before - after, need_after - after
        if area == "system" and cut > LEAST_BEDS and short > LEAST_BEDS:
            spare = f"{abs(before - need_before):,.1f} beds too {'many' if before > need_before else 'few'}"
            yield {
                **NO_UNIT, "guard": "cut_above_schemes", "about": definition, "quarter": None,
                "bed_definition": definition, "figure_beds": cut, "against_beds": cut - short,
                "message": f"{spare} in {inputs.years[0]}, {cut:,.1f} fewer planned by {inputs.years[-1]}, "
                f"{growth[which].sum():,.1f} more needed by growth and leap days, "
                f"{0 - schemes[which].sum():,.1f} fewer by schemes: {short:,.1f} beds too few.",
            }  # fmt: skip


def _closing(result: Result, planned: np.ndarray) -> Iterator[dict]:
    """Units without a bed in a quarter in which they still have patients; the first such quarter."""
    inputs = result.inputs
    for n in range(len(inputs.units)):
        left = np.flatnonzero((planned[n] == 0) & (result.central_census[n] > LEAST_BEDS))
        if len(left):
            first, count = left[0], result.central_census[n, left[0]]
            yield {
                **keys_of(inputs, n), "guard": "closed_with_patients", "about": "beds planned",
                "quarter": inputs.quarters[first], "figure_beds": count, "against_beds": 0.0,
                "message": f"No bed is planned from {inputs.quarters[first]} on, and {count:,.1f} patients are there.",
            }  # fmt: skip


def _below_zero(result: Result, planned: np.ndarray) -> Iterator[dict]:
    """Quarters in which a building's schemes claim more beds than the plan has; the worst of each unit."""
    inputs = result.inputs
    for n in np.flatnonzero((planned < 0).any(axis=1)):
        worst = int(planned[n].argmin())
        yield {
            **keys_of(inputs, n), "guard": "claims_above_beds", "about": "beds planned",
            "quarter": inputs.quarters[worst], "figure_beds": 0.0, "against_beds": planned[n, worst],
            "message": f"Schemes that close beds claim {-planned[n, worst]:,.1f} more than there are in "
            f"{inputs.quarters[worst]}.",
        }  # fmt: skip


def _out_of_step(inputs: Round) -> Iterator[dict]:
    """Buildings whose claim for the year of the move is not what their date makes of the claim for a whole year.

    Their beds are placed by that date: a claim too large for it makes a ward that nobody plans.
    """
    year = inputs.calendar.year
    force = in_force(inputs, "plan", central(inputs))[:, :, 0]
    for line in inputs.lines:
        share = np.bincount(year, inputs.calendar.weight * force[line.timing])
        whole = np.flatnonzero(share == 1)
        if not inputs.timings[line.timing].has_building or not len(whole):
            continue
        for t in np.flatnonzero((share > 0) & (share < 1)):
            expected = share[t] * line.claimed[whole[0]]
            if abs(line.claimed[t] - expected) > max(LEAST_BEDS, STEP_SHARE * abs(expected)):
                yield {
                    **keys_of(inputs, line.unit), "guard": "claim_out_of_step", "about": about_line(line.row),
                    "quarter": None, "figure_beds": abs(line.claimed[t]), "against_beds": expected,
                    "message": f"{line.claimed[t]:,.1f} beds are claimed for {inputs.years[t]}; its start date makes "
                    f"{expected:,.1f} of the {line.claimed[whole[0]]:,.1f} claimed for {inputs.years[whole[0]]}.",
                }  # fmt: skip


def _overfull(inputs: Round, tables: Mapping[str, pd.DataFrame]) -> Iterator[dict]:
    """More beds occupied than available, as returned: real, and reported."""
    place = {(unit.site_code, unit.sector): n for n, unit in enumerate(inputs.units)}
    for row in rows(tables["core.beds_current"], round=inputs.round):
        occupied, available = row["occupied_beds"], row["available_beds"]
        if row["bed_definition"] not in COUNTED or occupied is None or available is None or occupied <= available:
            continue
        yield {
            **keys_of(inputs, place[row["site_code"], row["sector"]]), "guard": "occupied_above_available",
            "about": row["financial_year"], "quarter": None, "figure_beds": occupied, "against_beds": available,
            "message": f"{occupied:,.1f} beds are occupied and {available:,.1f} available in {row['financial_year']}, "
            "as returned.",
        }  # fmt: skip


def _doubts(inputs: Round) -> Iterator[dict]:
    for doubt in inputs.doubts:
        unit = NO_UNIT if doubt.unit is None else keys_of(inputs, doubt.unit)
        yield {
            **unit, "guard": doubt.kind, "about": doubt.about, "quarter": None, "figure_beds": None,
            "against_beds": None, "message": f"{doubt.message}.",
        }  # fmt: skip


def _unmodelled(inputs: Round) -> Iterator[dict]:
    """Beds planned where the base year has no activity: a need cannot grow from nothing."""
    here = set(inputs.cells.unit.tolist()) | {line.to for line in inputs.effects}
    for n in range(len(inputs.units)):
        if n not in here and np.nansum(inputs.planned[n]) > 0:
            yield {
                **keys_of(inputs, n), "guard": "no_base_activity", "about": inputs.years[0], "quarter": None,
                "figure_beds": np.nanmax(inputs.planned[n]), "against_beds": None,
                "message": f"Beds are planned, and {inputs.years[0]} has no activity here: no need can be modelled.",
            }  # fmt: skip


def _without_effect(effects: pd.DataFrame) -> Iterator[dict]:
    """Assumptions with a range that change no bed number in the last year."""
    if effects.empty:
        return
    largest = effects.assign(most=effects[["p10_effect_beds", "p90_effect_beds"]].abs().max(axis=1))
    for (parameter, code), most in largest.groupby(["parameter", "applies_to"])["most"].max().items():
        if most < 1e-9:
            yield {
                **NO_UNIT, "guard": "assumption_without_effect", "about": f"{parameter}, {code}", "quarter": None,
                "figure_beds": 0.0, "against_beds": None,
                "message": f"The range of {parameter} for {code} changes no bed number: nothing in the round uses it.",
            }  # fmt: skip
