-- One row per published file, organisation, opening and sector: KH03 average daily beds, available and occupied.
with

submissions as (select * from raw.submissions),
publications as (select * from raw.publications),
overnight as (select * from raw.nhs_kh03),
day_only as (select * from raw.nhs_kh03_day_only),

both_openings as (
    select 'overnight' as opening, submission_id, sheet, reading, cell, is_quarantined from overnight
    union all
    select 'day_only', submission_id, sheet, reading, cell, is_quarantined from day_only
),

lines as (
    select
        submission_id,
        sheet,
        opening,
        reading.organisation_code as organisation_code,
        reading.organisation_name as organisation_name,
        reading.measure as measure,
        reading.sector as sector,
        reading.beds as beds,
        cell.beds as cell,
    from both_openings
    where not is_quarantined
),

-- a row a measure becomes a column a measure
measured as (
    select
        submission_id,
        sheet,
        opening,
        organisation_code,
        max(organisation_name) as organisation_name,
        sector,
        max(beds) filter (where measure = 'available') as available_beds,
        max(beds) filter (where measure = 'occupied') as occupied_beds,
        max(cell) filter (where measure = 'available') as available_cell,
        max(cell) filter (where measure = 'occupied') as occupied_cell,
    from lines
    group by all
)

select
    -- keys
    submissions.submission_id,
    submissions.period as quarter,
    measured.organisation_code,
    measured.opening,
    measured.sector,
    -- what the publication says
    submissions.data_status = 'illustrative' as is_illustrative,
    measured.organisation_name,
    if(measured.opening = 'overnight', 'kh03_', 'kh03_day_only_') || measured.sector as bed_definition,
    publications.published_on,
    publications.revised_on,
    -- measures
    measured.available_beds,
    measured.occupied_beds,
    -- where each figure came from
    measured.sheet,
    measured.available_cell,
    measured.occupied_cell,
from measured
inner join submissions
    on measured.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
left join publications on measured.submission_id = publications.submission_id
