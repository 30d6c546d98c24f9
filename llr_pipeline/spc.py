"""Statistical process control: XmR charts of any number of series, with limits, rules and icons, in one SQL statement.

The semantics are those of NHSRplotthedots, which draws the charts of "Making Data Count" (NHS England). Which series
there are, and what is written beside a chart, is said elsewhere; `control_charts.py` draws them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

LACKING = MappingProxyType(
    {
        "direction": "null::varchar",
        "target": "null::double",
        "baseline_points": "null::integer",
        "rebase_periods": "if(false, [period], null)",
    }
)
"""Columns that a relation may lack, and what stands for them."""

POINTS = """
-- One row per series and period: the point, the limits of its stretch, and the first rule that it meets.
with

-- a number sorts faster than a name
names as (
    select series, row_number() over () as series_number from (select distinct series from xmr_given) as every_series
),

placed as (
    select
        names.series_number,
        period,
        if(isfinite(value), value, null) as value,
        target,
        case direction::varchar when 'higher_is_better' then 1 when 'lower_is_better' then -1 else 0 end as good_side,
        baseline_points,
        coalesce(len(list_filter(rebase_periods, lambda rebased: rebased <= period)), 0) as stretch,
    from xmr_given as given
    inner join names on given.series is not distinct from names.series
),

-- the moving range to the point before; across a gap there is none
numbered as (
    select
        *,
        row_number() over points as place,
        count(value) over points as position,
        value - lag(value) over points as step,
    from placed
    window points as (partition by series_number, stretch order by period, value)
),

averaged as (
    select
        series_number,
        stretch,
        row_number() over () as stretch_number,
        avg(value) filter (position <= coalesce(baseline_points, position)) as mean,
        list(abs(step)) filter (step is not null and position <= coalesce(baseline_points, position)) as ranges,
        list_avg(ranges) as every_range,
        -- a range of 3.267 times the average or more is a spike's: it does not widen the limits
        coalesce(list_avg(list_filter(ranges, lambda each: each < 3.267 * every_range)), every_range) as mean_range,
        -- the last bits of a sum put no point off the mean and none outside the limits
        1e-12 * max(abs(value)) as slack,
    from numbered
    group by series_number, stretch
),

judged as (
    select
        numbered.*,
        averaged.stretch_number,
        averaged.mean,
        averaged.mean_range,
        mean - 2.66 * mean_range as lower_limit,
        mean + 2.66 * mean_range as upper_limit,
        if(abs(value - mean) <= slack, 0, sign(value - mean))::integer as side,
        abs(value - mean) > 2.66 * mean_range + slack as is_outside,
        not is_outside and abs(value - mean) > 2.66 * 2 / 3 * mean_range + slack as is_near_limit,
        if(abs(step) <= slack, 0, sign(step))::integer as way,
    from numbered
    left join averaged
        on numbered.series_number = averaged.series_number
        and numbered.stretch = averaged.stretch
),

-- where a pattern is complete: at its last point. A gap has no side and no way, so none goes over it
complete as (
    select
        *,
        coalesce(abs(sum(way) over six) = 6, false) as is_trend_end,
        coalesce(abs(sum(side) over seven) = 7, false) as is_run_end,
        coalesce(abs(sum(side) over three) = 3 and sum(is_near_limit::integer) over three >= 2, false)
            as is_two_of_three_end,
    from judged
    window
        six as (partition by stretch_number order by place rows 5 preceding),
        seven as (partition by stretch_number order by place rows 6 preceding),
        three as (partition by stretch_number order by place rows 2 preceding)
),

-- every point of a complete pattern is part of it
parts as (
    select
        *,
        bool_or(is_trend_end) over seven as is_in_trend,
        bool_or(is_run_end) over seven as is_in_run,
        is_near_limit and bool_or(is_two_of_three_end) over three as is_in_two_of_three,
    from complete
    window
        seven as (partition by stretch_number order by place rows between current row and 6 following),
        three as (partition by stretch_number order by place rows between current row and 2 following)
),

ruled as (
    select
        *,
        case
            when value is null then null
            when is_outside then 'outside_limits'
            when is_in_trend then 'trend'
            when is_in_two_of_three then 'two_of_three'
            when is_in_run then 'one_side'
            else 'common_cause'
        end as rule,
    from parts
)

select
    names.series,
    period,
    stretch::integer as stretch,
    value,
    target,
    mean,
    lower_limit,
    upper_limit,
    mean - 2.66 * 2 / 3 * mean_range as near_lower_limit,
    mean + 2.66 * 2 / 3 * mean_range as near_upper_limit,
    abs(step) as moving_range,
    side,
    rule,
    case
        when value is null then null
        when mean_range is null then 'no_limits'
        when rule = 'common_cause' then 'common_cause'
        when good_side = 0 then if(side > 0, 'neutral_high', 'neutral_low')
        when side = good_side then 'improvement'
        else 'concern'
    end as variation,
    good_side,
from ruled
inner join names on ruled.series_number = names.series_number
"""

SERIES = """
-- One row per series: what its last point says, whether its limits hold the target, and how long it has kept to a side.
with

last_points as (
    select
        series,
        max_by(points, period) filter (value is not null) as last,
        min(period) as first_period,
        count(value)::integer as point_count,
        (count(*) - count(value))::integer as gap_count,
        (count(*) filter (rule <> 'common_cause'))::integer as special_count,
    from xmr_points as points
    group by series
),

-- what came before the points of the last side
others as (
    select
        points.series,
        max(points.period) filter (points.side is distinct from last_points.last.side or points.stretch <> last.stretch)
            as last_other,
        count(points.value) filter (points.stretch = last.stretch)::integer as stretch_point_count,
    from xmr_points as points
    inner join last_points on points.series = last_points.series
    where points.period <= last_points.last.period
    group by points.series
),

sides as (
    select
        points.series,
        min(points.period) as side_since,
        count(*)::integer as side_count,
    from xmr_points as points
    inner join others on points.series = others.series
    where points.value is not null and (others.last_other is null or points.period > others.last_other)
    group by points.series
)

select
    last_points.series,
    first_period,
    last.period as last_period,
    last.value as last_value,
    last.target as target,
    last.mean as mean,
    last.lower_limit as lower_limit,
    last.upper_limit as upper_limit,
    last.side as side,
    last.rule as rule,
    coalesce(last.variation, 'no_data') as variation,
    case
        when last is null then 'no_data'
        when last.target is null then 'no_target'
        when last.good_side = 0 then 'no_direction'
        when last.lower_limit is null then 'no_limits'
        when last.target > last.upper_limit then if(last.good_side > 0, 'fails', 'passes')
        when last.target < last.lower_limit then if(last.good_side > 0, 'passes', 'fails')
        else 'hit_and_miss'
    end as assurance,
    coalesce(last.stretch, 0) as stretch,
    point_count,
    coalesce(stretch_point_count, 0) as stretch_point_count,
    gap_count,
    special_count,
    sides.side_since,
    coalesce(sides.side_count, 0) as side_count,
from last_points
left join others on last_points.series = others.series
left join sides on last_points.series = sides.series
order by last_points.series
"""


def xmr(connection: duckdb.DuckDBPyConnection, relation: str) -> duckdb.DuckDBPyRelation:
    """The points of every series of a table or view, with limits, moving range, rule and variation icon.

    `relation` names a table of one row per `series` and `period`, with the `value` (a double), and where it has them
    `direction` (`higher_is_better`, `lower_is_better`; anything else has no good side), `target`, `baseline_points`
    (limits stand on the first n points of each stretch) and `rebase_periods` (a list: limits start again at each). A
    value that is missing or not finite is a gap: no range and no pattern goes over it. Two rows of one period are two
    points, so a caller who may have such asks first.

    `stretch` counts the rebasings so far. `rule` is the first that the point meets: `outside_limits`; `trend`, part of
    7 that rise or fall; `two_of_three`, nearer to a limit than a third of the way; `one_side`, part of 7 on one side of
    the mean; else `common_cause`; empty at a gap. `variation` is `improvement`, `concern`, `neutral_high`,
    `neutral_low`, `common_cause`, or `no_limits` where no moving range is known.
    """
    given = connection.table(relation)
    more = "".join(f", {text} as {name}" for name, text in LACKING.items() if name not in given.columns)
    return given.project(f"*{more}").query("xmr_given", POINTS)


def latest(points: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """A row per series of the points that `xmr` gives: its last point, its icons, and how long it has kept to a side.

    `assurance` is `passes` or `fails` where the target is beyond the limits, by the direction that is good; else
    `hit_and_miss`; or `no_target`, `no_direction`, `no_limits`, `no_data`.
    """
    return points.query("xmr_points", SERIES)
