-- One row per return, staff group, setting, rate definition and financial year: who leaves, joins and moves.
with

submissions as (select * from raw.submissions),
workforce_flows as (select * from raw.workforce_flows),

lines as (
    select
        submission_id,
        sheet,
        financial_year,
        reading.staff_group as staff_group,
        reading.setting as setting,
        reading.rate_definition as rate_definition,
        reading.measure as measure,
        reading.flow as flow,
        cell.flow as cell,
    from workforce_flows
    where not is_quarantined and reading.flow is not null
),

-- a line a measure becomes a column a measure
measured as (
    select
        submission_id,
        sheet,
        financial_year,
        staff_group,
        setting,
        rate_definition,
        max(flow) filter (where measure = 'leaver_rate') as leaver_rate_share,
        max(flow) filter (where measure = 'retirement_rate') as retirement_rate_share,
        max(flow) filter (where measure = 'joiners_newly_qualified') as joiners_newly_qualified_wte,
        max(flow) filter (where measure = 'joiners_other_nhs') as joiners_other_nhs_wte,
        max(flow) filter (where measure = 'joiners_overseas') as joiners_overseas_wte,
        max(flow) filter (where measure = 'joiners_other') as joiners_other_wte,
        max(flow) filter (where measure = 'transfers_in') as transfers_in_wte,
        max(flow) filter (where measure = 'transfers_out') as transfers_out_wte,
        max(cell) filter (where measure = 'leaver_rate') as leaver_rate_cell,
        max(cell) filter (where measure = 'retirement_rate') as retirement_rate_cell,
        max(cell) filter (where measure = 'joiners_newly_qualified') as joiners_newly_qualified_cell,
        max(cell) filter (where measure = 'joiners_other_nhs') as joiners_other_nhs_cell,
        max(cell) filter (where measure = 'joiners_overseas') as joiners_overseas_cell,
        max(cell) filter (where measure = 'joiners_other') as joiners_other_cell,
        max(cell) filter (where measure = 'transfers_in') as transfers_in_cell,
        max(cell) filter (where measure = 'transfers_out') as transfers_out_cell,
    from lines
    group by all
)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    measured.staff_group,
    measured.setting,
    measured.rate_definition,
    measured.financial_year,
    -- measures
    measured.leaver_rate_share,
    measured.retirement_rate_share,
    measured.joiners_newly_qualified_wte,
    measured.joiners_other_nhs_wte,
    measured.joiners_overseas_wte,
    measured.joiners_other_wte,
    measured.transfers_in_wte,
    measured.transfers_out_wte,
    -- where each figure came from
    measured.sheet,
    measured.leaver_rate_cell,
    measured.retirement_rate_cell,
    measured.joiners_newly_qualified_cell,
    measured.joiners_other_nhs_cell,
    measured.joiners_overseas_cell,
    measured.joiners_other_cell,
    measured.transfers_in_cell,
    measured.transfers_out_cell,
from measured
inner join submissions
    on measured.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
