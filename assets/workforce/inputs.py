"""What the workforce model of one round is made of: posts, what was returned of them, demand's drivers, doubts.

How they are read from the tables is in `gathering.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from llr_pipeline.assumptions import Assumptions

Row = Mapping[str, Any]
CONTRACTS = ("substantive", "bank", "agency")
SUBSTANTIVE, BANK, AGENCY = range(3)
SOURCES = ("newly_qualified", "other_nhs", "overseas", "other")
AVERAGE = "average_headcount"
CARE_HOURS, CONTACTS, PLAN = "care_hours", "contacts", "plan"
WARD_GROUPS = ("nursing_midwifery_health_visiting", "clinical_support")
"""The staff groups whose hours are counted as care hours."""
WARD_SETTINGS = {"acute": "stp_acute", "mental_health": "stp_mental_health"}
"""Settings whose care is given in beds, and the bed definition of those beds."""
CONTACT_SETTING = "community"
CONTACT_GROUPS = (*WARD_GROUPS, "scientific_therapeutic_technical", "medical_dental")
LEAST_WTE = 0.5
"""Smaller differences are rounding."""
LEAST_SHOWN = 5
"""Fewer people are not shown in words; the macro `is_small_number` says it of figures."""


@dataclass(frozen=True, order=True)
class Post:
    """Staff of a group who work in a setting of an organisation."""

    organisation_code: str
    staff_group: str
    setting: str


@dataclass(frozen=True)
class Doubt:
    """Something that the returns leave open, or that cannot be: shown, never guessed at in silence."""

    kind: str
    about: str
    message: str
    post: Post | None = None
    figure: float | None = None
    against: float | None = None
    unit: str | None = None
    cells: str | None = None


@dataclass(frozen=True)
class Returned:
    """What was returned, NaN where nothing: staff (post, contract, year), the rest (post, year); by what it is, the
    cell that it stands in (post, year), as `RWE Flows!F20`.
    """

    wte: np.ndarray
    headcount: np.ndarray
    leaver_rate: np.ndarray
    retirement_rate: np.ndarray
    joiners: np.ndarray  # (post, source, year)
    transfers_in: np.ndarray
    transfers_out: np.ndarray
    cells: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Census:
    """Mean patients in beds of an organisation's sector: (year,) central, (year, run) simulated."""

    sector: str
    central: np.ndarray
    runs: np.ndarray


@dataclass(frozen=True)
class Round:
    """Everything that the model of one round needs. Rates are those used; `rate_source` says where they come from."""

    round: str
    years: tuple[str, ...]
    posts: tuple[Post, ...]
    is_illustrative: np.ndarray
    rate_definition: tuple[str, ...]
    rate_source: np.ndarray
    returned: Returned
    leaver_rate: np.ndarray
    retirement_rate: np.ndarray
    scenarios: Mapping[str, bool]  # whether nothing of the plan is done in it
    wards: Mapping[tuple[str, str, str], tuple[Census, ...]]  # by scenario, organisation and setting
    contacts: Mapping[tuple[str, str], np.ndarray]  # by scenario and organisation: (year,)
    assumptions: Assumptions
    runs: int
    seed: int
    doubts: tuple[Doubt, ...]

    @property
    def is_average(self) -> np.ndarray:
        """Whether a post's rates are shares of the average of start and end."""
        return np.array([definition == AVERAGE for definition in self.rate_definition])

    @property
    def planned(self) -> np.ndarray:
        """Staff as returned, all contracts: (post, year)."""
        return self.returned.wte.sum(axis=1)


def is_few(people: float) -> bool:
    """Whether so few people are counted that one could be known by it."""
    return 0 < people < LEAST_SHOWN


def at(post: Post | None) -> dict[str, str | None]:
    """A post's columns."""
    names = ("organisation_code", "staff_group", "setting")
    return {name: None if post is None else getattr(post, name) for name in names}
