"""Growth by age band against the real projections of the system's population, and against a published model of demand.

`shared/data/nhs/population/`: ONS estimates (v0) and projections (v1 principal) by single year of age, and the demand
growth that the New Hospital Programme's model gives for each area by age and sex.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.beds.model import Cells, Growth, grown
from assets.sample.activity import provided
from assets.sample.hospitals import AGES, POPULATION

SYSTEM = "E54000015"
FIRST_AGE = {"0-17": 0, "18-64": 18, "65-74": 65, "75-84": 75, "85+": 85}


@pytest.fixture(scope="module")
def people(shared: Path) -> pd.DataFrame:
    """People of the system: a row a variant and year, a column an age band."""
    found = pd.read_parquet(shared / "data/nhs/population/llr_population_syoa_2000_2043.parquet")
    found = found[found["area_code"] == SYSTEM]
    bands = pd.cut(found["age"], [*FIRST_AGE.values(), 200], right=False, labels=list(FIRST_AGE))
    total = (found["females"] + found["males"]).groupby([found["variant"], found["year"], bands], observed=True).sum()
    return total.unstack()


def test_the_sample_s_population_is_the_published_estimate(people):
    """Mid-2015 = 1, to three decimals."""
    estimates = people.loc["v0"].loc[2015:2020]
    index = estimates / estimates.iloc[0]
    assert {age: index[age].round(3).tolist() for age in AGES} == {age: list(POPULATION[age]) for age in AGES}


@pytest.mark.parametrize("last", [2030, 2035, 2040])
def test_growth_of_unplanned_bed_days_is_near_that_of_the_national_model(people, shared, last):
    """From 2025 by age alone. The national model has single years of age and sex and each trust's own patients; five
    bands and the sample's illustrative patients come within two points of it.
    """
    published = pd.read_csv(shared / "data/nhs/population/llr_demand_growth_factors.csv")
    published = published[
        (published["area_code"] == SYSTEM) & (published["variant"] == "v1") & (published["group"] == "emer_bds")
    ].set_index("end_year")["demo_p"]  # per cent since 2023
    expected = (1 + published[last] / 100) / (1 + published[2025] / 100)

    bed_days = dict.fromkeys(AGES, 0.0)
    for organisation in ("RWE", "RT5"):
        for (cell, scenario, measure), values in provided(organisation, "2016-11").items():
            if (scenario, measure, cell.point_of_delivery) == ("do_nothing", "bed_days", "non_elective"):
                bed_days[cell.age] += values[0]
    projected = people.loc["v1"]
    index = np.array([[1.0, projected[age][last] / projected[age][2025]] for age in AGES])[:, :, None]
    none = np.zeros(len(AGES), dtype=int)
    cells = Cells(none, np.arange(len(AGES)), none, np.array(list(bed_days.values())), np.ones(len(AGES)))
    growth = Growth(index, np.ones_like(index), np.ones((1, 2, 1)))
    found = (cells.spells[:, None] * grown(cells, growth)[:, :, 0]).sum(axis=0)
    assert found[1] / found[0] == pytest.approx(expected, abs=0.02)
    assert found[1] / found[0] > 1
