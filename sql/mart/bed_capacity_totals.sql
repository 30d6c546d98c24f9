-- One row per round, scenario, method, bed definition, area and financial year: beds needed against beds planned.
with

trajectories as (select * from mart.bed_capacity_trajectories),
demand_totals as (select * from mart.bed_demand_totals),

-- the plan published its acute and its community beds apart and together
definitions as (
    select
        counted,
        bed_definition,
    from (
        values
            ('stp_acute', 'stp_acute'),
            ('stp_community', 'stp_community'),
            ('stp_mental_health', 'stp_mental_health'),
            ('stp_acute', 'stp_acute_and_community'),
            ('stp_community', 'stp_acute_and_community')
    ) as pairs(counted, bed_definition)
),

-- each site and sector counts for its organisation and for the system
lines as (
    select
        trajectories.round,
        trajectories.scenario,
        trajectories.method,
        definitions.counted,
        definitions.bed_definition,
        unnest([trajectories.organisation_code, 'system']) as area,
        trajectories.financial_year,
        trajectories.quarter,
        trajectories.days,
        trajectories.is_illustrative,
        trajectories.has_values_kept_back,
        trajectories.mean_census_beds,
        trajectories.needed_beds,
        trajectories.planned_beds,
    from trajectories
    inner join definitions on trajectories.bed_definition = definitions.counted
),

by_quarter as (
    select
        round,
        scenario,
        method,
        bed_definition,
        area,
        financial_year,
        quarter,
        days,
        bool_or(is_illustrative) as is_illustrative,
        bool_and(
            not has_values_kept_back
            and planned_beds is not null
            and (needed_beds is not null or (planned_beds = 0 and mean_census_beds is null))
        )
        and (any_value(bed_definition) <> 'stp_acute_and_community' or count(distinct counted) = 2) as is_complete,
        sum(mean_census_beds) as mean_census_beds,
        sum(needed_beds) as needed_beds,
        sum(planned_beds) as planned_beds,
    from lines
    where area = 'system' or bed_definition <> 'stp_acute_and_community'
    group by all
),

by_year as (
    select
        round,
        scenario,
        method,
        bed_definition,
        area,
        financial_year,
        bool_or(is_illustrative) as is_illustrative,
        bool_and(is_complete) as is_complete,
        sum(mean_census_beds * days) / sum(days) as mean_census_beds,
        sum(needed_beds * days) / sum(days) as needed_beds,
        sum(planned_beds * days) / sum(days) as planned_beds,
    from by_quarter
    group by all
),

shown as (
    select
        *,
        is_complete or bed_definition <> 'stp_acute_and_community' as is_figure,
    from by_year
)

select
    -- keys
    shown.round,
    shown.scenario,
    shown.method,
    shown.bed_definition,
    shown.area,
    shown.financial_year,
    shown.is_illustrative,
    shown.is_complete,
    -- measures; the two counts together are no figure while one of them lacks something
    if(is_figure, shown.mean_census_beds, null) as mean_census_beds,
    if(is_figure, shown.needed_beds, null) as needed_beds,
    if(is_figure, needed_beds_rounded(shown.needed_beds), null) as needed_beds_rounded,
    if(is_figure, demand_totals.needed_beds_mean_runs, null) as needed_beds_mean_runs,
    if(is_figure, demand_totals.needed_beds_p10_runs, null) as needed_beds_p10_runs,
    if(is_figure, demand_totals.needed_beds_p50_runs, null) as needed_beds_p50_runs,
    if(is_figure, demand_totals.needed_beds_p90_runs, null) as needed_beds_p90_runs,
    if(is_figure, shown.planned_beds, null) as planned_beds,
    if(is_figure, shown.planned_beds - shown.needed_beds, null) as headroom_beds,
    if(is_figure, demand_totals.shortfall_probability, null) as shortfall_probability,
from shown
left join demand_totals
    on shown.method = 'modelled'
    and shown.round = demand_totals.round
    and shown.scenario = demand_totals.scenario
    and shown.bed_definition = demand_totals.bed_definition
    and shown.area = demand_totals.area
    and shown.financial_year = demand_totals.financial_year
