-- One row per acute organisation, financial year and series of the report on what happened: planned beds and KH03.
with

comparisons as (select * from mart.plan_against_actuals),
outturn as (select * from reference.kh03_outturn),
organisations as (select * from reference.organisations),

latest as (
    select organisation_code, max(round) as round,
    from comparisons
    group by all
),

series as (
    select organisation_code, financial_year, 'published_available' as series, available_beds as beds, false as is_plan,
    from outturn
    union all
    select organisation_code, financial_year, 'published_occupied', occupied_beds, false,
    from outturn
    union all
    select comparisons.organisation_code, comparisons.financial_year,
        concat('planned_', comparisons.planned_definition), max(comparisons.planned_value), true,
    from comparisons
    inner join latest using (organisation_code, round)
    where comparisons.measure = 'available_beds'
        and comparisons.planned_definition in ('stp_acute', 'kh03_general_acute')
    group by all
)

select
    -- keys
    series.organisation_code,
    series.financial_year,
    series.series,
    -- measures
    organisations.organisation_name,
    series.is_plan,
    series.beds,
from series
inner join organisations using (organisation_code)
where organisations.organisation_kind = 'acute' and series.beds is not null
