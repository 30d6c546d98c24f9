"""Fans: what a projection comes to over an ordered x, with the band that most runs fall in and the plan beside it.

What the numbers are, and how wide the band is, callers say in words. Lines without a band are in `charts.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from llr_pipeline.charts import End, end_labels
from llr_pipeline.look import (
    GREY,
    INK,
    LIGHT_BLUE,
    QUIET,
    STYLES,
    Spec,
    Style,
    as_text,
    at_pixels,
    domain_of,
    figure,
    known,
    layered,
    panel_title,
    plotted,
    tips,
    wide,
    wrapped,
)

if TYPE_CHECKING:
    import altair as alt

Row = Mapping[str, Any]
Values = Sequence[float | None]

PLAN, *SERIES = STYLES[0], STYLES[2], STYLES[1]
"""Of the plan and of each series."""
BAND_FILLS = ((LIGHT_BLUE, 0.28), (GREY, 0.12))
YEAR_WIDTH = 56
FLAG_LINE, FLAG_GAP = 15, 4
MARGIN = 190
"""Pixels to the right of the plot, for labels."""


@dataclass(frozen=True)
class Mark:
    """Words at an x: a rule through the plot and what it marks above it; in one panel, or in all."""

    x: Any
    words: str
    panel: Any = None


@dataclass(frozen=True)
class Line:
    """A series of a panel: a value or None for each x."""

    name: str
    style: Style
    central: Values
    low: Values
    high: Values
    inner: Values


def fan(
    rows: Iterable[Row],
    *,
    x: str,
    central: str,
    low: str,
    high: str,
    title: str,
    y_title: str,
    subtitle: str | Sequence[str] = (),
    x_title: str | None = None,
    plan: str | None = None,
    plan_name: str = "Planned",
    inner: str | None = None,
    inner_name: str = "Mean",
    series: str | None = None,
    name: str = "",
    panel: str | None = None,
    marks: Iterable[Mark] = (),
    decimals: int = 0,
    width: int = 390,
    height: int = 190,
) -> Spec:
    """A central line in its band, from `low` to `high`, and the plan as steps; one panel under another.

    A row for each panel, series and x, in any order; panels and series keep the order in which the rows bring them. Two
    series at most, called by their values; one without a column is called `name`. The words before an x's last space
    are its year: `2015/16 Q1` is a tick, and `2015/16` is written once. `inner` is a second, thin line. The plan is the
    panel's: series that differ in it raise ValueError. A missing value is a gap, and so is an x without a row. Say in
    the subtitle what the band is, and that vertical axes are the panel's own and do not start at zero.
    """
    rows, marks = list(rows), list(marks)
    if not rows:
        raise ValueError("No row to draw a fan of")
    steps = sorted({row[x] for row in rows})
    names = list(dict.fromkeys(row[series] for row in rows)) if series else [name]
    if len(names) > len(SERIES):
        raise ValueError(f"A fan tells {len(SERIES)} series apart, not {len(names)}: {', '.join(names)}")
    titles = list(dict.fromkeys(row[panel] for row in rows)) if panel else [None]
    if strangers := [mark for mark in marks if mark.x not in steps or mark.panel not in [None, *titles]]:
        raise ValueError(f"Marked, and in no row: {strangers}")
    panels = []
    for heading in titles:
        own = [row for row in rows if panel is None or row[panel] == heading]
        lines = []
        for one, style in zip(names, SERIES, strict=False):
            found = _by_step([row for row in own if series is None or row[series] == one], x)
            columns = [[known(found[step][c]) if c and step in found else None for step in steps]
                       for c in (central, low, high, inner)]  # fmt: skip
            lines.append(Line(one, style, *columns))
        panels.append(
            _panel(
                lines,
                _planned(own, steps, x=x, plan=plan),
                steps=steps,
                marks=[mark for mark in marks if mark.panel in (None, heading)],
                title=heading,
                x_title=x_title if heading == titles[-1] else None,
                y_title=y_title,
                plan_name=plan_name,
                inner_name=inner_name,
                decimals=decimals,
                width=width,
                height=height,
            )
        )
    return figure(panels, title=title, subtitle=subtitle, width=width + MARGIN)


def _by_step(rows: Sequence[Row], x: str) -> dict[Any, Row]:
    found = {row[x]: row for row in rows}
    if len(found) < len(rows):
        raise ValueError(f"{len(rows)} rows of a series have {len(found)} values of {x}")
    return found


def _planned(rows: Sequence[Row], steps: Sequence[Any], *, x: str, plan: str | None) -> Values:
    """The panel's plan: one value for each x, whichever series brings it."""
    if plan is None:
        return [None] * len(steps)
    found: dict[Any, float] = {}
    for row in rows:
        value = known(row[plan])
        if value is not None and found.setdefault(row[x], value) != value:
            raise ValueError(f"Two plans at {row[x]}: {found[row[x]]} and {value}")
    return [found.get(step) for step in steps]


def _panel(
    lines: Sequence[Line],
    planned: Values,
    *,
    steps: Sequence[Any],
    marks: Sequence[Mark],
    title: str | None,
    x_title: str | None,
    y_title: str,
    plan_name: str,
    inner_name: str,
    decimals: int,
    width: int,
    height: int,
) -> Spec:
    import altair as alt

    every = [planned, *(values for line in lines for values in (line.central, line.low, line.high, line.inner))]
    domain = domain_of([value for values in every for value in values if value is not None])
    across = _across(steps, title=x_title, width=width)
    up = alt.Y(
        "value:Q",
        scale=alt.Scale(domain=domain, nice=False, zero=False),
        axis=alt.Axis(title=y_title, tickCount=5, minExtent=52),
    )
    layers = [layer for line in lines for layer in _band(line, steps, across, up)]
    flags = flags_of([(steps.index(mark.x), mark.words) for mark in marks], count=len(steps), width=width)
    layers += _marks(flags, height=height)
    for line in reversed(lines):
        thin = alt.MarkDef(type="line", color=line.style.label, strokeWidth=1)
        layers += _line(line.inner, steps, across, up, mark=thin)
        thick = alt.MarkDef(type="line", color=line.style.colour, strokeWidth=2.5, strokeDash=list(line.style.dash))
        layers += _line(line.central, steps, across, up, mark=thick)
    as_steps = alt.MarkDef(type="line", color=PLAN.colour, strokeWidth=2.5, interpolate="step")
    layers += _line(planned, steps, across, up, mark=as_steps)
    ends = _ends(lines, planned, steps, edge=width + 7, plan_name=plan_name, inner_name=inner_name, decimals=decimals)
    layers += end_labels(ends, domain=domain, height=height)
    layers.append(_tips(lines, planned, steps, across, plan_name=plan_name, inner_name=inner_name, decimals=decimals))
    return layered(layers, title=panel_title(title), width=width, height=height)


def _across(steps: Sequence[Any], *, title: str | None, width: int) -> alt.X:
    """The x axis: a tick for each step, a long one between years, and each year written in its middle."""
    import altair as alt

    years = [(year, [n for n, _ in group]) for year, group in groupby(enumerate(steps), key=lambda one: _year(one[1]))]
    every = -(-len(years) * YEAR_WIDTH // width)
    named = {(own[0] + own[-1]) / 2: year for year, own in years[::every]}
    between = [own[0] - 0.5 for _, own in years[1:]] if len(years) < len(steps) else []
    labels = json.dumps({f"{middle:g}": year for middle, year in named.items()})
    is_tick = f"indexof({json.dumps(between)}, datum.value) >= 0 ? 10 : datum.value == floor(datum.value) ? 4 : 0"
    return alt.X(
        "at:Q",
        scale=alt.Scale(domain=[-0.5, len(steps) - 0.5], nice=False, zero=False),
        axis=alt.Axis(
            title=title,
            values=sorted({*range(len(steps)), *between, *named}),
            labelExpr=f"({labels})[datum.value] || ''",
            labelAngle=0,
            labelPadding=8,
            titlePadding=2,
            labelOverlap=False,
            tickSize={"expr": is_tick},
        ),
    )


def _year(step: Any) -> str:
    return str(step).rpartition(" ")[0] or str(step)


def _runs(values: Values, *others: Values) -> Iterator[list[int]]:
    """The places that have all their values, in runs without a gap."""
    has = [None not in some for some in zip(values, *others, strict=True)]
    for whole, places in groupby(range(len(has)), key=has.__getitem__):
        if whole:
            yield list(places)


def _band(line: Line, steps: Sequence[Any], across: alt.X, up: alt.Y) -> Iterator[Spec]:
    """The band filled, its edges drawn unless it is the first; a bar where neither neighbour has one."""
    import altair as alt

    runs = list(_runs(line.low, line.high))
    found = [
        {"at": n, "x": str(steps[n]), "value": line.low[n], "high": line.high[n], "run": i, "alone": len(run) == 1}
        for i, run in enumerate(runs)
        for n in run
    ]
    is_first = line.style == SERIES[0]
    colour, opacity = BAND_FILLS[0 if is_first else 1]
    for alone, mark in (
        (False, alt.MarkDef(type="area", color=colour, opacity=opacity)),
        (True, alt.MarkDef(type="rule", color=colour, opacity=2 * opacity, strokeWidth=5)),
    ):
        if data := [row for row in found if row["alone"] is alone]:
            yield plotted(data, mark, across, up, alt.Y2("high"), alt.Detail("run:N"))
    if not is_first and (both := [row for row in found if not row["alone"]]):
        data = [{**row, "value": row[edge], "edge": edge} for edge in ("value", "high") for row in both]
        mark = alt.MarkDef(type="line", color=line.style.colour, strokeWidth=1, strokeDash=[1, 3])
        yield plotted(data, mark, across, up, alt.Detail(["run:N", "edge:N"]))


def _line(values: Values, steps: Sequence[Any], across: alt.X, up: alt.Y, *, mark: alt.MarkDef) -> Iterator[Spec]:
    """A line through each run of values; a point where neither neighbour has one."""
    import altair as alt

    runs = list(_runs(values))
    data = [{"at": n, "x": str(steps[n]), "value": values[n], "run": i} for i, run in enumerate(runs) for n in run]
    if data:
        yield plotted(data, mark, across, up, alt.Detail("run:N"))
    if alone := [row for row in data if len(runs[row["run"]]) == 1]:
        point = alt.MarkDef(type="point", color=mark.color, filled=True, opacity=1, size=40)
        yield plotted(alone, point, across, up)


def flags_of(marks: Iterable[tuple[int, str]], *, count: int, width: int) -> list[dict[str, Any]]:
    """Where each mark's words stand above the plot, as on a flag; of two that would touch, the left is higher.

    `top` and `y_px` in pixels from the plot's top, so below zero; `words` in lines that fit between flag and margin.
    """
    flags: list[dict[str, Any]] = []
    for step, words in sorted(marks, key=lambda mark: mark[0], reverse=True):
        left = (step + 0.5) / count * width
        lines = wrapped(words, pixels=width + MARGIN - left)
        right = left + 2 * FLAG_GAP + max(wide(line) for line in lines)
        top = min((flag["top"] for flag in flags if flag["x_px"] < right), default=-2) - FLAG_LINE * len(lines)
        flags.append({"x_px": left, "top": top, "y_px": top + 2, "words": "\n".join(lines)})
    return flags


def _marks(flags: Sequence[Mapping[str, Any]], *, height: int) -> Iterator[Spec]:
    import altair as alt

    if not flags:
        return
    rule = alt.MarkDef(type="rule", color=QUIET, strokeWidth=1)
    yield at_pixels(rule, [{**flag, "y_px": flag["top"], "foot": height} for flag in flags], alt.Y2("foot"))
    text = alt.MarkDef(type="text", align="left", baseline="top", dx=FLAG_GAP, fontSize=12, color=INK, lineBreak="\n")
    yield at_pixels(text, flags, alt.Text("words:N"))


def _ends(
    lines: Sequence[Line],
    planned: Values,
    steps: Sequence[Any],
    *,
    edge: float,
    plan_name: str,
    inner_name: str,
    decimals: int,
) -> Iterator[End]:
    def named(name: str, values: Values, at: int) -> str:
        name = ", ".join(filter(None, [name, "" if at == len(steps) - 1 else str(steps[at])]))
        return f"{name}: {text(values[at])}" if name else text(values[at])

    def text(value: float) -> str:
        return as_text(value, decimals=decimals)

    for line in lines:
        if (at := _last(line.central)) is not None:
            low, high = line.low[at], line.high[at]
            under = "" if low is None or high is None else f"{text(low)} to {text(high)}"
            yield End(edge, line.central[at], named(line.name, line.central, at), under, line.style.label)
        if (at := _last(line.inner)) is not None:
            yield End(edge, line.inner[at], "", named(inner_name, line.inner, at), line.style.label)
    if (at := _last(planned)) is not None:
        yield End(edge, planned[at], named(plan_name, planned, at), "", PLAN.label)


def _tips(
    lines: Sequence[Line],
    planned: Values,
    steps: Sequence[Any],
    across: alt.X,
    *,
    plan_name: str,
    inner_name: str,
    decimals: int,
) -> Spec:
    """What everything comes to at a step, for whoever points anywhere above it."""
    import altair as alt

    def text(name: str, value: float | None, more: str = "") -> list[str]:
        return [] if value is None else [f"{name}: {as_text(value, decimals=decimals)}{more}"]

    rows = []
    for n, step in enumerate(steps):
        said = [str(step)]
        for line in lines:
            ends = [as_text(end, decimals=decimals) for end in (line.low[n], line.high[n]) if end is not None]
            said += text(line.name, line.central[n], f" ({ends[0]} to {ends[1]})" if len(ends) == 2 else "")
            said += text(f"{line.name}, {inner_name.lower()}" if line.name else inner_name, line.inner[n])
        said += text(plan_name, planned[n])
        rows.append({"at": n - 0.5, "to": n + 0.5, "words": "\n".join(said)})
    return tips(rows, across, alt.X2("to"))


def _last(values: Values) -> int | None:
    return max((n for n, value in enumerate(values) if value is not None), default=None)
