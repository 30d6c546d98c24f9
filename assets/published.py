"""Publishing: the dictionary of everything that is published, and the file that analysts open."""

from llr_pipeline.dictionary import dictionary_table
from llr_pipeline.steps import published_file

TABLES = [dictionary_table(), published_file()]
