"""Scenarios: what each makes of every scheme, and when a scheme's effect comes. What an effect is, the model says."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

ROOTS = {"do_nothing": 0.0, "plan": 1.0}
"""The scenarios that stand on no other: share of the schemes delivered."""
MONTH_DAYS = 365.25 / 12


@dataclass(frozen=True)
class Change:
    """What a scenario makes of a scheme: months later, and the share of its effect that comes."""

    slip_months: float = 0.0
    delivered: float = 1.0


def scenarios(
    found: Sequence[Mapping[str, Any]], schemes: Collection[str], unclear: Callable[[str, str], None]
) -> Mapping[str, Mapping[str, Change]]:
    """Each scenario's change of each scheme, from rows of the scenarios table: its parent's, then its own lines, those
    for all schemes first.

    Months add to the parent's; a share delivered stands instead of it. Without a return: `do_nothing` and `plan`. A
    scenario whose parents are not known, or go round in a circle, starts from the plan, and `unclear` is told about
    what and why.
    """
    parents = {name: name for name in ROOTS} | {row["scenario"]: row["parent_scenario"] for row in found}

    def ancestry(scenario: str) -> list[str]:
        """The scenario and those it stands on, the first one first."""
        line = [scenario]
        while (parent := parents[line[0]]) != line[0]:
            if parent in line or parent not in parents:
                why = "stand on each other in a circle" if parent in line else f"name {parent}, which is not defined"
                unclear(scenario, f"The scenario {scenario} starts from the plan: its parents {why}")
                return ["plan", scenario]
            line.insert(0, parent)
        return line

    result = {}
    for scenario in parents:
        line = ancestry(scenario)
        changes = dict.fromkeys(schemes, Change(delivered=ROOTS.get(line[0], 1.0)))
        for step in line:
            own = [row for row in found if row["scenario"] == step]
            for row in sorted(own, key=lambda row: row["scheme_code"] != "all"):
                for code in schemes if row["scheme_code"] == "all" else {row["scheme_code"]} & {*schemes}:
                    changes[code] = _changed(changes[code], row)
        result[scenario] = changes
    return result


def _changed(before: Change, row: Mapping[str, Any]) -> Change:
    delivered = before.delivered if row["delivered_share"] is None else row["delivered_share"]
    return Change(before.slip_months + (row["slip_months"] or 0), delivered)


def later(start: date, months: float) -> float:
    """The day's number so many months later: the same day of the month, and a part of a month in days."""
    whole = int(months)
    year, month = divmod(start.year * 12 + start.month - 1 + whole, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return date(year, month + 1, day).toordinal() + (months - whole) * MONTH_DAYS


def phased(begins: np.ndarray, days: np.ndarray, start: np.ndarray, months: float) -> np.ndarray:
    """Mean share in force over periods (that begin, of so many days) of an effect that rises in a straight line from
    its start (of each run, as a day's number) to the whole after so many months: (period, run).
    """
    rise = months * MONTH_DAYS

    def until(day: np.ndarray) -> np.ndarray:
        """Full days' worth of effect by then."""
        gone = np.maximum(day[:, None] - start, 0)
        return gone if not rise else np.where(gone >= rise, gone - rise / 2, gone**2 / (2 * rise))

    share = np.clip((until(begins + days) - until(begins)) / days[:, None], 0, 1)
    return np.where(begins[:, None] >= start + rise, 1.0, share)  # exactly, where no day is left without
