"""Reports: each a table of its own figures, and the document that a function makes of them."""

import duckdb

from llr_pipeline.reports import Document, report
from llr_pipeline.tables import table


def _bed_capacity(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.bed_capacity import bed_capacity

    return bed_capacity(connection)


def _workforce(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.workforce import workforce

    return workforce(connection)


TABLES = [
    report(
        "report.bed_capacity",
        _bed_capacity,
        reads=(
            "core.assumptions",
            "core.bed_schemes",
            "mart.bed_assumption_effects",
            "mart.bed_back_cast",
            "mart.bed_bridge_totals",
            "mart.bed_demand",
            "mart.bed_demand_quarter_totals",
            "mart.bed_demand_totals",
            "mart.bed_feasibility",
            "mart.bed_first_shortfalls",
            "mart.bed_scheme_effects",
            "mart.bed_transfer_ledger",
            "reference.financial_years",
            "reference.quarters",
            "reference.sites",
        ),
    ),
    report(
        "report.workforce",
        _workforce,
        reads=(
            "core.assumptions",
            "mart.redundancy_test",
            "mart.workforce_doubts",
            "mart.workforce_projections",
            "reference.code_lists",
        ),
    ),
    table("report.headlines"),
]
