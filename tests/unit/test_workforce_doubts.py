"""Each bad input is named once: by the intake where one return shows it, else by a guard, with the cells behind it."""

from __future__ import annotations

import re
from datetime import date

import pytest

from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import contracts, templates
from llr_pipeline.paths import PROJECT
from llr_pipeline.reading import read_file
from llr_pipeline.templates import Cover, Line, write_workbook
from tests.unit.workforce_tables import (
    COMPLETE,
    NURSES,
    ORDINARY,
    SUPPORT,
    THERAPY,
    YEARS,
    assumption,
    census,
    flows,
    of,
    projected,
    scenario,
    staff,
)

STEADY = flows(join=101.0)
"""1,000 that stay 1,000."""


def found(*lines, **more) -> dict[str, dict]:
    """The doubts by guard, ordinary but for what is changed; demand by plan is said of nurses without beds."""
    made = projected(*lines, **{"beds": census(27.6), **more})
    frame = made["mart.workforce_doubts"]
    rows = [] if frame.empty else frame.to_dict("records")
    names = [row["guard"] for row in rows]
    assert len(set(names)) == len(names), names
    return dict(zip(names, rows, strict=True))


def test_a_sound_plan_has_no_doubts():
    assert found(ORDINARY, STEADY) == {}


def test_every_guard_is_in_the_contract():
    guards = next(c for c in contracts()["mart.workforce_doubts"].columns if c.name == "guard").values
    text = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "assets" / "workforce").glob("*.py"))
    assert [guard for guard in guards if f'"{guard}"' not in text] == []
    assert set(re.findall(r'Doubt\(\s*"(\w+)"', text)) <= set(guards)


# what a single return shows: findings of the intake


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """A workforce return with an unknown group, a negative number, and a rate in per cent throughout."""
    place = {"staff_group": NURSES, "setting": "acute"}
    own = place | {"contract": "substantive", "measure": "wte"}

    def line(values, **attributes) -> Line:
        return Line(attributes, dict(zip(YEARS, values, strict=True)))

    lines = {
        "workforce": [
            line([100.0] * 6, **own), line([10, 10, -10, 10, 10, 10], **own | {"contract": "bank"}),
            line([50.0] * 6, **own | {"staff_group": "jesters"}),
        ],
        "workforce_flows": [
            line([10.1] * 6, **place, rate_definition="opening_stock", measure="leaver_rate"),
        ],
    }  # fmt: skip
    path = tmp_path_factory.mktemp("return") / "workforce.xlsx"
    cover = Cover("RWE", "2016-11", "Planning team", date(2016, 11, 1))
    write_workbook(path, templates()["workforce"], cover, read_reference(), lines)
    return {(finding.rule, finding.sheet) for finding in read_file(path).findings}


def test_the_intake_names_an_unknown_group_and_a_negative_number(findings):
    assert ("unknown_code", "Workforce") in findings
    assert ("out_of_range", "Workforce") in findings


def test_the_intake_cannot_see_a_rate_that_is_in_per_cent_throughout(findings):
    """Nothing in the line is out of step, so that the guard has to name it; and it stops no other table."""
    assert not [rule for rule, sheet in findings if sheet == "Flows"]
    columns = {column.name: column for column in contracts()["core.workforce_flows"].columns}
    assert columns["leaver_rate_share"].maximum is None


def test_the_template_asks_for_no_more_whole_time_equivalents_than_people():
    """`above_its_bound` of the intake (test_slips.py): the comparison is the template's."""
    (sheet,) = [sheet for sheet in templates()["workforce"].sheets if sheet.table == "workforce"]
    assert [(c.left, c.right, c.slack) for c in sheet.comparisons] == [("wte", "headcount", 1)]


# what it takes two lines, years or returns to see: guards


def test_a_rate_in_per_cent_is_not_used():
    """10.1 where 0.101 is asked: the assumed 9% is used, so 1,000 x 0.91 + 101."""
    lines = (*COMPLETE, *assumption("leaver_rate", NURSES, 0.09), *assumption("retirement_rate", NURSES, 0.0))
    row = found(ORDINARY, flows(leave=10.1, join=90.0), assumptions=lines)["rate_above_one"]
    assert (
        row["message"] == "2015/16: 10.1 where a share of at most 1 is asked (10.1% is 0.101): those assumed are used."
    )
    assert (row["figure"], row["against"], row["unit"]) == (10.1, 1.0, "share")
    assert row["cells"].startswith("RWE Flows!E5, RWE Flows!F5")
    made = projected(ORDINARY, flows(leave=10.1), assumptions=lines)
    plan = of(made, "workforce_projections", scenario="plan")
    assert plan["closing_stock_wte"].iloc[1] == pytest.approx(910 + 120)
    assert plan["rate_source"].iloc[1] == "assumed"


def test_rates_above_one_together_and_without_assumption_project_nothing():
    row = found(ORDINARY, flows(leave=0.7, retire=0.6))["rate_above_one"]
    assert row["message"] == "2015/16: 1.3 where a share of at most 1 is asked for both: nothing is projected."
    plan = of(projected(ORDINARY, flows(leave=0.7, retire=0.6)), "workforce_projections", scenario="plan")
    assert plan["closing_stock_wte"].isna().tolist() == [False, *[True] * 5]


def test_missing_rates_are_named_with_what_is_used_instead():
    lines = (*COMPLETE, *assumption("leaver_rate", NURSES, 0.101), *assumption("retirement_rate", NURSES, 0.0))
    given = flows(leave=[0.101, 0.101, None, 0.101, 0.101, 0.101], join=101.0)
    row = found(ORDINARY, given, assumptions=lines)["no_rate_returned"]
    assert row["message"] == "No leaver rate or no retirement rate is returned for 2017/18: those assumed are used."
    assert found(ORDINARY, given)["no_rate"]["message"].endswith("2017/18: nothing is projected.")
    assert found(ORDINARY, flows(leave=[None, *[0.101] * 5], join=101.0)) == {}  # the base year's is not used


def test_missing_staff_and_joiners_are_named():
    row = found(staff([None, *[1_000.0] * 5]), STEADY)["no_opening_stock"]
    assert row["message"] == "No substantive staff are returned for 2015/16: nothing is projected."
    row = found((*ORDINARY, *staff([5.0, None, 5, 5, 5, 5], "bank")), STEADY)["staff_not_returned"]
    assert (row["about"], row["message"].split(": ")[0]) == ("bank", "No bank staff are returned for 2016/17")
    row = found(ORDINARY, flows(join=[None, 101, 101, None, 101, 101]))["no_joiners"]
    assert row["message"] == "No joiners are returned for 2018/19: nothing is projected from 2018/19 on."


def test_an_opening_that_is_not_last_years_closing():
    """1,000 stay 1,000 by the flows, and 1,040 are returned for the year after, then kept."""
    row = found(staff([1_000, 1_000, 1_040, 1_040, 1_040, 1_040]), flows(join=[None, 101, 101, *[105.04] * 3]))
    row = row["opening_is_not_last_closing"]
    assert row["message"] == "1,000.0 WTE and the flows returned lead to 1,000.0 in 2017/18, and 1,040.0 are returned."
    assert (row["figure"], row["against"]) == (1_040, pytest.approx(1_000))
    assert row["cells"].startswith("RWE Workforce!F5, RWE Workforce!G5, RWE Flows!G5")


def test_bank_counted_twice():
    """1,000 and 60 bank staff of the year before are next year's 1,060, for which nobody joined."""
    path = staff([1_000, 1_060, 1_060, 1_060, 1_060, 1_060])
    row = found((*path, *staff(60.0, "bank", row=6)), flows(join=[None, 101, *[107.06] * 4]))["bank_counted_twice"]
    assert "(1,000.0 + 60.0 = 1,060.0)" in row["message"]
    assert row["cells"] == "RWE Workforce!F5, RWE Workforce!E5, RWE Workforce!E6"
    # where the flows lead there, it is chance
    assert found((*path, *staff(60.0, "bank")), flows(join=[None, 161, *[107.06] * 4])) == {}


def test_a_total_counted_as_staff():
    """100, 200 and a group of 300 in every year; of two lines, equal ones are chance."""
    lines = [staff(wte, group=group) for wte, group in ((100.0, NURSES), (200.0, SUPPORT), (300.0, THERAPY))]
    steady = [flows(group=group, join=wte * 0.101) for wte, group in ((100, NURSES), (200, SUPPORT), (300, THERAPY))]
    row = found([one for line in lines for one in line], [one for line in steady for one in line])["looks_like_a_total"]
    assert (row["staff_group"], row["figure"]) == (THERAPY, 300)
    assert found((*lines[0], *staff(100.0, group=SUPPORT)), (*steady[0], *flows(group=SUPPORT, join=10.1))) == {}


def test_transfers_that_do_not_cancel():
    """12 leave the hospital and 10 arrive; the joiners make up for it, so that nothing else is in doubt."""
    away = flows(join=[None, 113, *[101.0] * 4], outward=[None, 12, *[None] * 4])
    here = {"group": NURSES, "setting": "community", "organisation": "RT5"}
    arrived = flows(join=[None, 91, *[101.0] * 4], inward=[None, 10, *[None] * 4], **here)
    given = found((*ORDINARY, *staff(1_000.0, **here)), (*away, *arrived))
    row = given.pop("transfers_do_not_cancel")
    assert row["message"] == "12.0 WTE are transferred out in 2016/17 and 10.0 in."
    assert row["cells"] == "RT5 Flows!F11, RWE Flows!F12"
    assert row["about"] == f"{NURSES}, 2016/17"
    assert not row["is_few"]
    assert set(given) == {"no_contacts"}


def test_transfers_of_so_few_that_documents_do_not_tell_them():
    row = found(ORDINARY, flows(join=[None, 104, *[101.0] * 4], outward=[None, 3, *[None] * 4]))[
        "transfers_do_not_cancel"
    ]
    assert row["message"] == "3.0 WTE are transferred out in 2016/17 and 0.0 in."
    assert row["is_few"]


def test_more_who_go_than_there_are():
    made = projected(staff([10.0] * 6), flows(join=1.0, outward=[None, 50, *[None] * 4]), beds=census(27.6))
    row = of(made, "workforce_doubts", guard="stock_below_zero").to_dict("records")[0]
    assert (row["about"], row["figure"]) == ("2016/17", pytest.approx(10 - 1.01 + 1 - 50))
    assert row["cells"] == "RWE Flows!F12, RWE Flows!F5, RWE Flows!F6"
    assert of(made, "workforce_projections", scenario="plan")["closing_stock_wte"].iloc[1] == row["figure"]


def test_flows_that_nothing_is_known_of():
    other = flows(definition="average_headcount", leave=[0.1, *[None] * 5], retire=None, join=None)
    row = found(ORDINARY, (*STEADY, *other))["two_rate_definitions"]
    assert row["message"].endswith("those of opening stock are used.")
    row = found(ORDINARY, (*STEADY, *flows(group=THERAPY)))["flows_without_staff"]
    assert row["staff_group"] == THERAPY


def test_demand_that_nothing_drives():
    assert found(ORDINARY, STEADY, beds=())["no_ward_patients"]["staff_group"] == NURSES


def test_assumptions_that_are_missing_upside_down_or_for_one_scenario():
    def without(name: str):
        return [line for line in COMPLETE if line["parameter"] != name]

    for name in ("headroom_share", "contracted_hours", "care_hours_per_patient_day", "pay_cost_per_wte", "inflation"):
        row = found(ORDINARY, STEADY, assumptions=without(name))["no_assumption"]
        assert row["message"].startswith(f"No assumption {name} for ")
    lines = (*COMPLETE, *assumption("leaver_rate", NURSES, 0.1, low=0.2, high=0.1))
    assert "range_upside_down" in found(ORDINARY, STEADY, assumptions=lines)
    one = assumption("cap_share", "bank", [0.1, *[None] * 5], scenario="plan")
    assert "not_used" in found(ORDINARY, STEADY, assumptions=(*COMPLETE, *one[:1]))


def test_an_assumed_share_in_per_cent_is_not_used():
    """50 where 0.5 is asked: no replacement share is left, and so no test; 100% headroom leaves no hours."""
    kept = [line for line in COMPLETE if line["parameter"] not in ("replacement_share", "headroom_share")]
    lines = (
        *kept,
        *assumption("replacement_share", "all", 50.0, low=35.0, high=65.0),
        *assumption("headroom_share", "all", 0.21),
    )
    given = found(ORDINARY, STEADY, assumptions=lines)
    assert given["out_of_range"]["message"] == (
        "replacement_share for all is 35 in 2015/16, where a share from 0 to 1 is asked: not used."
    )
    assert given["no_assumption"]["message"].endswith("no redundancy test can be made.")
    made = projected(
        ORDINARY, STEADY, assumptions=(*kept, *assumption("headroom_share", "all", 1.0)), beds=census(27.6)
    )
    assert of(made, "workforce_projections", scenario="plan")["demand_wte"].isna().all()


def test_runs_and_scenarios_that_are_unclear():
    assert found(ORDINARY, STEADY, beds=census(27.6, spread=(0.0, 1.0)))["runs_differ"]["figure"] == 20
    row = found(ORDINARY, STEADY, scenarios=[scenario("odd", parent="nobody")])["scenario_unclear"]
    assert "nobody" in row["message"]
