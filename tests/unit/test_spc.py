"""XmR charts: vectors worked out by hand, and the rules again in slow plain Python for any series.

The rules are those of NHSRplotthedots (R/ptd_spc_standard.R and R/ptd_calculate_point_type.R), read point by point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llr_pipeline.spc import latest, xmr

HAND = [10, 12, 9, 11, 10, 12, 9, 10, 11, 12, 13, 14, 15, 16]
Values = Sequence[float | None]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def chart(
    connection: duckdb.DuckDBPyConnection,
    values: Values,
    *,
    direction: str | None = "higher_is_better",
    target: float | None = None,
    baseline: int | None = None,
    rebases: Sequence[int] | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The points of one series, whose periods are 1, 2, 3 and so on, and what it comes to."""
    connection.execute(
        "create or replace table series as select 'one' as series, unnest(?::bigint[]) as period, "
        "unnest(?::double[]) as value, ?::varchar as direction, ?::double as target, ?::integer as baseline_points, "
        "?::bigint[] as rebase_periods",
        [[*range(1, len(values) + 1)], list(values), direction, target, baseline, rebases],
    )
    points = xmr(connection, "series")
    frames = [found.df().astype(object) for found in (points.order("period"), latest(points))]
    rows = [frame.where(frame.notna(), None).to_dict("records") for frame in frames]
    return rows[0], rows[1][0]


def rules(points: Sequence[dict[str, Any]]) -> dict[int, str]:
    """The points that meet a rule."""
    return {point["period"]: point["rule"] for point in points if point["rule"] not in (None, "common_cause")}


def by_hand(values: Values, baseline: int | None = None) -> tuple[list[str | None], tuple[Fraction | None, ...]]:
    """The rule of each point of one stretch, and its mean and limits, from exact fractions."""
    exact = [None if value is None else Fraction(value) for value in values]
    known = [i for i, value in enumerate(exact) if value is not None]
    fixed = set(known[:baseline])
    if not fixed:
        return [None] * len(exact), (None, None, None)
    mean = sum(exact[i] for i in fixed) / len(fixed)
    ranges = [abs(exact[j] - exact[i]) for i, j in pairwise(range(len(exact))) if {i, j} <= fixed]
    width = None
    if ranges:
        average = sum(ranges) / len(ranges)
        kept = [moved for moved in ranges if moved < Fraction("3.267") * average] or ranges
        width = Fraction("2.66") * sum(kept) / len(kept)

    def side(i: int) -> int:
        return 0 if exact[i] is None else (exact[i] > mean) - (exact[i] < mean)

    def windows(size: int, holding: int) -> Iterator[range]:
        return (range(i, i + size) for i in range(len(exact) - size + 1) if i <= holding < i + size)

    def is_outside(i: int) -> bool:
        return exact[i] is not None and width is not None and abs(exact[i] - mean) > width

    def is_near(i: int) -> bool:
        near = None if width is None else width * 2 / 3
        return exact[i] is not None and near is not None and not is_outside(i) and abs(exact[i] - mean) > near

    def is_trend(window: range) -> bool:
        if any(exact[i] is None for i in window):
            return False
        steps = [exact[j] - exact[i] for i, j in pairwise(window)]
        return all(step > 0 for step in steps) or all(step < 0 for step in steps)

    def rule(i: int) -> str | None:
        if exact[i] is None:
            return None
        if is_outside(i):
            return "outside_limits"
        if any(is_trend(window) for window in windows(7, i)):
            return "trend"
        if is_near(i) and any(
            abs(sum(map(side, window))) == 3 and sum(map(is_near, window)) >= 2 for window in windows(3, i)
        ):
            return "two_of_three"
        if any(abs(sum(map(side, window))) == 7 for window in windows(7, i)):
            return "one_side"
        return "common_cause"

    limits = (mean, None, None) if width is None else (mean, mean - width, mean + width)
    return [rule(i) for i in range(len(exact))], limits


def test_the_published_vector(connection):
    points, _ = chart(connection, HAND)
    assert points[0]["mean"] == pytest.approx(11.7142857)
    assert points[0]["lower_limit"] == pytest.approx(7.621978022)
    assert points[0]["upper_limit"] == pytest.approx(15.80659341)
    assert rules(points) == {**dict.fromkeys(range(7, 14), "trend"), 14: "outside_limits"}
    assert [point["variation"] for point in points[8:10]] == ["concern", "improvement"]  # 11 and 12 around 11.71


def test_a_constant_series_has_its_mean_for_limits(connection):
    for value in (5, 0.1, 1e9 / 3):  # a sum of twelve 0.1 is not 1.2
        points, series = chart(connection, [value] * 12)
        assert points[0]["lower_limit"] == points[0]["upper_limit"] == points[0]["mean"] == pytest.approx(value)
        assert rules(points) == {}
        assert series["variation"] == "common_cause"


def test_a_point_on_the_mean_breaks_a_run(connection):
    # mean 10 in both; ranges let no other rule hold
    points, _ = chart(connection, [8, 12, 12, 11, 12, 11, 12, 11, 1], baseline=2)
    assert {i for i, rule in rules(points).items() if rule == "one_side"} == {2, 3, 4, 5, 6, 7, 8}
    points, _ = chart(connection, [8, 12, 12, 11, 10, 11, 12, 11, 11], baseline=2)
    assert rules(points) == {}


def test_a_gap_is_no_zero_and_no_pattern_goes_over_it(connection):
    rising = [10, 11, 12, 13, None, 14, 15, 16]
    points, series = chart(connection, rising)
    assert points[0]["mean"] == pytest.approx(13)  # 91 / 7
    assert points[5]["moving_range"] is None
    assert points[4]["rule"] is None
    assert "trend" not in rules(points).values()
    assert (series["point_count"], series["gap_count"]) == (7, 1)
    for gap in (float("nan"), float("inf"), float("-inf")):
        assert chart(connection, [10, 11, 12, 13, gap, 14, 15, 16])[0][0]["mean"] == pytest.approx(13)


def test_one_point_has_no_limits_and_no_icon(connection):
    points, series = chart(connection, [7], target=8)
    assert (points[0]["mean"], points[0]["lower_limit"], points[0]["variation"]) == (7, None, "no_limits")
    assert (series["variation"], series["assurance"]) == ("no_limits", "no_limits")
    _, series = chart(connection, [None, None], target=8)
    assert (series["variation"], series["assurance"], series["point_count"]) == ("no_data", "no_data", 0)


def test_a_spike_does_not_widen_the_limits(connection):
    # eleven ranges of 1 and two of 50: their mean 111 / 13 = 8.54, times 3.267 is 27.9, so both fall out and 1 is left
    values = [10, 11, 10, 11, 10, 60, 10, 11, 10, 11, 10, 11, 10, 11]
    points, series = chart(connection, values)
    mean = 196 / 14
    assert points[0]["upper_limit"] == pytest.approx(mean + 2.66)
    assert points[5]["rule"] == "outside_limits"
    assert series["variation"] != "improvement"


def test_a_spike_long_ago_is_no_improvement_now(connection):
    values = [10, 12, 40, 11, 9, 12, 10, 11, 9, 12, 20, 18, 17, 10, 12, 9, 17, 18]
    points, series = chart(connection, values)
    assert points[2]["variation"] == "improvement"
    assert series["variation"] == "common_cause"


def test_limits_start_again_where_they_are_rebased(connection):
    values = [10, 12, 10, 12, 20, 22, 20, 22]
    points, _ = chart(connection, values, rebases=[5])
    assert [point["stretch"] for point in points] == [0] * 4 + [1] * 4
    assert [point["mean"] for point in points] == [11] * 4 + [21] * 4
    assert points[4]["moving_range"] is None
    assert points[0]["upper_limit"] == pytest.approx(11 + 2.66 * 2)
    at_the_first, _ = chart(connection, values, rebases=[1])
    never, _ = chart(connection, values)
    assert [point["upper_limit"] for point in at_the_first] == [point["upper_limit"] for point in never]
    points, series = chart(connection, values, rebases=[8])
    assert (points[7]["mean"], points[7]["lower_limit"], series["variation"]) == (22, None, "no_limits")


def test_limits_stand_on_a_fixed_baseline(connection):
    points, _ = chart(connection, [10, 12, 10, 12, 20, 22], baseline=4)
    assert points[5]["mean"] == 11
    assert points[5]["upper_limit"] == pytest.approx(11 + 2.66 * 2)
    assert rules(points) == {5: "outside_limits", 6: "outside_limits"}


@pytest.mark.parametrize(
    ("direction", "target", "assurance"),
    [
        ("higher_is_better", 20, "fails"), ("higher_is_better", 2, "passes"), ("higher_is_better", 11, "hit_and_miss"),
        ("lower_is_better", 20, "passes"), ("lower_is_better", 2, "fails"), ("on_target", 20, "no_direction"),
        ("lower_is_better", None, "no_target"), (None, 20, "no_direction"),
    ],
)  # fmt: skip
def test_assurance_says_whether_the_limits_hold_the_target(connection, direction, target, assurance):
    _, series = chart(connection, [10, 12] * 6, direction=direction, target=target)
    assert series["assurance"] == assurance


def test_which_side_is_good(connection):
    for direction, icon in (
        ("higher_is_better", "improvement"), ("lower_is_better", "concern"), ("on_target", "neutral_high"),
    ):  # fmt: skip
        assert chart(connection, HAND, direction=direction)[1]["variation"] == icon


def test_how_long_the_last_side_has_lasted(connection):
    _, series = chart(connection, [10, 12, 10, 12, 10, 15, 15, 16])
    assert (series["side_since"], series["side_count"]) == (6, 3)
    _, series = chart(connection, [32, 33, 30, 32, 33], rebases=[3])  # mean 95 / 3
    assert series["side_since"] == 4


def test_a_relation_may_lack_what_it_need_not_say(connection):
    connection.execute(
        "create or replace table plain as select 's' as series, unnest(?::date[]) as period, 1.5 as value",
        [["2017-04-01", "2017-05-01"]],
    )
    assert xmr(connection, "plain").aggregate("count(*), max(mean)").fetchone() == (2, 1.5)


figures = st.one_of(st.none(), st.integers(0, 12), st.integers(0, 40))


@settings(max_examples=60, deadline=None)
@given(
    many=st.lists(
        st.tuples(
            st.lists(figures, min_size=1, max_size=24),
            st.one_of(st.none(), st.integers(1, 12)),
            st.lists(st.integers(1, 24), max_size=2),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_series_agrees_with_the_rules_read_point_by_point(many):
    rows, expected = [], {}
    for name, (values, baseline, rebases) in enumerate(many):
        starts = sorted({1, *rebases})
        for first, after in pairwise([*starts, len(values) + 1]):
            stretch = values[first - 1 : max(after - 1, first - 1)]
            found, limits = by_hand(stretch, baseline)
            expected |= {(name, first + i): (rule, *limits) for i, rule in enumerate(found)}
        rows += [(name, period, value, baseline, rebases) for period, value in enumerate(values, 1)]
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            "create table many (series bigint, period bigint, value double, baseline_points integer, "
            "rebase_periods bigint[])"
        )
        connection.executemany("insert into many values (?, ?, ?, ?, ?)", rows)
        got = xmr(connection, "many").project("series, period, rule, mean, lower_limit, upper_limit").fetchall()
    assert len(got) == len(rows)
    for series, period, rule, *limits in got:
        wanted = expected[series, period]
        assert rule == wanted[0], (many[series], period)
        for mine, theirs in zip(limits, wanted[1:], strict=True):
            assert (mine is None) == (theirs is None)
            assert mine is None or mine == pytest.approx(float(theirs), rel=1e-9, abs=1e-9)
