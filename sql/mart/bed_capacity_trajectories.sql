-- One row per round, scenario, method, organisation, site, sector, bed definition and quarter: beds needed
-- against beds planned.
with

demand as (select * from mart.bed_demand),
activity as (select * from core.activity_current),
beds as (select * from core.beds_current),
assumptions as (select * from core.assumptions_current),
financial_years as (select * from reference.financial_years),
quarters as (select * from reference.quarters),
sites as (select * from reference.sites),

modelled as (
    select
        round,
        scenario,
        'modelled' as method,
        organisation_code,
        site_code,
        sector,
        bed_definition,
        quarter,
        financial_year,
        days,
        is_illustrative,
        has_values_kept_back,
        mean_census_beds,
        occupancy_target_share,
        needed_beds,
        needed_beds_mean_runs,
        needed_beds_p10_runs,
        needed_beds_p50_runs,
        needed_beds_p90_runs,
        beds_p90_daily,
        planned_beds,
        shortfall_probability,
        overflow_probability,
        ward_overflow_probability,
    from demand
),

-- what was returned for the plan: beds available and occupied
planned as (
    select
        round,
        'plan' as scenario,
        organisation_code,
        site_code,
        sector,
        bed_definition,
        financial_year,
        is_illustrative,
        has_values_kept_back,
        occupied_beds as mean_census_beds,
        available_beds as planned_beds,
    from beds
    where bed_definition in ('stp_acute', 'stp_community', 'stp_mental_health')
),

-- and for doing nothing: activity, in the beds of the site where it takes place
unchanged as (
    select
        activity.round,
        activity.scenario,
        coalesce(sites.organisation_code, activity.organisation_code) as organisation_code,
        activity.site_code,
        activity.sector,
        activity.bed_definition,
        activity.financial_year,
        bool_or(activity.is_illustrative) as is_illustrative,
        bool_or(activity.has_values_kept_back) as has_values_kept_back,
        mean_census(sum(activity.bed_days), any_value(financial_years.days)) as mean_census_beds,
    from activity
    inner join financial_years on activity.financial_year = financial_years.financial_year
    left join sites on activity.site_code = sites.site_code
    where activity.perspective = 'provider'
        and activity.scenario = 'do_nothing'
        and activity.bed_definition in ('stp_acute', 'stp_community', 'stp_mental_health')
        and activity.bed_days is not null
    group by all
),

-- the plan's beds stand against the patients of both
unchanged_against_plan as (
    select
        round,
        'do_nothing' as scenario,
        organisation_code,
        site_code,
        sector,
        bed_definition,
        financial_year,
        coalesce(unchanged.is_illustrative, false) or coalesce(planned.is_illustrative, false) as is_illustrative,
        coalesce(unchanged.has_values_kept_back, false) or coalesce(planned.has_values_kept_back, false)
            as has_values_kept_back,
        unchanged.mean_census_beds,
        planned.planned_beds,
    from unchanged
    full join planned using (round, organisation_code, site_code, sector, bed_definition, financial_year)
),

returned as (
    select * from planned
    union all by name
    select * from unchanged_against_plan
),

targets as (
    select
        round,
        applies_to,
        financial_year,
        central_value as occupancy_share,
    from assumptions
    where subject = 'beds' and parameter = 'occupancy_target' and scenario = 'all'
),

-- a sector's own target comes before the one for all; a year's figures stand for each of its quarters
submitted as (
    select
        returned.round,
        returned.scenario,
        'submitted' as method,
        returned.organisation_code,
        returned.site_code,
        returned.sector,
        returned.bed_definition,
        quarters.quarter,
        returned.financial_year,
        quarters.days,
        returned.is_illustrative,
        returned.has_values_kept_back,
        returned.mean_census_beds,
        coalesce(sector_targets.occupancy_share, general_targets.occupancy_share) as occupancy_target_share,
        beds_needed(returned.mean_census_beds, occupancy_target_share) as needed_beds,
        returned.planned_beds,
    from returned
    inner join quarters on returned.financial_year = quarters.financial_year
    left join targets as sector_targets
        on returned.round = sector_targets.round
        and returned.financial_year = sector_targets.financial_year
        and returned.sector = sector_targets.applies_to
    left join targets as general_targets
        on returned.round = general_targets.round
        and returned.financial_year = general_targets.financial_year
        and general_targets.applies_to = 'all'
),

both_methods as (
    select * from modelled
    union all by name
    select * from submitted
)

select
    -- keys
    round,
    scenario,
    method,
    organisation_code,
    site_code,
    sector,
    bed_definition,
    quarter,
    financial_year,
    days,
    is_illustrative,
    has_values_kept_back,
    -- measures
    mean_census_beds,
    occupancy_target_share,
    needed_beds,
    needed_beds_mean_runs,
    needed_beds_p10_runs,
    needed_beds_p50_runs,
    needed_beds_p90_runs,
    beds_p90_daily,
    planned_beds,
    planned_beds - needed_beds as headroom_beds,
    implied_occupancy(mean_census_beds, planned_beds) as implied_occupancy_share,
    shortfall_probability,
    overflow_probability,
    ward_overflow_probability,
from both_methods
