-- One row per return, line of a bed scheme and financial year: the beds that the sender says the line is worth.
with

submissions as (select * from raw.submissions),
bed_schemes as (select * from raw.bed_schemes)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    bed_schemes.reading.scheme_code as scheme_code,
    bed_schemes.reading.mechanism as mechanism,
    bed_schemes.reading.from_site_code as from_site_code,
    bed_schemes.reading.from_sector as from_sector,
    bed_schemes.reading.from_point_of_delivery as from_point_of_delivery,
    bed_schemes.reading.from_specialty_group as from_specialty_group,
    bed_schemes.reading.from_age_band as from_age_band,
    bed_schemes.financial_year,
    bed_schemes.row_number,
    -- measures
    bed_schemes.reading.claimed_beds as claimed_beds,
    -- where each figure came from
    bed_schemes.sheet,
    bed_schemes.cell.claimed_beds as cell,
from bed_schemes
inner join submissions
    on bed_schemes.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
where not bed_schemes.is_quarantined and bed_schemes.reading.claimed_beds is not null
