-- One row per round, provider of NHS care and financial year: the efficiency asked of it, compounded since the base year, beside the
-- savings that its own schemes state.
with

income_expenditure as (select * from core.income_expenditure_current),
savings as (select * from core.savings_current),
assumptions as (select * from core.assumptions_current),
expected_returns as (select * from reference.expected_returns),
rounds as (select * from reference.rounds),

providers as (
    select distinct organisation_code
    from expected_returns
    where role = 'provider' and template = 'finance'
),

base_costs as (
    select
        lines.round,
        lines.organisation_code,
        any_value(rounds.base_year) as base_year,
        bool_or(lines.is_illustrative) as is_illustrative,
        sum(lines.amount_gbp) as base_cost_gbp,
    from income_expenditure as lines
    inner join rounds on lines.round = rounds.round and lines.financial_year = rounds.base_year
    inner join providers on lines.organisation_code = providers.organisation_code
    where lines.scenario = 'do_nothing' and lines.flow = 'cost' and lines.is_recurrent
    group by lines.round, lines.organisation_code
    -- money on two bases is not added
    having count(distinct (lines.price_basis, lines.support_basis)) = 1
),

asked as (
    select
        assumptions.round,
        assumptions.financial_year,
        -- of what is left after the years before
        1 - exp(sum(ln(1 - assumptions.central_value)) over (
            partition by assumptions.round order by assumptions.financial_year
        )) as asked_share,
    from assumptions
    inner join rounds
        on assumptions.round = rounds.round
        and assumptions.financial_year > rounds.base_year
        and assumptions.financial_year <= rounds.horizon_year
    where assumptions.subject = 'funding' and assumptions.parameter = 'efficiency_requirement'
        and assumptions.scenario = 'all' and assumptions.applies_to = 'all' and assumptions.central_value < 1
),

-- what a provider saves in its own cost; support funding is money and no efficiency
stated as (
    select
        round,
        organisation_code,
        financial_year,
        sum(gross_saving_gbp) as stated_gbp,
    from savings
    where category <> 'support_funding'
    group by all
)

select
    -- keys
    base_costs.round,
    base_costs.organisation_code,
    asked.financial_year,
    base_costs.is_illustrative,
    -- measures
    base_costs.base_cost_gbp::decimal(18, 2) as base_cost_gbp,
    asked.asked_share,
    (base_costs.base_cost_gbp * asked.asked_share)::decimal(18, 2) as asked_gbp,
    coalesce(stated.stated_gbp, 0)::decimal(18, 2) as stated_gbp,
    (stated_gbp - asked_gbp)::decimal(18, 2) as beyond_asked_gbp,
from base_costs
inner join asked on base_costs.round = asked.round
left join stated
    on base_costs.round = stated.round
    and base_costs.organisation_code = stated.organisation_code
    and asked.financial_year = stated.financial_year
