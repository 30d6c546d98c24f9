"""Control charts of every indicator: its points, and what the last of them says in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import duckdb

from llr_pipeline.spc import latest, xmr

if TYPE_CHECKING:
    import pandas as pd

LIMITS = """
select
    organisation_code,
    indicator_code,
    any_value(baseline_months)::integer as baseline_points,
    list(distinct first_month_starts_on) filter (decision = 'start_again') as rebase_periods,
    string_agg(
        if(
            decision = 'start_again',
            'Limits start again in ' || strftime(first_month_starts_on, '%Y-%m'),
            'Limits stand on the first ' || baseline_months::integer || ' months'
        ) || ': ' || rtrim(reason, '.') || '.',
        ' ' order by first_month_starts_on nulls first, row_number
    ) as limits_note,
from control_limits
where is_used
group by organisation_code, indicator_code
"""
GIVEN = """
select
    {
        'organisation_code': indicator_values.organisation_code, 'indicator_code': indicator_values.indicator_code
    } as series,
    period_starts_on as period,
    value,
    target,
    direction,
    limits.baseline_points,
    limits.rebase_periods,
from indicator_values
left join limits
    on indicator_values.organisation_code = limits.organisation_code
    and indicator_values.indicator_code = limits.indicator_code
"""
POINTS = """
select
    series.organisation_code as organisation_code,
    series.indicator_code as indicator_code,
    indicator_values.period_starts_on,
    indicator_values.frequency,
    indicator_values.period,
    stretch, points.value, points.target, mean, lower_limit, upper_limit, near_lower_limit, near_upper_limit,
    moving_range, rule,
    coalesce(variation, 'no_data') as variation,
    case
        when points.value is null then 'no_data'
        when points.target is null then 'no_target'
        when good_side = 0 then 'no_direction'
        when lower_limit is null then 'no_limits'
        when points.target > upper_limit then if(good_side > 0, 'fails', 'passes')
        when points.target < lower_limit then if(good_side > 0, 'passes', 'fails')
        else 'hit_and_miss'
    end as assurance,
from points
inner join indicator_values
    on points.series.organisation_code = indicator_values.organisation_code
    and points.series.indicator_code = indicator_values.indicator_code
    and points.period = indicator_values.period_starts_on
"""
# Seven points on one side are the rule itself, and no choice of this system.
SERIES = """
with

described as (
    select
        organisation_code, indicator_code, source, frequency, indicator_name, aim, priority, direction, kind,
        bool_or(is_illustrative) as is_illustrative,
    from indicator_values
    group by all
),

least as (
    select any_value(central_value) as point_count
    from assumptions
    where subject = 'monitoring' and parameter = 'spc_minimum_points' and scenario = 'all'
        and round = (select max(round) from assumptions where subject = 'monitoring')
)

select
    described.*,
    limits.limits_note,
    first.period as first_period,
    last.period as last_period,
    series.last_value, series.target, series.mean, series.lower_limit, series.upper_limit, series.rule,
    series.variation, series.assurance, series.point_count, series.gap_count, series.special_count,
    since.period as side_since,
    series.side_count,
    coalesce(series.stretch_point_count < least.point_count, true) as is_short,
    nullif(concat_ws(
        ' ',
        if(
            is_short,
            'Limits stand on ' || series.stretch_point_count || if(series.stretch_point_count = 1, ' point', ' points')
            || coalesce(', fewer than ' || least.point_count::integer, '') || ': provisional.',
            null
        ),
        if(series.gap_count > 0, 'Periods without a value: ' || series.gap_count || '.', null),
        if(
            series.side <> 0 and series.side_count >= 7,
            'The last ' || series.side_count || ' points, since ' || since.period || ', lie '
            || if(series.side > 0, 'above', 'below')
            || ' the mean: if the cause is known and will last, the return may say that limits start again there.',
            null
        )
    ), '') as advice,
from latest_points as series
inner join described
    on series.series.organisation_code = described.organisation_code
    and series.series.indicator_code = described.indicator_code
cross join least
left join limits
    on described.organisation_code = limits.organisation_code
    and described.indicator_code = limits.indicator_code
left join indicator_values as first
    on series.series.organisation_code = first.organisation_code
    and series.series.indicator_code = first.indicator_code
    and series.first_period = first.period_starts_on
left join indicator_values as last
    on series.series.organisation_code = last.organisation_code
    and series.series.indicator_code = last.indicator_code
    and series.last_period = last.period_starts_on
left join indicator_values as since
    on series.series.organisation_code = since.organisation_code
    and series.series.indicator_code = since.indicator_code
    and series.side_since = since.period_starts_on
"""


def control(tables: Mapping[str, pd.DataFrame], say: Callable[[str], None]) -> Mapping[str, pd.DataFrame]:
    """`mart.spc_points` and `mart.spc_series` of `mart.indicator_values`, with limits as `mart.control_limits` says.

    How few points are too few is assumed.
    """
    with duckdb.connect() as connection:
        values = tables["mart.indicator_values"].drop(columns="cells")
        connection.register("indicator_frame", values)
        connection.execute(
            "create table indicator_values as select * replace (period_starts_on::date as period_starts_on) "
            "from indicator_frame"
        )
        connection.register("assumptions", tables["core.assumptions_current"])
        limits = tables["mart.control_limits"]
        connection.register("control_limits", limits)
        connection.sql(LIMITS).create("limits")
        connection.sql(GIVEN).create("given_values")
        xmr(connection, "given_values").create("points")
        latest(connection.table("points")).create("latest_points")
        say(f"control charts: {connection.table('latest_points').shape[0]:,}")
        return {
            "mart.spc_points": connection.execute(POINTS).df(),
            "mart.spc_series": connection.execute(SERIES).df(),
        }
