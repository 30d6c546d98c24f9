"""The report on what happened: planned beds beside published ones, trusts among their peers, layouts that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from llr_pipeline.charts import End, end_labels
from llr_pipeline.contracts import contracts
from llr_pipeline.documents import Chart, Document, Table, frame_of, number, rows_of
from llr_pipeline.look import STYLES, domain_of, figure, layered, plotted, tips

Row = Mapping[str, Any]
CREDITS = (f"Published beds: {contracts()['reference.kh03_outturn'].source['title']}.",)
WIDTH, HEIGHT, ROOM = 560, 320, 190
SERIES = {
    "published_available": ("Published: available", STYLES[2]),
    "published_occupied": ("Published: occupied", STYLES[1]),
    "planned_stp_acute": ("Planned: the plan's count", STYLES[0]),
}
"""What was published has points, each a measured year; a plan is steps, here as in every chart."""
NOT_SUBTRACTED = (
    "The plan counted acute beds in its own way. They are drawn beside KH03's and are never subtracted from them. "
    "KH03's are general and acute beds open overnight, the mean of four quarters."
)
SELECTS = (
    (
        "The plan beside what was published",
        """
        select
            financial_year as "Year",
            organisation_code as "Organisation",
            replace(measure, '_', ' ') as "Measure",
            planned_definition as "Planned as",
            round(planned_value, 1) as "Planned",
            round(actual_value, 1) as "Published",
            round(difference, 1) as "Difference",
            coalesce(reason, verdict) as "What to know",
        from mart.plan_against_actuals
        where actual_value is not null and round = (select max(round) from mart.plan_against_actuals)
        order by all
        """,
        "Difference = published - planned, only where both count the same thing over the whole year.",
    ),
    (
        "Among peers, latest period of each",
        """
        select
            replace(measure, '_', ' ') as "Measure",
            organisation_code as "Organisation",
            period as "Period",
            round(100 * value_share, 1) as "Value, %",
            round(100 * median_share, 1) as "Median, %",
            rank as "Rank",
            peers as "Of",
            quartile as "Quartile",
        from mart.peer_comparison
        qualify row_number() over (partition by measure, peer_group, organisation_code order by period desc) = 1
        order by all
        """,
        "Rank 1 is the lowest value; higher is worse in every measure.",
    ),
    (
        "What was new in the layout of published files",
        """
        select
            findings.file_name as "File",
            findings.sheet as "Sheet",
            findings.cell as "Cell",
            findings.message as "Found",
        from raw.findings as findings
        inner join raw.publications as publications using (submission_id)
        where findings.rule in ('unknown_column', 'layout_not_known', 'period_differs', 'row_without_code')
        order by all
        limit 50
        """,
        "At most 50; raw.findings has them all. What is not known stays in raw and is used nowhere.",
    ),
)


def actuals(connection: duckdb.DuckDBPyConnection) -> Document:
    """Beds of the acute trust, planned and published, by year; comparisons and peers in tables."""
    rows = rows_of(connection, "select * from report.actuals order by series, financial_year")
    if not rows:
        return Document(title="Plan against actuals", summary="No published figure is in yet.", credits=CREDITS)
    name = rows[0]["organisation_name"]
    return Document(
        title=f"Plan against actuals: {name}",
        summary=_summary(name, rows),
        charts=[_chart(name, rows)],
        tables=_tables(connection),
        notes=[NOT_SUBTRACTED],
        credits=CREDITS,
    )


def _summary(name: str, rows: Sequence[Row]) -> str:
    published = [row for row in rows if row["series"] == "published_occupied"]
    available = {row["financial_year"]: row["beds"] for row in rows if row["series"] == "published_available"}
    if not published:
        return f"Nothing is published of {name} for the years of the plan."
    first, last = published[0], published[-1]
    said = " and ".join(
        f"{number(row['beds'], decimals=0)} of {number(available.get(row['financial_year']), decimals=0)} beds in "
        f"{row['financial_year']}"
        for row in (first, last)
    )
    return f"**{name} had {said} occupied overnight** (general and acute, KH03)."


def _chart(name: str, rows: Sequence[Row]) -> Chart:
    """A line a series, named at its end."""
    import altair as alt

    rows = [row for row in rows if row["series"] in SERIES]
    years = sorted({row["financial_year"] for row in rows})
    domain = domain_of([row["beds"] for row in rows])
    x = alt.X("financial_year:O", sort=years, title=None, axis=alt.Axis(labelAngle=0))
    y = alt.Y("beds:Q", scale=alt.Scale(domain=list(domain), zero=False, nice=False), title="Beds")
    layers, ends = [], []
    for series, (label, style) in SERIES.items():
        points = [row for row in rows if row["series"] == series]
        if not points:
            continue
        mark = {"color": style.colour, "strokeWidth": 2.5, "strokeDash": list(style.dash)}
        data = [{key: row[key] for key in ("financial_year", "beds")} for row in points]
        how = (
            {"interpolate": "step"} if series.startswith("planned") else {"point": {"color": style.colour, "size": 60}}
        )
        layers.append(plotted(data, alt.MarkDef(type="line", **mark, **how), x, y))
        last = points[-1]
        under = f"{number(last['beds'], decimals=0)} in {last['financial_year']}"
        ends.append(End(WIDTH + 8, last["beds"], label, under, style.label))
    said = [
        {**row, "words": f"{SERIES[row['series']][0]}, {row['financial_year']}: {number(row['beds'], decimals=0)}"}
        for row in rows
    ]
    layers += [*end_labels(ends, domain=domain, height=HEIGHT), tips(said, x, y, mark="circle")]
    panel = layered(layers, width=WIDTH, height=HEIGHT)
    title = f"{name}: beds planned and beds open"
    subtitle = [
        "General and acute beds by financial year. Points: published; steps: planned.",
        "The plan's own count is another definition than KH03's. The vertical axis does not start at zero.",
    ]
    words = "; ".join(f"{end.bold} {end.under}" for end in ends)
    drawn = figure([panel], title=title, subtitle=subtitle, width=WIDTH + ROOM)
    figures = [{**row, "series": SERIES[row["series"]][0]} for row in rows]
    headings = {"series": "Series", "financial_year": "Financial year", "beds": "Beds"}
    return Chart(name="beds", chart=drawn, alt=f"Line chart: {words}.", figures=frame_of(figures, headings))


def _tables(connection: duckdb.DuckDBPyConnection) -> Sequence[Table]:
    made = []
    for title, select, note in SELECTS:
        frame = connection.execute(select).df()
        if len(frame):
            made.append(Table(title=title, frame=frame.astype(object).where(frame.notna(), None), notes=[note]))
    return made
