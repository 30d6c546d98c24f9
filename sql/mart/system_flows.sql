-- One row per round, scenario, purchaser, provider, recurrence and financial year: what one organisation of the system says
-- it buys from another, and what that one says it earns from it.
with

income_expenditure as (select * from core.income_expenditure_current),
organisations as (select * from reference.organisations),
assumptions as (select * from core.assumptions_current),

-- both sides under the names of purchaser and provider
sides as (
    select
        round,
        scenario,
        if(category = 'healthcare_bought', organisation_code, counterparty_code) as purchaser_code,
        if(category = 'healthcare_bought', counterparty_code, organisation_code) as provider_code,
        is_recurrent,
        financial_year,
        if(category = 'healthcare_bought', 'bought', 'earned') as side,
        price_basis,
        support_basis,
        amount_gbp,
        is_illustrative,
        submission_id,
        sheet || '!' || cell as cell,
    from income_expenditure
    where category in ('healthcare_bought', 'contract_income')
        and counterparty_code <> 'other'
        and counterparty_code <> organisation_code
),

returned as (
    select distinct round, organisation_code
    from income_expenditure
),

pairs as (
    select
        round,
        scenario,
        purchaser_code,
        provider_code,
        is_recurrent,
        financial_year,
        sum(amount_gbp) filter (where side = 'bought')::decimal(18, 2) as bought_gbp,
        sum(amount_gbp) filter (where side = 'earned')::decimal(18, 2) as earned_gbp,
        count(distinct (price_basis, support_basis)) as basis_count,
        bool_or(is_illustrative) as is_illustrative,
        any_value(submission_id) filter (where side = 'bought') as purchaser_submission_id,
        string_agg(cell, ', ' order by cell) filter (where side = 'bought') as purchaser_cells,
        any_value(submission_id) filter (where side = 'earned') as provider_submission_id,
        string_agg(cell, ', ' order by cell) filter (where side = 'earned') as provider_cells,
    from sides
    group by all
),

tolerances as (
    select
        round,
        financial_year,
        gbp_from_thousands(central_value) as tolerance_gbp,
    from assumptions
    where subject = 'triangulation' and parameter = 'tolerance' and applies_to = 'contract_income_against_bought'
        and scenario = 'all'
)

select
    -- keys
    pairs.round,
    pairs.scenario,
    pairs.purchaser_code,
    pairs.provider_code,
    pairs.is_recurrent,
    pairs.financial_year,
    -- what it is
    if(purchasers.scope = providers.scope, purchasers.scope, 'between') as scope,
    case
        when pairs.basis_count > 1 then 'stated differently'
        when pairs.bought_gbp is null and purchaser_returns.round is null then 'purchaser returned nothing'
        when pairs.earned_gbp is null and provider_returns.round is null then 'provider returned nothing'
        when pairs.bought_gbp is null then 'provider only'
        when pairs.earned_gbp is null then 'purchaser only'
        when abs(pairs.earned_gbp - pairs.bought_gbp) > coalesce(tolerances.tolerance_gbp, 0) then 'differs'
        else 'matched'
    end as status,
    pairs.is_illustrative,
    -- measures
    pairs.bought_gbp,
    pairs.earned_gbp,
    (pairs.earned_gbp - pairs.bought_gbp)::decimal(18, 2) as mismatch_gbp,
    if(pairs.basis_count = 1 and pairs.earned_gbp is not null, pairs.bought_gbp, null) as eliminated_gbp,
    -- where each figure came from
    pairs.purchaser_submission_id,
    pairs.purchaser_cells,
    pairs.provider_submission_id,
    pairs.provider_cells,
from pairs
left join organisations as purchasers on pairs.purchaser_code = purchasers.organisation_code
left join organisations as providers on pairs.provider_code = providers.organisation_code
left join returned as purchaser_returns
    on pairs.round = purchaser_returns.round
    and pairs.purchaser_code = purchaser_returns.organisation_code
left join returned as provider_returns
    on pairs.round = provider_returns.round
    and pairs.provider_code = provider_returns.organisation_code
left join tolerances
    on pairs.round = tolerances.round
    and pairs.financial_year = tolerances.financial_year
