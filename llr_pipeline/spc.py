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

-- a number sorts faster than a name, a narrow row than a wide one; and over a frame counts are faster than sums
names as (
    select series, row_number() over () as series_number from (select distinct series from xmr_given) as every_series
),

placed as (
    select
        names.series_number,
        coalesce(len(list_filter(rebase_periods, lambda rebased: rebased <= period)), 0)::integer as stretch,
        period,
        if(isfinite(value), value, null) as value,
        target,
        (case direction::varchar when 'higher_is_better' then 1 when 'lower_is_better' then -1 else 0 end)::tinyint
            as good_side,
        baseline_points,
    from xmr_given as given
    inner join names on given.series is not distinct from names.series
),

-- the moving range to the point before; across a gap there is none
numbered as (
    select
        * exclude (baseline_points),
        row_number() over points as place,
        value - lag(value) over points as step,
        baseline_points is null or count(*) filter (value is not null) over points <= baseline_points as is_counted,
    from placed
    window points as (partition by series_number, stretch order by period, value)
),

ranged as (
    select
        series_number,
        stretch,
        row_number() over () as stretch_number,
        avg(value) filter (is_counted) as mean,
        avg(abs(step)) filter (is_counted) as every_range,
        -- the last bits of a sum put no point off the mean and none outside the limits
        1e-12 * max(abs(value)) as slack,
    from numbered
    group by series_number, stretch
),

-- a range of 3.267 times the average or more is a spike's: it does not widen the limits
screened as (
    select
        ranged.stretch_number,
        avg(abs(step)) as mean_range,
    from numbered
    inner join ranged
        on numbered.series_number = ranged.series_number
        and numbered.stretch = ranged.stretch
    where is_counted and abs(step) < 3.267 * every_range
    group by ranged.stretch_number
),

stretches as (
    select
        names.series,
        ranged.*,
        coalesce(screened.mean_range, ranged.every_range) as mean_range,
    from ranged
    inner join names on ranged.series_number = names.series_number
    left join screened on ranged.stretch_number = screened.stretch_number
),

judged as (
    select
        stretch_number,
        place,
        period,
        value,
        target,
        good_side,
        step,
        if(abs(value - mean) <= slack, 0, sign(value - mean))::tinyint as side,
        if(abs(step) <= slack, 0, sign(step))::tinyint as way,
        abs(value - mean) > 2.66 * mean_range + slack as is_outside,
        not is_outside and abs(value - mean) > 2.66 * 2 / 3 * mean_range + slack as is_near_limit,
    from numbered
    inner join stretches
        on numbered.series_number = stretches.series_number
        and numbered.stretch = stretches.stretch
),

-- where a pattern is complete: at its last point. A gap has no side and no way, so none goes over it. One order of all
-- rows is faster than a part for each stretch: `place` keeps a pattern to its own, for a first point has no way either
complete as (
    select
        * exclude (way),
        count(*) filter (way = 1) over six = 6 or count(*) filter (way = -1) over six = 6 as is_trend_end,
        place >= 7 and (count(*) filter (side = 1) over seven = 7 or count(*) filter (side = -1) over seven = 7)
            as is_run_end,
        place >= 3 and (count(*) filter (side = 1) over three = 3 or count(*) filter (side = -1) over three = 3)
            and count(*) filter (is_near_limit) over three >= 2 as is_two_of_three_end,
    from judged
    window
        six as (order by stretch_number, place rows 5 preceding),
        seven as (order by stretch_number, place rows 6 preceding),
        three as (order by stretch_number, place rows 2 preceding)
),

-- the first rule; every point of a complete pattern is part of it
ruled as (
    select
        * exclude (place),
        case
            when value is null then null
            when is_outside then 'outside_limits'
            when count(*) filter (is_trend_end) over seven > 0 then 'trend'
            when is_near_limit and count(*) filter (is_two_of_three_end) over three > 0 then 'two_of_three'
            when count(*) filter (is_run_end) over seven > 0 then 'one_side'
            else 'common_cause'
        end as rule,
    from complete
    window
        seven as (order by stretch_number, place rows between current row and 6 following),
        three as (order by stretch_number, place rows between current row and 2 following)
)

select
    series,
    period,
    stretch,
    value,
    target,
    mean,
    mean - 2.66 * mean_range as lower_limit,
    mean + 2.66 * mean_range as upper_limit,
    mean - 2.66 * 2 / 3 * mean_range as near_lower_limit,
    mean + 2.66 * 2 / 3 * mean_range as near_upper_limit,
    abs(step) as moving_range,
    side::integer as side,
    rule,
    case
        when value is null then null
        when mean_range is null then 'no_limits'
        when rule = 'common_cause' then 'common_cause'
        when good_side = 0 then if(side > 0, 'neutral_high', 'neutral_low')
        when side = good_side then 'improvement'
        else 'concern'
    end as variation,
    good_side::integer as good_side,
from ruled
inner join stretches on ruled.stretch_number = stretches.stretch_number
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
