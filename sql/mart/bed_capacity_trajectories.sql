-- One row per round, scenario, method, organisation, site, sector, bed definition and quarter: beds needed
-- against beds planned.
with

activity as (select * from core.activity_current),
beds as (select * from core.beds_current),
assumptions as (select * from core.assumptions_current),
financial_years as (select * from reference.financial_years),
quarters as (select * from reference.quarters),
sites as (select * from reference.sites),

-- a site's patients need its beds, whoever treats them there
bed_days as (
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
        sum(activity.bed_days) as bed_days,
    from activity
    left join sites on activity.site_code = sites.site_code
    where activity.perspective = 'provider'
        and activity.bed_definition in ('stp_acute', 'stp_community', 'stp_mental_health')
        and activity.bed_days is not null
    group by all
),

census as (
    select
        bed_days.round,
        bed_days.scenario,
        bed_days.organisation_code,
        bed_days.site_code,
        bed_days.sector,
        bed_days.bed_definition,
        bed_days.financial_year,
        bed_days.is_illustrative,
        bed_days.has_values_kept_back,
        mean_census(bed_days.bed_days, financial_years.days) as mean_census_beds,
    from bed_days
    inner join financial_years on bed_days.financial_year = financial_years.financial_year
),

planned as (
    select
        round,
        organisation_code,
        site_code,
        sector,
        bed_definition,
        financial_year,
        is_illustrative,
        has_values_kept_back,
        available_beds,
        occupied_beds,
    from beds
    where bed_definition in ('stp_acute', 'stp_community', 'stp_mental_health')
),

-- the plan's beds stand against both scenarios' patients
planned_by_scenario as (
    select
        planned.round,
        scenarios.scenario,
        planned.organisation_code,
        planned.site_code,
        planned.sector,
        planned.bed_definition,
        planned.financial_year,
        planned.is_illustrative,
        planned.has_values_kept_back,
        planned.available_beds,
    from planned
    cross join (values ('do_nothing'), ('plan')) as scenarios(scenario)
),

modelled as (
    select
        round,
        scenario,
        'modelled' as method,
        organisation_code,
        site_code,
        sector,
        bed_definition,
        financial_year,
        coalesce(census.is_illustrative, false) or coalesce(planned_by_scenario.is_illustrative, false)
            as is_illustrative,
        coalesce(census.has_values_kept_back, false) or coalesce(planned_by_scenario.has_values_kept_back, false)
            as has_values_kept_back,
        census.mean_census_beds,
        planned_by_scenario.available_beds as planned_beds,
    from census
    full join planned_by_scenario
        using (round, scenario, organisation_code, site_code, sector, bed_definition, financial_year)
),

submitted as (
    select
        round,
        'plan' as scenario,
        'submitted' as method,
        organisation_code,
        site_code,
        sector,
        bed_definition,
        financial_year,
        is_illustrative,
        has_values_kept_back,
        occupied_beds as mean_census_beds,
        available_beds as planned_beds,
    from planned
),

both_methods as (
    select * from modelled
    union all by name
    select * from submitted
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

-- a sector's own target comes before the one for all
targeted as (
    select
        both_methods.round,
        both_methods.scenario,
        both_methods.method,
        both_methods.organisation_code,
        both_methods.site_code,
        both_methods.sector,
        both_methods.bed_definition,
        both_methods.financial_year,
        both_methods.is_illustrative,
        both_methods.has_values_kept_back,
        both_methods.mean_census_beds,
        both_methods.planned_beds,
        coalesce(sector_targets.occupancy_share, general_targets.occupancy_share) as occupancy_target_share,
        beds_needed(both_methods.mean_census_beds, occupancy_target_share) as needed_beds,
    from both_methods
    left join targets as sector_targets
        on both_methods.round = sector_targets.round
        and both_methods.financial_year = sector_targets.financial_year
        and both_methods.sector = sector_targets.applies_to
    left join targets as general_targets
        on both_methods.round = general_targets.round
        and both_methods.financial_year = general_targets.financial_year
        and general_targets.applies_to = 'all'
)

select
    -- keys
    targeted.round,
    targeted.scenario,
    targeted.method,
    targeted.organisation_code,
    targeted.site_code,
    targeted.sector,
    targeted.bed_definition,
    quarters.quarter,
    targeted.financial_year,
    quarters.days,
    targeted.is_illustrative,
    targeted.has_values_kept_back,
    -- measures
    targeted.mean_census_beds,
    targeted.occupancy_target_share,
    targeted.needed_beds,
    targeted.planned_beds,
    targeted.planned_beds - targeted.needed_beds as headroom_beds,
    implied_occupancy(targeted.mean_census_beds, targeted.planned_beds) as implied_occupancy_share,
from targeted
inner join quarters on targeted.financial_year = quarters.financial_year
