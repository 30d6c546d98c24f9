-- One row per round, organisation, financial year, planned and published definition: the plan beside what happened.
with

beds as (select * from core.beds_current),
activity as (select * from core.activity_current),
workforce as (select * from core.workforce_current),
nhs_beds as (select * from core.nhs_beds_current),
nhs_sitrep as (select * from core.nhs_sitrep_current),
nhs_emergency as (select * from core.nhs_emergency_current),
nhs_workforce as (select * from core.nhs_workforce_current),
nhs_absence as (select * from core.nhs_absence_current),
outturn as (select * from reference.kh03_outturn),
pairs as (select * from reference.definition_pairs),
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

quarters as (
    select
        organisation_code,
        split_part(quarter, ' ', 1) as financial_year,
        bed_definition as actual_definition,
        avg(available_beds) as available_beds,
        avg(occupied_beds) as occupied_beds,
        count(distinct quarter) as periods_found,
    from nhs_beds
    where available_beds is not null and occupied_beds is not null
    group by all
),

-- four quarters of files before the series that is kept, and that before an incomplete year
best_beds as (
    select organisation_code, financial_year, actual_definition, available_beds, occupied_beds, periods_found,
        'core.nhs_beds' as actual_source,
    from quarters
    union all
    select organisation_code, financial_year, 'kh03_general_acute', available_beds, occupied_beds, 4,
        'reference.kh03_outturn',
    from outturn
),

ranked_beds as (
    select
        *,
        row_number() over (
            partition by organisation_code, financial_year, actual_definition
            order by periods_found desc, actual_source
        ) as place,
    from best_beds
),

winter_days as (
    select
        nhs_sitrep.organisation_code,
        months.financial_year,
        nhs_sitrep.date,
        nhs_sitrep.value as open_beds,
    from nhs_sitrep
    inner join months on strftime(nhs_sitrep.date, '%Y-%m') = months.month
    where nhs_sitrep.measure = 'ga_beds_open' and nhs_sitrep.value is not null
),

actual as (
    select organisation_code, financial_year, 'available_beds' as measure, actual_definition,
        available_beds as actual_value, periods_found, 4 as periods_needed, actual_source,
    from ranked_beds
    where place = 1
    union all
    select organisation_code, financial_year, 'occupied_beds', actual_definition, occupied_beds, periods_found, 4,
        actual_source,
    from ranked_beds
    where place = 1
    union all
    select organisation_code, financial_year, 'available_beds', 'sitrep_general_acute', avg(open_beds), count(*), 365,
        'core.nhs_sitrep',
    from winter_days
    group by all
    union all
    select nhs_emergency.organisation_code, months.financial_year, 'attendances', 'ae_all_types',
        sum(nhs_emergency.value), count(distinct months.month), 12, 'core.nhs_emergency',
    from nhs_emergency
    inner join months using (month)
    where nhs_emergency.measure = 'attendances'
    group by all
    union all
    select nhs_emergency.organisation_code, months.financial_year, 'spells', 'emergency_admissions',
        sum(nhs_emergency.value), count(distinct months.month), 12, 'core.nhs_emergency',
    from nhs_emergency
    inner join months using (month)
    where nhs_emergency.measure = 'emergency_admissions'
    group by all
    union all
    select nhs_workforce.organisation_code, months.financial_year, 'staff_wte', 'staff_in_post',
        arg_max(total_wte, month), count(*) filter (where months.is_last), 1, 'core.nhs_workforce',
    from (
        select organisation_code, month, sum(staff_wte) as total_wte, from nhs_workforce group by all
    ) as nhs_workforce
    inner join months using (month)
    group by all
    union all
    select nhs_absence.organisation_code, months.financial_year, 'staff_wte', 'implied_staff',
        avg(nhs_absence.implied_wte), count(distinct months.month), 12, 'core.nhs_absence',
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
            then 'The published figure is of another day than the end of the year'
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
