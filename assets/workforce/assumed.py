"""Which assumptions the workforce model uses: those that can be. The others are named, and taken as missing."""

from __future__ import annotations

from collections.abc import Sequence

from assets.workforce.inputs import Doubt, Row
from llr_pipeline.assumptions import Assumptions, read_assumptions

SHARES = ("replacement_share", "headroom_share", "cap_share", "leaver_rate", "retirement_rate")
"""At least 0 and at most 1."""
ABOVE_ZERO = ("contracted_hours", "contacts_per_wte")
ESTIMATES = ("low", "central", "high")


def assumptions_used(given: Sequence[Row], years: Sequence[str], doubts: list[Doubt]) -> Assumptions:
    """The assumptions of the round without the values that cannot be."""
    sound, wrong = [], {}
    for row in given:
        if row["subject"] != "workforce":
            sound.append(row)
            continue
        if row["scenario"] != "all":
            about = f"{row['parameter']}, {row['applies_to']}, {row['scenario']}, {row['financial_year']}"
            message = f"An assumption for the scenario {row['scenario']} alone is not used: scenarios change schemes"
            doubts.append(Doubt("not_used", about, message))
        found = [estimate for estimate in ESTIMATES if _cannot_be(row["parameter"], row[f"{estimate}_value"])]
        if found and row["financial_year"] in years:
            wrong.setdefault((row["parameter"], row["applies_to"]), (row, found[0]))
        sound.append(row | dict.fromkeys([f"{estimate}_value" for estimate in ESTIMATES] if found else []))
    for (parameter, code), (row, estimate) in wrong.items():
        value = row[f"{estimate}_value"]
        asked = "a number above 0" if parameter in ABOVE_ZERO else "a share from 0 to 1"
        message = f"{parameter} for {code} is {value:g} in {row['financial_year']}, where {asked} is asked: not used"
        cell = row.get(f"{estimate}_cell")
        cells = f"{row['organisation_code']} {row['sheet']}!{cell}" if cell else None
        doubts.append(Doubt("out_of_range", f"{parameter}, {code}", message, None, value, cells=cells))
    result = read_assumptions(sound, years)
    for (subject, parameter, code), found in result.values.items():
        if subject == "workforce" and (found["low"] > found["high"]).any():
            message = f"P10 of {parameter} for {code} is above its P90: its central value is taken as certain"
            doubts.append(Doubt("range_upside_down", f"{parameter}, {code}", message))
    return result


def _cannot_be(parameter: str, value: float | None) -> bool:
    if value is None:
        return False
    if parameter in SHARES:
        return not 0 <= value <= 1 or (parameter == "headroom_share" and value == 1)
    return parameter in ABOVE_ZERO and value <= 0
