"""What the finance returns leave open: each guard, the cells that it names, and what it does not name."""

from __future__ import annotations

import pytest

from tests.unit.bed_tables import YEARS
from tests.unit.funding_tables import flow, funding, money, saving
from tests.unit.funding_warehouse import OF_DOUBTS, doubts, funding_warehouse, rows

PAY = money("pay", 1_000, line="Wages")
BUYER = [*money("allocation", 5_000, at="04C", line="Allocation"), *money("pay", 10, at="04C", line="Clerks")]


def built(lines, **more):
    return funding_warehouse(lines, marts=OF_DOUBTS, **more)


def cell(lines, year=0, **equal) -> str:
    """Of the one line with these values, in this year."""
    (found,) = [
        row["cell"]
        for row in lines
        if row["financial_year"] == YEARS[year] and all(row[name] == value for name, value in equal.items())
    ]
    return f"Income and expenditure!{found}"


def only(connection, guard):
    (found,) = doubts(connection, guard)
    return found


def guards(connection) -> set[str]:
    """But those of the model about assumptions, of which these lines have none."""
    return {guard for (guard,) in rows(connection, "select distinct guard from mart.funding_doubts")} - {
        "no_assumption"
    }  # fmt: skip


def test_a_return_with_nothing_amiss_has_no_doubt():
    lines = [*PAY, *BUYER, *flow("04C", "RWE", 200)]
    assert guards(built(lines, schemes=[saving(investment=(0, 5, 0), full_year=20)])) == set()


# -- schemes


def test_a_pool_without_cost():
    found = only(built(PAY, schemes=[saving("A", pool="drugs")]), "pool_without_cost")
    assert (found["area"], found["about"], found["cells"]) == ("RWE", "A, drugs", "Savings!M5, Savings!N5")
    assert "A saves from drugs, of which RWE returned no cost" in found["message"]


def test_an_investment_that_saves_nothing():
    schemes = [saving("A", None, investment=(0, 5, 7)), saving("B", (0, 1, 1), investment=(0, 9, 9))]
    found = only(built(PAY, schemes=schemes), "investment_without_saving")
    assert (found["about"], found["cells"]) == ("A", "Savings!L6, Savings!M6, Savings!N6")
    assert "A costs 12 GBP at RWE and saves nothing there: the money is counted as spent" in found["message"]


def test_an_investment_of_a_scheme_that_saves_in_another_pool_is_not_idle():
    schemes = [saving("A", None, investment=(0, 5, 7), pool="drugs"), saving("A", (0, 1, 1))]
    assert doubts(built(PAY, schemes=schemes), "investment_without_saving") == []


def test_a_share_of_40_for_40_pct_stops_nothing():
    schemes = [saving("A", (0, 400, 400), stated_as="share", full_year=40)]
    warehouse = built(PAY, schemes=schemes)
    found = only(warehouse, "share_out_of_range")
    assert (found["about"], found["cells"]) == ("A, pay", "Savings!K5")
    assert "a share of 40.0" in found["message"]
    assert rows(
        warehouse,
        "select gross_saving_gbp from mart.savings_modelled where scenario = 'plan' and financial_year = '2017/18'",
    ) == [(400,)]


@pytest.mark.parametrize("share", [0, 0.04, 1])
def test_a_share_from_0_to_1_is_no_doubt(share):
    schemes = [saving("A", (0, 40, 40), stated_as="share", full_year=share)]
    assert doubts(built(PAY, schemes=schemes), "share_out_of_range") == []


def test_a_saving_in_a_year_that_ends_before_the_start():
    found = only(built(PAY, schemes=[saving("A", (3, 10, 20), start="2017-04-01")]), "saving_before_start")
    assert (found["about"], found["cells"]) == ("A, pay", "Savings!L5, Savings!M5")
    assert "before it starts on 01/04/2017" in found["message"]


def test_a_saving_in_the_year_of_the_start_is_no_doubt():
    warehouse = built(PAY, schemes=[saving("A", (0, 10, 20), start="2017-03-31")])
    assert doubts(warehouse, "saving_before_start") == []


def test_schemes_above_their_pool():
    schemes = [saving("A", (0, 900, 100)), saving("B", (0, 600, 100))]
    found = only(built(PAY, schemes=schemes), "above_its_pool")
    assert (found["area"], found["about"]) == ("RWE", "pay")
    assert "save more than there is of pay in 2016/17: 500 GBP at most" in found["message"]


# -- lines


def test_a_year_missing_in_the_middle():
    lines = [*money("pay", [5, None, 5, 5, 5, 5], line="Wages"), *money("drugs", 9, line="Pills")]
    found = only(built(lines), "year_missing")
    assert (found["area"], found["about"]) == ("RWE", "Wages, do_nothing")
    assert found["cells"] == ", ".join(cell(lines, year, line="Wages") for year in (0, 2, 3, 4, 5))
    assert "Wages (do_nothing) lacks 2016/17" in found["message"]


def test_signs_reversed():
    lines = [*money("pay", [1_000, -5, -5, 0, 0, 0], line="Wages"), *money("drugs", 9, line="Pills")]
    warehouse = built(lines, schemes=[saving("A", (0, -10, 5), pool="drugs")])
    money_line, scheme = sorted(doubts(warehouse, "negative_amount"), key=lambda row: row["about"], reverse=True)
    assert money_line["about"] == "Wages, do_nothing"
    assert money_line["cells"] == f"{cell(lines, 1, line='Wages')}, {cell(lines, 2, line='Wages')}"
    assert "is below zero in 2016/17, 2017/18" in money_line["message"]
    assert (scheme["about"], scheme["cells"]) == ("A, drugs", "Savings!M5")


def test_the_same_words_for_two_lines_are_one_doubt_with_every_cell():
    """A line's name is the sender's, and may stand under two categories: a key twice would stop the run."""
    lines = [
        *money("pay", [9, None, -1, 9, 9, 9], line="Wages"), *money("drugs", [9, None, -1, 9, 9, 9], line="Wages"),
        *money("pay", [5, None, -1, 0, 0, 0], line="Wages", recurs=False),
    ]  # fmt: skip
    warehouse = built(lines)
    assert "lacks 2016/17" in only(warehouse, "year_missing")["message"]
    negative = only(warehouse, "negative_amount")
    assert negative["cells"].count("Income and expenditure!") == 3


# -- flows


def test_a_contract_with_nobody_of_the_system():
    lines = [*PAY, *money("contract_income", 70, line="From afar"), *flow("RWE", "RWE", 5, line="With ourselves")]
    found = doubts(built(lines), "counterparty_outside")
    assert [row["about"] for row in found] == ["From afar, do_nothing", "With ourselves, do_nothing"]
    assert "contract income with nobody of the system" in found[0]["message"]
    assert cell(lines, line="From afar") in found[0]["cells"]
    assert "from itself" in found[1]["message"]


def test_a_counterparty_that_returned_nothing():
    lines = [*BUYER, *flow("04C", "RWE", 200)[: len(YEARS)]]
    found = only(built(lines), "counterparty_not_returned")
    assert (found["area"], found["about"]) == ("04C", "04C buys from RWE, do_nothing")
    assert "provider returned nothing in 2015/16" in found["message"]
    assert found["cells"].startswith(f"04C {cell(lines, counterparty_code='RWE')}")


def test_a_flow_that_the_sides_state_differently():
    lines = [*PAY, *BUYER, *flow("04C", "RWE", 200, (200, 190, 230, 200, 200, 200))]
    found = only(built(lines), "flow_differs")
    assert found["area"] == "04C"
    assert "differs in 2016/17, 2017/18; the most is 30 GBP" in found["message"]
    both = [cell(lines, 1, category=category) for category in ("healthcare_bought", "contract_income")]
    assert found["cells"].startswith(f"04C {both[0]}, ")
    assert f"; RWE {both[1]}, " in found["cells"]


def test_a_flow_on_one_side():
    lines = [*PAY, *BUYER, *flow("04C", "RWE", 200)[len(YEARS) :]]
    found = only(built(lines), "flow_on_one_side")
    assert (found["area"], found["cells"].split()[0]) == ("RWE", "RWE")
    assert "provider only" in found["message"]


def test_a_flow_on_one_side_twice_is_one_doubt():
    lines = [
        *PAY, *BUYER, *flow("04C", "RWE", 200)[: len(YEARS)],
        *flow("04C", "RWE", 9, recurs=False, line="Once")[: len(YEARS)],
    ]  # fmt: skip
    assert cell(lines, line="Once") in only(built(lines), "flow_on_one_side")["cells"]


# -- bases and inflation


def test_an_organisation_that_says_nothing_of_doing_nothing():
    lines = [*PAY, *money("pay", 500, at="RT5", scenario="plan")]
    found = only(built(lines), "do_nothing_missing")
    assert (found["area"], found["about"]) == ("RT5", "RT5")
    assert "RT5 has returned no line of the plan's years if nothing is done" in found["message"]


def test_lines_on_two_bases_are_named_with_both_cells():
    lines = [*PAY, *money("drugs", 9, line="Pills", prices="real_2015_16")]
    found = only(built(lines), "mixed_basis")
    assert (found["area"], found["about"]) == ("RWE", "RWE")
    for line in ("Wages", "Pills"):
        assert cell(lines, line=line) in found["message"]


def test_a_plan_on_two_bases():
    lines = [
        *PAY, *money("pay", 900, scenario="plan", line="Wages"), *money("drugs", 9, scenario="plan", line="Pills"),
        *money("pressure", 9, scenario="plan", line="Real", prices="real_2015_16"),
    ]  # fmt: skip
    warehouse = built(lines)
    found = only(warehouse, "mixed_basis")
    assert (found["area"], found["about"]) == ("RWE", "plan")
    assert cell(lines, line="Real") in found["cells"]
    assert "nominal" in found["message"]
    assert "real_2015_16" in found["message"]


def test_inflation_that_is_not_that_of_its_parts():
    """0.65 x 2% + 0.35 x 3% = 2.35% against 3%, which may be 0.1 points apart."""
    rates = [
        *funding("inflation", "all", [None, 0.03, *[0.0235] * 4]), *funding("inflation", "pay", [None, 0.02, 0.02]),
        *funding("inflation", "drugs", [None, 0.03, 0.03]), *funding("category_weight", "pay", 0.65),
        *funding("category_weight", "drugs", 0.35), *funding("inflation_tolerance", "all", 0.001),
    ]  # fmt: skip
    warehouse = built(PAY, assumptions=rates)
    found = only(warehouse, "inflation_apart")
    assert (found["area"], found["about"]) == ("system", "2016/17")
    assert "3.00% and its weighted parts come to 2.35%" in found["message"]
    assert rows(
        warehouse,
        "select round(deflator, 8), round(weighted_share, 8), is_within_tolerance from mart.funding_inflation "
        "order by financial_year limit 3",
    )[1:] == [(1.03, 0.0235, False), (round(1.03 * 1.0235, 8), 0.0235, True)]


def test_an_assumption_entered_as_a_percentage():
    warehouse = built(PAY, assumptions=funding("inflation", "pay", [None, 3.1, 2.3, 2, 2, 2.9]))
    found = only(warehouse, "share_out_of_range")
    assert (found["area"], found["about"]) == ("system", "inflation, pay")
