"""Beds needed: sums by hand, and a loop over patients in plain Python beside the arrays."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from assets.beds.model import ALMOST_ALL, STEPS
from assets.beds.parameters import central
from assets.beds.results import transfers
from llr_pipeline.scenarios import phased
from tests.unit.bed_tables import (
    ACUTE,
    CHILD,
    COMMUNITY,
    ORDINARY,
    assumption,
    bed_round,
    of_years,
    patients,
    scheme,
    simulated,
    unit,
)

FIRST = date(2016, 4, 1)  # the first day after the base year
QUARTERS = [date(year, month, 1) for year in range(2015, 2019) for month in (1, 4, 7, 10)][1:14]
REACH = {"avoid_admission": 0, "day_case": 1, "move_setting": 2, "move_site": 3}


def move(code="M", to_site="COM1", to_sector=COMMUNITY, **changes):
    return scheme(code, "move_setting", to_site_code=to_site, to_sector=to_sector, **changes)


def stay(nights, sector=COMMUNITY):
    return assumption("destination_stay", sector, nights, subject="beds")


def census_of(inputs, site="ACU1", sector=ACUTE):
    return simulated(inputs).central_census[unit(inputs, site, sector)]


# exactness


def test_beds_of_a_year_by_hand():
    """100,000 spells of 5.5 nights at 92%: 550,000 / (365 x 0.92) = 1,637.88, and 1,633.40 in a leap year."""
    inputs = bed_round([patients(spells=100_000)])
    found = of_years(inputs, simulated(inputs).central_need[0])
    for beds, days, rounded in zip(found, (366, 365, 365), (1_634, 1_638, 1_638), strict=True):
        assert beds == pytest.approx(float(Fraction(550_000 * 100, days * 92)), rel=1e-14)
        assert math.ceil(beds) == rounded


def test_sixty_units_are_rounded_once_together():
    """60 cells of 38.6 beds need 2,316 beds; each rounded up they would be 2,340."""
    one = 38.6 * 366 * 0.92 / 5.5
    inputs = bed_round([patients(spells=one, age=str(n)) for n in range(60)])
    assert math.ceil(simulated(inputs).central_need[:, 0].sum() - 1e-9) == 2_316


@given(st.lists(st.floats(0.01, 10), min_size=4, max_size=4), st.sampled_from(["2016/17", "2017/18", "2019/20"]))
@settings(deadline=None, max_examples=15)
def test_seasonal_factors_average_one_over_the_days_of_every_year(factors, last_year):
    lines = [line for n, one in enumerate(factors, 1) for line in assumption("season", f"Q{n}", one, subject="beds")]
    inputs = bed_round(assumptions=[*ORDINARY, *lines], last_year=last_year)
    assert of_years(inputs, inputs.calendar.season) == pytest.approx(np.ones(len(inputs.years)), rel=1e-14)
    beds = simulated(inputs).central_census[0]
    assert of_years(inputs, beds) == pytest.approx(5_500 / inputs.calendar.days_in_year[::4], rel=1e-12)
    assert beds[1] / beds[0] == pytest.approx(factors[1] / factors[0], rel=1e-12)


# phase-in


def in_force_by_hand(start: date, months: float, first: date, after: date) -> float:
    """Sixteen moments of each day, in the middle of its sixteenths: a month is 30 days and 7 sixteenths."""
    moments = [day + Fraction(2 * n + 1, 32) for day in range((after - first).days) for n in range(16)]
    gone = [Fraction((first - start).days) + moment for moment in moments]
    rise = Fraction(487, 16) * Fraction(months)
    return float(sum((min(max(one / rise, 0), 1) if rise else one > 0) for one in gone) / len(gone))


@pytest.mark.parametrize(
    ("start", "months"),
    [(FIRST, 0), (date(2016, 5, 17), 0), (FIRST, 12), (date(2016, 8, 30), 5), (date(2014, 1, 1), 24), (FIRST, 7)],
)
def test_phase_in_is_the_mean_over_the_days_of_a_quarter(start, months):
    begins = np.array([day.toordinal() for day in QUARTERS[:-1]], dtype=float)
    days = np.array([(after - first).days for first, after in pairwise(QUARTERS)], dtype=float)
    found = phased(begins, days, np.array([float(start.toordinal())]), months)[:, 0]
    expected = [in_force_by_hand(start, months, first, after) for first, after in pairwise(QUARTERS)]
    assert found == pytest.approx(expected, abs=1e-12)


@given(st.one_of(st.just(0), st.floats(0.01, 60)), st.floats(-400, 800))
@settings(deadline=None)
def test_phase_in_is_a_share_and_never_falls(months, day):
    begins = np.array([day.toordinal() for day in QUARTERS[:-1]], dtype=float)
    found = phased(begins, np.diff([day.toordinal() for day in QUARTERS]), np.array([begins[4] + day]), months)[:, 0]
    assert found.min() >= 0
    assert found.max() <= 1
    assert (np.diff(found) >= -1e-12).all()


def test_a_scheme_that_takes_everybody_leaves_nobody_however_it_comes_in():
    """2.3 months are 70.00625 days, which no double is: the share in force must still be 1 afterwards, not above it."""
    inputs = bed_round([patients()], schemes=[scheme(effect_share=1.0, phase_in_months=2.3)])
    assert (census_of(inputs)[5:] == 0).all()


# growth


def test_growth_compounds_population_health_status_and_non_demographic_growth():
    """1.10 x 0.98 x (1.02 x 1.03) in the second year."""
    inputs = bed_round(
        assumptions=[
            *ORDINARY,
            *assumption("population_index", "65-74", [1, 1.05, 1.10]),
            *assumption("health_status_factor", "65-74", [1, 0.99, 0.98]),
            *assumption("non_demographic_growth", "non_elective", [0.5, 0.02, 0.03]),
        ]
    )
    found = census_of(inputs)
    expected = [5_500 / 366, 5_500 / 365 * 1.05 * 0.99 * 1.02, 5_500 / 365 * 1.10 * 0.98 * 1.02 * 1.03]
    assert found[[0, 4, 8]] == pytest.approx(expected, rel=1e-14)


def test_an_index_is_rebased_on_the_base_year():
    inputs = bed_round(assumptions=[*ORDINARY, *assumption("population_index", "65-74", [80, 88, 96])])
    assert census_of(inputs)[[0, 4, 8]] * [366, 365, 365] / 5_500 == pytest.approx([1, 1.1, 1.2], rel=1e-14)


def test_growth_without_an_assumption_is_one():
    inputs = bed_round(assumptions=[])
    assert census_of(inputs)[[0, 4, 8]] * [366, 365, 365] == pytest.approx([5_500] * 3, rel=1e-14)


def test_an_age_band_has_its_own_growth_and_others_have_that_of_all():
    inputs = bed_round(
        [patients(), patients(age="85+")],
        assumptions=[
            *assumption("population_index", "all", [1, 1.1, 1.2]),
            *assumption("population_index", "85+", [1, 1.5, 2.0]),
        ],
    )
    assert census_of(inputs)[8] * 365 == pytest.approx(5_500 * (1.2 + 2.0), rel=1e-14)


# schemes on one group


def test_effects_multiply_and_a_spell_avoided_cannot_be_shortened():
    """A tenth avoided, then a fifth: 0.9 x 0.8 stay; of 5.5 nights 1 is cut for half of them, and 2.2 for all:
    5.5 x (1 - 0.5/5.5) x (1 - 2.2/5.5) = 3 nights.
    """
    inputs = bed_round(
        schemes=[
            scheme("A", effect_share=0.1),
            scheme("B", effect_share=0.4, cover_share=0.5),
            scheme("C", "shorten_stay", cover_share=0.5),
            scheme("D", "shorten_stay", shortened_nights=2.2),
        ]
    )
    assert census_of(inputs)[4] == pytest.approx(1_000 * 0.72 * 3 / 365, rel=1e-14)


def test_a_patient_meets_the_schemes_in_their_order():
    """1,000: half avoided; of 500 a tenth day cases, 50; of 450 a fifth to another setting, 90; of 360 a quarter to
    another site, 90, who take their 5.5 nights with them; 270 stay.
    """
    inputs = bed_round(
        [patients(), patients("ACU2", spells=1.0)],
        schemes=[
            move("S", "ACU2", ACUTE, effect_share=0.25),
            move("M", effect_share=0.2),
            scheme("D", "day_case", effect_share=0.1),
            scheme("A", effect_share=0.5),
        ],
        assumptions=stay(20.0),
    )
    assert census_of(inputs)[4] * 365 == pytest.approx(270 * 5.5, rel=1e-14)
    assert census_of(inputs, "COM1", COMMUNITY)[4] * 365 == pytest.approx(90 * 20, rel=1e-14)
    assert census_of(inputs, "ACU2")[4] * 365 == pytest.approx(5.5 + 90 * 5.5, rel=1e-14)
    found = {moved.line: moved.spells[0, 4, 0] for moved in simulated(inputs).central.moved}
    assert sorted(found.values()) == pytest.approx([50, 90, 90], rel=1e-13)


def test_more_nights_than_the_stay_has_cannot_be_cut():
    inputs = bed_round(schemes=[scheme("C", "shorten_stay", shortened_nights=7.0)])
    assert (census_of(inputs)[4:] == 0).all()
    assert "longer_than_the_stay" in {doubt.kind for doubt in inputs.doubts}


# moves


def test_a_site_that_opens_in_the_middle_of_a_year_gets_its_patients_then():
    """ACU2 has nobody in the base year. From 1 October 2016 all of ACU1's move there, with stays of 5.5 nights."""
    inputs = bed_round(schemes=[move("S", "ACU2", ACUTE, effect_share=1.0, start_date="2016-10-01")])
    beds = 5_500 / 365
    assert census_of(inputs, "ACU2") == pytest.approx([0] * 6 + [beds] * 6, rel=1e-14)
    assert census_of(inputs) == pytest.approx([5_500 / 366] * 4 + [beds] * 2 + [0] * 6, rel=1e-14)


def test_two_moves_of_everybody_share_them_equally():
    inputs = bed_round(schemes=[move("A", effect_share=1.0), move("B", None, "home", effect_share=1.0)])
    spells = [moved.spells[0, 4, 0] for moved in simulated(inputs).central.moved]
    assert spells == pytest.approx([500, 500], rel=1e-12)


def test_a_move_of_everybody_beside_one_of_some_leaves_nobody_and_loses_nobody():
    inputs = bed_round(schemes=[move("A", effect_share=0.3), move("B", None, "home", effect_share=1.0)])
    result = simulated(inputs)
    assert (result.central.kept[:, 4:] == 0).all()
    assert sum(moved.spells[0, 4, 0] for moved in result.central.moved) == pytest.approx(1_000, rel=1e-12)


def test_a_stay_at_another_site_is_ones_own_and_in_another_sector_that_sectors():
    """100 patients of 5.5 nights, of which a fifth are cut to 4.4: the move to ACU2 brings 4.4, that to COM1 20."""
    inputs = bed_round(
        schemes=[
            scheme("C", "shorten_stay", shortened_nights=1.1),
            move("M", effect_share=0.1),
            move("S", "ACU2", ACUTE, effect_share=0.1),
        ],
        assumptions=stay([30.0, 20.0, 10.0]),
    )
    assert census_of(inputs, "COM1", COMMUNITY)[[4, 8]] * 365 == pytest.approx([2_000, 1_000], rel=1e-14)
    assert census_of(inputs, "ACU2")[4] * 365 == pytest.approx(90 * 4.4, rel=1e-14)


def test_the_ledger_of_moves_by_hand():
    """250 of 1,000 a year go home from 1 April 2016, with 12 contacts each; 75 to COM1 for 20 nights; 67.5 nowhere."""
    inputs = bed_round(
        schemes=[
            scheme("H", "move_setting", effect_share=0.25, to_sector="home"),
            move("S", "ACU2", ACUTE, effect_share=0.1),
            scheme("N", "move_setting", effect_share=0.0, cover_share=1.0),
        ],
        assumptions=assumption("contacts_per_moved_spell", "home", 12.0, subject="beds"),
    )
    found = transfers(simulated(inputs), central(inputs).contacts).set_index(["scheme_code", "quarter"])
    home, site = found.loc[("H", "2016/17 Q1")], found.loc[("S", "2016/17 Q1")]
    assert home.moved_spells == home.arrived_spells == pytest.approx(250 * 91 / 365, rel=1e-13)
    assert home.home_contacts == pytest.approx(12 * 250 * 91 / 365, rel=1e-13)
    assert (home.left_beds, home.released_beds) == pytest.approx([250 * 5.5 / 365] * 2, rel=1e-13)
    assert site.moved_spells == pytest.approx(75 * 91 / 365, rel=1e-13)
    assert site.left_beds == site.arriving_beds == pytest.approx(75 * 5.5 / 365, rel=1e-13)
    assert (site.released_beds, site.home_contacts) == (0, 0)


# against a loop

shares = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0.01, 0.99))
scheme_lines = st.builds(
    lambda kind, share, days, age, pod, nights: {
        "scheme_code": f"{kind}{share}{days}", "mechanism": "move_setting" if kind.startswith("to_") else kind,
        "effect_share": share, "shortened_nights": nights, "start_date": str(FIRST + timedelta(days)),
        "from_age_band": age, "from_point_of_delivery": pod,
        **{"to_home": {"to_sector": "home"}, "to_community": {"to_site_code": "COM1", "to_sector": COMMUNITY},
           "to_site": {"to_site_code": "ACU2", "to_sector": ACUTE}}.get(kind, {}),
    },
    st.sampled_from(
        ["avoid_admission", "shorten_stay", "day_case", "to_home", "to_community", "to_site", "move_setting"]
    ),
    shares, st.integers(0, 500), st.sampled_from([None, "65-74", "85+"]),
    st.sampled_from([None, "non_elective", "elective_ordinary"]), st.floats(0.1, 8),
)  # fmt: skip
groups = [(age, pod) for age in ("65-74", "85+") for pod in ("non_elective", "elective_ordinary")]
GROWTH = {"65-74": [1, 1.02, 1.05], "85+": [1, 1.07, 1.2]}


def beds_by_hand(cells, lines, per_stay):
    """Beds by site and quarter, and spells by line and quarter: one patient group, quarter and line after another."""
    beds, moved = defaultdict(float), defaultdict(float)
    for number, (first, after) in enumerate(pairwise(QUARTERS)):
        year, days = number // 4, 366 if number < 4 else 365
        for cell in cells:
            reaching = [
                (n, line, line["effect_share"] * days_in_force(line["start_date"], first, after) / (after - first).days)
                for n, line in enumerate(lines)
                if line["from_age_band"] in (None, cell["age_band"])
                and line["from_point_of_delivery"] in (None, cell["point_of_delivery"])
            ]  # fmt: skip
            spells, nights = cell["spells"] * GROWTH[cell["age_band"]][year], cell["stay_nights"]
            for _, line, share in reaching:
                if line["mechanism"] == "shorten_stay" and line["effect_share"]:
                    in_force = share / line["effect_share"]
                    nights *= 1 - min(line["shortened_nights"] / cell["stay_nights"], 1) * in_force
            for step in STEPS:
                here = [one for one in reaching if step_of(one[1]) == step and one[2] > 0]
                left = spells * math.prod(1 - share for *_, share in here)
                total = sum(math.log1p(-min(share, ALMOST_ALL)) for *_, share in here)
                for n, line, share in here:
                    part = (spells - left) * math.log1p(-min(share, ALMOST_ALL)) / total
                    moved[n, number] += part
                    own_stay = per_stay if line.get("to_sector") == COMMUNITY else nights
                    beds[line.get("to_site_code"), number] += part * own_stay / days
                spells = left
            beds["ACU1", number] += spells * nights / days
    return beds, moved


@cache
def days_in_force(start, first, after):
    return sum(first + timedelta(day) >= date.fromisoformat(start) for day in range((after - first).days))


def step_of(line):
    if line["mechanism"] == "move_setting" and line.get("to_site_code") == "ACU2":
        return "move_site"
    return line["mechanism"]


@given(
    st.lists(st.tuples(st.floats(1, 5_000), st.floats(0.2, 30)), min_size=4, max_size=4),
    st.lists(scheme_lines, max_size=6),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=20, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_beds_and_moves_are_those_of_a_loop_over_patients_in_any_order_of_the_lines(figures, lines, random):
    activity = [
        patients(spells=spells, nights=nights, age=age, pod=pod)
        for (spells, nights), (age, pod) in zip(figures, groups, strict=True)
    ]
    lines = [scheme(**{"code": line.pop("scheme_code"), **line}) for line in map(dict, lines)]
    for line in lines:  # a share says how much of a shortening comes, too
        line["cover_share"] = float(line["effect_share"] > 0) if line["mechanism"] == "shorten_stay" else 1.0
    growth = [line for age, path in GROWTH.items() for line in assumption("population_index", age, path)]
    beds, moved = beds_by_hand(activity, lines, per_stay=17.0)
    for order in (list(range(len(lines))), random.sample(range(len(lines)), len(lines))):
        schemes = [{**lines[n], "row_number": place} for place, n in enumerate(order, 5)]
        inputs = bed_round(activity, schemes=schemes, assumptions=[*growth, *stay(17.0)])
        result = simulated(inputs)
        for n, one in enumerate(inputs.units):
            expected = [beds[one.site_code, quarter] for quarter in range(12)]
            assert result.central_census[n] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        of_effect = [line.row["row_number"] - 5 for line in inputs.lines if line.effect]
        for one in result.central.moved:
            line = order[of_effect[one.line]]
            expected = [moved[line, quarter] for quarter in range(12)]
            assert one.spells[:, :, 0].sum(axis=0) == pytest.approx(expected, rel=1e-9, abs=1e-6)
        ledger = transfers(result, central(inputs).contacts)
        if len(ledger):
            gap = ledger.moved_spells - ledger.arrived_spells - ledger.unallocated_spells
            assert gap.abs().max() <= 1e-9 * ledger.moved_spells.max()
            gap = ledger.left_beds - ledger.arriving_beds - ledger.released_beds - ledger.unallocated_beds
            assert gap.abs().max() <= 1e-9 * ledger.left_beds.max()


def test_the_patients_of_another_unit_are_not_reached():
    inputs = bed_round([patients(), patients(sector=CHILD)], schemes=[scheme()])
    assert census_of(inputs, "ACU1", CHILD)[4] == pytest.approx(5_500 / 365, rel=1e-14)
