"""Monthly monitoring for 2017/18: indicators with their targets, and milestones as they stood each month.

Illustrative throughout: levels (`indicators.csv`) are of the size of the period's published statistics, no value is
anybody's. A month's return holds April to that month. Where `first_reported` is not 1, a month is reported by that
factor at first and restated a month later; a `missing_month` stays empty. The target of a percentage is in points
(95), that of a rate is numerator over denominator. A forecast in `milestones.csv` holds from the month before its
colon; `none` is a date withdrawn.
"""

from __future__ import annotations

import csv
from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from assets.sample.rounds import variation
from assets.sample.schemes import SCHEMES
from llr_pipeline.periods import months_to
from llr_pipeline.templates import Line

MONTHS = months_to("2018-03")
# Who, which indicator, since which return; the month in which limits start again, or the months they stand on; why.
LIMITS = (
    ("QK1", "GPR-02", "2017-11", date(2017, 10, 1), None, "Evening and weekend hubs opened in all three areas"),
    ("RWE", "EFF-02", "2017-10", None, 6, "The months before the cap on agency rates"),
)
# How far April to March are from the year's mean, in units of the indicator's `winter`.
WINTER = (0.0, 0.1, 0.0, -0.1, -0.2, 0.0, 0.2, 0.4, 0.8, 1.0, 0.8, 0.6)


@cache
def _table(name: str) -> tuple[Mapping[str, str], ...]:
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def lines(organisation_code: str, month: str) -> dict[str, list[Line]]:
    """The sheets of a month's return."""
    indicators = [row for row in _table("indicators.csv") if row["organisation_code"] == organisation_code]
    milestones = [row for row in _table("milestones.csv") if row["organisation_code"] == organisation_code]
    return {
        "indicators": [line for row in indicators for line in _indicator_lines(row, month)],
        "milestones": [_milestone_line(row, month) for row in milestones],
        "control_limits": [
            _limits_line(code, first_month, baseline_months, reason)
            for sender, code, since, first_month, baseline_months, reason in LIMITS
            if sender == organisation_code and since <= month
        ],
    }


def _days(month: str) -> int:
    return monthrange(*map(int, month.split("-")))[1]


def _indicator_lines(about: Mapping[str, str], month: str) -> list[Line]:
    level, winter, drift, spread = (float(about[name]) for name in ("level", "winter", "drift", "spread"))
    varied_by = variation(f"monitoring {about['organisation_code']} {about['indicator_code']}", 2 * len(MONTHS), 1.0)
    noise = (varied_by - 1).tolist()
    parts: dict[str, dict[str, float]] = {"numerator": {}, "denominator": {}, "target": {}}
    for t, when in enumerate(months_to(month)):
        parts["target"][when] = float(about["target"])
        if when == about["missing_month"]:
            continue
        value = level * (1 + spread * noise[t]) + winter * WINTER[t] + drift * t / (len(MONTHS) - 1)
        first = float(about["first_reported"]) if when == month else 1.0
        if about["denominator"] == "days":
            parts["denominator"][when] = _days(when)
        elif about["denominator"]:
            varied = 1 + float(about["denominator_spread"]) * noise[len(MONTHS) + t]
            parts["denominator"][when] = round(float(about["denominator"]) * varied, 0 if varied != 1 else 1)
        size = parts["denominator"].get(when, 1) / (100 if about["kind"] == "percentage" else 1)
        parts["numerator"][when] = float(round(value * size * first))
    attributes = {name: about[name] for name in ("indicator_code", "indicator", "aim", "priority", "direction", "kind")}
    return [Line({**attributes, "measure": measure}, values) for measure, values in parts.items() if values]


def _limits_line(code: str, first_month: date | None, baseline_months: int | None, reason: str) -> Line:
    return Line(
        {
            "indicator_code": code, "decision": "start_again" if first_month else "baseline",
            "first_month": first_month, "baseline_months": baseline_months, "reason": reason,
        }
    )  # fmt: skip


def _milestone_line(about: Mapping[str, str], month: str) -> Line:
    end = date.fromisoformat(f"{month}-{_days(month)}")
    baseline = date.fromisoformat(about["baseline_date"])
    actual = date.fromisoformat(about["actual_date"]) if about["actual_date"] else None
    forecast, moved = baseline, False
    for change in filter(None, about["forecasts"].split("; ")):
        since, day = change.split(": ")
        if since <= month:
            forecast, moved = None if day == "none" else date.fromisoformat(day), True
    scheme = SCHEMES[about["scheme_code"]]
    return Line(
        {
            "milestone_code": about["milestone_code"], "milestone": about["milestone"], "scheme_code": scheme.code,
            "priority": scheme.priority, "is_critical": about["is_critical"] == "yes", "baseline_date": baseline,
            "forecast_date": forecast, "actual_date": actual if actual and actual <= end else None,
            "note": about["note"] if moved else None,
        }
    )  # fmt: skip
