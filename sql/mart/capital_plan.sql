-- One row per round, organisation, scheme, source of funding, status, price basis and financial year: capital planned, and what
-- is likely to be had.
with

capital as (select * from core.capital_current),
organisations as (select * from reference.organisations),
assumptions as (select * from core.assumptions_current),
savings_schemes as (select * from core.savings_schemes_current),
bed_schemes as (select * from core.bed_schemes_current),

confidence as (
    select
        round,
        applies_to as status,
        financial_year,
        central_value as confidence_share,
    from assumptions
    where subject = 'funding' and parameter = 'confidence_share' and scenario = 'all'
),

-- a scheme has one start in every template; the first is taken where they differ
starts as (
    select
        round,
        scheme_code,
        min(start_date) as start_date,
    from (
        select round, scheme_code, start_date from savings_schemes
        union all
        select round, scheme_code, start_date from bed_schemes
    )
    group by all
)

select
    -- keys
    capital.round,
    capital.organisation_code,
    capital.scheme_code,
    capital.source,
    capital.status,
    capital.price_basis,
    capital.financial_year,
    -- what it is
    capital.scheme_name,
    organisations.scope,
    starts.start_date,
    capital.is_illustrative,
    -- measures
    capital.amount_gbp,
    if(capital.status = 'secured', capital.amount_gbp, 0)::decimal(18, 2) as secured_gbp,
    confidence.confidence_share,
    (capital.amount_gbp * confidence.confidence_share)::decimal(18, 2) as expected_gbp,
    sum(capital.amount_gbp) over (
        partition by
            capital.round, capital.organisation_code, capital.scheme_code, capital.source, capital.status,
            capital.price_basis
        order by capital.financial_year
    )::decimal(18, 2) as cumulative_gbp,
    -- where each figure came from
    capital.submission_id,
    capital.sheet,
    capital.cell,
from capital
left join organisations on capital.organisation_code = organisations.organisation_code
left join confidence
    on capital.round = confidence.round
    and capital.status = confidence.status
    and capital.financial_year = confidence.financial_year
left join starts
    on capital.round = starts.round
    and capital.scheme_code = starts.scheme_code
