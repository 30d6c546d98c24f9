"""What: one module per subject, a line per table. How it is done is in `llr_pipeline/`; the sums are in `sql/`."""
