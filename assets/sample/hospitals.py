"""Beds by site and sector, and whose patients lie in them: the figures that beds and activity are made from.

Published: acute 1,940 -> 1,697 with Leicester General at 0; community with stroke and rehabilitation 233 -> 195 with
Lutterworth and Oakham at 0 and Hinckley halved; KH03 general and acute of 2015/16. Illustrative: all else, including
every year between, every split by site, sector, specialty, age and commissioner, and the earlier round's path.
"""

from __future__ import annotations

from collections.abc import Mapping

from assets.sample.rounds import EARLIER, Path

ADULT, CHILD, CRITICAL, MATERNITY = "adult_general_acute", "child_general_acute", "critical_care", "maternity"
COMMUNITY, STROKE, MENTAL, LEARNING = "community", "stroke_rehab", "mental_health", "learning_disability"
LRI, LGH, GLENFIELD = "RWEAA", "RWEAK", "RWEAE"
HOME_SITE, HOME = "RT5-COM", "home"
Ward = tuple[str, str]
"""Site and sector."""

AVAILABLE: Mapping[Ward, Path] = {
    # stp_acute: 1,940, 1,933, 1,900, 1,847, 1,790, 1,697
    (LRI, ADULT): (770, 767, 752, 728, 700, 797),
    (LGH, ADULT): (395, 393, 385, 332, 282, 0),
    (GLENFIELD, ADULT): (445, 443, 434, 459, 482, 575),
    (LRI, CHILD): (98, 98, 97, 96, 95, 108),
    (GLENFIELD, CHILD): (14, 14, 14, 14, 14, 0),
    (LRI, CRITICAL): (38, 38, 39, 40, 41, 45),
    (LGH, CRITICAL): (10, 10, 10, 5, 0, 0),
    (GLENFIELD, CRITICAL): (32, 32, 32, 38, 43, 43),
    (LRI, MATERNITY): (88, 88, 88, 87, 86, 129),
    (LGH, MATERNITY): (50, 50, 49, 48, 47, 0),
    # stp_community: 233, 233, 233, 233, 205, 195
    ("RT5-LUT", COMMUNITY): (11, 11, 11, 11, 0, 0),
    ("RT5-OAK", COMMUNITY): (16, 16, 16, 16, 0, 0),
    ("RT5-HIN", COMMUNITY): (40, 40, 40, 40, 30, 20),
    ("RT5-LOU", COMMUNITY): (24, 24, 24, 24, 27, 27),
    ("RT5-COA", COMMUNITY): (24, 24, 24, 24, 27, 27),
    ("RT5-COA", STROKE): (16, 16, 16, 16, 16, 16),
    ("RT5PA", COMMUNITY): (18, 18, 18, 18, 18, 18),
    ("RT5-MAR", COMMUNITY): (23, 23, 23, 23, 26, 26),
    ("RT5-MAR", STROKE): (15, 15, 15, 15, 15, 15),
    ("RT5-EVI", COMMUNITY): (46, 46, 46, 46, 46, 46),
    # stp_mental_health: 280, outside the two published totals
    ("RT5KF", MENTAL): (264, 264, 264, 264, 264, 264),
    ("RT5-AGN", LEARNING): (16, 16, 16, 16, 16, 16),
}
# "Smaller overall reduction in acute hospital beds than originally planned" (slides, autumn 2016): the earlier round
# cuts further, to 1,672.
AVAILABLE_EARLIER: Mapping[Ward, Path] = {
    **AVAILABLE,
    (LRI, ADULT): (770, 767, 751, 725, 695, 784),
    (LGH, ADULT): (395, 393, 384, 330, 280, 0),
    (GLENFIELD, ADULT): (445, 443, 433, 457, 478, 563),
}
DEFINITION = {
    **dict.fromkeys((ADULT, CHILD, CRITICAL, MATERNITY), "stp_acute"),
    **dict.fromkeys((COMMUNITY, STROKE), "stp_community"),
    **dict.fromkeys((MENTAL, LEARNING), "stp_mental_health"),
}
OCCUPANCY: Mapping[str, Path] = {
    ADULT: (0.903, 0.906, 0.910, 0.913, 0.916, 0.919),
    CHILD: (0.72, 0.72, 0.73, 0.73, 0.74, 0.75),
    CRITICAL: (0.80, 0.80, 0.81, 0.81, 0.82, 0.82),
    MATERNITY: (0.66, 0.66, 0.67, 0.67, 0.68, 0.70),
    COMMUNITY: (0.89, 0.89, 0.90, 0.90, 0.91, 0.91),
    STROKE: (0.90, 0.90, 0.90, 0.90, 0.91, 0.91),
    MENTAL: (0.90, 0.90, 0.90, 0.90, 0.90, 0.90),
    LEARNING: (0.81, 0.81, 0.81, 0.81, 0.81, 0.81),
}
# KH03 general and acute overnight, mean of the four quarters of 2015-16 (NHS England): available, occupied.
KH03_2015_16 = (1494.1, 1301.2)

SPECIALTIES: Mapping[Ward, Mapping[str, float]] = {
    (LRI, ADULT): {
        "general_medicine": 250, "geriatric_medicine": 150, "cancer_renal": 80, "general_surgery": 110,
        "trauma_orthopaedics": 90, "other_surgery": 90,
    },
    (LGH, ADULT): {
        "general_medicine": 30, "geriatric_medicine": 70, "cancer_renal": 85, "general_surgery": 85,
        "trauma_orthopaedics": 65, "other_surgery": 60,
    },
    (GLENFIELD, ADULT): {
        "general_medicine": 45, "cardio_respiratory": 315, "cancer_renal": 30, "general_surgery": 35,
        "trauma_orthopaedics": 10, "other_surgery": 10,
    },
}  # fmt: skip
SECTOR_SPECIALTY = {
    CHILD: "paediatrics", CRITICAL: "critical_care", MATERNITY: "obstetrics", COMMUNITY: "community_inpatient",
    STROKE: "stroke_rehab", MENTAL: "mental_health", LEARNING: "learning_disability",
}  # fmt: skip

# What leaves a ward for another: (site, sector, specialty) -> scheme, destination, share gone in each year.
FROM_OCTOBER_2018, FROM_APRIL_2020 = (0, 0, 0, 0.5, 1, 1), (0, 0, 0, 0, 0, 1)
MOVES: Mapping[tuple[str, str, str], tuple[str, Ward, Path]] = {
    (LGH, ADULT, "general_surgery"): ("REC01", (GLENFIELD, ADULT), FROM_OCTOBER_2018),
    (LGH, CRITICAL, "critical_care"): ("REC01", (GLENFIELD, CRITICAL), FROM_OCTOBER_2018),
    (LGH, ADULT, "cancer_renal"): ("REC02", (GLENFIELD, ADULT), FROM_APRIL_2020),
    (LGH, ADULT, "trauma_orthopaedics"): ("REC02", (GLENFIELD, ADULT), FROM_APRIL_2020),
    (LGH, ADULT, "general_medicine"): ("REC02", (LRI, ADULT), FROM_APRIL_2020),
    (LGH, ADULT, "geriatric_medicine"): ("REC02", (LRI, ADULT), FROM_APRIL_2020),
    (LGH, ADULT, "other_surgery"): ("REC02", (LRI, ADULT), FROM_APRIL_2020),
    (LGH, MATERNITY, "obstetrics"): ("REC03", (LRI, MATERNITY), FROM_APRIL_2020),
    (GLENFIELD, CHILD, "paediatrics"): ("REC03", (LRI, CHILD), FROM_APRIL_2020),
    ("RT5-LUT", COMMUNITY, "community_inpatient"): ("REC04", (HOME_SITE, HOME), (0, 0, 0, 0, 1, 1)),
    ("RT5-OAK", COMMUNITY, "community_inpatient"): ("REC04", (HOME_SITE, HOME), (0, 0, 0, 0, 1, 1)),
    ("RT5-HIN", COMMUNITY, "community_inpatient"): ("REC05", (HOME_SITE, HOME), (0, 0, 0, 0, 0.25, 0.5)),
}

COMMISSIONERS = ("04C", "03W", "04V")
AGES = ("0-17", "18-64", "65-74", "75-84", "85+")
# LLR population by age band, mid-2015 = 1, mid-2015 to mid-2020: ONS mid-year estimates, rounded.
POPULATION: Mapping[str, Path] = {
    "0-17": (1, 1.012, 1.022, 1.031, 1.039, 1.042),
    "18-64": (1, 1.012, 1.026, 1.037, 1.042, 1.044),
    "65-74": (1, 1.032, 1.061, 1.077, 1.082, 1.085),
    "75-84": (1, 1.004, 1.017, 1.053, 1.098, 1.131),
    "85+": (1, 1.023, 1.032, 1.042, 1.067, 1.072),
}


def beds_of(organisation_code: str, round_: str) -> dict[Ward, Path]:
    """Available beds of the organisation's wards."""
    table = AVAILABLE_EARLIER if round_ == EARLIER else AVAILABLE
    return {ward: beds for ward, beds in table.items() if ward[0].startswith(organisation_code)}


def occupied_of(organisation_code: str, round_: str) -> dict[Ward, Path]:
    """Occupied beds of the organisation's wards, to a tenth."""
    return {
        (site, sector): tuple(round(b * share, 1) for b, share in zip(beds, OCCUPANCY[sector], strict=True))
        for (site, sector), beds in beds_of(organisation_code, round_).items()
    }


def specialties_of(ward: Ward) -> Mapping[str, float]:
    """Base-year beds of a ward by specialty group."""
    return SPECIALTIES.get(ward) or {SECTOR_SPECIALTY[ward[1]]: AVAILABLE[ward][0]}
