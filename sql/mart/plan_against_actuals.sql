-- One row per round, organisation, financial year, planned and published definition: the plan beside what happened.
with

beds as (select * from core.beds_current),
activity as (select * from core.activity_current),
workforce as (select * from core.workforce_current),
nhs_bed_years as (select * from mart.nhs_bed_years),
nhs_sitrep as (select * from core.nhs_sitrep_current),
nhs_emergency as (select * from core.nhs_emergency_current),
nhs_workforce as (select * from core.nhs_workforce_current),
nhs_absence as (select * from core.nhs_absence_current),
pairs as (select * from reference.definition_pairs),
published_staff_groups as (select * from reference.published_staff_groups),
years as (select * from reference.financial_years),

planned_beds as (
    select
        round,
        organisation_code,
        financial_year,
        bed_definition as planned_definition,
        bool_or(is_illustrative) as is_illustrative,
        sum(available_beds) as available_beds,
        sum(occupied_beds) as occupied_beds,
    from beds
    group by all
),

planned_activity as (
    select
        round,
        organisation_code,
        financial_year,
        point_of_delivery as planned_definition,
        bool_or(is_illustrative) as is_illustrative,
        sum(attendances) as attendances,
        sum(spells) as spells,
    from activity
    where scenario = 'plan' and perspective = 'provider'
    group by all
),

planned_staff as (
    select
        round,
        organisation_code,
        financial_year,
        contract as planned_definition,
        bool_or(is_illustrative) as is_illustrative,
        sum(wte) as staff_wte,
    from workforce
    group by all
    union all
    select round, organisation_code, financial_year, staff_group, bool_or(is_illustrative), sum(wte),
    from workforce
    where contract = 'substantive'
    group by all
),

planned as (
    select round, organisation_code, financial_year, 'available_beds' as measure, planned_definition, is_illustrative,
        available_beds as planned_value,
    from planned_beds
    union all
    select round, organisation_code, financial_year, 'occupied_beds', planned_definition, is_illustrative,
        occupied_beds,
    from planned_beds
    union all
    select round, organisation_code, financial_year, 'occupancy_share', planned_definition, is_illustrative,
        occupied_beds / nullif(available_beds, 0),
    from planned_beds
    union all
    select round, organisation_code, financial_year, 'attendances', planned_definition, is_illustrative, attendances,
    from planned_activity
    union all
    select round, organisation_code, financial_year, 'spells', planned_definition, is_illustrative, spells,
    from planned_activity
    union all
    select round, organisation_code, financial_year, 'staff_wte', planned_definition, is_illustrative, staff_wte,
    from planned_staff
),

-- every month of every financial year, so that a month finds its year
months as (
    select
        financial_year,
        strftime(starts_on + to_months(number::integer), '%Y-%m') as month,
        number = 11 as is_last,
    from years
    cross join range(12) as numbers(number)
),

sitrep_days as (
    select
        nhs_sitrep.organisation_code,
        months.financial_year,
        nhs_sitrep.date,
        max(nhs_sitrep.value) filter (where nhs_sitrep.measure = 'ga_beds_open') as available_beds,
        max(nhs_sitrep.value) filter (where nhs_sitrep.measure = 'ga_beds_occupied') as occupied_beds,
    from nhs_sitrep
    inner join months on strftime(nhs_sitrep.date, '%Y-%m') = months.month
    where nhs_sitrep.measure in ('ga_beds_open', 'ga_beds_occupied')
    group by all
),

sitrep_years as (
    select
        sitrep_days.organisation_code,
        sitrep_days.financial_year,
        avg(sitrep_days.available_beds) as available_beds,
        avg(sitrep_days.occupied_beds) as occupied_beds,
        count(sitrep_days.available_beds) as available_days,
        count(sitrep_days.occupied_beds) as occupied_days,
        years.days,
    from sitrep_days
    inner join years using (financial_year)
    group by all
),

-- a month of which a part is missing is no month of the year
emergency_months as (
    select
        nhs_emergency.organisation_code,
        months.financial_year,
        nhs_emergency.month,
        nhs_emergency.measure,
        sum(nhs_emergency.value) as patients,
        sum(nhs_emergency.value) filter (where nhs_emergency.type = 'type_1') as type_1_patients,
        count(*) = count(nhs_emergency.value) as is_whole,
    from nhs_emergency
    inner join months using (month)
    where nhs_emergency.measure in ('attendances', 'emergency_admissions')
    group by all
),

-- a group that has no place among those of a return leaves all of that month's groups in doubt
staff_lines as (
    select
        nhs_workforce.organisation_code,
        nhs_workforce.month,
        published_staff_groups.staff_group,
        nhs_workforce.staff_wte,
        bool_and(published_staff_groups.staff_group is not null)
            over (partition by nhs_workforce.organisation_code, nhs_workforce.month) as has_every_group,
    from nhs_workforce
    left join published_staff_groups on nhs_workforce.staff_group = published_staff_groups.published_group
),

staff_months as (
    select organisation_code, month, 'staff_in_post' as actual_definition, sum(staff_wte) as staff_wte,
        count(*) = count(staff_wte) as is_whole,
    from staff_lines
    group by all
    union all
    select organisation_code, month, concat('staff_in_post.', staff_group), sum(staff_wte),
        count(*) = count(staff_wte) and bool_and(has_every_group),
    from staff_lines
    where staff_group is not null
    group by all
),

actual as (
    select organisation_code, financial_year, 'available_beds' as measure, bed_definition as actual_definition,
        available_beds as actual_value, quarters_found as periods_found, 4 as periods_needed, found_in as actual_source,
    from nhs_bed_years
    union all
    select organisation_code, financial_year, 'occupied_beds', bed_definition, occupied_beds, quarters_found, 4,
        found_in,
    from nhs_bed_years
    union all
    select organisation_code, financial_year, 'occupancy_share', bed_definition,
        occupied_beds / nullif(available_beds, 0), quarters_found, 4, found_in,
    from nhs_bed_years
    union all
    select organisation_code, financial_year, 'available_beds', 'sitrep_general_acute', available_beds, available_days,
        days, 'core.nhs_sitrep',
    from sitrep_years
    union all
    select organisation_code, financial_year, 'occupied_beds', 'sitrep_general_acute', occupied_beds, occupied_days,
        days, 'core.nhs_sitrep',
    from sitrep_years
    union all
    select organisation_code, financial_year, 'attendances', 'ae_all_types', sum(patients),
        count(*) filter (where is_whole), 12, 'core.nhs_emergency',
    from emergency_months
    where measure = 'attendances'
    group by all
    union all
    select organisation_code, financial_year, 'attendances', 'ae_type_1', sum(type_1_patients),
        count(*) filter (where is_whole), 12, 'core.nhs_emergency',
    from emergency_months
    where measure = 'attendances'
    group by all
    union all
    select organisation_code, financial_year, 'spells', 'emergency_admissions', sum(patients),
        count(*) filter (where is_whole), 12, 'core.nhs_emergency',
    from emergency_months
    where measure = 'emergency_admissions'
    group by all
    union all
    select staff_months.organisation_code, months.financial_year, 'staff_wte', staff_months.actual_definition,
        arg_max(staff_months.staff_wte, staff_months.month),
        count(*) filter (where months.is_last and staff_months.is_whole), 1, 'core.nhs_workforce',
    from staff_months
    inner join months using (month)
    group by all
    union all
    select nhs_absence.organisation_code, months.financial_year, 'staff_wte', 'implied_staff',
        avg(nhs_absence.implied_wte), count(nhs_absence.implied_wte), 12, 'core.nhs_absence',
    from nhs_absence
    inner join months using (month)
    group by all
)

select
    -- keys
    planned.round,
    planned.organisation_code,
    planned.financial_year,
    pairs.measure,
    pairs.planned_definition,
    pairs.actual_definition,
    -- what they are
    pairs.subject,
    pairs.planned_name,
    pairs.actual_name,
    planned.is_illustrative,
    -- measures
    planned.planned_value,
    actual.actual_value,
    case
        when pairs.is_same and actual.periods_found >= actual.periods_needed
            then actual.actual_value - planned.planned_value
    end as difference,
    actual.periods_found,
    actual.periods_needed,
    case
        when actual.actual_value is null then 'not published'
        when not pairs.is_same then 'definitions differ'
        when actual.periods_found < actual.periods_needed then 'year incomplete'
        else 'compared'
    end as verdict,
    case
        when actual.actual_value is null then 'No published figure of this organisation and year is in'
        when not pairs.is_same then pairs.reason
        when actual.periods_needed = 1 and actual.periods_found = 0
            then 'The published figure is of another day than the end of the year, or has staff of no known group'
        when actual.periods_found < actual.periods_needed
            then concat(actual.periods_found, ' of ', actual.periods_needed, ' periods of the year are in')
    end as reason,
    actual.actual_source,
from planned
inner join pairs
    on planned.measure = pairs.measure
    and planned.planned_definition = pairs.planned_definition
left join actual
    on planned.organisation_code = actual.organisation_code
    and planned.financial_year = actual.financial_year
    and pairs.measure = actual.measure
    and pairs.actual_definition = actual.actual_definition
where planned.planned_value is not null
