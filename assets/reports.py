"""Reports: what each says, in words, charts and tables. How a report is written is in `llr_pipeline/reports.py`."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from llr_pipeline.charts import trajectory
from llr_pipeline.contracts import contracts
from llr_pipeline.reports import Chart, Document, Table, number, report, rows_of
from llr_pipeline.tables import table

Row = Mapping[str, Any]
KINDS = ("acute", "community")
CREDITS = (
    f"Published figures: {contracts()['reference.published_figures'].source['title']}.",
    "NHS statistics: NHS England, Open Government Licence v3.0.",
)
ILLUSTRATIVE = (
    "Illustrative below the published totals. No split of those totals was ever published: every site, every year "
    "between the first and the last, all activity, and so all beds needed, are illustrative. Only figures marked as "
    "equal to a published one are the plan's own."
)
INCOMPLETE = (
    "Some sites lack beds or activity. Figures marked \N{DAGGER} stand on sites or sectors for which these returns "
    "hold no beds planned, no beds occupied or no activity, and may be too low."
)


def bed_capacity(connection: duckdb.DuckDBPyConnection) -> Document:
    """The beds of the latest round's plan, beside those published and those that its patients would need."""
    lines = rows_of(
        connection,
        """
        select * from report.bed_capacity
        where round = (select max(round) from report.bed_capacity)
        order by position
        """,
    )
    if not lines:
        return Document(title="Bed capacity", summary="No beds return has been accepted yet.", credits=CREDITS)
    round_ = lines[0]["round"]
    figures = {line["headline_code"]: line["figure"] for line in lines}
    base_year, horizon_year, round_name = connection.execute(
        "select base_year, horizon_year, round_name from reference.rounds where round = ?", [round_]
    ).fetchone()
    notes = []
    if any(line["is_illustrative"] for line in lines):
        notes.append(ILLUSTRATIVE)
    if not all(line["is_complete"] for line in lines):
        notes.append(INCOMPLETE)
    summary = [_planned(round_, figures), _needed(horizon_year, figures), _agreement(lines)]
    return Document(
        title=f"Bed capacity, {base_year} to {horizon_year}: {round_name}",
        summary="\n\n".join(summary),
        headlines=figures,
        charts=_beds_by_year(connection, round_, lines, base_year, horizon_year),
        tables=[_plan_beside_published(lines), _needed_beside_planned(lines, horizon_year)],
        notes=notes,
        credits=CREDITS,
    )


def _planned(round_: str, figures: Mapping[str, float | None]) -> str:
    """The change in each kind of bed over the plan."""
    parts, missing = [], []
    for kind in KINDS:
        before, after = figures[f"{kind}_beds_before"], figures[f"{kind}_beds_after"]
        if before is None or after is None:
            missing.append(kind)
            continue
        share = f", {number(abs(before - after) / before * 100, decimals=1)}%" if before else ""
        change = f"{number(abs(before - after))} {'fewer' if after <= before else 'more'}{share}"
        parts.append(f"{kind} beds from {number(before)} to {number(after)} ({change})")
    said = [f"**The {round_} plan takes {' and '.join(parts)}.**"] if parts else []
    said += [f"The {round_} plan's {kind} beds were not returned for its first or its last year." for kind in missing]
    return " ".join(said)


def _needed(horizon_year: str, figures: Mapping[str, float | None]) -> str:
    """What the patients of the last year need, beside what is planned."""
    parts = []
    for kind in KINDS:
        needed, headroom = figures[f"{kind}_beds_needed_plan"], figures[f"{kind}_beds_headroom_plan"]
        do_nothing = figures[f"{kind}_beds_needed_do_nothing"]
        if needed is None or headroom is None:
            continue
        against = f"{number(abs(headroom))} {'fewer' if headroom >= 0 else 'more'} than planned"
        if headroom == 0:
            against = "as many as planned"
        nothing = f"; {number(do_nothing)} if nothing is done" if do_nothing is not None else ""
        parts.append(f"{number(needed)} {kind} beds ({against}{nothing})")
    if not parts:
        return "Beds needed cannot be worked out yet: activity or the target occupancy has not been returned."
    return f"At the target occupancy, its patients of {horizon_year} need {' and '.join(parts)}."


def _agreement(lines: Sequence[Row]) -> str:
    """How the figures stand to those published, with every one that is not simply equal."""
    compared = [line for line in lines if line["published_figure"] is not None and line["figure"] is not None]
    if not compared:
        return "Nothing was published of this round's plan to compare with."
    equal = [line for line in compared if line["verdict"] == "equals the published figure"]
    said = f"{len(equal)} of {len(compared)} figures equal those published."
    for line in [line for line in compared if line not in equal][:3]:
        figure = number(line["figure"]) + ("%" if line["unit"] == "percent" else "")
        how = ", cut short and not rounded" if "truncated" in line["verdict"] else ""
        said += f" {line['headline']}: {figure}, published as {line['published_as']}{how}."
    return said


def _plan_beside_published(lines: Sequence[Row]) -> Table:
    import pandas as pd  # takes 0.3 s: not when the definitions are loaded

    def shown(line: Row) -> str:
        return number(line["figure"]) + ("%" if line["unit"] == "percent" and line["figure"] is not None else "")

    return Table(
        title="The plan beside what was published",
        frame=pd.DataFrame(
            {
                "Headline": line["headline"] + _mark(line),
                "Figure": shown(line),
                "Published": line["published_as"] or number(None),
                "Verdict": line["verdict"],
            }
            for line in lines
            if line["method"] == "submitted"
        ),
        notes=[
            "Beds are averages over the year, counted as the plan counted them; they are not the beds of the national "
            "KH03 return. Truncated: the published number is the figure cut short, where rounding gives the next one.",
        ],
    )


def _needed_beside_planned(lines: Sequence[Row], horizon_year: str) -> Table:
    import pandas as pd

    by_code = {line["headline_code"]: line for line in lines}
    found = []
    for code, title in {"acute": "Acute", "community": "Community", "total": "Acute and community"}.items():
        found.append(
            {
                f"Beds in {horizon_year}": title + _mark(by_code[f"{code}_beds_needed_plan"]),
                "Needed, do nothing": by_code[f"{code}_beds_needed_do_nothing"]["figure"],
                "Needed, plan": by_code[f"{code}_beds_needed_plan"]["figure"],
                "Planned": by_code[f"{code}_beds_after"]["figure"],
                "Planned less needed, plan": by_code[f"{code}_beds_headroom_plan"]["figure"],
            }
        )
    return Table(
        title="Beds needed beside beds planned",
        frame=pd.DataFrame(found),
        notes=[
            "Needed: the mean midnight census of the scenario's activity over the target occupancy, rounded up once on "
            "each line, so that acute and community together may differ by one from their sum. Below zero: too few "
            "beds.",
        ],
    )


def _mark(line: Row) -> str:
    return "" if line["is_complete"] else " \N{DAGGER}"


def _beds_by_year(
    connection: duckdb.DuckDBPyConnection, round_: str, lines: Sequence[Row], base_year: str, horizon_year: str
) -> list[Chart]:
    found = rows_of(
        connection,
        """
        select
            if(bed_definition = 'stp_acute', 'Acute', 'Community') as panel,
            financial_year,
            case
                when method = 'submitted' then 'Planned'
                when scenario = 'plan' then 'Needed, plan'
                else 'Needed, do nothing'
            end as series,
            if(method = 'submitted', planned_beds, needed_beds_rounded) as beds,
        from mart.bed_capacity_totals
        where round = ?
            and area = 'system'
            and bed_definition in ('stp_acute', 'stp_community')
            and scenario in ('do_nothing', 'plan')
        order by bed_definition, method = 'modelled', scenario, financial_year
        """,
        [round_],
    )
    ends = {"before": base_year, "after": horizon_year}
    points = [
        {"panel": kind.capitalize(), "financial_year": year, "beds": line["published_figure"]}
        for kind in KINDS
        for end, year in ends.items()
        for line in lines
        if line["headline_code"] == f"{kind}_beds_{end}" and line["published_figure"] is not None
    ]
    chart = trajectory(
        found, x="financial_year", y="beds", series="series", panel="panel", points=points,
        title=f"Beds planned and beds needed, {round_} plan",
        subtitle=[
            "Average beds over the financial year. Needed: at the target occupancy.",
            "Open diamond: published. Vertical axes do not start at zero.",
        ],
        x_title="Financial year", y_title="Beds",
    )  # fmt: skip
    return [Chart(name="beds_by_year", chart=chart, alt=_in_words(found))]


def _in_words(found: Sequence[Row]) -> str:
    """The chart for those who cannot see it: each line's first and last value."""
    said = []
    for panel, series in dict.fromkeys((row["panel"], row["series"]) for row in found):
        line = [row for row in found if (row["panel"], row["series"]) == (panel, series) and row["beds"] is not None]
        if not line:
            continue
        first, last = line[0], line[-1]
        said.append(
            f"{panel} beds, {series[0].lower()}{series[1:]}: {number(first['beds'])} in {first['financial_year']}, "
            f"{number(last['beds'])} in {last['financial_year']}."
        )
    return "Line chart of beds by financial year. " + " ".join(said)


TABLES = [report("report.bed_capacity", bed_capacity), table("report.headlines")]
