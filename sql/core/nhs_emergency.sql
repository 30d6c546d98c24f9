-- One row per published file, organisation, month, measure and type of A&E attendances and emergency admissions.
with

submissions as (select * from raw.submissions),
publications as (select * from raw.publications),
nhs_emergency as (select * from raw.nhs_emergency),

lines as (
    select
        submission_id,
        reading.organisation_code as organisation_code,
        reading.organisation_name as organisation_name,
        strftime(reading.first_day, '%Y-%m') as month,
        split_part(reading.measure, '.', 1) as measure,
        split_part(reading.measure, '.', 2) as type,
        reading.value as value,
        value as received,
        sheet,
        cell.value as value_cell,
    from nhs_emergency
    where not is_quarantined and reading.measure is not null and reading.first_day is not null
)

select
    -- keys
    lines.submission_id,
    lines.organisation_code,
    lines.month,
    lines.measure,
    lines.type,
    -- what the publication says
    submissions.data_status = 'illustrative' as is_illustrative,
    lines.organisation_name,
    coalesce(publications.revised_on, publications.published_on) as published_on,
    -- measures
    lines.value,
    if(lines.value is null, coalesce(lines.received, 'blank'), null) as missing_as,
    -- where each figure came from
    lines.sheet,
    lines.value_cell,
from lines
inner join submissions
    on lines.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
left join publications on lines.submission_id = publications.submission_id
