-- One row per round, scenario, organisation, scheme, category, cost pool and financial year: what a scheme saves and costs, in
-- full, at its confidence, over the runs, and as far as it is reported delivered.
with

modelled as (select * from mart.savings_modelled),
delivered as (select * from mart.savings_delivered),
schemes as (select * from core.savings_schemes_current),
organisations as (select * from reference.organisations),

names as (
    select
        round,
        organisation_code,
        scheme_code,
        category,
        cost_pool,
        any_value(scheme_name) as scheme_name,
        any_value(owner) as owner,
    from schemes
    group by all
),

-- the narrowest report that covers the scheme: of the scheme, by the organisation or the system, before one of all schemes
reports as (
    select
        modelled.round,
        modelled.scenario,
        modelled.organisation_code,
        modelled.scheme_code,
        modelled.category,
        modelled.cost_pool,
        modelled.financial_year,
        arg_min(delivered, (delivered.scheme_code = 'all', delivered.organisation_code <> modelled.organisation_code))
            as report,
    from modelled
    inner join delivered
        on modelled.round = delivered.round
        and modelled.financial_year = delivered.financial_year
        and delivered.scheme_code in ('all', modelled.scheme_code)
    inner join organisations on delivered.organisation_code = organisations.organisation_code
    -- another organisation's report of the same scheme counts its own part alone
    where delivered.organisation_code = modelled.organisation_code
        or (organisations.organisation_kind = 'system' and delivered.scheme_code = modelled.scheme_code)
    group by all
)

select
    -- keys
    modelled.round,
    modelled.scenario,
    modelled.organisation_code,
    modelled.scheme_code,
    modelled.category,
    modelled.cost_pool,
    modelled.financial_year,
    -- what it is
    names.scheme_name,
    names.owner,
    modelled.scope,
    modelled.stated_as,
    modelled.start_date,
    modelled.is_illustrative,
    -- measures
    modelled.confidence_share,
    modelled.returned_saving_gbp,
    modelled.gross_saving_gbp,
    modelled.recurrent_saving_gbp,
    modelled.stopped_at_pool_gbp,
    modelled.investment_gbp,
    modelled.full_year_effect_gbp,
    modelled.expected_net_gbp,
    modelled.net_mean_runs_gbp,
    modelled.net_p10_runs_gbp,
    modelled.net_p90_runs_gbp,
    -- delivered to date, where a monitoring return says
    case
        when report.scheme_code = 'all' then 'all schemes of ' || report.organisation_code
        when report.organisation_code = modelled.organisation_code
            then report.scheme_code || ' of ' || report.organisation_code
        else report.scheme_code || ' in the system'
    end as delivered_covers,
    report.delivered_gbp as delivered_to_date_gbp,
    report.planned_to_date_gbp,
    report.delivered_share,
from modelled
left join names
    on modelled.round = names.round
    and modelled.organisation_code = names.organisation_code
    and modelled.scheme_code = names.scheme_code
    and modelled.category = names.category
    and modelled.cost_pool = names.cost_pool
left join reports
    on modelled.round = reports.round
    and modelled.scenario = reports.scenario
    and modelled.organisation_code = reports.organisation_code
    and modelled.scheme_code = reports.scheme_code
    and modelled.category = reports.category
    and modelled.cost_pool = reports.cost_pool
    and modelled.financial_year = reports.financial_year
