"""Workforce: staff by group, setting and contract, and how they join and leave."""

from llr_pipeline.tables import table

TABLES = [table("core.workforce"), table("core.workforce_flows")]
