-- One row per organisation, financial year and series of the report on what happened: beds published and planned.
with

nhs_bed_years as (select * from mart.nhs_bed_years),
comparisons as (select * from mart.plan_against_actuals),
organisations as (select * from reference.organisations),
years as (select * from reference.financial_years),

-- the whole years of the trusts that plan here
published as (
    select
        nhs_bed_years.organisation_code,
        nhs_bed_years.financial_year,
        nhs_bed_years.available_beds,
        nhs_bed_years.occupied_beds,
    from nhs_bed_years
    inner join organisations using (organisation_code)
    where nhs_bed_years.bed_definition = 'kh03_general_acute' and nhs_bed_years.quarters_found = 4
),

-- from the first year to the last, so that a year which was not received is a gap
spans as (
    select organisation_code, min(financial_year) as first_year, max(financial_year) as last_year,
    from published
    group by all
),

every_year as (
    select spans.organisation_code, years.financial_year,
    from spans
    inner join years on years.financial_year between spans.first_year and spans.last_year
),

latest as (
    select organisation_code, max(round) as round,
    from comparisons
    group by all
),

planned as (
    select
        comparisons.organisation_code,
        comparisons.financial_year,
        comparisons.planned_definition,
        max(comparisons.planned_value) as beds,
    from comparisons
    inner join latest using (organisation_code, round)
    where comparisons.measure = 'available_beds'
        and comparisons.planned_definition in ('stp_acute', 'stp_community', 'kh03_general_acute')
    group by all
),

series as (
    select organisation_code, financial_year, 'published_available' as series, false as is_plan, available_beds as beds,
    from every_year
    left join published using (organisation_code, financial_year)
    union all
    select organisation_code, financial_year, 'published_occupied', false, occupied_beds,
    from every_year
    left join published using (organisation_code, financial_year)
    union all
    select organisation_code, financial_year, concat('planned_', planned_definition), true, beds,
    from planned
    inner join spans using (organisation_code)
)

select
    -- keys
    series.organisation_code,
    series.financial_year,
    series.series,
    -- measures
    organisations.organisation_name,
    organisations.organisation_kind,
    series.is_plan,
    series.beds,
from series
inner join organisations using (organisation_code)
