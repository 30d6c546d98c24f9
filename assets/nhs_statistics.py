"""Published NHS statistics: what happened, for every trust in England."""

from llr_pipeline.tables import table

TABLES = [table("core.nhs_beds")]
