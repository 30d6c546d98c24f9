"""What cannot be, or cannot be known, of staff: a row a case, in words, with the cells behind it.

What a single return shows at intake (an unknown staff group, a negative number, more whole-time equivalents than
people, one value out of step with its line) is a finding there and is not repeated here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from assets.workforce.demand import basis_of, no_driver
from assets.workforce.inputs import (
    BANK,
    CARE_HOURS,
    CONTRACTS,
    LEAST_WTE,
    PLAN,
    SOURCES,
    SUBSTANTIVE,
    Doubt,
    Round,
    at,
    is_few,
)
from assets.workforce.model import roll_forward

if TYPE_CHECKING:
    from assets.workforce.projection import Staff

SAME_WTE = 0.051
"""Figures given to a tenth are the same if they differ by less."""
LEAST_GROUPS = 3
"""A total of fewer lines may be chance."""


def doubts(inputs: Round, one: Staff) -> pd.DataFrame:
    """`mart.workforce_doubts` of one scenario; what concerns the round alone is said with the plan."""
    found = [*_below_zero(inputs, one)]
    if one.scenario == "plan":
        found += [*inputs.doubts, *_staff(inputs), *_joiners(inputs), *_steps(inputs), *_totals(inputs)]
        found += [*_transfers(inputs), *no_driver(inputs), *_assumptions(inputs)]
    return pd.DataFrame(
        {
            "round": inputs.round, "scenario": one.scenario, "guard": doubt.kind, "about": doubt.about,
            **at(doubt.post), "figure": doubt.figure, "against": doubt.against, "unit": doubt.unit,
            "is_few": _is_few(inputs, doubt), "cells": doubt.cells, "message": f"{doubt.message}.",
        }
        for doubt in found
    )  # fmt: skip


def _is_few(inputs: Round, doubt: Doubt) -> bool:
    """Whether its words tell of 1 to 4 people, or of a post that had so few of some contract in some year."""
    if doubt.unit != "WTE":
        return False
    counted = [doubt.figure, doubt.against]
    if doubt.post is not None:
        n = inputs.posts.index(doubt.post)
        counted += [*inputs.returned.wte[n].ravel(), *inputs.returned.headcount[n].ravel()]
    return any(is_few(people) for people in counted if people is not None)


def _cells(inputs: Round, n: int, where: list[tuple[str, int]]) -> str | None:
    """The cells of these figures of a post, by what they are and the year's number."""
    found = [inputs.returned.cells[name][n, t] for name, t in where]
    return ", ".join(dict.fromkeys(cell for cell in found if cell)) or None


def _below_zero(inputs: Round, one: Staff) -> Iterator[Doubt]:
    """More leave and are transferred than there are; the first year of each post."""
    for n, post in enumerate(inputs.posts):
        below = np.flatnonzero(one.closing[n, :, 0] < 0)
        if len(below):
            t = int(below[0])
            out = one.transfers_out[n, t, 0] + one.leavers[n, t, 0] + one.retirements[n, t, 0]
            message = f"{out:,.1f} WTE go in {inputs.years[t]} of {one.opening[n, t, 0]:,.1f} and those who join"
            cells = _cells(inputs, n, [(name, t) for name in ("transfers_out", "leaver_rate", "retirement_rate")])
            figure = float(one.closing[n, t, 0])
            yield Doubt("stock_below_zero", inputs.years[t], message, post, figure, 0.0, "WTE", cells)


def _staff(inputs: Round) -> Iterator[Doubt]:
    """Staff not returned: the base year's, without which nothing is projected, and any other year's."""
    for n, post in enumerate(inputs.posts):
        for c, contract in enumerate(CONTRACTS):
            missing = np.isnan(inputs.returned.wte[n, c])
            if not missing.any():
                continue
            some = ", ".join(year for year, is_missing in zip(inputs.years, missing, strict=True) if is_missing)
            if c == SUBSTANTIVE and missing[0]:
                message = f"No {contract} staff are returned for {some}: nothing is projected"
                yield Doubt("no_opening_stock", contract, message, post)
            else:
                message = f"No {contract} staff are returned for {some}: the total planned is not known"
                yield Doubt("staff_not_returned", contract, message, post)


def _joiners(inputs: Round) -> Iterator[Doubt]:
    for n, post in enumerate(inputs.posts):
        missing = np.isnan(inputs.returned.joiners[n, :, 1:]).all(axis=0)
        if missing.any():
            years = [year for year, is_missing in zip(inputs.years[1:], missing, strict=True) if is_missing]
            message = f"No joiners are returned for {', '.join(years)}: nothing is projected from {years[0]} on"
            yield Doubt("no_joiners", "joiners", message, post)


def _steps(inputs: Round) -> Iterator[Doubt]:
    """Years in which last year's staff and the flows returned do not lead to this year's staff; the worst of a post.

    A step up by the bank staff of the year before is bank staff counted twice.
    """
    returned = inputs.returned
    stock = returned.wte[:, SUBSTANTIVE]
    net = returned.joiners.sum(axis=1) + returned.transfers_in - returned.transfers_out
    reached = roll_forward(
        stock[:, :-1], leaver_rate=inputs.leaver_rate[:, 1:], retirement_rate=inputs.retirement_rate[:, 1:],
        net_in=net[:, 1:], is_average=inputs.is_average[:, None],
    ).closing  # fmt: skip
    off = np.nan_to_num(stock[:, 1:] - reached)
    bank = np.nan_to_num(returned.wte[:, BANK, :-1])
    twice = (bank > LEAST_WTE) & (off > LEAST_WTE) & (np.abs(stock[:, 1:] - stock[:, :-1] - bank) < SAME_WTE)
    for n, post in enumerate(inputs.posts):
        if twice[n].any():
            t = int(np.argmax(twice[n]))
            year, before = inputs.years[t + 1], inputs.years[t]
            message = (
                f"Substantive staff of {year} are those of {before} and its bank staff ({stock[n, t]:,.1f} + "
                f"{bank[n, t]:,.1f} = {stock[n, t + 1]:,.1f}), which the flows do not lead to"
            )
            cells = _cells(inputs, n, [("substantive", t + 1), ("substantive", t), ("bank", t)])
            figures = float(stock[n, t + 1]), float(reached[n, t])
            yield Doubt("bank_counted_twice", year, message, post, *figures, "WTE", cells)
        elif (np.abs(off[n]) > LEAST_WTE).any():
            t = int(np.argmax(np.abs(off[n])))
            year, count = inputs.years[t + 1], int((np.abs(off[n]) > LEAST_WTE).sum())
            worst = f"; the furthest of {count} years" if count > 1 else ""
            message = (
                f"{stock[n, t]:,.1f} WTE and the flows returned lead to {reached[n, t]:,.1f} in {year}, and "
                f"{stock[n, t + 1]:,.1f} are returned{worst}"
            )
            flows = ("leaver_rate", "retirement_rate", *(f"joiners_{source}" for source in SOURCES))
            cells = _cells(inputs, n, [("substantive", t), ("substantive", t + 1), *((name, t + 1) for name in flows)])
            figures = float(stock[n, t + 1]), float(reached[n, t])
            yield Doubt("opening_is_not_last_closing", year, message, post, *figures, "WTE", cells)


def _totals(inputs: Round) -> Iterator[Doubt]:
    """A staff group that is, in every year, the sum of all others of its organisation and setting."""
    stock = inputs.returned.wte[:, SUBSTANTIVE]
    for n, post in enumerate(inputs.posts):
        others = [
            m for m, other in enumerate(inputs.posts)
            if m != n and (other.organisation_code, other.setting) == (post.organisation_code, post.setting)
        ]  # fmt: skip
        if len(others) + 1 < LEAST_GROUPS or not (stock[n] > LEAST_WTE).all():
            continue
        summed = stock[others].sum(axis=0)
        if (np.abs(stock[n] - summed) < SAME_WTE).all():
            message = (
                f"{stock[n, 0]:,.1f} WTE in {inputs.years[0]}, and in every other year too, are the sum of the "
                f"{len(others)} other staff groups here: likely a total, counted as staff"
            )
            cells = _cells(inputs, n, [("substantive", t) for t in range(len(inputs.years))])
            yield Doubt("looks_like_a_total", "substantive", message, post, stock[n, 0], summed[0], "WTE", cells)


def _transfers(inputs: Round) -> Iterator[Doubt]:
    """Transfers within the system, by staff group: what leaves one organisation or setting arrives in another."""
    for group in sorted({post.staff_group for post in inputs.posts}):
        which = [n for n, post in enumerate(inputs.posts) if post.staff_group == group]
        arrived, left = (
            moved[which].sum(axis=0) for moved in (inputs.returned.transfers_in, inputs.returned.transfers_out)
        )
        off = np.abs(arrived - left)
        if not (off > LEAST_WTE).any():
            continue
        t, count = int(np.argmax(off)), int((off > LEAST_WTE).sum())
        worst = f"; the furthest of {count} years" if count > 1 else ""
        message = f"{left[t]:,.1f} WTE are transferred out in {inputs.years[t]} and {arrived[t]:,.1f} in{worst}"
        found = [_cells(inputs, n, [("transfers_out", t), ("transfers_in", t)]) for n in which]
        cells = ", ".join(filter(None, found)) or None
        about = f"{group}, {inputs.years[t]}"
        yield Doubt("transfers_do_not_cancel", about, message, None, float(left[t]), float(arrived[t]), "WTE", cells)


def _assumptions(inputs: Round) -> Iterator[Doubt]:
    """What the model needs and no assumption gives."""
    needed = {("workforce", "replacement_share", "all"): "no redundancy test can be made"}
    for contract in CONTRACTS[1:]:
        needed["workforce", "cap_share", contract] = "what fills a gap is not known"
        needed["workforce", "premium_share", contract] = "its cost is not known"
    needed["funding", "inflation", "pay"] = "costs after the base year are not known"
    for post in inputs.posts:
        needed["workforce", "pay_cost_per_wte", post.staff_group] = "its cost is not known"
    bases = {basis_of(inputs, post) for post in inputs.posts}
    if CARE_HOURS in bases:
        for name in ("contracted_hours", "headroom_share"):
            needed["workforce", name, "all"] = "the demand of wards is not known"
        for census in (one for many in inputs.wards.values() for one in many):
            needed["workforce", "care_hours_per_patient_day", census.sector] = "the demand of its wards is not known"
    if bases - {CARE_HOURS, PLAN}:
        needed["workforce", "contacts_per_wte", "community"] = "the demand of the community is not known"
    for (subject, parameter, code), why in needed.items():
        if np.isnan(inputs.assumptions.central(subject, parameter, code)[1:]).any():
            yield Doubt("no_assumption", f"{parameter}, {code}", f"No assumption {parameter} for {code}: {why}")
