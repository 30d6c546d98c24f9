-- One row per round, check, scenario, organisation, counterparty, what it is about and financial year: two figures of
-- money that should be one, or a day that money should not outlast.
with

income_expenditure as (select * from core.income_expenditure_current),
savings as (select * from core.savings_current),
capital as (select * from core.capital_current),
bed_schemes as (select * from core.bed_schemes_current),
financial_years as (select * from reference.financial_years),

-- 1. what a provider earns from a commissioner of the system, and what that commissioner buys from it

contracts as (
    select
        round,
        scenario,
        if(category = 'contract_income', organisation_code, counterparty_code) as provider_code,
        if(category = 'contract_income', counterparty_code, organisation_code) as commissioner_code,
        financial_year,
        sum(amount_gbp) filter (where category = 'contract_income') as earned_gbp,
        sum(amount_gbp) filter (where category = 'healthcare_bought') as bought_gbp,
        list_sort(list(distinct submission_id) filter (where category = 'contract_income'))
            as earned_submission_ids,
        list_sort(list(distinct submission_id) filter (where category = 'healthcare_bought'))
            as bought_submission_ids,
        list(cell_reference(sheet, cell) order by amount_gbp desc, cell)
            filter (where category = 'contract_income') as earned_cells,
        list(cell_reference(sheet, cell) order by amount_gbp desc, cell)
            filter (where category = 'healthcare_bought') as bought_cells,
        case
            when count(distinct price_basis) > 1
                then 'The two sides, or lines of one, are in different prices: nominal and of 2015/16'
            when count(distinct support_basis) > 1
                then 'The two sides, or lines of one, are stated on different bases: with and without support funding'
        end as reason,
    from income_expenditure
    where category in ('contract_income', 'healthcare_bought') and counterparty_code <> 'other'
    group by all
),

contract_income as (
    select
        round,
        'contract_income_against_bought' as check_code,
        scenario,
        provider_code as organisation_code,
        commissioner_code as counterparty_code,
        'contract' as about,
        map {
            'scenario': scenario, 'provider_code': provider_code, 'commissioner_code': commissioner_code
        } as parts,
        financial_year,
        [financial_year] as financial_years,
        'GBP' as unit,
        'contract income of the provider' as left_label,
        earned_gbp as left_value,
        provider_code as left_organisation_code,
        ['income_expenditure'] as left_tables,
        earned_submission_ids as left_submission_ids,
        earned_cells as left_cells,
        'healthcare bought by the commissioner' as right_label,
        bought_gbp as right_value,
        commissioner_code as right_organisation_code,
        ['income_expenditure'] as right_tables,
        bought_submission_ids as right_submission_ids,
        bought_cells as right_cells,
        reason,
    from contracts
),

-- 2. do nothing less plan on the lines of a cost pool, and what its schemes save less what they cost

pools as (
    select
        round,
        organisation_code,
        category as cost_pool,
        financial_year,
        sum(amount_gbp) filter (where scenario = 'do_nothing') - sum(amount_gbp) filter (where scenario = 'plan')
            as fall_gbp,
        list_sort(list(distinct submission_id)) as submission_ids,
        list(cell_reference(sheet, cell) order by abs(amount_gbp) desc, cell) as cells,
        case
            when count(distinct price_basis) > 1 or any_value(price_basis) <> 'nominal'
                then 'Lines are in prices of 2015/16, savings in those of their year'
        end as reason,
    from income_expenditure
    where flow = 'cost'
    group by all
),

saved as (
    select
        round,
        organisation_code,
        cost_pool,
        financial_year,
        coalesce(sum(gross_saving_gbp), 0) - coalesce(sum(investment_gbp), 0) as net_gbp,
        list_sort(list(distinct submission_id)) as submission_ids,
        list(cell_reference(sheet, gross_saving_cell) order by gross_saving_gbp desc, gross_saving_cell)
            || list(cell_reference(sheet, investment_cell) order by investment_gbp desc, investment_cell) as cells,
    from savings
    group by all
),

-- a pool without a scheme is planned at what it would cost anyway
savings_finance as (
    select
        round,
        'savings_against_finance' as check_code,
        'plan' as scenario,
        organisation_code,
        null::varchar as counterparty_code,
        cost_pool as about,
        map { 'cost_pool': cost_pool } as parts,
        financial_year,
        [financial_year] as financial_years,
        'GBP' as unit,
        'gross saving less investment' as left_label,
        coalesce(saved.net_gbp, 0) as left_value,
        organisation_code as left_organisation_code,
        if(saved.net_gbp is null, [], ['savings']) as left_tables,
        saved.submission_ids as left_submission_ids,
        saved.cells as left_cells,
        'do nothing less plan' as right_label,
        pools.fall_gbp as right_value,
        organisation_code as right_organisation_code,
        ['income_expenditure'] as right_tables,
        pools.submission_ids as right_submission_ids,
        pools.cells as right_cells,
        pools.reason,
    from pools
    full join saved using (round, organisation_code, cost_pool, financial_year)
),

-- 3. capital of a scheme is spent before the beds that it builds are open

openings as (
    select
        round,
        scheme_code,
        max(start_date) as opening_date,
        list_sort(list(distinct submission_id)) as submission_ids,
        arg_max(organisation_code, (start_date, organisation_code)) as organisation_code,
        list_sort(list(distinct cell_reference(sheet, start_date_cell))) as cells,
    from bed_schemes
    where mechanism = 'open'
    group by all
),

spending as (
    select
        capital.round,
        capital.organisation_code,
        capital.scheme_code,
        capital.source,
        capital.financial_year,
        sum(capital.amount_gbp) as amount_gbp,
        list_sort(list(distinct capital.submission_id)) as submission_ids,
        list(cell_reference(capital.sheet, capital.cell) order by capital.amount_gbp desc, capital.cell) as cells,
        openings.opening_date,
        openings.organisation_code as opening_organisation_code,
        openings.submission_ids as opening_submission_ids,
        openings.cells as opening_cells,
        make_date(left(capital.financial_year, 4)::integer, 4, 1) as first_date,
    from capital
    left join openings
        on capital.round = openings.round
        and capital.scheme_code = openings.scheme_code
    where capital.amount_gbp > 0
    group by all
),

-- the day of opening is day 1: a year that begins on it is spent after it
capital_opening as (
    select
        round,
        'capital_against_opening' as check_code,
        'plan' as scenario,
        organisation_code,
        null::varchar as counterparty_code,
        concat_ws(', ', scheme_code, source || ' capital') as about,
        map { 'scheme_code': scheme_code } as parts,
        financial_year,
        [financial_year] as financial_years,
        'days' as unit,
        'first day of a year with capital, counted from the opening' as left_label,
        first_date - opening_date + 1 as left_value,
        organisation_code as left_organisation_code,
        ['capital'] as left_tables,
        submission_ids as left_submission_ids,
        cells as left_cells,
        'last day before its beds open' as right_label,
        if(opening_date is null, null, 0) as right_value,
        coalesce(opening_organisation_code, organisation_code) as right_organisation_code,
        if(opening_date is null, [], ['bed_schemes']) as right_tables,
        opening_submission_ids as right_submission_ids,
        opening_cells as right_cells,
        if(opening_date is null, 'No line of a Bed schemes sheet says that the scheme opens beds', null) as reason,
        in_words(amount_gbp, 'GBP') || ' is spent in ' || financial_year || ', a year that begins '
        || case first_date - opening_date
            when 0 then 'on the day on which'
            when 1 then 'the day after'
            else format('{:,} days after', (first_date - opening_date)::bigint)
        end
        || strftime(opening_date, ' its beds open, %-d %B %Y') as hint,
    from spending
),

every_check as (
    select * from contract_income
    union all by name
    select * from savings_finance
    union all by name
    select * from capital_opening
)

select
    -- keys
    round,
    check_code,
    scenario,
    organisation_code,
    counterparty_code,
    replace(about, '_', ' ') as about,
    financial_year,
    parts,
    financial_years,
    -- measures
    unit,
    left_label,
    left_value::double as left_value,
    right_label,
    right_value::double as right_value,
    -- money before the opening is no difference
    if(unit = 'days' and left_value <= 0, 0, left_value - right_value)::double as difference,
    reason,
    hint,
    -- where each figure came from
    left_organisation_code,
    left_tables,
    left_submission_ids,
    first_cells(left_cells) as left_cells,
    len(left_cells)::integer as left_cell_count,
    right_organisation_code,
    right_tables,
    right_submission_ids,
    first_cells(right_cells) as right_cells,
    len(right_cells)::integer as right_cell_count,
from every_check
