-- One row per measure, peer group, period and organisation of the system: its value among all its peers in England.
with

nhs_beds as (select * from core.nhs_beds_current),
nhs_sitrep as (select * from core.nhs_sitrep_current),
nhs_emergency as (select * from core.nhs_emergency_current),
nhs_discharges as (select * from core.nhs_discharges_current),
nhs_absence as (select * from core.nhs_absence_current),
organisations as (select * from reference.organisations),

sitrep_days as (
    select
        organisation_code,
        date,
        max(value) filter (where measure = 'ga_beds_open') as open_beds,
        max(value) filter (where measure = 'ga_beds_occupied') as occupied_beds,
    from nhs_sitrep
    where measure in ('ga_beds_open', 'ga_beds_occupied')
    group by all
),

discharge_days as (
    select
        organisation_code,
        setting,
        date,
        max(value) filter (where measure = 'not_meeting_criteria_to_reside') as ready_patients,
        max(value) filter (where measure = 'remaining_in_hospital') as remaining_patients,
    from nhs_discharges
    where organisation_level = 'organisation'
    group by all
),

-- of each type of department both figures must be there: a part would pass for the whole
emergency_types as (
    select
        organisation_code,
        month,
        type,
        max(value) filter (where measure = 'attendances') as attendances,
        max(value) filter (where measure = 'over_4_hours') as over_4_hours,
        attendances > 0 and over_4_hours is null as is_part,
    from nhs_emergency
    where measure in ('attendances', 'over_4_hours')
    group by all
),

emergency_months as (
    select
        organisation_code,
        month,
        sum(attendances) as attendances,
        sum(attendances) filter (where type = 'type_1') as major_attendances,
        sum(over_4_hours) as over_4_hours,
    from emergency_types
    group by all
    having not bool_or(is_part)
),

valued as (
    select
        'occupancy_overnight' as measure,
        'general and acute beds open overnight' as peer_group,
        quarter as period,
        organisation_code,
        occupied_beds as numerator,
        available_beds as denominator,
    from nhs_beds
    where bed_definition = 'kh03_general_acute'
    union all
    select 'occupancy_winter', 'general and acute beds in the situation report', strftime(date, '%Y-%m'),
        organisation_code, sum(occupied_beds), sum(open_beds),
    from sitrep_days
    where open_beds is not null and occupied_beds is not null
    group by all
    union all
    select 'over_4_hours', 'type 1 departments', month, organisation_code, over_4_hours, attendances,
    from emergency_months
    where major_attendances > 0
    union all
    select 'discharge_delay', setting, strftime(date, '%Y-%m'), organisation_code, sum(remaining_patients),
        sum(ready_patients),
    from discharge_days
    where remaining_patients is not null and ready_patients is not null
    group by all
    union all
    select 'absence', lower(organisation_kind), month, organisation_code, lost_days, available_days,
    from nhs_absence
    where organisation_kind is not null
),

ranked as (
    select
        measure,
        peer_group,
        period,
        organisation_code,
        numerator,
        denominator,
        numerator / denominator as value_share,
        rank() over (partition by measure, peer_group, period order by numerator / denominator) as rank,
        count(*) over (partition by measure, peer_group, period) as peers,
        median(numerator / denominator) over (partition by measure, peer_group, period) as median_share,
    from valued
    where denominator > 0 and numerator is not null
)

select
    -- keys
    ranked.measure,
    ranked.peer_group,
    ranked.period,
    ranked.organisation_code,
    -- measures
    ranked.numerator,
    ranked.denominator,
    ranked.value_share,
    ranked.median_share,
    ranked.rank,
    if(ranked.peers >= 4, ceil(4 * ranked.rank / ranked.peers), null)::integer as quartile,
    ranked.peers,
from ranked
inner join organisations using (organisation_code)
