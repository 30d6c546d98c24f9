"""Monitoring: indicators and milestones, month by month as they were returned."""

from llr_pipeline.tables import table

TABLES = [table("core.indicators"), table("core.milestones")]
