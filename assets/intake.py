"""What arrives, and the tables that it is read with. Everything else stands on these two steps."""

from llr_pipeline.steps import received_tables, reference_tables

TABLES = [reference_tables(), received_tables()]
