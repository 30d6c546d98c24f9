"""Reports: what each says, in words, charts and tables. How one is written is in `llr_pipeline/reports.py`."""
