"""Triangulation: whether the activity, beds, finance and workforce plans describe the same future.

Each family of checks is a table of pairs of figures; `mart.triangulation_checks` sets them beside their tolerances.
What to do about a disagreement is not said here: the senders know which side is right.
"""

import duckdb

from llr_pipeline.checks import Seen
from llr_pipeline.documents import rows_of
from llr_pipeline.tables import table

SENTENCES = 3
"""How many disagreements a warning tells, the furthest beyond their tolerance first."""


def _seen(connection: duckdb.DuckDBPyConnection, check_code: str) -> Seen:
    """What one check found in the latest round."""
    found = rows_of(
        connection,
        """
        select round, compared_count, differ_count, not_compared_count
        from mart.triangulation_summary
        where check_code = ? and round = (select max(round) from mart.triangulation_summary)
        """,
        [check_code],
    )
    if not found:
        return Seen(passed=True, sentences=[], counts={})
    (counts,) = found
    worst = rows_of(
        connection,
        """
        select organisation_code, counterparty_code, about, financial_year, if(is_few, not_shown(), why) as why
        from mart.triangulation_checks
        where check_code = ? and round = ? and verdict = 'differs'
        order by departure / greatest(tolerance, 1e-9) desc nulls last, about, financial_year
        limit ?
        """,
        [check_code, counts["round"], SENTENCES],
    )
    said = [
        f"{' and '.join(filter(None, (row['organisation_code'], row['counterparty_code'])))}, {row['about']}, "
        f"{row['financial_year']}: {row['why']}"
        for row in worst
    ]
    if said:
        head = f"{counts['differ_count']:,} of {counts['compared_count']:,} comparisons differ"
        said = [f"{head}; see mart.triangulation_checks, {check_code}. {said[0]}", *said[1:]]
    return Seen(
        passed=not said,
        sentences=said,
        counts={
            "compared": counts["compared_count"],
            "differ": counts["differ_count"],
            "not_compared": counts["not_compared_count"],
        },
    )


def providers_and_commissioners_plan_the_same_activity(connection: duckdb.DuckDBPyConnection) -> Seen:
    """What a provider plans for a commissioner of the system is what that commissioner plans with it."""
    return _seen(connection, "provider_commissioner_activity")


def activity_fills_the_beds_that_are_occupied(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Spells times their stay, over the days of the year, are the beds occupied at each site and sector."""
    return _seen(connection, "activity_against_occupied_beds")


def bed_schemes_explain_the_beds_in_every_year(connection: duckdb.DuckDBPyConnection) -> Seen:
    """The beds claimed for the schemes of a site and sector are its change since the base year: the bridge closes."""
    return _seen(connection, "bed_schemes_against_beds")


def bed_schemes_imply_the_beds_that_they_claim(connection: duckdb.DuckDBPyConnection) -> Seen:
    """What a scheme's shares and nights do to the patients is worth the beds claimed for it."""
    return _seen(connection, "bed_schemes_implied_against_claimed")


def acute_nursing_changes_as_its_beds_do(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Nursing of the acute hospitals changes by the same share as their beds."""
    return _seen(connection, "bed_change_against_nursing")


def pay_changes_as_staff_and_pay_inflation_do(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Pay of each staff group, setting and contract changes as its whole-time equivalents and pay inflation do."""
    return _seen(connection, "wte_change_against_pay_cost")


def workforce_pay_is_the_finance_plan_s_pay(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Pay in a workforce return is the pay lines of the same organisation's finance return."""
    return _seen(connection, "pay_cost_against_finance")


def pay_of_a_wte_is_last_year_s_with_inflation(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Finance pay for a whole-time equivalent is the year before's with pay inflation."""
    return _seen(connection, "cost_per_wte")


def activity_costs_what_it_did_with_inflation(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Cost of weighted activity is the year before's with inflation."""
    return _seen(connection, "cost_per_weighted_activity")


def a_wte_does_what_it_did_last_year(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Weighted activity of a whole-time equivalent is the year before's."""
    return _seen(connection, "activity_per_wte")


def contracts_are_the_same_on_both_sides(connection: duckdb.DuckDBPyConnection) -> Seen:
    """What a provider earns from a commissioner of the system is what that commissioner buys from it."""
    return _seen(connection, "contract_income_against_bought")


def savings_are_in_the_expenditure_lines(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Do nothing less plan, in each cost pool, is the gross saving less the investment of its schemes."""
    return _seen(connection, "savings_against_finance")


def capital_is_spent_before_its_beds_open(connection: duckdb.DuckDBPyConnection) -> Seen:
    """A scheme's capital is spent before the day on which its beds open."""
    return _seen(connection, "capital_against_opening")


def parts_add_up_to_their_wholes(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Totals are the sum of their lines, and a full year saves no less than any single one."""
    return _seen(connection, "parts_against_wholes")


def no_figure_jumps_as_if_its_unit_had_changed(connection: duckdb.DuckDBPyConnection) -> Seen:
    """No line jumps between years, and nothing for one of something is far from every other organisation's."""
    return _seen(connection, "unit_jump")


TABLES = [
    table("mart.triangulation_gaps"),
    table("mart.triangulation_activity"),
    table("mart.triangulation_beds"),
    table("mart.triangulation_workforce"),
    table("mart.triangulation_productivity"),
    table("mart.triangulation_finance"),
    table("mart.triangulation_parts"),
    table("mart.triangulation_units"),
    table("mart.triangulation_checks"),
    table(
        "mart.triangulation_summary",
        warns=[
            providers_and_commissioners_plan_the_same_activity,
            activity_fills_the_beds_that_are_occupied,
            bed_schemes_explain_the_beds_in_every_year,
            bed_schemes_imply_the_beds_that_they_claim,
            acute_nursing_changes_as_its_beds_do,
            pay_changes_as_staff_and_pay_inflation_do,
            workforce_pay_is_the_finance_plan_s_pay,
            pay_of_a_wte_is_last_year_s_with_inflation,
            activity_costs_what_it_did_with_inflation,
            a_wte_does_what_it_did_last_year,
            contracts_are_the_same_on_both_sides,
            savings_are_in_the_expenditure_lines,
            capital_is_spent_before_its_beds_open,
            parts_add_up_to_their_wholes,
            no_figure_jumps_as_if_its_unit_had_changed,
        ],
        reads_too=["mart.triangulation_checks"],
    ),
]
