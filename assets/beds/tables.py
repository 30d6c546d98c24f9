"""Beds: what is planned, the schemes that change it, and beds needed against beds planned."""

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
    from assets.beds.projection import project  # numpy and pandas: not when the definitions are loaded

    return project(tables, say)


def the_plan_can_be_and_nothing_is_left_open(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Under the latest plan no cut goes beyond its schemes, no closed ward has patients, and no input is in doubt."""
    found = rows_of(
        connection,
        """
        select guard, count(*) as case_count, any_value(message) as message
        from mart.bed_feasibility
        where scenario = 'plan' and round = (select max(round) from mart.bed_feasibility)
        group by all
        order by guard
        """,
    )
    return Seen(
        passed=not found,
        sentences=[
            f"{row['case_count']} x {row['guard'].replace('_', ' ')}: {row['message']} See mart.bed_feasibility"
            for row in found
        ],
        counts={row["guard"]: row["case_count"] for row in found},
    )


TABLES = [
    table("core.beds"),
    table("core.bed_schemes"),
    table("core.bed_scheme_claims"),
    table("mart.bed_base_activity"),
    computed_tables(
        "bed_projection",
        reads=(
            "mart.bed_base_activity",
            "core.beds_current",
            "core.bed_schemes_current",
            "core.bed_scheme_claims_current",
            "core.assumptions_current",
            "core.scenarios_current",
            "reference.financial_years",
            "reference.kh03_outturn",
            "reference.quarters",
            "reference.rounds",
            "reference.sectors",
            "reference.sites",
        ),
        makes=(
            "mart.bed_demand",
            "mart.bed_census_runs",
            "mart.bed_demand_totals",
            "mart.bed_demand_quarter_totals",
            "mart.bed_bridges",
            "mart.bed_bridge_totals",
            "mart.bed_transfer_ledger",
            "mart.bed_scheme_effects",
            "mart.bed_assumption_effects",
            "mart.bed_feasibility",
            "mart.bed_back_cast",
        ),
        compute=_project,
        warns={"mart.bed_feasibility": [the_plan_can_be_and_nothing_is_left_open]},
    ),
    table("mart.bed_calibration"),
    table("mart.bed_capacity_trajectories"),
    table("mart.bed_capacity_totals"),
    table("mart.bed_first_shortfalls"),
]
