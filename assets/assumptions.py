"""Assumptions: every policy choice and estimate that a projection uses, and the scenarios."""

from llr_pipeline.tables import table

TABLES = [table("core.assumptions"), table("core.scenarios")]
