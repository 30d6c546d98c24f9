"""What the bed model reads from the tables, and what it says where they leave something open."""

from __future__ import annotations

import numpy as np
import pytest

from assets.beds.parameters import central, drawn, in_force, one_at_a_time
from assets.beds.results import (
    assumption_effects,
    bridges,
    demand,
    demand_totals,
    planned_by_quarter,
    scheme_effects,
    transfers,
)
from llr_pipeline.scenarios import Change
from tests.unit.bed_tables import (
    ACUTE,
    CHILD,
    COMMUNITY,
    ORDINARY,
    assumption,
    bed_round,
    occupancy,
    patients,
    planned,
    scenario,
    scheme,
    simulated,
    unit,
)
from tests.unit.test_bed_model import move


def kinds(inputs):
    return {doubt.kind for doubt in inputs.doubts}


def everything(inputs, runs=20):
    """Every table of every scenario."""
    one, (_, values, clamped) = central(inputs), drawn(inputs, runs=runs, seed=1)
    in_turn = one_at_a_time(inputs, list(values))
    for code in inputs.scenarios:
        result = simulated(inputs, code, runs=runs)
        beds = planned_by_quarter(inputs, code, one)
        yield from (
            demand(result, beds), *demand_totals(result, beds), *bridges(result), transfers(result, one.contacts),
            scheme_effects(result), assumption_effects(result, in_turn, values, clamped),
        )  # fmt: skip


# cells and units


def test_cells_are_sorted_by_unit_and_keep_their_stays():
    inputs = bed_round([patients("COM1", COMMUNITY, nights=20.0), patients(), patients("COM1", COMMUNITY, age="85+")])
    assert (np.diff(inputs.cells.unit) >= 0).all()
    assert sorted(inputs.cells.nights) == [5.5, 5.5, 20.0]
    assert inputs.cells.nights[inputs.cells.unit == unit(inputs, "COM1", COMMUNITY)].tolist() == [20.0, 5.5]


def test_bed_days_without_spells_are_spells_of_a_night_and_it_is_said():
    for spells in (0.0, None):
        inputs = bed_round([patients(spells=spells, bed_days=100.0)])
        assert (inputs.cells.spells.tolist(), inputs.cells.nights.tolist()) == ([100.0], [1.0])
        assert "no_spells" in kinds(inputs)


@pytest.mark.parametrize("bed_days", [0.0, None])
def test_spells_without_bed_days_need_no_bed(bed_days):
    inputs = bed_round([patients(bed_days=bed_days), patients("ACU2")])
    assert (simulated(inputs).central_census[unit(inputs)] == 0).all()


def test_a_unit_belongs_to_the_organisation_that_owns_the_site():
    """RWE returns patients of COM1, which is RT5's."""
    inputs = bed_round([patients("COM1", COMMUNITY)])
    assert [one.organisation_code for one in inputs.units] == ["RT5"]


def test_beds_of_two_organisations_at_one_site_and_sector_are_added_up():
    """As their patients are: 10 and 5 beds are 15."""
    other = [{**line, "organisation_code": "RT5"} for line in planned(beds=5.0)]
    assert bed_round(beds=[*planned(beds=10.0), *other]).planned.tolist() == [[15.0] * 3]


def test_beds_not_returned_are_missing_and_not_none():
    inputs = bed_round([patients(), patients("ACU2")], beds=planned(beds=[20, None, 0]))
    assert inputs.planned[unit(inputs)] == pytest.approx([20, np.nan, 0], nan_ok=True)
    assert np.isnan(inputs.planned[unit(inputs, "ACU2")]).all()


# what is not there


ODD_ROUNDS = {
    "beds and no patients": {"activity": [], "beds": planned()},
    "spells without bed days": {"activity": [patients(bed_days=0.0)], "beds": planned()},
    "no beds planned": {"beds": planned(beds=0.0)},
    "no assumptions": {"assumptions": [], "beds": planned(), "schemes": [move()]},
    "one year": {"beds": planned(), "schemes": [scheme()], "last_year": "2015/16"},
    "no stay at the destination": {"beds": planned(), "schemes": [move()]},
    "a stay at the destination in the base year alone": {
        "beds": planned(), "schemes": [move()],
        "assumptions": [*ORDINARY, *assumption("destination_stay", "all", [20, None, None], subject="beds")]},
    "a stay at the destination for one year": {
        "schemes": [move()], "assumptions": [*ORDINARY, *assumption("destination_stay", "all", [None, 9, None],
                                                                   low=[None, 8, None], high=[None, 10, None],
                                                                   subject="beds")]},
    "low above high in a year": {
        "assumptions": [*ORDINARY, *assumption("non_demographic_growth", "all", 0.01, low=[0, 0.02, 0], high=0.01)]},
    "as many parameters as runs": {
        "schemes": [scheme(f"S{n}", confidence_share=0.5) for n in range(30)], "assumptions": ORDINARY},
    "schemes that come all alike": {
        "schemes": [scheme(code, confidence_share=0.5) for code in "AB"],
        "assumptions": [*ORDINARY, *assumption("delivery_correlation", "all", 1.0, subject="schemes")]},
    "certain and impossible": {
        "schemes": [scheme("A", effect_share=1.0, confidence_share=1.0), scheme("B", confidence_share=0.0)],
        "assumptions": [*ORDINARY, *assumption("slip_months", "all", 3.0, low=0.0, high=6.0, subject="schemes")]},
    "a share that comes in over 2.3 months": {"schemes": [scheme(effect_share=1.0, phase_in_months=2.3)]},
    "no season": {"assumptions": [line for n in "1234" for line in assumption("season", f"Q{n}", 0, subject="beds")]},
    "a growth below -100%": {"assumptions": [*ORDINARY, *assumption("non_demographic_growth", "all", -1.4)]},
    "an index below 0": {"assumptions": [*ORDINARY, *assumption("population_index", "all", [1, -1, 1])]},
    "a unit with neither patients nor a target": {
        "activity": [patients()], "beds": [*planned(), *planned(sector=CHILD)], "assumptions": occupancy(0.92, ACUTE)},
    "patients of no site": {"activity": [patients(), patients(site=None)], "beds": planned()},
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_ROUNDS)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_nothing_odd_ends_the_run(name):
    for table in everything(bed_round(**ODD_ROUNDS[name])):
        assert table is not None


def test_without_an_occupancy_target_there_is_no_need_and_it_is_said():
    inputs = bed_round(assumptions=[], beds=planned())
    result = simulated(inputs)
    assert np.isnan(result.central_need).all()
    found = demand(result, planned_by_quarter(inputs, "plan", central(inputs)))
    assert found.shortfall_probability.isna().all()
    assert found.mean_census_beds.notna().all()
    assert "no_occupancy_target" in kinds(inputs)


def test_growth_without_an_assumption_is_said():
    assert "no_growth_assumption" in kinds(bed_round())


def test_an_age_band_without_anybody_in_the_base_year_does_not_grow_and_it_is_said():
    """An index of 0 cannot be rebased."""
    inputs = bed_round(assumptions=[*ORDINARY, *assumption("population_index", "65-74", [0, 1.1, 1.2])])
    assert simulated(inputs).central_census[0, 8] == pytest.approx(5_500 / 365)
    assert any("population_index" in f"{doubt.about} {doubt.message}" for doubt in inputs.doubts)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("reaches_nobody", scheme(from_age_band="0-14")),
        ("reaches_nobody", scheme(from_sector="home")),
        ("no_size", scheme(effect_share=None)),
        ("no_size", scheme(cover_share=0.0)),
        ("no_size", scheme(mechanism="shorten_stay", shortened_nights=None)),
        ("no_destination", scheme(mechanism="move_setting")),
        ("no_destination", scheme(mechanism="move_setting", to_sector=COMMUNITY)),
        ("no_destination_stay", move()),
        ("longer_than_the_stay", scheme(mechanism="shorten_stay", shortened_nights=9.0)),
    ],
)
def test_a_line_that_cannot_do_what_it_says_is_in_doubt(kind, line):
    inputs = bed_round(schemes=[line])
    assert kind in kinds(inputs)
    for _ in everything(inputs):
        pass


def test_a_move_that_names_no_destination_is_unallocated():
    inputs = bed_round(schemes=[scheme(mechanism="move_setting")])
    found = transfers(simulated(inputs), central(inputs).contacts)
    assert set(found.destination) == {"unallocated"}
    assert found.unallocated_spells.tolist() == found.moved_spells.tolist()
    assert found.unallocated_beds.tolist() == found.left_beds.tolist()
    assert (found.arrived_spells == 0).all()
    assert (found.released_beds == 0).all()


def test_a_stay_at_the_destination_that_lacks_some_years_leaves_no_missing_census():
    """The base year has nobody who has moved, so that its census is known whatever a stay will be."""
    lines = assumption("destination_stay", COMMUNITY, [None, 20, 20], subject="beds")
    inputs = bed_round(schemes=[move()], assumptions=[*ORDINARY, *lines])
    for code in ("do_nothing", "plan"):
        assert not np.isnan(simulated(inputs, code).central_census[:, :4]).any()


def test_what_is_not_known_of_a_part_is_not_0_in_the_total():
    lines = assumption("destination_stay", COMMUNITY, [20, None, None], subject="beds")
    inputs = bed_round(schemes=[move()], assumptions=[*ORDINARY, *lines], beds=planned())
    result = simulated(inputs)
    found, _ = demand_totals(result, planned_by_quarter(inputs, "plan", central(inputs)))
    known = found[(found.bed_definition == "stp_community") & (found.financial_year == "2017/18")]
    assert known.needed_beds_mean_runs.isna().all() == np.isnan(result.central_census).any()
    assert not (known.needed_beds_mean_runs == 0).any()


# scenarios


def test_without_a_return_there_are_two_scenarios():
    inputs = bed_round(schemes=[scheme()])
    assert inputs.scenarios == {"do_nothing": {"SCH01": Change(0, 0)}, "plan": {"SCH01": Change(0, 1)}}


def test_a_scenario_is_its_parent_with_changes():
    """Months add up, a share stands instead; a line for one scheme comes after those for all."""
    inputs = bed_round(
        schemes=[scheme("A"), scheme("B")],
        scenarios=[
            scenario("later", parent="late", scheme_code="A", months=2, delivered=0.5),
            scenario("later", parent="late", months=1),
            scenario("late", months=6, delivered=0.8),
        ],
    )
    assert inputs.scenarios["late"] == {"A": Change(6, 0.8), "B": Change(6, 0.8)}
    assert inputs.scenarios["later"] == {"A": Change(9, 0.5), "B": Change(7, 0.8)}


def test_doing_nothing_has_no_scheme_in_force():
    inputs = bed_round(schemes=[scheme(), scheme("B", "close")], scenarios=[scenario("nothing", parent="do_nothing")])
    for code in ("do_nothing", "nothing"):
        assert (in_force(inputs, code, central(inputs)) == 0).all()
    beds = simulated(inputs, "do_nothing").central_census[0]
    assert beds == pytest.approx([5_500 / 366] * 4 + [5_500 / 365] * 8, rel=1e-14)


def test_scenarios_that_are_each_others_parents_are_in_doubt():
    inputs = bed_round(schemes=[scheme()], scenarios=[scenario("a", parent="b"), scenario("b", parent="a")])
    assert set(inputs.scenarios) == {"do_nothing", "plan", "a", "b"}
    assert any("scenario" in doubt.kind for doubt in inputs.doubts)


def test_a_parent_that_nobody_defines_is_in_doubt_and_no_scenario():
    inputs = bed_round(schemes=[scheme()], scenarios=[scenario("late", parent="plann", months=6)])
    assert set(inputs.scenarios) == {"do_nothing", "plan", "late"}
    assert any("plann" in f"{doubt.about} {doubt.message}" for doubt in inputs.doubts)


def test_a_scenario_that_names_an_unknown_scheme_is_in_doubt():
    inputs = bed_round(schemes=[scheme()], scenarios=[scenario("late", scheme_code="NONE", months=6)])
    assert inputs.scenarios["late"] == {"SCH01": Change(0, 1)}
    assert any("NONE" in f"{doubt.about} {doubt.message}" for doubt in inputs.doubts)
