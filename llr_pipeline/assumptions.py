"""Assumptions of a projection: their values by year, what an uncertain one may be, and how each run's are drawn.

Which assumptions there are is said by the model that uses them. The numbers drawn belong to the seed and the
parameter's name: models with one seed have the same growth, and the same scheme late, in a run of the same number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from llr_pipeline.uncertainty import draw, normal_from_interval, stream

Name = tuple[str, str]
"""A parameter, and the code that it applies to."""
SLIP, SHARE = "slip_months", "delivered_share"
KAPPA, CORRELATION = 12.0, 0.3
"""Of schemes, unless the assumptions say otherwise (`schemes`, delivery_kappa and delivery_correlation)."""
RUNS, SEED = 1000, 2016
"""Unless the assumptions say otherwise (`simulation`, runs and seed)."""


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


Pick = Callable[[Name, Range], np.ndarray]
"""A range -> values by (year, run)."""


@dataclass(frozen=True)
class Assumptions:
    """Low, central and high by year of each (subject, parameter, applies_to)."""

    years: int
    values: Mapping[tuple[str, str, str], Mapping[str, np.ndarray]]

    def get(self, subject: str, parameter: str, applies_to: str) -> Mapping[str, np.ndarray] | None:
        """Of this code, or of `all` where it has none of its own."""
        found = self.values.get((subject, parameter, applies_to))
        return found if found is not None else self.values.get((subject, parameter, "all"))

    def central(self, subject: str, parameter: str, applies_to: str, *, default: float = np.nan) -> np.ndarray:
        """The central values by year: the code's own, else that for `all`, else the default."""
        result = np.full(self.years, default)
        for code in ("all", applies_to):
            if (subject, parameter, code) in self.values:
                own = self.values[subject, parameter, code]["central"]
                result = np.where(np.isnan(own), result, own)
        return result

    def last(self, subject: str, parameter: str, applies_to: str = "all", *, default: float) -> float:
        """The central value in the last year: of what does not change from year to year."""
        return float(self.central(subject, parameter, applies_to, default=default)[-1])

    def range(self, subject: str, name: Name, *, missing: float, least: float = 0.0) -> Range:
        """A range by year; a year that has no P10 or no P90, or has them the wrong way round, is certain."""
        central = np.maximum(self.central(subject, *name, default=missing), least)
        found = self.get(subject, *name)
        if found is None:
            return Range(central, central, central, least)
        both = found["low"] <= found["high"]
        low, high = (np.where(both, found[end], central) for end in ("low", "high"))
        return Range(low, central, high, least)

    def picked(self, pick: Pick, subject: str, name: Name, *, missing: float, least: float = 0.0) -> np.ndarray:
        """Values of one assumption: (year, run). One for all codes is picked once, and is the same for each."""
        if (subject, *name) not in self.values:
            name = name[0], "all"
        return pick(name, self.range(subject, name, missing=missing, least=least))

    def indices(self, pick: Pick, subject: str, parameter: str, codes: Sequence[str]) -> np.ndarray:
        """Of each code, 1 in the base year: (code, year, run). One that is 0 there does not change."""
        found = np.array([self.picked(pick, subject, (parameter, code), missing=1.0) for code in codes])
        base = found[:, :1]
        return np.divide(found, base, out=np.ones_like(found), where=base > 0)

    def compounded(self, pick: Pick, subject: str, parameter: str, codes: Sequence[str]) -> np.ndarray:
        """Of each code, rates a year from the base year on, compounded: (code, year, run), 1 in the base year."""
        found = [self.picked(pick, subject, (parameter, code), missing=0.0, least=-1.0) for code in codes]
        rates = np.array(found)
        rates[:, 0] = 0.0
        return np.cumprod(1 + rates, axis=1)


def read_assumptions(found: Iterable[Mapping[str, Any]], years: Sequence[str]) -> Assumptions:
    """From rows of the assumptions table: those for all scenarios, since a scenario changes schemes and not the world.

    The middle of low and high stands for a lacking central.
    """
    values: dict[tuple[str, str, str], dict[str, np.ndarray]] = {}
    for row in found:
        if row["scenario"] != "all" or row["financial_year"] not in years:
            continue
        key = row["subject"], row["parameter"], row["applies_to"]
        paths = values.setdefault(key, {e: np.full(len(years), np.nan) for e in ("low", "central", "high")})
        for estimate, path in paths.items():
            value = row[f"{estimate}_value"]
            path[years.index(row["financial_year"])] = np.nan if value is None else value
    for paths in values.values():
        middle = (paths["low"] + paths["high"]) / 2
        paths["central"] = np.where(np.isnan(paths["central"]), middle, paths["central"])
    return Assumptions(len(years), values)


def runs_and_seed(assumptions: Assumptions, model: str) -> tuple[int, int]:
    """Number of a model's simulated runs, and the seed that all models share."""
    runs = assumptions.last("simulation", "runs", model, default=RUNS)
    return int(runs), int(assumptions.last("simulation", "seed", default=SEED))


def pick_central(_: Name, given: Range) -> np.ndarray:
    """One run of central values."""
    return given.central[:, None]


@dataclass(frozen=True)
class Drawn:
    """A draw of every parameter asked for, in so many runs.

    `values`: each run's value in the last year, by name. `clamped`: the share of runs in which it was moved to the end
    of its valid range.
    """

    assumptions: Assumptions
    runs: int
    seed: int
    values: dict[Name, np.ndarray] = field(default_factory=dict)
    clamped: dict[Name, float] = field(default_factory=dict)

    def pick(self, name: Name, given: Range) -> np.ndarray:
        """A range's values by (year, run): normal, its P10 and P90 those given, one score a run for all years."""
        if given.is_certain:
            return np.broadcast_to(given.central[:, None], (len(given.central), self.runs))
        known = ~np.isnan(given.low)
        interval = normal_from_interval(given.low[known], given.high[known])
        made = draw(" ".join(name), interval, self.runs, seed=self.seed, minimum=given.least)
        found = np.full((len(known), self.runs), np.nan)
        found[known] = made.values.T
        self.values[name], self.clamped[name] = found[-1], float(np.max(made.clamped_share))
        return found

    def delivered(self, code: str, confidence: float) -> np.ndarray:
        """Share of a scheme that is delivered, by run: a beta whose mean is the confidence (certain at 0 and at 1)."""
        if confidence in (0, 1):
            return np.full(self.runs, float(confidence))
        found = _delivered(self.runs, self.seed, code, confidence, _kappa(self.assumptions), self._correlation)
        self.values.setdefault((SHARE, code), found)  # two lines of a scheme may state two confidences
        return found

    def slip_months(self, code: str) -> np.ndarray:
        """Months that a scheme is late, by run."""
        late = slip_range(self.assumptions)
        if late.is_certain:
            return np.zeros(self.runs)
        normal = normal_from_interval(late.low[-1], late.high[-1])
        free = normal.mean + normal.sd * _scores(self.runs, self.seed, (SLIP, code), self._correlation)
        self.values[SLIP, code] = np.maximum(free, late.least)
        self.clamped[SLIP, code] = float((free < late.least).mean())
        return self.values[SLIP, code]

    @property
    def _correlation(self) -> float:
        return self.assumptions.last("schemes", "delivery_correlation", default=CORRELATION)


def _scores(runs: int, seed: int, name: Name, correlation: float) -> np.ndarray:
    """Of a scheme: correlated with every other scheme's by one factor that all share (a Gaussian copula)."""
    shared, own = (stream(seed, name[0], of).standard_normal(runs) for of in ("every scheme", name[1]))
    return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own


@lru_cache(maxsize=128)  # a beta's quantile takes 3 microseconds, and every round draws the same
def _delivered(runs: int, seed: int, code: str, confidence: float, kappa: float, correlation: float) -> np.ndarray:
    from scipy.special import ndtr  # half a second: not when the definitions are loaded

    found = _beta_quantile(kappa, confidence, ndtr(_scores(runs, seed, (SHARE, code), correlation)))
    found.flags.writeable = False
    return found


def slip_range(assumptions: Assumptions) -> Range:
    """Months late of any scheme."""
    return assumptions.range("schemes", (SLIP, "all"), missing=0.0)


def share_at(assumptions: Assumptions, confidence: float, probability: Any) -> np.ndarray:
    """The share delivered of a scheme that is below it with this probability."""
    return _beta_quantile(_kappa(assumptions), confidence, probability)


def _beta_quantile(kappa: float, mean: float, probability: Any) -> np.ndarray:
    from scipy.special import betaincinv

    return betaincinv(kappa * mean, kappa * (1 - mean), probability)


def _kappa(assumptions: Assumptions) -> float:
    return assumptions.last("schemes", "delivery_kappa", default=KAPPA)
