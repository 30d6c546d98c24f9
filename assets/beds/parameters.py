"""The model's parameters: central, and drawn for every run.

Each assumption with a low and a high is drawn once a run and shared by all cells, sites and years. How much of a scheme
is delivered is a beta around the sender's confidence; one factor that all schemes share correlates them (a Gaussian
copula), and the same goes for their slip. Schemes with a building come whole: their beds and patients move together.
The numbers belong to the seed and the parameter's name, so that they are the same in every round and scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assets.beds.inputs import Round
from assets.beds.model import Growth
from llr_pipeline.assumptions import SHARE, SLIP, Drawn, Name, Pick, Range, pick_central, share_at, slip_range
from llr_pipeline.scenarios import MONTH_DAYS, later, phased


@dataclass(frozen=True)
class Parameters:
    """Growth factors; stays (sector, year, run) and contacts (year, run) at a destination; delivered share and months
    of slip (timing, run).
    """

    growth: Growth
    stays: np.ndarray
    contacts: np.ndarray
    delivered: np.ndarray
    slip_months: np.ndarray


def central(inputs: Round) -> Parameters:
    """One run with central values, schemes delivered in full and on time."""
    return _parameters(inputs, pick_central)


def drawn(inputs: Round, *, runs: int, seed: int) -> tuple[Parameters, dict[Name, np.ndarray], dict[Name, float]]:
    """Drawn runs; what was drawn, each run's value in the last year; and the share of runs in which it was moved to the
    end of its valid range.
    """
    made = Drawn(inputs.assumptions, runs, seed)
    return _parameters(inputs, made.pick, made.delivered, made.slip_months), made.values, made.clamped


def one_at_a_time(inputs: Round, names: Sequence[Name]) -> Parameters:
    """Two runs for each of these parameters, in their order: it at its P10, then at its P90, and all others central."""
    runs = 2 * len(names)
    place = {name: 2 * n for n, name in enumerate(names)}

    def pick(name: Name, given: Range) -> np.ndarray:
        found = np.repeat(given.central[:, None] * (name[0] != SLIP), runs, axis=1)  # the central run is on time
        if name in place:
            low, high = (np.maximum(end, given.least) for end in (given.low, given.high))
            found[:, place[name]], found[:, place[name] + 1] = low, high
        return found

    def deliver(code: str, confidence: float) -> np.ndarray:
        found = np.full(runs, 1.0 if 0 < confidence < 1 else confidence)
        if (SHARE, code) in place:
            two = place[SHARE, code]
            found[two : two + 2] = share_at(inputs.assumptions, confidence, [0.1, 0.9])
        return found

    def slip(code: str) -> np.ndarray:
        return pick((SLIP, code), slip_range(inputs.assumptions))[-1]

    return _parameters(inputs, pick, deliver, slip)


def _parameters(
    inputs: Round,
    pick: Pick,
    deliver: Callable[[str, float], np.ndarray] | None = None,
    late: Callable[[str], np.ndarray] | None = None,
) -> Parameters:
    """The model's parameters from a way to pick a value of a range, a share delivered, and a slip."""
    given = inputs.assumptions
    contacts = given.picked(pick, "beds", ("contacts_per_moved_spell", "home"), missing=np.nan)
    runs = contacts.shape[1]

    def by_code(find: Callable, parameter: str, codes: Sequence[str]) -> np.ndarray:
        return find(pick, "activity", parameter, codes) if codes else np.ones((0, len(inputs.years), runs))

    growth = Growth(
        by_code(given.indices, "population_index", inputs.ages),
        by_code(given.indices, "health_status_factor", inputs.ages),
        by_code(given.compounded, "non_demographic_growth", inputs.points_of_delivery),
    )
    stays = [
        _of_nearest_year(given.picked(pick, "beds", ("destination_stay", sector), missing=np.nan))
        for sector in inputs.sectors
    ]
    delivered, slip = np.ones((len(inputs.timings), runs)), np.zeros((len(inputs.timings), runs))
    if deliver and late:
        for n, timing in enumerate(inputs.timings):
            if timing.has_effect and not timing.has_building:
                delivered[n] = deliver(timing.scheme_code, timing.confidence)
                slip[n] = late(timing.scheme_code)
    return Parameters(growth, np.array(stays), contacts, delivered, slip)


def _of_nearest_year(values: np.ndarray) -> np.ndarray:
    """Values by (year, run), a year without one having that of the nearest year with one, an earlier one first."""
    stated = np.flatnonzero(~np.isnan(values).any(axis=1))
    if not len(stated):
        return values
    years = np.arange(len(values))
    return values[stated[np.abs(years[:, None] - stated).argmin(axis=1)]]


def in_force(inputs: Round, scenario: str, found: Parameters) -> np.ndarray:
    """Share of each timing's full effect in each quarter and run, the mean over the quarter's days."""
    effect = []
    begins = np.array([day.toordinal() for day in inputs.starts], dtype=float)
    for n, timing in enumerate(inputs.timings):
        change = inputs.scenarios[scenario][timing.scheme_code]
        share = float(change.delivered > 0) if timing.has_building else change.delivered * found.delivered[n]
        start = later(timing.start, change.slip_months) + found.slip_months[n] * MONTH_DAYS
        effect.append(share * phased(begins, inputs.calendar.days, start, timing.phase_in_months))
    return np.array(effect).reshape(len(effect), len(begins), found.slip_months.shape[1])
