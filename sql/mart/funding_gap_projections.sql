-- One row per round, scenario, method, scope, organisation, category, recurrence, price basis and financial year: cost,
-- income and the gap between them.
with

income_expenditure as (select * from core.income_expenditure_current),
modelled as (select * from mart.funding_modelled),
inflation as (select * from mart.funding_inflation),

-- an organisation that mixes bases within a scenario has no sum
unmixed as (
    select round, scenario, organisation_code
    from income_expenditure
    group by all
    having count(distinct (price_basis, support_basis)) = 1
),

submitted as (
    select
        lines.round,
        lines.scenario,
        lines.scope,
        lines.organisation_code,
        lines.category,
        lines.is_recurrent,
        lines.support_basis,
        lines.price_basis,
        lines.financial_year,
        bool_or(lines.is_illustrative) as is_illustrative,
        coalesce(sum(lines.amount_gbp) filter (where lines.flow = 'cost'), 0) as cost_gbp,
        coalesce(sum(lines.amount_gbp) filter (where lines.flow = 'income'), 0) as income_gbp,
    from income_expenditure as lines
    inner join unmixed
        on lines.round = unmixed.round
        and lines.scenario = unmixed.scenario
        and lines.organisation_code = unmixed.organisation_code
    group by all
),

both_methods as (
    select
        round, scenario, 'submitted' as method, scope, organisation_code, category, is_recurrent, support_basis,
        financial_year, is_illustrative, price_basis as stated_price_basis, cost_gbp, income_gbp,
    from submitted
    union all by name
    select
        round, scenario, 'modelled' as method, scope, organisation_code, category, is_recurrent, support_basis,
        financial_year, is_illustrative, 'nominal' as stated_price_basis, cost_gbp, income_gbp,
    from modelled
),

-- each figure in the prices that it was stated in, and in the other ones by the deflator
price_bases as (
    select unnest(['nominal', 'real_2015_16']) as price_basis
),

priced as (
    select
        both_methods.*,
        price_bases.price_basis,
        case
            when price_bases.price_basis = both_methods.stated_price_basis then 1
            when price_bases.price_basis = 'nominal' then inflation.deflator
            else 1 / inflation.deflator
        end as factor,
    from both_methods
    cross join price_bases
    left join inflation
        on both_methods.round = inflation.round
        and both_methods.financial_year = inflation.financial_year
)

select
    -- keys
    round,
    scenario,
    method,
    scope,
    organisation_code,
    category,
    is_recurrent,
    price_basis,
    financial_year,
    -- what it is
    support_basis,
    stated_price_basis,
    is_illustrative,
    -- measures
    at_prices(cost_gbp, factor) as cost_gbp,
    at_prices(income_gbp, factor) as income_gbp,
    at_prices(cost_gbp, factor) - at_prices(income_gbp, factor) as gap_gbp,
from priced
where factor is not null
