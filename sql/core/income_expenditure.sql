-- One row per return, line, category, counterparty, scenario, recurrence, support basis, price
-- basis and financial year: an income or a cost.
with

submissions as (select * from raw.submissions),
income_expenditure as (select * from raw.income_expenditure),
organisations as (select * from reference.organisations)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    income_expenditure.reading.line as line,
    income_expenditure.reading.category as category,
    income_expenditure.reading.counterparty_code as counterparty_code,
    income_expenditure.reading.scenario as scenario,
    income_expenditure.reading.is_recurrent as is_recurrent,
    income_expenditure.reading.support_basis as support_basis,
    income_expenditure.reading.price_basis as price_basis,
    income_expenditure.financial_year,
    -- what the category and the sender say
    case
        when income_expenditure.reading.category in ('allocation', 'contract_income', 'other_income') then 'income'
        else 'cost'
    end as flow,
    organisations.scope,
    -- measures
    gbp_from_thousands(income_expenditure.reading.amount) as amount_gbp,
    -- where each figure came from
    income_expenditure.sheet,
    income_expenditure.cell.amount as cell,
from income_expenditure
inner join submissions
    on income_expenditure.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
left join organisations on submissions.organisation_code = organisations.organisation_code
where not income_expenditure.is_quarantined and income_expenditure.reading.amount is not null
