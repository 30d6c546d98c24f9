-- One row per indicator of an organisation and period, to the last that its source has: the value as last restated, or a gap.
with

indicators as (select * from core.indicators_current),
published_indicators as (select * from mart.published_indicators),
published_codes as (select * from reference.published_indicators),
quarters as (select * from reference.quarters),

-- a month that was reported again counts as last reported, whole: never the numerator of one return over another's
restated as (
    select
        organisation_code,
        indicator_code,
        month,
        arg_max(indicators, return_month) as latest,
        arg_max(target, return_month) filter (target is not null) as target,
        bool_or(is_illustrative) as is_illustrative,
    from indicators
    where indicator_code not in (select indicator_code from published_codes)
    group by all
),

monthly as (
    select
        organisation_code,
        indicator_code,
        'return' as source,
        'month' as frequency,
        (month || '-01')::date as period_starts_on,
        latest.kind as kind,
        latest.numerator as numerator,
        latest.denominator as denominator,
        target,
        is_illustrative,
        latest.return_month as return_month,
        latest.submission_id as submission_id,
        list_filter(
            [
                cell_reference(latest.sheet, latest.numerator_cell), cell_reference(latest.sheet, latest.denominator_cell)
            ],
            lambda cell: cell is not null
        ) as cells,
    from restated
),

-- what an indicator is, as the newest return says
described as (
    select
        organisation_code,
        indicator_code,
        arg_max(indicators, (return_month, month)) as newest,
    from indicators
    group by all
),

published as (
    select
        organisation_code, indicator_code, source, frequency, period_starts_on, kind, numerator, denominator,
        null::double as target, is_illustrative, null::varchar as return_month, submission_id, cells,
    from published_indicators
),

published_descriptions as (
    select distinct indicator_code, indicator_name, direction, kind from published_indicators
),

known as (
    select * from monthly
    union all by name
    select * from published
),

-- every period of a series to the last that its source has of anybody, those without a value too: silence is no good news
last_periods as (
    select source, max(period_starts_on) as ends_with from known group by source
),

periods as (
    select
        known.organisation_code,
        known.indicator_code,
        known.source,
        known.frequency,
        unnest(
            generate_series(
                min(known.period_starts_on), any_value(last_periods.ends_with),
                case known.frequency
                    when 'week' then interval 7 day
                    when 'month' then interval 1 month
                    else interval 3 month
                end
            )
        )::date as period_starts_on,
    from known
    inner join last_periods on known.source = last_periods.source
    group by known.organisation_code, known.indicator_code, known.source, known.frequency
),

-- a rate is numerator over denominator, a percentage 100 times that; a denominator of 0 gives none
valued as (
    select
        periods.*,
        known.* exclude (organisation_code, indicator_code, source, frequency, period_starts_on),
        case
            when not isfinite(known.numerator) or not isfinite(known.denominator) then null
            when known.kind = 'count' then known.numerator
            when known.denominator <= 0 then null
            when known.kind = 'percentage' then 100 * known.numerator / known.denominator
            else known.numerator / known.denominator
        end as value,
    from periods
    left join known
        on periods.organisation_code = known.organisation_code
        and periods.indicator_code = known.indicator_code
        and periods.source = known.source
        and periods.period_starts_on = known.period_starts_on
)

select
    -- keys
    valued.organisation_code,
    valued.indicator_code,
    valued.period_starts_on,
    -- what it is
    valued.source,
    valued.frequency,
    case valued.frequency
        when 'week' then 'w/c ' || strftime(valued.period_starts_on, '%Y-%m-%d')
        when 'month' then strftime(valued.period_starts_on, '%Y-%m')
        else quarters.quarter
    end as period,
    coalesce(published_descriptions.indicator_name, described.newest.indicator_name) as indicator_name,
    described.newest.aim as aim,
    described.newest.priority as priority,
    coalesce(published_descriptions.direction, described.newest.direction) as direction,
    coalesce(published_descriptions.kind, described.newest.kind) as kind,
    coalesce(valued.is_illustrative, described.newest.is_illustrative, false) as is_illustrative,
    -- measures
    valued.numerator,
    valued.denominator,
    valued.value,
    if(isfinite(valued.target), valued.target, null) as target,
    -- where each figure came from
    valued.return_month,
    valued.submission_id,
    coalesce(valued.cells, []) as cells,
from valued
left join described
    on valued.source = 'return'
    and valued.organisation_code = described.organisation_code
    and valued.indicator_code = described.indicator_code
left join published_descriptions
    on valued.source <> 'return'
    and valued.indicator_code = published_descriptions.indicator_code
left join quarters
    on valued.frequency = 'quarter'
    and valued.period_starts_on = quarters.starts_on
