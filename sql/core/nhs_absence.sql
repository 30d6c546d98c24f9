-- One row per published file, organisation and month of sickness absence, with the rate and the staff worked out anew.
with

submissions as (select * from raw.submissions),
publications as (select * from raw.publications),
nhs_absence as (select * from raw.nhs_absence),

lines as (
    select
        submission_id,
        reading.organisation_code as organisation_code,
        max(reading.organisation_name) as organisation_name,
        max(reading.organisation_kind) as organisation_kind,
        strftime(reading.first_day, '%Y-%m') as month,
        day(last_day(reading.first_day)) as days_in_month,
        max(reading.value) filter (where reading.measure = 'days_available') as available_days,
        max(reading.value) filter (where reading.measure = 'days_lost') as lost_days,
        max(reading.value) filter (where reading.measure = 'published_pct') / 100 as published_share,
        sheet,
        max(cell.value) filter (where reading.measure = 'days_available') as available_cell,
        max(cell.value) filter (where reading.measure = 'days_lost') as lost_cell,
    from nhs_absence
    where not is_quarantined and reading.measure is not null and reading.first_day is not null
    group by all
)

select
    -- keys
    lines.submission_id,
    lines.organisation_code,
    lines.month,
    -- what the publication says
    submissions.data_status = 'illustrative' as is_illustrative,
    lines.organisation_name,
    lines.organisation_kind,
    coalesce(publications.revised_on, publications.published_on) as published_on,
    -- measures
    lines.available_days,
    lines.lost_days,
    lines.lost_days / nullif(lines.available_days, 0) as absence_share,
    lines.published_share,
    lines.available_days / lines.days_in_month as implied_wte,
    -- where each figure came from
    lines.sheet,
    lines.available_cell,
    lines.lost_cell,
from lines
inner join submissions
    on lines.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
left join publications on lines.submission_id = publications.submission_id
