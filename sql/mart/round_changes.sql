-- One row per pair of rounds, subject, organisation, line, measure and financial year that is not the same in both: what it
-- was, what it is, and where each stands.
with

activity as (select * from core.activity_current),
beds as (select * from core.beds_current),
bed_schemes as (select * from core.bed_schemes_current),
bed_scheme_claims as (select * from core.bed_scheme_claims_current),
income_expenditure as (select * from core.income_expenditure_current),
savings as (select * from core.savings_current),
savings_schemes as (select * from core.savings_schemes_current),
capital as (select * from core.capital_current),
workforce as (select * from core.workforce_current),
workforce_flows as (select * from core.workforce_flows_current),
scenarios as (select * from core.scenarios_current),
assumptions as (select * from core.assumptions_current),
submissions as (select * from raw.submissions),

-- a line each of a figure, with what tells it from the others; basis: what is never added across
figures as (
    select
        'activity' as subject, round, organisation_code, financial_year, submission_id,
        concat_ws(', ', scenario, perspective) as basis,
        concat_ws(', ', site_code, point_of_delivery, specialty_group, age_band, counterparty_code) as line,
        sheet,
        unnest(
            [
                {'measure': 'spells', 'unit': 'spells', 'value': spells::double, 'words': null::varchar, 'cell': spells_cell},
                {'measure': 'bed_days', 'unit': 'bed days', 'value': bed_days, 'words': null, 'cell': bed_days_cell},
                {'measure': 'attendances', 'unit': 'attendances', 'value': attendances, 'words': null, 'cell': attendances_cell},
                {'measure': 'contacts', 'unit': 'contacts', 'value': contacts, 'words': null, 'cell': contacts_cell}
            ],
            recursive := true
        ),
    from activity
    union all by name
    select
        'beds' as subject, round, organisation_code, financial_year, submission_id,
        bed_definition as basis,
        concat_ws(', ', site_code, sector) as line,
        sheet,
        unnest(
            [
                {'measure': 'available', 'unit': 'beds', 'value': available_beds, 'words': null::varchar, 'cell': available_cell},
                {'measure': 'occupied', 'unit': 'beds', 'value': occupied_beds, 'words': null, 'cell': occupied_cell}
            ],
            recursive := true
        ),
    from beds
    union all by name
    select
        'bed_schemes' as subject, round, organisation_code, financial_year, submission_id,
        '' as basis,
        concat_ws(', ', scheme_code, mechanism, from_site_code, from_sector, from_point_of_delivery,
            from_specialty_group, from_age_band) as line,
        'claimed' as measure, 'beds' as unit, claimed_beds as value, null::varchar as words, sheet, cell,
    from bed_scheme_claims
    union all by name
    select
        'bed_schemes' as subject, round, organisation_code, null::varchar as financial_year, submission_id,
        '' as basis,
        concat_ws(', ', scheme_code, mechanism, from_site_code, from_sector, from_point_of_delivery,
            from_specialty_group, from_age_band) as line,
        sheet,
        unnest(
            [
                {'measure': 'start', 'unit': 'days', 'value': date_diff('day', date '1970-01-01', start_date)::double,
                    'words': start_date::varchar, 'cell': start_date_cell},
                {'measure': 'effect', 'unit': 'share', 'value': effect_share, 'words': null, 'cell': effect_share_cell},
                {'measure': 'shortened', 'unit': 'nights', 'value': shortened_nights, 'words': null,
                    'cell': shortened_nights_cell},
                {'measure': 'cover', 'unit': 'share', 'value': cover_share, 'words': null, 'cell': cover_share_cell},
                {'measure': 'phase_in', 'unit': 'months', 'value': phase_in_months::double, 'words': null,
                    'cell': phase_in_months_cell},
                {'measure': 'confidence', 'unit': 'share', 'value': confidence_share, 'words': null,
                    'cell': confidence_share_cell}
            ],
            recursive := true
        ),
    from bed_schemes
    union all by name
    select
        'income_expenditure' as subject, round, organisation_code, financial_year, submission_id,
        concat_ws(', ', scenario, support_basis, price_basis) as basis,
        concat_ws(', ', category, line, counterparty_code, if(is_recurrent, 'recurrent', 'once')) as line,
        flow as measure, 'GBP' as unit, amount_gbp::double as value, null::varchar as words, sheet, cell,
    from income_expenditure
    union all by name
    select
        'savings' as subject, round, organisation_code, financial_year, submission_id,
        '' as basis,
        concat_ws(', ', scheme_code, category, cost_pool, if(is_recurrent, 'recurrent', 'once')) as line,
        sheet,
        unnest(
            [
                {'measure': 'gross_saving', 'unit': 'GBP', 'value': gross_saving_gbp::double, 'words': null::varchar,
                    'cell': gross_saving_cell},
                {'measure': 'investment', 'unit': 'GBP', 'value': investment_gbp::double, 'words': null,
                    'cell': investment_cell}
            ],
            recursive := true
        ),
    from savings
    union all by name
    select
        'savings_schemes' as subject, round, organisation_code, null::varchar as financial_year, submission_id,
        '' as basis,
        concat_ws(', ', scheme_code, category, cost_pool, if(is_recurrent, 'recurrent', 'once')) as line,
        sheet,
        unnest(
            [
                {'measure': 'start', 'unit': 'days', 'value': date_diff('day', date '1970-01-01', start_date)::double,
                    'words': start_date::varchar, 'cell': start_date_cell},
                {'measure': 'confidence', 'unit': 'share', 'value': confidence_share, 'words': null,
                    'cell': confidence_share_cell},
                {'measure': 'full_year_effect', 'unit': 'GBP', 'value': full_year_effect_gbp::double, 'words': null,
                    'cell': full_year_effect_cell},
                {'measure': 'full_year_effect_of_pool', 'unit': 'share', 'value': full_year_effect_share, 'words': null,
                    'cell': full_year_effect_cell}
            ],
            recursive := true
        ),
    from savings_schemes
    union all by name
    select
        'capital' as subject, round, organisation_code, financial_year, submission_id,
        price_basis as basis,
        concat_ws(', ', scheme_code, source, status) as line,
        'capital' as measure, 'GBP' as unit, amount_gbp::double as value, null::varchar as words, sheet, cell,
    from capital
    union all by name
    select
        'workforce' as subject, round, organisation_code, financial_year, submission_id,
        contract as basis,
        concat_ws(', ', staff_group, setting) as line,
        sheet,
        unnest(
            [
                {'measure': 'wte', 'unit': 'WTE', 'value': wte, 'words': null::varchar, 'cell': wte_cell},
                {'measure': 'headcount', 'unit': 'people', 'value': headcount::double, 'words': null,
                    'cell': headcount_cell},
                {'measure': 'pay_cost', 'unit': 'GBP', 'value': pay_cost_gbp::double, 'words': null,
                    'cell': pay_cost_cell}
            ],
            recursive := true
        ),
    from workforce
    union all by name
    select
        'workforce_flows' as subject, round, organisation_code, financial_year, submission_id,
        rate_definition as basis,
        concat_ws(', ', staff_group, setting) as line,
        null::varchar as words,
        sheet,
        unnest(
            [
                {'measure': 'leaver_rate', 'unit': 'share', 'value': leaver_rate_share, 'cell': leaver_rate_cell},
                {'measure': 'retirement_rate', 'unit': 'share', 'value': retirement_rate_share,
                    'cell': retirement_rate_cell},
                {'measure': 'joiners_newly_qualified', 'unit': 'WTE', 'value': joiners_newly_qualified_wte,
                    'cell': joiners_newly_qualified_cell},
                {'measure': 'joiners_other_nhs', 'unit': 'WTE', 'value': joiners_other_nhs_wte,
                    'cell': joiners_other_nhs_cell},
                {'measure': 'joiners_overseas', 'unit': 'WTE', 'value': joiners_overseas_wte,
                    'cell': joiners_overseas_cell},
                {'measure': 'joiners_other', 'unit': 'WTE', 'value': joiners_other_wte, 'cell': joiners_other_cell},
                {'measure': 'transfers_in', 'unit': 'WTE', 'value': transfers_in_wte, 'cell': transfers_in_cell},
                {'measure': 'transfers_out', 'unit': 'WTE', 'value': transfers_out_wte, 'cell': transfers_out_cell}
            ],
            recursive := true
        ),
    from workforce_flows
    union all by name
    select
        'scenarios' as subject, round, organisation_code, null::varchar as financial_year, submission_id,
        scenario as basis,
        scheme_code as line,
        null::varchar as words,
        sheet,
        unnest(
            [
                {'measure': 'slip', 'unit': 'months', 'value': slip_months, 'cell': slip_months_cell},
                {'measure': 'delivered', 'unit': 'share', 'value': delivered_share, 'cell': delivered_share_cell}
            ],
            recursive := true
        ),
    from scenarios
    union all by name
    select
        'assumptions' as subject, round, organisation_code, financial_year, submission_id,
        scenario as basis,
        concat_ws(', ', subject, parameter, applies_to) as line,
        sheet,
        unnest(
            [
                {'measure': 'low', 'unit': unit, 'value': low_value, 'words': null::varchar, 'cell': low_cell},
                {'measure': 'central', 'unit': unit, 'value': central_value, 'words': null, 'cell': central_cell},
                {'measure': 'high', 'unit': unit, 'value': high_value, 'words': null, 'cell': high_cell}
            ],
            recursive := true
        ),
    from assumptions
),

-- lines that a sender wrote twice are one
lines as (
    select
        subject,
        round,
        organisation_code,
        basis,
        line,
        measure,
        any_value(unit) as unit,
        financial_year,
        sum(value) as value,
        any_value(words) as words,
        any_value(submission_id) as submission_id,
        any_value(cell_reference(sheet, cell) order by abs(value) desc, cell) as cell,
    from figures
    where value is not null
    group by subject, round, organisation_code, basis, line, measure, financial_year
),

-- an organisation whose sheet is in use in both rounds; a return that one round lacks is not a change of each line
templates as (
    select *
    from (
        values
            ('activity', 'activity'), ('beds', 'beds'), ('bed_schemes', 'beds'), ('income_expenditure', 'finance'),
            ('savings', 'finance'), ('savings_schemes', 'finance'), ('capital', 'finance'), ('workforce', 'workforce'),
            ('workforce_flows', 'workforce'), ('assumptions', 'assumptions'), ('scenarios', 'assumptions')
    ) as templates(subject, template)
),

in_use as (
    select templates.subject, submissions.organisation_code, submissions.period as round
    from submissions
    inner join templates on submissions.template = templates.template
    where submissions.status = 'accepted'
),

pairs as (
    select
        before.subject,
        before.organisation_code,
        before.round as round_before,
        after.round as round_after,
    from in_use as before
    inner join in_use as after
        on before.subject = after.subject
        and before.organisation_code = after.organisation_code
        and before.round < after.round
),

befores as (
    select pairs.round_before, pairs.round_after, lines.* exclude (round)
    from pairs
    inner join lines
        on pairs.subject = lines.subject
        and pairs.organisation_code = lines.organisation_code
        and pairs.round_before = lines.round
),

afters as (
    select pairs.round_before, pairs.round_after, lines.* exclude (round)
    from pairs
    inner join lines
        on pairs.subject = lines.subject
        and pairs.organisation_code = lines.organisation_code
        and pairs.round_after = lines.round
),

-- the last bit of a sum is no change
differing as (
    select
        coalesce(befores.round_before, afters.round_before) as round_before,
        coalesce(befores.round_after, afters.round_after) as round_after,
        coalesce(befores.subject, afters.subject) as subject,
        coalesce(befores.organisation_code, afters.organisation_code) as organisation_code,
        coalesce(befores.basis, afters.basis) as basis,
        coalesce(befores.line, afters.line) as line,
        coalesce(befores.measure, afters.measure) as measure,
        coalesce(afters.unit, befores.unit) as unit,
        coalesce(befores.financial_year, afters.financial_year) as financial_year,
        case when befores.value is null then 'added' when afters.value is null then 'removed' else 'changed' end as change,
        befores.value as before_value,
        befores.words as before_words,
        afters.value as after_value,
        afters.words as after_words,
        befores.submission_id as before_submission_id,
        befores.cell as before_cell,
        afters.submission_id as after_submission_id,
        afters.cell as after_cell,
    from befores
    full outer join afters
        on befores.round_before = afters.round_before
        and befores.round_after = afters.round_after
        and befores.subject = afters.subject
        and befores.organisation_code = afters.organisation_code
        and befores.basis = afters.basis
        and befores.line = afters.line
        and befores.measure = afters.measure
        and befores.financial_year is not distinct from afters.financial_year
    where befores.value is null
        or afters.value is null
        or abs(befores.value - afters.value) > 1e-9 * greatest(abs(befores.value), abs(afters.value))
)

select
    -- keys
    round_before,
    round_after,
    subject,
    organisation_code,
    basis,
    line,
    measure,
    financial_year,
    -- what changed
    (row_number() over (
        partition by round_before, round_after, subject, unit
        order by abs(if(measure = 'start' and change <> 'changed', 0, coalesce(after_value, 0) - coalesce(before_value, 0))) desc,
            organisation_code, basis, line, measure, financial_year
    ))::integer as position,
    change,
    unit,
    -- measures
    if(before_words is null, before_value, null) as before_value,
    if(after_words is null, after_value, null) as after_value,
    before_words,
    after_words,
    if(coalesce(before_words, after_words) is not null and change <> 'changed', null,
        coalesce(after_value, 0) - coalesce(before_value, 0)) as difference,
    -- where each figure came from
    before_submission_id,
    before_cell,
    after_submission_id,
    after_cell,
from differing
