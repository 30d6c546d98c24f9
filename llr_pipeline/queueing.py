"""Load against capacity: blocking, overflow, the capacity that a fluctuating load needs, and how much it fluctuates.

Pure functions of numbers and numpy arrays, which broadcast; scalars come back as Python numbers. A load is the mean
number of servers in use, or asked for, at one moment. Nothing here knows what a server is, draws at random (that is
`uncertainty.py`) or reads a table. A negative or infinite number raises ValueError. A missing number (NaN) gives a
missing probability; where whole numbers are asked or returned, which cannot be missing, it raises too.
SciPy takes 0.3 CPU seconds to import, so it is imported where it is used.

`dispersion` is D, the variance over the mean, of the demand at one moment:

- D = 1: Poisson, many users who come independently of one another.
- D > 1: negative binomial with mean m and variance D m: failures before m/(D - 1) successes of probability 1/D.
- D < 1: binomial of n trials with mean m. Its variance is m (1 - m/n), so n is the whole number nearest to m/(1 - D),
  and never below m. The mean is exact and the variance the nearest that a binomial has. Not every D exists: a demand in
  whole numbers with a mean of 0.4 has a variance of at least 0.24, which is then what the binomial has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
TIE = 1e-12  # share of the smaller tail within which a quantile counts as reached: the tails are rounded at 1e-13
LEAST_SEASONS = 4  # as many times the days of a season are needed: with fewer the standard error is above a third


@dataclass(frozen=True)
class Dispersion:
    """Variance over mean of a daily series after trend and season, and how many days it is from."""

    ratio: float
    days: int


def erlang_b(load_erlangs: ArrayLike, servers: ArrayLike) -> float | Floats:
    """Probability that an arrival finds all `servers` taken and is turned away, at this offered load in erlangs.

    Shapes broadcast; `servers` are whole numbers, and 0 of them turn everyone away. ValueError where they are not.
    Erlang (1917), by the recursion B(0) = 1, B(n) = A B(n-1) / (n + A B(n-1)). No term is negative and no B above 1, so
    nothing overflows or cancels at any size. The time is that of as many steps as there are servers, for all at once.
    """
    load, count = np.broadcast_arrays(_checked("load_erlangs", load_erlangs), _whole("servers", servers))
    shape, order = load.shape, np.argsort(count, axis=None, kind="stable")
    load, count = load.ravel()[order], count.ravel()[order]
    blocked = np.where(np.isnan(load), np.nan, 1.0)
    for n in range(1, int(count.max(initial=0)) + 1):
        rest = slice(np.searchsorted(count, n), None)  # those with n servers or more
        turned = load[rest] * blocked[rest]
        np.divide(turned, turned + n, out=blocked[rest])
    result = np.empty_like(blocked)
    result[order] = blocked
    return _plain(result.reshape(shape))


def overflow_probability(mean_load: ArrayLike, capacity: ArrayLike, dispersion: ArrayLike = 1.0) -> float | Floats:
    """Probability that demand is above `capacity`, for a demand of this mean and dispersion (see the module).

    Shapes broadcast. Of a fractional capacity the whole part counts: nobody is served by half a server. A mean of 0
    never overflows. NaN in any of the three gives NaN.
    Source: the tails as incomplete gamma and beta functions, Abramowitz and Stegun 6.5.13 and 26.5.24 to 26.5.26.
    """
    mean, room, spread = np.broadcast_arrays(
        _checked("mean_load", mean_load), np.floor(_checked("capacity", capacity)), _checked("dispersion", dispersion)
    )
    return _plain(_exceeding(room.ravel(), mean.ravel(), spread.ravel()).reshape(mean.shape))


def poisson_capacity(mean_load: ArrayLike, quantile: ArrayLike) -> int | NDArray[np.int64]:
    """Smallest whole capacity within which a Poisson demand of this mean stays with probability `quantile` or more."""
    return demand_quantile(mean_load, quantile)


def demand_quantile(mean_load: ArrayLike, quantile: ArrayLike, dispersion: ArrayLike = 1.0) -> int | NDArray[np.int64]:
    """Smallest whole capacity that demand exceeds with probability 1 - `quantile` or less; 0 for a mean of 0.

    Shapes broadcast; `quantile` is above 0 and below 1. ValueError where a number is missing.
    Exact at every mean: the module's distribution, searched from the normal quantile with its first Cornish-Fisher term
    (Cornish and Fisher, 1938). A quantile that a capacity reaches but for rounding is reached.
    The usual ceil(m + z sqrt(D m)) is short of it by (z^2 - 1)(2 D - 1)/6 - 1/2 on average, small or large: where D = 1
    it has 0.4 servers too many at P90 and 0.2 too few at P99, where D = 3 none and 3.2 too few.
    """
    from scipy import special

    level = _checked("quantile", quantile, missing=False)
    if not np.all((level > 0) & (level < 1)):
        raise ValueError(f"quantile must be above 0 and below 1, not {_first(level, ~((level > 0) & (level < 1)))}")
    mean, level, spread = np.broadcast_arrays(
        _checked("mean_load", mean_load, missing=False), level, _checked("dispersion", dispersion, missing=False)
    )
    shape = mean.shape
    mean, level, spread = mean.ravel(), level.ravel(), spread.ravel()
    allowed = 1 - level + TIE * np.minimum(level, 1 - level) + np.finfo(float).eps
    score = special.ndtri(level)
    guess = np.floor(mean + score * np.sqrt(spread * mean) + (score**2 - 1) * (2 * spread - 1) / 6)
    found = _first_that_fits(
        np.where(mean > 0, np.maximum(guess, 0), 0),
        lambda capacity, which: _exceeding(capacity, mean[which], spread[which]) <= allowed[which],
    )
    return _plain(found.astype(np.int64).reshape(shape))


def dispersion(
    daily: ArrayLike, days: ArrayLike | None = None, *, season_days: int = 7, trend_days: float = 91
) -> Dispersion:
    """Variance over mean of a daily series about its trend and its weekly season, and the days that it is from.

    `daily` has shape (n,), NaN where there is no figure; `days` are the days as whole numbers or as dates (datetime64),
    in any order, and 0, 1, 2 ... if left out. Least squares fit a level for each day of the season and a cubic spline
    with a knot about every `trend_days`: by default a quarter, so that what is slower is a projection's by quarters,
    and what is faster is fluctuation. The ratio is the residual variance over the mean, its degrees of freedom those of
    days as alike as the residuals of a day and the next: where users stay for days, a fit takes part of the fluctuation
    with it. (A simulated Poisson load, users staying 6 days on average, has a ratio of 0.86 over 1,095 days without
    that, 0.98 with it; over 90 days still 0.81.) Its standard error is about sqrt(2/days) of it where days are
    independent, and three times that where users stay 6 days. A load held down by a capacity shows less than demand's.
    The ratio is NaN where fewer than four seasons of days have a figure, the fit takes over two thirds of the degrees
    of freedom, or all figures are 0. ValueError where shapes differ, a day stands twice or is no whole number or date.
    Source: McCullagh and Nelder, Generalized Linear Models (1989), chapter 9; Eilers and Marx, Statistical Science 11
    (1996), for the spline; Worsley and Friston, NeuroImage 2 (1995), for the degrees of freedom.
    """
    series = _checked("daily", daily)
    when = np.arange(series.size) if days is None else np.asarray(days)
    if when.dtype.kind in "MO":
        when = when.astype("datetime64[D]")
        when = np.where(np.isnat(when), np.nan, when.astype(np.int64))
    if series.ndim != 1 or when.shape != series.shape:
        raise ValueError(f"daily and days must be one series each, and as long: {series.shape} and {when.shape}")
    if np.unique(when).size != when.size or (when != np.floor(when)).any():
        raise ValueError("days must be whole numbers or dates, each once")
    order = np.argsort(when)
    order = order[~np.isnan(series[order])]
    series, when = series[order], when[order]
    if series.size < LEAST_SEASONS * season_days or not series.any():
        return Dispersion(np.nan, series.size)
    season = when[:, None] % season_days == np.arange(season_days)
    design = np.hstack([season.astype(float), _spline(when, trend_days)])
    basis, sizes, _ = np.linalg.svd(design, full_matrices=False)
    basis = basis[:, sizes > sizes[0] * series.size * np.finfo(float).eps]
    residual = series - basis @ (basis.T @ series)
    left = series.size - _taken(basis, residual, np.diff(when))
    if left < series.size / 3:
        return Dispersion(np.nan, series.size)
    return Dispersion(float(residual @ residual / left / series.mean()), series.size)


def _exceeding(capacity: Floats, mean: Floats, spread: Floats) -> Floats:
    """P(demand > capacity), of whole capacities and of arrays of one shape (n,)."""
    from scipy import special

    result = np.where(np.isnan(capacity + mean + spread), np.nan, 0.0)
    some = mean > 0
    for family in (some & (spread == 1), some & (spread > 1), some & (spread < 1)):
        room, m, d = capacity[family] + 1, mean[family], spread[family]
        if not room.size:
            continue
        if d[0] == 1:
            result[family] = special.gammainc(room, m)
        elif d[0] > 1:
            result[family] = special.betainc(room, m / (d - 1), 1 - 1 / d)
        else:
            trials = np.maximum(np.round(m / (1 - d)), np.ceil(m))
            inside = room <= trials
            beyond = special.betainc(room, np.where(inside, trials - room + 1, 1), m / trials)
            result[family] = np.where(inside, beyond, 0)
    return result


def _first_that_fits(guess: Floats, fits: Callable[[Floats, NDArray[np.intp]], NDArray[np.bool_]]) -> Floats:
    """Of each place the smallest whole number from 0 that fits; all above it fit. A good guess saves time only."""
    low, high = guess - 1, guess  # once found, high fits and low, or -1, does not
    step, places = 1, np.arange(guess.size)
    while (places := places[~fits(high[places], places)]).size:
        low[places] = high[places]
        high[places] += step
        step *= 2
    step, places = 1, np.flatnonzero(low >= 0)
    while (places := places[fits(low[places], places)]).size:
        high[places] = low[places]
        low[places] = np.maximum(low[places] - step, -1)
        places = places[low[places] >= 0]
        step *= 2
    while (places := np.flatnonzero(high - low > 1)).size:
        middle = np.floor((low[places] + high[places]) / 2)
        fit = fits(middle, places)
        high[places[fit]] = middle[fit]
        low[places[~fit]] = middle[~fit]
    return high


def _spline(when: NDArray, knot_days: float) -> Floats:
    """Cubic B-splines at these days, knots evenly apart and about `knot_days`: shape (days, intervals + 3)."""
    span = max(int(when.max() - when.min()), 1)
    intervals = max(round(span / knot_days), 1)
    place = (when - when.min()) * (intervals / span)
    apart = np.abs(place[:, None] - np.arange(-1, intervals + 2))
    return np.where(apart < 1, 2 / 3 - apart**2 + apart**3 / 2, np.maximum(2 - apart, 0) ** 3 / 6)


def _taken(basis: Floats, residual: Floats, gaps: NDArray) -> float:
    """Degrees of freedom that a fit takes from days `gaps` apart: the trace of basis' R basis, R = likeness^days apart.

    The likeness is the residuals' correlation from a day to the next; where there is none it is the basis's rank.
    """
    next_to = gaps == 1
    square = (residual**2).mean()
    likeness = (residual[:-1] * residual[1:])[next_to].mean() / square if next_to.any() and square else 0.0
    reached, taken = np.zeros(basis.shape[1]), 0.0
    for row, fade in zip(basis, [0.0, *np.clip(likeness, 0, 0.99) ** gaps], strict=True):
        reached = row + fade * reached  # what the days before and this one have of it
        taken += 2 * row @ reached - row @ row
    return taken


def _checked(name: str, values: ArrayLike, *, missing: bool = True) -> Floats:
    """As floats, none of them negative or infinite, nor missing where that is not allowed."""
    numbers = np.asarray(values, dtype=float)
    wrong = (numbers < 0) | np.isinf(numbers) | (np.isnan(numbers) & (not missing))
    if wrong.any():
        raise ValueError(f"{name} must be a number from 0{' or NaN' if missing else ''}, not {_first(numbers, wrong)}")
    return numbers


def _whole(name: str, values: ArrayLike) -> Floats:
    numbers = _checked(name, values, missing=False)
    if (wrong := numbers != np.floor(numbers)).any():
        raise ValueError(f"{name} must be a whole number, not {_first(numbers, wrong)}")
    return numbers


def _first(numbers: Floats, wrong: NDArray[np.bool_]) -> str:
    return f"{numbers[wrong].flat[0]:g}"


def _plain(result: NDArray) -> NDArray | float | int:
    return result if result.ndim else result.item()
