"""Claims: every published figure, its own arithmetic, and the figure of the returns beside it."""

from llr_pipeline.tables import table

TABLES = [table("mart.claims_ledger")]
