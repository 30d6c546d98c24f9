-- One row per indicator of an organisation and period, to the last that anybody reported: the value as last restated, or a gap.
with

indicators as (select * from core.indicators_current),
nhs_beds as (select * from core.nhs_beds_current),
organisations as (select * from reference.organisations),
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
    group by all
),

monthly as (
    select
        organisation_code,
        indicator_code,
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

quarterly as (
    select
        nhs_beds.organisation_code,
        'KH03' as indicator_code,
        'quarter' as frequency,
        quarters.starts_on as period_starts_on,
        'percentage' as kind,
        nhs_beds.occupied_beds as numerator,
        nhs_beds.available_beds as denominator,
        null::double as target,
        nhs_beds.is_illustrative,
        null::varchar as return_month,
        nhs_beds.submission_id,
        list_filter(
            [cell_reference(nhs_beds.sheet, occupied_cell), cell_reference(nhs_beds.sheet, available_cell)],
            lambda cell: cell is not null
        ) as cells,
    from nhs_beds
    inner join organisations on nhs_beds.organisation_code = organisations.organisation_code
    inner join quarters on nhs_beds.quarter = quarters.quarter
    where nhs_beds.bed_definition = 'kh03_general_acute'
),

known as (
    select * from monthly
    union all by name
    select * from quarterly
),

-- every period of a series to the last that anybody reported, those without a value too: silence is no good news
last_periods as (
    select frequency, max(period_starts_on) as ends_with from known group by frequency
),

periods as (
    select
        known.organisation_code,
        known.indicator_code,
        known.frequency,
        unnest(
            generate_series(
                min(known.period_starts_on), any_value(last_periods.ends_with),
                if(known.frequency = 'month', interval 1 month, interval 3 month)
            )
        )::date as period_starts_on,
    from known
    inner join last_periods on known.frequency = last_periods.frequency
    group by known.organisation_code, known.indicator_code, known.frequency
),

-- a rate is numerator over denominator, a percentage 100 times that; a denominator of 0 gives none
valued as (
    select
        periods.*,
        known.* exclude (organisation_code, indicator_code, frequency, period_starts_on),
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
        and periods.frequency = known.frequency
        and periods.period_starts_on = known.period_starts_on
)

select
    -- keys
    valued.organisation_code,
    valued.indicator_code,
    valued.period_starts_on,
    -- what it is
    valued.frequency,
    if(valued.frequency = 'month', strftime(valued.period_starts_on, '%Y-%m'), quarters.quarter) as period,
    coalesce(described.newest.indicator_name, 'KH03 general and acute beds occupied overnight') as indicator_name,
    described.newest.aim as aim,
    described.newest.priority as priority,
    coalesce(described.newest.direction, 'on_target') as direction,
    coalesce(described.newest.kind, 'percentage') as kind,
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
    on valued.organisation_code = described.organisation_code
    and valued.indicator_code = described.indicator_code
left join quarters
    on valued.frequency = 'quarter'
    and valued.period_starts_on = quarters.starts_on
