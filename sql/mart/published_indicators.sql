-- One row per organisation of the system, published indicator and period that is whole: its numerator and denominator.
with

nhs_beds as (select * from core.nhs_beds_current),
nhs_sitrep as (select * from core.nhs_sitrep_current),
nhs_discharges as (select * from core.nhs_discharges_current),
nhs_emergency as (select * from core.nhs_emergency_current),
nhs_absence as (select * from core.nhs_absence_current),
indicators as (select * from reference.published_indicators),
organisations as (select * from reference.organisations),
quarters as (select * from reference.quarters),

-- a line each of a figure. A heading that names several days is of none of them
published as (
    select
        'kh03' as source, organisation_code, quarters.starts_on as date, '' as part, submission_id, is_illustrative, sheet,
        unnest(
            [
                {'measure': 'occupied_beds', 'value': occupied_beds, 'cell': occupied_cell},
                {'measure': 'available_beds', 'value': available_beds, 'cell': available_cell}
            ],
            recursive := true
        ),
    from nhs_beds
    inner join quarters on nhs_beds.quarter = quarters.quarter
    where bed_definition = 'kh03_general_acute'
    union all by name
    select
        'sitrep' as source, organisation_code, date, '' as part, submission_id, is_illustrative, sheet, measure, value,
        value_cell as cell,
    from nhs_sitrep
    where date = last_date
    union all by name
    select
        'discharges_' || setting as source, organisation_code, date, '' as part, submission_id, is_illustrative, sheet,
        measure, value, value_cell as cell,
    from nhs_discharges
    where organisation_level = 'organisation'
    union all by name
    select
        'emergency' as source, organisation_code, (month || '-01')::date as date, type as part, submission_id,
        is_illustrative, sheet, measure, value, value_cell as cell,
    from nhs_emergency
    union all by name
    select
        'absence' as source, organisation_code, (month || '-01')::date as date, '' as part, submission_id, is_illustrative, sheet,
        unnest(
            [
                {'measure': 'lost_days', 'value': lost_days, 'cell': lost_cell},
                {'measure': 'available_days', 'value': available_days, 'cell': available_cell}
            ],
            recursive := true
        ),
    from nhs_absence
),

figures as (
    select
        indicators.indicator_code,
        indicators.frequency,
        indicators.numerator = published.measure as is_numerator,
        date_trunc(indicators.frequency, published.date)::date as period_starts_on,
        published.*,
    from published
    inner join organisations on published.organisation_code = organisations.organisation_code
    inner join indicators
        on published.source = indicators.source
        and published.measure in (indicators.numerator, indicators.denominator)
),

periods as (
    select
        organisation_code,
        indicator_code,
        period_starts_on,
        frequency,
        bool_or(is_illustrative) as is_illustrative,
        sum(value) filter (is_numerator) as numerator,
        sum(value) filter (not is_numerator) as denominator,
        count(distinct date) filter (is_numerator) as numerator_days,
        count(distinct date) filter (not is_numerator) as denominator_days,
        count(value) = count(*) as is_all_known,
        arg_max(submission_id, (date, submission_id)) as submission_id,
        list(cell_reference(sheet, cell) order by date, part, is_numerator desc) as cells,
    from figures
    group by organisation_code, indicator_code, period_starts_on, frequency
)

select
    -- keys
    periods.organisation_code,
    periods.indicator_code,
    periods.period_starts_on,
    -- what it is
    indicators.source,
    indicators.frequency,
    indicators.indicator_name,
    indicators.kind,
    indicators.direction,
    periods.is_illustrative,
    -- measures
    periods.numerator,
    if(indicators.denominator = 'days', numerator_days, periods.denominator) as denominator,
    -- where each figure came from
    periods.submission_id,
    periods.cells,
from periods
inner join indicators on periods.indicator_code = indicators.indicator_code
where periods.is_all_known
    and numerator_days = if(indicators.frequency = 'week', 7, 1)
    and (indicators.denominator = 'days' or denominator_days = numerator_days)
