"""Can turnover do it: the test by hand, its verdicts, and the words."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.workforce_tables import COMPLETE, NURSES, THERAPY, assumption, flows, of, projected, staff

RANGED = (
    *(line for line in COMPLETE if line["parameter"] != "replacement_share"),
    *assumption("replacement_share", "all", 0.5, low=0.0, high=1.0),
)


def outcome(path, *more, assumptions=RANGED, **flow):
    made = projected((*staff(path), *more), flows(**flow), assumptions=assumptions)
    (row,) = of(made, "redundancy_test").to_dict("records")
    return row


def straight(end: float) -> list[float]:
    """From 1,000 in equal steps."""
    return np.linspace(1_000, end, 6).tolist()


def test_the_largest_falls_by_hand():
    """1,000 at 10.1% over five years: 587.22, 771.75 and 1,000 are left with nobody, half and everybody replaced."""
    row = outcome(straight(800))
    left = [1000 - row[f"turnover_fall_{end}_wte"] for end in ("p10", "central", "p90")]
    assert left == pytest.approx([587.22, 771.75, 1000], abs=0.005)
    assert [row[f"is_feasible_{end}"] for end in ("p10", "central", "p90")] == [True, True, False]
    assert row["verdict"] == "depends on replacement"
    # 1 - 0.8 ** (1 / 5) = 4.3648% a year may go, 43.2% of 10.1%
    assert row["break_even_replacement_share"] == pytest.approx(1 - (1 - 0.8**0.2) / 0.101, abs=1e-9)
    assert row["first_year_ahead"] is None


def test_bank_and_agency_can_go_first():
    """A fall of 300 is more than the 228.25 of turnover, and less with 80 of bank and agency."""
    assert outcome(straight(700))["is_feasible_central"] is False
    row = outcome(straight(700), *staff([50.0] * 6, "bank"), *staff([30.0] * 6, "agency"))
    assert row["largest_fall_central_wte"] == pytest.approx(228.25 + 80, abs=0.005)
    assert row["is_feasible_central"] is True
    assert (row["before_wte"], row["planned_fall_bank_wte"]) == (1080, 0)
    row = outcome(1_000.0, *staff([50, 40, 30, 20, 10, 0], "bank"))
    assert (row["planned_fall_bank_wte"], row["break_even_replacement_share"]) == (50, 1.0)


def test_retirement_counts_with_turnover_and_each_year_has_its_rate():
    """10% leave and 2% retire, then 5% and 1%, nobody replaced: 1,000 x 0.88 x 0.94 ** 4."""
    row = outcome(straight(900), leave=[None, 0.1, *[0.05] * 4], retire=[None, 0.02, *[0.01] * 4])
    assert 1000 - row["turnover_fall_p10_wte"] == pytest.approx(1000 * 0.88 * 0.94**4)


def test_the_definition_of_the_rate_counts():
    """Half of 10% of the average: (1 - 0.025) / (1 + 0.025), five times."""
    row = outcome(straight(900), leave=0.1, definition="average_headcount")
    assert 1000 - row["turnover_fall_central_wte"] == pytest.approx(1000 * (0.975 / 1.025) ** 5)


def test_the_first_year_in_which_the_plan_runs_ahead():
    """Turnover alone takes 50.5 in the first year and 98.4 in two; the plan takes none, then 150."""
    row = outcome([1_000, 1_000, 850, 850, 850, 850])
    assert (row["first_year_ahead"], row["is_feasible_central"]) == ("2017/18", True)
    assert "the plan runs ahead of that in 2017/18" in row["sentence"]


def test_verdicts():
    assert outcome(straight(1_050))["verdict"] == "no fall planned"
    assert outcome(straight(990), assumptions=COMPLETE)["verdict"] == "feasible"
    row = outcome(straight(500))
    assert (row["verdict"], np.isnan(row["break_even_replacement_share"])) == ("infeasible", True)
    assert row["sentence"] == (
        "500 fewer are planned, from 1,000 WTE in 2015/16 to 500 in 2020/21: infeasible; with 50% of those who go "
        "replaced, turnover and retirement can give 228.3 and bank and agency 0, and the plan runs ahead of that in "
        "2016/17; even with nobody replaced it could not be done without redundancy."
    )
    nothing = [line for line in COMPLETE if line["parameter"] != "replacement_share"]
    assert outcome(straight(800), assumptions=nothing)["verdict"] == "not known"
    assert outcome(straight(800), leave=None, retire=None)["verdict"] == "not known"


def test_the_plans_own_replacement_share_is_joiners_over_those_who_go():
    """120 join each year; 10.1% of 1,000, 1,019, 1,036.08, ... leave."""
    stock, gone = 1000.0, 0.0
    for _ in range(5):
        gone, stock = gone + 0.101 * stock, 0.899 * stock + 120
    assert outcome(1_000.0)["planned_replacement_share"] == pytest.approx(600 / gone)


def test_totals_add_falls_and_turnover_and_count_posts_that_fail():
    """One group falls by 500 of 1,000 and fails; another rises by 400: together 100, which turnover gives."""
    rise = staff(np.linspace(1_000, 1_400, 6).tolist(), group=THERAPY)
    made = projected((*staff(straight(500)), *rise), (*flows(), *flows(group=THERAPY)), assumptions=RANGED)
    parts = of(made, "redundancy_test").set_index("staff_group")
    total = of(made, "redundancy_totals").set_index("area")
    assert set(total.index) == {"RWE", "acute", "system"}
    row = total.loc["acute"]
    assert row["planned_fall_wte"] == pytest.approx(100)
    assert row["turnover_fall_central_wte"] == pytest.approx(parts["turnover_fall_central_wte"].sum())
    assert (row["post_count"], row["infeasible_post_count"]) == (2, 1)
    assert parts["verdict"].to_dict() == {NURSES: "infeasible", THERAPY: "no fall planned"}
    assert row["is_feasible_p10"]
    # at the break-even both groups together give just 100: (1 - 0.101 (1 - rho)) ** 5 = 0.95
    assert row["break_even_replacement_share"] == pytest.approx(1 - (1 - 0.95**0.2) / 0.101, abs=1e-9)
