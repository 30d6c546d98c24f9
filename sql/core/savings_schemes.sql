-- One row per return, scheme, category, cost pool and recurrence: what a savings scheme is and its full-year effect.
with

submissions as (select * from raw.submissions),
savings as (select * from raw.savings),

-- the sheet has a row a year: a line's attributes are the same in each
lines as (
    select
        submission_id,
        sheet,
        row_number,
        any_value(reading) as reading,
        any_value(cell) as cell,
    from savings
    where not is_quarantined
    group by all
),

-- the line of the gross saving speaks for the scheme; without one, the line of the investment does
schemes as (
    select
        submission_id,
        sheet,
        row_number,
        reading,
        cell,
    from lines
    qualify row_number() over (
        partition by
            submission_id, reading.scheme_code, reading.category, reading.cost_pool, reading.is_recurrent
        order by reading.measure = 'gross_saving' desc, row_number
    ) = 1
)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    schemes.reading.scheme_code as scheme_code,
    schemes.reading.category as category,
    schemes.reading.cost_pool as cost_pool,
    schemes.reading.is_recurrent as is_recurrent,
    schemes.row_number,
    -- what the line says
    schemes.reading.scheme as scheme_name,
    schemes.reading.owner as owner,
    schemes.reading.start_date as start_date,
    schemes.reading.stated_as as stated_as,
    -- measures
    schemes.reading.confidence_share as confidence_share,
    case when schemes.reading.stated_as = 'gbp' then gbp_from_thousands(schemes.reading.full_year_effect) end
        as full_year_effect_gbp,
    case when schemes.reading.stated_as = 'share' then schemes.reading.full_year_effect end as full_year_effect_share,
    -- where each figure came from
    schemes.sheet,
    schemes.cell.start_date as start_date_cell,
    schemes.cell.confidence_share as confidence_share_cell,
    schemes.cell.full_year_effect as full_year_effect_cell,
from schemes
inner join submissions
    on schemes.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
