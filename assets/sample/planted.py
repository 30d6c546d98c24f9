"""The disagreements planted in the earlier round, and how each is put into the returns.

Nobody published them: they are the mistakes that planners say go wrong, one of each kind, so that the checks have
something to find. Each stays inside what a workbook may hold and leaves the round's published totals as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from assets.sample.rounds import EARLIER, YEARS
from llr_pipeline.templates import Line


@dataclass(frozen=True)
class Plant:
    """A disagreement: which line of which return, the years it touches, what is done to the value."""

    kind: str
    organisation_code: str
    template: str
    sheet: str
    table: str
    keys: Mapping[str, object]
    years: tuple[str, ...]
    change: Callable[[float], float]
    what_it_is: str
    column: str | None = None
    """An attribute of the line to change; empty for its yearly values."""


def _add(amount: float) -> Callable[[float], float]:
    return lambda value: round(value + amount, 1)


def _times(factor: float, decimals: int = 0) -> Callable[[float], float]:
    return lambda value: float(round(value * factor, decimals))


LATE = YEARS[3:]
PLANTS = (
    Plant(
        "provider_commissioner_activity", "03W", "activity", "Activity", "activity",
        {"point_of_delivery": "non_elective", "specialty_group": "geriatric_medicine", "age_band": "75-84",
         "scenario": "plan", "counterparty_code": "RWE", "measure": "spells"},
        LATE, _times(0.88), "The commissioner plans 12% fewer spells than the hospital does",
    ),
    Plant(
        "provider_commissioner_activity", "RT5", "activity", "Activity", "activity",
        {"point_of_delivery": "community_contacts", "specialty_group": "community_services", "age_band": "65-74",
         "scenario": "plan", "counterparty_code": "04V", "measure": "contacts"},
        ("2019/20", "2020/21"), _times(1.09), "The provider plans 9% more contacts than its commissioner does",
    ),
    Plant(
        "activity_against_occupied_beds", "RWE", "beds", "Beds", "beds",
        {"site_code": "RWEAE", "sector": "adult_general_acute", "bed_definition": "stp_acute", "measure": "occupied"},
        ("2017/18", "2018/19"), _add(19.5), "Occupied beds at Glenfield are 19.5 above activity times stay",
    ),
    Plant(
        "contract_income_against_bought", "RWE", "finance", "Income and expenditure", "income_expenditure",
        {"line": "Contract with West Leicestershire CCG", "category": "contract_income"},
        LATE, _add(3_200), "The hospital books 3.2 m more from West Leicestershire than that CCG says it buys",
    ),
    Plant(
        "contract_income_against_bought", "RWE", "finance", "Income and expenditure", "income_expenditure",
        {"line": "Specialised and other commissioners", "category": "other_income"},
        LATE, _add(-3_200), "The other side of the line above: under the wrong heading, so the total is unchanged",
    ),
    Plant(
        "bed_schemes_against_beds", "RWE", "beds", "Bed schemes", "bed_schemes",
        {"scheme_code": "EFF01", "from_site_code": "RWEAA", "from_sector": "adult_general_acute"},
        ("2020/21",), _add(24.0), "Shorter stays claim 24 beds fewer than the fall in the hospital's beds needs",
    ),
    Plant(
        "savings_against_finance", "04V", "finance", "Savings", "savings",
        {"scheme_code": "QIP02", "measure": "gross_saving"},
        ("2019/20", "2020/21"), _add(1_750), "The savings sheet holds 1.75 m that the plan's expenditure lines do not",
    ),
    Plant(
        "wte_change_against_pay_cost", "RT5", "workforce", "Workforce", "workforce",
        {"staff_group": "nursing_midwifery_health_visiting", "setting": "mental_health", "contract": "substantive",
         "measure": "pay_cost"},
        ("2018/19",), _times(1.14), "Pay rises by 14% in one year while whole-time equivalents do not",
    ),
    Plant(
        "unit_slip", "RX9", "workforce", "Workforce", "workforce",
        {"staff_group": "clinical_support", "setting": "ambulance", "contract": "bank", "measure": "pay_cost"},
        ("2017/18",), _times(1_000), "Entered in pounds, not thousands of pounds",
    ),
    Plant(
        "parts_against_wholes", "RT5", "finance", "Savings", "savings",
        {"scheme_code": "REC04", "measure": "gross_saving"}, (), _times(0.6),
        "The full-year effect is less than the saving of a single year", "full_year_effect",
    ),
    Plant(
        "capital_against_opening", "RT5", "finance", "Capital", "capital",
        {"scheme_code": "REC07", "source": "internal"},
        ("2020/21",), _add(900), "Money for the community extensions goes on after their wards open on 1 April 2019",
    ),
)  # fmt: skip


def plant(
    template: str, organisation_code: str, period: str, tables: Mapping[str, Sequence[Line]]
) -> tuple[dict[str, list[Line]], list[dict[str, object]]]:
    """The tables with their planted disagreements, and a row about each value changed."""
    changed = {table: list(lines) for table, lines in tables.items()}
    rows: list[dict[str, object]] = []
    for about in PLANTS if period == EARLIER else ():
        if (about.template, about.organisation_code) != (template, organisation_code):
            continue
        some = changed[about.table]
        places = [i for i, line in enumerate(some) if _fits(about, line)]
        if not places:
            raise LookupError(f"no line for the planted {about.kind} of {organisation_code}: {about.keys}")
        for i in places:
            line = some[i]
            attributes, values = dict(line.attributes), dict(line.values)
            target = attributes if about.column else values
            for name in (about.column,) if about.column else about.years:
                clean = target[name]
                target[name] = about.change(clean)
                rows.append(_row(about, line, period, name, clean, target[name]))
            some[i] = Line(attributes, values)
    return changed, rows


def _fits(about: Plant, line: Line) -> bool:
    return all(line.attributes.get(name) == value for name, value in about.keys.items())


def _row(about: Plant, line: Line, period: str, name: str, clean: float, planted: float) -> dict[str, object]:
    shown = {**about.keys, **{key: line.attributes[key] for key in ("site_code", "scenario") if key in line.attributes}}
    return {
        "kind": about.kind, "round": period, "organisation_code": about.organisation_code, "template": about.template,
        "sheet": about.sheet, "line": "; ".join(f"{key}={value}" for key, value in shown.items() if value),
        "column": about.column or "", "period": "" if about.column else name, "clean_value": clean,
        "planted_value": planted, "what_it_is": about.what_it_is,
    }  # fmt: skip
