-- One row per figure of a return in use: which line it is of, what it is in base units, and the cell that it stands in.
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
indicators as (select * from core.indicators_current),
milestones as (select * from core.milestones_current),

-- basis: what is never added across; a date is its days since 1970, and in words
figures as (
    select
        'activity' as subject, round as period, organisation_code, financial_year, submission_id,
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
        'beds' as subject, round as period, organisation_code, financial_year, submission_id,
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
        'bed_schemes' as subject, round as period, organisation_code, financial_year, submission_id,
        '' as basis,
        concat_ws(', ', scheme_code, mechanism, from_site_code, from_sector, from_point_of_delivery,
            from_specialty_group, from_age_band) as line,
        'claimed' as measure, 'beds' as unit, claimed_beds as value, null::varchar as words, sheet, cell,
    from bed_scheme_claims
    union all by name
    select
        'bed_schemes' as subject, round as period, organisation_code, null::varchar as financial_year, submission_id,
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
        'income_expenditure' as subject, round as period, organisation_code, financial_year, submission_id,
        concat_ws(', ', scenario, support_basis, price_basis) as basis,
        concat_ws(', ', category, line, counterparty_code, if(is_recurrent, 'recurrent', 'once')) as line,
        flow as measure, 'GBP' as unit, amount_gbp::double as value, null::varchar as words, sheet, cell,
    from income_expenditure
    union all by name
    select
        'savings' as subject, round as period, organisation_code, financial_year, submission_id,
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
        'savings_schemes' as subject, round as period, organisation_code, null::varchar as financial_year, submission_id,
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
        'capital' as subject, round as period, organisation_code, financial_year, submission_id,
        price_basis as basis,
        concat_ws(', ', scheme_code, source, status) as line,
        'capital' as measure, 'GBP' as unit, amount_gbp::double as value, null::varchar as words, sheet, cell,
    from capital
    union all by name
    select
        'workforce' as subject, round as period, organisation_code, financial_year, submission_id,
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
        'assumptions' as subject, round as period, organisation_code, financial_year, submission_id,
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
    union all by name
    select
        'workforce_flows' as subject, round as period, organisation_code, financial_year, submission_id,
        rate_definition as basis,
        concat_ws(', ', staff_group, setting) as line,
        sheet,
        unnest(
            [
                {'measure': 'leaver_rate', 'unit': 'share', 'value': leaver_rate_share, 'words': null::varchar,
                    'cell': leaver_rate_cell},
                {'measure': 'retirement_rate', 'unit': 'share', 'value': retirement_rate_share, 'words': null,
                    'cell': retirement_rate_cell},
                {'measure': 'joiners_newly_qualified', 'unit': 'WTE', 'value': joiners_newly_qualified_wte, 'words': null,
                    'cell': joiners_newly_qualified_cell},
                {'measure': 'joiners_other_nhs', 'unit': 'WTE', 'value': joiners_other_nhs_wte, 'words': null,
                    'cell': joiners_other_nhs_cell},
                {'measure': 'joiners_overseas', 'unit': 'WTE', 'value': joiners_overseas_wte, 'words': null,
                    'cell': joiners_overseas_cell},
                {'measure': 'joiners_other', 'unit': 'WTE', 'value': joiners_other_wte, 'words': null,
                    'cell': joiners_other_cell},
                {'measure': 'transfers_in', 'unit': 'WTE', 'value': transfers_in_wte, 'words': null,
                    'cell': transfers_in_cell},
                {'measure': 'transfers_out', 'unit': 'WTE', 'value': transfers_out_wte, 'words': null,
                    'cell': transfers_out_cell}
            ],
            recursive := true
        ),
    from workforce_flows
    union all by name
    select
        'scenarios' as subject, round as period, organisation_code, null::varchar as financial_year, submission_id,
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
        'indicators' as subject, return_month as period, organisation_code, null::varchar as financial_year, submission_id,
        month as basis,
        indicator_code as line,
        sheet,
        unnest(
            [
                {'measure': 'numerator', 'unit': null::varchar, 'value': numerator, 'words': null::varchar, 'cell': numerator_cell},
                {'measure': 'denominator', 'unit': null::varchar, 'value': denominator, 'words': null, 'cell': denominator_cell},
                {'measure': 'target', 'unit': null::varchar, 'value': target, 'words': null, 'cell': target_cell}
            ],
            recursive := true
        ),
    from indicators
    union all by name
    select
        'milestones' as subject, month as period, organisation_code, null::varchar as financial_year, submission_id,
        '' as basis,
        milestone_code as line,
        sheet,
        unnest(
            [
                {'measure': 'baseline', 'unit': 'days', 'value': date_diff('day', date '1970-01-01', baseline_date)::double,
                    'words': baseline_date::varchar, 'cell': baseline_date_cell},
                {'measure': 'forecast', 'unit': 'days', 'value': date_diff('day', date '1970-01-01', forecast_date)::double,
                    'words': forecast_date::varchar, 'cell': forecast_date_cell},
                {'measure': 'actual', 'unit': 'days', 'value': date_diff('day', date '1970-01-01', actual_date)::double,
                    'words': actual_date::varchar, 'cell': actual_date_cell}
            ],
            recursive := true
        ),
    from milestones
)

select
    -- keys
    submission_id,
    sheet,
    cell,
    -- what it is of
    subject,
    period,
    organisation_code,
    basis,
    line,
    measure,
    financial_year,
    unit,
    -- measures
    value,
    words,
from figures
where value is not null
