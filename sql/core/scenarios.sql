-- One row per return, scenario and scheme: one change that the scenario makes to its parent.
with

submissions as (select * from raw.submissions),
scenarios as (select * from raw.scenarios)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    scenarios.reading.scenario as scenario,
    scenarios.reading.scheme_code as scheme_code,
    -- what the line says
    scenarios.reading.scenario_name as scenario_name,
    scenarios.reading.parent_scenario as parent_scenario,
    -- measures
    scenarios.reading.slip_months as slip_months,
    scenarios.reading.delivered_share as delivered_share,
    -- where each figure came from
    scenarios.sheet,
    scenarios.cell.slip_months as slip_months_cell,
    scenarios.cell.delivered_share as delivered_share_cell,
from scenarios
inner join submissions
    on scenarios.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
where not scenarios.is_quarantined and scenarios.reading.scenario is not null
