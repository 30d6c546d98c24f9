-- From a figure back to the cells that it came from, and back to what was known before: table macros for those who ask the
-- published file. Each is asked as a table, `from bed_sources(...)`. They read tables, so no SELECT of the pipeline uses
-- them: what it stands on would be hidden. Every one that ends in _sources has the columns of figure_sources, and before
-- them `adds` [in the unit of the mart's column that `adds_to` names]: those of one `adds_to` sum to the mart's figure.

-- The returns that were in use at a moment [UTC, a timestamp or a date]: of each sender, template and period the one prepared
-- last among those that had arrived by then and had not been withdrawn.
create or replace macro returns_in_use_at(a_moment) as table
    select submission_id, template, organisation_code, period, file_name, prepared_on, received_at
    from raw.submissions
    where status in ('accepted', 'superseded', 'withdrawn')
        and received_at <= a_moment::timestamp
        and submission_id not in (
            select submission_id from raw.actions where action = 'withdraw' and acted_at <= a_moment::timestamp
        )
    qualify row_number() over (
        partition by template, organisation_code, period
        order by prepared_on desc nulls last, arrival_number desc
    ) = 1;

-- Every cell of a planning return that holds a figure or a date, as it was received [text, before anybody read it].
create or replace macro cells_received() as table
    select submission_id, sheet, cell.activity as cell, activity as received from raw.activity
    union all
    select submission_id, sheet, cell.beds, beds from raw.beds
    union all
    select submission_id, sheet, cell.assumption, assumption from raw.assumptions
    union all
    select submission_id, sheet, cell.amount, amount from raw.income_expenditure
    union all
    select submission_id, sheet, cell.amount, amount from raw.savings
    union all
    select submission_id, sheet, cell.amount, amount from raw.capital
    union all
    select submission_id, sheet, cell.workforce, workforce from raw.workforce
    union all
    select submission_id, sheet, cell.flow, flow from raw.workforce_flows
    union all
    select submission_id, sheet, cell.indicator_value, indicator_value from raw.indicators
    union all
    select submission_id, sheet, cell.claimed_beds, claimed_beds from raw.bed_schemes
    union all
    -- what a scheme's line says once stands in a row of each year
    select distinct submission_id, sheet, each.cell, each.received
    from (
        select submission_id, sheet, unnest([
            {'cell': cell.start_date, 'received': start_date}, {'cell': cell.effect_share, 'received': effect_share},
            {'cell': cell.shortened_nights, 'received': shortened_nights},
            {'cell': cell.cover_share, 'received': cover_share},
            {'cell': cell.phase_in_months, 'received': phase_in_months},
            {'cell': cell.confidence_share, 'received': confidence_share}
        ]) as each
        from raw.bed_schemes
    )
    union all
    select submission_id, sheet, each.cell, each.received
    from (
        select submission_id, sheet, unnest([
            {'cell': cell.baseline_date, 'received': baseline_date},
            {'cell': cell.forecast_date, 'received': forecast_date},
            {'cell': cell.actual_date, 'received': actual_date}
        ]) as each
        from raw.milestones
    );

-- Every figure of the returns in use [value in base units, received as it stood there]: whose it is, which line, the file,
-- sheet and cell, when it came, and where the archive keeps the file.
create or replace macro figure_sources() as table
    select
        figures.organisation_code, organisations.organisation_name, submissions.template, figures.period,
        figures.subject, figures.basis, figures.line, figures.measure, figures.financial_year,
        figures.value, figures.unit, figures.words, cells.received,
        submissions.file_name, figures.sheet, figures.cell, figures.submission_id, submissions.received_at,
        'archive/' || left(submissions.sha256, 2) || '/' || submissions.sha256
            || regexp_extract(lower(submissions.file_name), '\.[a-z]+$') as archived_as,
    from mart.figures as figures
    inner join raw.submissions as submissions on figures.submission_id = submissions.submission_id
    left join reference.organisations as organisations
        on figures.organisation_code = organisations.organisation_code
    left join cells_received() as cells
        on figures.submission_id = cells.submission_id and figures.sheet = cells.sheet and figures.cell = cells.cell;

-- Cells behind a row of mart.bed_capacity_totals: method submitted, planned_beds [beds] and mean_census_beds [beds];
-- method modelled, planned_beds, and what the model stands on: bed days of the base year, schemes and assumptions.
-- an_area: an organisation that has the sites, or system.
create or replace macro bed_sources(a_round, a_scenario, a_method, an_area, a_definition, a_year) as table
    with
    definitions as (
        select unnest(if(
            a_definition = 'stp_acute_and_community', ['stp_acute', 'stp_community'], [a_definition])) as bed_definition
    ),
    beds as (
        select beds.* from core.beds_current as beds
        inner join definitions on beds.bed_definition = definitions.bed_definition
        where beds.round = a_round and beds.financial_year = a_year and an_area in ('system', beds.organisation_code)
    ),
    activity as (
        select activity.* from core.activity_current as activity
        inner join definitions on activity.bed_definition = definitions.bed_definition
        left join reference.sites as sites on activity.site_code = sites.site_code
        where activity.round = a_round and activity.perspective = 'provider'
            and an_area in ('system', coalesce(sites.organisation_code, activity.organisation_code))
    ),
    chosen as (
        select submission_id, sheet, available_cell as cell, available_beds as adds, 'planned_beds' as adds_to
        from beds
        union all
        select submission_id, sheet, occupied_cell, occupied_beds, 'mean_census_beds'
        from beds
        where a_method = 'submitted' and a_scenario = 'plan'
        union all
        select activity.submission_id, activity.sheet, activity.bed_days_cell,
            mean_census(activity.bed_days, years.days), 'mean_census_beds'
        from activity
        inner join reference.financial_years as years on activity.financial_year = years.financial_year
        where a_method = 'submitted' and a_scenario = 'do_nothing' and activity.scenario = 'do_nothing'
            and activity.financial_year = a_year
        union all
        select activity.submission_id, activity.sheet, activity.bed_days_cell, null, null
        from activity
        inner join reference.rounds as rounds
            on activity.round = rounds.round and activity.financial_year = rounds.base_year
        where a_method = 'modelled'
        union all
        select submission_id, sheet, cell, null, null
        from mart.figures
        where a_method = 'modelled' and period = a_round
            and (subject = 'bed_schemes' or (subject = 'assumptions' and split_part(line, ', ', 1) <> 'funding'))
    )
    select chosen.adds, chosen.adds_to, sources.*
    from chosen
    inner join figure_sources() as sources
        on chosen.submission_id = sources.submission_id and chosen.sheet = sources.sheet and chosen.cell = sources.cell;

-- Cells behind a row of mart.bed_base_activity, or of any later year's plan for a site: spells [spells], bed_days [bed days],
-- attendances [attendances] and contacts [contacts], by who provides them.
create or replace macro activity_sources(a_round, a_scenario, a_site, a_year) as table
    select value as adds, measure as adds_to, sources.*
    from figure_sources() as sources
    where subject = 'activity' and period = a_round and basis = a_scenario || ', provider'
        and split_part(line, ', ', 1) = a_site and financial_year = a_year;

-- Cells behind a row of mart.funding_gap_totals, method submitted, in the prices that were stated: do_nothing_gap_gbp [GBP,
-- cost less income] and, for the plan, gross_saving_gbp and investment_gbp [GBP]. an_area: an organisation, nhs,
-- local_authority or system.
create or replace macro funding_sources(a_round, a_scenario, an_area, a_year) as table
    select
        (if(sources.measure = 'income', -1, 1) * sources.value)::decimal(18, 2) as adds,
        case sources.measure
            when 'gross_saving' then 'gross_saving_gbp' when 'investment' then 'investment_gbp' else 'do_nothing_gap_gbp'
        end as adds_to,
        sources.*
    from figure_sources() as sources
    inner join reference.organisations as organisations
        on sources.organisation_code = organisations.organisation_code
    where sources.period = a_round and sources.financial_year = a_year
        and an_area in ('system', organisations.scope, sources.organisation_code)
        and (
            (sources.subject = 'income_expenditure' and split_part(sources.basis, ', ', 1) = 'do_nothing')
            or (sources.subject = 'savings' and a_scenario = 'plan')
        );

-- Cells behind a row of mart.workforce_totals: planned_substantive_wte, planned_bank_wte, planned_agency_wte [WTE], and the
-- flows that its projection stands on. an_area: an organisation, a setting or system.
create or replace macro staff_sources(a_round, an_area, a_year) as table
    select
        if(measure = 'wte', value, null) as adds,
        if(measure = 'wte', 'planned_' || basis || '_wte', null) as adds_to,
        sources.*
    from figure_sources() as sources
    where subject in ('workforce', 'workforce_flows') and period = a_round and financial_year = a_year
        and an_area in ('system', organisation_code, split_part(line, ', ', 2));

-- Cells behind a month of mart.indicator_values: its numerator, denominator and target [as the indicator's name says], of the
-- newest return that states the month; a_month as 2017-04.
create or replace macro indicator_sources(an_organisation, an_indicator, a_month) as table
    select value as adds, measure as adds_to, sources.*
    from figure_sources() as sources
    where subject = 'indicators' and organisation_code = an_organisation and line = an_indicator and basis = a_month
    qualify period = max(period) over (partition by measure = 'target');

-- Cells behind a row of mart.milestone_rag: the days first planned, now expected and finished [dates]; a_month: the return's.
create or replace macro milestone_sources(an_organisation, a_milestone, a_month) as table
    select null::double as adds, measure || '_date' as adds_to, sources.*
    from figure_sources() as sources
    where subject = 'milestones' and organisation_code = an_organisation and line = a_milestone and period = a_month;

-- Cells behind the warehouse's figure beside a published one, a row of mart.claims_ledger: warehouse_value [beds, WTE or GBP; of a
-- percentage the beds of its reduction]. Spending has no cells here: it is a sum of all income and cost.
create or replace macro claim_sources(a_figure, a_document) as table
    with
    claims as (
        select ledger.*, ends.each.year as end_year, ends.each.sign as sign
        from mart.claims_ledger as ledger
        inner join reference.rounds as rounds on ledger.round = rounds.round
        cross join lateral (
            select unnest(case
                when contains(ledger.figure_code, '_reduction')
                    then [{'year': rounds.base_year, 'sign': 1}, {'year': rounds.horizon_year, 'sign': -1}]
                when contains(ledger.figure_code, '_before') then [{'year': rounds.base_year, 'sign': 1}]
                else [{'year': rounds.horizon_year, 'sign': 1}]
            end) as each
        ) as ends
        where ledger.figure_code = a_figure and ledger.document = a_document
    )
    select
        case when sources.measure = 'income' then -1 else claims.sign end * sources.value as adds,
        'warehouse_value' as adds_to,
        sources.*
    from claims
    inner join figure_sources() as sources on claims.round = sources.period
    left join reference.organisations as organisations
        on sources.organisation_code = organisations.organisation_code
    where case claims.warehouse_table
        when 'mart.bed_capacity_totals' then sources.subject = 'beds' and sources.measure = 'available'
            and claims.end_year = sources.financial_year
            and (sources.basis = claims.bed_definition
                or (claims.bed_definition = 'stp_acute_and_community' and sources.basis in ('stp_acute', 'stp_community')))
        when 'mart.workforce_totals' then sources.subject = 'workforce' and sources.measure = 'wte'
            and claims.end_year = sources.financial_year and split_part(sources.line, ', ', 2) = claims.scope
        when 'mart.funding_gap_totals' then sources.subject = 'income_expenditure'
            and contains(claims.figure_code, '_gap') and claims.end_year = sources.financial_year
            and split_part(sources.basis, ', ', 1) = 'do_nothing' and organisations.scope = claims.scope
        when 'mart.capital_totals' then sources.subject = 'capital'
            and (not contains(claims.figure_code, 'external') or split_part(sources.line, ', ', 2) = 'external')
            and (not contains(claims.figure_code, 'secured') or split_part(sources.line, ', ', 3) = 'secured')
        else false
    end;

-- A line's figure in each round [base units]: what each return in use says of it, beside the round before; a_line as in
-- mart.figures, such as RWEAA, adult_general_acute.
create or replace macro figure_history(an_organisation, a_subject, a_line) as table
    select
        basis, measure, financial_year, period, value,
        value - lag(value) over (partition by basis, measure, financial_year order by period) as change,
        unit, received, file_name, sheet, cell, received_at,
    from figure_sources()
    where organisation_code = an_organisation and subject = a_subject and line = a_line
    order by basis, measure, financial_year, period;
