-- One row per round and headline of the funding gap report: money as returned or modelled, beside what was published of that
-- round in the same scope.
with

totals as (select * from mart.funding_gap_totals),
capital_totals as (select * from mart.capital_totals),
rounds as (select * from reference.rounds),
published_figures as (select * from reference.published_figures),

scopes as (
    select *
    from (
        values
            (1, 'nhs', 'NHS'),
            (2, 'local_authority', 'local authority'),
            (3, 'system', 'NHS and local authority')
    ) as scopes(place, area, words)
),

-- every round that has a finance return gets every headline, so that a figure which did not arrive shows as missing
returned as (
    select distinct rounds.round, rounds.base_year, rounds.horizon_year
    from totals
    inner join rounds on totals.round = rounds.round
),

nominal as (
    select *
    from totals
    where price_basis = 'nominal' and scenario in ('do_nothing', 'plan')
),

ends as (
    select
        returned.round,
        returned.base_year,
        returned.horizon_year,
        scopes.place,
        scopes.area,
        scopes.words,
        coalesce(bool_or(nominal.is_illustrative), false) as is_illustrative,
        coalesce(bool_and(nominal.is_complete), false) as is_complete,
        any_value(nominal) filter (
            where method = 'submitted' and scenario = 'do_nothing' and financial_year = base_year
        ) as at_base,
        any_value(nominal) filter (
            where method = 'submitted' and scenario = 'do_nothing' and financial_year = '2016/17'
        ) as in_2016_17,
        any_value(nominal) filter (
            where method = 'submitted' and scenario = 'do_nothing' and financial_year = horizon_year
        ) as nothing_done,
        any_value(nominal) filter (
            where method = 'submitted' and scenario = 'plan' and financial_year = horizon_year
        ) as planned,
        any_value(nominal) filter (
            where method = 'modelled' and scenario = 'plan' and financial_year = horizon_year
        ) as modelled,
    from returned
    cross join scopes
    left join nominal
        on returned.round = nominal.round
        and scopes.area = nominal.area
    group by all
),

of_scopes as (
    select
        round,
        area as scope,
        is_illustrative,
        is_complete,
        place,
        unnest(
            [
                {
                    'line': 1, 'method': 'submitted', 'headline_code': area || '_funding_gap',
                    'headline': words || ' gap in ' || horizon_year || ' if nothing is done, as returned',
                    'unit': 'gbp', 'figure': nothing_done.do_nothing_gap_gbp::double
                },
                {
                    'line': 2, 'method': 'submitted', 'headline_code': area || '_gross_saving',
                    'headline': words || ' savings stated for ' || horizon_year || ', before investment',
                    'unit': 'gbp', 'figure': planned.gross_saving_gbp::double
                },
                {
                    'line': 3, 'method': 'submitted', 'headline_code': area || '_residual_gap',
                    'headline': words || ' gap left in ' || horizon_year || ' by the plan as returned',
                    'unit': 'gbp', 'figure': planned.residual_gap_gbp::double
                },
                {
                    'line': 4, 'method': 'modelled', 'headline_code': area || '_funding_gap_modelled',
                    'headline': words || ' gap in ' || horizon_year || ' if nothing is done, modelled',
                    'unit': 'gbp', 'figure': modelled.do_nothing_gap_gbp::double
                },
                {
                    'line': 5, 'method': 'modelled', 'headline_code': area || '_residual_gap_in_full',
                    'headline': words || ' gap left in ' || horizon_year || ' if every scheme delivers in full, modelled',
                    'unit': 'gbp', 'figure': modelled.residual_gap_gbp::double
                },
                {
                    'line': 6, 'method': 'modelled', 'headline_code': area || '_residual_gap_mean_runs',
                    'headline': words || ' gap left in ' || horizon_year
                        || ' at the confidence that senders state (mean of the runs)',
                    'unit': 'gbp', 'figure': modelled.residual_gap_mean_runs_gbp::double
                },
                {
                    'line': 7, 'method': 'modelled', 'headline_code': area || '_residual_gap_p10_runs',
                    'headline': words || ' gap left in ' || horizon_year || ': nine runs in ten leave more',
                    'unit': 'gbp', 'figure': modelled.residual_gap_p10_runs_gbp::double
                },
                {
                    'line': 8, 'method': 'modelled', 'headline_code': area || '_residual_gap_p90_runs',
                    'headline': words || ' gap left in ' || horizon_year || ': one run in ten leaves more',
                    'unit': 'gbp', 'figure': modelled.residual_gap_p90_runs_gbp::double
                },
                {
                    'line': 9, 'method': 'modelled', 'headline_code': area || '_closed_pct',
                    'headline': 'probability that no ' || words || ' gap is left in ' || horizon_year
                        || ', as a share of the runs',
                    'unit': 'percent', 'figure': 100 * modelled.closed_probability
                }
            ],
            recursive := true
        ),
    from ends
),

-- spending and capital, each in the one scope in which it was published
of_money as (
    select
        round,
        area as scope,
        is_illustrative,
        is_complete,
        4 as place,
        unnest(
            [
                {
                    'line': 1, 'method': 'submitted', 'headline_code': if(area = 'nhs', 'nhs_spend_before', null),
                    'headline': 'NHS money from outside the system in ' || base_year,
                    'unit': 'gbp', 'figure': at_base.income_gbp::double
                },
                {
                    'line': 2, 'method': 'submitted', 'headline_code': if(area = 'nhs', 'nhs_spend_after', null),
                    'headline': 'NHS money from outside the system in ' || horizon_year,
                    'unit': 'gbp', 'figure': nothing_done.income_gbp::double
                },
                {
                    'line': 3, 'method': 'submitted',
                    'headline_code': if(area = 'system', 'health_and_social_care_spend', null),
                    'headline': 'NHS and local authority spend in 2016/17, each pound counted once',
                    'unit': 'gbp', 'figure': in_2016_17.cost_gbp::double
                }
            ],
            recursive := true
        ),
    from ends
    where area in ('nhs', 'system')
),

of_capital as (
    select
        returned.round,
        'nhs' as scope,
        coalesce(bool_or(capital_totals.is_illustrative), false) as is_illustrative,
        count(capital_totals.round) > 0 as is_complete,
        5 as place,
        unnest(
            [
                {
                    'line': 1, 'method': 'submitted', 'headline_code': 'capital_total',
                    'headline': 'capital over the plan', 'unit': 'gbp',
                    'figure': sum(capital_totals.needed_gbp)::double
                },
                {
                    'line': 2, 'method': 'submitted', 'headline_code': 'capital_external',
                    'headline': 'new external capital over the plan', 'unit': 'gbp',
                    'figure': (sum(capital_totals.needed_gbp) filter (where capital_totals.source = 'external'))::double
                },
                {
                    'line': 3, 'method': 'submitted', 'headline_code': 'capital_secured',
                    'headline': 'capital over the plan that is secured', 'unit': 'gbp',
                    'figure': sum(capital_totals.secured_gbp)::double
                }
            ],
            recursive := true
        ),
    from returned
    left join capital_totals
        on returned.round = capital_totals.round
        and capital_totals.price_basis = 'nominal'
    group by returned.round
),

lines as (
    select * from of_scopes
    union all by name
    select * from of_money where headline_code is not null
    union all by name
    select * from of_capital
),

-- a document speaks of the last plan published by its day, or before any was, of the first round; the first document counts
published as (
    select
        coalesce(
            max(rounds.round) filter (where rounds.published_on <= published_figures.published_on), min(rounds.round)
        ) as round,
        replace(published_figures.figure_code, '_earlier', '') as figure_code,
        published_figures.published_on,
        published_figures.document,
        published_figures.scope,
        published_figures.value::double as value,
        published_figures.printed_precision::double as step,
        published_figures.printed,
    from published_figures
    cross join rounds
    where published_figures.subject = 'money'
    group by all
),

first_published as (
    select
        round,
        figure_code,
        case scope when 'nhs_and_social_care' then 'system' else scope end as scope,
        arg_min(value, (published_on, document)) as value,
        arg_min(step, (published_on, document)) as step,
        arg_min(printed, (published_on, document)) as printed,
        arg_min(document, (published_on, document)) as document,
        min(published_on) as published_on,
    from published
    group by all
),

-- the same figure of the same scope, or nothing
compared as (
    select
        lines.*,
        first_published.value as published_figure,
        first_published.printed,
        first_published.document,
        first_published.published_on,
        lines.figure - first_published.value as difference,
        published_verdict(lines.figure, first_published.value, first_published.step, 0.005) as published_verdict,
    from lines
    left join first_published
        on lines.round = first_published.round
        and lines.headline_code = first_published.figure_code
        and lines.scope = first_published.scope
)

select
    -- keys
    round,
    row_number() over (partition by round order by place, line)::integer as position,
    headline_code,
    scope,
    method,
    upper(headline[1]) || headline[2:] as headline,
    -- measures
    figure,
    unit,
    published_figure,
    printed as published_as,
    document as published_in,
    published_on,
    difference,
    if(figure is null, 'not returned', published_verdict) as verdict,
    is_complete,
    is_illustrative,
from compared
order by round, position
