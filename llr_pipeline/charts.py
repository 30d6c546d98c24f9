"""Charts: one look for every figure, and a chart as SVG or PNG. What is drawn is said by the caller.

Rows are mappings of plain values, which charts need no data frame for. Altair and vl-convert are imported when a chart
is made: they cost half a second of CPU that loading the definitions must not pay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

Row = Mapping[str, Any]

# The NHS identity: https://www.england.nhs.uk/nhsidentity/identity-guidelines/colours/
BLUE, DARK_BLUE, LIGHT_BLUE, GREY, WARM = "#005EB8", "#003087", "#41B6E6", "#768692", "#ED8B00"
INK, PALE = "#212B32", "#D8DDE0"
FONT = "Arial, 'Liberation Sans', sans-serif"


@dataclass(frozen=True)
class Style:
    """How a series looks, so that it can be told apart without colour; labels are dark enough to read on white."""

    colour: str
    label: str
    dash: tuple[int, ...]
    shape: str


STYLES = (
    Style(BLUE, BLUE, (1, 0), "circle"),
    Style(GREY, "#425563", (2, 3), "triangle-up"),
    Style(DARK_BLUE, DARK_BLUE, (7, 4), "square"),
    Style(LIGHT_BLUE, "#0072CE", (9, 3, 2, 3), "triangle-down"),
)
LABEL_GAP = 17
POINT_SIZE, MARKED_SIZE = 55, 190


def trajectory(
    rows: Sequence[Row],
    *,
    x: str,
    y: str,
    series: str,
    title: str,
    y_title: str,
    subtitle: str | Sequence[str] = (),
    x_title: str | None = None,
    panel: str | None = None,
    points: Iterable[Row] = (),
    width: int = 560,
    height: int = 210,
) -> alt.VConcatChart:
    """Lines over an ordered x, each labelled at its end with its name and last value; one panel under another.

    Series and panels keep the order in which the rows bring them, four series at most. `points` (the same x, y and
    panel) are marked with an open diamond: say in the subtitle what they are. A row without a value leaves a gap.
    Vertical axes do not start at zero: they are the panel's own.
    """
    import altair as alt

    rows, points = list(rows), list(points)
    names = list(dict.fromkeys(row[series] for row in rows))
    if len(names) > len(STYLES):
        raise ValueError(f"A chart tells {len(STYLES)} series apart, not {len(names)}: {', '.join(names)}")
    styles = dict(zip(names, STYLES, strict=False))
    steps = sorted({row[x] for row in [*rows, *points]})
    panels = []
    titles = list(dict.fromkeys(row[panel] for row in rows)) if panel else [None]
    for name in titles:
        of_panel = [[row for row in some if panel is None or row[panel] == name] for some in (rows, points)]
        panels.append(
            _panel(
                *of_panel,
                x=x,
                y=y,
                series=series,
                styles=styles,
                steps=steps,
                title=name,
                x_title=x_title if name == titles[-1] else None,
                y_title=y_title,
                width=width,
                height=height,
            )
        )
    subtitle = [subtitle] if isinstance(subtitle, str) else list(subtitle)
    chart = alt.vconcat(*panels, spacing=18, title=alt.TitleParams(title, subtitle=subtitle))
    return themed(chart)


def _panel(
    rows: list[Row],
    points: list[Row],
    *,
    x: str,
    y: str,
    series: str,
    styles: Mapping[str, Style],
    steps: list[Any],
    title: str | None,
    x_title: str | None,
    y_title: str,
    width: int,
    height: int,
) -> alt.LayerChart:
    import altair as alt

    domain = _domain([row[y] for row in [*rows, *points] if row[y] is not None])
    across = alt.X(f"{x}:O", scale=alt.Scale(domain=steps), axis=alt.Axis(title=x_title, labelAngle=0))
    up = alt.Y(
        f"{y}:Q",
        scale=alt.Scale(domain=domain, nice=False, zero=False),
        axis=alt.Axis(title=y_title, tickCount=5, minExtent=52),
    )
    layers = []
    for name, style in styles.items():
        line = [{x: row[x], y: row[y]} for row in rows if row[series] == name]
        layers.append(
            alt.Chart(alt.InlineData(line))
            .mark_line(
                color=style.colour,
                strokeWidth=2.5,
                strokeDash=list(style.dash),
                point=alt.OverlayMarkDef(shape=style.shape, size=POINT_SIZE, color=style.colour, strokeDash=[1, 0]),
            )
            .encode(x=across, y=up)
        )
    if points:
        marked = [{x: row[x], y: row[y]} for row in points]
        layers.append(
            alt.Chart(alt.InlineData(marked))
            .mark_point(shape="diamond", size=MARKED_SIZE, color=WARM, strokeWidth=2.5, filled=False, opacity=1)
            .encode(x=across, y=up)
        )
    layers += _labels(rows, x=x, y=y, series=series, styles=styles, across=across, domain=domain, height=height)
    titled = alt.TitleParams(title or "", fontSize=14, fontWeight="bold", anchor="start", color=INK, offset=6)
    return alt.layer(*layers, title=titled, width=width, height=height)


def _labels(
    rows: list[Row],
    *,
    x: str,
    y: str,
    series: str,
    styles: Mapping[str, Style],
    across: alt.X,
    domain: tuple[float, float],
    height: int,
) -> list[alt.Chart]:
    """A text beside the last value of each series, moved apart where they would lie over each other."""
    import altair as alt

    lasts: dict[str, Row] = {}
    for row in rows:
        if row[y] is not None and (row[series] not in lasts or row[x] >= lasts[row[series]][x]):
            lasts[row[series]] = row
    ends = sorted(lasts.values(), key=lambda row: row[y])
    low, high = domain
    text = {"align": "left", "baseline": "middle", "dx": 14, "fontSize": 13, "fontWeight": "bold"}
    places = spread([(row[y] - low) / (high - low) * height for row in ends], gap=LABEL_GAP, most=height)
    return [
        alt.Chart(alt.InlineData([{x: row[x], "label": f"{row[series]}: {row[y]:,.0f}"}]))
        .mark_text(**text, color=styles[row[series]].label)
        .encode(x=across, y=alt.value(height - place), text="label:N")
        for row, place in zip(ends, places, strict=True)
    ]


def spread(places: Sequence[float], *, gap: float, most: float) -> list[float]:
    """Rising places moved up until they are `gap` apart, then down where the last would pass `most`."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    limit = most
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], limit)
        limit = moved[i] - gap
    return moved


def _domain(values: Sequence[float]) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.1 * (high - low) or max(abs(high), 1) * 0.1
    return (max(low - margin, 0.0) if low >= 0 else low - margin), high + margin


def themed(chart: Any) -> Any:
    """The house look: plain axes, left-aligned titles, NHS colours in their order."""
    axis = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelColor": INK, "titleColor": INK}
    return chart.configure(
        font=FONT,
        background="white",
        padding=8,
        range={"category": [style.colour for style in STYLES]},
        axis={**axis, "domainColor": GREY, "tickColor": GREY, "gridColor": PALE},
        axisX={"grid": False, "labelPadding": 6, "titlePadding": 8},
        title={
            "anchor": "start",
            "fontSize": 17,
            "color": INK,
            "subtitleFontSize": 13,
            "subtitleColor": "#425563",
            "subtitlePadding": 6,
            "subtitleLineHeight": 18,
            "offset": 14,
        },
        view={"stroke": None},
    )


def to_svg(chart: Any) -> str:
    """The chart as SVG text. Its fonts are named, not in it."""
    import vl_convert

    return vl_convert.vegalite_to_svg(chart.to_dict(validate=False))


def to_png(svg: str, *, scale: float = 2) -> bytes:
    """An SVG of `to_svg` as PNG: drawing it again from the chart would cost eight times the CPU."""
    import vl_convert

    return vl_convert.svg_to_png(svg, scale=scale)
