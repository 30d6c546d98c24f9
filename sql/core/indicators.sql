-- One row per return, indicator and month: numerator, denominator and target as that return states them.
with

submissions as (select * from raw.submissions),
indicators as (select * from raw.indicators),

lines as (
    select
        submission_id,
        sheet,
        row_number,
        month,
        reading.indicator_code as indicator_code,
        reading.indicator as indicator_name,
        reading.aim as aim,
        reading.priority as priority,
        reading.direction as direction,
        reading.kind as kind,
        reading.measure as measure,
        reading.indicator_value as indicator_value,
        cell.indicator_value as cell,
    from indicators
    where not is_quarantined and reading.indicator_value is not null
),

-- the indicator's first line speaks for the indicator in each of its months
described as (
    select
        submission_id,
        indicator_code,
        arg_min(indicator_name, row_number) as indicator_name,
        arg_min(aim, row_number) as aim,
        arg_min(priority, row_number) as priority,
        arg_min(direction, row_number) as direction,
        arg_min(kind, row_number) as kind,
    from lines
    group by all
),

-- a line a measure becomes a column a measure
measured as (
    select
        submission_id,
        sheet,
        indicator_code,
        month,
        max(indicator_value) filter (where measure = 'numerator') as numerator,
        max(indicator_value) filter (where measure = 'denominator') as denominator,
        max(indicator_value) filter (where measure = 'target') as target,
        max(cell) filter (where measure = 'numerator') as numerator_cell,
        max(cell) filter (where measure = 'denominator') as denominator_cell,
        max(cell) filter (where measure = 'target') as target_cell,
    from lines
    group by all
)

select
    -- keys
    submissions.submission_id,
    submissions.period as return_month,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    measured.indicator_code,
    measured.month,
    -- what the line says
    described.indicator_name,
    described.aim,
    described.priority,
    described.direction,
    described.kind,
    -- measures
    measured.numerator,
    measured.denominator,
    measured.target,
    -- where each figure came from
    measured.sheet,
    measured.numerator_cell,
    measured.denominator_cell,
    measured.target_cell,
from measured
inner join described
    on measured.submission_id = described.submission_id
    and measured.indicator_code = described.indicator_code
inner join submissions
    on measured.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
