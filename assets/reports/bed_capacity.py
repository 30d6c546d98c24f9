"""The bed capacity report: beds planned, beds published, beds needed and how surely, and why they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from assets.reports import bed_charts, bed_tables
from llr_pipeline.contracts import contracts
from llr_pipeline.documents import MISSING, Document, Table, number, rows_of

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
    notes += _beside_the_published_totals(connection, round_, horizon_year)
    summary = [
        _enough(horizon_year, figures),
        _planned(round_, figures),
        _needed(horizon_year, figures),
        _first_shortfall(connection, round_, base_year),
        _agreement(lines),
    ]
    return Document(
        title=f"Bed capacity, {base_year} to {horizon_year}: {round_name}",
        summary="\n\n".join(filter(None, summary)),
        headlines=figures,
        charts=bed_charts.charts(connection, round_),
        tables=[
            _needed_beside_planned(lines, horizon_year),
            _plan_beside_published(lines),
            *bed_tables.tables(connection, round_, horizon_year),
        ],
        notes=notes,
        credits=CREDITS,
    )


def _enough(horizon_year: str, figures: Mapping[str, float | None]) -> str:
    """Whether the beds planned for the last year are enough, over the runs: what a board asks first."""
    parts = []
    for kind in KINDS:
        planned, chance = figures[f"{kind}_beds_after"], figures[f"{kind}_beds_shortfall_pct"]
        needed = figures[f"{kind}_beds_needed_plan_mean_runs"]
        if planned is None or chance is None or needed is None:
            continue
        verdict = (
            f"too few in {_of_1000(chance)}, by {number(needed - planned, decimals=0)} on average"
            if needed > planned
            else f"enough in {_of_1000(100 - chance)}, with {number(planned - needed, decimals=0)} to spare on average"
        )
        year = "" if parts else f" planned for {horizon_year}"
        parts.append(f"the {number(planned)} {kind} beds{year} are {verdict}")
    said = ", and ".join(parts)
    return f"**{said[0].upper()}{said[1:]}.**" if said else ""


def _of_1000(percent: float) -> str:
    """A share of the runs, however many there are."""
    return f"{number(10 * percent, decimals=0)} of 1,000 simulated futures"


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
    said = [f"The {round_} plan takes {' and '.join(parts)}."] if parts else []
    said += [f"The {round_} plan's {kind} beds were not returned for its first or its last year." for kind in missing]
    return " ".join(said)


def _needed(horizon_year: str, figures: Mapping[str, float | None]) -> str:
    """What the patients of the last year need if the schemes do all they say, and at the confidence senders state."""
    in_full, at_confidence = [], []
    for kind in KINDS:
        needed, expected = figures[f"{kind}_beds_needed_plan"], figures[f"{kind}_beds_needed_plan_mean_runs"]
        if needed is not None:
            in_full.append(f"{number(needed)} {kind} beds ({_against(figures[f'{kind}_beds_headroom_plan'])})")
        if expected is not None:
            ends = [number(figures[f"{kind}_beds_needed_plan_{end}_runs"]) for end in ("p10", "p90")]
            at_confidence.append(f"{number(expected)} {kind} beds ({' to '.join(ends)} in eight futures of ten)")
    if not in_full:
        return "Beds needed cannot be worked out yet: activity or the target occupancy has not been returned."
    said = f"With its schemes delivered in full, the patients of {horizon_year} need {' and '.join(in_full)}."
    if not at_confidence:
        return said
    return (
        f"{said} If schemes deliver what their senders are confident of, as late as assumed, they need "
        f"{' and '.join(at_confidence)}."
    )


def _beside_the_published_totals(connection: duckdb.DuckDBPyConnection, round_: str, horizon_year: str) -> list[str]:
    """Mental health and learning disability beds, which the plan's totals leave out, where they are too few."""
    found = rows_of(
        connection,
        """
        select needed_beds_rounded, planned_beds
        from mart.bed_capacity_totals
        where round = ? and financial_year = ? and scenario = 'plan' and method = 'modelled' and area = 'system'
            and bed_definition = 'stp_mental_health' and headroom_beds < 0
        """,
        [round_, horizon_year],
    )
    return [
        f"Mental health and learning disability beds are too few. They are outside the published totals: "
        f"{number(row['needed_beds_rounded'])} needed in {horizon_year}, {number(row['planned_beds'])} planned."
        for row in found
    ]


def _against(headroom: float | None) -> str:
    if headroom is None:
        return "beds planned not returned"
    if headroom == 0:
        return "as many as planned"
    return f"{number(abs(headroom))} {'fewer' if headroom > 0 else 'more'} than planned"


def _first_shortfall(connection: duckdb.DuckDBPyConnection, round_: str, base_year: str) -> str:
    """When the system's beds are first too few once the plan has begun, and whether they were before."""
    found = rows_of(
        connection,
        """
        with

        quarters as (
            select
                bed_definition,
                quarter,
                needed_beds - planned_beds as short_beds,
                starts_with(quarter, $base) as is_base,
            from mart.bed_demand_quarter_totals
            where round = $round and scenario = 'plan' and area = 'system'
                and bed_definition in ('stp_acute', 'stp_community')
        )

        select
            bed_definition,
            min(quarter) filter (where short_beds > 1e-6 and not is_base) as first_quarter,
            arg_min(short_beds, quarter) filter (where short_beds > 1e-6 and not is_base) as short_beds,
            count(*) filter (where short_beds > 1e-6 and is_base) as base_quarter_count,
        from quarters
        group by all
        order by bed_definition
        """,
        {"round": round_, "base": base_year},
    )
    parts = []
    for row in found:
        kind = row["bed_definition"].removeprefix("stp_")
        count = row["base_quarter_count"]
        before = f" (and in {count} of 4 quarters of {base_year})" if count else ""
        if row["first_quarter"]:
            short = number(row["short_beds"], decimals=1)
            parts.append(f"{kind} beds in {row['first_quarter']}, by {short}{before}")
    if not found:
        return ""
    if not parts:
        return "With the schemes delivered in full, no quarter of the plan has too few beds for the target occupancy."
    said = "; ".join(parts)
    return f"First quarter of the plan with too few beds, delivered in full: {said}."


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
        figure = {name: by_code[f"{code}_beds_{name}"]["figure"] for name in FIGURES}
        chance = figure["shortfall_pct"]
        found.append(
            {
                f"Beds in {horizon_year}": title + _mark(by_code[f"{code}_beds_needed_plan"]),
                "Do nothing": figure["needed_do_nothing"],
                "Plan in full": figure["needed_plan"],
                "Planned": figure["after"],
                "To spare": figure["headroom_plan"],
                "As expected": figure["needed_plan_mean_runs"],
                "P10": figure["needed_plan_p10_runs"],
                "P90": figure["needed_plan_p90_runs"],
                "Too few": MISSING if chance is None else f"{chance:.0f}%",
            }
        )
    return Table(
        title="Beds needed beside beds planned",
        frame=pd.DataFrame(found),
        notes=[
            "Needed: the base year's patients with growth and the plan's schemes, at the target occupancy of each "
            "sector, averaged over the year and rounded up once. In full: every scheme does all that its line says, "
            "on time. As expected: the mean of the simulated runs, in which schemes deliver what their senders' "
            "confidence says and come as late as the assumptions let them; openings, closures and the moves that go "
            "with them are taken as certain and on time. One run in ten needs fewer than P10, one more than P90. "
            "To spare: planned less the plan in full. Too few: share of the runs in which fewer are planned than "
            "needed.",
        ],
    )


FIGURES = (
    "needed_do_nothing", "needed_plan", "after", "headroom_plan", "needed_plan_mean_runs", "needed_plan_p10_runs",
    "needed_plan_p90_runs", "shortfall_pct",
)  # fmt: skip


def _mark(line: Row) -> str:
    return "" if line["is_complete"] else " \N{DAGGER}"
