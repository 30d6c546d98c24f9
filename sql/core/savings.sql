-- One row per return, scheme, category, cost pool, recurrence and financial year: gross saving and
-- investment of the year.
with

submissions as (select * from raw.submissions),
savings as (select * from raw.savings),

lines as (
    select
        submission_id,
        sheet,
        financial_year,
        reading.scheme_code as scheme_code,
        reading.category as category,
        reading.cost_pool as cost_pool,
        reading.is_recurrent as is_recurrent,
        reading.measure as measure,
        reading.amount as amount,
        cell.amount as cell,
    from savings
    where not is_quarantined and reading.amount is not null
),

-- a line a measure becomes a column a measure
measured as (
    select
        submission_id,
        sheet,
        financial_year,
        scheme_code,
        category,
        cost_pool,
        is_recurrent,
        max(amount) filter (where measure = 'gross_saving') as gross_saving,
        max(amount) filter (where measure = 'investment') as investment,
        max(cell) filter (where measure = 'gross_saving') as gross_saving_cell,
        max(cell) filter (where measure = 'investment') as investment_cell,
    from lines
    group by all
)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    measured.scheme_code,
    measured.category,
    measured.cost_pool,
    measured.is_recurrent,
    measured.financial_year,
    -- measures
    gbp_from_thousands(measured.gross_saving) as gross_saving_gbp,
    gbp_from_thousands(measured.investment) as investment_gbp,
    -- where each figure came from
    measured.sheet,
    measured.gross_saving_cell,
    measured.investment_cell,
from measured
inner join submissions
    on measured.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
