"""The dispersion of real daily beds: University Hospitals of Leicester in two winters of situation reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from python_calamine import CalamineWorkbook

from llr_pipeline.queueing import dispersion


@pytest.mark.parametrize(
    ("file", "days", "mean", "ratio"),
    [
        # mean 1,514.8 as stated for the file; the ratio is what docs/methods.md says of it
        ("Winter-data-timeseries-20170312.xlsx", 102, 1514.8, 4.4),
        ("Winter-data-timeseries-20180304.xlsx", 105, 1522.6, 1.4),
    ],
)
def test_two_winters_of_one_trust(shared: Path, file: str, days: int, mean: float, ratio: float):
    """General and acute beds occupied. A dispersion of one winter is rough: these two differ threefold."""
    sheet = CalamineWorkbook.from_path(shared / "data/nhs/sitrep" / file).get_sheet_by_name("G&A beds")
    rows = sheet.to_python(skip_empty_area=False)
    headings = next(row for row in rows if any("occ" in str(entry).lower() for entry in row))
    columns = [
        n for n, entry in enumerate(headings) if "occ" in str(entry).lower() and "rate" not in str(entry).lower()
    ]
    trust = next(row for row in rows if "RWE" in row)
    daily = np.array([trust[n] if isinstance(trust[n], int | float) else np.nan for n in columns])
    found = dispersion(daily)
    assert (found.days, round(float(np.nanmean(daily)), 1), round(found.ratio, 1)) == (days, mean, ratio)
