-- One row per round, organisation, what it is about and financial year: a whole, and the parts that it should hold.
with

submissions as (select * from raw.submissions),
sheets as (select * from raw.sheets),
totals as (select * from raw.totals),
savings as (select * from core.savings_current),
savings_schemes as (select * from core.savings_schemes_current),
income_expenditure as (select * from core.income_expenditure_current),

-- 1. totals written in a workbook, and the lines above them

stated as (
    select
        submissions.period as round,
        submissions.organisation_code,
        totals.sheet || ', ' || totals.label || ', row ' || totals.row_number as about,
        totals.period as financial_year,
        totals.table_name in ('income_expenditure', 'savings', 'capital') as is_money,
        case
            when is_money then 'GBP'
            when totals.table_name in ('beds', 'bed_schemes') then 'beds'
            else 'as entered'
        end as unit,
        'total as stated' as left_label,
        totals.value * if(is_money, 1000, 1) as left_value,
        [submissions.submission_id] as left_submission_ids,
        [cell_reference(totals.sheet, totals.cell)] as left_cells,
        'sum of the lines above it' as right_label,
        totals.parts_sum * if(is_money, 1000, 1) as right_value,
        [submissions.submission_id] as right_submission_ids,
        null::varchar[] as right_cells,
        if(sheets.quarantined_count > 0, 'Values of the sheet were kept back: see raw.findings', null) as reason,
        [] as tables,
    from totals
    inner join submissions
        on totals.submission_id = submissions.submission_id
        and submissions.status = 'accepted'
        and submissions.template in ('activity', 'beds', 'finance', 'workforce')
    left join sheets
        on totals.submission_id = sheets.submission_id
        and totals.table_name = sheets.table_name
),

-- 2. the saving of a full year is no less than that of any single year, which is phased

pools as (
    select round, organisation_code, category as cost_pool, financial_year, sum(amount_gbp) as pool_gbp,
    from income_expenditure
    where scenario = 'do_nothing' and flow = 'cost'
    group by all
),

single_years as (
    select
        savings.round,
        savings.organisation_code,
        savings.submission_id,
        savings.scheme_code,
        savings.category,
        savings.cost_pool,
        savings.is_recurrent,
        max(savings.gross_saving_gbp) as gross_saving_gbp,
        arg_max(savings.financial_year, savings.gross_saving_gbp) as financial_year,
        arg_max(cell_reference(savings.sheet, savings.gross_saving_cell), savings.gross_saving_gbp) as cell,
    from savings
    where savings.gross_saving_gbp is not null
    group by all
),

-- a share is of the pool in the year of the largest saving
full_years as (
    select
        single_years.round,
        single_years.organisation_code,
        concat_ws(', ', single_years.scheme_code, single_years.category, single_years.cost_pool, 'full-year effect')
            as about,
        single_years.financial_year,
        'GBP' as unit,
        'effect of a full year' as left_label,
        coalesce(
            schemes.full_year_effect_gbp::double, schemes.full_year_effect_share * pools.pool_gbp::double
        ) as left_value,
        [schemes.submission_id] as left_submission_ids,
        [cell_reference(schemes.sheet, schemes.full_year_effect_cell)] as left_cells,
        'largest saving of a single year' as right_label,
        single_years.gross_saving_gbp::double as right_value,
        [single_years.submission_id] as right_submission_ids,
        [single_years.cell] as right_cells,
        if(left_value is null, 'The full-year effect is not stated', null) as reason,
        ['savings'] as tables,
        map { 'scheme_code': single_years.scheme_code, 'cost_pool': single_years.cost_pool } as parts,
    from single_years
    inner join savings_schemes as schemes
        on single_years.submission_id = schemes.submission_id
        and single_years.scheme_code = schemes.scheme_code
        and single_years.category = schemes.category
        and single_years.cost_pool = schemes.cost_pool
        and single_years.is_recurrent = schemes.is_recurrent
    left join pools
        on single_years.round = pools.round
        and single_years.organisation_code = pools.organisation_code
        and single_years.cost_pool = pools.cost_pool
        and single_years.financial_year = pools.financial_year
),

every_check as (
    select * from stated
    union all by name
    select * from full_years
)

select
    -- keys
    round,
    'parts_against_wholes' as check_code,
    'plan' as scenario,
    organisation_code,
    null::varchar as counterparty_code,
    replace(about, '_', ' ') as about,
    financial_year,
    coalesce(parts, map { 'whole': about }) as parts,
    [financial_year] as financial_years,
    -- measures
    unit,
    left_label,
    left_value,
    right_label,
    right_value,
    -- a full year may save more than any year of the plan
    if(tables = ['savings'], least(left_value - right_value, 0), left_value - right_value) as difference,
    reason,
    null::varchar as hint,
    -- where each figure came from
    organisation_code as left_organisation_code,
    tables as left_tables,
    left_submission_ids,
    first_cells(left_cells) as left_cells,
    len(left_cells)::integer as left_cell_count,
    organisation_code as right_organisation_code,
    tables as right_tables,
    right_submission_ids,
    first_cells(right_cells) as right_cells,
    len(right_cells)::integer as right_cell_count,
from every_check
