-- One row per published file, organisation or board, day and measure of the discharge situation reports.
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
        reading.first_day as day,
        reading.measure as measure,
        reading.value as value,
        value as received,
        sheet,
        cell.value as value_cell,
    from both_settings
    where not is_quarantined and reading.first_day is not null
        -- those with a part behind a dot are in core.nhs_discharge_breakdowns
        and not contains(reading.measure, '.')
)

select
    -- keys
    lines.submission_id,
    lines.setting,
    lines.organisation_code,
    lines.day as date,
    lines.measure,
    -- what the publication says
    submissions.data_status = 'illustrative' as is_illustrative,
    lines.organisation_level,
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
