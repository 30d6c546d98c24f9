-- One row per published file, organisation, staff group and nationality group: people employed, by their own statement.
with

submissions as (select * from raw.submissions),
publications as (select * from raw.publications),
nhs_nationality as (select * from raw.nhs_nationality),

lines as (
    select
        submission_id,
        reading.organisation_code as organisation_code,
        reading.organisation_name as organisation_name,
        reading.staff_group as staff_group,
        reading.nationality as nationality,
        reading.headcount::integer as headcount,
        sheet,
        cell.headcount as headcount_cell,
    from nhs_nationality
    where not is_quarantined
)

select
    -- keys
    lines.submission_id,
    submissions.period as month,
    lines.organisation_code,
    lines.staff_group,
    lines.nationality,
    -- what the publication says
    submissions.data_status = 'illustrative' as is_illustrative,
    lines.organisation_name,
    coalesce(publications.revised_on, publications.published_on) as published_on,
    -- measures
    lines.headcount,
    -- where each figure came from
    lines.sheet,
    lines.headcount_cell,
from lines
inner join submissions
    on lines.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
left join publications on lines.submission_id = publications.submission_id
