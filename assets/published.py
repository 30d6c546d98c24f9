"""Publishing: the file that analysts open."""

from llr_pipeline.steps import published_file

TABLES = [published_file()]
