-- One row per return, scheme, source of funding, status and financial year: capital spent in the year.
with

submissions as (select * from raw.submissions),
capital as (select * from raw.capital)

select
    -- keys
    submissions.submission_id,
    submissions.period as round,
    submissions.organisation_code,
    submissions.data_status = 'illustrative' as is_illustrative,
    capital.reading.scheme_code as scheme_code,
    capital.reading.source as source,
    capital.reading.status as status,
    capital.financial_year,
    -- what the line says
    capital.reading.scheme as scheme_name,
    capital.reading.price_basis as price_basis,
    -- measures
    gbp_from_thousands(capital.reading.amount) as amount_gbp,
    -- where each figure came from
    capital.sheet,
    capital.cell.amount as cell,
from capital
inner join submissions
    on capital.submission_id = submissions.submission_id
    and submissions.status in ('accepted', 'superseded')
where not capital.is_quarantined and capital.reading.amount is not null
