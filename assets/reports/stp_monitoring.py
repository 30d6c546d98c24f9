"""The monitoring report: the month in three sentences, the five priorities, and the charts that need attention first.

Everything said is made of the monitoring marts and their reports' tables; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from llr_pipeline.control_charts import control_charts
from llr_pipeline.documents import Chart, Document, Table, frame_of, number, rows_of

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
TITLE = "Monitoring"
NOTHING = "No monitoring return has been accepted yet."
PANELS = 9
ILLUSTRATIVE = (
    "The monitoring returns are illustrative, and nothing may be quoted: they are the sample's, no value is anybody's."
)
VARIATION = {
    "improvement": "special cause, improving",
    "concern": "special cause, concern",
    "neutral_high": "special cause, high",
    "neutral_low": "special cause, low",
    "common_cause": "common cause",
    "no_limits": "no limits yet",
    "no_data": "no data",
}
ASSURANCE = {
    "passes": "usually meets the target",
    "fails": "usually misses the target",
    "hit_and_miss": "hits and misses the target",
    "no_target": "no target",
    "no_direction": "target to be met, not passed",
    "no_limits": "",
    "no_data": "",
}
PRIORITIES = """
select
    priority_name as "Priority",
    upper(rag[1]) || rag[2:] as "Colour",
    red_count as "Red",
    amber_count as "Amber",
    green_count as "Green",
    grey_count as "Not known",
    improvement_count as "Improving",
    concern_count as "Concern",
    fails_count as "Misses target",
    late_milestone_count || ' of ' || milestone_count as "Milestones late",
from report.stp_monitoring
where month = $month
order by priority
"""
WORST = """
select
    summaries.priority || ' ' || replace(summaries.aim, '_', ' and ') as "Priority and aim",
    upper(summaries.rag[1]) || summaries.rag[2:] as "Colour",
    summaries.worst_child as "Worst child",
    coalesce(summaries.changes, 'none') as "Colours changed since the month before",
from mart.stp_monitoring_summaries as summaries
where month = $month and worst_child is not null
order by priority, aim
"""
ATTENTION = """
select
    series.*,
    rag.rag,
    rag.disagreement,
    rag.month,
from mart.spc_series as series
left join mart.indicator_rag as rag
    on series.organisation_code = rag.organisation_code
    and series.indicator_code = rag.indicator_code
    and rag.month = $month
where series.source = 'return'
order by
    series.variation = 'concern' desc,
    series.assurance = 'fails' desc,
    rag.rag = 'red' desc,
    rag.rag = 'amber' desc,
    series.variation = 'improvement' desc,
    series.organisation_code,
    series.indicator_code
"""
LATE = """
select
    organisation_code as "Organisation",
    milestone_name as "Milestone",
    scheme_code as "Scheme",
    if(is_critical, 'yes', 'no') as "Critical",
    strftime(baseline_date, '%-d %b %Y') as "First planned",
    coalesce(strftime(forecast_date, '%-d %b %Y'), 'no date') as "Expected",
    nullif(slip_days, 0) as "Days late",
    upper(rag[1]) || rag[2:] as "Colour",
    why as "Why",
from mart.milestone_rag
where month = $month and not is_finished and rag in ('red', 'amber')
order by
    is_critical desc,
    is_overdue and forecast_date is null desc,
    slip_days desc nulls first,
    organisation_code,
    milestone_code
"""
CLAIMS = """
select
    printed as "Printed",
    measure as "What",
    replace(document, '_', ' ') as "Document",
    coalesce(arithmetic, '') as "Worked out again",
    why as "Verdict",
from report.claims
where is_to_question
order by position
"""
CHANGED = """
select
    replace(subject, '_', ' ') as "Subject",
    organisation_code as "Organisation",
    line as "Line",
    concat_ws(', ', replace(measure, '_', ' '), financial_year, nullif(replace(basis, '_', ' '), '')) as "What",
    before_in_words as "Before",
    after_in_words as "After",
    coalesce(after_cell, before_cell) as "Cell",
from report.changes
where round_after = (select max(round_after) from report.changes) and position = 1
order by subject, unit, position
"""
BENEFITS = """
select
    organisation_code as "Organisation",
    scheme_code as "Scheme",
    financial_year || ', to ' || last_month as "Period",
    in_words(delivered_gbp, 'GBP') as "Delivered",
    in_words(planned_to_date_gbp, 'GBP') as "Planned",
    in_words(delivered_share, 'share') as "Delivered of planned",
from mart.savings_delivered
where round = (select max(round) from mart.savings_delivered)
order by organisation_code, scheme_code, financial_year
"""
CAPITAL = """
select
    source as "Source",
    in_words(needed_gbp, 'GBP') as "Needed",
    in_words(secured_gbp, 'GBP') as "Secured",
    in_words(secured_share, 'share') as "Secured of needed",
from mart.capital_totals
where round = (select max(round) from mart.capital_totals)
order by source
"""
WHO = """
select
    organisation_code as "Organisation",
    template as "Return",
    period as "Period",
    status as "What became of it",
from mart.return_completeness
where is_expected and submission_id is null
order by period desc, organisation_code, template
"""
DISAGREE = """
select
    organisation_code as "Organisation",
    indicator_name as "Indicator",
    upper(rag[1]) || rag[2:] as "Colour",
    disagreement as "What the chart adds",
from mart.indicator_rag
where month = $month and disagreement is not null
order by list_position(['red', 'amber', 'green'], rag), organisation_code, indicator_code
"""
PUBLISHED = """
select
    organisation_code as "Organisation",
    indicator_name as "Indicator",
    coalesce(last_period, 'none') as "Newest",
    round(last_value, 1) as "Value",
    round(lower_limit, 1) || ' to ' || round(upper_limit, 1) as "Usual variation",
    replace(variation, '_', ' ') as "Variation",
    point_count as "Points",
    gap_count as "Gaps",
from mart.spc_series
where source <> 'return'
order by indicator_code, organisation_code
"""
DOUBTS = """
select
    organisation_code as "Organisation", item_name as "Item", month as "Month", message as "Doubt",
    coalesce(cells, '') as "Cells",
from mart.monitoring_doubts
order by guard, organisation_code, item_code, month
"""


def stp_monitoring(connection: duckdb.DuckDBPyConnection) -> Document:
    """The newest month that anybody reported."""
    (month,) = connection.execute("select max(month) from report.stp_monitoring").fetchone()
    if month is None:
        return Document(title=TITLE, summary=NOTHING)
    priorities = rows_of(connection, "select * from report.stp_monitoring where month = ? order by priority", [month])
    series = rows_of(connection, ATTENTION, {"month": month})
    tables = [
        Table("The five priorities", _frame(connection, PRIORITIES, month), [
            "Counts of indicators against their target; the colour is the worst of them and of critical milestones. "
            "Improving and concern: special cause in the month. Misses target: its limits do. Not known is never green."
        ]),
        Table("Milestones late", _frame(connection, LATE, month), [
            "Critical first. Days late are those expected, against the day first planned; a dash where that day has "
            "passed and no later one is given."
        ]),
        Table("Claims that do not add up", _frame(connection, CLAIMS, month), [
            "All claims are in the report of claims."
        ]),
        Table("What changed since the last round", _frame(connection, CHANGED, month), [
            "The largest change of each subject and unit; more are in the report of changes. Plan and do nothing, "
            "provider and commissioner say a thing twice: never add them."
        ]),
        Table("Who has not returned", _frame(connection, WHO, month), ["Missing is shown as missing."]),
        Table("Savings delivered against plan", _frame(connection, BENEFITS, month), [
            "Cumulative; the plan's year is taken as even over its months."
        ]),
        Table("Capital secured against need", _frame(connection, CAPITAL, month), ["Over the whole plan."]),
        Table("The worst of each, and what changed", _frame(connection, WORST, month), [
            "Critical milestones and all indicators; those of which all are green are left out."
        ]),
        Table("Where colour and chart do not say the same", _frame(connection, DISAGREE, month), [
            "The colour is of one month; the chart says whether that is more than its usual variation."
        ]),
        Table("Published statistics", _frame(connection, PUBLISHED, month), [
            "Weeks, months and quarters as NHS England published them, whatever the month of this report."
        ]),
        Table("Doubts", _frame(connection, DOUBTS, month), ["What returns say that cannot be, or leave open."]),
    ]  # fmt: skip

    def sum_of(name: str) -> int:
        return sum(row[name] for row in priorities)

    counts = {
        name: sum_of(f"{name}_count")
        for name in ("red", "amber", "green", "grey", "concern", "improvement", "late_milestone", "overdue_milestone")
    }
    is_illustrative = any(row["is_illustrative"] for row in priorities)
    return Document(
        title=f"{TITLE}, {datetime.strptime(month, '%Y-%m'):%B %Y}",
        summary=_summary(connection, month, series, counts, milestones=sum_of("milestone_count")),
        headlines={f"indicators_{name}": counts[name] for name in ("red", "amber", "green", "grey")}
        | {"milestones_late": counts["late_milestone"], "milestones_overdue": counts["overdue_milestone"]},
        charts=_charts(connection, series),
        tables=[table for table in tables if len(table.frame)],
        notes=[ILLUSTRATIVE] if is_illustrative else [],
    )


def _summary(
    connection: duckdb.DuckDBPyConnection,
    month: str,
    series: Sequence[Row],
    counts: Mapping[str, int],
    *,
    milestones: int,
) -> str:
    """Three sentences to be read out: the indicators, the milestones, and what stands behind them."""
    every = sum(counts[name] for name in ("red", "amber", "green", "grey"))
    concerns = [row for row in series if row["variation"] == "concern"]
    worst = f" (first {concerns[0]['indicator_name']}, {concerns[0]['organisation_code']})" if concerns else ""
    unknown = f", and {counts['grey']} are not known" if counts["grey"] else ""
    first = (
        f"**In {date.fromisoformat(f'{month}-01'):%B %Y} {counts['red']} of {every} indicators are red, "
        f"{counts['amber']} amber and {counts['green']} green{unknown}**: "
        f"{len(concerns)} are worse than chance explains{worst} and {counts['improvement']} better."
    )
    (slowest,) = connection.execute(
        """
        select arg_max(milestone_name || ' (' || organisation_code || '), ' || slip_days || ' days late', slip_days)
        from mart.milestone_rag
        where month = ? and is_critical and not is_finished and slip_days > 0
        """,
        [month],
    ).fetchone()
    second = (
        f"Of {milestones} milestones {counts['late_milestone']} are late, {counts['overdue_milestone']} of them overdue"
        + (f"; furthest behind of the critical ones is {slowest}." if slowest else ".")
    )
    (owed, given) = connection.execute(
        "select max(expected_return_count), max(received_return_count) from mart.stp_monitoring_summaries "
        "where month = ?",
        [month],
    ).fetchone()
    (questions,) = connection.execute(
        "select count(distinct (measure, scope, as_at)) from report.claims where is_to_question"
    ).fetchone()
    (changed, pair) = connection.execute(
        "select count(*), any_value(round_before || ' and ' || round_after) from mart.round_changes "
        "where round_after = (select max(round_after) from report.changes) "
        "and round_before = (select max(round_before) from report.changes)"
    ).fetchone()
    third = f"Of {owed} returns {given} are in; {questions} published figures do not add up" + (
        f", and {number(changed)} figures of the plan changed between {pair}." if pair else "."
    )
    return "\n\n".join((first, second, third))


def _charts(connection: duckdb.DuckDBPyConnection, series: Sequence[Row]) -> Sequence[Chart]:
    """The control charts that need attention first, then the others whose limits a return has set."""
    others = [row for row in series[PANELS:] if row["limits_note"]]
    panels, words, figures = [], [], []
    for row in [*series[:PANELS], *others]:
        points = rows_of(
            connection,
            """
            select period, stretch, value, mean, lower_limit, upper_limit, target, variation
            from mart.spc_points
            where organisation_code = ? and indicator_code = ?
            order by period_starts_on
            """,
            [row["organisation_code"], row["indicator_code"]],
        )
        said = [VARIATION[row["variation"]], ASSURANCE[row["assurance"]], row["rag"] or ""]
        icons = "; ".join(filter(None, said)) + (f". {row['limits_note']}" if row["limits_note"] else "")
        heading = f"{row['organisation_code']} {row['indicator_name']}"
        panels.append((heading, icons[0].upper() + icons[1:], points))
        figures += [{**point, "heading": heading, "variation": VARIATION[point["variation"]]} for point in points]
        words.append(f"{heading}: {icons}, last {number(row['last_value'])} against {number(row['target'])}.")
    if not panels:
        return ()
    chart = control_charts(
        panels,
        title="Charts that need attention first" + (", and others whose limits a return has set" if others else ""),
        subtitle=[
            "Grey line: each month; thin line: mean; dots: limits of usual variation; orange dashes: target.",
            "Triangle: special cause, improving. Square: concern. Diamond: high or low. Small circle: common cause.",
            "Percentages are 0 to 100. Vertical axes are each chart's own and do not start at zero.",
        ],
    )
    headings = {
        "heading": "Indicator", "period": "Month", "value": "Value", "mean": "Mean", "lower_limit": "Lower limit",
        "upper_limit": "Upper limit", "target": "Target", "variation": "Variation",
    }  # fmt: skip
    words = "Control charts. " + " ".join(words)
    return (Chart(name="control_charts", chart=chart, alt=words, figures=frame_of(figures, headings)),)


def _frame(connection: duckdb.DuckDBPyConnection, select: str, month: str) -> pd.DataFrame:
    frame = connection.execute(select, {"month": month} if "$month" in select else {}).df()
    return frame.astype(object).where(frame.notna(), None)
