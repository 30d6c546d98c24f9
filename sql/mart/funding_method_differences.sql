-- One row per round, organisation, category and financial year: the do-nothing cost or income as returned beside the modelled
-- one, and how each grows.
with

projections as (select * from mart.funding_gap_projections),
bridges as (select * from mart.funding_bridges),
rounds as (select * from reference.rounds),

by_method as (
    select
        projections.round,
        projections.organisation_code,
        projections.category,
        projections.financial_year,
        rounds.base_year,
        sum(projections.cost_gbp + projections.income_gbp) filter (where projections.method = 'submitted')
            ::decimal(18, 2) as submitted_gbp,
        sum(projections.cost_gbp + projections.income_gbp) filter (where projections.method = 'modelled')
            ::decimal(18, 2) as modelled_gbp,
    from projections
    inner join rounds on projections.round = rounds.round
    where projections.scenario = 'do_nothing' and projections.price_basis = 'nominal'
    group by all
),

-- what the model's change since the base year is made of
steps as (
    select
        round,
        area as organisation_code,
        category,
        financial_year,
        sum(change_gbp) filter (where factor = 'inflation') as inflation_gbp,
        sum(change_gbp) filter (where factor = 'demand') as demand_gbp,
        sum(change_gbp) filter (where factor = 'income_growth') as income_growth_gbp,
        sum(change_gbp) filter (where factor in ('pressures', 'non_recurrent')) as as_returned_gbp,
    from bridges
    where scenario = 'do_nothing'
    group by all
),

compared as (
    select
        by_method.*,
        first_value(submitted_gbp) over by_year as submitted_base_gbp,
        first_value(modelled_gbp) over by_year as modelled_base_gbp,
        row_number() over by_year - 1 as years_since_base,
        sum(steps.inflation_gbp) over so_far as inflation_gbp,
        sum(steps.demand_gbp) over so_far as demand_gbp,
        sum(steps.income_growth_gbp) over so_far as income_growth_gbp,
        sum(steps.as_returned_gbp) over so_far as as_returned_gbp,
    from by_method
    left join steps
        on by_method.round = steps.round
        and by_method.organisation_code = steps.organisation_code
        and by_method.category = steps.category
        and by_method.financial_year = steps.financial_year
    window
        by_year as (
            partition by by_method.round, by_method.organisation_code, by_method.category
            order by by_method.financial_year
        ),
        so_far as (
            partition by by_method.round, by_method.organisation_code, by_method.category
            order by by_method.financial_year
            rows between unbounded preceding and current row
        )
)

select
    -- keys
    round,
    organisation_code,
    category,
    financial_year,
    if(category in ('allocation', 'contract_income', 'other_income'), 'income', 'cost') as side,
    -- measures
    submitted_gbp,
    modelled_gbp,
    (modelled_gbp - submitted_gbp)::decimal(18, 2) as difference_gbp,
    years_since_base::integer as years_since_base,
    submitted_base_gbp,
    modelled_base_gbp,
    100 * (yearly_growth(submitted_base_gbp, submitted_gbp, years_since_base)) as submitted_growth_pct,
    100 * (yearly_growth(modelled_base_gbp, modelled_gbp, years_since_base)) as modelled_growth_pct,
    coalesce(inflation_gbp, 0)::decimal(18, 2) as inflation_gbp,
    coalesce(demand_gbp, 0)::decimal(18, 2) as demand_gbp,
    coalesce(income_growth_gbp, 0)::decimal(18, 2) as income_growth_gbp,
    coalesce(as_returned_gbp, 0)::decimal(18, 2) as as_returned_gbp,
from compared
