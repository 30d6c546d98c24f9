"""Changes: every figure of the returns in use, and those of planning returns that are not the same in two rounds."""

from llr_pipeline.tables import table

TABLES = [table("mart.figures"), table("mart.round_changes"), table("mart.round_change_totals")]
