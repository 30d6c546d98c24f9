"""The workforce report's charts: staff in post against staff needed, and why the hospitals' staff change."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from llr_pipeline.documents import Chart, frame_of, number, rows_of
from llr_pipeline.fans import fan
from llr_pipeline.waterfalls import waterfall

IN_POST, NEEDED = "In post", "Needed"


def charts(connection: duckdb.DuckDBPyConnection, round_: str) -> Sequence[Chart]:
    """Both, as far as there is something to draw."""
    made = (_by_year(connection, round_), _acute_staff(connection, round_))
    return [chart for chart in made if chart]


def _by_year(connection: duckdb.DuckDBPyConnection, round_: str) -> Chart | None:
    found = rows_of(
        connection,
        """
        with

        totals as (
            select * from mart.workforce_totals
            where round = $round and scenario = 'plan' and area_kind = 'setting' and area in ('acute', 'community')
                and area not in (select setting from report.workforce where round = $round and verdict = not_shown())
        ),

        series as (
            select area, financial_year, planned_wte,
                unnest(
                    [
                        {
                            'series': $needed, 'in_full': demand_wte, 'mean': demand_wte_mean_runs,
                            'low': demand_wte_p10_runs, 'high': demand_wte_p90_runs
                        },
                        {
                            'series': $in_post, 'in_full': closing_stock_wte, 'mean': closing_stock_wte_mean_runs,
                            'low': closing_stock_wte_p10_runs, 'high': closing_stock_wte_p90_runs
                        }
                    ],
                    recursive := true
                ),
            from totals
        )

        select if(area = 'acute', 'Acute hospitals', 'Community') as panel, *
        from series
        order by area, series desc, financial_year
        """,
        {"round": round_, "needed": NEEDED, "in_post": IN_POST},
    )
    if not any(row["mean"] is not None for row in found):
        return None
    chart = fan(
        found, x="financial_year", central="mean", low="low", high="high", inner="in_full", inner_name="Plan in full",
        plan="planned_wte", plan_name="Planned, bank and agency included", series="series", panel="panel",
        title=f"Staff in post and staff needed, {round_} plan",
        subtitle=[
            "In post: substantive staff; what is needed beyond them falls to bank and agency.",
            "Lines: mean of the runs; bands: eight runs in ten; thin lines: plan and joiners in full.",
            "Vertical axes do not start at zero.",
        ],
        y_title="WTE", x_title="31 March of the financial year",
    )  # fmt: skip
    words = []
    for panel, series in dict.fromkeys((row["panel"], row["series"]) for row in found):
        last = [row for row in found if (row["panel"], row["series"]) == (panel, series)][-1]
        words.append(
            f"{panel}, {series.lower()} in {last['financial_year']}: {number(last['mean'], decimals=0)} "
            f"({number(last['low'], decimals=0)} to {number(last['high'], decimals=0)})."
        )
    headings = {
        "panel": "Where", "financial_year": "31 March of", "series": "Staff", "mean": "Mean of the runs, WTE",
        "low": "P10, WTE", "high": "P90, WTE", "in_full": "Plan in full, WTE", "planned_wte": "Planned, WTE",
    }  # fmt: skip
    words = "Line chart of staff by year. " + " ".join(words)
    return Chart(name="staff_by_year", chart=chart, alt=words, figures=frame_of(found, headings))


def _acute_staff(connection: duckdb.DuckDBPyConnection, round_: str) -> Chart | None:
    (flows,) = rows_of(
        connection,
        """
        select
            min(financial_year) as from_year,
            max(financial_year) as to_year,
            arg_min(closing_stock_wte, financial_year) as before,
            arg_max(closing_stock_wte, financial_year) as after,
            -sum(leavers_wte) as "Leavers",
            -sum(retirements_wte) as "Retirements",
            -sum(transfers_out_wte) as "Transfers out",
            sum(transfers_in_wte) as "Transfers in",
            sum(joiners_wte) as joiners,
        from mart.workforce_totals
        where round = $round and scenario = 'plan' and area_kind = 'setting' and area = 'acute'
            and area not in (select setting from report.workforce where round = $round and verdict = not_shown())
        """,
        {"round": round_},
    )
    (joiners,) = rows_of(
        connection,
        """
        select
            sum(joiners_newly_qualified_wte) as "Joiners: newly qualified",
            sum(joiners_other_nhs_wte) as "Joiners: other NHS",
            sum(joiners_overseas_wte) as "Joiners: overseas",
            sum(joiners_other_wte) as "Joiners: others",
        from mart.workforce_projections
        where round = ? and scenario = 'plan' and setting = 'acute'
        """,
        [round_],
    )
    if None in flows.values():
        return None
    by_source = {label: value for label, value in joiners.items() if value is not None}
    rest = flows["joiners"] - sum(by_source.values())
    changes = {label: flows[label] for label in ("Leavers", "Retirements", "Transfers out", "Transfers in")}
    changes |= by_source | {"Joiners: source not returned": rest if abs(rest) > 1e-6 else 0}
    rows = [{"label": label, "change": value} for label, value in changes.items() if value]
    chart = waterfall(
        rows, label="label", change="change", start=flows["before"], end=flows["after"],
        start_label=f"In post, {flows['from_year']}", end_label=f"In post, {flows['to_year']}",
        x_title="Whole-time equivalents", title="Why the substantive staff of acute hospitals change",
        subtitle=[f"{round_} plan, joiners and rates as returned; all years together, the bars add up exactly."],
        width=560,
    )  # fmt: skip
    said = "; ".join(f"{row['label']} {number(row['change'], decimals=0)}" for row in rows)
    words = (
        f"Waterfall from {number(flows['before'], decimals=0)} substantive staff in {flows['from_year']} to "
        f"{number(flows['after'], decimals=0)} in {flows['to_year']}: {said}."
    )
    ends = [{"label": f"In post, {flows[f'{end}_year']}", "change": flows[at]}
            for end, at in (("from", "before"), ("to", "after"))]  # fmt: skip
    figures = frame_of([ends[0], *rows, ends[1]], {"label": "Why", "change": "Change, WTE"})
    return Chart(name="why_acute_staff_change", chart=chart, alt=words, figures=figures)
