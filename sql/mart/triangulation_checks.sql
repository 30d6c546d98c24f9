-- One row per round, check, scenario, organisation, counterparty, what it is about and financial year: two figures that
-- should be one, and whether they are. One more for each check that a return which is not in use would have been in.
with

activity as (select * from mart.triangulation_activity),
beds as (select * from mart.triangulation_beds),
workforce as (select * from mart.triangulation_workforce),
productivity as (select * from mart.triangulation_productivity),
finance as (select * from mart.triangulation_finance),
parts_wholes as (select * from mart.triangulation_parts),
units as (select * from mart.triangulation_units),
gaps as (select * from mart.triangulation_gaps),
completeness as (select * from mart.return_completeness),
assumptions as (select * from core.assumptions_current),
submissions as (select * from raw.submissions),
staff as (select * from core.workforce_current),

-- the sheets of each template, and the checks that stand on them
sheets as (
    select *
    from (
        values
            (
                'activity', 'activity',
                [
                    'provider_commissioner_activity', 'activity_against_occupied_beds', 'cost_per_weighted_activity',
                    'activity_per_wte', 'unit_jump', 'parts_against_wholes'
                ]
            ),
            (
                'beds', 'beds',
                [
                    'activity_against_occupied_beds', 'bed_schemes_against_beds', 'bed_change_against_nursing',
                    'unit_jump', 'parts_against_wholes'
                ]
            ),
            (
                'bed_schemes', 'beds',
                ['bed_schemes_implied_against_claimed', 'bed_schemes_against_beds', 'capital_against_opening']
            ),
            (
                'income_expenditure', 'finance',
                [
                    'contract_income_against_bought', 'pay_cost_against_finance', 'cost_per_wte',
                    'cost_per_weighted_activity', 'savings_against_finance', 'unit_jump', 'parts_against_wholes'
                ]
            ),
            ('savings', 'finance', ['savings_against_finance', 'parts_against_wholes']),
            ('capital', 'finance', ['capital_against_opening']),
            (
                'workforce', 'workforce',
                [
                    'bed_change_against_nursing', 'wte_change_against_pay_cost', 'pay_cost_against_finance',
                    'cost_per_wte', 'activity_per_wte', 'unit_jump', 'parts_against_wholes'
                ]
            )
    ) as sheets(table_name, template, check_codes)
),

in_use as (
    select period as round, organisation_code, template, submission_id from submissions where status = 'accepted'
),

together as (
    select * from activity
    union all by name
    select * from beds
    union all by name
    select * from workforce
    union all by name
    select * from productivity
    union all by name
    select * from finance
    union all by name
    select * from parts_wholes
    union all by name
    select * from units
),

comparisons as (
    select row_number() over () as comparison, * from together
),

-- tolerances, in pounds where they are of money; smaller differences than the least are rounding
tolerances as (
    select
        round,
        applies_to as check_code,
        financial_year,
        any_value(central_value * if(unit = 'GBP 000', 1000, 1)) filter (where parameter = 'tolerance') as tolerance,
        any_value(if(unit = 'GBP 000', 'GBP', unit)) filter (where parameter = 'tolerance') as tolerance_unit,
        any_value(central_value * if(unit = 'GBP 000', 1000, 1)) filter (where parameter = 'least_difference')
            as least_difference,
    from assumptions
    where subject = 'triangulation' and scenario = 'all'
    group by all
),

-- what each side lacks: a value of its lines in its years, or all of a return

sides as (
    select
        comparison, 'left' as side, round, left_organisation_code as organisation_code,
        unnest(left_tables) as table_name, left_value is null as is_empty, financial_years, parts,
    from comparisons
    union all
    select
        comparison, 'right' as side, round, right_organisation_code as organisation_code,
        unnest(right_tables) as table_name, right_value is null as is_empty, financial_years, parts,
    from comparisons
),

lacking_values as (
    select
        sides.comparison,
        sides.side,
        sides.organisation_code || ': '
        || string_agg(
            distinct cell_reference(gaps.sheet, gaps.cell) || ' was ' || gaps.why, ', '
            order by cell_reference(gaps.sheet, gaps.cell) || ' was ' || gaps.why
        ) as words,
        count(*) as gap_count,
    from sides
    inner join gaps
        on sides.round = gaps.round
        and sides.organisation_code = gaps.organisation_code
        and sides.table_name = gaps.table_name
    where list_contains(sides.financial_years, gaps.financial_year)
        and list_bool_and([coalesce(gaps.parts[part] = sides.parts[part], true) for part in map_keys(sides.parts)])
    group by sides.comparison, sides.side, sides.organisation_code
),

lacking_returns as (
    select
        sides.comparison,
        sides.side,
        any_value(
            sides.organisation_code || ': '
            || case
                when in_use.submission_id is not null
                    then 'no such line on the sheet ' || replace(sides.table_name, '_', ' ')
                when completeness.status is not null
                    then 'the ' || sheets.template || ' return is ' || completeness.status
                else 'no ' || sheets.template || ' return is owed or in use'
            end
            order by in_use.submission_id nulls first, sides.table_name
        ) as words,
    from sides
    inner join sheets on sides.table_name = sheets.table_name
    left join in_use
        on sides.round = in_use.round
        and sides.organisation_code = in_use.organisation_code
        and sheets.template = in_use.template
    left join completeness
        on sides.round = completeness.period
        and sides.organisation_code = completeness.organisation_code
        and sheets.template = completeness.template
    where sides.is_empty
    group by sides.comparison, sides.side
),

lacking as (
    select
        comparison,
        string_agg(distinct words, '; ' order by words) as words,
    from (
        select comparison, left(words, 300) as words from lacking_values
        union all
        select lacking_returns.comparison, lacking_returns.words
        from lacking_returns
        left join lacking_values using (comparison, side)
        where lacking_values.comparison is null
    ) as either
    group by comparison
),

-- the difference as the tolerance counts it: a share of the larger figure, times, or in the figures' unit
judged as (
    select
        comparisons.*,
        tolerances.tolerance,
        tolerances.tolerance_unit,
        tolerances.least_difference,
        case tolerances.tolerance_unit
            when 'share'
                then abs(difference) / nullif(greatest(abs(left_value), abs(right_value)), 0)
            when 'times' then exp(abs(ln(left_value / right_value)))
            else abs(difference)
        end as departure,
        case
            when reason is not null then reason
            when lacking.words is not null then lacking.words
            when left_value is null or right_value is null
                then 'A figure cannot be worked out: it would be divided by 0'
            when tolerance is null
                then 'The assumptions hold no tolerance of this check for ' || comparisons.financial_year
        end as obstacle,
        case
            when obstacle is not null then 'cannot_be_compared'
            -- a millionth of the larger figure is the last bit of a sum
            when coalesce(departure, 0) > tolerance
                and abs(difference) > greatest(
                    coalesce(least_difference, 0), 1e-6 * greatest(abs(left_value), abs(right_value), 1)
                ) then 'differs'
            else 'agrees'
        end as verdict,
    from comparisons
    left join lacking on comparisons.comparison = lacking.comparison
    left join tolerances
        on comparisons.round = tolerances.round
        and comparisons.check_code = tolerances.check_code
        and comparisons.financial_year = tolerances.financial_year
),

-- staff whose cells a side names, and whether in one of its years they are so few that one could be known
staff_cells as (
    select
        submission_id, financial_year, staff_group, setting, contract, headcount, wte,
        unnest([
            cell_reference(sheet, wte_cell), cell_reference(sheet, headcount_cell), cell_reference(sheet, pay_cost_cell)
        ]) as cell,
    from staff
),

named_cells as (
    select comparison, 'left' as side, left_submission_ids as submission_ids, unnest(left_cells) as cell
    from comparisons
    where check_code = 'unit_jump' or list_contains(left_tables, 'workforce')
    union all
    select comparison, 'right' as side, right_submission_ids, unnest(right_cells)
    from comparisons
    where check_code = 'unit_jump' or list_contains(right_tables, 'workforce')
),

named_staff as (
    select distinct named_cells.comparison, named_cells.side, staff_cells.* exclude (cell)
    from named_cells
    inner join staff_cells
        on named_cells.cell = staff_cells.cell
        and list_contains(named_cells.submission_ids, staff_cells.submission_id)
),

few as (
    select distinct comparison
    from (
        select comparison
        from named_staff
        group by comparison, side, financial_year
        having is_small_number(sum(headcount)) or is_small_number(sum(wte))
    )
),

told as (
    select
        comparison in (from few) as is_few,
        * replace (if(verdict = 'cannot_be_compared', null, difference) as difference),
        case verdict
            when 'cannot_be_compared' then obstacle
            when 'differs'
                then if(
                    unit = 'days',
                    hint,
                    left_label || ' ' || in_words(left_value, unit) || '; ' || right_label || ' '
                    || in_words(right_value, unit) || '. '
                    || coalesce(
                        upper(hint[1]) || hint[2:],
                        'A difference of ' || in_words(abs(difference), unit)
                        || if(tolerance_unit = 'share', ' (' || in_words(departure, 'share') || ')', '')
                    )
                ) || '; the tolerance is ' || in_words(tolerance, tolerance_unit)
            else 'within the tolerance of ' || in_words(tolerance, tolerance_unit)
        end as why,
    from judged
),

-- a return that is not in use is part of no comparison: what it would have been part of is named once
absent as (
    select
        completeness.period as round,
        unnest(sheets.check_codes) as check_code,
        'all' as scenario,
        completeness.organisation_code,
        null::varchar as counterparty_code,
        'the whole ' || completeness.template || ' return, sheet ' || replace(sheets.table_name, '_', ' ') as about,
        null::varchar as financial_year,
        'cannot_be_compared' as verdict,
        completeness.organisation_code || ': the ' || completeness.template || ' return is ' || completeness.status
            as why,
        map { 'table': sheets.table_name } as parts,
        false as is_few,
    from completeness
    inner join sheets on completeness.template = sheets.template
    where completeness.frequency = 'round' and completeness.submission_id is null
        and completeness.period in (select round from in_use)
),

every_row as (
    select * from told
    union all by name
    select * from absent
)

select
    -- keys
    round,
    check_code,
    scenario,
    organisation_code,
    counterparty_code,
    about,
    financial_year,
    -- what was found
    verdict,
    why,
    is_few,
    -- measures
    unit,
    left_label,
    left_value,
    right_label,
    right_value,
    difference,
    tolerance,
    tolerance_unit,
    departure,
    -- what it is about, part by part, and where each figure came from
    parts,
    left_organisation_code,
    left_submission_ids,
    left_cells,
    left_cell_count,
    right_organisation_code,
    right_submission_ids,
    right_cells,
    right_cell_count,
from every_row
