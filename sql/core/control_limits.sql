-- One row per return and line of its Control limits sheet: where limits start again, or what they stand on.
with

submissions as (select * from raw.submissions),
control_limits as (select * from raw.control_limits)

select
    -- keys
    submissions.submission_id,
    submissions.period as return_month,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    control_limits.row_number,
    -- what the line says
    control_limits.reading.indicator_code as indicator_code,
    control_limits.reading.decision as decision,
    control_limits.reading.reason as reason,
    -- measures
    date_trunc('month', control_limits.reading.first_month)::date as first_month_starts_on,
    control_limits.reading.baseline_months as baseline_months,
    -- where each figure came from
    control_limits.sheet,
    control_limits.cell.indicator_code as indicator_cell,
    control_limits.cell.first_month as first_month_cell,
    control_limits.cell.baseline_months as baseline_cell,
from control_limits
inner join submissions
    on control_limits.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
where not control_limits.is_quarantined
