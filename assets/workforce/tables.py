"""Workforce: staff as returned, staff projected against staff needed, and what turnover alone can do."""

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
    from assets.workforce.projection import project  # numpy and pandas: not when the definitions are loaded

    return project(tables, say)


def staff_can_be_and_nothing_is_left_open(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Under the latest plan no stock of staff falls below 0, and no return or assumption leaves anything in doubt."""
    found = rows_of(
        connection,
        """
        select guard, count(*) as case_count, any_value(if(is_few, not_shown(), message)) as message
        from mart.workforce_doubts
        where scenario = 'plan' and round = (select max(round) from mart.workforce_doubts)
        group by all
        order by guard
        """,
    )
    return Seen(
        passed=not found,
        sentences=[
            f"{row['case_count']} x {row['guard'].replace('_', ' ')}: {row['message']} See mart.workforce_doubts"
            for row in found
        ],
        counts={row["guard"]: row["case_count"] for row in found},
    )


def no_planned_fall_needs_redundancy(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Under the latest plan turnover can give every fall in staff, at P10, central and P90 of the share replaced."""
    found = rows_of(
        connection,
        """
        select organisation_code, staff_group, setting, sentence
        from mart.redundancy_test
        where verdict in ('infeasible', 'depends on replacement')
            and round = (select max(round) from mart.redundancy_test)
        order by all
        """,
    )
    return Seen(
        passed=not found,
        sentences=[
            f"{row['organisation_code']}, {row['staff_group']}, {row['setting']}: {row['sentence']}" for row in found
        ],
        counts={"posts": len(found)},
    )


TABLES = [
    table("core.workforce"),
    table("core.workforce_flows"),
    table("mart.community_contacts"),
    computed_tables(
        "workforce_projection",
        reads=(
            "core.workforce_current",
            "core.workforce_flows_current",
            "core.assumptions_current",
            "core.scenarios_current",
            "mart.bed_census_runs",
            "mart.bed_transfer_ledger",
            "mart.community_contacts",
            "reference.financial_years",
            "reference.quarters",
            "reference.rounds",
            "reference.sectors",
        ),
        makes=(
            "mart.workforce_projections",
            "mart.workforce_totals",
            "mart.redundancy_test",
            "mart.redundancy_totals",
            "mart.workforce_doubts",
        ),
        compute=_project,
        warns={
            "mart.workforce_doubts": [staff_can_be_and_nothing_is_left_open],
            "mart.redundancy_test": [no_planned_fall_needs_redundancy],
        },
    ),
]
