"""Staff by group, setting and contract, their pay, and how they join and leave.

Published: community staff 2,271 -> 2,505, about 1,500 fewer hospital jobs "by less agency and natural turnover" (here
exactly 1,500 whole-time equivalents, bank and agency included), leaver rates of nurses 10.1, 9.0, 9.9% and of doctors
6.3-6.7%, agency 7.4% of pay in 2015/16. Illustrative: all else. Pay cost is whole-time equivalents times a unit cost
times published pay inflation; the finance return's plan pay is its sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from assets.sample.rounds import EARLIER, YEARS, Path, apportion, by_year, compound
from llr_pipeline.templates import Line

# Provider pay inflation, published with the planning guidance for 2016/17-2020/21; the base year has none.
PAY_INFLATION = (0.0, 0.033, 0.020, 0.016, 0.016, 0.029)
MEDICAL, NURSING, THERAPY = "medical_dental", "nursing_midwifery_health_visiting", "scientific_therapeutic_technical"
CLINICAL, INFRASTRUCTURE, AMBULANCE, SOCIAL = "clinical_support", "infrastructure_support", "ambulance", "social_care"
CONTRACTS = ("substantive", "bank", "agency")
# GBP 000 a whole-time equivalent and year, 2015/16, employer's costs included; bank and agency cost more.
UNIT_COST = {
    MEDICAL: 86.0, NURSING: 38.0, THERAPY: 38.5, CLINICAL: 23.5, INFRASTRUCTURE: 27.0, AMBULANCE: 37.0, SOCIAL: 27.5,
    "other": 30.0,
}  # fmt: skip
PREMIUM = {"substantive": 1.0, "bank": 1.05, "agency": 1.55}
HEADCOUNT_PER_WTE = 1.15
# Paths from the base year (0) to the plan's end (1): hospital jobs follow the beds, community staff come first.
FOLLOW_BEDS = (0, 0.03, 0.16, 0.38, 0.62, 1)
BUILD_UP = (0, 0.08, 0.30, 0.55, 0.80, 1)
EVENLY = (0, 0.2, 0.4, 0.6, 0.8, 1)
STEP = 0.1


@dataclass(frozen=True)
class Staff:
    """A staff group in a setting: whole-time equivalents at both ends of the plan by contract."""

    group: str
    setting: str
    before: tuple[float, float, float]
    after: tuple[float, float, float]


# Each block sums to its published total: acute 13,680 -> 12,180, community 2,271 -> 2,505 (a test holds both).
STAFF: Mapping[str, tuple[tuple[Path, float, float, tuple[Staff, ...]], ...]] = {
    "RWE": (
        (FOLLOW_BEDS, 13_680, 12_180, (
            Staff(MEDICAL, "acute", (1_760, 20, 110), (1_660, 25, 40)),
            Staff(NURSING, "acute", (3_990, 190, 330), (3_640, 200, 100)),
            Staff(THERAPY, "acute", (1_540, 15, 50), (1_420, 18, 15)),
            Staff(CLINICAL, "acute", (3_180, 140, 90), (2_870, 145, 25)),
            Staff(INFRASTRUCTURE, "acute", (2_150, 40, 30), (1_933, 42, 10)),
            Staff("other", "acute", (43, 1, 1), (36, 1, 0)),
        )),
    ),
    "RT5": (
        (BUILD_UP, 2_271, 2_505, (
            Staff(MEDICAL, "community", (34, 1, 4), (37, 1, 2)),
            Staff(NURSING, "community", (910, 38, 62), (1_030, 45, 30)),
            Staff(THERAPY, "community", (398, 6, 14), (462, 7, 6)),
            Staff(CLINICAL, "community", (556, 42, 22), (640, 48, 10)),
            Staff(INFRASTRUCTURE, "community", (178, 3, 3), (182, 3, 2)),
        )),
        (EVENLY, 2_700, 2_720, (
            Staff(MEDICAL, "mental_health", (162, 2, 20), (168, 3, 9)),
            Staff(NURSING, "mental_health", (812, 70, 55), (828, 74, 28)),
            Staff(THERAPY, "mental_health", (318, 4, 10), (340, 5, 5)),
            Staff(CLINICAL, "mental_health", (640, 120, 20), (646, 124, 10)),
            Staff(INFRASTRUCTURE, "mental_health", (460, 5, 2), (472, 6, 2)),
        )),
    ),
    "RX9": (
        (EVENLY, 590, 600, (
            Staff(AMBULANCE, "ambulance", (424, 10, 6), (440, 10, 3)),
            Staff(CLINICAL, "ambulance", (96, 3, 1), (95, 3, 1)),
            Staff(INFRASTRUCTURE, "ambulance", (49, 1, 0), (47, 1, 0)),
        )),
    ),
    "E06000016": ((EVENLY, 980, 965, (Staff(SOCIAL, "social_care", (912, 30, 38), (915, 30, 20)),)),),
    "E10000018": ((EVENLY, 1_360, 1_345, (Staff(SOCIAL, "social_care", (1_270, 42, 48), (1_278, 42, 25)),)),),
    "E06000017": ((EVENLY, 128, 127, (Staff(SOCIAL, "social_care", (118, 4, 6), (120, 4, 3)),)),),
}  # fmt: skip

# Share of staff in post who leave in a year, retirement left out, and who retire.
LEAVERS: Mapping[str, Path] = {
    MEDICAL: (0.067, 0.065, 0.063, 0.065, 0.065, 0.065), NURSING: (0.101, 0.090, 0.099, 0.097, 0.096, 0.095),
    THERAPY: (0.092, 0.090, 0.090, 0.090, 0.090, 0.090), CLINICAL: (0.118, 0.115, 0.115, 0.114, 0.113, 0.112),
    INFRASTRUCTURE: (0.104, 0.102, 0.102, 0.102, 0.101, 0.101), AMBULANCE: (0.071, 0.070, 0.070, 0.069, 0.068, 0.068),
    SOCIAL: (0.139, 0.137, 0.135, 0.133, 0.132, 0.130), "other": (0.095,) * 6,
}  # fmt: skip
RETIREMENT = {
    MEDICAL: 0.018, NURSING: 0.026, THERAPY: 0.019, CLINICAL: 0.027, INFRASTRUCTURE: 0.032, AMBULANCE: 0.017,
    SOCIAL: 0.028, "other": 0.03,
}  # fmt: skip
JOINERS = {"newly_qualified": 0.42, "other_nhs": 0.31, "overseas": 0.09, "other": 0.18}
UNQUALIFIED = {"newly_qualified": 0.0, "other_nhs": 0.34, "overseas": 0.02, "other": 0.64}
# Moves from the hospital to the community, whole-time equivalents a year from 2016/17.
TRANSFERS = {NURSING: (12.0, 22.0, 24.0, 24.0, 20.0), THERAPY: (5.0, 9.0, 10.0, 10.0, 8.0)}

Post = tuple[str, str, str]
"""Staff group, setting and contract."""


def lines(organisation_code: str, round_: str) -> dict[str, list[Line]]:
    """Both sheets of the workforce return."""
    rows = []
    wte = whole_time(organisation_code, round_)
    for measure, paths in (
        ("wte", wte),
        ("headcount", {post: tuple(round(v * HEADCOUNT_PER_WTE) for v in path) for post, path in wte.items()}),
        ("pay_cost", pay_cost(organisation_code, round_)),
    ):
        for (group, setting, contract), path in paths.items():
            if any(path):
                attributes = {"staff_group": group, "setting": setting, "contract": contract, "measure": measure}
                rows.append(Line(attributes, by_year(path)))
    return {"workforce": rows, "workforce_flows": list(_flow_lines(organisation_code, round_))}


@cache
def whole_time(organisation_code: str, round_: str) -> Mapping[Post, Path]:
    """Whole-time equivalents; each setting's total is exact in every year."""
    made: dict[Post, Path] = {}
    for path, before, after, staff in STAFF[organisation_code]:
        posts = [(person, i) for person in staff for i in range(len(CONTRACTS))]
        years = []
        for t, share in enumerate(path):
            shift = share - (0.02 if round_ == EARLIER and 0 < t < len(YEARS) - 1 else 0)
            weights = [p.before[i] + (p.after[i] - p.before[i]) * shift for p, i in posts]
            years.append(apportion(round(before + (after - before) * shift, 1), weights, STEP))
        for (person, i), values in zip(posts, zip(*years, strict=True), strict=True):
            made[person.group, person.setting, CONTRACTS[i]] = values
    return made


@cache
def pay_cost(organisation_code: str, round_: str) -> Mapping[Post, Path]:
    """Pay of the year in whole GBP 000."""
    index = compound(PAY_INFLATION)
    return {
        (group, setting, contract): tuple(
            float(round(wte * UNIT_COST[group] * PREMIUM[contract] * rise))
            for wte, rise in zip(path, index, strict=True)
        )
        for (group, setting, contract), path in whole_time(organisation_code, round_).items()
    }


def _flow_lines(organisation_code: str, round_: str) -> Iterator[Line]:
    """Rates of every year, and from 2016/17 the joiners that lead from one year's substantive staff to the next's."""
    definition = "average_headcount" if organisation_code.startswith("E") else "opening_stock"
    for (group, setting, contract), stock in whole_time(organisation_code, round_).items():
        if contract != "substantive":
            continue
        transfers = (0.0, *TRANSFERS.get(group, (0.0,) * (len(YEARS) - 1)))
        outward, inward = setting == "acute", setting == "community"
        joiners: list[float | None] = [None]
        for t in range(1, len(YEARS)):
            rate, opening, closing = LEAVERS[group][t] + RETIREMENT[group], stock[t - 1], stock[t]
            if definition == "opening_stock":
                needed = closing - opening * (1 - rate)
            else:
                needed = closing * (1 + rate / 2) - opening * (1 - rate / 2)
            joiners.append(round(needed + transfers[t] * (outward - inward), 1))
        flows: dict[str, list[float | None]] = {
            "leaver_rate": list(LEAVERS[group]), "retirement_rate": [RETIREMENT[group]] * len(YEARS),
        }  # fmt: skip
        sources = UNQUALIFIED if group in (CLINICAL, INFRASTRUCTURE, SOCIAL, "other") else JOINERS
        parts = [apportion(j, list(sources.values()), STEP) for j in joiners[1:]]  # type: ignore[arg-type]
        for i, source in enumerate(sources):
            flows[f"joiners_{source}"] = [None, *(part[i] for part in parts)]
        if any(transfers) and (outward or inward):
            flows["transfers_out" if outward else "transfers_in"] = [None, *transfers[1:]]
        for measure, values in flows.items():
            if any(values):
                attributes = {
                    "staff_group": group, "setting": setting, "rate_definition": definition, "measure": measure,
                }  # fmt: skip
                yield Line(attributes, by_year(values))
