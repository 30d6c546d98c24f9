"""Beds: what is planned, the schemes that change it, and beds needed against beds planned."""

from llr_pipeline.tables import table

TABLES = [
    table("core.beds"),
    table("core.bed_schemes"),
    table("core.bed_scheme_claims"),
    table("mart.bed_capacity_trajectories"),
    table("mart.bed_capacity_totals"),
]
