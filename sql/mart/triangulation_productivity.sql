-- One row per round, check, organisation and financial year: what an organisation's activity costs, or its staff do,
-- beside the year before.
with

activity as (select * from core.activity_current),
workforce as (select * from core.workforce_current),
income_expenditure as (select * from core.income_expenditure_current),
assumptions as (select * from core.assumptions_current),
financial_years as (select * from reference.financial_years),

years as (
    select financial_year, lag(financial_year) over (order by financial_year) as year_before from financial_years
),

weights as (
    select round, financial_year, applies_to as point_of_delivery, any_value(central_value) as weight_gbp
    from assumptions
    where subject = 'activity' and parameter = 'activity_weight' and scenario = 'all'
    group by all
),

inflation as (
    select round, financial_year, any_value(central_value) as inflation_share
    from assumptions
    where subject = 'funding' and parameter = 'inflation' and applies_to = 'all' and scenario = 'all'
    group by all
),

-- an A&E attendance and a stay are not added: each counts at its weight, a cost of the base year
weighted as (
    select
        activity.round,
        activity.organisation_code,
        activity.financial_year,
        sum(coalesce(spells, attendances, contacts) * weights.weight_gbp) as activity_gbp,
        string_agg(distinct activity.point_of_delivery, ', ' order by activity.point_of_delivery)
            filter (where weights.weight_gbp is null) as without_weight,
        list_sort(list(distinct activity.submission_id)) as submission_ids,
        arg_max(
            cell_reference(sheet, coalesce(spells_cell, attendances_cell, contacts_cell)),
            coalesce(spells, attendances, contacts) * weights.weight_gbp,
            6
        ) as cells,
        count(coalesce(spells, attendances, contacts)) as cell_count,
    from activity
    left join weights
        on activity.round = weights.round
        and activity.financial_year = weights.financial_year
        and activity.point_of_delivery = weights.point_of_delivery
    where activity.perspective = 'provider' and activity.scenario = 'plan'
    group by all
),

costs as (
    select
        round,
        organisation_code,
        financial_year,
        sum(amount_gbp) as cost_gbp,
        bool_or(price_basis <> 'nominal') as is_in_other_prices,
        list_sort(list(distinct submission_id)) as submission_ids,
        list(cell_reference(sheet, cell) order by amount_gbp desc, cell)[:6] as cells,
        count(*) as cell_count,
    from income_expenditure
    where flow = 'cost' and category <> 'healthcare_bought' and scenario = 'plan'
    group by all
),

staff as (
    select
        round,
        organisation_code,
        financial_year,
        sum(wte) as staff_wte,
        list_sort(list(distinct submission_id)) as submission_ids,
        list(cell_reference(sheet, wte_cell) order by wte desc, wte_cell)[:6] as cells,
        count(wte) as cell_count,
    from workforce
    group by all
),

together as (
    select
        weighted.*,
        years.year_before,
        inflation.inflation_share,
        costs.cost_gbp,
        costs.is_in_other_prices,
        costs.submission_ids as cost_submission_ids,
        costs.cells as cost_cells,
        costs.cell_count as cost_cell_count,
        staff.staff_wte,
        staff.submission_ids as staff_submission_ids,
        staff.cells as staff_cells,
        staff.cell_count as staff_cell_count,
    from weighted
    inner join years using (financial_year)
    left join inflation using (round, financial_year)
    left join costs using (round, organisation_code, financial_year)
    left join staff using (round, organisation_code, financial_year)
),

-- 1. cost of activity worth £100 at its weights, and that of the year before with inflation

cost_activity as (
    select
        now.round,
        'cost_per_weighted_activity' as check_code,
        now.organisation_code,
        'all activity' as about,
        map { 'scenario': 'plan', 'perspective': 'provider', 'kind': 'volume', 'flow': 'cost' } as parts,
        now.financial_year,
        [now.financial_year, now.year_before] as financial_years,
        'GBP' as unit,
        'cost of £100 of weighted activity' as left_label,
        100 * now.cost_gbp / nullif(now.activity_gbp, 0) as left_value,
        now.organisation_code as left_organisation_code,
        ['income_expenditure', 'activity'] as left_tables,
        now.cost_submission_ids || now.submission_ids as left_submission_ids,
        now.cost_cells || now.cells as left_cells,
        now.cost_cell_count + now.cell_count as left_cell_count,
        'the same in ' || now.year_before || ', with inflation' as right_label,
        100 * before.cost_gbp / nullif(before.activity_gbp, 0) * (1 + now.inflation_share) as right_value,
        now.organisation_code as right_organisation_code,
        ['income_expenditure', 'activity'] as right_tables,
        before.cost_submission_ids || before.submission_ids as right_submission_ids,
        before.cost_cells || before.cells as right_cells,
        before.cost_cell_count + before.cell_count as right_cell_count,
        case
            when coalesce(now.without_weight, before.without_weight) is not null
                then 'The assumptions hold no weight for ' || coalesce(now.without_weight, before.without_weight)
            when now.inflation_share is null then 'The assumptions hold no inflation for ' || now.financial_year
            when now.is_in_other_prices or before.is_in_other_prices
                then 'Costs are in prices of 2015/16, and inflation is that of nominal prices'
        end as reason,
    from together as now
    inner join together as before
        on now.round = before.round
        and now.organisation_code = before.organisation_code
        and now.year_before = before.financial_year
),

-- 2. weighted activity of a whole-time equivalent, and that of the year before

activity_wte as (
    select
        now.round,
        'activity_per_wte' as check_code,
        now.organisation_code,
        'all activity, all staff' as about,
        map {
            'scenario': 'plan', 'perspective': 'provider', 'kind': 'volume', 'workforce_measure': 'wte'
        } as parts,
        now.financial_year,
        [now.financial_year, now.year_before] as financial_years,
        'GBP a WTE' as unit,
        'weighted activity of a WTE' as left_label,
        now.activity_gbp / nullif(now.staff_wte, 0) as left_value,
        now.organisation_code as left_organisation_code,
        ['activity', 'workforce'] as left_tables,
        now.submission_ids || now.staff_submission_ids as left_submission_ids,
        now.staff_cells || now.cells as left_cells,
        now.staff_cell_count + now.cell_count as left_cell_count,
        'the same in ' || now.year_before as right_label,
        before.activity_gbp / nullif(before.staff_wte, 0) as right_value,
        now.organisation_code as right_organisation_code,
        ['activity', 'workforce'] as right_tables,
        before.submission_ids || before.staff_submission_ids as right_submission_ids,
        before.staff_cells || before.cells as right_cells,
        before.staff_cell_count + before.cell_count as right_cell_count,
        case
            when coalesce(now.without_weight, before.without_weight) is not null
                then 'The assumptions hold no weight for ' || coalesce(now.without_weight, before.without_weight)
        end as reason,
    from together as now
    inner join together as before
        on now.round = before.round
        and now.organisation_code = before.organisation_code
        and now.year_before = before.financial_year
),

every_check as (
    select * from cost_activity
    union all by name
    select * from activity_wte
)

select
    -- keys
    round,
    check_code,
    'plan' as scenario,
    organisation_code,
    null::varchar as counterparty_code,
    about,
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
    left_cell_count::integer as left_cell_count,
    right_organisation_code,
    right_tables,
    right_submission_ids,
    first_cells(right_cells) as right_cells,
    right_cell_count::integer as right_cell_count,
from every_check
