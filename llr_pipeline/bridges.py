"""Bridges: why a figure is different from the one before, as bars that add up to the difference exactly.

Log-mean Divisia decomposition of a product of factors: no bar depends on the order of the factors, and none is left
over for their interaction. Pure functions of numbers, numpy arrays and data frames. Nothing is rounded or drawn here.
Of simulated figures, bridge each run and then average the bars; those of the averages are others.

Source: Ang, "The LMDI approach to decomposition analysis: a practical guide", Energy Policy 33 (2005) 867-871; zeros by
their analytical limits, as Wood and Lenzen, Energy Policy 34 (2006) 1326-1331, and Ang and Liu, Energy Policy 35 (2007)
238-246.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
CLOSES = 1e-9  # a step's figures agree with its factors and terms when they differ by at most this share of the largest


def log_mean(a: ArrayLike, b: ArrayLike) -> float | Floats:
    """Logarithmic mean (a - b) / ln(a / b), between the geometric and the arithmetic; of a and a it is a, of a and 0 0.

    Shapes broadcast; NaN stays NaN; a negative or infinite number raises ValueError. The logarithm is taken of 1 + d,
    d = (larger - smaller) / smaller, which loses no digit where they are close.
    """
    first, second = np.broadcast_arrays(_checked("a", a), _checked("b", b))
    low, high = np.minimum(first, second), np.maximum(first, second)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        above = (high - low) / low
        log_ratio = np.where(np.isinf(above), np.log(high) - np.log(low), np.log1p(above))
        result = np.where(high == low, high, (high - low) / log_ratio)
    return _plain(result)


def divisia(start: ArrayLike, factors: Mapping[str, ArrayLike]) -> dict[str, float | Floats]:
    """The bar of each factor by name: 100 x {a: 1.10, b: 1.05, c: 0.80} gives +9.164, +4.691 and -21.455.

    `start` and the factors broadcast, and each bar has their common shape. For the rules and errors see divisia_bars.
    """
    for name, factor in factors.items():
        _checked(f"factor {name}", factor)
    beginning, *parts = np.broadcast_arrays(_checked("start", start), *factors.values())
    return dict(zip(factors, map(_plain, divisia_bars(beginning, np.array(parts))), strict=True)) if factors else {}


def divisia_bars(start: ArrayLike, factors: ArrayLike) -> Floats:
    """Bars that add up to end - start, where end = start x the product of the factors: Lm(end, start) ln(factor).

    `start` has shape (...), `factors` and the bars (n, ...). The unit is that of `start`. A factor of 1 has a bar of 0,
    a start of 0 has no other. Where factors are 0 the whole fall, -start, is theirs in equal parts and every other bar
    is 0: the limit as they go to 0 alike. It is reached slowly: beside a factor of 1e-12, one of 1.1 still has a bar of
    0.35% of `start`. NaN makes every bar of its cell NaN. ValueError where shapes differ, or a start or factor is
    negative or infinite: of a figure below 0 bridge the negative, and one that changes its sign cannot be bridged.
    """
    multiples, beginning = _checked("factors", factors), _checked("start", start)
    if multiples.shape[1:] != beginning.shape:
        raise ValueError(f"factors must have the shape (n, *{beginning.shape}), not {multiples.shape}")
    removes = multiples == 0
    removals = removes.sum(axis=0)
    bars = log_mean(beginning * multiples.prod(axis=0), beginning) * np.log(np.where(removes, 1, multiples))
    removed = np.where(removes, (0 - beginning) / np.maximum(removals, 1), 0.0)
    missing = np.isnan(multiples).any(axis=0) | np.isnan(beginning)
    return np.where(missing, np.nan, np.where(removals > 0, removed, bars))


def divisia_frame(
    frame: pd.DataFrame,
    *,
    keys: Sequence[str],
    period: str,
    value: str,
    factors: Sequence[str],
    additive: Sequence[str] = (),
) -> pd.DataFrame:
    """One row per key, period but the first, and bar: `keys`, `period`, `bar` (a column of `factors` or `additive`) and
    `change`, in the unit of `value`.

    A row of `frame` is a key in a period. Its value is the value of the period before x its factors + its additive
    terms; those of the first period are not read. Periods are in their sorted order. The bars of the factors are those
    from the value before to the value before x factors, and an additive term is a bar as it stands. So a step's bars
    add up to its change, and their sums over periods are the chained bridge of a longer span.
    ValueError where a key lacks a period or has it twice, a figure is missing, or a value is not what its factors and
    terms make of the one before: the message names the key and the period.
    """
    count = frame[period].nunique()
    ordered = frame.sort_values([*keys, period], kind="stable", ignore_index=True)
    _refuse_gaps(ordered, keys, period, count)

    def by_period(columns: Sequence[str]) -> Floats:
        """Shape (columns, cells, periods)."""
        figures = ordered[list(columns)].to_numpy(float, na_value=np.nan)
        return figures.T.reshape(len(columns), len(ordered) // max(count, 1), count)

    before, after = by_period([value])[0, :, :-1], by_period([value])[0, :, 1:]
    bars = np.concatenate([divisia_bars(before, by_period(factors)[:, :, 1:]), by_period(additive)[:, :, 1:]])
    made = before + bars.sum(axis=0)
    largest = np.max(np.abs([before, after, *bars]), axis=0)
    later = ordered.loc[np.tile(np.arange(count) > 0, len(before)), [*keys, period]]
    if (wrong := ~(np.abs(made - after) <= CLOSES * largest)).any():  # a missing figure too
        place = np.flatnonzero(wrong)[0]
        raise ValueError(
            f"{later.iloc[place].to_dict()}: {value} is {after.flat[place]:.12g}; the value before, with factors and "
            f"terms, makes {made.flat[place]:.12g}"
        )
    names = [*factors, *additive]
    result = later.loc[later.index.repeat(len(names))].reset_index(drop=True)
    return result.assign(bar=names * len(later), change=np.moveaxis(bars, 0, -1).ravel())


def _refuse_gaps(frame: pd.DataFrame, keys: Sequence[str], period: str, count: int) -> None:
    """ValueError unless each key has each of so many periods once."""
    found = frame.groupby(list(keys) or np.zeros(len(frame)), dropna=False)[period].agg(["size", "nunique"])
    if not (whole := (found == count).all(axis=1)).all():
        rows, periods = found.loc[~whole].iloc[0]
        raise ValueError(
            f"{list(keys)} {whole.idxmin()} has {rows} rows for {periods} of {count} values of {period}: "
            "each key must have each period once"
        )


def _checked(name: str, values: ArrayLike) -> Floats:
    """As floats, none of them negative or infinite."""
    numbers = np.asarray(values, dtype=float)
    if (wrong := (numbers < 0) | np.isinf(numbers)).any():
        raise ValueError(f"{name} must be a number from 0 or NaN, not {numbers[wrong].flat[0]:g}")
    return numbers


def _plain(result: NDArray) -> NDArray | float:
    return result if result.ndim else result.item()
