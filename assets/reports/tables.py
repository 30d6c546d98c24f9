"""Reports: each a table of its own figures, and the document that a function makes of them."""

from typing import Any

import dagster as dg
import duckdb

from llr_pipeline.documents import Document
from llr_pipeline.reports import report
from llr_pipeline.tables import table


def _actuals(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.actuals import actuals

    return actuals(connection)


def _bed_capacity(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.bed_capacity import bed_capacity

    return bed_capacity(connection)


def _funding_gap(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.funding_gap import funding_gap

    return funding_gap(connection)


def _changes(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.changes import changes

    return changes(connection)


def _claims(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.claims import claims

    return claims(connection)


def _stp_monitoring(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.stp_monitoring import stp_monitoring

    return stp_monitoring(connection)


def _triangulation(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.triangulation import triangulation

    return triangulation(connection)


def _workforce(connection: duckdb.DuckDBPyConnection) -> Document:
    from assets.reports.workforce import workforce

    return workforce(connection)


def _headlines(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Any]:
    from assets.reports.headlines import headlines

    return {report: dg.MetadataValue.md(text) for report, text in headlines(connection).items()}


TABLES = [
    report(
        "report.actuals",
        _actuals,
        asks="What happened to beds, beside what was planned, and to trusts among their peers?",
        reads=(
            "mart.layout_changes",
            "mart.peer_comparison",
            "mart.plan_against_actuals",
            "reference.definition_pairs",
            "reference.layout_changes",
        ),
    ),
    report(
        "report.bed_capacity",
        _bed_capacity,
        asks="Will there be enough beds, how surely, and why do they change?",
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
        "report.funding_gap",
        _funding_gap,
        asks="How large is the funding gap, what closes it, and how surely?",
        reads=(
            "core.assumptions",
            "mart.capital_plan",
            "mart.funding_assumption_effects",
            "mart.funding_break_evens",
            "mart.funding_bridges",
            "mart.funding_doubts",
            "mart.funding_method_differences",
            "mart.funding_modelled_totals",
            "mart.provider_efficiency",
            "mart.savings_delivered",
            "mart.savings_schemes",
            "reference.organisations",
        ),
    ),
    report(
        "report.triangulation",
        _triangulation,
        asks="Do the plans agree with each other?",
        reads=(
            "core.assumptions",
            "mart.triangulation_checks",
            "mart.triangulation_summary",
            "reference.code_lists",
            "reference.organisations",
            "reference.rounds",
        ),
    ),
    report(
        "report.workforce",
        _workforce,
        asks="Can the staff be had, and can turnover give the jobs that go?",
        reads=(
            "core.assumptions",
            "mart.redundancy_test",
            "mart.workforce_doubts",
            "mart.workforce_projections",
            "reference.code_lists",
            "reference.organisations",
        ),
    ),
    report(
        "report.changes",
        _changes,
        asks="What changed from one round to the next?",
        reads=(
            "mart.round_change_totals",
            "reference.code_lists",
            "reference.organisations",
            "reference.sectors",
            "reference.sites",
            "reference.specialty_groups",
            "report.bed_capacity",
            "report.funding_gap",
            "report.headlines",
            "report.workforce",
        ),
    ),
    report("report.claims", _claims, asks="Do the published figures add up?"),
    report(
        "report.stp_monitoring",
        _stp_monitoring,
        asks="What needs attention this month?",
        reads=(
            "mart.capital_totals",
            "mart.indicator_rag",
            "mart.monitoring_doubts",
            "mart.return_completeness",
            "mart.round_changes",
            "mart.savings_delivered",
            "mart.spc_points",
            "mart.spc_series",
            "report.changes",
            "report.claims",
        ),
    ),
    table("report.headlines", then=_headlines),
]
