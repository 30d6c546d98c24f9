"""Monitoring tables: indicators with their control charts and colours, and milestones, as months returned them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import duckdb

from llr_pipeline.checks import Seen
from llr_pipeline.computed import computed_tables
from llr_pipeline.documents import rows_of
from llr_pipeline.tables import table

if TYPE_CHECKING:
    import pandas as pd


def _control(tables: Mapping[str, "pd.DataFrame"], say: Callable[[str], None]) -> Mapping[str, "pd.DataFrame"]:
    from assets.monitoring.control import control  # pandas: not when the definitions are loaded

    return control(tables, say)


def monitoring_returns_leave_nothing_open(connection: duckdb.DuckDBPyConnection) -> Seen:
    """Rates have denominators, figures are finite, and no return takes back what an earlier one said was done."""
    found = rows_of(
        connection,
        """
        select guard, count(*) as case_count,
            min(organisation_code || ' ' || item_code || ', ' || month || ': ' || message) as message
        from mart.monitoring_doubts
        group by all
        order by guard
        """,
    )
    return Seen(
        passed=not found,
        sentences=[
            f"{row['case_count']} x {row['guard'].replace('_', ' ')}: {row['message']}. See mart.monitoring_doubts"
            for row in found
        ],
        counts={row["guard"]: row["case_count"] for row in found},
    )


TABLES = [
    table("core.indicators"),
    table("core.milestones"),
    table("core.control_limits"),
    table("mart.published_indicators"),
    table("mart.indicator_values"),
    table("mart.control_limits"),
    computed_tables(
        "control_charts",
        reads=("core.assumptions_current", "mart.control_limits", "mart.indicator_values"),
        makes=("mart.spc_points", "mart.spc_series"),
        compute=_control,
    ),
    table("mart.indicator_rag"),
    table("mart.milestone_rag"),
    table("mart.monitoring_doubts", warns=[monitoring_returns_leave_nothing_open]),
    table("mart.stp_monitoring_summaries"),
]
