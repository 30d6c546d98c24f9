"""Changes: every figure of the planning returns that is not the same in two rounds."""

from llr_pipeline.tables import table

TABLES = [table("mart.round_changes"), table("mart.round_change_totals")]
