"""The bed projection from end to end: tables in, tables out, each with its function in `results.py` or beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import pandas as pd

from assets.beds.back_cast import back_cast
from assets.beds.feasibility import feasibility
from assets.beds.gathering import rounds
from assets.beds.parameters import central, drawn, one_at_a_time
from assets.beds.results import (
    assumption_effects,
    bridges,
    census_runs,
    demand,
    demand_totals,
    planned_by_quarter,
    scheme_effects,
    transfers,
)
from assets.beds.simulation import WORKERS, simulate
from llr_pipeline.assumptions import runs_and_seed
from llr_pipeline.computed import together


def project(
    tables: Mapping[str, pd.DataFrame], say: Callable[[str], None] = lambda words: None, *, workers: int = WORKERS
) -> Mapping[str, pd.DataFrame]:
    """Every round and scenario: the tables `mart.bed_*` by name."""
    parts: dict[str, list[pd.DataFrame]] = defaultdict(list)
    for inputs in rounds(tables):
        runs, seed = runs_and_seed(inputs.assumptions, "beds")
        one = central(inputs)
        many, values, clamped = drawn(inputs, runs=runs, seed=seed)
        in_turn = one_at_a_time(inputs, list(values))
        parts["mart.bed_back_cast"].append(back_cast(inputs, one, many, tables))
        for scenario in inputs.scenarios:
            result = simulate(inputs, scenario, one, many, seed=seed, workers=workers)
            planned = planned_by_quarter(inputs, scenario, one)
            of_units, of_areas = bridges(result)
            effects = assumption_effects(result, in_turn, values, clamped)
            parts["mart.bed_demand"].append(demand(result, planned))
            parts["mart.bed_census_runs"].append(census_runs(result))
            of_years, of_quarters = demand_totals(result, planned)
            parts["mart.bed_demand_totals"].append(of_years)
            parts["mart.bed_demand_quarter_totals"].append(of_quarters)
            parts["mart.bed_bridges"].append(of_units)
            parts["mart.bed_bridge_totals"].append(of_areas)
            parts["mart.bed_transfer_ledger"].append(transfers(result, one.contacts))
            parts["mart.bed_assumption_effects"].append(effects)
            parts["mart.bed_feasibility"].append(feasibility(result, planned, tables, effects))
            if scenario == "plan":
                parts["mart.bed_scheme_effects"].append(scheme_effects(result))
            say(f"beds, {inputs.round}, {scenario}: {runs:,} runs of {len(inputs.units)} units")
    return {name: together(some) for name, some in parts.items()}
