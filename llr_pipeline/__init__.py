"""How: files, tables, Dagster and statistics. What is computed is in `assets/`, the sums are in `sql/`."""
