"""The look of every chart: colours, typeface, axes, titles, and where labels go. What is drawn is in other modules.

Told apart without colour: each style has a dash of its own, and fills differ in lightness and outline.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

# The NHS identity: https://www.england.nhs.uk/nhsidentity/identity-guidelines/colours/
BLUE, DARK_BLUE, LIGHT_BLUE, GREY = "#005EB8", "#003087", "#41B6E6", "#768692"
INK, PALE, QUIET = "#212B32", "#D8DDE0", "#425563"
MINUS = "\N{MINUS SIGN}"
FONT = "Arial, 'Liberation Sans', sans-serif"
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

Spec = Mapping[str, Any]
"""A chart or a part of one, as Vega-Lite reads it."""


@dataclass(frozen=True)
class Style:
    """How a series looks, so that it can be told apart without colour; labels are dark enough to read on white."""

    colour: str
    label: str
    dash: tuple[int, ...]


STYLES = (Style(BLUE, BLUE, (1, 0)), Style(GREY, QUIET, (2, 3)), Style(DARK_BLUE, DARK_BLUE, (7, 4)))
NARROW, BROAD = frozenset(" .,:;'|!()[]/ijltfrI-"), frozenset("mwMW%@&+=<>\N{MINUS SIGN}")


AXIS = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelColor": INK, "titleColor": INK}
CONFIG = {
    "font": FONT,
    "background": "white",
    "padding": 8,
    "range": {"category": [style.colour for style in STYLES]},
    "axis": {**AXIS, "domainColor": GREY, "tickColor": GREY, "gridColor": PALE},
    "axisX": {"grid": False, "labelPadding": 6, "titlePadding": 8},
    "title": {
        "anchor": "start",
        "fontSize": 17,
        "color": INK,
        "subtitleFontSize": 13,
        "subtitleColor": QUIET,
        "subtitlePadding": 6,
        "subtitleLineHeight": 18,
        "offset": 14,
    },
    "view": {"stroke": None},
}
"""The house look: plain axes, left-aligned titles, NHS colours in their order."""


def domain_of(values: Sequence[float]) -> tuple[float, float]:
    """An axis that holds the values with a tenth to spare at each end, and does not go below zero when they do not."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.1 * (high - low) or max(abs(high), 1) * 0.1
    return (max(low - margin, 0.0) if low >= 0 else low - margin), high + margin


def known(value: Any) -> float | None:
    """A number as charts take it; None for one that is missing (None or NaN)."""
    return None if value is None or math.isnan(value) else float(value)


def as_text(value: float, *, decimals: int = 0, signed: bool = False) -> str:
    """A number as people read it: 1,940; with its sign +81 and a real minus. What rounds to nought has no sign."""
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    return text.replace("-", MINUS) if any(digit in text for digit in "123456789") else text.lstrip("+-")


def wide(text: str, *, size: float = 12, bold: bool = False) -> float:
    """About how many pixels wide a text is: the typeface's letters are narrow, broad, capital or as wide as a digit."""
    ems = sum(0.3 if c in NARROW else 0.8 if c in BROAD else 0.69 if c.isupper() else 0.54 for c in text)
    return ems * size * (1.07 if bold else 1)


def wrapped(text: str, *, pixels: float, size: float = 12, bold: bool = False) -> list[str]:
    """A text in lines of about so many pixels; a word that is longer has its own."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and wide(longer, size=size, bold=bold) > pixels:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def balanced(text: str, *, pixels: float, size: int = 12, bold: bool = False) -> list[str]:
    """As `wrapped`, in as many lines and as narrow as they can be: no line of one short word."""
    lines = wrapped(text, pixels=pixels, size=size, bold=bold)
    for narrower in range(int(pixels), 0, -size):
        fewer = wrapped(text, pixels=narrower, size=size, bold=bold)
        if len(fewer) > len(lines):
            break
        lines = fewer
    return lines


def panel_title(text: str | None) -> Spec:
    """A panel's heading, above all that the panel draws."""
    return {"text": text or "", "fontSize": 14, "fontWeight": "bold", "anchor": "start", "color": INK, "offset": 6}


def plotted(rows: Iterable[Mapping[str, Any]], mark: alt.MarkDef, *channels: Any) -> Spec:
    """A layer: a mark for each row, placed and told apart by these channels.

    Altair says what a mark and a channel may be; what is made of them is put together as plain data, as Altair would
    copy each row and each part of a chart on its way up through layers and panels, which cost twice the drawing.
    """
    encoding = {}
    for channel in channels:
        name = type(channel).__name__
        encoding[name[0].lower() + name[1:]] = channel.to_dict(validate=False)
    return {"data": {"values": list(rows)}, "mark": mark.to_dict(validate=False), "encoding": encoding}


def layered(layers: Iterable[Spec], *, width: float, height: float, title: Spec | None = None) -> Spec:
    """A panel of layers, the last one above all."""
    return {"layer": list(layers), "width": width, "height": height, **({"title": title} if title else {})}


def at_pixels(mark: alt.MarkDef, rows: Sequence[Mapping[str, Any]], *more: Any) -> Spec:
    """A mark for each row at its `x_px` and `y_px`, counted from the plot's top left, whatever its axes are."""
    import altair as alt

    x, y = alt.X("x_px:Q", scale=None, axis=None), alt.Y("y_px:Q", scale=None, axis=None)
    return plotted(rows, mark, x, y, *more)


def tips(rows: Sequence[Mapping[str, Any]], *channels: Any, mark: str = "rect") -> Spec:
    """Transparent marks that say a row's `words` to whoever points at them; draw them last, above all else."""
    import altair as alt

    look = alt.MarkDef(type=mark, color=INK, opacity=0, **({"size": 220} if mark == "circle" else {}))
    return plotted(rows, look, *channels, alt.Description("words:N"))


def figure(
    panels: Sequence[Spec],
    *,
    title: str,
    subtitle: str | Sequence[str],
    width: float,
    columns: int = 1,
    gap: float = 18,
) -> Spec:
    """Panels in so many columns in the house look, under their title and subtitle in lines of about so many pixels."""
    subtitle = [subtitle] if isinstance(subtitle, str) else subtitle
    lines = [line for text in subtitle for line in wrapped(text, pixels=width, size=13)]
    titled = {"text": wrapped(title, pixels=width, size=17, bold=True), "subtitle": lines}
    together = {"vconcat": list(panels)} if columns == 1 else {"concat": list(panels), "columns": columns}
    return {"$schema": SCHEMA, **together, "spacing": gap, "title": titled, "config": CONFIG}
