"""Which rates of leaving and retiring the model uses: those returned, where they can be, else those assumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assets.workforce.inputs import SUBSTANTIVE, Doubt, Post, Returned
from llr_pipeline.assumptions import Assumptions

RETURNED, ASSUMED = "returned", "assumed"
RATES = ("leaver_rate", "retirement_rate")


@dataclass(frozen=True)
class Rates:
    """Shares of a year and where they come from, None where there are none: (post, year)."""

    leaver: np.ndarray
    retirement: np.ndarray
    source: np.ndarray


def rates_used(
    posts: Sequence[Post], years: Sequence[str], returned: Returned, assumptions: Assumptions, doubts: list[Doubt]
) -> Rates:
    """Both rates of a year come from one place. Those above 1, alone or together, cannot be and are not used."""
    given = np.stack([returned.leaver_rate, returned.retirement_rate])
    groups = [post.staff_group for post in posts]
    assumed = np.array([[assumptions.central("workforce", name, group) for group in groups] for name in RATES])
    assumed = assumed.reshape(given.shape)
    cannot_be = (given > 1).any(axis=0) | (given.sum(axis=0) > 1)
    lacking = np.isnan(given).any(axis=0) & ~cannot_be
    lacking[:, 0] = False  # the base year's staff are known: its rates are not used
    nobody = (returned.wte[:, SUBSTANTIVE] == 0).all(axis=1)
    given = np.where(nobody[:, None] & np.isnan(given), 0, given)
    is_used = ~cannot_be & ~np.isnan(given).any(axis=0)
    used = np.where(is_used, given, assumed)
    source = np.where(is_used, RETURNED, np.where(np.isnan(assumed).any(axis=0), None, ASSUMED))
    for n, post in enumerate(posts):
        if nobody[n]:
            continue
        instead = "those assumed are used" if (source[n, 1:] != None).all() else "nothing is projected"  # noqa: E711
        if cannot_be[n].any():
            t = int(np.argmax(cannot_be[n]))
            worst = float(given[:, n, t].max() if (given[:, n, t] > 1).any() else given[:, n, t].sum())
            is_one = bool((given[:, n, t] > 1).any())
            likely = f" ({worst:g}% is {worst / 100:g})" if is_one and worst <= 100 else "" if is_one else " for both"
            message = f"{years[t]}: {worst:g} where a share of at most 1 is asked{likely}: {instead}"
            cells = _cells(returned, n, cannot_be[n])
            doubts.append(Doubt("rate_above_one", "rates", message, post, worst, 1.0, "share", cells))
        if lacking[n].any():
            some = ", ".join(years[t] for t in np.flatnonzero(lacking[n]))
            message = f"No leaver rate or no retirement rate is returned for {some}: {instead}"
            kind = "no_rate_returned" if instead.startswith("those") else "no_rate"
            doubts.append(Doubt(kind, "rates", message, post, cells=_cells(returned, n, lacking[n])))
    return Rates(used[0], used[1], source)


def _cells(returned: Returned, n: int, which: np.ndarray) -> str | None:
    """The cells of both rates in these years."""
    found = [cell for name in RATES for cell in returned.cells[name][n, which] if cell]
    return ", ".join(found) or None
