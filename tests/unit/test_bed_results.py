"""The tables of the bed model: shares of runs, totals run by run, beds planned by quarter, what schemes imply."""

from __future__ import annotations

import numpy as np
import pytest

from assets.beds.feasibility import _out_of_step
from assets.beds.parameters import central, drawn, one_at_a_time
from assets.beds.results import (
    assumption_effects,
    by_year,
    census_runs,
    demand,
    demand_totals,
    planned_by_quarter,
    scheme_effects,
    since_base_year,
)
from tests.unit.bed_tables import (
    ACUTE,
    COMMUNITY,
    ORDINARY,
    assumption,
    bed_round,
    of_years,
    patients,
    planned,
    scenario,
    scheme,
    simulated,
    unit,
)
from tests.unit.test_bed_model import move, stay


def two_sites(**more):
    return bed_round([patients(), patients("ACU2")], beds=[*planned(beds=17.0), *planned("ACU2", beds=17.0)], **more)


def beds_of(inputs, code="plan", site="ACU1", sector=ACUTE):
    return planned_by_quarter(inputs, code, central(inputs))[unit(inputs, site, sector)]


# needs over runs


def test_the_probability_of_a_shortfall_is_a_share_of_runs():
    inputs = two_sites()
    result = simulated(inputs, runs=200)
    found = demand(result, planned_by_quarter(inputs, "plan", central(inputs)))
    for row in found.itertuples():
        needs = result.need[unit(inputs, row.site_code), inputs.quarters.index(row.quarter)]
        assert row.shortfall_probability == sum(need > 17 for need in needs) / 200
    assert 0 < found.shortfall_probability.iloc[-1] < 1
    assert found.needed_beds.iloc[-1] == pytest.approx(5_500 / 365 / 0.92)


def test_a_need_of_exactly_the_beds_planned_is_no_shortfall():
    inputs = bed_round([patients(spells=20 * 366 * 0.92 / 5.5)], beds=planned(beds=20.0))
    found = demand(simulated(inputs), beds_of(inputs)[None])
    assert (found.shortfall_probability[:4] == 0).all()


def test_percentiles_of_a_total_are_of_its_sums_and_not_sums_of_percentiles():
    """Two sites apart: the distance from P10 to P90 of both is about that of one times the root of 2, not times 2."""
    inputs = two_sites()
    result = simulated(inputs, runs=400)
    of_years_, _ = demand_totals(result, planned_by_quarter(inputs, "plan", central(inputs)))
    row = of_years_[(of_years_.area == "system") & (of_years_.financial_year == "2017/18")].iloc[0]
    years = by_year(inputs, result.need)[:, 2]
    assert row.needed_beds_p90_runs == pytest.approx(np.percentile(years.sum(axis=0), 90), rel=1e-12)
    assert row.needed_beds_p90_runs < np.percentile(years, 90, axis=1).sum() - 0.1
    assert row.shortfall_probability == (years.sum(axis=0) > 34).mean()


def test_means_of_a_year_are_over_its_days():
    inputs = two_sites(assumptions=[*ORDINARY, *assumption("season", "Q1", 2.0, subject="beds")])
    quarterly = simulated(inputs).central_census
    for n, found in enumerate(by_year(inputs, quarterly)):
        assert found == pytest.approx(of_years(inputs, quarterly[n]), rel=1e-14)


# beds planned


CLOSING = {
    "beds": planned(beds=[20, 20, 10, 0]), "last_year": "2018/19",
    "schemes": [scheme("C", "close", start_date="2017-10-01", claims=[0, 0, -20 * 182 / 365, -20])],
    "scenarios": [scenario("late", months=6), scenario("undone", delivered=0.0)],
}  # fmt: skip


def closing(beds=(20, 20, 20 - 20 * 182 / 365, 0)):
    return bed_round(**{**CLOSING, "beds": planned(beds=beds)})


def test_beds_go_when_their_building_closes_and_a_years_average_stays():
    """20 beds until 30 September 2017: 183 of 365 days."""
    inputs = closing()
    assert beds_of(inputs) == pytest.approx([20] * 10 + [0] * 6, abs=1e-9)
    assert of_years(inputs, beds_of(inputs)) == pytest.approx(inputs.planned[0], rel=1e-12)


def test_a_late_scenario_closes_six_months_later():
    assert beds_of(closing(), "late") == pytest.approx([20] * 12 + [0] * 4, abs=1e-9)


@pytest.mark.parametrize("code", ["do_nothing", "undone"])
def test_without_the_scheme_the_beds_are_the_plans(code):
    inputs = closing()
    assert beds_of(inputs, code).tolist() == beds_of(inputs).tolist()


def test_an_opening_and_a_phase_in_keep_each_years_average():
    inputs = bed_round(
        beds=[*planned(beds=20.0), *planned("ACU2", beds=[0, 3, 12])],
        schemes=[
            scheme("O", "open", from_site_code="ACU2", start_date="2016-11-15", phase_in_months=5, claims=[0, 3, 12])
        ],
    )
    found = beds_of(inputs, site="ACU2")
    assert of_years(inputs, found) == pytest.approx([0, 3, 12], abs=1e-9)
    assert found[:6] == pytest.approx([0] * 6, abs=1e-9)
    assert (np.diff(found) >= -1e-9).all()


def test_a_hair_below_0_is_0():
    """A claim of -10.0 for 10.05 beds, and of -10.1: rounding, and nobody is told."""
    found = beds_of(closing((20, 20, 10.0, 0)))
    assert found.min() >= 0
    assert found[10] == pytest.approx(0, abs=0.1)


def test_far_below_0_is_shown_and_not_cut_off():
    """A claim of twice the beds there are: the year's average must stay what was returned."""
    inputs = closing((20, 20, 2.0, 0))
    assert of_years(inputs, beds_of(inputs))[2] == pytest.approx(2.0, rel=1e-9)


def test_a_claim_that_does_not_fit_its_date_is_named():
    """Half a year of -20 is -9.97: claimed as that it is in step; the same claim from 25 March 2018 on is not."""
    assert list(_out_of_step(closing())) == []
    lines = {"schemes": [{**CLOSING["schemes"][0], "start_date": "2018-03-25"}]}
    (found,) = _out_of_step(bed_round(**{**CLOSING, **lines, "beds": planned(beds=(20, 20, 10, 0))}))
    assert (found["guard"], round(found["against_beds"], 2)) == ("claim_out_of_step", round(-20 * 7 / 365, 2))


# what schemes imply


def test_implied_beds_of_a_units_lines_growth_and_calendar_are_its_change():
    inputs = bed_round(
        [patients(), patients(age="85+", nights=12.0)],
        schemes=[
            scheme("G", "growth", claims=[0, 1, 2]),
            scheme("A", effect_share=0.1, phase_in_months=12, claims=[0, -1, -2]),
            scheme("B", "shorten_stay", from_age_band="85+"),
            move("M", effect_share=0.2),
        ],
        assumptions=[*ORDINARY, *stay(20.0), *assumption("population_index", "all", [1, 1.05, 1.1])],
    )
    result = simulated(inputs)
    found = scheme_effects(result)
    need = by_year(inputs, result.central_need)[unit(inputs)]
    calendar = since_base_year(result)["calendar", -1][unit(inputs)]
    implied = found[found.site_code == "ACU1"].groupby("financial_year").implied_beds.sum()
    assert implied.to_numpy() + calendar == pytest.approx(need - need[0], abs=1e-9)
    growth = found[(found.scheme_code == "G")]
    assert growth.claimed_beds.tolist() == [0, 1, 2]
    assert set(growth.basis) == {"growth"}


def test_an_opening_implies_the_beds_of_those_who_come():
    """100 patients of 20 nights at 92%."""
    inputs = bed_round(
        schemes=[
            move("M", effect_share=0.1),
            scheme("M", "open", from_site_code="COM1", from_sector=COMMUNITY, claims=[0, 5, 5]),
        ],
        assumptions=[*ORDINARY, *stay(20.0)],
    )
    found = scheme_effects(simulated(inputs)).set_index(["mechanism", "financial_year"])
    assert found.implied_beds["open", "2016/17"] == pytest.approx(2_000 / 365 / 0.92)
    assert found.basis["open", "2016/17"] == "arrivals"


# what assumptions do


def ranged_round():
    """Growth and a stay with ranges, of which the stay is nobody's; a target without one."""
    return bed_round(
        beds=planned(),
        schemes=[scheme(confidence_share=0.6)],
        assumptions=[
            *ORDINARY, *assumption("non_demographic_growth", "all", 0.01, low=0.0, high=0.02),
            *assumption("destination_stay", "all", 20.0, low=18.0, high=22.0, subject="beds"),
            *assumption("population_index", "all", [1, 1.1, 1.2]),
        ],
    )  # fmt: skip


def effects_of(inputs, code="plan", runs=200):
    _, values, clamped = drawn(inputs, runs=runs, seed=1)
    in_turn = one_at_a_time(inputs, list(values))
    return assumption_effects(simulated(inputs, code, runs=runs), in_turn, values, clamped)


def test_assumptions_without_a_range_are_not_listed_and_those_without_effect_have_none():
    found = effects_of(ranged_round())
    assert set(found.parameter) == {"non_demographic_growth", "destination_stay", "delivered_share"}
    idle = found[found.parameter == "destination_stay"]
    assert (idle[["p10_effect_beds", "p90_effect_beds"]] == 0).all(axis=None)
    nothing = effects_of(ranged_round(), "do_nothing")
    idle = nothing[nothing.parameter == "delivered_share"]
    assert (idle[["p10_effect_beds", "p90_effect_beds"]] == 0).all(axis=None)


def test_what_growth_does_alone_by_hand():
    """Half of 1.2 x 1.01^2 are left in the central run; at P10 the growth is 0, at P90 it is 1.02^2."""
    found = effects_of(ranged_round()).set_index(["parameter", "area"]).loc[("non_demographic_growth", "system")]
    central_beds = 5_500 / 365 / 0.92 * 1.2 / 2
    assert found.p10_effect_beds == pytest.approx(central_beds * (1 - 1.01**2), rel=1e-10)
    assert found.p90_effect_beds == pytest.approx(central_beds * (1.02**2 - 1.01**2), rel=1e-10)
    assert found.p10_value == pytest.approx(0, abs=0.003)


def test_where_nothing_is_uncertain_no_assumption_is_listed():
    assert effects_of(bed_round(beds=planned())).empty


def test_census_runs_are_the_years_of_every_run_by_organisation_and_sector():
    """Two sites of one sector are one row; the sum over a year's days, quarter by quarter, to four decimals."""
    inputs = bed_round([patients(), patients("ACU2"), patients("COM1", COMMUNITY, spells=200.0)])
    result = simulated(inputs, runs=3)
    frame = census_runs(result).set_index(["organisation_code", "sector", "financial_year"])
    assert [key[:2] for key in frame.index[::3]] == [("RT5", COMMUNITY), ("RWE", ACUTE)]
    units = [unit(inputs), unit(inputs, "ACU2")]
    for run in range(3):
        expected = of_years(inputs, result.census[units].sum(axis=0)[:, run])
        assert [row[run] for row in frame.loc["RWE", ACUTE]["mean_census_beds_runs"]] == pytest.approx(
            expected, abs=5e-5
        )
    # 2 x 1,000 spells of 5.5 nights in the 366 days of the base year
    assert frame.loc["RWE", ACUTE]["mean_census_beds"].iloc[0] == pytest.approx(11_000 / 366)
    assert (frame["runs"] == 3).all()
