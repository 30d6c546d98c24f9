"""A small workforce plan by hand: the eleven tables that the workforce model reads, for tests to change.

A function a line gives it with every column; `workforce_tables` puts them together. Ordinary is one post, acute nurses
of RWE: 1,000 in every year, a leaver rate of 10.1% of those in post at the start, no retirement, 120 joiners a year of
whom a quarter comes from each source, base year 2015/16 and five more. There are no beds, contacts or schemes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from assets.workforce.gathering import rounds
from assets.workforce.inputs import Round
from assets.workforce.projection import project, project_staff
from llr_pipeline.assumptions import Drawn, pick_central

ROUND = "2016-10"
YEARS = ("2015/16", "2016/17", "2017/18", "2018/19", "2019/20", "2020/21")
LETTERS = "EFGHIJ"
NURSES, SUPPORT, THERAPY = "nursing_midwifery_health_visiting", "clinical_support", "scientific_therapeutic_technical"
ADULT = "adult_general_acute"
SECTORS = {ADULT: "stp_acute", "community": "stp_community", "mental_health": "stp_mental_health", "home": None}
SOURCES = ("newly_qualified", "other_nhs", "overseas", "other")
Path = float | Sequence[float | None] | None
Lines = Sequence[Mapping[str, object]]
FLOWS = (
    "leaver_rate",
    "retirement_rate",
    *(f"joiners_{source}" for source in SOURCES),
    "transfers_in",
    "transfers_out",
)
COLUMNS = {
    "core.workforce_current": "round organisation_code is_illustrative staff_group setting contract financial_year wte "
    "headcount sheet wte_cell headcount_cell",
    "core.workforce_flows_current": "round organisation_code is_illustrative staff_group setting rate_definition "
    "financial_year leaver_rate_share retirement_rate_share joiners_newly_qualified_wte joiners_other_nhs_wte "
    "joiners_overseas_wte joiners_other_wte transfers_in_wte transfers_out_wte sheet "
    + " ".join(f"{name}_cell" for name in FLOWS),
    "core.assumptions_current": "round organisation_code scenario subject parameter applies_to financial_year "
    "low_value central_value high_value",
    "core.scenarios_current": "round organisation_code scenario scheme_code parent_scenario slip_months "
    "delivered_share",
    "mart.bed_census_runs": "round scenario organisation_code sector financial_year mean_census_beds "
    "mean_census_beds_runs runs",
    "mart.bed_transfer_ledger": "round scenario quarter home_contacts",
    "mart.community_contacts": "round scenario organisation_code financial_year contacts",
}  # fmt: skip


def _path(given: Path) -> Sequence[float | None]:
    return [given] * len(YEARS) if given is None or isinstance(given, int | float) else given


def staff(
    wte: Path, contract: str = "substantive", *, group: str = NURSES, setting: str = "acute", organisation: str = "RWE",
    headcount: Path = None, row: int = 5,
) -> Lines:  # fmt: skip
    """A line of the Workforce sheet, its years in columns E to J of this row."""
    return [
        {
            "round": ROUND, "organisation_code": organisation, "is_illustrative": True, "staff_group": group,
            "setting": setting, "contract": contract, "financial_year": year, "wte": wte_of_year, "headcount": people,
            "sheet": "Workforce", "wte_cell": f"{letter}{row}", "headcount_cell": f"{letter}{row + 50}",
        }
        for year, letter, wte_of_year, people in zip(YEARS, LETTERS, _path(wte), _path(headcount), strict=True)
    ]  # fmt: skip


def flows(
    *, leave: Path = 0.101, retire: Path = 0.0, join: Path = 120.0, inward: Path = None, outward: Path = None,
    group: str = NURSES, setting: str = "acute", organisation: str = "RWE", definition: str = "opening_stock",
    row: int = 5,
) -> Lines:  # fmt: skip
    """The lines of the Flows sheet of a post; joiners in equal parts, none in the base year."""
    paths = [leave, retire, *(None if join is None else [None, *[j and j / 4 for j in _path(join)[1:]]],) * 4, inward,
             outward]  # fmt: skip
    by_year = zip(*(_path(path) for path in paths), strict=True)
    return [
        {
            "round": ROUND, "organisation_code": organisation, "is_illustrative": True, "staff_group": group,
            "setting": setting, "rate_definition": definition, "financial_year": year, "sheet": "Flows",
            **{f"{name}_{'share' if 'rate' in name else 'wte'}": v for name, v in zip(FLOWS, values, strict=True)},
            **{
                f"{name}_cell": None if value is None else f"{letter}{row + n}"
                for n, (name, value) in enumerate(zip(FLOWS, values, strict=True))
            },
        }
        for year, letter, values in zip(YEARS, LETTERS, by_year, strict=True)
    ]  # fmt: skip


def assumption(
    parameter: str, applies_to: str, central: Path, *, low: Path = None, high: Path = None, subject: str = "workforce",
    scenario: str = "all",
) -> Lines:  # fmt: skip
    """An assumption, a line a year from the base year; a number stands for every year."""
    return [
        {
            "round": ROUND, "organisation_code": "QK1", "scenario": scenario, "subject": subject,
            "parameter": parameter, "applies_to": applies_to, "financial_year": year, "low_value": values[0],
            "central_value": values[1], "high_value": values[2],
        }
        for year, *values in zip(YEARS, _path(low), _path(central), _path(high), strict=True)
    ]  # fmt: skip


def census(beds: Path, sector: str = ADULT, *, organisation: str = "RWE", spread: Sequence[float] = (0.0,) * 20,
           scenarios: Sequence[str] = ("do_nothing", "plan")) -> Lines:  # fmt: skip
    """Patients in beds; each run's are the central ones plus its part of the spread, after the base year."""
    return [
        {
            "round": ROUND, "scenario": scenario, "organisation_code": organisation, "sector": sector,
            "financial_year": year, "mean_census_beds": value, "runs": len(spread),
            "mean_census_beds_runs": np.array([value + (some if year != YEARS[0] else 0) for some in spread]),
        }
        for scenario in scenarios
        for year, value in zip(YEARS, _path(beds), strict=True)
    ]  # fmt: skip


def contacts(nothing: Path, plan: Path, organisation: str = "RT5") -> Lines:
    return [
        {
            "round": ROUND, "scenario": scenario, "organisation_code": organisation, "financial_year": year,
            "contacts": value,
        }
        for scenario, path in (("do_nothing", nothing), ("plan", plan))
        for year, value in zip(YEARS, _path(path), strict=True)
    ]  # fmt: skip


def scenario(code: str, *, parent: str = "plan", delivered: float | None = None) -> Mapping[str, object]:
    return {
        "round": ROUND, "organisation_code": "QK1", "scenario": code, "scheme_code": "all", "parent_scenario": parent,
        "slip_months": None, "delivered_share": delivered,
    }  # fmt: skip


COMPLETE = (
    *assumption("runs", "workforce", 20, subject="simulation"),
    *assumption("replacement_share", "all", 0.5),
    *assumption("cap_share", "bank", 0.06),
    *assumption("cap_share", "agency", 0.05),
    *assumption("premium_share", "bank", 0.05),
    *assumption("premium_share", "agency", 0.55),
    *assumption("contracted_hours", "all", 37.5),
    *assumption("headroom_share", "all", 0.21),
    *assumption("care_hours_per_patient_day", "all", 8.0),
    *assumption("contacts_per_wte", "community", 950.0),
    *(line for group in (NURSES, SUPPORT, THERAPY) for line in assumption("pay_cost_per_wte", group, 38_000.0)),
    *assumption("inflation", "pay", [None, 0.02, 0.02, 0.02, 0.02, 0.02], subject="funding"),
)
ORDINARY = (*staff(1_000.0, headcount=1_150.0),)


def workforce_tables(
    workforce: Lines = ORDINARY, returned: Lines | None = None, *, assumptions: Lines = COMPLETE, scenarios: Lines = (),
    beds: Lines = (), moved: Lines = (), community: Lines = (),
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """The eleven tables."""
    lines = {
        "core.workforce_current": workforce, "core.workforce_flows_current": flows() if returned is None else returned,
        "core.assumptions_current": assumptions, "core.scenarios_current": scenarios, "mart.bed_census_runs": beds,
        "mart.bed_transfer_ledger": moved, "mart.community_contacts": community,
    }  # fmt: skip
    tables = {name: pd.DataFrame(list(rows), columns=COLUMNS[name].split()) for name, rows in lines.items()}
    names = [f"{year}/{(year + 1) % 100:02}" for year in range(2010, 2025)]
    return tables | {
        "reference.rounds": pd.DataFrame([{"round": ROUND, "base_year": YEARS[0], "horizon_year": YEARS[-1]}]),
        "reference.financial_years": pd.DataFrame({"financial_year": names}),
        "reference.quarters": pd.DataFrame(
            {"quarter": [f"{name} Q{n}" for name in names for n in (1, 2, 3, 4)], "financial_year": np.repeat(names, 4)}
        ),
        "reference.sectors": pd.DataFrame({"sector": list(SECTORS), "bed_definition": list(SECTORS.values())}),
    }


def workforce_round(*lines: Lines, **more: object) -> Round:
    """The round that these lines make; the arguments are those of `workforce_tables`."""
    (one,) = rounds(workforce_tables(*lines, **more))
    return one


def projected(*lines: Lines, **more: object) -> dict[str, pd.DataFrame]:
    """The tables that these lines come to."""
    return dict(project(workforce_tables(*lines, **more)))


def of(tables: Mapping[str, pd.DataFrame], name: str, **equal: object) -> pd.DataFrame:
    """Rows of a table of the mart, by year where it has years."""
    frame = tables[f"mart.{name}"]
    for column, value in equal.items():
        frame = frame[frame[column] == value]
    return frame.sort_values("financial_year") if "financial_year" in frame else frame


def in_runs(inputs: Round, name: str = "plan"):
    """A scenario's staff, central and in the round's runs."""
    one = project_staff(inputs, name, pick_central)
    return one, project_staff(inputs, name, Drawn(inputs.assumptions, inputs.runs, inputs.seed).pick, central=one)
