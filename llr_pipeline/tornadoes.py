"""Tornadoes: what a result hangs on, each of its parameters moved alone, the longest bar first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llr_pipeline.bars import Bar, Label, axis_of, bar_chart
from llr_pipeline.look import QUIET, Spec, as_text, known

if TYPE_CHECKING:
    pass


def tornado(
    rows: Iterable[Mapping[str, Any]],
    *,
    label: str,
    effect: str | None = None,
    low: str | None = None,
    high: str | None = None,
    title: str,
    x_title: str,
    subtitle: str | Sequence[str] = (),
    names: tuple[str, str] = ("at P10", "at P90"),
    most: int = 12,
    decimals: int = 0,
    width: int = 380,
) -> Spec:
    """What each row does to a result, to the right and left of no effect; after `most` rows the rest is said in words.

    Either `effect`, the column of one number: rises dark, falls pale. Or `low` and `high`, those of the effects of a
    parameter at its low and at its high value: pale and dark, one above the other where both lie on one side, and
    called by their `names` in the first row. A row that lacks a number is not drawn, and counted in words.
    """
    columns = [column for column in (effect, low, high) if column]
    if columns not in ([effect], [low, high]):
        raise ValueError("A tornado has one effect, or a low and a high one")
    every = [(str(row[label]), [known(row[column]) for column in columns]) for row in rows]
    if not every:
        raise ValueError("No row to draw a tornado of")
    found = sorted((one for one in every if None not in one[1]), key=lambda one: _length(one[1]), reverse=True)
    bars = effect_bars([effects for _, effects in found[:most]], names=names, decimals=decimals)
    labels = [Label(name) for name, _ in found[:most]]
    if rest := found[most:]:
        largest = max(abs(value) for _, effects in rest for value in effects)
        labels.append(Label(_in_words(len(rest), largest, decimals=decimals), colour=QUIET))
    if missing := len(every) - len(found):
        labels.append(Label(f"{missing} not known", colour=QUIET))
    ends = [0, *(bar.end for bar in bars)]
    domain = axis_of(bars, lowest=min(ends), highest=max(ends), width=width)
    return bar_chart(
        labels, bars, domain=domain, is_chain=False, title=title, subtitle=subtitle, x_title=x_title, width=width
    )


def effect_bars(rows: Iterable[Sequence[float]], *, names: tuple[str, str], decimals: int) -> list[Bar]:
    """A bar for a row's one effect, or two for its low and its high."""
    bars = []
    for n, effects in enumerate(rows):
        is_pair = len(effects) == 2
        on_one_side = is_pair and effects[0] * effects[1] >= 0
        for i, value in enumerate(effects):
            words = as_text(value, decimals=decimals, signed=True)
            bars.append(
                Bar(
                    row=n,
                    kind="dark" if (i == 1 if is_pair else value >= 0) else "pale",
                    start=0,
                    end=value,
                    words=f"{names[i]}: {words}" if is_pair and n == 0 else words,
                    part=(i / 2, (i + 1) / 2) if on_one_side else (0, 1),
                )
            )
    return bars


def _length(effects: Sequence[float]) -> float:
    """How far a row's effects reach, from the lowest to the highest, no effect being one of them."""
    return max(*effects, 0) - min(*effects, 0)


def _in_words(count: int, largest: float, *, decimals: int) -> str:
    unit = 10**-decimals
    under = as_text((math.floor(largest / unit) + 1) * unit, decimals=decimals)
    return f"{count} more, each under {under}" if count > 1 else f"1 more, under {under}"
