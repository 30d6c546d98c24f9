"""The bed capacity report's charts: need against plan by quarter, why the need changes, and what it hangs on."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from llr_pipeline.documents import Chart, frame_of, number, rows_of
from llr_pipeline.fans import Mark, fan
from llr_pipeline.tornadoes import tornado
from llr_pipeline.waterfalls import waterfall

FACTORS = {
    "population": "Population",
    "health_status": "Health status",
    "non_demographic_growth": "Other growth in demand",
    "calendar": "Leap days",
    "occupancy_target": "Target occupancy",
}
PARAMETERS = {
    "non_demographic_growth": "Other growth in demand",
    "health_status_factor": "Health status",
    "population_index": "Population",
    "delivered_share": "Delivered",
    "slip_months": "Months late",
    "destination_stay": "Stay after a move",
    "contacts_per_moved_spell": "Contacts at home",
}
LEAST_BAR = 0.5
"""Beds: smaller bars are one."""
BOTH = "stp_acute_and_community"


def charts(connection: duckdb.DuckDBPyConnection, round_: str) -> Sequence[Chart]:
    """The three, as far as there is something to draw."""
    made = (_by_quarter(connection, round_), _bridge(connection, round_), _tornado(connection, round_))
    return [chart for chart in made if chart]


def _by_quarter(connection: duckdb.DuckDBPyConnection, round_: str) -> Chart | None:
    found = rows_of(
        connection,
        """
        select
            if(bed_definition = 'stp_acute', 'Acute', 'Community') as panel,
            quarter,
            if(scenario = 'plan', 'Plan', 'Do nothing') as series,
            if(scenario = 'plan', needed_beds, null) as in_full,
            needed_beds_p50_runs as expected,
            needed_beds_p10_runs as low,
            needed_beds_p90_runs as high,
            planned_beds,
            needed_beds > planned_beds + 1e-6 as is_short,
        from mart.bed_demand_quarter_totals
        where round = ? and area = 'system' and scenario in ('do_nothing', 'plan')
            and bed_definition in ('stp_acute', 'stp_community')
        order by bed_definition, scenario desc, quarter
        """,
        [round_],
    )
    if not found:
        return None
    marks = []
    base_year = min(row["quarter"] for row in found).split()[0]
    for panel in dict.fromkeys(row["panel"] for row in found):
        of_plan = [row for row in found if row["panel"] == panel and row["series"] == "Plan" and row["is_short"]]
        short = [row["quarter"] for row in of_plan if not row["quarter"].startswith(base_year)]
        if short:
            marks.append(Mark(min(short), f"plan's first quarter with too few, in full: {min(short)}", panel))
    chart = fan(
        found, x="quarter", central="expected", low="low", high="high", inner="in_full", inner_name="Plan in full",
        plan="planned_beds", series="series", panel="panel", marks=marks,
        title=f"Beds planned and beds needed by quarter, {round_} plan",
        subtitle=[
            "Needed at the target occupancy. Bands: eight runs in ten; lines: every second run needs more.",
            "Plan in full: every scheme delivered as its line says. Vertical axes do not start at zero.",
        ],
        y_title="Beds", x_title="Quarter of the financial year",
    )  # fmt: skip
    words = []
    for panel, series in dict.fromkeys((row["panel"], row["series"]) for row in found):
        last = [row for row in found if (row["panel"], row["series"]) == (panel, series)][-1]
        words.append(
            f"{panel} beds in {last['quarter']}, {series.lower()}: {number(last['expected'], decimals=0)} needed "
            f"({number(last['low'], decimals=0)} to {number(last['high'], decimals=0)}), "
            f"{number(last['planned_beds'], decimals=0)} planned."
        )
    headings = {
        "panel": "Beds", "quarter": "Quarter", "series": "Scenario", "expected": "Needed, beds", "low": "P10, beds",
        "high": "P90, beds", "in_full": "Needed, in full, beds", "planned_beds": "Planned, beds",
    }  # fmt: skip
    words = "Line chart of beds by quarter. " + " ".join(words)
    return Chart(name="beds_by_quarter", chart=chart, alt=words, figures=frame_of(found, headings))


def _bridge(connection: duckdb.DuckDBPyConnection, round_: str) -> Chart | None:
    found = rows_of(
        connection,
        """
        with

        names as (
            select scheme_code, any_value(scheme_name) as scheme_name
            from core.bed_schemes_current
            where round = $round
            group by all
        )

        select
            bridges.scheme_code is not null as is_scheme,
            coalesce(bridges.scheme_code, bridges.factor) as reason,
            any_value(names.scheme_name) as scheme_name,
            sum(bridges.change_beds) as change,
            -- percentiles do not add up: of several bars of one scheme there are none
            if(count(*) = 1, sum(bridges.change_beds_p10_runs), null) as low,
            if(count(*) = 1, sum(bridges.change_beds_p90_runs), null) as high,
        from mart.bed_bridge_totals as bridges
        inner join reference.rounds as rounds
            on bridges.round = rounds.round
            and bridges.from_year = rounds.base_year
            and bridges.to_year = rounds.horizon_year
        left join names on bridges.scheme_code = names.scheme_code
        where bridges.round = $round and scenario = 'plan' and area = 'system' and bed_definition = $definition
        group by all
        order by is_scheme, change desc
        """,
        {"round": round_, "definition": BOTH},
    )
    ends = rows_of(
        connection,
        """
        select financial_year, needed_beds from mart.bed_demand_totals
        where round = ? and scenario = 'plan' and area = 'system' and bed_definition = ?
        order by financial_year
        """,
        [round_, BOTH],
    )
    if not found or not ends or None in (ends[0]["needed_beds"], ends[-1]["needed_beds"]):
        return None
    rows = [{**row, "label": _reason(row)} for row in found if abs(row["change"]) >= LEAST_BAR]
    rest = sum(row["change"] for row in found if abs(row["change"]) < LEAST_BAR)
    if rest:
        rows.append({"label": "All smaller ones", "change": rest, "low": None, "high": None})
    first, last = ends[0], ends[-1]
    chart = waterfall(
        rows, label="label", change="change", low="low", high="high", start=first["needed_beds"],
        end=last["needed_beds"], start_label=f"Needed in {first['financial_year']}",
        end_label=f"Needed in {last['financial_year']}", x_title="Beds needed",
        title="Why acute and community beds needed change",
        subtitle=[
            f"{round_} plan, every scheme delivered in full; the bars add up exactly.",
            "Whiskers: eight runs in ten at the confidence that senders state, so a whisker may end before its bar.",
        ],
    )  # fmt: skip
    said = "; ".join(f"{row['label']} {number(row['change'], decimals=0)}" for row in rows)
    words = (
        f"Waterfall from {number(first['needed_beds'], decimals=0)} beds needed in {first['financial_year']} to "
        f"{number(last['needed_beds'], decimals=0)} in {last['financial_year']}: {said}."
    )
    headings = {"label": "Why", "change": "Change, beds", "low": "P10, beds", "high": "P90, beds"}
    ends = [{"label": f"Needed in {end['financial_year']}", "change": end["needed_beds"]} for end in (first, last)]
    figures = frame_of([ends[0], *rows, ends[1]], headings)
    return Chart(name="why_beds_change", chart=chart, alt=words, figures=figures)


def _reason(row: dict) -> str:
    return f"{row['scheme_name']} ({row['reason']})" if row["is_scheme"] else FACTORS[row["reason"]]


def _tornado(connection: duckdb.DuckDBPyConnection, round_: str) -> Chart | None:
    found = rows_of(
        connection,
        """
        with

        names as (
            select scheme_code, any_value(scheme_name) as scheme_name
            from core.bed_schemes_current
            where round = $round
            group by all
        )

        select
            effects.parameter,
            effects.applies_to,
            coalesce(names.scheme_name, replace(effects.applies_to, '_', ' ')) as name,
            effects.p10_effect_beds as low,
            effects.p90_effect_beds as high,
        from mart.bed_assumption_effects as effects
        left join names on effects.applies_to = names.scheme_code
        where effects.round = $round and scenario = 'plan' and area = 'system' and bed_definition = $definition
        order by greatest(abs(low), abs(high)) desc, parameter, applies_to
        """,
        {"round": round_, "definition": BOTH},
    )
    rows = [{"label": f"{PARAMETERS.get(row['parameter'], row['parameter'])}: {row['name']}", **row} for row in found]
    if not rows:
        return None
    chart = tornado(
        rows, label="label", low="low", high="high", title="What the beds needed hang on",
        x_title="Change in beds needed",
        subtitle=[
            f"{round_} plan, acute and community beds in the last year: one assumption at its P10 or P90,",
            "all else central and delivered in full.",
        ],
    )  # fmt: skip
    said = "; ".join(
        f"{row['label']} {number(row['low'], decimals=0)} to {number(row['high'], decimals=0)}" for row in rows[:5]
    )
    figures = frame_of(rows, {"label": "Assumption", "low": "At its P10, beds", "high": "At its P90, beds"})
    words = f"Tornado of changes in beds needed: {said}."
    return Chart(name="what_beds_hang_on", chart=chart, alt=words, figures=figures)
