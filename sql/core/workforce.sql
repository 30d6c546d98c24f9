-- One row per return, staff group, setting, contract and financial year: staff at 31 March and the year's pay cost.
with

submissions as (select * from raw.submissions),
workforce as (select * from raw.workforce),

lines as (
    select
        submission_id,
        sheet,
        financial_year,
        reading.staff_group as staff_group,
        reading.setting as setting,
        reading.contract as contract,
        reading.measure as measure,
        reading.workforce as workforce,
        cell.workforce as cell,
    from workforce
    where not is_quarantined and reading.workforce is not null
),

-- a line a measure becomes a column a measure
measured as (
    select
        submission_id,
        sheet,
        financial_year,
        staff_group,
        setting,
        contract,
        max(workforce) filter (where measure = 'wte') as wte,
        max(workforce) filter (where measure = 'headcount') as headcount,
        max(workforce) filter (where measure = 'pay_cost') as pay_cost,
        max(cell) filter (where measure = 'wte') as wte_cell,
        max(cell) filter (where measure = 'headcount') as headcount_cell,
        max(cell) filter (where measure = 'pay_cost') as pay_cost_cell,
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
    measured.contract,
    measured.financial_year,
    -- measures
    measured.wte,
    measured.headcount,
    gbp_from_thousands(measured.pay_cost) as pay_cost_gbp,
    -- where each figure came from
    measured.sheet,
    measured.wte_cell,
    measured.headcount_cell,
    measured.pay_cost_cell,
from measured
inner join submissions
    on measured.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
