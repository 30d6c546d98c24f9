-- One row per published file, area, variant, year, age and sex of the population.
with

submissions as (select * from raw.submissions),
publications as (select * from raw.publications),
nhs_population as (select * from raw.nhs_population),

lines as (
    select
        submission_id,
        reading.area_code as area_code,
        reading.variant as variant,
        try_cast(reading.year as integer) as year,
        try_cast(reading.age as integer) as age_years,
        reading.measure as sex,
        reading.value as people,
        sheet,
        cell.value as value_cell,
    from nhs_population
    where not is_quarantined and reading.measure is not null
)

select
    -- keys
    lines.submission_id,
    lines.area_code,
    lines.variant,
    lines.year,
    lines.age_years,
    lines.sex,
    -- what the publication says
    submissions.data_status = 'illustrative' as is_illustrative,
    if(lines.variant = 'v0', 'estimate', 'projection') as basis,
    coalesce(publications.revised_on, publications.published_on) as published_on,
    -- measures
    lines.people,
    -- where each figure came from
    lines.sheet,
    lines.value_cell,
from lines
inner join submissions
    on lines.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
left join publications on lines.submission_id = publications.submission_id
