"""A small bed plan by hand: the ten tables that the bed model reads, of a few lines, for tests to change one.

A function a line gives it with every column; `bed_round` puts lines together and reads them. Ordinary is one site with
1,000 spells of 5.5 nights, target occupancy 92%, base year 2015/16 (366 days) and three years. Nothing else is stated:
no growth, no schemes, no scenarios.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
import pandas as pd

from assets.beds.gathering import rounds
from assets.beds.inputs import Round
from assets.beds.parameters import Parameters, central, drawn
from assets.beds.simulation import Result, simulate

ROUND, SENDER = "2016-10", "RWE"
YEARS = ("2015/16", "2016/17", "2017/18", "2018/19", "2019/20", "2020/21")
ACUTE, CHILD, COMMUNITY, REHAB = "adult_general_acute", "child_general_acute", "community", "stroke_rehab"
SECTORS = {
    ACUTE: "stp_acute", CHILD: "stp_acute", COMMUNITY: "stp_community", REHAB: "stp_community",
    "mental_health": "stp_mental_health", "home": None,
}  # fmt: skip
SITES = {"ACU1": "RWE", "ACU2": "RWE", "COM1": "RT5", "COM2": "RT5"}
COLUMNS = {
    "core.beds_current": "round organisation_code is_illustrative has_values_kept_back site_code sector bed_definition "
    "financial_year available_beds occupied_beds",
    "core.bed_schemes_current": "round organisation_code is_illustrative scheme_code mechanism from_site_code "
    "from_sector from_point_of_delivery from_specialty_group from_age_band row_number scheme_name priority "
    "to_site_code to_sector start_date effect_share shortened_nights cover_share phase_in_months confidence_share",
    "core.bed_scheme_claims_current": "round organisation_code scheme_code row_number financial_year claimed_beds",
    "core.assumptions_current": "round organisation_code scenario subject parameter applies_to financial_year "
    "low_value central_value high_value",
    "core.scenarios_current": "round organisation_code scenario scheme_code parent_scenario slip_months "
    "delivered_share",
    "mart.bed_base_activity": "round organisation_code site_code sector bed_definition point_of_delivery "
    "specialty_group age_band is_illustrative has_values_kept_back spells bed_days stay_nights",
}
Lines = Sequence[Mapping[str, object]]


def patients(
    site: str = "ACU1",
    sector: str = ACUTE,
    *,
    spells: float | None = 1_000.0,
    nights: float = 5.5,
    bed_days: float | None = -1.0,
    age: str = "65-74",
    pod: str = "non_elective",
    specialty: str = "medicine",
) -> dict[str, object]:
    """A cell of the base year; its bed days are spells x nights where not given."""
    days = (spells or 0.0) * nights if bed_days == -1.0 else bed_days
    return {
        "round": ROUND, "organisation_code": SENDER, "site_code": site, "sector": sector,
        "bed_definition": SECTORS[sector], "point_of_delivery": pod, "specialty_group": specialty, "age_band": age,
        "is_illustrative": True, "has_values_kept_back": False, "spells": spells, "bed_days": days,
        "stay_nights": days / spells if spells and days is not None else None,
    }  # fmt: skip


def planned(site: str = "ACU1", sector: str = ACUTE, beds: float | Sequence[float | None] = 20.0) -> Lines:
    """A unit's available beds, a line a year."""
    path = [beds] * len(YEARS) if isinstance(beds, int | float) else beds
    return [
        {
            "round": ROUND, "organisation_code": SENDER, "is_illustrative": True, "has_values_kept_back": False,
            "site_code": site, "sector": sector, "bed_definition": SECTORS[sector], "financial_year": year,
            "available_beds": beds_of_year, "occupied_beds": None,
        }
        for year, beds_of_year in zip(YEARS, path, strict=False)
    ]  # fmt: skip


def scheme(code: str = "SCH01", mechanism: str = "avoid_admission", **changes: object) -> dict[str, object]:
    """A line of the Bed schemes sheet: by default half of everybody at ACU1, in full from 1 April 2016."""
    line = {
        "round": ROUND, "organisation_code": SENDER, "is_illustrative": True, "scheme_code": code,
        "mechanism": mechanism, "from_site_code": "ACU1", "from_sector": ACUTE, "from_point_of_delivery": None,
        "from_specialty_group": None, "from_age_band": None, "row_number": None, "scheme_name": code, "priority": 1,
        "to_site_code": None, "to_sector": None, "start_date": "2016-04-01",
        "effect_share": None if mechanism in ("shorten_stay", "open", "close", "growth") else 0.5,
        "shortened_nights": 1.0 if mechanism == "shorten_stay" else None, "cover_share": 1.0, "phase_in_months": 0.0,
        "confidence_share": 1.0,
    }  # fmt: skip
    assert set(changes) <= {*line, "claims"}, changes
    return {**line, **changes}


def assumption(
    parameter: str,
    applies_to: str,
    central: float | Sequence[float | None] | None,
    *,
    low: float | Sequence[float | None] | None = None,
    high: float | Sequence[float | None] | None = None,
    subject: str = "activity",
    scenario: str = "all",
) -> Lines:
    """An assumption, a line a year from the base year; a number stands for every year."""
    paths = [
        [path] * len(YEARS) if path is None or isinstance(path, int | float) else path for path in (low, central, high)
    ]
    return [
        {
            "round": ROUND, "organisation_code": "QK1", "scenario": scenario, "subject": subject,
            "parameter": parameter, "applies_to": applies_to, "financial_year": year, "low_value": values[0],
            "central_value": values[1], "high_value": values[2],
        }
        for year, *values in zip(YEARS, *paths, strict=False)
    ]  # fmt: skip


def scenario(
    code: str, *, parent: str = "plan", scheme_code: str = "all", months: float | None = None,
    delivered: float | None = None,
) -> dict[str, object]:  # fmt: skip
    """A line of the Scenarios sheet."""
    return {
        "round": ROUND, "organisation_code": "QK1", "scenario": code, "scheme_code": scheme_code,
        "parent_scenario": parent, "slip_months": months, "delivered_share": delivered,
    }  # fmt: skip


def occupancy(share: float | Sequence[float] = 0.92, sector: str = "all") -> Lines:
    return assumption("occupancy_target", sector, share, subject="beds")


ORDINARY = (*occupancy(),)


def bed_tables(
    activity: Lines | None = None,
    *,
    schemes: Lines = (),
    beds: Lines = (),
    assumptions: Lines = ORDINARY,
    scenarios: Lines = (),
    last_year: str = "2017/18",
    base_year: str = "2015/16",
) -> dict[str, pd.DataFrame]:
    """The ten tables. A scheme's `claims`, where it has some, are its claimed beds from the base year on."""
    number = count(5)
    schemes = [{**line, "row_number": line["row_number"] or next(number)} for line in schemes]
    claims = [
        {**line, "financial_year": year, "claimed_beds": beds_claimed}
        for line in schemes
        for year, beds_claimed in zip(YEARS, line.get("claims", ()), strict=False)
    ]
    lines = {
        "core.beds_current": beds, "core.bed_schemes_current": schemes, "core.bed_scheme_claims_current": claims,
        "core.assumptions_current": assumptions, "core.scenarios_current": scenarios,
        "mart.bed_base_activity": [patients()] if activity is None else activity,
    }  # fmt: skip
    tables = {name: pd.DataFrame(list(rows), columns=COLUMNS[name].split()) for name, rows in lines.items()}
    year_starts = [pd.Timestamp(2010 + n, 4, 1) for n in range(15)]
    names = [f"{start.year}/{(start.year + 1) % 100:02}" for start in year_starts]
    quarter_starts = [start + pd.DateOffset(months=3 * n) for start in year_starts for n in range(4)]
    return tables | {
        "reference.rounds": pd.DataFrame([{"round": ROUND, "base_year": base_year, "horizon_year": last_year}]),
        "reference.financial_years": pd.DataFrame(
            {
                "financial_year": names,
                "days": [(start + pd.DateOffset(years=1) - start).days for start in year_starts],
            }
        ),
        "reference.quarters": pd.DataFrame(
            {
                "quarter": [f"{name} Q{n}" for name in names for n in (1, 2, 3, 4)],
                "financial_year": np.repeat(names, 4),
                "quarter_number": [1, 2, 3, 4] * len(names),
                "starts_on": quarter_starts,
                "days": [(start + pd.DateOffset(months=3) - start).days for start in quarter_starts],
            }
        ),
        "reference.sectors": pd.DataFrame({"sector": list(SECTORS), "bed_definition": list(SECTORS.values())}),
        "reference.sites": pd.DataFrame({"site_code": list(SITES), "organisation_code": list(SITES.values())}),
    }


def bed_round(activity: Lines | None = None, **lines: object) -> Round:
    """The round that these lines make; the arguments are those of `bed_tables`."""
    (one,) = rounds(bed_tables(activity, **lines))
    return one


def drawn_of(inputs: Round, *, runs: int, seed: int = 1) -> Parameters:
    """Drawn parameters alone."""
    return drawn(inputs, runs=runs, seed=seed)[0]


def simulated(inputs: Round, scenario: str = "plan", *, runs: int = 2, seed: int = 1, workers: int = 1) -> Result:
    """One scenario of the round."""
    return simulate(
        inputs, scenario, central(inputs), drawn_of(inputs, runs=runs, seed=seed), seed=seed, workers=workers
    )


def unit(inputs: Round, site: str = "ACU1", sector: str = ACUTE) -> int:
    """The unit's number."""
    return [(one.site_code, one.sector) for one in inputs.units].index((site, sector))


def of_years(inputs: Round, quarterly: np.ndarray) -> np.ndarray:
    """Of (quarter,): the mean over each year's days, added up quarter by quarter."""
    days = inputs.calendar.days
    return np.array([
        sum(quarterly[q] * days[q] for q in range(first, first + 4)) / sum(days[first : first + 4])
        for first in range(0, len(days), 4)
    ])  # fmt: skip
