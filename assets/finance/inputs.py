"""What the funding model of one round is made of, and the rule that money on two bases is never added.

How it is read from the tables is in `gathering.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from llr_pipeline.assumptions import Assumptions
from llr_pipeline.scenarios import Change

INCOME = ("allocation", "contract_income", "other_income")
COSTS = ("pay", "drugs", "capital_charges", "other_non_pay", "healthcare_bought", "pressure")
BOUGHT, EARNED, PRESSURE = "healthcare_bought", "contract_income", "pressure"
SCOPES = ("nhs", "local_authority")
SYSTEM = "system"


@dataclass(frozen=True)
class Basis:
    """What money is counted in: its scope, prices and support funding, and who says so."""

    scope: str
    price_basis: str
    support_basis: str
    stated_by: str


class MixedBasis(ValueError):
    """Money on two bases would be added."""


def one_basis(found: Iterable[Basis], *, scopes: Collection[str] = SCOPES) -> Basis:
    """The basis of all; MixedBasis, naming both sides, where two differ or one is of another scope."""
    found = list(found)
    first = found[0]
    for other in found:
        if other.scope not in scopes:
            raise MixedBasis(f"{other.stated_by} is {_said(other.scope)}, and the total is of {_said(*scopes)}")
        for name, what in (("price_basis", "prices"), ("support_basis", "support funding")):
            if getattr(other, name) != getattr(first, name):
                raise MixedBasis(
                    f"{first.stated_by} is {_said(getattr(first, name))} and {other.stated_by} is "
                    f"{_said(getattr(other, name))}: {what} must be stated alike before they are added"
                )
    return first


def _said(*codes: str | None) -> str:
    return " and ".join((code or "not known").replace("_", " ") for code in codes)


@dataclass(frozen=True)
class Cell:
    """An organisation's income or cost of one kind.

    `base`: of the base year. `levels`: of every year, where the returns say it year by year (pressures and what does
    not recur); else None, and it grows. `counterparty`: the other side of a flow inside the system. `mirrors`: the
    place of the cost that an income is the other side of, which it equals in every year.
    """

    organisation_code: str
    side: str
    category: str
    is_recurrent: bool
    base: float
    levels: np.ndarray | None = None
    counterparty: str | None = None
    mirrors: int | None = None
    is_matched: bool = False


@dataclass(frozen=True)
class Saving:
    """A scheme's saving from one cost pool of one organisation, in pounds by year as returned.

    `shares`: of the pool by year where it is stated as one, else None. `recurrent`: the part of gross that recurs.
    """

    organisation_code: str
    scheme_code: str
    category: str
    cost_pool: str
    start: date
    confidence: float
    gross: np.ndarray
    recurrent: np.ndarray
    investment: np.ndarray
    full_year: float
    shares: np.ndarray | None = None


@dataclass(frozen=True)
class Doubt:
    """Something that the inputs leave open: shown, never guessed at in silence."""

    guard: str
    organisation_code: str | None
    about: str
    message: str


@dataclass(frozen=True)
class Area:
    """Organisations whose money is added; what flows between them is eliminated."""

    name: str
    scope: str
    organisations: tuple[str, ...]


@dataclass(frozen=True)
class FundingRound:
    """Everything that the model of one round needs.

    `activity`: of the base year at its weights, in pounds: (organisation, point of delivery, age).
    """

    round: str
    years: tuple[str, ...]
    starts: tuple[date, ...]
    organisations: tuple[str, ...]
    scope: Mapping[str, str]
    support_basis: Mapping[str, str]
    cells: tuple[Cell, ...]
    savings: tuple[Saving, ...]
    areas: tuple[Area, ...]
    ages: tuple[str, ...]
    points_of_delivery: tuple[str, ...]
    activity: np.ndarray
    scenarios: Mapping[str, Mapping[str, Change]]
    assumptions: Assumptions
    is_illustrative: Mapping[str, bool]
    doubts: tuple[Doubt, ...]
