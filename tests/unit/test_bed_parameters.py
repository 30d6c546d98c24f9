"""Drawn parameters: their means, spread and correlation against theory, within five standard errors."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest
from scipy.special import betainc, ndtri

from assets.beds.parameters import central, drawn, in_force
from tests.unit.bed_tables import ORDINARY, assumption, bed_round, drawn_of, patients, scenario, scheme

RUNS = 4_000


def within_five_errors(values, mean, sd):
    return abs(np.mean(values) - mean) <= 5 * sd / math.sqrt(len(values))


def ranged(parameter, code, low, high, **more):
    return assumption(parameter, code, (np.array(low) + high) / 2, low=low, high=high, **more)


def growth_round(*lines, **more):
    return bed_round([patients(), patients(pod="elective_ordinary")], assumptions=[*ORDINARY, *lines], **more)


# assumptions with a range


def test_a_range_is_the_tenth_and_ninetieth_percentile_of_a_normal():
    """-0.45% to 0.17%: mean -0.14%, standard deviation 0.62% / 2.563103."""
    lines = ranged("non_demographic_growth", "all", [-0.0045] * 3, [0.0017] * 3)
    found = drawn_of(growth_round(*lines), runs=RUNS).growth.non_demographic
    rate, sd = found[0, 1] - 1, 0.0062 / 2.563103
    assert within_five_errors(rate, -0.0014, sd)
    assert within_five_errors((rate + 0.0014) ** 2, sd**2, math.sqrt(2) * sd**2)
    assert found[0, 2] == pytest.approx((1 + rate) ** 2, rel=1e-14)
    assert (found[:, 0] == 1).all()


def test_an_assumption_for_all_is_one_draw_that_all_share():
    """One line of the return is one uncertain number, and not one for each point of delivery."""
    found = drawn_of(growth_round(*ranged("non_demographic_growth", "all", [0.0] * 3, [0.02] * 3)), runs=50)
    assert (found.growth.non_demographic[0] == found.growth.non_demographic[1]).all()


def test_assumptions_apart_are_drawn_apart():
    lines = [
        ranged("non_demographic_growth", code, [0.0] * 3, [0.02] * 3) for code in ("non_elective", "elective_ordinary")
    ]
    found = drawn_of(growth_round(*lines[0], *lines[1]), runs=RUNS).growth.non_demographic[:, 1]
    assert abs(np.corrcoef(found)[0, 1]) <= 5 / math.sqrt(RUNS)


def test_an_index_is_one_in_the_base_year_of_every_run():
    inputs = growth_round(*ranged("population_index", "65-74", [98.0, 99.0, 100.0], [102.0, 105.0, 110.0]))
    found = drawn_of(inputs, runs=50).growth.population
    assert (found[:, 0] == 1).all()
    assert found[0, 1].std() > 0


def test_without_a_range_every_run_is_the_central_one():
    inputs = growth_round(*assumption("non_demographic_growth", "all", 0.01), schemes=[scheme()])
    one, (many, values, clamped) = central(inputs), drawn(inputs, runs=5, seed=1)
    assert (many.growth.non_demographic == one.growth.non_demographic).all()
    assert (many.delivered == 1).all()
    assert (many.slip_months == 0).all()
    assert (values, clamped) == ({}, {})


def test_a_value_below_its_valid_range_is_moved_there_and_the_share_is_reported():
    """A stay from -2 to 2: half of the runs are below 0."""
    lines = ranged("destination_stay", "adult_general_acute", [-2.0] * 3, [2.0] * 3, subject="beds")
    found, _, clamped = drawn(growth_round(*lines), runs=RUNS, seed=1)
    assert (found.stays >= 0).all()
    share = clamped["destination_stay", "adult_general_acute"]
    assert abs(share - 0.5) <= 5 * 0.5 / math.sqrt(RUNS)


def test_the_share_of_slips_moved_to_0_is_reported():
    """From -6 to 6 months: half of the runs would start before the plan says."""
    late = ranged("slip_months", "all", [-6.0] * 3, [6.0] * 3, subject="schemes")
    found, _, clamped = drawn(growth_round(*late, schemes=[scheme()]), runs=RUNS, seed=1)
    assert clamped["slip_months", "SCH01"] == pytest.approx((found.slip_months == 0).mean(), abs=1e-12)


def test_the_same_seed_gives_the_same_and_fewer_runs_the_first_of_them():
    late = ranged("slip_months", "all", [0.0] * 3, [6.0] * 3, subject="schemes")
    lines = [*late, *ranged("non_demographic_growth", "all", [0.0] * 3, [0.02] * 3)]
    inputs = growth_round(*lines, schemes=[scheme(confidence_share=0.7)])
    some, more, other = (drawn_of(inputs, runs=runs, seed=seed) for runs, seed in ((50, 1), (100, 1), (100, 2)))
    for name in ("delivered", "slip_months", "stays", "contacts"):
        assert np.array_equal(getattr(some, name), getattr(more, name)[..., :50], equal_nan=True)
    assert (some.growth.non_demographic == more.growth.non_demographic[..., :50]).all()
    assert not (more.delivered == other.delivered).any()
    assert (more.growth.non_demographic[:, 1:] != other.growth.non_demographic[:, 1:]).all()


# schemes


def test_the_share_delivered_has_the_senders_confidence_as_mean():
    """A beta of 12 x 0.7 and 12 x 0.3: variance 0.7 x 0.3 / 13."""
    found = drawn_of(bed_round(schemes=[scheme(confidence_share=0.7)]), runs=RUNS).delivered[0]
    assert within_five_errors(found, 0.7, math.sqrt(0.21 / 13))
    assert ((found >= 0) & (found <= 1)).all()
    errors = np.std((found - 0.7) ** 2) / math.sqrt(RUNS)
    assert abs(np.mean((found - 0.7) ** 2) - 0.21 / 13) <= 5 * errors


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8])
def test_schemes_are_correlated_by_a_gaussian_copula(correlation):
    """Their shares back as normal scores have the given correlation, of which the error is (1 - r^2) / sqrt(runs)."""
    lines = assumption("delivery_correlation", "all", correlation, subject="schemes")
    late = ranged("slip_months", "all", [10.0] * 3, [20.0] * 3, subject="schemes")
    schemes = [scheme("A", confidence_share=0.7), scheme("B", confidence_share=0.4, start_date="2016-10-01")]
    found = drawn_of(bed_round(schemes=schemes, assumptions=[*lines, *late]), runs=RUNS)
    scores = [ndtri(betainc(12 * p, 12 * (1 - p), share)) for p, share in zip((0.7, 0.4), found.delivered, strict=True)]
    for one in (scores, found.slip_months):
        assert abs(np.corrcoef(one)[0, 1] - correlation) <= 5 * (1 - correlation**2) / math.sqrt(RUNS)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_a_certain_scheme_is_not_drawn(confidence):
    found, values, _ = drawn(bed_round(schemes=[scheme(confidence_share=confidence)]), runs=5, seed=1)
    assert (found.delivered == confidence).all()
    assert values == {}


def test_what_moves_with_a_building_comes_whole_and_what_else_its_scheme_does_is_uncertain():
    inputs = bed_round(
        schemes=[
            scheme("A", "move_setting", to_sector="home", confidence_share=0.5),
            scheme("A", "close", confidence_share=0.5),
            scheme("A", "avoid_admission", confidence_share=0.5),
        ],
        scenarios=[scenario("part", delivered=0.8), scenario("none", delivered=0.0)],
    )
    found = drawn_of(inputs, runs=5)
    moves = [line.timing for line in inputs.lines if line.row["mechanism"] == "move_setting"]
    others = [line.timing for line in inputs.lines if line.row["mechanism"] == "avoid_admission"]
    for code, share in (("plan", 1), ("part", 1), ("none", 0)):
        assert (in_force(inputs, code, found)[moves, 4:] == share).all()
    assert (in_force(inputs, "plan", found)[others, 4:] < 1).all()


def test_slip_is_late_by_so_many_months_in_each_run():
    """Between 3 and 9 months: mean 6, and never early."""
    late = ranged("slip_months", "all", [3.0] * 3, [9.0] * 3, subject="schemes")
    inputs = bed_round(schemes=[scheme()], assumptions=late)
    found = drawn_of(inputs, runs=RUNS)
    assert within_five_errors(found.slip_months[0], 6, 6 / 2.563103)
    assert (found.slip_months >= 0).all()
    run = int(np.argmin(np.abs(found.slip_months[0] - 6)))
    days_late = found.slip_months[0, run] * 365.25 / 12
    begins = date(2016, 4, 1).toordinal() + days_late
    expected = np.clip([(day + 91 - begins) / 91 for day in (date(2016, 9, 30).toordinal(),)], 0, 1)
    assert in_force(inputs, "plan", found)[0, 6, run] == pytest.approx(expected[0], abs=0.03)


# in force


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        ("2016-04-01", 6, [0, 0, 1, 1]),
        ("2016-04-01", 0, [1, 1, 1, 1]),
        ("2016-08-31", 6, [0, 0, 0, 32 / 90]),
        ("2016-10-01", -6, [1, 1, 1, 1]),
        ("2016-04-01", 4.5, [0, (61 - 365.25 / 24) / 92, 1, 1]),
    ],
)
def test_a_scenario_moves_the_start_by_whole_months(start, months, expected):
    """The 31st of August and six months are the 28th of February; half a month is half of a twelfth of 365.25 days."""
    inputs = bed_round(schemes=[scheme(start_date=start)], scenarios=[scenario("late", months=months)])
    assert in_force(inputs, "late", central(inputs))[0, 4:8, 0] == pytest.approx(expected, rel=1e-12)


def test_a_share_delivered_scales_what_is_in_force():
    inputs = bed_round(schemes=[scheme(confidence_share=0.6)], scenarios=[scenario("part", delivered=0.8)])
    found = drawn_of(inputs, runs=5)
    assert in_force(inputs, "part", central(inputs))[0, 4:, 0] == pytest.approx([0.8] * 8)
    assert in_force(inputs, "part", found)[0, 4] == pytest.approx(0.8 * found.delivered[0])
