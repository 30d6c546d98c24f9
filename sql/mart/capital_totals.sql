-- One row per round, price basis and source of funding: capital over the whole plan, and whether the source can pay for it.
with

capital_plan as (select * from mart.capital_plan)

select
    -- keys
    round,
    price_basis,
    source,
    bool_or(is_illustrative) as is_illustrative,
    -- measures
    sum(amount_gbp)::decimal(18, 2) as needed_gbp,
    sum(secured_gbp)::decimal(18, 2) as secured_gbp,
    coalesce(sum(amount_gbp) filter (where status = 'bid'), 0)::decimal(18, 2) as bid_gbp,
    coalesce(sum(amount_gbp) filter (where status = 'planned'), 0)::decimal(18, 2) as planned_gbp,
    if(bool_and(expected_gbp is not null), sum(expected_gbp), null)::decimal(18, 2) as expected_gbp,
    if(bool_and(expected_gbp is not null), sum(amount_gbp) - sum(expected_gbp), null)::decimal(18, 2)
        as expected_shortfall_gbp,
    sum(amount_gbp)::double / nullif(sum(sum(amount_gbp)) over (partition by round, price_basis), 0)::double
        as source_share,
    sum(secured_gbp)::double / nullif(sum(amount_gbp), 0)::double as secured_share,
from capital_plan
group by round, price_basis, source
