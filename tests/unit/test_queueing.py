"""Blocking, overflow and the capacity for a fluctuating load, against sums of exact fractions and published tables."""

from __future__ import annotations

import math
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate, count, islice

import numpy as np
import pytest
from scipy import interpolate, special, stats

from llr_pipeline.queueing import (
    demand_quantile,
    dispersion,
    erlang_b,
    overflow_probability,
    poisson_capacity,
)


def erlang_sum(load: Fraction, servers: int) -> float:
    """Erlang's formula as it stands, (A^n / n!) / sum of A^k / k!, in exact fractions."""
    terms = list(accumulate(range(1, servers + 1), lambda term, k: term * load / k, initial=Fraction(1)))
    return float(terms[-1] / sum(terms))


def chances(mean: Fraction, spread: Fraction) -> list[Fraction | float]:
    """P(demand = 0), P(1), ... of each family by its recurrence, term by term; exact where the first term is."""
    if spread == 1:
        first, ratio = math.exp(-mean), lambda k: float(mean) / k
    elif spread > 1:
        size, miss = mean / (spread - 1), 1 - 1 / spread
        first, ratio = float(1 / spread) ** float(size), lambda k: float((size + k - 1) / k * miss)
    else:
        trials, hit = mean / (1 - spread), 1 - spread
        first, ratio = (1 - hit) ** int(trials), lambda k: (trials - k + 1) / k * hit / (1 - hit)
    return list(islice(accumulate(count(1), lambda chance, k: chance * ratio(k), initial=first), 400))


# Erlang B


def test_erlang_b_by_hand():
    """2 erlangs, 2 servers: (4/2) / (1 + 2 + 4/2) = 0.4. A tenth of an erlang on one: 0.1 / 1.1."""
    assert erlang_b(2, 2) == pytest.approx(0.4, rel=1e-15)
    assert erlang_b(0.1, 1) == pytest.approx(1 / 11, rel=1e-15)


@pytest.mark.parametrize(("load", "servers", "blocked"), [(5, 10, 0.018385), (4.461, 10, 0.01), (84.06, 100, 0.01)])
def test_erlang_b_as_in_the_printed_tables(load, servers, blocked):
    assert erlang_b(load, servers) == pytest.approx(blocked, rel=1e-3)


@pytest.mark.parametrize("load", ["1/1000", "1/2", "5", "19/2", "60", "2000"])
@pytest.mark.parametrize("servers", [0, 1, 2, 10, 60, 300])
def test_erlang_b_is_the_sum(load, servers):
    assert erlang_b(float(Fraction(load)), servers) == pytest.approx(erlang_sum(Fraction(load), servers), rel=1e-13)


def test_erlang_b_of_thousands_is_the_ratio_of_poisson_chances():
    """B = P(X = n) / P(X <= n) for X Poisson of mean A."""
    load, servers = np.array([900.0, 4_000.0, 5_200.0]), np.array([1_000, 4_000, 5_000])
    wanted = np.exp(servers * np.log(load) - load - special.gammaln(servers + 1)) / special.pdtr(servers, load)
    assert erlang_b(load, servers) == pytest.approx(wanted, rel=1e-9)


def test_erlang_b_at_its_ends():
    assert erlang_b(0, 0) == erlang_b(7, 0) == 1
    assert erlang_b(0, 1) == erlang_b(0, 50) == 0
    assert erlang_b(0.5, 5_000) == 0
    assert erlang_b(1e9, 10) == pytest.approx(1 - 10 / 1e9, rel=1e-12)


def test_erlang_b_keeps_shape_and_order():
    loads, servers = np.array([[3.0], [0.0], [np.nan]]), np.array([4, 0, 4, 1])
    found = erlang_b(loads, servers)
    assert found.shape == (3, 4)
    assert found[0] == pytest.approx([erlang_sum(Fraction(3), n) for n in servers])
    assert found[1].tolist() == [0, 1, 0, 0]
    assert np.isnan(found[2]).all()
    assert type(erlang_b(3, 4)) is float
    assert erlang_b(np.zeros((0, 2)), 3).shape == (0, 2)


@pytest.mark.parametrize(
    ("load", "servers", "said"),
    [
        (-1, 5, "load_erlangs must be a number from 0 or NaN, not -1"),
        (np.inf, 5, "load_erlangs must be a number from 0 or NaN, not inf"),
        (5, -1, "servers must be a number from 0, not -1"),
        (5, [3, np.nan], "servers must be a number from 0, not nan"),
        (5, 2.5, r"servers must be a whole number, not 2\.5"),
    ],
)
def test_erlang_b_refuses(load, servers, said):
    with pytest.raises(ValueError, match=said):
        erlang_b(load, servers)


# overflow


def test_overflow_by_hand():
    """Poisson of mean 2 above 1: 1 - 3 e^-2. Binomial of 4 halves (mean 2, D = 1/2) above 3: 1/16. Geometric of mean 1
    (negative binomial, D = 2) above 2: 1/2^3."""
    assert overflow_probability(2, 1) == pytest.approx(1 - 3 * math.exp(-2), rel=1e-14)
    assert overflow_probability(2, 3, 0.5) == pytest.approx(1 / 16, rel=1e-14)
    assert overflow_probability(1, 2, 2) == pytest.approx(1 / 8, rel=1e-14)


def test_a_unit_and_the_pool_at_the_same_fill():
    """At a mean of 92% full a unit of 28 is short 28.7% of the time, 1,697 together 0.03%."""
    assert round(overflow_probability(0.92 * 28, 28), 3) == 0.287
    assert round(overflow_probability(0.92 * 1_697, 1_697), 4) == 0.0003


@pytest.mark.parametrize("spread", ["1/4", "1/2", "4/5", "1", "3/2", "2", "5"])
@pytest.mark.parametrize("mean", ["3", "12", "42"])
def test_overflow_is_the_sum_of_chances(mean, spread):
    mean, spread = Fraction(mean), Fraction(spread)
    terms = chances(mean, spread)
    beyond = [math.fsum(terms[k + 1 :]) for k in range(100)]
    found = overflow_probability(float(mean), np.arange(100), float(spread))
    assert found == pytest.approx(beyond, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("spread", [0.3, 0.8, 1, 1.7, 6])
def test_demand_has_its_mean_and_its_variance(spread):
    """The sum of P(X > k) is the mean, and of (2 k + 1) P(X > k) the mean square."""
    k = np.arange(2_000)
    beyond = overflow_probability(42, k, spread)
    assert beyond.sum() == pytest.approx(42, rel=1e-10)
    assert ((2 * k + 1) * beyond).sum() - 42**2 == pytest.approx(spread * 42, rel=1e-9)


def test_where_no_binomial_has_the_variance_the_mean_is_kept():
    """Mean 7.3, D = 0.6: 18 trials (18.25) and variance 7.3 (1 - 7.3/18) = 4.339, not 4.38. Mean 0.4, D = 0.1: one."""
    k = np.arange(40)
    beyond = overflow_probability(7.3, k, 0.6)
    assert beyond.sum() == pytest.approx(7.3, rel=1e-12)
    assert ((2 * k + 1) * beyond).sum() - 7.3**2 == pytest.approx(7.3 * (1 - 7.3 / 18), rel=1e-10)
    assert overflow_probability(0.4, [0, 1], 0.1) == pytest.approx([0.4, 0])
    assert overflow_probability(5, [4, 5], 0) == pytest.approx([1, 0])


@pytest.mark.parametrize("near", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_dispersion_near_one_is_near_the_poisson(near):
    poisson = overflow_probability([3, 25.76, 1_561.24], [3, 28, 1_600])
    for spread in (1 - near, 1 + near):
        found = overflow_probability([3, 25.76, 1_561.24], [3, 28, 1_600], spread)
        assert found == pytest.approx(poisson, rel=near, abs=1e-8)


def test_overflow_at_its_ends():
    assert overflow_probability(0, 0) == overflow_probability(0, 5, 3) == overflow_probability(0, 0, 0.5) == 0
    assert overflow_probability(3, 0) == pytest.approx(1 - math.exp(-3), rel=1e-14)
    assert overflow_probability(25.76, 28.99) == overflow_probability(25.76, 28)
    assert type(overflow_probability(3, 2)) is float


def test_a_missing_figure_gives_a_missing_probability():
    found = overflow_probability([np.nan, 3, 3, 3], [2, np.nan, 2, 2], [1, 1, np.nan, 1])
    assert np.isnan(found).tolist() == [True, True, True, False]
    assert math.isnan(overflow_probability(math.nan, 3))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((-0.1, 3), "mean_load must be a number from 0 or NaN, not -0.1"),
        ((3, -1), "capacity must be"),
        ((3, 3, -2), "dispersion must be"),
        (([1, np.inf], 3), "mean_load must be a number from 0 or NaN, not inf"),
    ],
)
def test_overflow_refuses(arguments, said):
    with pytest.raises(ValueError, match=said):
        overflow_probability(*arguments)


# the capacity that a demand needs


def test_quantiles_by_hand():
    """Poisson of mean 1: P(0) = 0.3679, P(<=1) = 0.7358, P(<=2) = 0.9197, P(<=3) = 0.9810."""
    assert poisson_capacity(1, [0.36, 0.37, 0.73, 0.74, 0.9, 0.92, 0.98]).tolist() == [0, 1, 1, 2, 2, 3, 3]
    assert type(poisson_capacity(1, 0.9)) is int
    assert poisson_capacity(0, 0.999) == demand_quantile(0, 0.999, 4) == 0


@pytest.mark.parametrize("spread", [0.4, 1, 3, 20])
def test_a_quantile_is_the_first_capacity_that_reaches_it(spread):
    mean = np.concatenate([np.linspace(0.01, 60, 997), [150.5, 1_561.24, 30_000]])
    for level in (0.01, 0.5, 0.8, 0.9, 0.99, 0.9999):
        found = demand_quantile(mean, level, spread)
        assert (overflow_probability(mean, found, spread) <= 1 - level).all()
        assert (overflow_probability(mean, np.maximum(found - 1, 0), spread) > 1 - level)[found > 0].all()


def test_quantiles_are_those_of_scipy():
    random = np.random.default_rng(20_161_121)
    mean, level = random.uniform(0.1, 300, 3_000), random.uniform(0.001, 0.9999, 3_000)
    spread = random.uniform(1.01, 8, 3_000)
    assert (poisson_capacity(mean, level) == stats.poisson.ppf(level, mean)).all()
    wanted = stats.nbinom.ppf(level, mean / (spread - 1), 1 / spread)
    assert (demand_quantile(mean, level, spread) == wanted).all()
    trials = random.integers(1, 400, 3_000)
    assert (demand_quantile(trials * 0.25, level, 0.75) == stats.binom.ppf(level, trials, 0.25)).all()


@pytest.mark.parametrize(("mean", "spread"), [(0.7, 1), (26, 1), (47, 1), (2_000, 1), (26, 2), (40, 0.5), (1_000, 3)])
def test_a_quantile_that_is_just_reached_is_reached(mean, spread):
    """One of the two roundings of 1 - P(X > c) would ask for one more."""
    capacity = np.arange(max(0, int(mean - 3 * math.sqrt(spread * mean))), int(mean + 4 * math.sqrt(spread * mean)) + 1)
    capacity = capacity[capacity < mean / (1 - spread)] if spread < 1 else capacity
    level = 1 - overflow_probability(mean, capacity, spread)
    inside = (level > 1e-6) & (level < 1)
    assert (demand_quantile(mean, level[inside], spread) == capacity[inside]).all()
    assert poisson_capacity(1, math.exp(-1)) == 0


@pytest.mark.parametrize(
    ("mean", "spread", "level", "exact", "normal"),
    [
        (1_561.24, 1, 0.90, 1612, 1612), (1_561.24, 1, 0.99, 1654, 1654), (1_561.24, 3, 0.90, 1649, 1649),
        (1_561.24, 3, 0.99, 1724, 1721), (25.76, 1, 0.90, 32, 33), (25.76, 3, 0.99, 50, 47), (4.0, 1, 0.99, 9, 9),
    ],
)  # fmt: skip
def test_the_exact_quantile_beside_the_normal(mean, spread, level, exact, normal):
    assert demand_quantile(mean, level, spread) == exact
    assert math.ceil(mean + stats.norm.ppf(level) * math.sqrt(spread * mean)) == normal


def test_the_normal_is_short_by_the_term_that_it_lacks():
    """On average over means, (z^2 - 1)(2 D - 1)/6 less a continuity of one half, since the normal has no steps."""
    mean = np.linspace(200, 1_800, 20_001)
    for spread, level in [(1, 0.9), (1, 0.99), (3, 0.9), (3, 0.99)]:
        score = stats.norm.ppf(level)
        normal = np.ceil(mean + score * np.sqrt(spread * mean))
        short = (demand_quantile(mean, level, spread) - normal).mean()
        assert short == pytest.approx((score**2 - 1) * (2 * spread - 1) / 6 - 0.5, abs=0.15)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((5, 1), "quantile must be above 0 and below 1, not 1"),
        ((5, [0.5, 0]), "quantile must be above 0 and below 1, not 0"),
        ((5, math.nan), "quantile must be a number"),
        ((math.nan, 0.9), "mean_load must be a number from 0, not nan"),
        ((-5, 0.9), "mean_load must be a number from 0, not -5"),
        ((5, 0.9, math.nan), "dispersion must be"),
    ],
)
def test_a_quantile_refuses(arguments, said):
    with pytest.raises(ValueError, match=said):
        demand_quantile(*arguments)


# dispersion of a daily series

YEARS = 3 * 365
DAY = np.arange(YEARS)
WEEK = np.array([0.97, 1.0, 1.02, 1.03, 1.02, 0.99, 0.97])
LEVEL = 300 * (1 + 0.1 * DAY / YEARS) * (1 + 0.06 * np.cos(2 * np.pi * DAY / 365.25)) * WEEK[DAY % 7]


def simulated(spread: float, seed: int = 20_161_121) -> np.ndarray:
    """Counts a day about a level with a trend, a winter and a week; variance = spread x level."""
    random = np.random.default_rng(seed)
    if spread == 1:
        return random.poisson(LEVEL).astype(float)
    return random.negative_binomial(LEVEL / (spread - 1), 1 / spread).astype(float)


@pytest.mark.parametrize("spread", [1, 1.5, 4])
def test_a_simulated_dispersion_is_found(spread):
    """The mean of 12 series: its standard error is spread x sqrt(2/1095/12), 1.2%."""
    ratios = [dispersion(simulated(spread, seed)).ratio for seed in range(12)]
    assert np.mean(ratios) == pytest.approx(spread, rel=0.03)
    assert np.std(ratios) == pytest.approx(spread * math.sqrt(2 / YEARS), rel=0.5)
    assert np.var(simulated(spread)) / np.mean(LEVEL) > spread + 0.8, "which is more than trend and season alone"


def test_what_is_trend_and_season_alone_has_none():
    assert dispersion(10 + 0.02 * DAY + WEEK[DAY % 7]).ratio == pytest.approx(0, abs=1e-12)
    assert dispersion(np.full(100, 8.0)).ratio == pytest.approx(0, abs=1e-12)


def test_dispersion_by_another_basis():
    """The same space of functions from scipy's B-splines, a QR decomposition and the whole matrix of correlations."""
    series, last = simulated(2), DAY[-1]
    inner = np.linspace(0, last, 13)  # 1,094 days in 12 intervals
    knots = np.concatenate([np.full(3, 0), inner, np.full(3, last)]).astype(float)
    basis = interpolate.BSpline.design_matrix(DAY.astype(float), knots, 3).toarray()
    basis = np.hstack([basis, (DAY[:, None] % 7 == np.arange(6)).astype(float)])
    q = np.linalg.qr(basis)[0]
    residual = series - q @ (q.T @ series)
    likeness = (residual[1:] * residual[:-1]).mean() / (residual**2).mean()
    alike = max(likeness, 0) ** np.abs(DAY[:, None] - DAY)
    wanted = residual @ residual / (YEARS - np.trace(q.T @ alike @ q)) / series.mean()
    assert dispersion(series).ratio == pytest.approx(wanted, rel=1e-9)


def test_a_load_that_stays_for_days_is_poisson_too():
    """Who leaves by tomorrow is drawn each day, 6 days on average, and as many come: the number present is Poisson of
    mean 300. 12 series: standard error 3 x sqrt(2/1095/12), 4%. Of degrees of freedom by rank the mean is 0.86."""
    stays, ratios = math.exp(-1 / 6), []
    for seed in range(12):
        random = np.random.default_rng(seed)
        present = [random.poisson(300)]
        while len(present) < YEARS:
            present.append(random.binomial(present[-1], stays) + random.poisson(300 * (1 - stays)))
        ratios.append(dispersion(present).ratio)
    assert np.mean(ratios) == pytest.approx(1, abs=0.08)


def test_gaps_are_left_out_and_counted():
    series = simulated(2)
    series[100:160] = np.nan
    series[::9] = np.nan
    known = ~np.isnan(series)
    found = dispersion(series)
    assert found.days == known.sum()
    assert found.ratio == pytest.approx(2, rel=0.15)
    assert dispersion(series[known], DAY[known]).ratio == pytest.approx(found.ratio, rel=1e-9)


def test_days_may_be_dates_in_any_order():
    series, mixed = simulated(2), np.random.default_rng(1).permutation(YEARS)
    dates = np.datetime64("2016-04-01") + DAY
    wanted = dispersion(series).ratio
    assert dispersion(series[mixed], dates[mixed]).ratio == pytest.approx(wanted, rel=1e-9)
    assert dispersion(series, [date(2016, 4, 1) + timedelta(days=int(n)) for n in DAY]).ratio == pytest.approx(wanted)


def test_too_few_days_say_nothing():
    assert math.isnan(dispersion(np.arange(1, 28)).ratio)
    assert dispersion(np.arange(1, 28)).days == 27
    assert not math.isnan(dispersion(np.random.default_rng(1).poisson(20, 28)).ratio)
    assert math.isnan(dispersion(np.zeros(100)).ratio)
    assert math.isnan(dispersion(np.full(100, np.nan)).ratio)
    apart = dispersion(np.random.default_rng(1).poisson(20, 30), np.arange(30) * 100)
    assert math.isnan(apart.ratio), "thirty days of eight years leave a spline nothing"


@pytest.mark.parametrize(
    ("daily", "days", "said"),
    [
        ([3, -1, 4], None, "daily must be a number from 0 or NaN, not -1"),
        ([[3, 1, 4]], None, "one series each"),
        ([3, 1, 4], [1, 2], "as long"),
        ([3, 1, 4], [1, 2, 2], "each once"),
        ([3, 1, 4], [1, 2, 2.5], "whole numbers"),
        ([3, 1], [np.datetime64("2016-04-01"), np.datetime64("NaT")], "whole numbers or dates"),
    ],
)
def test_dispersion_refuses(daily, days, said):
    with pytest.raises(ValueError, match=said):
        dispersion(daily, days)
