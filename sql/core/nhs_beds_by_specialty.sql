-- One row per published file, organisation, opening and specialty: KH03 average daily beds occupied.
with

submissions as (select * from raw.submissions),
publications as (select * from raw.publications),
overnight as (select * from raw.nhs_kh03_specialties),
day_only as (select * from raw.nhs_kh03_day_only_specialties),

both_openings as (
    select 'overnight' as opening, submission_id, reading, value, sheet, cell, is_quarantined from overnight
    union all
    select 'day_only', submission_id, reading, value, sheet, cell, is_quarantined from day_only
),

lines as (
    select
        submission_id,
        opening,
        reading.organisation_code as organisation_code,
        reading.organisation_name as organisation_name,
        left(reading.measure, 3) as specialty_code,
        substr(reading.measure, 5) as specialty_name,
        reading.value as occupied_beds,
        value as received,
        sheet,
        cell.value as occupied_cell,
    from both_openings
    where not is_quarantined and reading.measure is not null
)

select
    -- keys
    lines.submission_id,
    submissions.period as quarter,
    lines.organisation_code,
    lines.opening,
    lines.specialty_code,
    -- what the publication says
    submissions.data_status = 'illustrative' as is_illustrative,
    lines.organisation_name,
    lines.specialty_name,
    -- as KH03's guidance sorts main specialties into its sectors
    case
        when lines.specialty_code = '700' then 'learning_disability'
        when lines.specialty_code between '710' and '715' then 'mental_illness'
        when lines.specialty_code in ('501', '560') then 'maternity'
        else 'general_acute'
    end as sector,
    coalesce(publications.revised_on, publications.published_on) as published_on,
    -- measures
    lines.occupied_beds,
    if(lines.occupied_beds is null, coalesce(lines.received, 'blank'), null) as missing_as,
    -- where each figure came from
    lines.sheet,
    lines.occupied_cell,
from lines
inner join submissions
    on lines.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
left join publications on lines.submission_id = publications.submission_id
