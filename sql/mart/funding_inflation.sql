-- One row per round and financial year of its plan: the overall inflation assumed, what its weighted parts come to, and the
-- deflator to prices of the base year.
with

assumptions as (select * from core.assumptions_current),
rounds as (select * from reference.rounds),

funding as (
    select
        assumptions.round,
        assumptions.parameter,
        assumptions.applies_to,
        assumptions.financial_year,
        assumptions.central_value,
        rounds.base_year,
    from assumptions
    inner join rounds
        on assumptions.round = rounds.round
        and assumptions.financial_year between rounds.base_year and rounds.horizon_year
    where assumptions.subject = 'funding' and assumptions.scenario = 'all'
),

years as (select distinct round, financial_year, base_year from funding),

overall as (
    select round, financial_year, central_value as overall_share
    from funding
    where parameter = 'inflation' and applies_to = 'all'
),

parts as (
    select
        rates.round,
        rates.financial_year,
        sum(rates.central_value * weights.central_value) as weighted_share,
        sum(weights.central_value) as weight_share,
        count(*) as part_count,
    from funding as rates
    inner join funding as weights
        on rates.round = weights.round
        and rates.financial_year = weights.financial_year
        and rates.applies_to = weights.applies_to
        and weights.parameter = 'category_weight'
    where rates.parameter = 'inflation' and rates.applies_to <> 'all'
    group by all
),

tolerances as (
    select round, financial_year, central_value as tolerance_share
    from funding
    where parameter = 'inflation_tolerance'
)

select
    -- keys
    years.round,
    years.financial_year,
    -- measures
    overall.overall_share,
    parts.weighted_share,
    parts.weight_share,
    parts.part_count::integer as part_count,
    overall.overall_share - parts.weighted_share as difference_share,
    tolerances.tolerance_share,
    abs(difference_share) <= tolerances.tolerance_share + 1e-9 as is_within_tolerance,
    -- prices of the year against those of the base year: year by year, none taken where the assumption is missing
    exp(
        sum(ln(1 + if(years.financial_year = years.base_year, 0, coalesce(overall.overall_share, 0)))) over (
            partition by years.round
            order by years.financial_year
        )
    ) as deflator,
from years
left join overall on years.round = overall.round and years.financial_year = overall.financial_year
left join parts on years.round = parts.round and years.financial_year = parts.financial_year
left join tolerances on years.round = tolerances.round and years.financial_year = tolerances.financial_year
