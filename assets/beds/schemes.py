"""The Bed schemes sheet and the scenarios: what each line does to which cells, and what a scenario makes of a scheme.

A line that can do nothing, or not all that it says, leaves a `Doubt` in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.beds.inputs import EFFECTS, SUPPLY, Doubt, Row, SchemeLine, Timing, Unit
from assets.beds.model import DAY_CASE, HOME, NOWHERE, SHORTEN, Cells, Line
from llr_pipeline.assumptions import Assumptions
from llr_pipeline.scenarios import Change, scenarios

MOVED_WITH_A_BUILDING = (*SUPPLY, "move_setting")
"""Mechanisms that come whole where a scheme opens or closes beds; what else it does is as uncertain as any other."""


@dataclass(frozen=True)
class Base:
    """What lines act on: the activity behind the cells, the units and their numbers by site and sector."""

    activity: Sequence[Row]
    cells: Cells
    units: Sequence[Unit]
    number: Mapping[tuple[str | None, str], int]
    assumptions: Assumptions
    doubts: list[Doubt]


def line_key(row: Row) -> tuple[str, int]:
    """A line of the sheet: its sender and row."""
    return row["organisation_code"], row["row_number"]


def claims_by_line(found: Sequence[Row], years: Sequence[str]) -> Mapping[tuple[str, int], np.ndarray]:
    claims: dict[tuple[str, int], np.ndarray] = {}
    for row in found:
        if row["financial_year"] in years:
            path = claims.setdefault(line_key(row), np.zeros(len(years)))
            path[years.index(row["financial_year"])] = row["claimed_beds"]
    return claims


def scheme_lines(
    sheet: Sequence[Row], claims: Mapping[tuple[str, int], np.ndarray], base: Base
) -> tuple[tuple[Timing, ...], tuple[SchemeLine, ...]]:
    """The lines in the sheet's order, and the timings that they share."""
    buildings = {row["scheme_code"] for row in sheet if row["mechanism"] in SUPPLY}
    effective = {row["scheme_code"] for row in sheet if row["mechanism"] in EFFECTS}
    timings: dict[Timing, int] = {}
    lines = []
    for row in sheet:
        unit = base.number.get((row["from_site_code"], row["from_sector"]))
        if unit is None:
            message = f"Reaches nobody: {row['from_sector']} is not a sector with beds"
            base.doubts.append(Doubt("reaches_nobody", about_line(row), message))
            continue
        code, mechanism = row["scheme_code"], row["mechanism"]
        timing = Timing(
            code, pd.Timestamp(row["start_date"]).date(), row["phase_in_months"], row["confidence_share"],
            has_building=code in buildings and mechanism in MOVED_WITH_A_BUILDING, has_effect=code in effective,
        )  # fmt: skip
        effect = None
        if row["mechanism"] in EFFECTS:
            effect = _effect(row, timings.setdefault(timing, len(timings)), unit, base)
        claimed = claims.get(line_key(row), np.zeros(base.assumptions.years))
        lines.append(SchemeLine(row, timings.setdefault(timing, len(timings)), unit, effect, claimed))
    return tuple(timings), tuple(lines)


def about_line(row: Row) -> str:
    """A line of the sheet in words."""
    return f"{row['scheme_code']} {row['mechanism']}, row {row['row_number']} of {row['organisation_code']}"


def _effect(row: Row, timing: int, unit: int, base: Base) -> Line | None:
    """What a line does to the cells that it reaches; None, and a doubt, where it can do nothing."""
    wanted = {name: row[f"from_{name}"] for name in ("point_of_delivery", "specialty_group", "age_band")}
    which = np.array([
        n for n, one in enumerate(base.activity)
        if base.cells.unit[n] == unit and all(code in (None, one[name]) for name, code in wanted.items())
    ], dtype=int)  # fmt: skip

    def nothing(kind: str, message: str) -> None:
        base.doubts.append(Doubt(kind, about_line(row), message, unit))

    if not len(which):
        return nothing("reaches_nobody", "Reaches nobody: the base year has no stay of this group")
    cover = row["cover_share"] if row["cover_share"] is not None else 1.0
    if row["mechanism"] == SHORTEN:
        taken = row["shortened_nights"]
        if not taken or not cover:
            return nothing("no_size", "Says no nights by which stays are shortened: no effect is modelled")
        stay = base.cells.nights[which]
        if (taken > stay).any():
            share = (base.cells.spells[which] * (taken > stay)).sum() / max(base.cells.spells[which].sum(), 1e-9)
            nothing(
                "longer_than_the_stay",
                f"{taken:g} nights are more than the stay of {share:.0%} of its spells: cut to it",
            )
        return Line(timing, SHORTEN, which, np.minimum(taken / np.where(stay > 0, stay, np.inf), 1) * cover)
    share = (row["effect_share"] or 0) * cover
    if not share:
        return nothing("no_size", "Says no share of spells avoided or moved: no effect is modelled")
    if row["mechanism"] != "move_setting":
        return Line(timing, row["mechanism"], which, share, to=DAY_CASE if row["mechanism"] == "day_case" else NOWHERE)
    if row["to_sector"] == "home":
        return Line(timing, "move_setting", which, share, to=HOME)
    to = base.number.get((row["to_site_code"], row["to_sector"]))
    if to is None:
        nothing("no_destination", "Names no site and sector to move to: the spells are shown as unallocated")
        return Line(timing, "move_setting", which, share, to=NOWHERE)
    if base.units[to].sector == base.units[unit].sector:
        return Line(timing, "move_site", which, share, to=to)
    if base.assumptions.get("beds", "destination_stay", base.units[to].sector) is None:
        nothing(
            "no_destination_stay",
            f"No assumption destination_stay for {base.units[to].sector}: the stay is taken along",
        )
        return Line(timing, "move_setting", which, share, to=to)
    sectors = sorted({one.sector for one in base.units})
    return Line(timing, "move_setting", which, share, to=to, to_sector=sectors.index(base.units[to].sector))


def changes_of_schemes(
    found: Sequence[Row], schemes: set[str], doubts: list[Doubt]
) -> Mapping[str, Mapping[str, Change]]:
    """What each scenario makes of each scheme of the sheet."""
    for row in found:
        if row["scheme_code"] not in ("all", *schemes):
            message = f"The scenario {row['scenario']} changes {row['scheme_code']}, of which no beds return has a line"
            doubts.append(Doubt("scenario_unclear", f"{row['scenario']}, {row['scheme_code']}", message))
    return scenarios(found, schemes, lambda about, message: doubts.append(Doubt("scenario_unclear", about, message)))
