"""What every part of the sample shares: its years, phase-in, rounding that keeps a total exact, and seeded variation.

No figure of the system belongs here. Variation is seeded by what it varies, not by round: both rounds start from the
same base year, so that what differs between them is what the second round changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zlib import crc32

import numpy as np

from llr_pipeline.periods import financial_years

EARLIER, LATER = "2016-10", "2016-11"
ROUNDS = (EARLIER, LATER)
YEARS = financial_years("2015/16", "2020/21")
STARTS = tuple(date(int(year[:4]), 4, 1) for year in YEARS)
DAYS = tuple((date(start.year + 1, 4, 1) - start).days for start in STARTS)

Path = tuple[float, ...]
"""One value for each of `YEARS`."""


@dataclass(frozen=True)
class Key:
    """A return: template, organisation and period."""

    template: str
    organisation_code: str
    period: str


def apportion(total: float, weights: Sequence[float], step: float = 1) -> list[float]:
    """Split a total in proportion to weights, in multiples of `step`, so that the parts sum to it exactly.

    Largest remainder: every part is rounded down, and what is left goes to the largest remainders, earlier parts first.
    The total must be a multiple of the step; without weight the parts are equal. The sign of the total is kept.
    """
    if total < 0:
        return [-part for part in apportion(-total, weights, step)]
    units = round(total / step)
    shares = np.asarray(weights, dtype=float)
    shares = shares / shares.sum() if shares.sum() else np.full(len(shares), 1 / len(shares))
    exact = units * shares
    parts = np.floor(exact + 1e-9).astype(int)
    short = units - int(parts.sum())
    if short:
        parts[np.argsort(parts - exact, kind="stable")[:short]] += 1
    decimals = 0 if step >= 1 else len(str(step)) - 2
    return [round(int(part) * step, decimals) for part in parts]


def variation(name: str, size: int, spread: float) -> np.ndarray:
    """Factors around 1, the same for the same name on every machine."""
    return 1 + spread * (2 * np.random.default_rng(crc32(name.encode())).random(size) - 1)


def phase(start: date, months_to_full: float) -> Path:
    """Mean share of full effect in each year: 0 before the start, then a straight line to 1."""
    days = max(months_to_full, 0) * 365.25 / 12

    def effect_days(at: date) -> float:
        elapsed = max((at - start).days, 0)
        return elapsed if not days else elapsed - days / 2 if elapsed >= days else elapsed**2 / (2 * days)

    ends = (*STARTS[1:], date(STARTS[-1].year + 1, 4, 1))
    return tuple((effect_days(b) - effect_days(a)) / (b - a).days for a, b in zip(STARTS, ends, strict=True))


def by_year(values: Sequence[float | None]) -> dict[str, float | None]:
    """The values under their financial years."""
    return dict(zip(YEARS, values, strict=True))


def compound(yearly: Sequence[float]) -> Path:
    """Index with the base year at 1 from yearly rates, of which the first (the base year's) is not used."""
    return tuple(np.cumprod([1.0, *(1 + rate for rate in yearly[1:])]).tolist())
