-- One row per round, organisation, site, sector, bed definition, point of delivery, specialty group and age band:
-- spells and midnight bed days of the round's base year.
with

activity as (select * from core.activity_current),
rounds as (select * from reference.rounds),
sites as (select * from reference.sites),

-- the base year is the same in every scenario: what is said of doing nothing comes first
lines as (
    select
        activity.round,
        coalesce(sites.organisation_code, activity.organisation_code) as organisation_code,
        activity.site_code,
        activity.sector,
        activity.bed_definition,
        activity.point_of_delivery,
        activity.specialty_group,
        activity.age_band,
        activity.submission_id,
        activity.counterparty_code,
        bool_or(activity.is_illustrative) as is_illustrative,
        bool_or(activity.has_values_kept_back) as has_values_kept_back,
        arg_min(activity.spells, activity.scenario) as spells,
        arg_min(activity.bed_days, activity.scenario) as bed_days,
    from activity
    inner join rounds
        on activity.round = rounds.round
        and activity.financial_year = rounds.base_year
    left join sites on activity.site_code = sites.site_code
    where activity.perspective = 'provider'
        and activity.bed_definition is not null
        and (activity.spells is not null or activity.bed_days is not null)
    group by all
)

select
    -- keys
    round,
    organisation_code,
    site_code,
    sector,
    bed_definition,
    point_of_delivery,
    specialty_group,
    age_band,
    bool_or(is_illustrative) as is_illustrative,
    bool_or(has_values_kept_back) as has_values_kept_back,
    -- measures
    sum(spells) as spells,
    sum(bed_days) as bed_days,
    sum(bed_days) / nullif(sum(spells), 0) as stay_nights,
from lines
group by all
