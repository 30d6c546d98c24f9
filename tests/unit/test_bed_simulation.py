"""Simulated runs: the same whoever computes them, and counts as theory has them, within five standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import assets.beds.simulation
from assets.beds.simulation import need_of
from llr_pipeline.assumptions import runs_and_seed
from tests.unit.bed_tables import (
    ACUTE,
    COMMUNITY,
    ORDINARY,
    assumption,
    bed_round,
    drawn_of,
    patients,
    scheme,
    simulated,
    unit,
)
from tests.unit.test_bed_model import move, stay

RUNS = 2_000


def full_round():
    """Every kind of scheme, growth with ranges, uncertain delivery and slip."""
    return bed_round(
        [
            patients(),
            patients(age="85+", nights=12.3, pod="elective_ordinary"),
            patients("COM1", COMMUNITY, nights=20.0),
        ],
        schemes=[
            scheme("A", effect_share=0.1, confidence_share=0.7, phase_in_months=9),
            scheme("B", "shorten_stay", confidence_share=0.6),
            scheme("C", "day_case", effect_share=0.05, from_age_band="85+"),
            move("D", effect_share=0.2, confidence_share=0.9),
            move("E", "ACU2", ACUTE, effect_share=1.0, start_date="2017-10-01"),
            scheme("E", "close", start_date="2017-10-01", claims=[0, 0, -10]),
        ],
        assumptions=[
            *ORDINARY, *assumption("non_demographic_growth", "all", 0.01, low=0.0, high=0.02), *stay(20.0),
            *assumption("slip_months", "all", 3.0, low=0.0, high=6.0, subject="schemes"),
        ],
    )  # fmt: skip


def same(one, other, runs=None):
    assert np.array_equal(one.census[..., :runs], other.census[..., :runs])
    assert one.bars.keys() == other.bars.keys()
    for key, bar in one.bars.items():
        assert np.array_equal(bar[..., :runs], other.bars[key][..., :runs]), key


# the same numbers


def test_the_same_seed_gives_the_same_bits_and_another_others():
    inputs = full_round()
    one, again, other = (simulated(inputs, runs=20, seed=seed) for seed in (1, 1, 2))
    same(one, again)
    assert (one.census[unit(inputs), 4:10] != other.census[unit(inputs), 4:10]).any(axis=1).all()


def test_neither_workers_nor_blocks_change_a_run(monkeypatch):
    inputs = full_round()
    whole = simulated(inputs, runs=30)
    same(whole, simulated(inputs, runs=30, workers=2))
    for values in (1, 12 * len(inputs.cells.unit) * 7):
        monkeypatch.setattr(assets.beds.simulation, "BLOCK_VALUES", values)
        same(whole, simulated(inputs, runs=30, workers=2))


def test_fifty_runs_are_the_first_of_a_hundred():
    inputs = full_round()
    same(simulated(inputs, runs=50), simulated(inputs, runs=100), runs=50)


def test_scenarios_have_chance_of_their_own():
    inputs, n = full_round(), 0
    found = []
    for code in ("do_nothing", "plan"):
        expected = need_of(inputs, code, drawn_of(inputs, runs=20))
        n = unit(inputs, "COM1", COMMUNITY)
        found.append(simulated(inputs, code, runs=20).need[n, -1] / expected[n, -1])
    assert (found[0] != found[1]).all()


def test_parts_of_the_cells_have_the_bars_of_the_whole(monkeypatch):
    inputs = full_round()
    whole = simulated(inputs, runs=5)
    monkeypatch.setattr(assets.beds.simulation, "PART_CELLS", 1)
    in_parts = simulated(inputs, runs=5)
    for key, bar in whole.bars.items():
        assert in_parts.bars[key] == pytest.approx(bar, rel=1e-9, abs=1e-9), key


def test_the_base_year_is_known():
    result = simulated(full_round(), runs=20)
    assert (result.census[:, :4] == result.central_census[:, :4, None]).all()


# counts


def counts_of(inputs, site="ACU1", sector=ACUTE):
    """Nights of the last year, in each run: (run,)."""
    beds = simulated(inputs, runs=RUNS).census[unit(inputs, site, sector), -4:]
    assert np.allclose(beds, beds[0])
    return beds[0] * 365


def assert_mean_and_variance(values, mean, variance, fourth=None):
    """`fourth`: the fourth central moment; that of a normal is near enough for large counts."""
    errors = math.sqrt(variance / RUNS), math.sqrt(((fourth or 3 * variance**2) - variance**2) / RUNS)
    assert abs(values.mean() - mean) <= 5 * errors[0]
    assert abs(values.var() - variance) <= 5 * errors[1]


@pytest.mark.parametrize("spells", [0.7, 9.0, 4_000.0])
def test_spells_of_a_year_are_poisson(spells):
    """Mean and variance the number itself; the fourth moment is 3 of its squares and itself."""
    found = counts_of(bed_round([patients(spells=spells, nights=5.5)])) / 5.5
    assert_mean_and_variance(found, spells, spells, 3 * spells**2 + spells)
    assert found == pytest.approx(np.round(found), abs=1e-6)


def test_avoided_spells_leave_a_poisson_of_those_left():
    found = counts_of(bed_round([patients(spells=20.0)], schemes=[scheme(effect_share=0.4)])) / 5.5
    assert_mean_and_variance(found, 12, 12, 3 * 12**2 + 12)


def test_nights_cut_are_a_binomial_of_the_nights_there_were():
    """400 spells of 4 nights, of which each stays with 0.75: the mean is 1,200, the variance 400 (4 x 0.75)^2 of the
    spells and 1,600 x 0.75 x 0.25 of the nights.
    """
    inputs = bed_round([patients(spells=400.0, nights=4.0)], schemes=[scheme(mechanism="shorten_stay")])
    assert_mean_and_variance(counts_of(inputs), 1_200, 400 * 9 + 1_600 * 0.75 * 0.25)


@pytest.mark.parametrize(("spells", "nights"), [(1.0, 0.4), (2.0, 5.5), (0.5, 2.5)])
def test_small_cells_with_stays_of_part_nights_are_not_biased(spells, nights):
    """100 of them; a tenth of each stay is cut. Nights are whole, the mean stay is not: the mean must not show it."""
    inputs = bed_round(
        [patients(spells=spells, nights=nights, age=str(n)) for n in range(100)],
        schemes=[scheme(mechanism="shorten_stay", shortened_nights=nights / 10)],
    )
    found = counts_of(inputs)
    assert abs(found.mean() - 100 * spells * nights * 0.9) <= 5 * found.std() / math.sqrt(RUNS)


def test_moved_spells_are_a_poisson_of_their_own():
    """A tenth of 90 go to COM1 for 20 nights: 9 on average."""
    inputs = bed_round([patients(spells=90.0)], schemes=[move(effect_share=0.1)], assumptions=stay(20.0))
    assert_mean_and_variance(counts_of(inputs, "COM1", COMMUNITY) / 20, 9, 9, 3 * 9**2 + 9)
    assert_mean_and_variance(counts_of(inputs) / 5.5, 81, 81)


def test_cells_and_years_have_chance_of_their_own():
    inputs = bed_round([patients(), patients("ACU2")])
    census = simulated(inputs, runs=RUNS).census
    for one, other in ((census[0, 4], census[1, 4]), (census[0, 4], census[0, 8])):
        assert abs(np.corrcoef(one, other)[0, 1]) <= 5 / math.sqrt(RUNS)
    assert np.corrcoef(census[0, 4], census[0, 7])[0, 1] == pytest.approx(1)


def test_the_mean_of_runs_is_the_central_one_where_nothing_is_uncertain():
    inputs = bed_round(
        [patients(), patients(age="85+", nights=12.3)],
        schemes=[scheme("A", effect_share=0.1), scheme("B", "shorten_stay"), move("M", effect_share=0.2)],
        assumptions=[*ORDINARY, *stay(20.0), *assumption("population_index", "all", [1, 1.1, 1.2])],
    )
    result = simulated(inputs, runs=RUNS)
    errors = result.census.std(axis=2) / math.sqrt(RUNS)
    assert (np.abs(result.census.mean(axis=2) - result.central_census) <= 5 * errors + 1e-9).all()
    for key, bar in result.bars.items():
        assert bar == pytest.approx(np.repeat(result.central_bars[key][:, :, None], RUNS, axis=2), abs=1e-9), key


def test_settings_are_those_of_the_assumptions():
    lines = [
        *assumption("runs", "beds", 250, subject="simulation"),
        *assumption("seed", "all", 7, subject="simulation"),
    ]
    assert runs_and_seed(bed_round(assumptions=lines).assumptions, "beds") == (250, 7)
    assert runs_and_seed(bed_round().assumptions, "beds") == (1_000, 2_016)
