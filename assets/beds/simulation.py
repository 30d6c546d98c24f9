"""The bed model run: every round and scenario once with central parameters and then in many drawn runs.

Runs are shared out to threads in blocks; a run's random numbers belong to the seed, the round, the scenario and its own
number, so that neither the blocks nor the number of workers nor that of runs changes what a run gives.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from assets.beds.bridge import Key, bars
from assets.beds.inputs import Round
from assets.beds.model import Calendar, Cells, Flows, Growth, Line, census, counts, flows, parts
from assets.beds.parameters import Parameters, in_force
from llr_pipeline.uncertainty import stream

WORKERS = min(2, os.cpu_count() or 1)
PART_CELLS = 1_000
"""Cells at a time. What a run draws depends on it, so that it is one number whatever the runs and workers."""
BLOCK_VALUES = 500_000  # of one array: small enough for a processor's cache, large enough for numpy's overhead


@dataclass(frozen=True)
class Result:
    """A round's scenario: central and by run. Census (unit, quarter, run), bars (unit, step, run) in beds needed."""

    inputs: Round
    scenario: str
    target: np.ndarray
    central: Flows
    central_census: np.ndarray
    central_bars: Mapping[Key, np.ndarray]
    census: np.ndarray
    bars: Mapping[Key, np.ndarray]

    @property
    def central_need(self) -> np.ndarray:
        """Beds needed at the target occupancy, not rounded: (unit, quarter)."""
        return self.central_census / self.target[:, self.inputs.calendar.year]

    @property
    def need(self) -> np.ndarray:
        """The same in every run: (unit, quarter, run)."""
        return self.census / self.target[:, self.inputs.calendar.year, None]


def simulate(
    inputs: Round,
    scenario: str,
    central: Parameters,
    drawn: Parameters,
    *,
    seed: int,
    workers: int = WORKERS,
) -> Result:
    """One scenario of one round."""
    runs = drawn.contacts.shape[1]
    units, target = len(inputs.units), occupancy_targets(inputs)
    one = _flows(inputs, scenario, central)
    census_of_one = census(inputs.cells, inputs.calendar, inputs.effects, one, units=units)[:, :, 0]
    result = Result(
        inputs, scenario, target, one, census_of_one,
        {key: bar[:, :, 0] for key, bar in _bars(inputs, one, central, target).items()},
        np.empty((units, len(inputs.quarters), runs)), {},
    )  # fmt: skip
    force = in_force(inputs, scenario, drawn)

    pieces = parts(inputs.cells, inputs.effects, PART_CELLS)

    def block(first: int, last: int) -> None:
        part = _part(drawn, first, last)
        streams = [stream(seed, inputs.round, scenario, "counts", str(run)) for run in range(first, last)]
        beds, by_factor = simulate_block(
            pieces, inputs.calendar, part.growth, part.stays, force[:, :, first:last], target, streams
        )
        result.census[:, :, first:last] = beds
        for key, bar in by_factor.items():
            result.bars[key][:, :, first:last] = bar

    for key in result.central_bars:
        result.bars[key] = np.zeros((units, len(inputs.years) - 1, runs))
    size = block_runs(len(inputs.cells.unit), len(inputs.quarters))
    blocks = [(first, min(first + size, runs)) for first in range(0, runs, size)]
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(block, *ends) for ends in blocks]:
            done.result()
    return result


def block_runs(cells: int, quarters: int) -> int:
    """Runs at a time."""
    return max(1, BLOCK_VALUES // max(min(cells, PART_CELLS) * quarters, 1))


def simulate_block(
    pieces: Sequence[tuple[Cells, Sequence[Line]]], calendar: Calendar, growth: Growth, stays: np.ndarray,
    force: np.ndarray, target: np.ndarray, generators: Sequence[np.random.Generator],
) -> tuple[np.ndarray, dict[Key, np.ndarray]]:  # fmt: skip
    """Some runs of all parts of the cells, a generator a run: census and bars, as a Result has them."""
    beds, by_factor = np.zeros((len(target), *force.shape[1:])), {}
    for cells, lines in pieces:
        found = flows(cells, calendar, lines, growth=growth, stays=stays, in_force=force)
        chance = counts(cells, calendar, lines, found, generators)
        beds += census(cells, calendar, lines, found, units=len(target), chance=chance)
        of_part = bars(cells, calendar, lines, found, growth=growth, target=target, units=len(target))
        for key, bar in of_part.items():
            by_factor[key] = by_factor[key] + bar if key in by_factor else bar
    return beds, by_factor


def need_of(inputs: Round, scenario: str, given: Parameters) -> np.ndarray:
    """Beds needed in each of the given runs, without chance: (unit, quarter, run)."""
    found = _flows(inputs, scenario, given)
    beds = census(inputs.cells, inputs.calendar, inputs.effects, found, units=len(inputs.units))
    return beds / occupancy_targets(inputs)[:, inputs.calendar.year, None]


def occupancy_targets(inputs: Round) -> np.ndarray:
    """Target occupancy by unit and year; NaN where no assumption gives one."""
    found = [inputs.assumptions.central("beds", "occupancy_target", unit.sector) for unit in inputs.units]
    targets = np.array(found).reshape(len(inputs.units), len(inputs.years))
    return np.where(targets > 0, targets, np.nan)


def _flows(inputs: Round, scenario: str, given: Parameters) -> Flows:
    return flows(
        inputs.cells, inputs.calendar, inputs.effects, growth=given.growth, stays=given.stays,
        in_force=in_force(inputs, scenario, given),
    )  # fmt: skip


def _bars(inputs: Round, found: Flows, with_: Parameters, target: np.ndarray) -> Mapping[Key, np.ndarray]:
    return bars(
        inputs.cells,
        inputs.calendar,
        inputs.effects,
        found,
        growth=with_.growth,
        target=target,
        units=len(inputs.units),
    )


def _part(drawn: Parameters, first: int, last: int) -> Parameters:
    """The parameters of some of the runs."""
    whole = drawn.growth.population, drawn.growth.health_status, drawn.growth.non_demographic
    growth = Growth(*(index[..., first:last] for index in whole))
    rest = (drawn.stays, drawn.contacts, drawn.delivered, drawn.slip_months)
    return Parameters(growth, *(values[..., first:last] for values in rest))
