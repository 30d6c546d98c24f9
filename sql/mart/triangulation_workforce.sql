-- One row per round, check, organisation, what it is about and financial year: two figures of staff and what they cost
-- that should be one.
with

workforce as (select * from core.workforce_current),
income_expenditure as (select * from core.income_expenditure_current),
assumptions as (select * from core.assumptions_current),
financial_years as (select * from reference.financial_years),
expected_returns as (select * from reference.expected_returns),

years as (
    select financial_year, lag(financial_year) over (order by financial_year) as year_before from financial_years
),

pay_inflation as (
    select round, financial_year, any_value(central_value) as inflation_share
    from assumptions
    where subject = 'funding' and parameter = 'inflation' and applies_to = 'pay' and scenario = 'all'
    group by all
),

-- 1. pay of the year before, changed as whole-time equivalents are and by pay inflation, and the pay planned

posts as (
    select workforce.*, years.year_before, pay_inflation.inflation_share
    from workforce
    inner join years on workforce.financial_year = years.financial_year
    left join pay_inflation
        on workforce.round = pay_inflation.round
        and workforce.financial_year = pay_inflation.financial_year
),

wte_pay as (
    select
        now.round,
        'wte_change_against_pay_cost' as check_code,
        now.organisation_code,
        concat_ws(', ', now.staff_group, now.setting, now.contract) as about,
        map { 'staff_group': now.staff_group, 'setting': now.setting, 'contract': now.contract } as parts,
        now.financial_year,
        [now.financial_year, now.year_before] as financial_years,
        'GBP' as unit,
        'pay of ' || now.year_before || ', changed as WTE are and by pay inflation' as left_label,
        if(now.wte = 0, 0, before.pay_cost_gbp * now.wte / nullif(before.wte, 0) * (1 + now.inflation_share))
            as left_value,
        now.organisation_code as left_organisation_code,
        ['workforce'] as left_tables,
        [now.submission_id] as left_submission_ids,
        [
            cell_reference(before.sheet, before.pay_cost_cell),
            cell_reference(before.sheet, before.wte_cell),
            cell_reference(now.sheet, now.wte_cell)
        ] as left_cells,
        'pay planned' as right_label,
        now.pay_cost_gbp as right_value,
        now.organisation_code as right_organisation_code,
        ['workforce'] as right_tables,
        [now.submission_id] as right_submission_ids,
        [cell_reference(now.sheet, now.pay_cost_cell)] as right_cells,
        case
            when now.inflation_share is null then 'The assumptions hold no pay inflation for ' || now.financial_year
            when now.wte > 0 and before.wte = 0 then 'Nobody was in post in ' || now.year_before
        end as reason,
    from posts as now
    inner join posts as before
        on now.submission_id = before.submission_id
        and now.staff_group = before.staff_group
        and now.setting = before.setting
        and now.contract = before.contract
        and now.year_before = before.financial_year
),

-- 2. pay in the workforce return, and the pay lines of the same organisation's finance return

staff as (
    select
        round,
        organisation_code,
        financial_year,
        sum(pay_cost_gbp) as pay_gbp,
        sum(wte) as staff_wte,
        list_sort(list(distinct submission_id)) as submission_ids,
        list(cell_reference(sheet, pay_cost_cell) order by pay_cost_gbp desc, pay_cost_cell) as pay_cells,
        list(cell_reference(sheet, wte_cell) order by wte desc, wte_cell) as wte_cells,
    from workforce
    group by all
),

pay_lines as (
    select
        round,
        organisation_code,
        financial_year,
        sum(amount_gbp) as pay_gbp,
        list_sort(list(distinct submission_id)) as submission_ids,
        list(cell_reference(sheet, cell) order by amount_gbp desc, cell) as cells,
        bool_or(price_basis <> 'nominal') as is_in_other_prices,
    from income_expenditure
    where category = 'pay' and scenario = 'plan'
    group by all
),

owed as (
    select distinct organisation_code from expected_returns where template = 'workforce'
),

both_returns as (
    select
        coalesce(staff.round, pay_lines.round) as round,
        coalesce(staff.organisation_code, pay_lines.organisation_code) as organisation_code,
        coalesce(staff.financial_year, pay_lines.financial_year) as financial_year,
        staff.pay_gbp as staff_pay_gbp,
        staff.staff_wte,
        staff.submission_ids as staff_submission_ids,
        staff.pay_cells,
        staff.wte_cells,
        pay_lines.pay_gbp as line_pay_gbp,
        pay_lines.submission_ids as line_submission_ids,
        pay_lines.cells as line_cells,
        case
            when staff.round is null and owed.organisation_code is null then 'The organisation owes no workforce return'
            when pay_lines.is_in_other_prices
                then 'Pay lines are in prices of 2015/16, workforce pay in those of its year'
        end as reason,
    from staff
    full join pay_lines using (round, organisation_code, financial_year)
    left join owed on owed.organisation_code = coalesce(staff.organisation_code, pay_lines.organisation_code)
),

pay_finance as (
    select
        round,
        'pay_cost_against_finance' as check_code,
        organisation_code,
        'all pay' as about,
        map { 'category': 'pay', 'scenario': 'plan', 'workforce_measure': 'pay_cost' } as parts,
        financial_year,
        [financial_year] as financial_years,
        'GBP' as unit,
        'pay in the workforce return' as left_label,
        staff_pay_gbp as left_value,
        organisation_code as left_organisation_code,
        ['workforce'] as left_tables,
        staff_submission_ids as left_submission_ids,
        pay_cells as left_cells,
        'pay lines of the finance return' as right_label,
        line_pay_gbp as right_value,
        organisation_code as right_organisation_code,
        ['income_expenditure'] as right_tables,
        line_submission_ids as right_submission_ids,
        line_cells as right_cells,
        reason,
    from both_returns
),

-- 3. finance pay for a whole-time equivalent, and that of the year before with pay inflation

cost_wte as (
    select
        now.round,
        'cost_per_wte' as check_code,
        now.organisation_code,
        'all staff' as about,
        map { 'category': 'pay', 'scenario': 'plan', 'workforce_measure': 'wte' } as parts,
        now.financial_year,
        [now.financial_year, years.year_before] as financial_years,
        'GBP a WTE' as unit,
        'pay for a WTE' as left_label,
        now.line_pay_gbp / nullif(now.staff_wte, 0) as left_value,
        now.organisation_code as left_organisation_code,
        ['income_expenditure', 'workforce'] as left_tables,
        list_sort(list_distinct(now.line_submission_ids || now.staff_submission_ids)) as left_submission_ids,
        now.line_cells || now.wte_cells as left_cells,
        'pay for a WTE in ' || years.year_before || ', with pay inflation' as right_label,
        before.line_pay_gbp / nullif(before.staff_wte, 0) * (1 + pay_inflation.inflation_share) as right_value,
        now.organisation_code as right_organisation_code,
        ['income_expenditure', 'workforce'] as right_tables,
        list_sort(list_distinct(before.line_submission_ids || before.staff_submission_ids)) as right_submission_ids,
        before.line_cells || before.wte_cells as right_cells,
        case
            when coalesce(now.reason, before.reason) is not null then coalesce(now.reason, before.reason)
            when pay_inflation.inflation_share is null
                then 'The assumptions hold no pay inflation for ' || now.financial_year
        end as reason,
    from both_returns as now
    inner join years on now.financial_year = years.financial_year
    inner join both_returns as before
        on now.round = before.round
        and now.organisation_code = before.organisation_code
        and years.year_before = before.financial_year
    left join pay_inflation
        on now.round = pay_inflation.round
        and now.financial_year = pay_inflation.financial_year
),

every_check as (
    select * from wte_pay
    union all by name
    select * from pay_finance
    union all by name
    select * from cost_wte
)

select
    -- keys
    round,
    check_code,
    'plan' as scenario,
    organisation_code,
    null::varchar as counterparty_code,
    replace(about, '_', ' ') as about,
    financial_year,
    parts,
    financial_years,
    -- measures, to a millionth: the last bits of a sum of doubles differ from run to run
    unit,
    left_label,
    round(left_value::double, 6) as left_value,
    right_label,
    round(right_value::double, 6) as right_value,
    round(left_value::double - right_value::double, 6) as difference,
    reason,
    null::varchar as hint,
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
