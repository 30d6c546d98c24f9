"""Bars: horizontal ones, a row each, with labels to their left and values in words beyond their ends.

Rises and falls are told apart by fill, outline and sign, never by colour alone. What the bars are is said in
`waterfalls.py` and `tornadoes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

from llr_pipeline.look import (
    BLUE,
    DARK_BLUE,
    GREY,
    INK,
    QUIET,
    Spec,
    at_pixels,
    balanced,
    figure,
    layered,
    plotted,
    tips,
    wide,
    wrapped,
)

if TYPE_CHECKING:
    import altair as alt

Placed = Mapping[str, Any]
"""A bar's fields and, in pixels from the top, its edges `y_px` and `foot` and its `middle`."""

FILLS = {"total": (QUIET, QUIET), "dark": (DARK_BLUE, DARK_BLUE), "pale": ("#D3E6F7", BLUE)}
"""Fill and outline: the pale one is outlined, so that it is seen on white and in grey."""
LABEL_WIDTH = 190
LINE, ROW, GAP = 15, 26, 6
"""Pixels of a line of a label, of a row at least, and between two bars or a bar and its words."""


@dataclass(frozen=True)
class Label:
    """What a row is called; in bold or not."""

    words: str
    weight: str = "normal"
    colour: str = INK


@dataclass(frozen=True)
class Bar:
    """A bar in a row (the first is 0) from `start` to `end`, and `low` and `high`, the ends of its whisker.

    `words` stand beyond its end, to the left when it goes there. `part` is which of its row's height it takes, from 0
    to 1. A kind of None is drawn as words alone.
    """

    row: int
    kind: str | None
    start: float
    end: float
    words: str
    low: float | None = None
    high: float | None = None
    part: tuple[float, float] = (0, 1)

    @property
    def side(self) -> str:
        return "left" if self.end < self.start else "right"

    @property
    def reach(self) -> float:
        """Where its words begin: its end, or its whisker's where that is farther."""
        ends = [value for value in (self.end, self.low, self.high) if value is not None]
        return min(ends) if self.side == "left" else max(ends)


def axis_of(bars: Sequence[Bar], *, lowest: float, highest: float, width: int) -> tuple[float, float]:
    """From the lowest to the highest, and beyond them as far as the words beyond the bars need."""
    needed = [(bar, wide(bar.words, bold=bar.kind == "total") + 2 * GAP) for bar in bars]
    left, right = (max((pixels for bar, pixels in needed if bar.side == side), default=0) for side in ("left", "right"))
    pixel = ((highest - lowest) or 1) / (width - left - right)
    low = min([lowest, *(bar.reach - pixels * pixel for bar, pixels in needed if bar.side == "left")])
    return low, max([highest, *(bar.reach + pixels * pixel for bar, pixels in needed if bar.side == "right")])


def bar_chart(
    labels: Sequence[Label],
    bars: Sequence[Bar],
    *,
    domain: tuple[float, float],
    is_chain: bool,
    title: str,
    subtitle: str | Sequence[str],
    x_title: str,
    width: int,
) -> Spec:
    """The bars over one axis; a chain has a line from the end of each to the next, other bars a line at zero.

    Totals of a chain that begin where an axis above zero does are cut by two strokes.
    """
    import altair as alt

    lines = [balanced(label.words, pixels=LABEL_WIDTH, bold=label.weight == "bold") for label in labels]
    split = {bar.row for bar in bars if bar.part != (0, 1)}
    heights = [max(ROW, LINE * len(own) + GAP, 2 * LINE + GAP if n in split else 0) for n, own in enumerate(lines)]
    tops = [sum(heights[:n]) for n in range(len(heights))]
    placed = []
    for bar in bars:
        thick = heights[bar.row] - GAP if bar.row in split else ROW - GAP
        top = tops[bar.row] + (heights[bar.row] - thick) / 2
        edges = {"y_px": top + bar.part[0] * thick, "foot": top + bar.part[1] * thick}
        placed.append({**asdict(bar), **edges, "middle": sum(edges.values()) / 2, "side": bar.side, "reach": bar.reach})
    across = alt.X(
        "start:Q",
        scale=alt.Scale(domain=domain, nice=False, zero=False),
        axis=alt.Axis(title=wrapped(x_title, pixels=width + LABEL_WIDTH / 2), tickCount=5, grid=True, domain=False),
    )
    layers = list(_drawn(placed, across))
    if is_chain:
        links = [{"start": a["end"], "y_px": a["foot"], "foot": b["y_px"]} for a, b in pairwise(placed)]
        if domain[0] > 0:
            layers.append(_cuts(placed))
    else:
        links = [{"start": 0, "y_px": 0, "foot": max((bar["foot"] for bar in placed), default=0) + GAP / 2}]
    layers.append(_rules(links, across, color=GREY if is_chain else INK, strokeWidth=1))
    layers += [*_whiskers(placed, across), *_words(placed, across), *_labels(labels, lines, tops, heights)]
    layers.append(_tips(labels, placed, tops, heights))
    chart = layered(layers, width=width, height=sum(heights))
    return figure([chart], title=title, subtitle=subtitle, width=width + LABEL_WIDTH)


def _down() -> alt.Y:
    import altair as alt

    return alt.Y("y_px:Q", scale=None, axis=None)


def _drawn(placed: Sequence[Placed], across: alt.X) -> Iterator[Spec]:
    import altair as alt

    filled = [{**bar, "fill": FILLS[bar["kind"]][0], "edge": FILLS[bar["kind"]][1]} for bar in placed if bar["kind"]]
    colours = alt.Fill("fill:N", scale=None), alt.Stroke("edge:N", scale=None)
    mark = alt.MarkDef(type="rect", strokeWidth=1.2)
    yield plotted(filled, mark, across, alt.X2("end"), _down(), alt.Y2("foot"), *colours)


def _rules(data: Sequence[Placed], across: alt.X, **look: Any) -> Spec:
    """Upright lines from `y_px` to `foot`."""
    import altair as alt

    mark = alt.MarkDef(type="rule", **look)
    return plotted(list(data), mark, across, _down(), alt.Y2("foot"))


def _cuts(placed: Sequence[Placed]) -> Spec:
    """Two white strokes near where a total begins, as its axis does not at zero."""
    import altair as alt

    strokes = [
        {"x_px": x + 3, "x_end": x - 3, "y_px": bar["y_px"] - 2, "foot": bar["foot"] + 2}
        for bar in placed
        if bar["kind"] == "total"
        for x in (14, 20)
    ]
    return at_pixels(alt.MarkDef(type="rule", color="white", strokeWidth=2), strokes, alt.X2("x_end"), alt.Y2("foot"))


def _whiskers(placed: Sequence[Placed], across: alt.X) -> Iterator[Spec]:
    """A line with caps from low to high, edged in white where it lies on a bar."""
    import altair as alt

    data = [
        {"start": bar["low"], "high": bar["high"], "y_px": bar["middle"]}
        for bar in placed
        if bar["low"] is not None and bar["low"] < bar["high"]
    ]
    caps = [{"start": row[end], "y_px": row["y_px"] - 4, "foot": row["y_px"] + 4} for row in data
            for end in ("start", "high")]  # fmt: skip
    for colour, thick in (("white", 4), (INK, 1.5)) if data else ():
        look = {"color": colour, "strokeWidth": thick, "strokeCap": "square"}
        mark = alt.MarkDef(type="rule", **look)
        yield plotted(data, mark, across, alt.X2("high"), _down())
        yield _rules(caps, across, **look)


def _words(placed: Sequence[Placed], across: alt.X) -> Iterator[Spec]:
    """Each bar's value beyond its reach, edged in white where it stands on a line of the grid."""
    import altair as alt

    for side, is_bold in product(("left", "right"), (False, True)):
        data = [
            {"start": bar["reach"], "y_px": bar["middle"], "words": bar["words"]}
            for bar in placed
            if bar["side"] == side and (bar["kind"] == "total") is is_bold
        ]
        for edge in ({"stroke": "white", "strokeWidth": 4}, {}) if data else ():
            mark = alt.MarkDef(
                type="text",
                align="right" if side == "left" else "left",
                dx=-GAP if side == "left" else GAP,
                baseline="middle",
                fontSize=12,
                fontWeight="bold" if is_bold else "normal",
                color=INK,
                **edge,
            )
            yield plotted(data, mark, across, _down(), alt.Text("words:N"))


def _tips(labels: Sequence[Label], placed: Sequence[Placed], tops: Sequence[float], heights: Sequence[float]) -> Spec:
    """A row's label and what its bars say, for whoever points anywhere in it."""
    import altair as alt

    rows = []
    for n, label in enumerate(labels):
        if own := [bar["words"] for bar in placed if bar["row"] == n]:
            words = f"{label.words}: {', '.join(own)}"
            rows.append({"y_px": tops[n], "foot": tops[n] + heights[n], "words": words})
    return tips(rows, _down(), alt.Y2("foot"))


def _labels(
    labels: Sequence[Label], lines: Sequence[Sequence[str]], tops: Sequence[float], heights: Sequence[float]
) -> Iterator[Spec]:
    import altair as alt

    for weight in sorted({label.weight for label in labels}):
        data = []
        for label, own, top, height in zip(labels, lines, tops, heights, strict=True):
            if label.weight == weight:
                first = top + height / 2 - LINE * (len(own) - 1) / 2
                data.append({"x_px": -10, "y_px": first, "label": "\n".join(own), "colour": label.colour})
        mark = alt.MarkDef(type="text", align="right", baseline="middle", fontSize=12, fontWeight=weight,
                           lineBreak="\n", lineHeight=LINE)  # fmt: skip
        yield at_pixels(mark, data, alt.Text("label:N"), alt.Color("colour:N", scale=None))
