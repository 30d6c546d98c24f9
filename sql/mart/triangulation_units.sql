-- One row per round, scenario, organisation, counterparty and line, with its largest jump between two years; and one
-- per organisation, kind of figure and financial year, beside the others' like figure.
with

activity as (select * from core.activity_current),
beds as (select * from core.beds_current),
income_expenditure as (select * from core.income_expenditure_current),
workforce as (select * from core.workforce_current),

-- times that a figure is out by, and what was likely entered for what; each from halfway to the ones beside it
mix_ups as (
    select
        times,
        words,
        sqrt(times * lag(times, 1, 1) over (order by times)) as from_times,
        coalesce(sqrt(times * lead(times) over (order by times)), 'infinity'::double) as to_times,
    from (
        values
            (10, 'a digit too many or too few'),
            (100, 'per cent for a share, or pence for pounds'),
            (365, 'days of a year for the average of a day, such as bed days for beds'),
            (1000, 'single units for thousands, such as pounds for thousands of pounds')
    ) as mix_ups(times, words)
),

-- 1. a line and its own year before

figures as (
    select
        round, organisation_code, submission_id, scenario, counterparty_code, site_code, financial_year, sheet,
        concat_ws(', ', perspective || '''s plan', point_of_delivery, specialty_group, age_band) as line,
        unnest(
            [
                {'measure': 'spells', 'unit': 'spells', 'figure': spells::double, 'cell': spells_cell},
                {'measure': 'bed days', 'unit': 'bed days', 'figure': bed_days::double, 'cell': bed_days_cell},
                {
                    'measure': 'attendances', 'unit': 'attendances', 'figure': attendances::double,
                    'cell': attendances_cell
                },
                {'measure': 'contacts', 'unit': 'contacts', 'figure': contacts::double, 'cell': contacts_cell}
            ],
            recursive := true
        ),
    from activity
    union all by name
    select
        round, organisation_code, submission_id, 'plan' as scenario, null::varchar as counterparty_code, site_code,
        financial_year, sheet, concat_ws(', ', site_code, sector, bed_definition) as line,
        unnest(
            [
                {'measure': 'beds available', 'unit': 'beds', 'figure': available_beds, 'cell': available_cell},
                {'measure': 'beds occupied', 'unit': 'beds', 'figure': occupied_beds, 'cell': occupied_cell}
            ],
            recursive := true
        ),
    from beds
    union all by name
    select
        round, organisation_code, submission_id, scenario, counterparty_code, null::varchar as site_code,
        financial_year, sheet,
        concat_ws(', ', line, category, if(is_recurrent, 'recurrent', 'not recurrent'), support_basis, price_basis)
            as line,
        'amount' as measure, 'GBP' as unit, amount_gbp::double as figure, cell,
    from income_expenditure
    union all by name
    select
        round, organisation_code, submission_id, 'plan' as scenario, null::varchar as counterparty_code,
        null::varchar as site_code, financial_year, sheet, concat_ws(', ', staff_group, setting, contract) as line,
        unnest(
            [
                {'measure': 'WTE', 'unit': 'WTE', 'figure': wte, 'cell': wte_cell},
                {'measure': 'pay cost', 'unit': 'GBP', 'figure': pay_cost_gbp::double, 'cell': pay_cost_cell}
            ],
            recursive := true
        ),
    from workforce
),

-- what other sites have of the same line: patients who move from one to another are no jump
beside as (
    select
        *,
        if(measure in ('beds available', 'beds occupied'), figure, sum(figure) over the_same_line) - figure
            as elsewhere,
    from figures
    where figure is not null
    window
        the_same_line as (
            partition by round, organisation_code, submission_id, scenario, counterparty_code, line, measure,
                financial_year
        )
),

followed as (
    select
        *,
        lag(figure) over in_order as figure_before,
        lag(elsewhere) over in_order + figure_before - elsewhere as figure_expected,
        lag(cell) over in_order as cell_before,
        lag(financial_year) over in_order as year_before,
    from beside
    window
        in_order as (
            partition by round, organisation_code, submission_id, scenario, counterparty_code, site_code, line, measure
            order by financial_year
        )
),

-- the figure that explains this one better: the year before's, or what the other sites leave of all
jumps as (
    select
        *,
        if(
            figure_expected > 0
                and abs(ln(figure / figure_expected)) < abs(ln(figure / figure_before)),
            figure_expected,
            figure_before
        ) as expected,
        exp(abs(ln(figure / expected))) as jump_times,
    from followed
    where figure > 0 and figure_before > 0
),

largest as (
    select *
    from jumps
    qualify
        row_number() over (
            partition by round, organisation_code, scenario, counterparty_code, site_code, line, measure
            order by jump_times desc, financial_year
        ) = 1
),

of_lines as (
    select
        round,
        scenario,
        organisation_code,
        counterparty_code,
        concat_ws(', ', if(measure like 'beds%', null, site_code), line, measure) as about,
        financial_year,
        unit,
        financial_year as left_label,
        figure as left_value,
        submission_id,
        [cell_reference(sheet, cell)] as left_cells,
        year_before || if(expected = figure_before, '', ', changed as at other sites') as right_label,
        expected as right_value,
        organisation_code as right_organisation_code,
        [submission_id] as right_submission_ids,
        [cell_reference(sheet, cell_before)] as right_cells,
        null::varchar as reason,
    from largest
),

-- 2. figures for one of something, which do not grow with an organisation, beside the others'

rates as (
    select
        round, organisation_code, financial_year,
        'pay of a WTE, ' || staff_group || ', ' || contract as about,
        'GBP' as unit,
        sum(pay_cost_gbp)::double / nullif(sum(wte), 0) as rate,
        any_value(submission_id) as submission_id,
        list_sort(list(cell_reference(sheet, pay_cost_cell))) || list_sort(list(cell_reference(sheet, wte_cell)))
            as cells,
    from workforce
    group by all
    union all by name
    select
        round, organisation_code, financial_year,
        'nights of a spell, ' || specialty_group || ', ' || point_of_delivery as about,
        'nights' as unit,
        sum(bed_days)::double / nullif(sum(spells), 0) as rate,
        any_value(submission_id) as submission_id,
        largest_first(list({'less': -bed_days, 'cell': cell_reference(sheet, bed_days_cell)}))[:6]
            || largest_first(list({'less': -bed_days, 'cell': cell_reference(sheet, spells_cell)}))[:6] as cells,
    from activity
    where scenario = 'plan' and bed_days is not null and spells is not null
    group by all
),

-- the nearest of the others: one that is out of step itself does not make the rest so
usual as (
    select
        rates.round,
        rates.organisation_code,
        rates.financial_year,
        rates.about,
        arg_min(
            {
                'organisation_code': others.organisation_code, 'rate': others.rate,
                'submission_ids': [others.submission_id], 'cells': others.cells
            },
            (abs(ln(rates.rate / others.rate)), others.organisation_code)
        ) as nearest,
    from rates
    inner join rates as others
        on rates.round = others.round
        and rates.financial_year = others.financial_year
        and rates.about = others.about
        and rates.organisation_code <> others.organisation_code
    where rates.rate > 0 and others.rate > 0
    group by all
),

of_rates as (
    select
        rates.round,
        'plan' as scenario,
        rates.organisation_code,
        null::varchar as counterparty_code,
        rates.about,
        rates.financial_year,
        rates.unit,
        'of ' || rates.organisation_code as left_label,
        rates.rate as left_value,
        rates.submission_id,
        rates.cells as left_cells,
        'of ' || coalesce(usual.nearest.organisation_code, 'another') || ', the nearest of the others' as right_label,
        usual.nearest.rate as right_value,
        coalesce(usual.nearest.organisation_code, rates.organisation_code) as right_organisation_code,
        usual.nearest.submission_ids as right_submission_ids,
        usual.nearest.cells as right_cells,
        if(usual.nearest is null, 'No other organisation returns the like to compare with', null) as reason,
    from rates
    left join usual using (round, organisation_code, financial_year, about)
    where rates.rate > 0
),

every_check as (
    select * from of_lines
    union all by name
    select * from of_rates
),

named as (
    select
        every_check.*,
        'about ' || format('{:,}', mix_ups.times) || ' times: ' || mix_ups.words as hint,
    from every_check
    left join mix_ups
        on exp(abs(ln(every_check.left_value / every_check.right_value))) >= mix_ups.from_times
        and exp(abs(ln(every_check.left_value / every_check.right_value))) < mix_ups.to_times
)

select
    -- keys
    round,
    'unit_jump' as check_code,
    scenario,
    organisation_code,
    counterparty_code,
    replace(about, '_', ' ') as about,
    financial_year,
    map { 'line': about } as parts,
    [financial_year] as financial_years,
    -- measures
    unit,
    left_label,
    left_value,
    right_label,
    right_value,
    left_value - right_value as difference,
    reason,
    hint,
    -- where each figure came from
    organisation_code as left_organisation_code,
    []::varchar[] as left_tables,
    [submission_id] as left_submission_ids,
    first_cells(left_cells) as left_cells,
    len(left_cells)::integer as left_cell_count,
    right_organisation_code,
    []::varchar[] as right_tables,
    right_submission_ids,
    first_cells(right_cells) as right_cells,
    len(right_cells)::integer as right_cell_count,
from named
