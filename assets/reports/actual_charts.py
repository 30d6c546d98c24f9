"""The charts of the report on what happened: an organisation's beds by year, planned and published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llr_pipeline.charts import End, end_labels
from llr_pipeline.documents import Chart, frame_of, number
from llr_pipeline.look import STYLES, Spec, Style, at_pixels, domain_of, figure, layered, plotted, tips

if TYPE_CHECKING:
    import altair as alt

Row = Mapping[str, Any]
WIDTH, HEIGHT, ROOM = 560, 330, 190
ROUND = 100
"""Beds: an axis starts at a multiple."""
ABOVE = 16
"""Pixels between a planned line's first point and its name, which stands over it or under it."""


@dataclass(frozen=True)
class Line:
    """How a series is drawn: what is planned has hollow squares or triangles, what was published filled circles."""

    label: str
    style: Style
    shape: str = "circle"


DOTS_AND_DASHES = Style(STYLES[1].colour, STYLES[1].label, (8, 3, 2, 3))
SERIES = {
    "published_available": Line("Published: available", STYLES[0]),
    "published_occupied": Line("Published: occupied", STYLES[2]),
    "planned_kh03_general_acute": Line("Planned: as KH03 counts", DOTS_AND_DASHES, "triangle"),
    "planned_stp_acute": Line("Planned: acute beds, the plan's own count", STYLES[1], "square"),
    "planned_stp_community": Line("Planned: community beds, the plan's own count", STYLES[1], "square"),
}
DEFINITIONS = (
    "Published: KH03, general and acute beds open overnight, mean of the year's four quarters.",
    "Planned: the latest plan's own count of beds, another definition: never subtract one from the other.",
)


def beds_by_year(name: str, rows: Sequence[Row], *, title: str) -> Chart:
    """A line a series over the years; one that has a single year, as a base year has, is left out.

    A year without beds interrupts its line.
    """
    import altair as alt

    drawn = {series: [row for row in rows if row["series"] == series] for series in SERIES}
    drawn = {series: found for series, found in drawn.items() if sum(row["beds"] is not None for row in found) > 1}
    years = sorted({row["financial_year"] for found in drawn.values() for row in found})
    known = [row["beds"] for found in drawn.values() for row in found if row["beds"] is not None]
    low, high = domain_of(known)
    domain = (low - low % ROUND, high)
    cut = f", axis from {number(domain[0], decimals=0)}" if domain[0] > 0 else ""
    x = alt.X("financial_year:O", sort=years, title="Financial year", axis=alt.Axis(labelAngle=0))
    scale = alt.Scale(domain=list(domain), zero=False, nice=False)
    y = alt.Y("beds:Q", scale=scale, title=f"Beds{cut}")
    layers, ends, names = [], [], []
    for series, found in drawn.items():
        line = SERIES[series]
        layers += _drawn(line, found, x, y)
        shown = [row for row in found if row["beds"] is not None]
        last = f"{number(shown[-1]['beds'], decimals=0)} in {shown[-1]['financial_year']}"
        if line.shape == "circle":
            ends.append(End(WIDTH + 8, shown[-1]["beds"], line.label, last, line.style.label))
        else:
            names.append((line, shown[0], f"{line.label}; {last}"))
    labels = [*end_labels(ends, domain=domain, height=HEIGHT)] if ends else []
    labels += [_named(line, first, text, years, domain) for line, first, text in names]
    said = [
        {**row, "series": SERIES[series].label, "words": _words(SERIES[series].label, row)}
        for series, found in drawn.items()
        for row in found
        if row["beds"] is not None
    ]
    panel = layered([*layers, *labels, tips(said, x, y, mark="circle")], width=WIDTH, height=HEIGHT)
    alt_text = "; ".join([*(f"{end.bold} {end.under}" for end in ends), *(text for _, _, text in names)])
    spec = figure([panel], title=title, subtitle=DEFINITIONS, width=WIDTH + ROOM)
    headings = {"series": "Series", "financial_year": "Financial year", "beds": "Beds"}
    return Chart(name, spec, f"Line chart: {alt_text}.", frame_of(said, headings))


def _words(label: str, row: Row) -> str:
    return f"{label}, {row['financial_year']}: {number(row['beds'], decimals=0)}"


def _drawn(line: Line, rows: Sequence[Row], x: alt.X, y: alt.Y) -> Iterator[Spec]:
    """The line, broken where a year is missing, and its points."""
    import altair as alt

    data = [{key: row[key] for key in ("financial_year", "beds")} for row in rows]
    stroke = {"color": line.style.colour, "strokeWidth": 2.5, "strokeDash": list(line.style.dash)}
    yield plotted(data, alt.MarkDef(type="line", invalid="break-paths-filter-domains", **stroke), x, y)
    point = {"color": line.style.colour, "fill": line.style.colour if line.shape == "circle" else "white"}
    mark = alt.MarkDef(type="point", shape=line.shape, size=45, opacity=1, invalid="filter", **point)
    yield plotted(data, mark, x, y)


def _named(line: Line, first: Row, text: str, years: Sequence[str], domain: tuple[float, float]) -> Spec:
    """A planned line's name at its first point: the published ones have theirs at the right."""
    import altair as alt

    low, high = domain
    up = (first["beds"] - low) / (high - low) * HEIGHT
    place = HEIGHT - up + (-ABOVE if up > HEIGHT / 2 else ABOVE)
    at = {"x_px": years.index(first["financial_year"]) * WIDTH / len(years) + 6, "y_px": place, "label": text}
    mark = alt.MarkDef(type="text", align="left", baseline="middle", fontSize=13, fontWeight="bold")
    mark.color = line.style.label
    return at_pixels(mark, [at], alt.Text("label:N"))
