"""Tables -> what the model of each round needs. Nothing is computed here but shares and places in lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from assets.beds.inputs import COUNTED, Doubt, Round, Row, Unit
from assets.beds.model import Calendar, Cells
from assets.beds.schemes import Base, changes_of_schemes, claims_by_line, line_key, scheme_lines
from llr_pipeline.assumptions import Assumptions, read_assumptions
from llr_pipeline.computed import rows

MODELLED = ("activity", "beds", "schemes", "simulation")
"""Subjects of the assumptions that the model uses."""
LEAST = {"population_index": 0, "health_status_factor": 0, "non_demographic_growth": -1, "destination_stay": 0}
"""The least that a parameter of the model can be."""


def rounds(tables: Mapping[str, pd.DataFrame]) -> list[Round]:
    """Every round for which activity or beds were returned, the earliest first."""
    returned = {*tables["mart.bed_base_activity"]["round"], *tables["core.beds_current"]["round"]}
    return [_round(about, tables) for about in rows(tables["reference.rounds"]) if about["round"] in returned]


def _round(about: Row, tables: Mapping[str, pd.DataFrame]) -> Round:
    code, doubts = about["round"], []
    days = {row["financial_year"]: float(row["days"]) for row in rows(tables["reference.financial_years"])}
    years = tuple(year for year in sorted(days) if about["base_year"] <= year <= about["horizon_year"])
    quarters = sorted(rows(tables["reference.quarters"]), key=lambda row: row["quarter"])
    quarters = [row for row in quarters if row["financial_year"] in years]
    given = rows(tables["core.assumptions_current"], round=code)
    assumptions = read_assumptions(given, years)
    activity = rows(tables["mart.bed_base_activity"], round=code)
    beds = [row for row in rows(tables["core.beds_current"], round=code) if row["bed_definition"] in COUNTED]
    sheet = sorted(rows(tables["core.bed_schemes_current"], round=code), key=line_key)
    units = _units(activity, beds, sheet, rows(tables["reference.sectors"]), rows(tables["reference.sites"]))
    number = {(unit.site_code, unit.sector): n for n, unit in enumerate(units)}
    ages = tuple(sorted({row["age_band"] for row in activity}))
    points_of_delivery = tuple(sorted({row["point_of_delivery"] for row in activity}))
    activity = sorted((row for row in activity if row["bed_days"]), key=lambda row: _cell_key(row, number))
    cells = _cells(activity, number, ages, points_of_delivery, doubts)
    claims = claims_by_line(rows(tables["core.bed_scheme_claims_current"], round=code), years)
    base = Base(activity, cells, units, number, assumptions, doubts)
    timings, lines = scheme_lines(sheet, claims, base)
    schemes = {row["scheme_code"] for row in sheet}
    changes = changes_of_schemes(rows(tables["core.scenarios_current"], round=code), schemes, doubts)
    doubts += [*_not_used(given), *_missing(assumptions, ages, points_of_delivery, units)]
    planned = np.full((len(units), len(years)), np.nan)
    flags = {name: np.zeros(len(units), dtype=bool) for name in ("is_illustrative", "has_values_kept_back")}
    for row in beds:
        if row["financial_year"] in years and row["available_beds"] is not None:
            place = number[row["site_code"], row["sector"]], years.index(row["financial_year"])
            planned[place] = np.nansum([planned[place], row["available_beds"]])
    for row in (*activity, *beds):
        for name, flag in flags.items():
            flag[number[row["site_code"], row["sector"]]] |= row[name]
    return Round(
        round=code,
        years=years,
        quarters=tuple(row["quarter"] for row in quarters),
        starts=tuple(pd.Timestamp(row["starts_on"]).date() for row in quarters),
        calendar=Calendar(
            year=np.array([years.index(row["financial_year"]) for row in quarters]),
            days=np.array([float(row["days"]) for row in quarters]),
            days_in_year=np.array([days[row["financial_year"]] for row in quarters]),
            season=_season(quarters, years, assumptions),
        ),
        units=units,
        sectors=tuple(sorted({unit.sector for unit in units})),
        ages=ages,
        points_of_delivery=points_of_delivery,
        cells=cells,
        timings=timings,
        lines=lines,
        scenarios=changes,
        planned=planned,
        assumptions=assumptions,
        doubts=tuple(doubts),
        **flags,
    )  # fmt: skip


def _cell_key(row: Row, number: Mapping) -> tuple:
    """By unit, and in one order within it, whatever order the rows come in: a run's numbers are drawn in it."""
    group = row["point_of_delivery"], row["specialty_group"], row["age_band"]
    return number[row["site_code"], row["sector"]], row["organisation_code"], *group


def _not_used(given: Sequence[Row]) -> Iterator[Doubt]:
    """Assumptions of the model's subjects for one scenario alone."""
    for row in given:
        if row["scenario"] != "all" and row["subject"] in MODELLED:
            about = f"{row['parameter']}, {row['applies_to']}, {row['scenario']}, {row['financial_year']}"
            message = f"An assumption for the scenario {row['scenario']} alone is not used: scenarios change schemes"
            yield Doubt("not_used", about, message)


def _missing(
    assumptions: Assumptions, ages: Sequence[str], points_of_delivery: Sequence[str], units: Sequence[Unit]
) -> Iterator[Doubt]:
    """What the model needs and no assumption gives."""
    for parameter, codes in (("population_index", ages), ("non_demographic_growth", points_of_delivery)):
        for code in codes:
            if assumptions.get("activity", parameter, code) is None:
                message = f"No assumption {parameter} for {code}: no growth is taken"
                yield Doubt("no_growth_assumption", f"{parameter}, {code}", message)
        for code in codes:
            found = assumptions.get("activity", parameter, code)
            if parameter == "population_index" and found is not None and found["central"][0] == 0:
                message = f"The population index of {code} is 0 in the base year: no growth is taken"
                yield Doubt("no_growth_assumption", f"{parameter}, {code}", message)
    for (subject, parameter, code), found in assumptions.values.items():
        if subject in MODELLED and (found["low"] > found["high"]).any():
            message = f"P10 of {parameter} for {code} is above its P90: its central value is taken as certain"
            yield Doubt("range_upside_down", f"{parameter}, {code}", message)
        if parameter in LEAST and (found["central"] < LEAST[parameter]).any():
            message = f"{parameter} of {code} is below {LEAST[parameter]:g}: {LEAST[parameter]:g} is taken"
            yield Doubt("out_of_range", f"{parameter}, {code}", message)
    for sector in sorted({unit.sector for unit in units}):
        if assumptions.get("beds", "occupancy_target", sector) is None:
            message = f"No assumption occupancy_target for {sector}: no need can be given"
            yield Doubt("no_occupancy_target", sector, message)


def _season(quarters: Sequence[Row], years: Sequence[str], assumptions: Assumptions) -> np.ndarray:
    """The factor of each quarter, made to average 1 over the days of its year; 1 where all of a year's are 0."""
    by_quarter = [assumptions.central("beds", "season", f"Q{row['quarter_number']}", default=1.0) for row in quarters]
    year = np.array([years.index(row["financial_year"]) for row in quarters])
    days = np.array([row["days"] for row in quarters])
    season = np.array([path[t] for path, t in zip(by_quarter, year, strict=True)])
    mean = np.bincount(year, season * days) / np.bincount(year, days)
    return np.divide(season, mean[year], out=np.ones_like(season), where=mean[year] > 0)


def _units(
    activity: Sequence[Row], beds: Sequence[Row], sheet: Sequence[Row], sectors: Sequence[Row], sites: Sequence[Row]
) -> tuple[Unit, ...]:
    """Every site and sector that has patients, beds, or patients coming to it."""
    definition = {row["sector"]: row["bed_definition"] for row in sectors}
    owner = {row["site_code"]: row["organisation_code"] for row in sites}
    found = {(row["site_code"], row["sector"]): row["organisation_code"] for row in (*beds, *activity)}
    for row in sheet:
        for site, sector in ((row["from_site_code"], row["from_sector"]), (row["to_site_code"], row["to_sector"])):
            if definition.get(sector) in COUNTED and site is not None:
                found.setdefault((site, sector), row["organisation_code"])
    units = [
        Unit(owner.get(site, sender), site, sector, definition[sector])
        for (site, sector), sender in found.items() if definition.get(sector) in COUNTED
    ]  # fmt: skip
    return tuple(sorted(units, key=lambda unit: (unit.organisation_code, unit.site_code or "", unit.sector)))


def _cells(
    activity: Sequence[Row],
    number: Mapping,
    ages: Sequence[str],
    points_of_delivery: Sequence[str],
    doubts: list[Doubt],
) -> Cells:
    """The base year's cells, in the order of their units. Bed days without spells are taken as spells of one night."""
    spells, nights = [], []
    for row in activity:
        has_no_stay = not row["spells"] and bool(row["bed_days"])
        spells.append((row["bed_days"] if has_no_stay else row["spells"]) or 0.0)
        nights.append(1.0 if has_no_stay else row["stay_nights"] or 0.0)
        about = ", ".join(row[name] for name in ("specialty_group", "point_of_delivery", "age_band"))
        unit = number[row["site_code"], row["sector"]]
        if has_no_stay:
            message = f"{row['bed_days']:,.0f} bed days without spells: taken as spells of one night"
            doubts.append(Doubt("no_spells", about, message, unit))
    return Cells(
        unit=np.array([number[row["site_code"], row["sector"]] for row in activity], dtype=int),
        age=np.array([ages.index(row["age_band"]) for row in activity], dtype=int),
        point_of_delivery=np.array([points_of_delivery.index(row["point_of_delivery"]) for row in activity], dtype=int),
        spells=np.array(spells, dtype=float),
        nights=np.array(nights, dtype=float),
    )
