"""Can turnover do it? A planned fall in staff against the largest that leavers, retirements and temporary staff give.

By post, and for all posts of a setting, an organisation and the system, each with its verdict in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from assets.workforce.inputs import AGENCY, BANK, LEAST_WTE, SUBSTANTIVE, Round, at, is_few
from assets.workforce.model import break_even, largest_falls
from assets.workforce.results import areas

if TYPE_CHECKING:
    from assets.workforce.projection import Staff

ESTIMATES = {"p10": "low", "central": "central", "p90": "high"}
FEASIBLE, INFEASIBLE, DEPENDS = "feasible", "infeasible", "depends on replacement"
NO_FALL, NOT_KNOWN = "no fall planned", "not known"
NOT_SHOWN = "Not shown: 1 to 4 people, or what would give them away."


def redundancy(inputs: Round, plan: Staff) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`mart.redundancy_test` by post and `mart.redundancy_totals` by area, of the plan as returned."""
    replaced, (untold, untold_temporary) = _replaced(inputs), _kept_back(inputs)
    of_posts = [
        {
            "round": inputs.round, **at(post),
            **_test(inputs, plan, np.array([n]), replaced, is_kept_back=n in untold_temporary),
            **({"sentence": NOT_SHOWN} if n in untold else {}),
        }
        for n, post in enumerate(inputs.posts)
    ]  # fmt: skip
    verdicts = np.array([row["verdict"] for row in of_posts])
    of_areas = [
        {
            "round": inputs.round, "area_kind": kind, "area": area, "post_count": len(which),
            "infeasible_post_count": int(np.isin(verdicts[which], (INFEASIBLE, DEPENDS)).sum()),
            **_test(inputs, plan, which, replaced),
        }
        for kind, area, which in areas(inputs)
    ]  # fmt: skip
    return pd.DataFrame(of_posts), pd.DataFrame(of_areas)


def _replaced(inputs: Round) -> Mapping[str, np.ndarray]:
    """The share of leavers and retirements replaced, by year after the base year, at P10, central and P90."""
    given = inputs.assumptions.range("workforce", ("replacement_share", "all"), missing=np.nan)
    return {name: np.clip(getattr(given, end)[1:], 0, 1) for name, end in ESTIMATES.items()}


def _kept_back(inputs: Round) -> tuple[set[int], set[int]]:
    """Posts that are not told at all, and those whose bank and agency staff are not: of 1 to 4 people."""
    ends = inputs.returned.wte[:, :, [0, -1]]
    whole = [*ends[:, SUBSTANTIVE].T, *ends.sum(axis=1).T]
    temporary = ends[:, [BANK, AGENCY], 0].sum(axis=1)
    few = {n for people in whole for n, count in enumerate(people) if is_few(count)}
    few_temporary = {n for n, count in enumerate(temporary) if is_few(count)}
    return _and_beside(inputs, few, whole[0]), _and_beside(inputs, few_temporary, temporary)


def _and_beside(inputs: Round, few: set[int], people: np.ndarray) -> set[int]:
    """With the next fewest where a setting has one alone: its total, less all others, would give it away."""
    beside = set()
    for kind, _, which in areas(inputs):
        rest = [n for n in which if n not in few and people[n] > 0]
        if kind == "setting" and len(few & {*which}) == 1 and rest:
            beside.add(min(rest, key=lambda n: people[n]))
    return few | beside


def _test(
    inputs: Round, plan: Staff, which: np.ndarray, replaced: Mapping[str, np.ndarray], *, is_kept_back: bool = False
) -> dict[str, object]:
    """The test of some posts together."""
    wte, years = inputs.returned.wte[which], inputs.years[1:]
    stock = wte[:, SUBSTANTIVE, 0]
    temporary = float(wte[:, [BANK, AGENCY], 0].sum())
    rates = np.where(stock[:, None] == 0, 0, (inputs.leaver_rate + inputs.retirement_rate)[which, 1:])

    def turnover(share: np.ndarray) -> np.ndarray:
        """The most that turnover gives by the end of each year."""
        return largest_falls(stock, rates, np.broadcast_to(share, rates.shape), inputs.is_average[which]).sum(axis=0)

    def turnover_at_end(share: float) -> float:
        return float(turnover(np.full(len(years), share))[-1])

    total = wte.sum(axis=(0, 1))
    falls = {name: float(fall) for name, fall in zip(
        ("substantive", "bank", "agency"), (wte[:, :, 0] - wte[:, :, -1]).sum(axis=0), strict=True
    )}  # fmt: skip
    planned = float(total[0] - total[-1])
    given = {name: turnover(share) for name, share in replaced.items()}
    is_fall = planned > LEAST_WTE
    feasible = {name: _fits(planned, float(path[-1]) + temporary) for name, path in given.items()}
    ahead = [y for y, now, most in zip(years, total[1:], given["central"] + temporary, strict=True)
             if total[0] - now > most + LEAST_WTE]  # fmt: skip
    gone = float((plan.leavers + plan.retirements)[which, 1:].sum())
    joined = float(plan.joiners[which, 1:].sum())
    found = {
        "is_illustrative": bool(inputs.is_illustrative[which].any()),
        "from_year": inputs.years[0], "to_year": inputs.years[-1],
        "before_wte": float(total[0]), "after_wte": float(total[-1]), "planned_fall_wte": planned,
        **{f"planned_fall_{name}_wte": fall for name, fall in falls.items()},
        "substantive_before_wte": float(stock.sum()), "bank_before_wte": float(wte[:, BANK, 0].sum()),
        "agency_before_wte": float(wte[:, AGENCY, 0].sum()),
        **{f"replacement_{name}_share": float(share[-1]) for name, share in replaced.items()},
        **{f"turnover_fall_{name}_wte": float(path[-1]) for name, path in given.items()},
        **{f"largest_fall_{name}_wte": float(path[-1]) + temporary for name, path in given.items()},
        **{f"is_feasible_{name}": fits for name, fits in feasible.items()},
        "verdict": _verdict(planned, list(feasible.values())),
        "first_year_ahead": ahead[0] if ahead else None,
        "break_even_replacement_share": break_even(turnover_at_end, planned - temporary) if is_fall else np.nan,
        "planned_replacement_share": joined / gone if gone > 0 else np.nan,
        "net_transfers_out_wte": float((plan.transfers_out - plan.transfers_in)[which, 1:].sum()),
    }  # fmt: skip
    return {**found, "sentence": _sentence(found, is_kept_back=is_kept_back or is_few(temporary))}


def _fits(fall: float, most: float) -> bool | None:
    return None if np.isnan(fall) or np.isnan(most) else bool(fall <= most + LEAST_WTE)


def _verdict(fall: float, feasible: list[bool | None]) -> str:
    if np.isnan(fall):
        return NOT_KNOWN
    if fall <= LEAST_WTE:
        return NO_FALL
    if None in feasible:
        return NOT_KNOWN
    return FEASIBLE if all(feasible) else DEPENDS if any(feasible) else INFEASIBLE


def _sentence(found: Mapping[str, object], *, is_kept_back: bool) -> str:
    """What was found, in one sentence; without bank and agency staff where they are kept back."""
    verdict, fall = found["verdict"], found["planned_fall_wte"]
    if verdict == NOT_KNOWN:
        return "Staff, rates or the share replaced are not known, so that nothing can be said."
    if any(is_few(found[name]) for name in ("before_wte", "after_wte", "substantive_before_wte")):
        return NOT_SHOWN
    before, after = _wte(found["before_wte"]), _wte(found["after_wte"])
    ends = f"from {before} WTE in {found['from_year']} to {after} in {found['to_year']}"
    if verdict == NO_FALL:
        return f"No fall is planned: {ends}."
    most, temporary = found["turnover_fall_central_wte"], found["bank_before_wte"] + found["agency_before_wte"]
    told = "1 to 4" if is_few(temporary) else "not shown" if is_kept_back else _wte(temporary)
    share, even = found["replacement_central_share"], found["break_even_replacement_share"]
    given = (
        f"with {share:.0%} of those who go replaced, turnover and retirement can give {_wte(most)} and bank and agency "
        f"{told}"
    )
    if np.isnan(even):
        close = "even with nobody replaced it could not be done without redundancy"
    elif even == 1:
        close = "ending bank and agency work alone would do it"
    elif is_kept_back:  # the share would give them away
        close = "it can be done without redundancy if few enough are replaced"
    else:
        close = f"it can just be done without redundancy with {even:.1%} replaced"
    ahead = found["first_year_ahead"]
    path = f", and the plan runs ahead of that in {ahead}" if ahead else ""
    words = {FEASIBLE: "feasible", INFEASIBLE: "infeasible", DEPENDS: "feasible only if few enough are replaced"}
    return f"{_wte(fall)} fewer are planned, {ends}: {words[verdict]}; {given}{path}; {close}."


def _wte(value: float) -> str:
    """To a tenth, and whole where it is."""
    return f"{value:,.1f}".removesuffix(".0")
