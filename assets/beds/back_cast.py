"""Back-cast: what the method would have said of years whose outturn is known, and its error.

KH03 general and acute beds occupied in the base year, grown as the model grows patients: by the population and health
status of each age and by other growth, with the base year's bed days as weights, stays as they were and no scheme. Both
are daily averages: the days of the year do not matter. Years of the pandemic are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from assets.beds.inputs import Round
from assets.beds.model import grown
from assets.beds.parameters import Parameters
from llr_pipeline.computed import rows
from llr_pipeline.uncertainty import percentiles

GENERAL_AND_ACUTE = ("adult_general_acute", "child_general_acute")
LEFT_OUT = ("2020/21", "2021/22")


def back_cast(
    inputs: Round, central: Parameters, drawn: Parameters, tables: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """`mart.bed_back_cast`: a row an organisation and year, of those with an outturn for the base year."""
    outturn = {
        (row["organisation_code"], row["financial_year"]): row["occupied_beds"]
        for row in rows(tables["reference.kh03_outturn"])
    }
    parts = []
    for organisation in sorted({organisation for organisation, year in outturn if year == inputs.years[0]}):
        of_it = [
            n for n, unit in enumerate(inputs.units)
            if unit.organisation_code == organisation and unit.sector in GENERAL_AND_ACUTE
        ]  # fmt: skip
        which = np.isin(inputs.cells.unit, of_it)
        weights = (inputs.cells.spells * inputs.cells.nights)[which]
        if not weights.sum():
            continue
        base = outturn[organisation, inputs.years[0]]
        one, many = (
            base * np.tensordot(weights / weights.sum(), grown(inputs.cells, p.growth)[which], 1)
            for p in (central, drawn)
        )
        found = percentiles(many, axis=1)
        for t, year in enumerate(inputs.years):
            actual = outturn.get((organisation, year))
            if t and actual is not None and year not in LEFT_OUT:
                parts.append({
                    "round": inputs.round, "organisation_code": organisation, "base_year": inputs.years[0],
                    "financial_year": year, "forecast_beds": one[t, 0], "forecast_beds_p10_runs": found.p10[t],
                    "forecast_beds_p90_runs": found.p90[t], "outturn_beds": actual, "error_beds": one[t, 0] - actual,
                    "error_pct": 100 * (one[t, 0] / actual - 1),
                    "is_within_interval": bool(found.p10[t] <= actual <= found.p90[t]),
                })  # fmt: skip
    return pd.DataFrame(parts)
