-- One row per round, guard, organisation and what it is about: what the finance returns leave open or say twice, with its cells.
with

lines as (select * from core.income_expenditure_current),
savings as (select * from core.savings_current),
schemes as (select * from core.savings_schemes_current),
flows as (select * from mart.system_flows),
modelled as (select * from mart.savings_modelled),
model_doubts as (select * from mart.funding_model_doubts),
inflation as (select * from mart.funding_inflation),
rounds as (select * from reference.rounds),
financial_years as (select * from reference.financial_years),

-- the model's own, which speak of assumptions, or name cells in their words
of_the_model as (
    select round, guard, organisation_code, about, message, null as submission_id, null as cells
    from model_doubts
),

-- plan lines mix bases as do-nothing lines can; the model reads the latter alone
mixed_in_the_plan as (
    select
        round,
        'mixed_basis' as guard,
        organisation_code,
        scenario as about,
        organisation_code || ' states its ' || scenario || ' lines on two bases ('
            || string_agg(distinct price_basis || ', ' || replace(support_basis, '_', ' '), ' and ')
            || '): they are not added' as message,
        any_value(submission_id) as submission_id,
        string_agg(distinct sheet || '!' || cell, ', ' order by sheet || '!' || cell) filter (where not is_usual)
            as cells,
    from (
        select
            lines.*,
            (price_basis, support_basis) = mode((price_basis, support_basis)) over (
                partition by round, scenario, organisation_code
            ) as is_usual,
        from lines
    )
    group by round, organisation_code, scenario
    having count(distinct (price_basis, support_basis)) > 1 and scenario <> 'do_nothing'
),

plan_years as (
    select rounds.round, financial_years.financial_year
    from rounds
    inner join financial_years
        on financial_years.financial_year between rounds.base_year and rounds.horizon_year
),

-- a line of income or cost that has some years of the plan and lacks others
years_missing as (
    select
        lines.round,
        'year_missing' as guard,
        lines.organisation_code,
        lines.line || ', ' || lines.scenario as about,
        lines.line || ' (' || lines.scenario || ') lacks ' || string_agg(plan_years.financial_year, ', '
            order by plan_years.financial_year)
            || ': the totals of those years are too low, and the model knows no pressure or one-off of that year'
            as message,
        any_value(lines.submission_id) as submission_id,
        any_value(lines.cells) as cells,
    from (
        select
            round, organisation_code, line, category, counterparty_code, scenario, is_recurrent, support_basis,
            price_basis, any_value(submission_id) as submission_id, list(financial_year) as years,
            string_agg(sheet || '!' || cell, ', ' order by cell) as cells,
        from lines
        group by all
    ) as lines
    inner join plan_years
        on lines.round = plan_years.round
        and not list_contains(lines.years, plan_years.financial_year)
    group by lines.round, lines.organisation_code, lines.line, lines.category, lines.counterparty_code, lines.scenario,
        lines.is_recurrent
),

-- income, cost, savings and investment are all entered as positive numbers
signs_reversed as (
    select
        round,
        'negative_amount' as guard,
        organisation_code,
        line || ', ' || scenario as about,
        line || ' (' || scenario || ') is below zero in ' || string_agg(financial_year, ', ' order by financial_year)
            || ': income and cost are both entered as positive numbers; it is added as it stands' as message,
        any_value(submission_id) as submission_id,
        string_agg(sheet || '!' || cell, ', ' order by cell) as cells,
    from lines
    where amount_gbp < 0
    group by round, organisation_code, line, category, scenario, is_recurrent
    union all
    select
        round,
        'negative_amount' as guard,
        organisation_code,
        scheme_code || ', ' || cost_pool as about,
        'The saving or investment of ' || scheme_code || ' is below zero in '
            || string_agg(financial_year, ', ' order by financial_year)
            || ': both are entered as positive numbers; it is added as it stands' as message,
        any_value(submission_id) as submission_id,
        string_agg(
            sheet || '!' || if(gross_saving_gbp < 0, gross_saving_cell, investment_cell), ', ' order by financial_year
        ) as cells,
    from savings
    where gross_saving_gbp < 0 or investment_gbp < 0
    group by round, organisation_code, scheme_code, cost_pool, category, is_recurrent
),

-- a contract with nobody of the system, or with the organisation itself
outside_the_system as (
    select
        round,
        'counterparty_outside' as guard,
        organisation_code,
        line || ', ' || scenario as about,
        line || ' (' || scenario || ') is under ' || replace(category, '_', ' ')
            || if(counterparty_code = organisation_code, ' from itself', ' with nobody of the system')
            || ': it is no flow inside the system and is not eliminated' as message,
        any_value(submission_id) as submission_id,
        string_agg(sheet || '!' || cell, ', ' order by cell) as cells,
    from lines
    where category in ('healthcare_bought', 'contract_income') and counterparty_code in ('other', organisation_code)
    group by round, organisation_code, counterparty_code, line, category, scenario, is_recurrent
),

flows_unmatched as (
    select
        round,
        case
            when status in ('purchaser returned nothing', 'provider returned nothing') then 'counterparty_not_returned'
            when status = 'stated differently' then 'mixed_basis'
            when status = 'differs' then 'flow_differs'
            else 'flow_on_one_side'
        end as guard,
        if(status in ('provider only', 'purchaser returned nothing'), provider_code, purchaser_code)
            as organisation_code,
        purchaser_code || ' buys from ' || provider_code || ', ' || scenario as about,
        purchaser_code || ' buys from ' || provider_code || ' (' || scenario || '): ' || status || ' in '
            || string_agg(financial_year, ', ' order by financial_year)
            || if(
                status = 'differs',
                '; the most is ' || format('{:,.0f}', max(abs(mismatch_gbp)))
                    || ' GBP, and the purchaser''s figure is the one eliminated',
                '; it is not eliminated'
            ) as message,
        coalesce(any_value(purchaser_submission_id), any_value(provider_submission_id)) as submission_id,
        concat_ws(
            '; ',
            purchaser_code || ' ' || string_agg(purchaser_cells, ', ' order by financial_year),
            provider_code || ' ' || string_agg(provider_cells, ', ' order by financial_year)
        ) as cells,
    from flows
    where status <> 'matched'
    group by round, scenario, purchaser_code, provider_code, is_recurrent, status
),

by_scheme as (
    select
        schemes.round,
        schemes.organisation_code,
        schemes.scheme_code,
        schemes.cost_pool,
        any_value(schemes.submission_id) as submission_id,
        any_value(schemes.sheet) as sheet,
        min(schemes.start_date) as start_date,
        any_value(schemes.start_date_cell) as start_date_cell,
        max(schemes.full_year_effect_share) as full_year_effect_share,
        any_value(schemes.full_year_effect_cell) as full_year_effect_cell,
        max(schemes.stated_as) as stated_as,
    from schemes
    group by all
),

saved as (
    select
        savings.round,
        savings.organisation_code,
        savings.scheme_code,
        savings.cost_pool,
        savings.financial_year,
        any_value(financial_years.ends_on) as ends_on,
        sum(savings.gross_saving_gbp) as gross_saving_gbp,
        sum(savings.investment_gbp) as investment_gbp,
        string_agg(savings.gross_saving_cell, ', ' order by savings.gross_saving_cell) as gross_saving_cells,
        string_agg(savings.investment_cell, ', ' order by savings.investment_cell) as investment_cells,
    from savings
    inner join financial_years on savings.financial_year = financial_years.financial_year
    group by all
),

pools as (
    select
        round,
        organisation_code,
        category as cost_pool,
        financial_year,
        sum(amount_gbp) as pool_gbp,
    from lines
    where scenario = 'do_nothing'
    group by all
),

by_year as (
    select
        saved.round,
        saved.financial_year,
        by_scheme.submission_id,
        by_scheme.sheet || '!' || saved.gross_saving_cells as cells,
        case
            when coalesce(pools.pool_gbp, 0) = 0 and saved.gross_saving_gbp > 0 then 'pool_without_cost'
            when saved.gross_saving_gbp > 0 and saved.ends_on < by_scheme.start_date then 'saving_before_start'
        end as guard,
        saved.organisation_code,
        saved.scheme_code || ', ' || saved.cost_pool as about,
        case
            when coalesce(pools.pool_gbp, 0) = 0 and saved.gross_saving_gbp > 0
                then saved.scheme_code || ' saves from ' || replace(saved.cost_pool, '_', ' ') || ', of which '
                    || saved.organisation_code || ' returned no cost: nothing can be saved there'
            else saved.scheme_code || ' saves in a year that ends before it starts on '
                || strftime(by_scheme.start_date, '%d/%m/%Y') || ': it is taken as it stands'
        end as message,
    from saved
    inner join by_scheme
        on saved.round = by_scheme.round
        and saved.organisation_code = by_scheme.organisation_code
        and saved.scheme_code = by_scheme.scheme_code
        and saved.cost_pool = by_scheme.cost_pool
    left join pools
        on saved.round = pools.round
        and saved.organisation_code = pools.organisation_code
        and saved.cost_pool = pools.cost_pool
        and saved.financial_year = pools.financial_year
),

of_schemes as (
    select
        round,
        guard,
        organisation_code,
        about,
        message,
        any_value(submission_id) as submission_id,
        string_agg(cells, ', ' order by financial_year) as cells,
    from by_year
    where guard is not null
    group by round, guard, organisation_code, about, message
),

-- an investment that saves nothing in any pool of the organisation
idle_investments as (
    select
        saved.round,
        'investment_without_saving' as guard,
        saved.organisation_code,
        saved.scheme_code as about,
        saved.scheme_code || ' costs ' || format('{:,.0f}', sum(saved.investment_gbp)) || ' GBP at '
            || saved.organisation_code || ' and saves nothing there: the money is counted as spent' as message,
        any_value(by_scheme.submission_id) as submission_id,
        string_agg(by_scheme.sheet || '!' || saved.investment_cells, ', ' order by saved.financial_year) as cells,
    from saved
    inner join by_scheme
        on saved.round = by_scheme.round
        and saved.organisation_code = by_scheme.organisation_code
        and saved.scheme_code = by_scheme.scheme_code
        and saved.cost_pool = by_scheme.cost_pool
    group by saved.round, saved.organisation_code, saved.scheme_code
    having sum(saved.investment_gbp) > 0 and coalesce(sum(saved.gross_saving_gbp), 0) <= 0
),

shares_out_of_range as (
    select
        round,
        'share_out_of_range' as guard,
        organisation_code,
        scheme_code || ', ' || cost_pool as about,
        scheme_code || ' states its full-year effect as a share of ' || full_year_effect_share
            || ': a share is from 0 to 1, such as 0.04 for 4%. Its savings by year are used' as message,
        submission_id,
        sheet || '!' || full_year_effect_cell as cells,
    from by_scheme
    where stated_as = 'share' and full_year_effect_share not between 0 and 1
),

stopped_at_the_pool as (
    select
        round,
        'above_its_pool' as guard,
        organisation_code,
        cost_pool as about,
        'Schemes of ' || organisation_code || ' save more than there is of ' || replace(cost_pool, '_', ' ') || ' in '
            || string_agg(distinct financial_year, ', ' order by financial_year) || ': '
            || format('{:,.0f}', max(stopped_gbp)) || ' GBP at most is not counted' as message,
        null as submission_id,
        null as cells,
    from (
        select round, organisation_code, cost_pool, financial_year, sum(stopped_at_pool_gbp) as stopped_gbp
        from modelled
        where scenario = 'plan' and stated_as = 'gbp'
        group by all
        having sum(stopped_at_pool_gbp) > 0
    )
    group by round, organisation_code, cost_pool
),

inflation_apart as (
    select
        round,
        'inflation_apart' as guard,
        null as organisation_code,
        financial_year as about,
        'The overall inflation of ' || financial_year || ' is ' || format('{:.2f}', 100 * overall_share)
            || '% and its weighted parts come to ' || format('{:.2f}', 100 * weighted_share) || '%' as message,
        null as submission_id,
        null as cells,
    from inflation
    where not is_within_tolerance
)

-- a line's words may stand under two categories: what is said of both is one row
select
    -- keys
    found.round,
    found.guard,
    coalesce(found.organisation_code, 'system') as area,
    found.about,
    -- what is said
    string_agg(distinct found.message, '; ' order by found.message) as message,
    any_value(found.submission_id) as submission_id,
    string_agg(distinct found.cells, ', ' order by found.cells) as cells,
from (
    select * from of_the_model
    union all by name select * from mixed_in_the_plan
    union all by name select * from years_missing
    union all by name select * from signs_reversed
    union all by name select * from outside_the_system
    union all by name select * from flows_unmatched
    union all by name select * from of_schemes
    union all by name select * from idle_investments
    union all by name select * from shares_out_of_range
    union all by name select * from stopped_at_the_pool
    union all by name select * from inflation_apart
) as found
group by found.round, found.guard, found.organisation_code, found.about
