"""What is not known for certain: intervals as distributions, draws that a seed repeats, percentiles and contributions.

Pure functions of numbers and numpy arrays; the first axis is the run. The model that turns draws into outcomes belongs
to its subject. Percentiles of parts are never added: add within each run, then take the percentile. Workers that share
out the runs each draw them all, which is cheap, and take their part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from operator import index
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
TOGETHER = 1e-8  # least eigenvalue of the draws' correlations; below it some parameters are a sum of others


@dataclass(frozen=True)
class Normal:
    """A normal distribution, or an array of them that move together: both in the parameter's unit."""

    mean: float | Floats
    sd: float | Floats


@dataclass(frozen=True)
class Draws:
    """A parameter's values, shape (runs, ...), and the share of them that were moved to an end of the valid range."""

    values: Floats
    clamped_share: float | Floats


@dataclass(frozen=True)
class Percentiles:
    """The 10th, 50th and 90th percentile, each with the shape of the values less one axis."""

    p10: float | Floats
    p50: float | Floats
    p90: float | Floats


@dataclass(frozen=True)
class Contributions:
    """What each parameter does to each outcome; p parameters in the order of `names`, outcomes of shape (...).

    `effects` (p, ...), in the outcome's unit: its change when the parameter goes from its P10 to its P90.
    `shares` (p, ...): of the outcome's variance, what this parameter alone explains. `joint_share` (...) is what
    parameters that were drawn together explain together (below 0 where they hide one another), `residual_share` (...)
    what no straight line explains: counts drawn in the model, bends, products. The three add up to 1.
    """

    names: tuple[str, ...]
    effects: Floats
    shares: Floats
    joint_share: float | Floats
    residual_share: float | Floats


def normal_from_interval(low: ArrayLike, high: ArrayLike, coverage: float = 0.8) -> Normal:
    """The normal distribution whose central `coverage` lies between low and high: for 80%, P10 and P90.

    mean = (low + high) / 2, sd = (high - low) / (2 z), z the normal quantile of (1 + coverage) / 2: 2 z is 2.563103 for
    80%. Equal ends give an sd of 0. Shapes broadcast. ValueError where high is below low, an end is missing or
    infinite, or the coverage is not above 0 and below 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must be above 0 and below 1, not {coverage}")
    ends = np.broadcast_arrays(np.asarray(low, dtype=float), np.asarray(high, dtype=float))
    if (wrong := ~((ends[0] <= ends[1]) & np.isfinite(ends[0]) & np.isfinite(ends[1]))).any():
        lower, upper = (end[wrong].flat[0] for end in ends)
        raise ValueError(f"an interval must go from a low number to a high one, not from {lower:g} to {upper:g}")
    width = 2 * NormalDist().inv_cdf((1 + coverage) / 2)
    return Normal(_plain((ends[0] + ends[1]) / 2), _plain((ends[1] - ends[0]) / width))


def stream(seed: int, *names: str) -> np.random.Generator:
    """Random numbers that belong to this seed and these names alone, whatever else is drawn, in which order and where.

    The Philox generator (Salmon and others, SC11, 2011), whose key is the BLAKE2b hash of seed and names.
    """
    key = blake2b(json.dumps([index(seed), *names]).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key)))


def draw(
    name: str,
    distribution: Normal,
    runs: int,
    *,
    seed: int,
    minimum: ArrayLike = -np.inf,
    maximum: ArrayLike = np.inf,
) -> Draws:
    """A parameter's value in each run, moved to the nearer end where it falls outside minimum to maximum.

    Of a distribution of shape (...) the values have the shape (runs, ...): a run has one score, by which all of them
    lie as far from their means. The numbers belong to the seed and the name (see stream), and a smaller number of runs
    gives the first of them. Clamping is not truncation: the ends themselves gain weight, and the mean shifts inwards;
    the share clamped, of shape (...), says whether that matters. ValueError where maximum is below minimum or there is
    no run.
    """
    if runs < 1:
        raise ValueError(f"{name}: there must be 1 run or more, not {runs}")
    lowest, highest = np.broadcast_arrays(np.asarray(minimum, dtype=float), np.asarray(maximum, dtype=float))
    if (wrong := ~(lowest <= highest)).any():
        ends = f"{lowest[wrong].flat[0]:g} to {highest[wrong].flat[0]:g}"
        raise ValueError(f"{name}: the valid range must go from a low number to a high one, not from {ends}")
    mean, sd = np.broadcast_arrays(distribution.mean, distribution.sd)
    score = stream(seed, name).standard_normal(runs).reshape(runs, *(1,) * mean.ndim)
    free = mean + sd * score
    values = np.clip(free, lowest, highest)
    return Draws(values, _plain(((free < lowest) | (free > highest)).mean(axis=0)))


def percentiles(values: ArrayLike, axis: int = 0) -> Percentiles:
    """P10, P50 and P90 along an axis, by default over runs: straight lines between the ordered values.

    That is type 7 of Hyndman and Fan, The American Statistician 50 (1996), numpy's `linear` and Excel's PERCENTILE.INC.
    NaN along the axis gives NaN. ValueError where there is no value.
    """
    numbers = np.asarray(values, dtype=float)
    if not numbers.size:
        raise ValueError("percentiles take at least one value")
    return Percentiles(*map(_plain, np.percentile(numbers, [10, 50, 90], axis=axis)))


def contributions(draws: Mapping[str, ArrayLike], outcome: ArrayLike) -> Contributions:
    """How much of each outcome's uncertainty each parameter explains; for a tornado chart, longest `effects` first.

    `draws` have shape (runs,) each, `outcome` (runs, ...). One straight-line regression of the outcome on all
    parameters: the effect is the slope x (P90 - P10), the share the squared semi-partial correlation, which is what the
    explained variance loses without the parameter. A parameter that never changes has effects and shares of 0; an
    outcome that never does, every share too. Source: Helton and Davis in Saltelli and others, Sensitivity Analysis
    (2000), chapter 6.
    ValueError where lengths differ, a number is missing or infinite, there are not two runs more than parameters, or
    parameters cannot be told apart because one is a sum of others (the message names them).
    """
    names, result = tuple(draws), np.asarray(outcome, dtype=float)
    runs, shape = result.shape[0], result.shape[1:]
    if wrong := [name for name in names if np.shape(draws[name]) != (runs,)]:
        raise ValueError(f"the outcome has {runs} runs; {wrong[0]} has the shape {np.shape(draws[wrong[0]])}")
    values = np.array([draws[name] for name in names], dtype=float).reshape(len(names), runs)
    if not (np.isfinite(values).all() and np.isfinite(result).all()):
        raise ValueError("every draw and every outcome must be a number")
    moves = np.ptp(values, axis=1) > 0
    if runs < moves.sum() + 2:
        raise ValueError(f"{moves.sum()} parameters take at least {moves.sum() + 2} runs, not {runs}")
    outcomes = result.reshape(runs, -1)
    outcomes = np.where(np.ptp(outcomes, axis=0) > 0, outcomes - outcomes.mean(axis=0), 0)
    variance = np.maximum((outcomes**2).mean(axis=0), np.finfo(float).tiny)

    moving = values[moves]
    sd = moving.std(axis=1, keepdims=True)
    scores = (moving - moving.mean(axis=1, keepdims=True)) / sd
    inverse = _inverse(scores @ scores.T / runs, [name for name, move in zip(names, moves, strict=True) if move])
    covariance = scores @ outcomes / runs
    slopes = inverse @ covariance  # of the outcome, for one standard deviation of each parameter
    tenth, ninetieth = np.percentile(moving, [10, 90], axis=1)[:, :, None]

    effects, shares = np.zeros((2, len(names), outcomes.shape[1]))
    effects[moves] = slopes / sd * (ninetieth - tenth)
    shares[moves] = slopes**2 / np.diag(inverse)[:, None] / variance
    explained = (slopes * covariance).sum(axis=0) / variance
    residual = np.where(outcomes.any(axis=0), np.maximum(1 - explained, 0), 0)
    joint = explained - shares.sum(axis=0)
    by_outcome = (len(names), *shape)
    return Contributions(
        names, effects.reshape(by_outcome), shares.reshape(by_outcome),
        _plain(joint.reshape(shape)), _plain(residual.reshape(shape)),
    )  # fmt: skip


def _inverse(correlations: Floats, names: list[str]) -> Floats:
    """ValueError naming the parameters that are a sum of one another, which have no separate effects."""
    sizes, directions = np.linalg.eigh(correlations)
    if sizes.size and sizes[0] < TOGETHER:
        alike = [name for name, part in zip(names, directions[:, 0], strict=True) if abs(part) > 0.1]
        raise ValueError(f"parameters cannot be told apart, leave one out: {', '.join(alike)}")
    return directions / sizes @ directions.T


def _plain(result: NDArray | np.float64) -> Floats | float:
    return result if np.ndim(result) else float(result)
