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

-- Every file that was received, and where the archive keeps it [a path in the home].
create or replace macro files_received() as table
    select
        submission_id, template, file_name, received_at,
        'archive/' || left(sha256, 2) || '/' || sha256 || regexp_extract(lower(file_name), '\.[a-z]+$') as archived_as,
    from raw.submissions;

-- Every figure of the returns in use [value in base units, received as it stood there]: whose it is, which line, the file,
-- sheet and cell, when it came, and where the archive keeps the file.
create or replace macro figure_sources() as table
    select
        figures.organisation_code, organisations.organisation_name, files.template, figures.period,
        figures.subject, figures.basis, figures.line, figures.measure, figures.financial_year,
        figures.value, figures.unit, figures.words, cells.received,
        files.file_name, figures.sheet, figures.cell, figures.submission_id, files.received_at, files.archived_as,
    from mart.figures as figures
    inner join files_received() as files on figures.submission_id = files.submission_id
    left join reference.organisations as organisations
        on figures.organisation_code = organisations.organisation_code
    left join cells_received() as cells
        on figures.submission_id = cells.submission_id and figures.sheet = cells.sheet and figures.cell = cells.cell;

-- What a scenario makes of each scheme [slip: months later; delivered: share], with the cells of its own lines and of those of
-- the scenarios that it stands on. Months add up; of the shares the nearest counts, a scheme's own before that for all,
-- and without any the scenario delivers what it begins with [begins: share, no cell].
create or replace macro scenario_cells(a_round, a_scenario) as table
    with recursive
    steps as (
        select a_scenario as scenario, 0 as depth
        union
        select lines.parent_scenario, steps.depth + 1
        from steps
        inner join core.scenarios_current as lines
            on lines.round = a_round and lines.scenario = steps.scenario and lines.parent_scenario <> steps.scenario
        where steps.depth < 20
    ),
    lines as (
        select lines.*, steps.depth
        from steps
        inner join core.scenarios_current as lines on lines.round = a_round and lines.scenario = steps.scenario
    )
    select submission_id, sheet, slip_months_cell as cell, scheme_code, 'slip' as says, slip_months as value
    from lines
    where slip_months is not null
    union all
    (
        select submission_id, sheet, delivered_share_cell, scheme_code, 'delivered', delivered_share
        from lines
        where delivered_share is not null
        -- a line for all schemes stands instead of every line further up
        qualify depth <= coalesce(min(depth) filter (where scheme_code = 'all') over (), depth)
            and depth = min(depth) over (partition by scheme_code)
    )
    union all
    select null, null, null, 'all', 'begins', (arg_max(scenario, depth) <> 'do_nothing')::integer from steps;

-- Cells behind a row of mart.bed_capacity_totals: method submitted, planned_beds [beds] and mean_census_beds [beds];
-- method modelled, what it stands on: beds planned, bed days of the base year, all of the round's schemes and assumptions.
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
        select
            submission_id, sheet, available_cell as cell,
            if(a_method = 'submitted', available_beds, null) as adds, if(a_method = 'submitted', 'planned_beds', null) as adds_to
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
            and (
                (subject = 'bed_schemes' and measure <> 'claimed')
                or (
                    subject = 'assumptions' and split_part(line, ', ', 1) in ('activity', 'beds', 'schemes', 'simulation')
                    and split_part(line, ', ', 2) <> 'activity_weight'
                )
            )
        union all
        select submission_id, sheet, cell, null, null
        from scenario_cells(a_round, a_scenario)
        where a_method = 'modelled'
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

-- Cells that the funding model reads for a row of mart.funding_modelled_totals [adds: GBP, where the row's column is their
-- plain sum: do_nothing_gap_gbp in the base year, investment_gbp in every one]. Lines of the base year grow; pressures and
-- what does not recur are of the year itself. A flow between two organisations is read on the purchaser's side alone.
create or replace macro funding_model_cells(a_round, a_scenario, an_area, a_year) as table
    with
    plan as (select * from reference.rounds where round = a_round),
    area as (
        select organisation_code from reference.organisations where an_area in ('system', scope, organisation_code)
    ),
    -- an organisation that states its money on two bases is not in the model
    returned as (
        select
            lines.*, lines.is_recurrent and lines.category <> 'pressure' as grows,
            if(lines.category = 'healthcare_bought', lines.organisation_code, lines.counterparty_code) as purchaser_code,
            if(lines.category = 'healthcare_bought', lines.counterparty_code, lines.organisation_code) as provider_code,
            lines.category in ('healthcare_bought', 'contract_income')
                and lines.organisation_code <> lines.counterparty_code as is_flow,
        from core.income_expenditure_current as lines
        semi join mart.funding_modelled as modelled
            on modelled.round = a_round and lines.organisation_code = modelled.organisation_code
        where lines.round = a_round and lines.scenario = 'do_nothing'
    ),
    sides as (
        select
            *,
            is_flow and count(distinct category) over (partition by is_flow, purchaser_code, provider_code, is_recurrent)
                = 2 as is_matched,
            organisation_code in (from area) as is_own,
            provider_code in (from area) as is_earned,
        from returned
    ),
    -- what a purchase costs its purchaser it earns its provider
    lines as (
        select sides.*, if(flow = 'cost', 1, -1) * is_own::integer - (is_matched and is_earned)::integer as sign
        from sides
        inner join plan on sides.financial_year = if(sides.grows, plan.base_year, a_year)
        where not (is_matched and category = 'contract_income') and (is_own or (is_matched and is_earned))
    ),
    growing as (select lines.* from lines inner join plan on lines.grows and a_year > plan.base_year),

    -- activity of the base year, as mart.funding_base_activity takes it: whose costs grow with it
    activity as (
        select
            lines.*,
            case
                when lines.spells is not null then lines.spells_cell
                when lines.attendances is not null then lines.attendances_cell
                else lines.contacts_cell
            end as cell,
        from core.activity_current as lines
        inner join plan on lines.round = plan.round and lines.financial_year = plan.base_year
        semi join growing on lines.organisation_code = growing.organisation_code and growing.flow = 'cost'
        semi join mart.funding_base_activity as weighted
            on lines.round = weighted.round
            and lines.organisation_code = weighted.organisation_code
            and lines.point_of_delivery = weighted.point_of_delivery
            and lines.age_band = weighted.age_band
            and weighted.weighted_activity_gbp is not null
        where coalesce(lines.spells, lines.attendances, lines.contacts) is not null
        qualify lines.perspective = max(lines.perspective) over (partition by lines.organisation_code)
            and row_number() over (
                partition by lines.organisation_code, lines.perspective, lines.submission_id, lines.site_code,
                    lines.point_of_delivery, lines.specialty_group, lines.age_band, lines.counterparty_code
                order by lines.scenario
            ) = 1
    ),

    -- schemes that the scenario does, and the line that speaks for each
    scenario as (from scenario_cells(a_round, a_scenario)),
    planned as (
        select
            schemes.organisation_code, schemes.scheme_code, schemes.category, schemes.cost_pool,
            arg_min(scenario.value, (scenario.says = 'begins', scenario.scheme_code = 'all')) as delivered_share,
        from core.savings_schemes_current as schemes
        left join scenario
            on scenario.says in ('delivered', 'begins') and scenario.scheme_code in (schemes.scheme_code, 'all')
        where schemes.round = a_round and schemes.organisation_code in (from area)
        group by all
    ),
    done as (select * from planned where delivered_share <> 0),
    savings as (
        select amounts.*
        from core.savings_current as amounts
        semi join done using (organisation_code, scheme_code, category, cost_pool)
        where amounts.round = a_round
    ),
    schemes as (
        select about.*
        from core.savings_schemes_current as about
        semi join done using (organisation_code, scheme_code, category, cost_pool)
        where about.round = a_round
        qualify row_number() over (
            partition by about.organisation_code, about.scheme_code, about.category, about.cost_pool
            order by exists(
                select 1 from savings
                where savings.organisation_code = about.organisation_code and savings.scheme_code = about.scheme_code
                    and savings.category = about.category and savings.cost_pool = about.cost_pool
                    and savings.is_recurrent = about.is_recurrent and savings.gross_saving_gbp is not null
            ) desc, about.row_number
        ) = 1
    ),

    -- which assumptions, of which years; a code without its own takes that for all
    needs as (
        select distinct 'funding' as subject, 'inflation' as parameter, category as applies_to, true as is_rate
        from growing
        where flow = 'cost'
        union all
        select distinct 'funding', 'marginal_cost_share', growing.category, true
        from growing
        semi join activity on growing.organisation_code = activity.organisation_code
        where growing.flow = 'cost'
        union all
        select distinct 'funding', 'allocation_growth', scope, true from growing where flow = 'income'
        union all
        select distinct 'funding', 'inflation', 'all', true from lines where price_basis <> 'nominal' and not grows
        union all
        select distinct 'activity', unnest(['population_index', 'health_status_factor']), age_band, false from activity
        union all
        select distinct 'activity', 'non_demographic_growth', point_of_delivery, true from activity
    ),
    needed as (
        select given.*
        from needs
        cross join plan
        inner join core.assumptions_current as given
            on given.round = a_round and given.scenario = 'all'
            and needs.subject = given.subject and needs.parameter = given.parameter
            and given.applies_to in (needs.applies_to, 'all')
            and given.financial_year between plan.base_year and a_year
            and (given.financial_year > plan.base_year or not needs.is_rate)
        qualify given.applies_to = needs.applies_to or not bool_or(given.applies_to = needs.applies_to) over (
            partition by needs.subject, needs.parameter, needs.applies_to
        )
        union all
        select given.*
        from core.assumptions_current as given
        inner join plan on given.round = plan.round
        where given.scenario = 'all'
            and case given.parameter
                when 'activity_weight' then given.financial_year = plan.base_year
                    and given.applies_to in (select point_of_delivery from activity)
                when 'runs' then given.financial_year = plan.horizon_year and given.applies_to = 'funding'
                when 'seed' then given.financial_year = plan.horizon_year and a_year > plan.base_year
                when 'slip_months' then given.financial_year = plan.horizon_year and exists(from done)
                when 'delivery_kappa' then given.financial_year = plan.horizon_year and exists(from done)
                when 'delivery_correlation' then given.financial_year = plan.horizon_year and exists(from done)
                else false
            end
    ),
    chosen as (
        select
            lines.submission_id, lines.sheet, lines.cell,
            if(a_year = plan.base_year and lines.price_basis = 'nominal', sign * amount_gbp, null) as adds,
            'do_nothing_gap_gbp' as adds_to,
        from lines
        cross join plan
        union all
        -- a saving stated as a share is one of its pool as returned
        select pools.submission_id, pools.sheet, pools.cell, null, null
        from returned as pools
        semi join schemes
            on pools.organisation_code = schemes.organisation_code and pools.category = schemes.cost_pool
            and schemes.stated_as = 'share'
        where pools.financial_year <= a_year
        union all
        select submission_id, sheet, cell, null, null from activity
        union all
        select submission_id, sheet, gross_saving_cell, null, null from savings where financial_year <= a_year
        union all
        select submission_id, sheet, investment_cell, investment_gbp, 'investment_gbp' from savings where financial_year = a_year
        union all
        select submission_id, sheet, unnest([start_date_cell, confidence_share_cell]), null, null from schemes
        union all
        select steps.submission_id, steps.sheet, steps.cell, null, null
        from scenario as steps
        where exists(
            from planned
            where steps.scheme_code in (planned.scheme_code, 'all')
                and (steps.says = 'delivered' or planned.delivered_share <> 0)
        )
        union all
        select
            submission_id, sheet,
            unnest(if(
                parameter = 'slip_months', [low_cell, high_cell], [low_cell, central_cell, high_cell]
            )),
            null, null,
        from needed
    )
    -- a cell may be read for several reasons
    select
        submission_id, sheet, cell,
        sum(adds) filter (where adds <> 0) as adds,
        any_value(adds_to) filter (where adds <> 0) as adds_to,
    from chosen
    where cell is not null
    group by submission_id, sheet, cell;

-- Cells behind a row of mart.funding_gap_totals. Method submitted, in the prices that were stated: do_nothing_gap_gbp [GBP,
-- cost less income] and, for the plan, gross_saving_gbp and investment_gbp [GBP]. Method modelled, at the prices of each
-- year: what the model reads, with investment_gbp and, in the base year, do_nothing_gap_gbp [GBP]. an_area: an
-- organisation, nhs, local_authority or system.
create or replace macro funding_sources(a_round, a_scenario, a_method, an_area, a_year) as table
    with
    chosen as (
        select
            figures.submission_id, figures.sheet, figures.cell,
            (if(figures.measure = 'income', -1, 1) * figures.value)::decimal(18, 2) as adds,
            case figures.measure
                when 'gross_saving' then 'gross_saving_gbp' when 'investment' then 'investment_gbp'
                else 'do_nothing_gap_gbp'
            end as adds_to,
        from mart.figures as figures
        inner join reference.organisations as organisations
            on figures.organisation_code = organisations.organisation_code
        where a_method = 'submitted' and figures.period = a_round and figures.financial_year = a_year
            and an_area in ('system', organisations.scope, figures.organisation_code)
            and (
                (figures.subject = 'income_expenditure' and split_part(figures.basis, ', ', 1) = 'do_nothing')
                or (figures.subject = 'savings' and a_scenario = 'plan')
            )
        union all
        select submission_id, sheet, cell, adds, adds_to
        from funding_model_cells(a_round, a_scenario, an_area, a_year)
        where a_method = 'modelled'
    )
    select chosen.adds, chosen.adds_to, sources.*
    from chosen
    inner join figure_sources() as sources
        on chosen.submission_id = sources.submission_id and chosen.sheet = sources.sheet and chosen.cell = sources.cell;

-- Cells behind a row of mart.savings_schemes: returned_saving_gbp and investment_gbp [GBP], each the sum of its cells; what it
-- takes out of its pool, at its confidence and over the runs, stands on the rest: when it starts, how surely, how late the
-- scenario has it, and its pool [GBP]. mart.savings_delivered has delivered_sources.
create or replace macro savings_sources(a_round, a_scenario, an_organisation, a_scheme, a_category, a_cost_pool, a_year) as table
    with
    about as (
        select *
        from figure_sources()
        where period = a_round and organisation_code = an_organisation and subject in ('savings', 'savings_schemes')
            and starts_with(line, concat_ws(', ', a_scheme, a_category, a_cost_pool) || ', ')
    ),
    is_done as (
        select arg_min(value, (says = 'begins', scheme_code = 'all')) <> 0 as yes
        from scenario_cells(a_round, a_scenario)
        where says in ('delivered', 'begins') and scheme_code in (a_scheme, 'all')
    )
    select
        if(financial_year = a_year and (measure = 'gross_saving' or is_done.yes), value, null)::decimal(18, 2) as adds,
        case
            when adds is null then null when measure = 'gross_saving' then 'returned_saving_gbp' else 'investment_gbp'
        end as adds_to,
        about.*
    from about
    cross join is_done
    where coalesce(financial_year, a_year) <= a_year and (measure <> 'investment' or financial_year = a_year)
    union all
    select null, null, sources.*
    from funding_model_cells(a_round, a_scenario, an_organisation, a_year) as read
    inner join figure_sources() as sources
        on read.submission_id = sources.submission_id and read.sheet = sources.sheet and read.cell = sources.cell
    cross join is_done
    where is_done.yes and (
        sources.subject in ('activity', 'scenarios')
        or (sources.subject = 'income_expenditure' and split_part(sources.line, ', ', 1) = a_cost_pool
            and sources.organisation_code = an_organisation)
        or (
            sources.subject = 'assumptions'
            and split_part(sources.line, ', ', 2) <> 'allocation_growth'
            and (split_part(sources.line, ', ', 1) <> 'funding' or split_part(sources.line, ', ', 3) = a_cost_pool)
        )
    );

-- Cells behind a row of mart.savings_delivered: delivered_gbp [GBP], of the months as last reported, and planned_gbp [GBP].
create or replace macro delivered_sources(a_round, an_organisation, a_scheme, a_year) as table
    with
    reports as (
        select sources.*, indicators.gbp_per_unit
        from figure_sources() as sources
        inner join reference.savings_indicators as indicators
            on sources.organisation_code = indicators.organisation_code and sources.line = indicators.indicator_code
        inner join reference.financial_years as years
            on years.financial_year = a_year
            and (sources.basis || '-01')::date between years.starts_on and years.ends_on
        where sources.subject = 'indicators' and sources.measure = 'numerator'
            and sources.organisation_code = an_organisation and indicators.scheme_code = a_scheme
        qualify sources.period = max(sources.period) over (partition by sources.line, sources.basis)
    )
    select
        (value * gbp_per_unit)::decimal(18, 2) as adds, 'delivered_gbp' as adds_to, columns(* exclude (gbp_per_unit)),
    from reports
    union all
    select sources.value::decimal(18, 2), 'planned_gbp', sources.*
    from figure_sources() as sources
    inner join reference.organisations as organisations on organisations.organisation_code = an_organisation
    where sources.subject = 'savings' and sources.measure = 'gross_saving' and sources.period = a_round
        and sources.financial_year = a_year and a_scheme in ('all', split_part(sources.line, ', ', 1))
        and (organisations.organisation_kind = 'system' or sources.organisation_code = an_organisation);

-- Cells behind a row of mart.capital_totals, all years: needed_gbp, and of it secured_gbp, bid_gbp or planned_gbp [GBP] by its
-- status; expected_gbp stands on the confidence in each status too [share]. A cell that adds to two columns has two rows.
-- A row of mart.capital_plan carries its cell itself.
create or replace macro capital_sources(a_round, a_price_basis, a_source) as table
    with
    capital as (
        select *
        from figure_sources()
        where subject = 'capital' and period = a_round and basis = a_price_basis
            and split_part(line, ', ', 2) = a_source
    )
    select value::decimal(18, 2) as adds, 'needed_gbp' as adds_to, capital.* from capital
    union all
    select value::decimal(18, 2), split_part(line, ', ', 3) || '_gbp', capital.* from capital
    union all
    select null, null, sources.*
    from figure_sources() as sources
    semi join capital
        on sources.line = 'funding, confidence_share, ' || split_part(capital.line, ', ', 3)
        and sources.financial_year = capital.financial_year
    where sources.subject = 'assumptions' and sources.period = a_round and sources.basis = 'all'
        and sources.measure = 'central';

-- Cells that the workforce model reads for a row of mart.workforce_totals, besides those of the year's staff [WTE]: staff of
-- the base year, the flows since, the assumptions, and what the need follows: contacts, and all that the bed model reads.
create or replace macro staff_model_cells(a_round, a_scenario, an_area, a_year) as table
    with
    plan as (select * from reference.rounds where round = a_round),
    posts as (
        select *
        from mart.workforce_projections
        where round = a_round and scenario = a_scenario and an_area in ('system', organisation_code, setting)
    ),
    -- whether nothing of the plan is done
    nothing as (
        select arg_min(value, says = 'begins') = 0 as is_done
        from scenario_cells(a_round, a_scenario)
        where says in ('delivered', 'begins') and scheme_code = 'all'
    ),
    flows as (
        select flows.*, posts.rate_source = 'returned' as has_rates
        from core.workforce_flows_current as flows
        inner join posts
            on flows.organisation_code = posts.organisation_code and flows.staff_group = posts.staff_group
            and flows.setting = posts.setting and flows.financial_year = posts.financial_year
            and flows.rate_definition = posts.rate_definition
        cross join plan
        cross join nothing
        where flows.round = a_round and flows.financial_year > plan.base_year
            and if(nothing.is_done, flows.financial_year = a_year, flows.financial_year <= a_year)
    ),
    -- in the base year there are as many as there are, whatever the patients
    wards as (
        select distinct sectors.sector, sectors.bed_definition
        from posts
        inner join plan on a_year > plan.base_year
        inner join reference.sectors as sectors
            on sectors.bed_definition = if(posts.setting = 'acute', 'stp_acute', 'stp_mental_health')
        where posts.demand_basis = 'care_hours'
    ),
    visits as (
        select distinct posts.organisation_code
        from posts
        inner join plan on a_year > plan.base_year
        where posts.demand_basis = 'contacts'
    ),
    -- a scenario between doing nothing and the plan has as many contacts at home as its bed schemes move
    bed_definitions as (
        select bed_definition from wards
        union
        select unnest(['stp_acute', 'stp_community'])
        from nothing
        where not nothing.is_done and a_scenario <> 'plan' and exists(from visits)
    ),
    needed as (
        select given.*
        from core.assumptions_current as given
        inner join plan on given.round = plan.round
        cross join nothing
        where given.scenario = 'all' and given.financial_year between plan.base_year and plan.horizon_year
            and case given.subject || ', ' || given.parameter
                when 'workforce, cap_share' then given.financial_year = a_year
                when 'workforce, premium_share' then given.financial_year = a_year
                when 'workforce, pay_cost_per_wte' then given.financial_year = a_year
                    and given.applies_to in (select staff_group from posts)
                when 'funding, inflation' then given.applies_to = 'pay'
                    and given.financial_year > plan.base_year and given.financial_year <= a_year
                -- a group's own range moves the rates that were returned
                when 'workforce, leaver_rate' then given.financial_year > plan.base_year
                    and if(nothing.is_done, given.financial_year = a_year, given.financial_year <= a_year)
                    and exists(
                        from posts
                        where posts.staff_group = given.applies_to and posts.financial_year = given.financial_year
                            and (posts.rate_source = 'assumed' or given.low_value < given.high_value)
                    )
                when 'workforce, retirement_rate' then given.financial_year > plan.base_year
                    and if(nothing.is_done, given.financial_year = a_year, given.financial_year <= a_year)
                    and exists(
                        from posts
                        where posts.staff_group = given.applies_to and posts.financial_year = given.financial_year
                            and posts.rate_source = 'assumed'
                    )
                when 'workforce, replacement_share' then not nothing.is_done
                    and given.financial_year > plan.base_year and given.financial_year <= a_year
                when 'workforce, care_hours_per_patient_day' then given.financial_year in (plan.base_year, a_year)
                    and (given.applies_to in (select sector from wards) or (given.applies_to = 'all' and exists(from wards)))
                when 'workforce, contracted_hours' then given.financial_year in (plan.base_year, a_year)
                    and exists(from wards)
                when 'workforce, headroom_share' then given.financial_year in (plan.base_year, a_year)
                    and exists(from wards)
                when 'workforce, contacts_per_wte' then given.financial_year in (plan.base_year, a_year)
                    and exists(from visits)
                when 'activity, non_demographic_growth' then given.applies_to = 'community_contacts'
                    and exists(from visits)
                    and given.financial_year > plan.base_year and given.financial_year <= a_year
                when 'simulation, runs' then given.applies_to = 'workforce' and given.financial_year = plan.horizon_year
                when 'simulation, seed' then given.financial_year = plan.horizon_year and a_year > plan.base_year
                else false
            end
    ),
    contacts as (
        select lines.*
        from core.activity_current as lines
        cross join plan
        cross join nothing
        where lines.round = a_round and lines.perspective = 'provider' and lines.contacts is not null
            and lines.bed_definition is distinct from 'stp_mental_health'
            and lines.financial_year in (plan.base_year, a_year)
            and lines.organisation_code in (from visits)
            and case
                when nothing.is_done then lines.scenario = 'do_nothing'
                when a_scenario = 'plan' then lines.scenario = 'plan'
                else lines.scenario in ('do_nothing', 'plan')
            end
    ),
    chosen as (
        select staff.submission_id, staff.sheet, staff.wte_cell as cell
        from core.workforce_current as staff
        inner join plan on staff.round = plan.round and staff.financial_year = plan.base_year
        inner join posts using (organisation_code, staff_group, setting, financial_year)
        cross join nothing
        where staff.contract = 'substantive' or nothing.is_done or posts.demand_basis <> 'plan'
        union all
        select submission_id, sheet, unnest([leaver_rate_cell, retirement_rate_cell]) from flows where has_rates
        union all
        select
            submission_id, sheet,
            unnest([
                joiners_newly_qualified_cell, joiners_other_nhs_cell, joiners_overseas_cell, joiners_other_cell,
                transfers_in_cell, transfers_out_cell
            ]),
        from flows
        cross join nothing
        where not nothing.is_done
        union all
        select
            submission_id, sheet,
            unnest(if(
                parameter in ('pay_cost_per_wte', 'premium_share', 'inflation', 'retirement_rate'),
                [central_cell], [low_cell, central_cell, high_cell]
            )),
        from needed
        union all
        select submission_id, sheet, contacts_cell from contacts
        union all
        select submission_id, sheet, cell from scenario_cells(a_round, a_scenario) where says = 'delivered'
        union all
        select submission_id, sheet, cell
        from (
            select 'stp_acute' as bed_definition, *
            from bed_sources(a_round, a_scenario, 'modelled', 'system', 'stp_acute', a_year)
            union all
            select 'stp_community', *
            from bed_sources(a_round, a_scenario, 'modelled', 'system', 'stp_community', a_year)
            union all
            select 'stp_mental_health', *
            from bed_sources(a_round, a_scenario, 'modelled', 'system', 'stp_mental_health', a_year)
        ) as beds
        semi join bed_definitions using (bed_definition)
        where beds.adds is null
    )
    select distinct submission_id, sheet, cell from chosen where cell is not null;

-- Cells behind a row of mart.workforce_totals: planned_substantive_wte, planned_bank_wte and planned_agency_wte [WTE], and
-- what its projection, need and cost stand on. an_area: an organisation, a setting or system. A row of
-- mart.workforce_projections has those of its organisation, setting and staff group among them.
create or replace macro staff_sources(a_round, a_scenario, an_area, a_year) as table
    with
    staff as (
        select
            submission_id, sheet, wte_cell as cell, wte as adds, 'planned_' || contract || '_wte' as adds_to,
        from core.workforce_current
        where round = a_round and financial_year = a_year and an_area in ('system', organisation_code, setting)
    ),
    chosen as (
        from staff
        union all
        select read.submission_id, read.sheet, read.cell, null, null
        from staff_model_cells(a_round, a_scenario, an_area, a_year) as read
        anti join staff using (submission_id, sheet, cell)
    )
    select chosen.adds, chosen.adds_to, sources.*
    from chosen
    inner join figure_sources() as sources
        on chosen.submission_id = sources.submission_id and chosen.sheet = sources.sheet and chosen.cell = sources.cell;

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

-- Every cell of a published file that holds a figure of mart.plan_against_actuals, as it was received [text].
create or replace macro cells_published() as table
    select submission_id, sheet, cell.beds as cell, value as received from raw.nhs_kh03
    union all
    select submission_id, sheet, cell.beds, value from raw.nhs_kh03_day_only
    union all
    select submission_id, sheet, cell.value, value from raw.nhs_sitrep
    union all
    select submission_id, sheet, cell.value, value from raw.nhs_emergency
    union all
    select submission_id, sheet, cell.value, value from raw.nhs_workforce
    union all
    select submission_id, sheet, cell.value, value from raw.nhs_absence;

-- Cells of published files behind the actual side of a row of mart.plan_against_actuals: actual_value [beds, attendances,
-- spells or WTE], each cell with its part of the mean or the sum; of occupancy_share its two means, available_beds and
-- occupied_beds [beds]. Years that reference.kh03_outturn has stood in no file that was received, and have no cells.
create or replace macro published_sources(an_organisation, a_measure, a_definition, a_year) as table
    with
    months as (
        select strftime(starts_on + to_months(number::integer), '%Y-%m') as month
        from reference.financial_years
        cross join range(12) as numbers(number)
        where financial_year = a_year
    ),
    beds as (
        select beds.*
        from core.nhs_beds_current as beds
        inner join reference.quarters as quarters
            on beds.quarter = quarters.quarter and quarters.financial_year = a_year
        semi join mart.nhs_bed_years as years
            on years.organisation_code = an_organisation and years.financial_year = a_year
            and years.bed_definition = a_definition and years.found_in = 'core.nhs_beds'
        where beds.organisation_code = an_organisation and beds.bed_definition = a_definition
    ),
    figures as (
        select submission_id, sheet, 'nhs_beds' as subject, quarter as period, sector as line, 'beds' as unit,
            unnest(
                [
                    {'measure': 'available_beds', 'value': available_beds, 'cell': available_cell},
                    {'measure': 'occupied_beds', 'value': occupied_beds, 'cell': occupied_cell}
                ],
                recursive := true
            ),
            true as is_mean,
        from beds
        where a_measure in ('available_beds', 'occupied_beds', 'occupancy_share')
        union all by name
        select submission_id, sheet, 'nhs_sitrep' as subject, date::varchar as period, measure as line, 'beds' as unit,
            if(measure = 'ga_beds_open', 'available_beds', 'occupied_beds') as measure, value, value_cell as cell,
            true as is_mean,
        from core.nhs_sitrep_current
        where a_definition = 'sitrep_general_acute' and organisation_code = an_organisation
            and measure in ('ga_beds_open', 'ga_beds_occupied') and strftime(date, '%Y-%m') in (from months)
        union all by name
        select submission_id, sheet, 'nhs_emergency' as subject, month as period, concat_ws(', ', measure, type) as line,
            a_measure as unit, a_measure as measure, value, value_cell as cell, false as is_mean,
        from core.nhs_emergency_current
        where organisation_code = an_organisation and month in (from months)
            and case a_definition
                when 'ae_all_types' then measure = 'attendances'
                when 'ae_type_1' then measure = 'attendances' and type = 'type_1'
                when 'emergency_admissions' then measure = 'emergency_admissions'
                else false
            end
        union all by name
        -- staff of the last month that is in
        select staff.submission_id, staff.sheet, 'nhs_workforce' as subject, staff.month as period,
            staff.staff_group as line, 'WTE' as unit, 'staff_wte' as measure, staff.staff_wte as value,
            staff.value_cell as cell, false as is_mean,
        from core.nhs_workforce_current as staff
        left join reference.published_staff_groups as known on staff.staff_group = known.published_group
        where staff.organisation_code = an_organisation and staff.month in (from months)
            and a_definition in ('staff_in_post', 'staff_in_post.' || known.staff_group)
        qualify staff.month = max(staff.month) over ()
        union all by name
        select submission_id, sheet, 'nhs_absence' as subject, month as period, 'available_days' as line, 'WTE' as unit,
            'staff_wte' as measure, implied_wte as value, available_cell as cell, true as is_mean,
        from core.nhs_absence_current
        where a_definition = 'implied_staff' and organisation_code = an_organisation and month in (from months)
    )
    select
        figures.value / if(figures.is_mean, count(figures.value) over (partition by figures.measure), 1) as adds,
        if(a_measure = 'occupancy_share', figures.measure, 'actual_value') as adds_to,
        organisations.organisation_code, organisations.organisation_name, files.template, figures.period,
        figures.subject, a_definition as basis, figures.line, figures.measure, a_year as financial_year,
        figures.value, figures.unit, null::varchar as words, cells.received,
        files.file_name, figures.sheet, figures.cell, figures.submission_id, files.received_at, files.archived_as,
    from figures
    inner join reference.organisations as organisations on organisations.organisation_code = an_organisation
    inner join files_received() as files on figures.submission_id = files.submission_id
    left join cells_published() as cells
        on figures.submission_id = cells.submission_id and figures.sheet = cells.sheet and figures.cell = cells.cell
    where figures.value is not null and a_measure in (figures.measure, 'occupancy_share');

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
