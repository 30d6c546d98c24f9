"""The arithmetic of staff: stocks and flows, demand for hours, who fills a gap, and how far turnover alone can go.

Pure functions of numbers and numpy arrays that broadcast; rates are shares of a year, staff whole-time equivalents.
Where the numbers come from is in `gathering.py`; what they come to, as tables, in `results.py` and `redundancy.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

DAYS_A_WEEK = 7.0
HALVINGS = 60  # of an interval of length 1: far below the last digit shown


@dataclass(frozen=True)
class Flows:
    """Who left and retired in a year, and who is in post at its end."""

    leavers: np.ndarray
    retirements: np.ndarray
    closing: np.ndarray


def roll_forward(
    opening: ArrayLike, *, leaver_rate: ArrayLike, retirement_rate: ArrayLike, net_in: ArrayLike, is_average: ArrayLike
) -> Flows:
    """A year's flows out of the staff at its start. `net_in`: joiners and transfers in, less transfers out.

    Both rates have one base: the staff at the start (S' = S (1 - l - r) + J), or, where `is_average`, the mean of start
    and end (S' = (S (1 - (l + r) / 2) + J) / (1 + (l + r) / 2)). Either way opening + net_in - leavers - retirements =
    closing. Nothing is cut at 0: more who go than there are is for the caller to name.
    """
    opening, leaver_rate, retirement_rate = (
        np.asarray(v, dtype=float) for v in (opening, leaver_rate, retirement_rate)
    )
    rate = leaver_rate + retirement_rate
    at_start, at_end = np.where(is_average, rate / 2, rate), np.where(is_average, rate / 2, 0.0)
    closing = (opening * (1 - at_start) + net_in) / (1 + at_end)
    base = np.where(is_average, (opening + closing) / 2, opening)
    return Flows(leaver_rate * base, retirement_rate * base, closing)


def kept_share(rate: ArrayLike, replaced_share: ArrayLike, is_average: ArrayLike) -> np.ndarray:
    """Share of the staff still there after a year in which so much of those who go is replaced, and nobody else joins.

    With net = rate (1 - replaced): 1 - net, or, where the rate is of the average, (1 - net / 2) / (1 + net / 2).
    """
    net = np.asarray(rate, dtype=float) * (1 - np.clip(replaced_share, 0, 1))
    return np.where(is_average, (1 - net / 2) / (1 + net / 2), 1 - net)


def largest_falls(
    stock: ArrayLike, rates: np.ndarray, replaced_share: np.ndarray, is_average: np.ndarray
) -> np.ndarray:
    """The most by which staff can have fallen by turnover at the end of each year: (post, year).

    `stock` (post,) at the start, `rates` and `replaced_share` (post, year), `is_average` (post,). With one rate
    throughout it is S0 (1 - (1 - l (1 - rho)) ** n).
    """
    kept = np.cumprod(kept_share(rates, replaced_share, is_average[:, None]), axis=1)
    return np.asarray(stock, dtype=float)[:, None] * (1 - kept)


def break_even(fall_at: Callable[[float], float], needed: float) -> float:
    """The largest share replaced at which turnover still gives the fall needed: `fall_at` falls with the share.

    1 where nothing is needed, NaN where not even replacing nobody is enough, or where something is not known.
    """
    if needed <= 0:
        return 1.0
    if not fall_at(0.0) >= needed:
        return float("nan")
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fall_at(middle) >= needed else (low, middle)
    return low


def care_hours_wte(
    hours_per_patient_day: ArrayLike, census: ArrayLike, *, contracted_hours: ArrayLike, headroom_share: ArrayLike
) -> np.ndarray:
    """Staff who give so many hours to each patient and day: hours x census x 7 / (hours a week x (1 - headroom)).

    It is hours x patient days / (hours a week x weeks x (1 - headroom)) with the year's own weeks, days / 7 (52.143 in
    365 days): a leap year has more patient days and as many more weeks, and needs no more staff.
    """
    week = np.asarray(hours_per_patient_day, dtype=float) * census * DAYS_A_WEEK
    return week / (np.asarray(contracted_hours, dtype=float) * (1 - np.asarray(headroom_share, dtype=float)))


@dataclass(frozen=True)
class Fills:
    """What becomes of a gap; the last three add up to it where it is above 0."""

    gap: np.ndarray
    bank: np.ndarray
    agency: np.ndarray
    unfilled: np.ndarray


def fill(demand: ArrayLike, stock: ArrayLike, *, bank_cap: ArrayLike, agency_cap: ArrayLike) -> Fills:
    """Demand less staff in post, filled by bank, then by agency, each up to its cap (a share of the demand)."""
    demand = np.asarray(demand, dtype=float)
    gap = demand - stock
    short = np.maximum(gap, 0)
    bank = np.minimum(short, bank_cap * demand)
    agency = np.minimum(short - bank, agency_cap * demand)
    return Fills(gap, bank, agency, short - bank - agency)
