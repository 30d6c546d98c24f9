-- One row per return and line of a bed scheme: what the scheme does, to whose patients, from when.
with

submissions as (select * from raw.submissions),
bed_schemes as (select * from raw.bed_schemes),

-- the sheet has a row a year: a line's attributes are the same in each
lines as (
    select
        submission_id,
        sheet,
        row_number,
        any_value(reading) as reading,
        any_value(cell) as cell,
    from bed_schemes
    where not is_quarantined
    group by all
)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    lines.reading.scheme_code as scheme_code,
    lines.reading.mechanism as mechanism,
    lines.reading.from_site_code as from_site_code,
    lines.reading.from_sector as from_sector,
    lines.reading.from_point_of_delivery as from_point_of_delivery,
    lines.reading.from_specialty_group as from_specialty_group,
    lines.reading.from_age_band as from_age_band,
    lines.row_number,
    -- what the line says
    lines.reading.scheme as scheme_name,
    lines.reading.priority as priority,
    lines.reading.to_site_code as to_site_code,
    lines.reading.to_sector as to_sector,
    lines.reading.start_date as start_date,
    -- measures
    lines.reading.effect_share as effect_share,
    lines.reading.shortened_nights as shortened_nights,
    lines.reading.cover_share as cover_share,
    coalesce(lines.reading.phase_in_months, 0) as phase_in_months,
    lines.reading.confidence_share as confidence_share,
    -- where each figure came from
    lines.sheet,
    lines.cell.start_date as start_date_cell,
    lines.cell.effect_share as effect_share_cell,
    lines.cell.shortened_nights as shortened_nights_cell,
    lines.cell.cover_share as cover_share_cell,
    lines.cell.phase_in_months as phase_in_months_cell,
    lines.cell.confidence_share as confidence_share_cell,
from lines
inner join submissions
    on lines.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
