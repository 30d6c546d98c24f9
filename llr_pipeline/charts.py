"""Charts: labels at the ends of lines, and any chart as SVG. Callers say what is drawn, `look.py` how it looks.

Rows are mappings of plain values, which charts need no data frame for. Altair and vl-convert are imported when a chart
is made: they cost half a second of CPU that loading the definitions must not pay. Projections with their bands are in
`fans.py`; what a change is made of, and what it hangs on, in `bars.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llr_pipeline.look import Spec, at_pixels

if TYPE_CHECKING:
    pass

Row = Mapping[str, Any]

LABEL_GAP = 17
"""Pixels between the middles of two lines of labels."""


@dataclass(frozen=True)
class End:
    """What is written where a line ends, in bold and under it: from `x_px` on, at the height of its value."""

    x_px: float
    value: float
    bold: str
    under: str
    colour: str


def end_labels(ends: Iterable[End], *, domain: tuple[float, float], height: int) -> Iterator[Spec]:
    """What each line comes to, in the order of the values, moved apart where one would lie on another."""
    import altair as alt

    low, high = domain
    ends = sorted(ends, key=lambda end: end.value)
    heights = [LABEL_GAP * (bool(end.bold) + bool(end.under)) for end in ends]
    places = spread([(end.value - low) / (high - low) * height for end in ends], gap=heights, most=height)
    for weight, size in (("bold", 13), ("normal", 12)):
        texts = []
        for end, place in zip(ends, places, strict=True):
            half = LABEL_GAP / 2 - 1 if end.bold and end.under else 0
            words, down = (end.bold, -half) if weight == "bold" else (end.under, half)
            if words:
                at = {"x_px": end.x_px, "y_px": height - place + down}
                texts.append({**at, "label": words, "colour": end.colour})
        if texts:
            mark = alt.MarkDef(type="text", align="left", baseline="middle", fontSize=size, fontWeight=weight)
            yield at_pixels(mark, texts, alt.Text("label:N"), alt.Color("colour:N", scale=None))


def spread(places: Sequence[float], *, gap: float | Sequence[float], most: float) -> list[float]:
    """Rising places moved up until they are `gap` apart, then down where the last would pass `most`.

    With a gap for each place, two are half the sum of theirs apart: labels of different heights.
    """
    gaps = [float(gap)] * len(places) if isinstance(gap, int | float) else list(gap)
    moved: list[float] = []
    for i, place in enumerate(places):
        moved.append(max(place, moved[-1] + (gaps[i - 1] + gaps[i]) / 2) if moved else place)
    limit = most
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], limit)
        limit = moved[i] - (gaps[i - 1] + gaps[i]) / 2
    return moved


def to_svg(chart: Spec) -> str:
    """The chart as SVG text. Its fonts are named, not in it."""
    import vl_convert

    return vl_convert.vegalite_to_svg(chart)
