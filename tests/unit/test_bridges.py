"""Bridges that close: by hand, and by what must hold of any numbers."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llr_pipeline.bridges import divisia, divisia_bars, divisia_frame, log_mean

some_numbers = st.floats(1e-12, 1e12)
some_factors = st.dictionaries(st.sampled_from("abcdef"), some_numbers, min_size=1)


def exact_log_mean(a: float, b: float) -> float:
    """(a - b) / ln(a / b) in 60 digits."""
    with localcontext(prec=60):
        return float((Decimal(a) - Decimal(b)) / (Decimal(a) / Decimal(b)).ln()) if a != b else a


# the logarithmic mean


def test_log_mean_by_hand():
    """(e - 1) / ln e = 1.718; (100 - 1) / ln 100 = 99 / 4.60517."""
    assert log_mean(math.e, 1) == pytest.approx(math.e - 1, rel=1e-15)
    assert log_mean(1, 100) == log_mean(100, 1) == pytest.approx(99 / 4.605170185988092, rel=1e-15)
    assert (log_mean(7, 7), log_mean(7, 0), log_mean(0, 7), log_mean(0, 0)) == (7, 0, 0, 0)
    assert type(log_mean(7, 3)) is float


@pytest.mark.parametrize("apart", [0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 0.1, 1, 1e6, 1e20, 1e300])
def test_log_mean_loses_no_digit(apart):
    for a in (1.0, 0.37, 1_940.0):
        b = a + a * apart
        assert log_mean(a, b) == pytest.approx(exact_log_mean(a, b), rel=1e-15)


def test_log_mean_of_numbers_whose_ratio_is_no_number():
    assert log_mean(1e200, 1e-200) == pytest.approx(exact_log_mean(1e200, 1e-200), rel=1e-14)


@given(some_numbers, some_numbers)
def test_log_mean_is_between_the_other_means(a, b):
    assert math.sqrt(a) * math.sqrt(b) * (1 - 1e-14) <= log_mean(a, b) <= (a + b) / 2 * (1 + 1e-14)
    assert log_mean(a, b) == log_mean(b, a)


def test_log_mean_of_arrays():
    found = log_mean([[1.0], [np.nan]], [1, 100, 0])
    assert found[0] == pytest.approx([1, 99 / math.log(100), 0])
    assert np.isnan(found[1]).all()
    for wrong in (-1, np.inf):
        with pytest.raises(ValueError, match=f"b must be a number from 0 or NaN, not {wrong}"):
            log_mean(1, [2, wrong])


# bars


def test_a_bridge_by_hand():
    """100 x 1.10 x 1.05 x 0.80 = 92.4. Lm(92.4, 100) = 7.6 / 0.0790432 = 96.1499; x ln 1.1 = 0.0953102 is 9.1641."""
    bars = divisia(100, {"growth": 1.10, "mix": 1.05, "shorter": 0.80})
    assert bars == pytest.approx({"growth": 9.164068, "mix": 4.691172, "shorter": -21.455240}, abs=5e-7)
    assert sum(bars.values()) == pytest.approx(-7.6, rel=1e-12)
    assert all(type(bar) is float for bar in bars.values())


def test_factors_that_undo_each_other_have_opposite_bars():
    """Two times and half: Lm(100, 100) = 100, 100 ln 2 up and down."""
    assert divisia(100, {"a": 2, "b": 0.5}) == pytest.approx({"a": 69.314718, "b": -69.314718})


@given(some_numbers, some_factors)
def test_bars_add_up(start, factors):
    bars = divisia(start, factors)
    end = start * math.prod(factors.values())
    size = max(start, end, *map(abs, bars.values()))
    assert math.fsum(bars.values()) == pytest.approx(end - start, abs=1e-9 * size)


@given(some_numbers, some_factors, st.randoms())
def test_the_order_does_not_matter(start, factors, random):
    names = list(factors)
    random.shuffle(names)
    assert divisia(start, {name: factors[name] for name in names}) == pytest.approx(divisia(start, factors), rel=1e-9)


@given(some_numbers, some_factors, some_numbers)
def test_a_bridge_scales_with_its_start(start, factors, scale):
    wanted = {name: bar * scale for name, bar in divisia(start, factors).items()}
    assert divisia(start * scale, factors) == pytest.approx(wanted, rel=1e-9)


@given(some_numbers, some_factors)
def test_a_factor_of_one_has_no_bar_and_changes_none(start, factors):
    bars = divisia(start, factors | {"one": 1.0})
    assert bars.pop("one") == 0
    assert bars == pytest.approx(divisia(start, factors), rel=1e-12)


@given(some_numbers, some_factors)
def test_the_way_back_has_the_opposite_bars(start, factors):
    end = start * math.prod(factors.values())
    there, back = divisia(start, factors), divisia(end, {name: 1 / factor for name, factor in factors.items()})
    assert back == pytest.approx({name: -bar for name, bar in there.items()}, rel=1e-6, abs=1e-9 * max(start, end))


@given(some_numbers, some_factors, some_factors)
def test_two_steps_close_over_both(start, first, second):
    middle = start * math.prod(first.values())
    end = middle * math.prod(second.values())
    bars = [*divisia(start, first).values(), *divisia(middle, second).values()]
    assert math.fsum(bars) == pytest.approx(end - start, abs=1e-9 * max(start, middle, end, *map(abs, bars)))


# zeros


def test_a_factor_of_nought_takes_the_whole_fall():
    assert divisia(100, {"growth": 1.1, "closed": 0}) == {"growth": 0, "closed": -100}
    assert divisia(100, {"growth": 1.1, "closed": 0, "moved": 0}) == {"growth": 0, "closed": -50, "moved": -50}


def test_removal_is_the_limit():
    """At a factor f growth's bar is 100 (1 - 1.1 f) ln 1.1 / -ln(1.1 f), which goes to 0 as slowly as 1/ln f does."""
    for small in (1e-3, 1e-12, 1e-100, 1e-300):
        bars = divisia(100, {"growth": 1.1, "closed": small})
        assert bars["growth"] == pytest.approx(100 * (1 - 1.1 * small) * math.log(1.1) / -math.log(1.1 * small))
        assert bars["closed"] == pytest.approx(-100 - bars["growth"] + 110 * small)
    assert bars["growth"] == pytest.approx(0.0138, abs=1e-4)
    assert divisia(100, {"growth": 1.1, "closed": 1e-12})["growth"] == pytest.approx(0.35, abs=0.01)


def test_nothing_comes_of_nothing():
    assert divisia(0, {"growth": 1.1, "closed": 0, "shorter": 0.5}) == {"growth": 0, "closed": 0, "shorter": 0}
    assert divisia(100, {}) == {}


# arrays


def test_bars_of_many_cells_are_those_of_each():
    random = np.random.default_rng(20_161_121)
    start, factors = random.uniform(0, 500, (4, 5)), random.lognormal(0, 0.3, (3, 4, 5))
    factors[1, 2, 2], start[0, 0] = 0, 0
    bars = divisia_bars(start, factors)
    assert bars.shape == (3, 4, 5)
    assert bars.sum(axis=0) == pytest.approx(start * factors.prod(axis=0) - start, abs=1e-9)
    for cell in np.ndindex(4, 5):
        alone = divisia(start[cell], dict(enumerate(factors[:, *cell])))
        assert bars[:, *cell] == pytest.approx(list(alone.values()), rel=1e-14)


def test_by_name_shapes_broadcast():
    bars = divisia(100, {"growth": np.array([1.1, 1.2]), "shorter": 0.8})
    assert bars["shorter"] == pytest.approx([divisia(100, {"a": f, "b": 0.8})["b"] for f in (1.1, 1.2)])


def test_a_missing_figure_is_missing_in_every_bar_of_its_cell():
    bars = divisia_bars([100, np.nan, 100], [[np.nan, 0, 1.1], [0, 1.1, 1.1]])
    assert np.isnan(bars).tolist() == [[True, True, False]] * 2


@pytest.mark.parametrize(
    ("start", "factors", "said"),
    [
        (100, {"shorter": -0.1}, "factor shorter must be a number from 0 or NaN, not -0.1"),
        (100, {"shorter": [1, np.inf]}, "factor shorter must be a number from 0 or NaN, not inf"),
        (-1, {"shorter": 1}, "start must be a number from 0 or NaN, not -1"),
    ],
)
def test_a_bridge_refuses(start, factors, said):
    with pytest.raises(ValueError, match=said):
        divisia(start, factors)


def test_bars_refuse_shapes_that_differ():
    with pytest.raises(ValueError, match=r"factors must have the shape \(n, \*\(2,\)\), not \(2,\)"):
        divisia_bars([1, 2], [1.1, 1.2])


# frames

FRAME = pd.DataFrame(
    {
        "unit": ["A", "B", "A", "B", "A", "B"],
        "year": ["2016/17", "2016/17", "2015/16", "2015/16", "2017/18", "2017/18"],
        "load": [113.0, 5.0, 100.0, 0.0, 90.4, 12.0],
        "growth": [1.1, 7.0, np.nan, np.nan, 1.0, 2.0],
        "shorter": [1.0, 1.0, np.nan, np.nan, 0.8, 1.2],
        "opened": [3.0, 5.0, np.nan, np.nan, 0.0, 0.0],
    }
)
COLUMNS = {
    "keys": ["unit"], "period": "year", "value": "load", "factors": ["growth", "shorter"], "additive": ["opened"]
}  # fmt: skip


def test_a_frame_is_chained_by_period():
    """A: 100 x 1.1 + 3 = 113, then x 0.8 = 90.4. B: 0 x 7 + 5 = 5, then 5 x 2 x 1.2 = 12 = 5 + Lm(12, 5) ln 2.4."""
    found = divisia_frame(FRAME, **COLUMNS)
    assert list(found.columns) == ["unit", "year", "bar", "change"]
    share = 7 / math.log(2.4)
    assert found.values.tolist() == [
        ["A", "2016/17", "growth", pytest.approx(10)], ["A", "2016/17", "shorter", 0], ["A", "2016/17", "opened", 3],
        ["A", "2017/18", "growth", 0], ["A", "2017/18", "shorter", pytest.approx(-22.6)], ["A", "2017/18", "opened", 0],
        ["B", "2016/17", "growth", 0], ["B", "2016/17", "shorter", 0], ["B", "2016/17", "opened", 5],
        ["B", "2017/18", "growth", pytest.approx(share * math.log(2))],
        ["B", "2017/18", "shorter", pytest.approx(share * math.log(1.2))], ["B", "2017/18", "opened", 0],
    ]  # fmt: skip
    assert found.groupby("unit")["change"].sum().to_dict() == pytest.approx({"A": 90.4 - 100, "B": 12})


def test_a_frame_of_random_chains_closes_every_step():
    random, rows = np.random.default_rng(7), []
    for unit in range(50):
        value = random.uniform(0, 200)
        for year in range(6):
            a, b, added = random.lognormal(0, 0.5), random.choice([0.0, 0.7, 1.0]), random.uniform(0, 20)
            value = value * a * b + added if year else value
            rows.append((f"unit {unit}", unit % 3, year, value, a, b, added))
    frame = pd.DataFrame(rows, columns=["unit", "kind", "year", "value", "a", "b", "added"])
    found = divisia_frame(
        frame.sample(frac=1, random_state=1),
        keys=["kind", "unit"], period="year", value="value", factors=["a", "b"], additive=["added"],
    )  # fmt: skip
    assert len(found) == 50 * 5 * 3
    for unit, group in frame.groupby("unit"):
        changes = found[found["unit"] == unit].groupby("year")["change"].sum()
        assert changes.tolist() == pytest.approx([b - a for a, b in pairwise(group["value"])], abs=1e-9)


def test_a_frame_may_have_no_keys_no_factors_or_one_period():
    alone = FRAME[FRAME["unit"] == "A"]
    assert divisia_frame(alone, **COLUMNS | {"keys": []})["change"].sum() == pytest.approx(-9.6)
    moves = pd.DataFrame({"year": [1, 2], "value": [5, 3], "out": [None, -2]})
    found = divisia_frame(moves, keys=[], period="year", value="value", factors=[], additive=["out"])
    assert found.values.tolist() == [[2, "out", -2]]
    assert divisia_frame(FRAME[FRAME["year"] == "2015/16"], **COLUMNS).empty
    assert divisia_frame(FRAME[:0], **COLUMNS).empty


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME.drop(index=5), "B has 2 rows for 2 of 3 values of year"),
        (pd.concat([FRAME, FRAME[:1]]), "A has 4 rows for 3 of 3 values of year"),
        (FRAME.replace(90.4, 91), r"'unit': 'A', 'year': '2017/18'}: load is 91; .* makes 90.4"),
        (FRAME.replace(1.1, np.nan), r"'unit': 'A', 'year': '2016/17'}: load is 113; .* makes nan"),
        (FRAME.astype(object).replace(113.0, None), r"'unit': 'A', 'year': '2016/17'}: load is nan"),
        (FRAME.replace(0.8, -0.8), "factors must be a number from 0 or NaN, not -0.8"),
    ],
)
def test_a_frame_that_does_not_close_is_refused(frame, said):
    with pytest.raises(ValueError, match=said):
        divisia_frame(frame, **COLUMNS)
