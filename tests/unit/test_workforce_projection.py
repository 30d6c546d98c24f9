"""The workforce projection from tables to tables: figures by hand, and what holds for whatever system."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.workforce.results import areas, totals
from llr_pipeline.uncertainty import draw, normal_from_interval
from tests.unit.workforce_tables import (
    ADULT,
    COMPLETE,
    NURSES,
    ORDINARY,
    SUPPORT,
    THERAPY,
    YEARS,
    assumption,
    census,
    contacts,
    flows,
    in_runs,
    of,
    projected,
    scenario,
    staff,
    workforce_round,
    workforce_tables,
)

MEASURES = ("closing_stock_wte", "demand_wte", "gap_wte", "bank_wte", "agency_wte", "unfilled_wte", "planned_wte")
GROWN = [27.6, *[30.36] * 5]
"""27.6 patients, then a tenth more."""


def only(tables, name: str = "workforce_projections", **equal) -> pd.Series:
    (row,) = of(tables, name, **{"scenario": "plan", "financial_year": "2016/17", **equal}).to_dict("records")
    return row


def balance(frame: pd.DataFrame) -> pd.Series:
    """Opening + joiners + transfers in - leavers - retirements - transfers out - closing, after the base year."""
    later = frame[frame["financial_year"] > YEARS[0]]
    names = ("opening_stock", "joiners", "transfers_in", "leavers", "retirements", "transfers_out", "closing_stock")
    return sum(sign * later[f"{n}_wte"] for n, sign in zip(names, (1, 1, 1, -1, -1, -1, -1), strict=True))


def test_staff_follow_the_flows_returned():
    """1,000 x 0.899 + 120 = 1,019; of the average 1,018.0866; 1.15 people a whole-time equivalent."""
    row = only(projected())
    assert (row["opening_stock_wte"], row["leavers_wte"], row["closing_stock_wte"]) == pytest.approx((1000, 101, 1019))
    assert row["joiners_overseas_wte"] == pytest.approx(30)
    assert row["closing_stock_headcount"] == pytest.approx(1019 * 1.15)
    row = only(projected(ORDINARY, flows(definition="average_headcount")))
    assert row["closing_stock_wte"] == pytest.approx(1018.0866, abs=1e-4)
    assert row["rate_definition"] == "average_headcount"


def test_where_nothing_is_done_everybody_who_goes_is_replaced():
    frame = of(
        projected(ORDINARY, flows(outward=[None, 5, 5, 5, 5, 5])), "workforce_projections", scenario="do_nothing"
    )
    assert frame["closing_stock_wte"].tolist() == [1000.0] * 6
    assert frame["joiners_wte"].tolist()[1:] == pytest.approx([101.0] * 5)
    assert frame["transfers_out_wte"].fillna(0).eq(0).all()
    # a scenario that stands on the plan and delivers nothing of it is one of these
    made = projected(scenarios=[scenario("empty", delivered=0.0)])
    assert of(made, "workforce_projections", scenario="empty")["closing_stock_wte"].tolist() == [1000.0] * 6


def test_ward_staff_grow_as_the_care_hours_do():
    """A tenth more patients need a tenth more nurses; the hours alone are 52.172 WTE, and a gap of 81 is filled."""
    made = projected(beds=census(GROWN))
    base, row = only(made, financial_year="2015/16"), only(made)
    assert base["care_hours_wte"] == pytest.approx(52.172, abs=5e-4)
    assert (base["demand_wte"], row["demand_wte"], row["demand_basis"]) == (1000, pytest.approx(1100), "care_hours")
    assert row["gap_wte"] == pytest.approx(1100 - 1019)
    assert (row["bank_wte"], row["agency_wte"], row["unfilled_wte"]) == pytest.approx((66, 15, 0))


def test_the_base_years_bank_and_agency_count_for_what_is_needed():
    lines = (*ORDINARY, *staff(60.0, "bank"), *staff(40.0, "agency"))
    row = only(projected(lines, beds=census(GROWN)))
    assert (row["demand_wte"], row["planned_wte"]) == pytest.approx((1210, 1100))


def test_community_staff_grow_as_the_contacts_do_and_scenarios_between_as_what_they_move():
    """950,000 contacts, 5% more if nothing is done, 25% in the plan; 60 of its 100 moved: 5 + 0.6 x 20."""
    place = {"group": THERAPY, "setting": "community", "organisation": "RT5"}
    moved = [
        {"round": "2016-10", "scenario": name, "quarter": f"{year} Q1", "home_contacts": count}
        for name, count in (("plan", 100.0), ("partly", 60.0)) for year in YEARS[1:]
    ]  # fmt: skip
    made = projected(
        staff(200.0, **place), flows(**place), scenarios=[scenario("partly", delivered=0.8)], moved=moved,
        community=contacts([950_000, *[997_500] * 5], [950_000, *[1_187_500] * 5]),
    )  # fmt: skip
    found = {name: only(made, scenario=name) for name in ("do_nothing", "plan", "partly")}
    assert {name: row["demand_wte"] for name, row in found.items()} == pytest.approx(
        {"do_nothing": 210, "plan": 250, "partly": 200 * 1.17}
    )
    assert found["plan"]["contacts_wte"] == pytest.approx(1_250)
    assert found["plan"]["demand_basis"] == "contacts"


def test_all_others_are_needed_as_planned_and_stay_where_nothing_is_done():
    path = [100.0, 98, 96, 94, 92, 90]
    made = projected(staff(path, group=THERAPY), flows(group=THERAPY))
    plan, nothing = (of(made, "workforce_projections", scenario=name) for name in ("plan", "do_nothing"))
    assert plan["demand_basis"].unique().tolist() == ["plan"]
    assert plan["demand_wte"].tolist() == path
    assert nothing["demand_wte"].tolist() == [100.0] * 6


def test_costs_have_inflation_and_premiums():
    """1,019 at 38,000 x 1.02; 66 bank with 5% and 15 agency with 55% on top."""
    row = only(projected(beds=census(GROWN)))
    expected = {
        "substantive_cost_gbp": 1019 * 38_760,
        "bank_cost_gbp": 66 * 38_760 * 1.05,
        "agency_cost_gbp": 15 * 38_760 * 1.55,
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=0.01)
    assert row["cost_gbp"] == pytest.approx(sum(row[name] for name in expected), abs=1e-6)


def test_what_is_not_known_stays_empty_and_so_do_its_totals():
    lines = (*ORDINARY, *staff(50.0, group=THERAPY))
    made = projected(lines, (*flows(), *flows(group=THERAPY, join=[None, 5, None, 5, 5, 5])))
    therapy = of(made, "workforce_projections", scenario="plan", staff_group=THERAPY)["closing_stock_wte"]
    assert therapy.isna().tolist() == [False, False, True, True, True, True]
    total = of(made, "workforce_totals", scenario="plan", area="RWE")["closing_stock_wte_p90_runs"]
    assert total.isna().tolist() == therapy.isna().tolist()


# runs


def test_a_run_has_the_census_of_the_same_run_of_the_beds():
    """Base year known; afterwards 27.6 and so many more patients, run by run: growth of the demand, by percentile."""
    spread = np.linspace(-3, 3, 20)
    inputs = workforce_round(beds=census(27.6, spread=spread))
    _, many = in_runs(inputs)
    assert many.demand.wte[0, 0] == pytest.approx([1000.0] * 20)
    assert many.demand.wte[0, 3] == pytest.approx(1000 * (27.6 + spread) / 27.6)
    row = only(projected(beds=census(27.6, spread=spread)))
    assert row["demand_wte_p90_runs"] == pytest.approx(1000 * np.percentile((27.6 + spread) / 27.6, 90))
    assert row["unfilled_probability"] == pytest.approx(np.mean(1000 * (27.6 + spread) / 27.6 * 0.89 > 1019))


def test_the_first_runs_of_the_beds_are_used_where_numbers_differ():
    inputs = workforce_round(beds=census(27.6, spread=(1.0, 2.0, 3.0)))
    assert inputs.runs == 3
    assert [doubt.kind for doubt in inputs.doubts] == ["runs_differ"]
    longer = workforce_round(beds=census(27.6, spread=range(50)))
    assert (longer.runs, longer.wards["plan", "RWE", "acute"][0].runs.shape) == (20, (6, 20))
    assert not longer.doubts


def test_joiners_of_a_run_follow_the_share_replaced_of_that_run():
    """The share is drawn by its name and the seed that all models share; of 101 leavers, 120 joiners in the middle."""
    ranged = (*COMPLETE[6:], *assumption("replacement_share", "all", 0.5, low=0.35, high=0.65),
              *assumption("runs", "workforce", 20, subject="simulation"))  # fmt: skip
    ranged = [line for line in ranged if (line["parameter"], line["low_value"]) != ("replacement_share", None)]
    _, many = in_runs(workforce_round(assumptions=ranged))
    drawn = draw("replacement_share all", normal_from_interval(0.35, 0.65), 20, seed=2016, minimum=0.0).values
    assert many.joiners[0, 1] == pytest.approx(120 + (drawn - 0.5) * 101)
    assert many.closing[0, 1] == pytest.approx(899 + 120 + (drawn - 0.5) * 101)


def test_a_range_of_a_groups_leaver_rate_moves_the_returned_rate():
    """Assumed 8% (7 to 9) and returned 10.1%: a run's rate is 10.1% x what it draws / 8%."""
    lines = (*COMPLETE, *assumption("leaver_rate", NURSES, 0.08, low=0.07, high=0.09))
    _, many = in_runs(workforce_round(assumptions=lines))
    drawn = draw(f"leaver_rate {NURSES}", normal_from_interval(0.07, 0.09), 20, seed=2016, minimum=0.0).values
    assert many.leavers[0, 1] == pytest.approx(1000 * 0.101 * drawn / 0.08)


def test_contacts_a_wte_that_widen_move_the_demand_of_later_years():
    place = {"setting": "community", "organisation": "RT5"}
    lines = (*COMPLETE, *assumption("contacts_per_wte", "community", 950.0, low=[None, *[800.0] * 5],
                                    high=[None, *[1_100.0] * 5]))  # fmt: skip
    inputs = workforce_round(
        staff(200.0, **place), flows(**place), assumptions=lines, community=contacts(950_000.0, 950_000.0)
    )
    _, many = in_runs(inputs)
    drawn = draw("contacts_per_wte community", normal_from_interval(800, 1_100), 20, seed=2016, minimum=0.0).values
    assert many.demand.wte[0, 0] == pytest.approx([200.0] * 20)
    assert many.demand.wte[0, 5] == pytest.approx(200 * 950 / drawn)


# whatever the system


def system(seed: int):
    """Some posts of two organisations with their flows; transfers from the hospital arrive in the community."""
    random = np.random.default_rng(seed)
    lines, returned, moves = [], [], random.uniform(0, 40, 5).tolist()
    for n, group in enumerate((NURSES, SUPPORT, THERAPY)):
        for organisation, setting in (("RWE", "acute"), ("RT5", "community"), ("RT5", "mental_health")):
            if n and random.random() < 0.4:
                continue
            place = {"group": group, "setting": setting, "organisation": organisation}
            lines += [*staff(random.uniform(0, 4_000, 6), **place), *staff(random.uniform(0, 40), "bank", **place)]
            inward, outward = ([None, *moves] if not n and setting == s else None for s in ("community", "acute"))
            returned += flows(
                leave=random.uniform(0, 0.3), retire=random.uniform(0, 0.1), join=random.uniform(0, 500),
                inward=inward, outward=outward, definition=random.choice(DEFINITIONS), **place,
            )  # fmt: skip
    beds = [
        *census(random.uniform(10, 900, 6), spread=(-4.0, 0.0, 4.0, 9.0, 2.0)),
        *census(20.0, "mental_health", organisation="RT5", spread=(0.0,) * 5),
    ]
    plan = random.uniform(1_000, 9_000, 6)
    return lines, returned, beds, contacts([plan[0]] * 6, plan)


DEFINITIONS = ("opening_stock", "average_headcount")


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_the_system(seed):
    """Staff are conserved, gaps are demand less staff, fills keep to caps, parts add up, transfers cancel."""
    lines, returned, beds, community = system(seed)
    made = projected(lines, returned, beds=beds, community=community)
    frame = of(made, "workforce_projections")
    assert balance(frame).abs().max() < 1e-9
    assert balance(of(made, "workforce_totals")).abs().max() < 1e-8
    assert (frame["gap_wte"] - (frame["demand_wte"] - frame["closing_stock_wte"])).abs().max() < 1e-9
    assert (frame["bank_wte"] <= 0.06 * frame["demand_wte"] + 1e-9).all()
    assert (frame["agency_wte"] <= 0.05 * frame["demand_wte"] + 1e-9).all()
    filled = frame[["bank_wte", "agency_wte", "unfilled_wte"]]
    assert filled.to_numpy().min() >= 0
    assert (filled.sum(axis=1) - frame["gap_wte"].clip(lower=0)).abs().max() < 1e-9
    names = [f"planned_{contract}_wte" for contract in ("substantive", "bank", "agency")]
    assert (frame[names].sum(axis=1) - frame["planned_wte"]).abs().max() < 1e-9
    by_area = of(made, "workforce_totals").set_index(["area_kind", "scenario", "area", "financial_year"])
    for kind, column in (("organisation", "organisation_code"), ("setting", "setting")):
        summed = frame.groupby(["scenario", column, "financial_year"])[list(MEASURES)].sum()
        assert by_area.loc[kind][list(MEASURES)].sort_index().to_numpy() == pytest.approx(summed.to_numpy())
        whole = by_area.loc[kind][list(MEASURES)].groupby(level=["scenario", "financial_year"]).sum()
        of_system = by_area.loc["system"][list(MEASURES)].droplevel("area").sort_index()
        assert of_system.to_numpy() == pytest.approx(whole.to_numpy())
    plan = of(made, "workforce_projections", scenario="plan", staff_group=NURSES)
    assert plan["transfers_in_wte"].sum() == pytest.approx(plan["transfers_out_wte"].sum())


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_totals_are_sums_of_their_parts_run_by_run(seed):
    lines, returned, beds, community = system(seed)
    inputs = workforce_round(lines, returned, beds=beds, community=community)
    one, many = in_runs(inputs)
    frame = totals(inputs, one, many).set_index(["area", "financial_year"])
    for _, area, which in areas(inputs):
        by_run = many.fills.unfilled[which].sum(axis=0)
        assert frame.loc[area]["unfilled_wte_mean_runs"].to_numpy() == pytest.approx(by_run.mean(axis=1))
        assert frame.loc[area]["unfilled_wte_p90_runs"].to_numpy() == pytest.approx(np.percentile(by_run, 90, axis=1))


def test_no_workforce_return_makes_no_rows():
    made = projected((), ())
    assert all(frame.empty for frame in made.values())
    assert ADULT in workforce_tables((), ())["reference.sectors"]["sector"].tolist()
