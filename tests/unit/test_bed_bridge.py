"""The bridge of beds needed: the published example through the model, and what must hold of any round and run."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from assets.beds.bridge import _log_mean
from assets.beds.parameters import central
from assets.beds.results import bridges, by_year
from assets.beds.simulation import need_of
from llr_pipeline.bridges import log_mean
from tests.unit.bed_tables import (
    ACUTE,
    CHILD,
    COMMUNITY,
    ORDINARY,
    assumption,
    bed_round,
    drawn_of,
    occupancy,
    patients,
    planned,
    scheme,
    simulated,
    unit,
)
from tests.unit.test_bed_model import FIRST, move, stay

CLOSES = 1e-9
LEAP_FREE = {"base_year": "2016/17", "last_year": "2017/18"}


def growth(population=(1, 1, 1), non_demographic=(0, 0, 0)):
    return [
        *assumption("population_index", "all", list(population)),
        *assumption("non_demographic_growth", "all", list(non_demographic)),
    ]


def bar(result, factor, line=-1, site="ACU1", sector=ACUTE):
    return result.central_bars[factor, line][unit(result.inputs, site, sector)]


def assert_it_closes(inputs, scenario="plan", *, runs=3, seed=1):
    """Bars against needs worked out apart, in the central run and in each drawn one."""
    result = simulated(inputs, scenario, runs=runs, seed=seed)
    needs = [(result.central_bars, by_year(inputs, need_of(inputs, scenario, central(inputs)))[:, :, 0])]
    drawn = by_year(inputs, need_of(inputs, scenario, drawn_of(inputs, runs=runs, seed=seed)))
    needs += [({key: one[:, :, run] for key, one in result.bars.items()}, drawn[:, :, run]) for run in range(runs)]
    for bars, need in needs:
        for first, last in combinations(range(len(inputs.years)), 2):
            made = sum(one[:, first:last].sum(axis=1) for one in bars.values())
            # what a unit keeps of patients moved is known to the rounding of all that were moved, not of what is left
            largest = need[:, first : last + 1].max()
            assert (np.abs(made - (need[:, last] - need[:, first])) <= CLOSES * largest).all()


# by hand


def test_the_published_example_through_the_model():
    """100 beds x 1.10 (population) x 1.05 (other growth) x 0.80 (a fifth avoided): +9.164, +4.691, -21.455."""
    inputs = bed_round(
        [patients(spells=100 * 0.92 * 365 / 5.5)],
        schemes=[scheme(effect_share=0.2, start_date="2017-04-01")],
        assumptions=[*ORDINARY, *growth([0, 50, 55], [0, 0, 0.05])],
        **LEAP_FREE,
    )
    result = simulated(inputs)
    assert by_year(inputs, result.central_need)[0] == pytest.approx([100, 92.4], rel=1e-13)
    found = [bar(result, "population"), bar(result, "non_demographic_growth"), bar(result, "avoid_admission", 0)]
    assert np.ravel(found) == pytest.approx([9.164, 4.691, -21.455], abs=5e-4)
    assert np.sum(found) == pytest.approx(-7.6, rel=1e-12)


def test_a_target_and_a_leap_year_have_bars():
    """A calendar bar of 5,500 / 0.92 / 365 - 5,500 / 0.92 / 366, and then a target from 92% to 85%."""
    inputs = bed_round(assumptions=occupancy([0.92, 0.92, 0.85]))
    result = simulated(inputs)
    assert bar(result, "calendar") == pytest.approx([5_500 / 0.92 * (1 / 365 - 1 / 366), 0], abs=1e-12)
    assert bar(result, "occupancy_target") == pytest.approx([0, 5_500 / 365 * (1 / 0.85 - 1 / 0.92)], rel=1e-12)


def test_a_scheme_that_takes_everybody_is_one_bar_of_the_whole():
    """A factor of 0 is a removal bar: population growth in the same year has none."""
    inputs = bed_round(schemes=[scheme(effect_share=1.0)], assumptions=[*ORDINARY, *growth([1, 1.1, 1.2])])
    result = simulated(inputs)
    assert bar(result, "avoid_admission", 0) == pytest.approx([-5_500 / 366 / 0.92, 0], rel=1e-13)
    assert (bar(result, "population") == 0).all()
    assert (bar(result, "calendar") == 0).all()


def test_two_schemes_that_take_everybody_share_the_bar():
    inputs = bed_round(schemes=[scheme("A", effect_share=1.0), scheme("B", "day_case", effect_share=1.0)])
    result = simulated(inputs)
    for number, factor in enumerate(("avoid_admission", "day_case")):
        assert bar(result, factor, number) == pytest.approx([-5_500 / 366 / 0.92 / 2, 0], rel=1e-13)


def test_arrivals_are_bars_of_their_own():
    """In the second year 100 come to COM1 for 20 nights, at 85%: 2,000 / 365 / 0.85; in the third 110 of them."""
    inputs = bed_round(
        schemes=[move(effect_share=0.1)],
        assumptions=[*occupancy(0.92, ACUTE), *occupancy(0.85, COMMUNITY), *stay(20.0), *growth([1, 1, 1.1])],
    )
    result = simulated(inputs)
    found = bar(result, "arrivals", 0, "COM1", COMMUNITY)
    assert found == pytest.approx([2_000 / 365 / 0.85, 200 / 365 / 0.85], rel=1e-12)
    assert (bar(result, "arrivals", 0) == 0).all()
    assert bar(result, "move_setting", 0)[0] < 0


def test_an_age_band_that_is_gone_and_comes_back_is_a_matter_of_population():
    inputs = bed_round(assumptions=[*ORDINARY, *growth([1, 0, 1])])
    result = simulated(inputs)
    assert bar(result, "population") == pytest.approx([-5_500 / 366 / 0.92, 5_500 / 365 / 0.92], rel=1e-13)
    assert_it_closes(inputs)


def test_other_growth_that_ends_in_nothing_has_the_bar_of_it():
    """-100% a year: nobody is left, and the population has no part in it."""
    inputs = bed_round(assumptions=[*ORDINARY, *growth(non_demographic=[0, -1, 0])])
    result = simulated(inputs)
    assert bar(result, "non_demographic_growth") == pytest.approx([-5_500 / 366 / 0.92, 0], rel=1e-13)


@pytest.mark.parametrize("confidence", [0.99, 0.999])
def test_runs_that_leave_next_to_nobody_close_too(confidence):
    """The delivered share of a scheme for everybody comes within 1e-14 of 1 in some runs."""
    inputs = bed_round(schemes=[scheme(effect_share=1.0, confidence_share=confidence)], last_year="2016/17")
    assert_it_closes(inputs, runs=300)


def test_a_unit_without_a_target_has_no_bar():
    """Not a bar of 0: NaN, in each factor."""
    inputs = bed_round(
        [patients(), patients(sector=CHILD)],
        schemes=[scheme(from_sector=CHILD)],
        assumptions=[*occupancy(0.92, ACUTE), *growth([1, 1.1, 1.2])],
    )
    result = simulated(inputs)
    without, with_ = unit(inputs, sector=CHILD), unit(inputs)
    for key, one in result.central_bars.items():
        assert np.isnan(one[without]).all(), key
        assert not np.isnan(one[with_]).any(), key


def test_an_area_of_which_a_unit_has_no_target_has_no_bridge():
    """Bars that add up to a change without that unit's growth would not be the area's."""
    inputs = bed_round(
        [patients(), patients(sector=CHILD)], assumptions=[*occupancy(0.92, ACUTE), *growth([1, 1.1, 1.2])]
    )
    of_units, of_areas = bridges(simulated(inputs))
    assert set(of_units.sector) == {ACUTE}
    assert not len(of_areas)


# of any numbers

shares = st.one_of(st.sampled_from([0.0, 1.0, 0.5, 1 - 1e-9]), st.floats(0.01, 0.99))
confidences = st.one_of(st.sampled_from([0.0, 1.0, 0.99]), st.floats(0.05, 0.95))
some_schemes = st.lists(
    st.builds(
        lambda kind, share, days, confidence, months, age: {
            "mechanism": "move_setting" if kind.startswith("to_") else kind, "effect_share": share,
            "shortened_nights": 3 * share, "start_date": str(FIRST + timedelta(days)), "confidence_share": confidence,
            "phase_in_months": months, "from_age_band": age,
            **{"to_home": {"to_sector": "home"}, "to_community": {"to_site_code": "COM1", "to_sector": COMMUNITY},
               "to_site": {"to_site_code": "ACU2", "to_sector": ACUTE}}.get(kind, {}),
        },
        st.sampled_from(["avoid_admission", "shorten_stay", "day_case", "to_home", "to_community", "to_site"]),
        shares, st.integers(0, 500), confidences, st.one_of(st.just(0.0), st.floats(0.01, 30)),
        st.sampled_from([None, "65-74", "85+"]),
    ),
    max_size=5,
)  # fmt: skip
paths = st.lists(st.one_of(st.just(0.0), st.floats(0.5, 2)), min_size=3, max_size=3)


def random_round(lines, order, *, old, young, rates, targets, seasons):
    """A round of three units; the lines in this order on the sheet."""
    schemes = [{**scheme(f"S{n}", **lines[n]), "row_number": place} for place, n in enumerate(order, 5)]
    low, high = (np.array(rates) / 50 + move_by for move_by in (-0.05, 0.05))
    return bed_round(
        [patients(), patients(age="85+", nights=12.3), patients("COM1", COMMUNITY, nights=21.0, spells=300.0)],
        schemes=schemes,
        beds=planned(),
        assumptions=[
            *assumption("population_index", "65-74", young), *assumption("population_index", "85+", old),
            *assumption("non_demographic_growth", "all", list(np.array(rates) / 50), low=list(low), high=list(high)),
            *stay(20.0), *occupancy(targets),
            *[line for n, one in enumerate(seasons, 1) for line in assumption("season", f"Q{n}", one, subject="beds")],
        ],
    )  # fmt: skip


some_rounds = {
    "lines": some_schemes, "old": paths, "young": paths,
    "rates": st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    "targets": st.lists(st.floats(0.5, 1), min_size=3, max_size=3),
    "seasons": st.lists(st.floats(0.5, 2), min_size=4, max_size=4),
}  # fmt: skip


@given(**some_rounds)
@settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_bars_add_up_to_the_change_in_every_run_and_for_every_pair_of_years(lines, **numbers):
    assert_it_closes(random_round(lines, range(len(lines)), **numbers))


@given(random=st.randoms(use_true_random=False), **some_rounds)
@settings(deadline=None, max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_bars_do_not_depend_on_the_order_of_the_lines(random, lines, **numbers):
    orders = [list(range(len(lines))), random.sample(range(len(lines)), len(lines))]
    found = []
    for order in orders:
        inputs = random_round(lines, order, **numbers)
        codes = [line.row["scheme_code"] for line in inputs.lines if line.effect]
        bars = simulated(inputs).central_bars
        found.append({(factor, codes[line] if line >= 0 else None): one for (factor, line), one in bars.items()})
    assert set(found[0]) == set(found[1])
    for key, one in found[0].items():
        assert one == pytest.approx(found[1][key], rel=1e-9, abs=1e-9)


def test_rows_of_every_pair_of_years_add_up_to_the_change_by_unit_and_area():
    inputs = random_round(
        [{"effect_share": 0.3, "confidence_share": 0.6, "phase_in_months": 9.0}],
        [0], old=[1, 1.1, 1.3], young=[1, 1.02, 0.97], rates=[0, 0.6, 0.4], targets=[0.92, 0.9, 0.85],
        seasons=[1, 0.9, 1, 1.1],
    )  # fmt: skip
    result = simulated(inputs, runs=20)
    of_units, of_areas = bridges(result)
    need = by_year(inputs, result.central_need)
    for (first, last), rows in of_units.groupby(["from_year", "to_year"]):
        ends = inputs.years.index(first), inputs.years.index(last)
        for site, one in rows.groupby("site_code"):
            n = [unit.site_code for unit in inputs.units].index(site)
            assert one.change_beds.sum() == pytest.approx(need[n, ends[1]] - need[n, ends[0]], rel=1e-9)
    both = of_areas[(of_areas.area == "system") & (of_areas.bed_definition == "stp_acute_and_community")]
    whole = both[(both.from_year == "2015/16") & (both.to_year == "2017/18")].change_beds.sum()
    assert whole == pytest.approx(need[:, 2].sum() - need[:, 0].sum(), rel=1e-9)
    assert len(of_units.groupby(["from_year", "to_year"])) == 3


@given(st.floats(1e-6, 1e6), st.floats(1e-12, 1e6))
def test_the_quick_logarithmic_mean_is_the_exact_one(before, ratio):
    """`bridges.log_mean` loses no digit anywhere; the one for whole arrays is held against it."""
    after = before * ratio
    found = _log_mean(np.array([before]), np.array([after]))[0]
    assert found == pytest.approx(log_mean(before, after), rel=1e-9)
