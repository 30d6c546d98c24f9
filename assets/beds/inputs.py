"""What the bed model of one round is made of: units, cells, calendar, schemes, scenarios, and what is left in doubt.

How they are read from the tables is in `gathering.py` and, for schemes and scenarios, `schemes.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from assets.beds.model import SHORTEN, Calendar, Cells, Line
from llr_pipeline.assumptions import Assumptions
from llr_pipeline.scenarios import Change

Row = Mapping[str, Any]
COUNTED = ("stp_acute", "stp_community", "stp_mental_health")
"""The definitions that the plan counts beds by; every other is for comparison alone."""
SUPPLY = ("open", "close")
"""Mechanisms that change beds and not patients."""
EFFECTS = ("avoid_admission", "day_case", "move_setting", SHORTEN)


@dataclass(frozen=True)
class Unit:
    """Beds that stand together: a site's beds of one sector and definition."""

    organisation_code: str
    site_code: str | None
    sector: str
    bed_definition: str


@dataclass(frozen=True)
class Timing:
    """When a scheme's effect comes, and how surely.

    `has_building`: it opens or closes beds, or moves patients with them. `has_effect`: a line changes patients.
    """

    scheme_code: str
    start: date
    phase_in_months: float
    confidence: float
    has_building: bool
    has_effect: bool


@dataclass(frozen=True)
class SchemeLine:
    """A line of the Bed schemes sheet: what it says, what it does to cells, and the beds claimed for it by year."""

    row: Row
    timing: int
    unit: int
    effect: Line | None
    claimed: np.ndarray


@dataclass(frozen=True)
class Doubt:
    """Something that the inputs leave open: shown, never guessed at in silence."""

    kind: str
    about: str
    message: str
    unit: int | None = None


@dataclass(frozen=True)
class Round:
    """Everything that the model of one round needs."""

    round: str
    years: tuple[str, ...]
    quarters: tuple[str, ...]
    starts: tuple[date, ...]
    calendar: Calendar
    units: tuple[Unit, ...]
    sectors: tuple[str, ...]
    ages: tuple[str, ...]
    points_of_delivery: tuple[str, ...]
    cells: Cells
    timings: tuple[Timing, ...]
    lines: tuple[SchemeLine, ...]
    scenarios: Mapping[str, Mapping[str, Change]]
    planned: np.ndarray  # beds by unit and year; NaN where not returned
    assumptions: Assumptions
    is_illustrative: np.ndarray
    has_values_kept_back: np.ndarray
    doubts: tuple[Doubt, ...]

    @property
    def has_patients(self) -> np.ndarray:
        """Whether a unit has patients in the base year, or some that come to it; of the others no need is known."""
        found = np.zeros(len(self.units), dtype=bool)
        found[self.cells.unit] = True
        found[[line.to for line in self.effects if line.to >= 0]] = True
        return found

    @property
    def effective(self) -> list[SchemeLine]:
        """The lines that have an effect: the model knows each by its place here."""
        return [line for line in self.lines if line.effect]

    @property
    def effects(self) -> list[Line]:
        """Their effects, in the same order."""
        return [line.effect for line in self.effective]
