"""Control charts drawn: small multiples of series with their mean, limits, target and the points that meet a rule.

Told apart without colour: improvement is a triangle, concern a square, high or low a diamond, common cause a small
circle; each panel says its icons in words. What the points are is worked out in `spc.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from llr_pipeline.look import (
    BLUE,
    GREY,
    INK,
    QUIET,
    Spec,
    domain_of,
    figure,
    known,
    layered,
    panel_title,
    plotted,
    tips,
    wrapped,
)

if TYPE_CHECKING:
    import altair as alt

Row = Mapping[str, Any]
CONCERN = "#C05600"
"""Orange, dark enough to read on white."""
MARKS = {
    "improvement": (BLUE, "triangle-up", 95),
    "concern": (CONCERN, "square", 80),
    "neutral_high": (QUIET, "diamond", 95),
    "neutral_low": (QUIET, "diamond", 95),
}
COMMON = (GREY, "circle", 26)


def control_charts(
    panels: Iterable[tuple[str, str, Sequence[Row]]],
    *,
    title: str,
    subtitle: str | Sequence[str] = (),
    columns: int = 3,
    width: int = 250,
    height: int = 118,
) -> Spec:
    """A panel for each heading, its icons in words, and its rows, in their order, `columns` side by side.

    A row is a point: `period` (text, one tick each), `value`, `mean`, `lower_limit`, `upper_limit`, `target`,
    `variation` and `stretch`, a new one where limits start again: their lines break there, beside an upright one. A
    value that is missing is a gap in the line. Vertical axes are the panel's own and do not start at zero: say so in
    the subtitle. Raises ValueError where there is no panel.
    """

    made = [_panel(*panel, width=width, height=height) for panel in panels]
    if not made:
        raise ValueError("No panel to draw")
    return figure(made, title=title, subtitle=subtitle, width=columns * (width + 60), columns=columns, gap=22)


def _panel(heading: str, icons: str, rows: Sequence[Row], *, width: int, height: int) -> Spec:
    import altair as alt

    names = ("value", "mean", "lower_limit", "upper_limit", "target")
    points = [
        {"period": str(row["period"]), "stretch": row["stretch"], **{name: known(row[name]) for name in names}}
        for row in rows
    ]
    for point, row in zip(points, rows, strict=True):
        point["colour"], point["shape"], point["size"] = MARKS.get(row["variation"], COMMON)
    domain = domain_of([point[name] for point in points for name in names if point[name] is not None])
    periods = [point["period"] for point in points]
    ticks = [periods[0], periods[-1]] if len(periods) > 1 else periods
    x = alt.X("period:N", sort=periods, scale=alt.Scale(type="point", padding=0.4),
              axis=alt.Axis(title=None, values=ticks, labelAngle=0, labelFlush=True, domain=True))  # fmt: skip

    def up(name: str) -> alt.Y:
        scale = alt.Scale(domain=domain, nice=False, zero=False)
        return alt.Y(f"{name}:Q", scale=scale, axis=alt.Axis(title=None, tickCount=4, format="~s", minExtent=38))

    lines = (
        ("lower_limit", GREY, (2, 3), 1.2), ("upper_limit", GREY, (2, 3), 1.2), ("mean", INK, (1, 0), 1),
        ("target", CONCERN, (8, 4), 1.5), ("value", GREY, (1, 0), 1.2),
    )  # fmt: skip
    starts = [after for before, after in pairwise(points) if after["stretch"] != before["stretch"]]
    layers = [
        plotted(starts, alt.MarkDef(type="rule", color=QUIET, strokeDash=[1, 2]), x)
    ] if starts else []  # fmt: skip
    layers += [
        plotted(
            points,
            alt.MarkDef(type="line", color=colour, strokeDash=list(dash), strokeWidth=wide),
            x,
            up(name),
            *([] if name in ("value", "target") else [alt.Detail("stretch:N")]),
        )
        for name, colour, dash, wide in lines
        if any(point[name] is not None for point in points)
    ]
    drawn = [point for point in points if point["value"] is not None]
    looks = (alt.Color("colour:N", scale=None), alt.Shape("shape:N", scale=None), alt.Size("size:Q", scale=None))
    layers.append(plotted(drawn, alt.MarkDef(type="point", filled=True, opacity=1), x, up("value"), *looks))
    for point in drawn:
        point["words"] = f"{point['period']}: {point['value']:,.4g}"
    layers.append(tips(drawn, x, up("value"), mark="circle"))
    room = width + 40
    above = {
        **panel_title(None), "text": wrapped(heading, pixels=room, size=13, bold=True)[:2], "fontSize": 13,
        "subtitle": wrapped(icons, pixels=room, size=12)[:4], "subtitleFontSize": 12, "frame": "bounds",
    }  # fmt: skip
    return layered(layers, title=above, width=width, height=height)
