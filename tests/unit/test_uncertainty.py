"""Intervals, seeded draws, percentiles and contributions, against sums by hand and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from llr_pipeline.uncertainty import Normal, contributions, draw, normal_from_interval, percentiles, stream

STANDARD = Normal(0.0, 1.0)

# intervals


def test_an_interval_by_hand():
    """-0.45% to 0.17%: mean -0.28/2, sd 0.62/2.563103."""
    found = normal_from_interval(-0.45, 0.17)
    assert found.mean == pytest.approx(-0.14, rel=1e-14)
    assert found.sd == pytest.approx(0.62 / 2.563103, rel=1e-7)
    assert type(found.mean) is type(found.sd) is float
    assert normal_from_interval(-1.959964, 1.959964, coverage=0.95).sd == pytest.approx(1, rel=1e-7)
    assert normal_from_interval(3, 3) == Normal(3.0, 0.0)


def test_an_interval_covers_what_it_says():
    """P(low < X < high) by the error function."""
    for coverage in (0.5, 0.8, 0.95):
        found = normal_from_interval(2, 6, coverage)
        assert math.erf((6 - found.mean) / found.sd / math.sqrt(2)) == pytest.approx(coverage, rel=1e-12)


def test_intervals_of_years():
    found = normal_from_interval([0, 1, 2], [1, 1, 4])
    assert found.mean.tolist() == [0.5, 1, 3]
    assert found.sd == pytest.approx(np.array([1, 0, 2]) / 2.563103, rel=1e-7)


@pytest.mark.parametrize(
    ("low", "high", "coverage", "said"),
    [
        (2, 1, 0.8, "not from 2 to 1"),
        ([0, 0.17], [1, -0.45], 0.8, "not from 0.17 to -0.45"),
        (math.nan, 1, 0.8, "not from nan to 1"),
        (0, math.inf, 0.8, "not from 0 to inf"),
        (0, 1, 1, "coverage must be above 0 and below 1, not 1"),
        (0, 1, 0, "coverage"),
        (0, 1, 80, "coverage"),
        (0, 1, math.nan, "coverage"),
    ],
)
def test_an_interval_refuses(low, high, coverage, said):
    with pytest.raises(ValueError, match=said):
        normal_from_interval(low, high, coverage)


# draws


def test_a_stream_is_the_same_on_every_machine():
    """Written down once; a change here changes every simulated figure."""
    assert stream(20_161_121, "growth").integers(0, 10**9, 3).tolist() == [645837001, 726436394, 413295082]
    normal = [1.9320166495766857, 1.0815630450659088, -0.30681689803456075]
    assert stream(20_161_121, "growth").standard_normal(3) == pytest.approx(normal, rel=1e-12)


def test_a_draw_belongs_to_its_name_and_seed_alone():
    names = ["growth", "stay", "share"]
    forwards = {name: draw(name, STANDARD, 100, seed=1).values for name in names}
    backwards = {name: draw(name, STANDARD, 100, seed=1).values for name in reversed(names)}
    for name in names:
        assert (forwards[name] == backwards[name]).all()
        assert (forwards[name] != draw(name, STANDARD, 100, seed=2).values).all()
    assert (forwards["growth"] != forwards["stay"]).all()
    assert stream(1, "a", "b").random() != stream(1, "ab").random() != stream(11, "").random()
    assert stream(np.int64(1), "a").random() == stream(1, "a").random()


def test_workers_may_each_take_a_part():
    whole = draw("growth", STANDARD, 1_000, seed=1).values
    assert (draw("growth", STANDARD, 10, seed=1).values == whole[:10]).all()
    assert (draw("growth", STANDARD, 700, seed=1).values[300:] == whole[300:700]).all()


def test_streams_are_not_alike():
    """Of 40 parameters and 4,000 runs: correlations like chance's, standard deviation 1/sqrt(4,000)."""
    scores = np.array([draw(f"parameter {n}", STANDARD, 4_000, seed=1).values for n in range(40)])
    between = np.corrcoef(scores)[np.triu_indices(40, 1)]
    assert between.std() == pytest.approx(1 / math.sqrt(4_000), rel=0.1)
    assert np.abs(between).max() < 4.5 / math.sqrt(4_000)


def test_draws_have_their_mean_and_their_interval():
    """Of 100,000: the mean to 0.62/2.563/sqrt(100,000) = 0.0008, the shares in the tails to 0.001."""
    found = draw("growth", normal_from_interval(-0.45, 0.17), 100_000, seed=3)
    assert found.values.mean() == pytest.approx(-0.14, abs=0.003)
    assert (found.values < -0.45).mean() == pytest.approx(0.1, abs=0.004)
    assert (found.values > 0.17).mean() == pytest.approx(0.1, abs=0.004)
    assert found.clamped_share == 0


def test_a_draw_is_clamped_and_says_how_often():
    """A standard normal from 0 on: half is clamped, the mean becomes 1/sqrt(2 pi) = 0.399."""
    found = draw("share", STANDARD, 100_000, seed=1, minimum=0, maximum=3)
    assert found.values.min() == 0
    assert found.values.max() == 3
    assert found.clamped_share == pytest.approx(0.5 + 0.00135, abs=0.005)
    assert found.values.mean() == pytest.approx(0.3989, abs=0.01)
    free = draw("share", STANDARD, 100_000, seed=1).values
    inside = (free > 0) & (free < 3)
    assert (found.values[inside] == free[inside]).all()


def test_years_of_one_parameter_move_together():
    found = draw("growth", Normal(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.0, 0.2])), 500, seed=1, maximum=[9, 9, 3])
    assert found.values.shape == (500, 3)
    assert found.values[:, 0] == pytest.approx(1 + 0.1 * draw("growth", STANDARD, 500, seed=1).values, rel=1e-14)
    assert (found.values[:, 1] == 2).all()
    assert found.values[:, 2] == pytest.approx(np.minimum(2 * found.values[:, 0] + 1, 3), rel=1e-14)
    assert found.clamped_share[:2].tolist() == [0, 0]
    assert found.clamped_share[2] == (found.values[:, 0] > 1).mean()


@pytest.mark.parametrize(
    ("runs", "ends", "said"),
    [
        (0, {}, "growth: there must be 1 run or more, not 0"),
        (5, {"minimum": 1, "maximum": 0}, "growth: the valid range .* not from 1 to 0"),
        (5, {"minimum": math.nan}, "growth: the valid range"),
    ],
)
def test_a_draw_refuses(runs, ends, said):
    with pytest.raises(ValueError, match=said):
        draw("growth", STANDARD, runs, seed=1, **ends)


def test_a_seed_is_a_whole_number():
    with pytest.raises(TypeError):
        stream(1.5, "growth")


# percentiles


def test_percentiles_by_hand():
    """Of five values P10 is 0.4 of the way from the first to the second, P90 0.6 of the way from the fourth on."""
    found = percentiles([50, 10, 20, 40, 30])
    assert (found.p10, found.p50, found.p90) == pytest.approx((14, 30, 46))
    assert type(found.p10) is float


def test_percentiles_over_runs_and_over_another_axis():
    values = np.array([[1.0, 10.0], [2.0, np.nan], [3.0, 30.0]])
    found = percentiles(values)
    assert found.p50[0] == 2
    assert np.isnan(found.p50[1])
    assert percentiles(values[:, 0]).p90 == pytest.approx(2.8)
    assert percentiles(values, axis=1).p50[0] == 5.5
    with pytest.raises(ValueError, match="at least one value"):
        percentiles([])


# contributions


def test_contributions_by_hand():
    """Every combination of a, b = -1, +1. y = 3 a + b: variance 9 + 1, shares 0.9 and 0.1; from -1 to +1 are 6 and 2.
    With 2 a b, which no line explains, the variance is 14."""
    a, b = np.array([-1, -1, 1, 1]), np.array([-1, 1, -1, 1])
    straight = contributions({"a": a, "b": b}, 3 * a + b)
    assert straight.names == ("a", "b")
    assert straight.effects == pytest.approx([6, 2])
    assert straight.shares == pytest.approx([0.9, 0.1])
    assert (straight.joint_share, straight.residual_share) == pytest.approx((0, 0), abs=1e-14)
    bent = contributions({"a": a, "b": b}, 3 * a + b + 2 * a * b)
    assert bent.effects == pytest.approx([6, 2])
    assert bent.shares == pytest.approx([9 / 14, 1 / 14])
    assert bent.residual_share == pytest.approx(4 / 14)
    assert type(bent.residual_share) is float


def test_parameters_drawn_together_share_what_they_explain():
    """b = 0.6 a + 0.8 c with a and c apart, y = a + b = 1.6 a + 0.8 c: variance 2.56 + 0.64 = 3.2. Without a, b
    explains cov(y, b)^2 = (1.6 x 0.6 + 0.8 x 0.8)^2 = 2.56; a adds 0.64, and so does b: 0.2 each and 0.6 together."""
    a, c = np.array([-1, -1, 1, 1]), np.array([-1, 1, -1, 1])
    b = 0.6 * a + 0.8 * c
    found = contributions({"a": a, "b": b}, a + b)
    assert found.shares == pytest.approx([0.2, 0.2])
    assert found.joint_share == pytest.approx(0.6)
    assert found.residual_share == pytest.approx(0, abs=1e-14)
    tenth, _, ninetieth = np.percentile(b, [10, 50, 90])
    assert found.effects == pytest.approx([2, ninetieth - tenth])


def explained(columns: list[np.ndarray], outcome: np.ndarray) -> float:
    """R squared of a regression with a constant."""
    design = np.column_stack([np.ones(outcome.size), *columns])
    residual = outcome - design @ np.linalg.lstsq(design, outcome)[0]
    return 1 - residual.var() / outcome.var()


def test_a_share_is_what_is_lost_without_the_parameter():
    random = np.random.default_rng(20_161_121)
    together = random.multivariate_normal(np.zeros(5), np.full((5, 5), 0.3) + 0.7 * np.eye(5), 800)
    draws = dict(zip("abcde", together.T, strict=True))
    draws["c"] = np.exp(draws["c"]) * 1e-6
    outcome = 5e6 + 1e4 * (draws["a"] + 3 * draws["b"] * draws["d"] + 2e6 * draws["c"] + random.normal(0, 2, 800))
    found = contributions(draws, outcome)
    whole = explained(list(draws.values()), outcome)
    lost = [whole - explained([v for name, v in draws.items() if name != left], outcome) for left in draws]
    assert found.shares == pytest.approx(lost, abs=1e-12)
    assert found.residual_share == pytest.approx(1 - whole, abs=1e-12)
    assert found.shares.sum() + found.joint_share + found.residual_share == pytest.approx(1, abs=1e-12)


def test_a_known_model_is_found_again():
    """y = 200 g - 50 s + counts: P90 - P10 is 2.563 sd; variances 400, 100 and 25 of 525."""
    draws = {
        "g": draw("g", Normal(1.0, 0.1), 20_000, seed=1).values,
        "s": draw("s", Normal(4.0, 0.2), 20_000, seed=1).values,
    }
    outcome = 200 * draws["g"] - 50 * draws["s"] + stream(1, "counts").normal(0, 5, 20_000)
    found = contributions(draws, outcome)
    assert found.effects == pytest.approx([200 * 0.2563, -50 * 0.5126], rel=0.03)
    assert found.shares == pytest.approx([400 / 525, 100 / 525], abs=0.01)
    assert found.residual_share == pytest.approx(25 / 525, abs=0.003)


def test_what_never_moves_has_no_effect():
    random = np.random.default_rng(1)
    a, y = random.normal(size=50), random.normal(size=50)
    found = contributions({"fixed": np.full(50, 0.1), "a": a}, np.column_stack([y, np.full(50, 0.1)]))
    alone = contributions({"a": a}, y)
    assert found.effects.tolist() == [[0, 0], [pytest.approx(alone.effects[0]), 0]]
    assert found.shares.tolist() == [[0, 0], [pytest.approx(alone.shares[0]), 0]]
    assert found.residual_share.tolist() == [pytest.approx(alone.residual_share), 0]
    assert found.joint_share.tolist() == [pytest.approx(0, abs=1e-14), 0]
    nothing = contributions({}, y)
    assert nothing.effects.shape == (0,)
    assert (nothing.joint_share, nothing.residual_share) == (0, 1)


def test_many_outcomes_at_once_are_as_one_by_one():
    random = np.random.default_rng(1)
    draws = {name: random.normal(size=300) for name in "abc"}
    outcomes = random.normal(size=(300, 4, 5)) + draws["a"][:, None, None]
    found = contributions(draws, outcomes)
    assert found.effects.shape == found.shares.shape == (3, 4, 5)
    for cell in np.ndindex(4, 5):
        alone = contributions(draws, outcomes[:, *cell])
        assert found.effects[:, *cell] == pytest.approx(alone.effects, rel=1e-10)
        assert found.shares[:, *cell] == pytest.approx(alone.shares, rel=1e-10)
        assert found.residual_share[cell] == pytest.approx(alone.residual_share, rel=1e-10)


A, B = np.random.default_rng(1).normal(size=(2, 30))


@pytest.mark.parametrize(
    ("draws", "outcome", "said"),
    [
        ({"a": A, "b": B[:-1]}, A, "the outcome has 30 runs; b has the shape"),
        ({"a": A, "b": B, "c": 3 * A - 1}, A, "cannot be told apart, leave one out: a, c"),
        ({"a": A[:3], "b": B[:3]}, A[:3], "2 parameters take at least 4 runs, not 3"),
        ({"a": A}, np.where(B > 1, np.nan, B), "every draw and every outcome must be a number"),
    ],
)
def test_contributions_refuse(draws, outcome, said):
    with pytest.raises(ValueError, match=said):
        contributions(draws, outcome)
