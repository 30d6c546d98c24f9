"""Publishing: the file that analysts open."""

from llr_pipeline.tables import published_file

TABLES = [published_file()]
