"""Finance: income and expenditure, savings and capital; the gap between cost and income and what closes it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import duckdb

from llr_pipeline.checks import Seen
from llr_pipeline.computed import computed_tables
from llr_pipeline.documents import rows_of
from llr_pipeline.tables import table

if TYPE_CHECKING:
    import pandas as pd


def _project(tables: Mapping[str, "pd.DataFrame"], say: Callable[[str], None]) -> Mapping[str, "pd.DataFrame"]:
    from assets.finance.projection import project  # numpy and pandas: not when the definitions are loaded

    return project(tables, say)


def the_finance_returns_leave_nothing_open(connection: duckdb.DuckDBPyConnection) -> Seen:
    """In the latest round no line lacks a year, every flow has two sides that agree, and every saving has its pool."""
    found = rows_of(
        connection,
        """
        select guard, count(*) as case_count, any_value(message) as message
        from mart.funding_doubts
        where round = (select max(round) from mart.funding_gap_totals)
        group by all
        order by guard
        """,
    )
    return Seen(
        passed=not found,
        sentences=[
            f"{row['case_count']} x {row['guard'].replace('_', ' ')}: {row['message']} See mart.funding_doubts"
            for row in found
        ],
        counts={row["guard"]: row["case_count"] for row in found},
    )


def inflation_is_that_of_its_parts(connection: duckdb.DuckDBPyConnection) -> Seen:
    """In every year the overall inflation assumed is that of its weighted parts, within the tolerance assumed."""
    found = rows_of(
        connection,
        """
        select round, financial_year, overall_share, weighted_share
        from mart.funding_inflation
        where not is_within_tolerance
        order by all
        """,
    )
    return Seen(
        passed=not found,
        sentences=[
            f"{row['round']}, {row['financial_year']}: {row['overall_share']:.2%} overall, "
            f"{row['weighted_share']:.2%} by its parts"
            for row in found
        ],
        counts={"years_apart": len(found)},
    )


TABLES = [
    table("core.income_expenditure"),
    table("core.savings_schemes"),
    table("core.savings"),
    table("core.capital"),
    table("mart.system_flows"),
    table("mart.funding_base_activity"),
    table("mart.funding_inflation", warns=[inflation_is_that_of_its_parts]),
    computed_tables(
        "funding_projection",
        reads=(
            "mart.funding_base_activity",
            "core.assumptions_current",
            "core.income_expenditure_current",
            "core.savings_current",
            "core.savings_schemes_current",
            "core.scenarios_current",
            "reference.expected_returns",
            "reference.financial_years",
            "reference.rounds",
        ),
        makes=(
            "mart.funding_modelled",
            "mart.funding_modelled_totals",
            "mart.savings_modelled",
            "mart.funding_bridges",
            "mart.funding_assumption_effects",
            "mart.funding_break_evens",
            "mart.funding_model_doubts",
        ),
        compute=_project,
    ),
    table("mart.funding_gap_projections"),
    table("mart.funding_gap_totals"),
    table("mart.funding_method_differences"),
    table("mart.savings_delivered"),
    table("mart.savings_schemes"),
    table(
        "mart.funding_doubts",
        warns=[the_finance_returns_leave_nothing_open],
        reads_too=("mart.funding_gap_totals",),
    ),
    table("mart.provider_efficiency"),
    table("mart.capital_plan"),
    table("mart.capital_totals"),
]
