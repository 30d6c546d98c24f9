"""Activity by provider, and the same lines as its commissioners see them.

Nothing here was published except the growth parameters. Midnight bed days of the plan are the occupied beds of
`hospitals.py` times the days of the year, exactly, site by site and sector by sector. Do nothing grows the base year by
population and non-demographic growth, with stays and sites as they are. A commissioner's lines are the provider's,
summed over sites.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from assets.sample.hospitals import (
    ADULT,
    COMMISSIONERS,
    LGH,
    LRI,
    MATERNITY,
    MOVES,
    POPULATION,
    Ward,
    beds_of,
    occupied_of,
    specialties_of,
)
from assets.sample.rounds import DAYS, EARLIER, YEARS, apportion, by_year, variation
from llr_pipeline.templates import Line

NON_ELECTIVE, ORDINARY, DAY_CASE = "non_elective", "elective_ordinary", "day_case"
# Non-demographic growth a year (New Hospital Programme demand model, variant 2); contacts: illustrative.
GROWTH = {
    NON_ELECTIVE: -0.0014, ORDINARY: 0.0062, DAY_CASE: 0.0062, "maternity": 0.0, "a_and_e": 0.0131,
    "outpatient_first": 0.0249, "outpatient_follow_up": 0.0249, "community_contacts": 0.010,
}  # fmt: skip
EARLIER_EXTRA_GROWTH = 0.002
# Share of do-nothing activity that the plan avoids (minus: adds), by year; of stays, in adult beds alone.
AVOIDED = {
    NON_ELECTIVE: (0, 0.008, 0.032, 0.060, 0.088, 0.115), ORDINARY: (0, 0.004, 0.012, 0.021, 0.030, 0.038),
    DAY_CASE: (0, -0.001, -0.003, -0.006, -0.009, -0.012), "maternity": (0, 0, 0, 0, 0, 0),
    "a_and_e": (0, 0.006, 0.022, 0.041, 0.060, 0.080), "outpatient_first": (0, 0.010, 0.025, 0.042, 0.060, 0.078),
    "outpatient_follow_up": (0, 0.015, 0.040, 0.068, 0.098, 0.130),
    "community_contacts": (0, -0.010, -0.035, -0.065, -0.095, -0.125),
    "ambulance": (0, 0.005, 0.018, 0.033, 0.050, 0.066),
}  # fmt: skip

# Nights of a stay, and the share of a specialty's bed days that is non-elective.
STAYS: Mapping[str, tuple[float, float, float]] = {  # specialty: non-elective, elective, non-elective share
    "general_medicine": (5.4, 3.4, 0.97), "geriatric_medicine": (9.8, 5.0, 0.97),
    "cardio_respiratory": (6.1, 4.2, 0.78), "cancer_renal": (6.8, 4.5, 0.70),
    "general_surgery": (4.8, 3.7, 0.66), "trauma_orthopaedics": (8.1, 4.0, 0.62),
    "other_surgery": (3.7, 2.5, 0.50), "paediatrics": (2.0, 1.8, 0.88), "critical_care": (5.2, 3.9, 0.70),
    "obstetrics": (2.3, 2.3, 1.0), "community_inpatient": (20.5, 20.5, 1.0), "stroke_rehab": (27.0, 27.0, 1.0),
    "mental_health": (46.0, 46.0, 1.0), "learning_disability": (110.0, 110.0, 1.0),
}  # fmt: skip
AGE_SHARES = {"18-64": 0.31, "65-74": 0.22, "75-84": 0.27, "85+": 0.20}
AGE_STAY = {"0-17": 1.0, "18-64": 0.74, "65-74": 1.0, "75-84": 1.18, "85+": 1.32}
OLDER = {"65-74": 0.18, "75-84": 0.42, "85+": 0.40}
AGE_MIX: Mapping[str, Mapping[str, float]] = {
    "geriatric_medicine": OLDER,
    "community_inpatient": OLDER,
    "stroke_rehab": OLDER,
    "paediatrics": {"0-17": 1.0},
    "obstetrics": {"18-64": 1.0},
    "mental_health": {"18-64": 0.72, "65-74": 0.13, "75-84": 0.15},
    "learning_disability": {"18-64": 1.0},
    "critical_care": {"18-64": 0.45, "65-74": 0.28, "75-84": 0.27},
}
BUYERS = {"04C": 0.33, "03W": 0.27, "04V": 0.31, "other": 0.09}
LOCAL_BUYERS = {"04C": 0.36, "03W": 0.30, "04V": 0.34}
SITE_BUYER = {
    "RT5-EVI": "04C", "RT5-LUT": "03W", "RT5-OAK": "03W", "RT5-MAR": "03W", "RT5PA": "03W", "RT5-HIN": "04V",
    "RT5-COA": "04V", "RT5-LOU": "04V",
}  # fmt: skip
ALL_AGES = {"0-17": 0.21, "18-64": 0.51, "65-74": 0.12, "75-84": 0.10, "85+": 0.06}


@dataclass(frozen=True)
class Volume:
    """Activity without a midnight bed in the base year: site, point of delivery, specialty group, measure, number."""

    site: str
    point_of_delivery: str
    specialty: str
    measure: str
    number: int
    ages: Mapping[str, float]
    buyers: Mapping[str, float]
    moves_to: str | None = None


ADULT_AGES = {"18-64": 0.55, "65-74": 0.21, "75-84": 0.17, "85+": 0.07}
VOLUMES: Mapping[str, tuple[Volume, ...]] = {
    "RWE": (
        Volume(LRI, "a_and_e", "emergency_medicine", "attendances", 212_000, ALL_AGES, BUYERS),
        *(
            Volume(site, pod, specialty, measure, number, ages, BUYERS, moves_to)
            for site, specialty, first, follow_up, day, ages, moves_to in (
                (LRI, "general_medicine", 21_500, 47_000, 9_800, ADULT_AGES, None),
                (LRI, "cancer_renal", 14_000, 61_000, 24_500, ADULT_AGES, None),
                (LRI, "other_surgery", 62_000, 98_000, 16_200, ADULT_AGES, None),
                (LRI, "trauma_orthopaedics", 24_000, 38_500, 2_900, ADULT_AGES, None),
                (LRI, "paediatrics", 16_500, 29_000, 2_600, {"0-17": 1.0}, None),
                (LRI, "obstetrics", 17_500, 58_000, 0, {"18-64": 1.0}, None),
                (LGH, "general_surgery", 17_500, 22_500, 9_400, ADULT_AGES, "RWEAE"),
                (LGH, "trauma_orthopaedics", 13_500, 26_500, 5_100, ADULT_AGES, "RWEAE"),
                (LGH, "other_surgery", 18_000, 31_000, 8_600, ADULT_AGES, LRI),
                ("RWEAE", "cardio_respiratory", 29_500, 59_500, 7_400, ADULT_AGES, None),
                ("RWEAE", "general_surgery", 16_500, 19_500, 3_800, ADULT_AGES, None),
                ("RWEAE", "trauma_orthopaedics", 2_400, 3_900, 1_400, ADULT_AGES, None),
            )
            for pod, measure, number in (
                ("outpatient_first", "attendances", first), ("outpatient_follow_up", "attendances", follow_up),
                (DAY_CASE, "spells", day),
            )
            if number
        ),
    ),
    "RT5": (
        Volume("RT5-COM", "community_contacts", "community_services", "contacts", 1_090_000, ALL_AGES, LOCAL_BUYERS),
        Volume("RT5-COM", "community_contacts", "mental_health", "contacts", 540_000, ALL_AGES, LOCAL_BUYERS),
    ),
    "RX9": (
        Volume("RX9-LLR", "community_contacts", "emergency_medicine", "contacts", 186_000, ALL_AGES, LOCAL_BUYERS),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A line of activity without its scenario and measure."""

    site: str
    point_of_delivery: str
    specialty: str
    age: str
    buyer: str


def lines(organisation_code: str, round_: str) -> dict[str, list[Line]]:
    """The Activity sheet of a provider or a commissioner."""
    if organisation_code in COMMISSIONERS:
        return {"activity": list(_commissioner_lines(organisation_code, round_))}
    return {
        "activity": [
            _line(cell.site, cell, scenario, "provider", cell.buyer, measure, values)
            for (cell, scenario, measure), values in provided(organisation_code, round_).items()
        ]
    }


def _line(
    site: str | None, cell: Cell, scenario: str, perspective: str, other: str, measure: str, values: tuple[int, ...]
) -> Line:
    return Line(
        {
            "site_code": site, "point_of_delivery": cell.point_of_delivery, "specialty_group": cell.specialty,
            "age_band": cell.age, "scenario": scenario, "perspective": perspective, "counterparty_code": other,
            "measure": measure,
        },
        by_year(values),
    )  # fmt: skip


def _commissioner_lines(commissioner: str, round_: str) -> Iterator[Line]:
    for provider in ("RWE", "RT5", "RX9"):
        totals: dict[tuple[Cell, str, str], np.ndarray] = {}
        for (cell, scenario, measure), values in provided(provider, round_).items():
            if cell.buyer == commissioner:
                key = Cell("", cell.point_of_delivery, cell.specialty, cell.age, provider), scenario, measure
                totals[key] = totals.get(key, 0) + np.array(values)
        for (cell, scenario, measure), values in totals.items():
            yield _line(None, cell, scenario, "commissioner", provider, measure, tuple(values.tolist()))


@cache
def provided(organisation_code: str, round_: str) -> Mapping[tuple[Cell, str, str], tuple[int, ...]]:
    """Everything the organisation provides: (cell, scenario, measure) -> number by year."""
    made: dict[tuple[Cell, str, str], tuple[int, ...]] = {}
    _add_stays(made, organisation_code, round_)
    for volume in VOLUMES[organisation_code]:
        _add_volume(made, volume, round_)
    return made


def _growth(pod: str, age: str, round_: str) -> np.ndarray:
    """Activity with the base year at 1 when nothing is done."""
    rate = GROWTH[pod] + (EARLIER_EXTRA_GROWTH if round_ == EARLIER else 0)
    return np.array([POPULATION[age][t] * (1 + rate) ** t for t in range(len(YEARS))])


def base_weights(ward: Ward) -> dict[Cell, float]:
    """Base-year bed days of a ward's cells, as weights."""
    site, sector = ward
    weights = {}
    for specialty, beds in specialties_of(ward).items():
        *_, emergency = STAYS[specialty]
        pods = {"maternity": 1.0} if sector == MATERNITY else {NON_ELECTIVE: emergency, ORDINARY: 1 - emergency}
        buyers = {SITE_BUYER[site]: 1.0} if site in SITE_BUYER else LOCAL_BUYERS if site[:3] == "RT5" else BUYERS
        for pod, pod_share in pods.items():
            for age, age_share in AGE_MIX.get(specialty, AGE_SHARES).items():
                for buyer, buyer_share in buyers.items():
                    if weight := beds * pod_share * age_share * buyer_share:
                        weights[Cell(site, pod, specialty, age, buyer)] = weight
    varied = variation(f"activity {site} {sector}", len(weights), 0.08)
    return {cell: weight * float(factor) for (cell, weight), factor in zip(weights.items(), varied, strict=True)}


def bed_day_shares(ward: Ward, pod: str | None, specialty: str | None, age: str | None) -> float:
    """Share of a ward's base-year bed days that belongs to a group; None means all."""
    weights = base_weights(ward)
    some = (w for c, w in weights.items() if pod in (None, c.point_of_delivery) and specialty in (None, c.specialty)
            and age in (None, c.age))  # fmt: skip
    return sum(some) / sum(weights.values())


def stay_nights(ward: Ward) -> float:
    """Mean nights of a base-year stay in a ward."""
    weights = base_weights(ward)
    return sum(weights.values()) / sum(weight / _nights(cell) for cell, weight in weights.items())


def _nights(cell: Cell) -> float:
    emergency, elective, _ = STAYS[cell.specialty]
    adult = cell.specialty not in ("obstetrics", "mental_health", "learning_disability", "critical_care")
    return (elective if cell.point_of_delivery == ORDINARY else emergency) * (AGE_STAY[cell.age] if adult else 1)


def _add_stays(made: dict, organisation_code: str, round_: str) -> None:
    """Spells and midnight bed days of the organisation's wards, in both scenarios."""
    occupied = occupied_of(organisation_code, round_)
    bed_days = {ward: [round(o * d) for o, d in zip(beds, DAYS, strict=True)] for ward, beds in occupied.items()}
    idle: dict[Cell, np.ndarray] = {}
    wards: dict[Cell, Ward] = {}
    for ward in beds_of(organisation_code, round_):
        weights = base_weights(ward)
        for cell, days in zip(weights, apportion(bed_days[ward][0], list(weights.values())), strict=True):
            idle[cell] = days / _nights(cell) * _growth(cell.point_of_delivery, cell.age, round_)
            wards[cell] = ward
            made[cell, "do_nothing", "spells"] = tuple(int(x) for x in np.rint(idle[cell]))
            made[cell, "do_nothing", "bed_days"] = tuple(int(x) for x in np.rint(idle[cell] * _nights(cell)))
    planned = {cell: np.zeros(len(YEARS)) for cell in idle}
    for cell, spells in idle.items():
        avoided = AVOIDED[cell.point_of_delivery] if wards[cell][1] == ADULT else np.zeros(len(YEARS))
        kept = spells * (1 - np.array(avoided))
        _, to, gone = MOVES.get((*wards[cell], cell.specialty), (None, None, None))
        moved = kept * np.array(gone) if to else np.zeros(len(YEARS))
        planned[cell] = planned[cell] + kept - moved
        if to and (there := Cell(to[0], *_rest(cell))) in planned:
            planned[there] = planned[there] + moved
    for ward, totals in bed_days.items():
        cells = [cell for cell in planned if wards[cell] == ward]
        parts = [
            apportion(total, [planned[cell][t] * _nights(cell) for cell in cells]) if total else [0] * len(cells)
            for t, total in enumerate(totals)
        ]
        for i, cell in enumerate(cells):
            made[cell, "plan", "spells"] = tuple(int(x) for x in np.rint(planned[cell]))
            made[cell, "plan", "bed_days"] = tuple(int(days[i]) for days in parts)


def _rest(cell: Cell) -> tuple[str, str, str, str]:
    return cell.point_of_delivery, cell.specialty, cell.age, cell.buyer


def _add_volume(made: dict, volume: Volume, round_: str) -> None:
    """Attendances, contacts and day cases; a site that closes hands them on."""
    pod = volume.point_of_delivery
    cells = [Cell(volume.site, pod, volume.specialty, age, buyer) for age in volume.ages for buyer in volume.buyers]
    weights = [volume.ages[cell.age] * volume.buyers[cell.buyer] for cell in cells]
    varied = variation(f"{volume.site} {pod} {volume.specialty}", len(cells), 0.08) * weights
    key = volume.measure
    for cell, number in zip(cells, apportion(volume.number, varied), strict=True):
        idle = number * _growth(pod, cell.age, round_)
        plan = idle * (1 - np.array(AVOIDED["ambulance" if volume.site == "RX9-LLR" else pod]))
        moved = plan * ([0] * (len(YEARS) - 1) + [1]) if volume.moves_to else np.zeros(len(YEARS))
        made[cell, "do_nothing", key] = tuple(int(x) for x in np.rint(idle))
        _add(made, (cell, "plan", key), plan - moved)
        if volume.moves_to:
            _add(made, (Cell(volume.moves_to, *_rest(cell)), "plan", key), moved)


def _add(made: dict, key: tuple[Cell, str, str], numbers: np.ndarray) -> None:
    earlier = made.get(key, (0,) * len(YEARS))
    made[key] = tuple(int(a + b) for a, b in zip(np.rint(numbers), earlier, strict=True))
