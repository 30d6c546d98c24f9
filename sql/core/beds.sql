-- One row per return, site, sector, bed definition and financial year: beds available and beds occupied.
with

submissions as (select * from raw.submissions),
sheets as (select * from raw.sheets),
beds as (select * from raw.beds),

lines as (
    select
        submission_id,
        sheet,
        financial_year,
        reading.site_code as site_code,
        reading.sector as sector,
        reading.bed_definition as bed_definition,
        reading.measure as measure,
        reading.beds as beds,
        cell.beds as cell,
    from beds
    where not is_quarantined and reading.beds is not null
),

-- a line a measure becomes a column a measure
measured as (
    select
        submission_id,
        sheet,
        financial_year,
        site_code,
        sector,
        bed_definition,
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
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    coalesce(sheets.quarantined_count, 0) > 0 as has_values_kept_back,
    measured.site_code,
    measured.sector,
    measured.bed_definition,
    measured.financial_year,
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
left join sheets
    on measured.submission_id = sheets.submission_id
    and sheets.table_name = 'beds'
