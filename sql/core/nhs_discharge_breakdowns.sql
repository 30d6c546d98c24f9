-- One row per published file, organisation or board, week or month, measure and category of the discharge reports.
with

submissions as (select * from raw.submissions),
publications as (select * from raw.publications),
acute as (select * from raw.nhs_discharges_acute),
community as (select * from raw.nhs_discharges_community),

both_settings as (
    select 'acute' as setting, submission_id, block, reading, value, sheet, cell, is_quarantined from acute
    union all
    select 'community', submission_id, block, reading, value, sheet, cell, is_quarantined from community
),

lines as (
    select
        submission_id,
        setting,
        if(block = 'boards', 'board', 'organisation') as organisation_level,
        reading.organisation_code as organisation_code,
        reading.organisation_name as organisation_name,
        reading.first_day as first_date,
        reading.last_day as last_date,
        split_part(reading.measure, '.', 1) as measure,
        split_part(reading.measure, '.', 2) as category,
        reading.value as value,
        value as received,
        sheet,
        cell.value as value_cell,
    from both_settings
    where not is_quarantined and reading.first_day is not null
        and contains(reading.measure, '.')
)

select
    -- keys
    lines.submission_id,
    lines.setting,
    lines.organisation_code,
    lines.first_date,
    lines.measure,
    lines.category,
    -- what the publication says
    submissions.data_status = 'illustrative' as is_illustrative,
    lines.organisation_level,
    lines.organisation_name,
    lines.last_date,
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
