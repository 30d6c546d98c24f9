"""Waterfalls: what a change from one total to another is made of. The sums are those of a bridge, in `bridges.py`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llr_pipeline.bars import Bar, Label, axis_of, bar_chart
from llr_pipeline.look import Spec, as_text, known

if TYPE_CHECKING:
    pass

CLOSES = 1e-6  # changes add up when they miss the end by at most this share of the larger total
CUT = 0.25
"""The axis starts at zero unless all that is drawn is above this share of the highest value."""
CUT_ROOM = 45
"""Pixels between the start of a cut axis and all that is drawn: the strokes through the totals are there."""
MISSING = "\N{EN DASH}"


def waterfall(
    rows: Iterable[Mapping[str, Any]],
    *,
    label: str,
    change: str,
    start: float,
    end: float,
    start_label: str,
    end_label: str,
    title: str,
    x_title: str,
    subtitle: str | Sequence[str] = (),
    low: str | None = None,
    high: str | None = None,
    start_range: tuple[float, float] | None = None,
    end_range: tuple[float, float] | None = None,
    subtotals: Mapping[str, str] | None = None,
    decimals: int = 0,
    width: int = 380,
) -> Spec:
    """From a total, through each change in the order of the rows, to another; ValueError when they do not add up.

    Rises are dark, falls pale. `low` and `high` are those of a change (-40 and -10), drawn as a whisker about its end;
    a total's range is of the total. `subtotals` names what has been reached after the row of a label. A row whose
    change is missing has a dash and no bar. An axis that does not start at zero says so in its title.
    """
    rows, start, end = list(rows), float(start), float(end)
    changes = [known(row[change]) for row in rows]
    reached = start + math.fsum(value for value in changes if value is not None)
    if not abs(reached - end) <= CLOSES * max(abs(start), abs(end)):
        raise ValueError(f"{start:,.6f} and its changes come to {reached:,.6f}, not to {end:,.6f}")
    subtotals = dict(subtotals or {})
    if strangers := subtotals.keys() - {row[label] for row in rows}:
        raise ValueError(f"Subtotals after no row: {', '.join(map(str, strangers))}")

    labels, bars = [Label(start_label, weight="bold")], [_total(0, start, start_range, decimals=decimals)]
    at = start
    for row, value in zip(rows, changes, strict=True):
        ends = tuple(known(row[column]) if column else None for column in (low, high))
        bars.append(change_bar(len(bars), at, value, ends, decimals=decimals))
        labels.append(Label(str(row[label])))
        at += value or 0
        if row[label] in subtotals:
            bars.append(_total(len(bars), at, decimals=decimals))
            labels.append(Label(subtotals[row[label]], weight="bold"))
    bars.append(_total(len(bars), end, end_range, decimals=decimals))
    labels.append(Label(end_label, weight="bold"))

    domain = domain_of_totals(bars, width=width)
    if domain[0] > 0:
        bars = [replace(bar, start=domain[0]) if bar.kind == "total" else bar for bar in bars]
        x_title = f"{x_title} (axis starts at {domain[0]:,.12g})"
    return bar_chart(
        labels, bars, domain=domain, is_chain=True, title=title, subtitle=subtitle, x_title=x_title, width=width
    )


def change_bar(
    row: int, at: float, value: float | None, ends: tuple[float | None, float | None], *, decimals: int
) -> Bar:
    """A change from where the last bar ended; one that is missing moves nothing and is a dash."""
    if value is None:
        return Bar(row, None, at, at, MISSING)
    whisker = () if None in ends else (at + ends[0], at + ends[1])
    words = as_text(value, decimals=decimals, signed=True)
    return Bar(row, "pale" if value < 0 else "dark", at, at + value, words, *whisker)


def _total(row: int, value: float, whisker: tuple[float, float] | None = None, *, decimals: int) -> Bar:
    return Bar(row, "total", 0, value, as_text(value, decimals=decimals), *map(float, whisker or ()))


def domain_of_totals(bars: Sequence[Bar], *, width: int) -> tuple[float, float]:
    """An axis with room for all words, that starts at zero or, where all is far above it, at a round number."""
    values = [value for bar in bars for value in (bar.end, bar.low, bar.high) if value is not None]
    lowest, highest = min(values), max(values)
    if lowest <= CUT * highest or lowest == highest:
        return axis_of(bars, lowest=min(lowest, 0), highest=max(highest, 0), width=width)
    lowest -= CUT_ROOM * (highest - lowest) / width
    low, high = axis_of(bars, lowest=lowest, highest=highest, width=width)
    step = 10 ** math.floor(math.log10(high - low)) / 2
    start = max((math.ceil(low / step) - 1) * step, 0)
    return start, high + (high - highest) / (highest - low) * (low - start)
