"""The model's parameters: central, and drawn for every run.

Each assumption with a low and a high is drawn once a run and shared by all cells, sites and years. How much of a scheme
is delivered is a beta around the sender's confidence; one factor that all schemes share correlates them (a Gaussian
copula), and the same goes for their slip. Schemes with a building come whole: their beds and patients move together.
The numbers belong to the seed and the parameter's name, so that they are the same in every round and scenario.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from assets.beds.inputs import Round
from assets.beds.model import Growth
from llr_pipeline.uncertainty import draw, normal_from_interval, stream

MONTH_DAYS = 365.25 / 12
SLIP = "slip_months"


@dataclass(frozen=True)
class Range:
    """What an assumption may be, by year: P10, central, P90 and the least that is valid; without P10 it is certain."""

    low: np.ndarray
    central: np.ndarray
    high: np.ndarray
    least: float = 0.0

    @property
    def is_certain(self) -> bool:
        return not (self.high > self.low).any()


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


Name = tuple[str, str]
"""A parameter, and the code that it applies to."""
Pick = Callable[[Name, Range], np.ndarray]
"""A range -> values by (year, run)."""


def central(inputs: Round) -> Parameters:
    """One run with central values, schemes delivered in full and on time."""
    return _parameters(inputs, lambda name, given: given.central[:, None])


def drawn(inputs: Round, *, runs: int, seed: int) -> tuple[Parameters, dict[Name, np.ndarray], dict[Name, float]]:
    """Drawn runs; what was drawn, each run's value in the last year; and the share of runs in which it was moved to the
    end of its valid range.
    """
    from scipy.special import betaincinv, ndtr  # half a second: not when the definitions are loaded

    values: dict[Name, np.ndarray] = {}
    clamped: dict[Name, float] = {}
    correlation = _setting(inputs, "delivery_correlation", 0.3)

    def scores(name: Name) -> np.ndarray:
        """Of a scheme: correlated with every other scheme's."""
        shared, own = (stream(seed, name[0], of).standard_normal(runs) for of in ("every scheme", name[1]))
        return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own

    def pick(name: Name, given: Range) -> np.ndarray:
        if given.is_certain:
            return np.broadcast_to(given.central[:, None], (len(given.central), runs))
        if name[0] == SLIP:
            normal = normal_from_interval(given.low[-1], given.high[-1])
            free = normal.mean + normal.sd * scores(name)
            found, clamped[name] = np.maximum(free, given.least)[None], float((free < given.least).mean())
        else:
            known = ~np.isnan(given.low)
            interval = normal_from_interval(given.low[known], given.high[known])
            made = draw(" ".join(name), interval, runs, seed=seed, minimum=given.least)
            found, clamped[name] = np.full((len(known), runs), np.nan), float(np.max(made.clamped_share))
            found[known] = made.values.T
        values[name] = found[-1]
        return found

    def deliver(name: Name, confidence: float) -> np.ndarray:
        kappa = _setting(inputs, "delivery_kappa", 12.0)
        values[name] = betaincinv(kappa * confidence, kappa * (1 - confidence), ndtr(scores(name)))
        return values[name]

    return _parameters(inputs, pick, deliver), values, clamped


def one_at_a_time(inputs: Round, names: Sequence[Name]) -> Parameters:
    """Two runs for each of these parameters, in their order: it at its P10, then at its P90, and all others central."""
    from scipy.special import betaincinv

    runs = 2 * len(names)
    place = {name: 2 * n for n, name in enumerate(names)}

    def pick(name: Name, given: Range) -> np.ndarray:
        found = np.repeat(given.central[:, None] * (name[0] != SLIP), runs, axis=1)  # the central run is on time
        if name in place:
            low, high = (np.maximum(end, given.least) for end in (given.low, given.high))
            found[:, place[name]], found[:, place[name] + 1] = low, high
        return found

    def deliver(name: Name, confidence: float) -> np.ndarray:
        kappa = _setting(inputs, "delivery_kappa", 12.0)
        found = np.ones(runs)
        found[place[name] : place[name] + 2] = betaincinv(kappa * confidence, kappa * (1 - confidence), [0.1, 0.9])
        return found

    return _parameters(inputs, pick, deliver)


def _setting(inputs: Round, name: str, default: float) -> float:
    return float(inputs.assumptions.central("schemes", name, "all", default=default)[-1])


def _range(inputs: Round, subject: str, name: Name, *, missing: float, least: float = 0.0) -> Range:
    """An assumption's range; a year that has no P10 or no P90, or has them the wrong way round, is certain."""
    central_values = np.maximum(inputs.assumptions.central(subject, *name, default=missing), least)
    found = inputs.assumptions.get(subject, *name)
    if found is None:
        return Range(central_values, central_values, central_values, least)
    both = found["low"] <= found["high"]
    low, high = (np.where(both, found[end], central_values) for end in ("low", "high"))
    return Range(low, central_values, high, least)


def _parameters(inputs: Round, pick: Pick, deliver: Callable[[Name, float], np.ndarray] | None = None) -> Parameters:
    """The model's parameters from a way to pick a value of a range, and a share delivered given its confidence."""

    def values(subject: str, name: Name, *, missing: float, least: float = 0.0) -> np.ndarray:
        """Of one assumption: (year, run). One for all codes is drawn once, and is the same for each."""
        if (subject, *name) not in inputs.assumptions.values:
            name = name[0], "all"
        return pick(name, _range(inputs, subject, name, missing=missing, least=least))

    def index(parameter: str) -> np.ndarray:
        """By age: (age, year, run), 1 in the base year."""
        found = np.ones((len(inputs.ages), len(inputs.years), runs))
        for n, age in enumerate(inputs.ages):
            found[n] = values("activity", (parameter, age), missing=1.0)
        base = found[:, :1]
        return np.divide(found, base, out=np.ones_like(found), where=base > 0)

    contacts = values("beds", ("contacts_per_moved_spell", "home"), missing=np.nan)
    runs = contacts.shape[1]
    rates = np.zeros((len(inputs.points_of_delivery), len(inputs.years), runs))
    for n, code in enumerate(inputs.points_of_delivery):
        rates[n] = values("activity", ("non_demographic_growth", code), missing=0.0, least=-1.0)
    rates[:, 0] = 0.0
    growth = Growth(index("population_index"), index("health_status_factor"), np.cumprod(1 + rates, axis=1))
    stays = [
        _of_nearest_year(values("beds", ("destination_stay", sector), missing=np.nan)) for sector in inputs.sectors
    ]
    delivered, slip = np.ones((len(inputs.timings), runs)), np.zeros((len(inputs.timings), runs))
    if deliver:
        late = _range(inputs, "schemes", (SLIP, "all"), missing=0.0)
        for n, timing in enumerate(inputs.timings):
            if timing.has_building or not timing.has_effect:
                continue
            is_sure = timing.confidence in (0, 1)
            name = "delivered_share", timing.scheme_code
            delivered[n] = timing.confidence if is_sure else deliver(name, timing.confidence)
            if not late.is_certain:
                slip[n] = pick((SLIP, timing.scheme_code), late)[-1]
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
        start = _later(timing.start, change.slip_months) + found.slip_months[n] * MONTH_DAYS
        effect.append(share * phased(begins, inputs.calendar.days, start, timing.phase_in_months))
    return np.array(effect).reshape(len(effect), len(begins), found.slip_months.shape[1])


def _later(start: date, months: float) -> float:
    """The day's number so many months later: the same day of the month, and a part of a month in days."""
    whole = int(months)
    year, month = divmod(start.year * 12 + start.month - 1 + whole, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return date(year, month + 1, day).toordinal() + (months - whole) * MONTH_DAYS


def phased(begins: np.ndarray, days: np.ndarray, start: np.ndarray, months: float) -> np.ndarray:
    """Mean share in force over quarters (that begin, of so many days) of an effect that rises in a straight line from
    its start (of each run, as a day's number) to the whole after so many months: (quarter, run).
    """
    rise = months * MONTH_DAYS

    def until(day: np.ndarray) -> np.ndarray:
        """Full days' worth of effect by then."""
        gone = np.maximum(day[:, None] - start, 0)
        return gone if not rise else np.where(gone >= rise, gone - rise / 2, gone**2 / (2 * rise))

    share = np.clip((until(begins + days) - until(begins)) / days[:, None], 0, 1)
    return np.where(begins[:, None] >= start + rise, 1.0, share)  # exactly, where no day is left without
