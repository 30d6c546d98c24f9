-- One row per return, scenario, subject, parameter, what it applies to and financial year: low, central and high.
with

submissions as (select * from raw.submissions),
assumptions as (select * from raw.assumptions),

lines as (
    select
        submission_id,
        sheet,
        financial_year,
        reading.scenario as scenario,
        reading.subject as subject,
        reading.parameter as parameter,
        reading.applies_to as applies_to,
        reading.estimate as estimate,
        reading.unit as unit,
        reading.source as source,
        reading.assumption as assumption,
        cell.assumption as cell,
    from assumptions
    where not is_quarantined and reading.assumption is not null
),

-- a line an estimate becomes a column an estimate
estimated as (
    select
        submission_id,
        sheet,
        financial_year,
        scenario,
        subject,
        parameter,
        applies_to,
        max(unit) filter (where estimate = 'central') as central_unit,
        max(source) filter (where estimate = 'central') as central_source,
        min(unit) as first_unit,
        max(unit) as last_unit,
        min(source) as first_source,
        max(assumption) filter (where estimate = 'low') as low_value,
        max(assumption) filter (where estimate = 'central') as central_value,
        max(assumption) filter (where estimate = 'high') as high_value,
        max(cell) filter (where estimate = 'low') as low_cell,
        max(cell) filter (where estimate = 'central') as central_cell,
        max(cell) filter (where estimate = 'high') as high_cell,
    from lines
    group by all
)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    estimated.scenario,
    estimated.subject,
    estimated.parameter,
    estimated.applies_to,
    estimated.financial_year,
    -- what the line says
    coalesce(estimated.central_unit, estimated.first_unit) as unit,
    estimated.first_unit = estimated.last_unit as has_one_unit,
    coalesce(estimated.central_source, estimated.first_source) as source,
    -- measures
    estimated.low_value,
    estimated.central_value,
    estimated.high_value,
    -- where each figure came from
    estimated.sheet,
    estimated.low_cell,
    estimated.central_cell,
    estimated.high_cell,
from estimated
inner join submissions
    on estimated.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
