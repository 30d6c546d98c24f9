-- One row per return and milestone: the day first planned, the day now expected and the day it was finished.
with

submissions as (select * from raw.submissions),
milestones as (select * from raw.milestones)

select
    -- keys
    submissions.submission_id,
    submissions.period as month,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    milestones.reading.milestone_code as milestone_code,
    -- what the line says
    milestones.reading.milestone as milestone_name,
    milestones.reading.scheme_code as scheme_code,
    milestones.reading.priority as priority,
    milestones.reading.is_critical as is_critical,
    milestones.reading.note as note,
    -- measures
    milestones.reading.baseline_date as baseline_date,
    milestones.reading.forecast_date as forecast_date,
    milestones.reading.actual_date as actual_date,
    -- where each figure came from
    milestones.sheet,
    milestones.cell.baseline_date as baseline_date_cell,
    milestones.cell.forecast_date as forecast_date_cell,
    milestones.cell.actual_date as actual_date_cell,
from milestones
inner join submissions
    on milestones.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
where not milestones.is_quarantined and milestones.reading.milestone_code is not null
