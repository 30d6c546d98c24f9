-- One row per round, scenario, method, area, price basis and financial year: cost and income after elimination, the gap if
-- nothing is done, what schemes change, and the gap that is left.
with

income_expenditure as (select * from core.income_expenditure_current),
flows as (select * from mart.system_flows),
modelled as (select * from mart.funding_modelled_totals),
modelled_parts as (select * from mart.funding_modelled),
inflation as (select * from mart.funding_inflation),
savings as (select * from core.savings_current),
completeness as (select * from mart.return_completeness),
organisations as (select * from reference.organisations),

-- each organisation by itself, with those of its scope, and with all
areas as (
    select organisation_code, scope, organisation_code as area from organisations
    union all
    select organisation_code, scope, scope as area from organisations
    union all
    select organisation_code, 'system' as scope, 'system' as area from organisations
),

expected as (
    select
        completeness.period as round,
        areas.area,
        bool_and(completeness.submission_id is not null) as is_complete,
    from completeness
    inner join areas on completeness.organisation_code = areas.organisation_code
    where completeness.template = 'finance' and completeness.is_expected
    group by all
),

-- a line or an organisation that lacks a year makes the year's sum too low
every_line as (
    select
        round,
        organisation_code,
        scenario,
        count(distinct (line, category, counterparty_code, is_recurrent, support_basis, price_basis)) as line_count,
    from income_expenditure
    group by all
),

whole as (
    select
        lines.round,
        lines.organisation_code,
        lines.scenario,
        lines.financial_year,
        count(*) = any_value(every_line.line_count) as has_every_line,
    from income_expenditure as lines
    inner join every_line
        on lines.round = every_line.round
        and lines.organisation_code = every_line.organisation_code
        and lines.scenario = every_line.scenario
    group by lines.round, lines.organisation_code, lines.scenario, lines.financial_year
),

senders as (
    select
        lines.round,
        areas.area,
        count(distinct lines.organisation_code) as sender_count,
    from income_expenditure as lines
    inner join areas on lines.organisation_code = areas.organisation_code
    group by all
),

-- an organisation that states its money on two bases is in no modelled total
in_the_model as (
    select
        modelled_parts.round,
        modelled_parts.scenario,
        areas.area,
        count(distinct modelled_parts.organisation_code) as sender_count,
    from modelled_parts
    inner join areas on modelled_parts.organisation_code = areas.organisation_code
    group by all
),

summed as (
    select
        lines.round,
        lines.scenario,
        areas.area,
        areas.scope,
        lines.financial_year,
        -- money on two bases is not added: the area has no total
        count(distinct (lines.price_basis, lines.support_basis)) as basis_count,
        any_value(lines.price_basis) as price_basis,
        bool_or(lines.is_illustrative) as is_illustrative,
        bool_and(whole.has_every_line) as has_every_line,
        list_sort(list(distinct lines.organisation_code)) as senders,
        coalesce(sum(lines.amount_gbp) filter (where lines.flow = 'cost'), 0) as cost_gbp,
        coalesce(sum(lines.amount_gbp) filter (where lines.flow = 'income'), 0) as income_gbp,
    from income_expenditure as lines
    inner join areas on lines.organisation_code = areas.organisation_code
    inner join whole
        on lines.round = whole.round
        and lines.organisation_code = whole.organisation_code
        and lines.scenario = whole.scenario
        and lines.financial_year = whole.financial_year
    group by all
),

inside as (
    select
        flows.round,
        flows.scenario,
        purchasers.area,
        flows.financial_year,
        sum(flows.eliminated_gbp) as eliminated_gbp,
    from flows
    inner join areas as purchasers on flows.purchaser_code = purchasers.organisation_code
    inner join areas as providers
        on flows.provider_code = providers.organisation_code
        and purchasers.area = providers.area
    group by all
),

invested as (
    select
        savings.round,
        areas.area,
        savings.financial_year,
        sum(savings.gross_saving_gbp) as gross_saving_gbp,
        sum(savings.investment_gbp) as investment_gbp,
    from savings
    inner join areas on savings.organisation_code = areas.organisation_code
    group by all
),

submitted as (
    select
        summed.round,
        summed.scenario,
        'submitted' as method,
        summed.area,
        summed.scope,
        summed.financial_year,
        summed.price_basis as stated_price_basis,
        summed.is_illustrative,
        summed.has_every_line and len(summed.senders) = senders.sender_count as has_every_line,
        summed.cost_gbp - coalesce(inside.eliminated_gbp, 0) as cost_gbp,
        summed.income_gbp - coalesce(inside.eliminated_gbp, 0) as income_gbp,
        coalesce(inside.eliminated_gbp, 0) as eliminated_gbp,
        nothing_done.cost_gbp - nothing_done.income_gbp as do_nothing_gap_gbp,
        if(summed.scenario = 'do_nothing', 0, coalesce(invested.gross_saving_gbp, 0)) as gross_saving_gbp,
        if(summed.scenario = 'do_nothing', 0, coalesce(invested.investment_gbp, 0)) as investment_gbp,
        -- who has no plan is no saving
        if(
            summed.senders = nothing_done.senders, summed.cost_gbp - summed.income_gbp - do_nothing_gap_gbp, null
        ) as schemes_effect_gbp,
        summed.cost_gbp - summed.income_gbp as residual_gap_gbp,
    from summed
    inner join summed as nothing_done
        on summed.round = nothing_done.round
        and summed.area = nothing_done.area
        and summed.financial_year = nothing_done.financial_year
        and nothing_done.scenario = 'do_nothing'
        and nothing_done.basis_count = 1
        and nothing_done.price_basis = summed.price_basis
    inner join senders on summed.round = senders.round and summed.area = senders.area
    left join inside
        on summed.round = inside.round
        and summed.scenario = inside.scenario
        and summed.area = inside.area
        and summed.financial_year = inside.financial_year
    left join invested
        on summed.round = invested.round
        and summed.area = invested.area
        and summed.financial_year = invested.financial_year
    where summed.basis_count = 1
),

both_methods as (
    select * from submitted
    union all by name
    select
        modelled.*,
        'modelled' as method,
        'nominal' as stated_price_basis,
        in_the_model.sender_count = senders.sender_count and modelled.residual_gap_gbp is not null as has_every_line,
    from modelled
    inner join in_the_model
        on modelled.round = in_the_model.round
        and modelled.scenario = in_the_model.scenario
        and modelled.area = in_the_model.area
    inner join senders on modelled.round = senders.round and modelled.area = senders.area
),

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
    priced.round,
    priced.scenario,
    priced.method,
    priced.area,
    priced.price_basis,
    priced.financial_year,
    -- what it is
    priced.scope,
    priced.is_illustrative,
    coalesce(expected.is_complete, false) and priced.has_every_line as is_complete,
    -- measures
    at_prices(priced.cost_gbp, priced.factor) as cost_gbp,
    at_prices(priced.income_gbp, priced.factor) as income_gbp,
    at_prices(priced.eliminated_gbp, priced.factor) as eliminated_gbp,
    at_prices(priced.do_nothing_gap_gbp, priced.factor) as do_nothing_gap_gbp,
    at_prices(priced.gross_saving_gbp, priced.factor) as gross_saving_gbp,
    at_prices(priced.investment_gbp, priced.factor) as investment_gbp,
    at_prices(priced.stopped_at_pool_gbp, priced.factor) as stopped_at_pool_gbp,
    at_prices(priced.schemes_effect_gbp, priced.factor) as schemes_effect_gbp,
    at_prices(priced.residual_gap_gbp, priced.factor) as residual_gap_gbp,
    at_prices(greatest(priced.residual_gap_gbp, 0), priced.factor) as unidentified_gbp,
    at_prices(greatest(-priced.residual_gap_gbp, 0), priced.factor) as over_closure_gbp,
    at_prices(priced.residual_gap_mean_runs_gbp, priced.factor) as residual_gap_mean_runs_gbp,
    at_prices(priced.residual_gap_p10_runs_gbp, priced.factor) as residual_gap_p10_runs_gbp,
    at_prices(priced.residual_gap_p50_runs_gbp, priced.factor) as residual_gap_p50_runs_gbp,
    at_prices(priced.residual_gap_p90_runs_gbp, priced.factor) as residual_gap_p90_runs_gbp,
    priced.closed_probability,
    priced.runs,
from priced
left join expected on priced.round = expected.round and priced.area = expected.area
where priced.factor is not null
