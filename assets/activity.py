"""Activity: spells, bed days, attendances and contacts, as providers and commissioners plan them."""

from llr_pipeline.tables import table

TABLES = [table("core.activity")]
