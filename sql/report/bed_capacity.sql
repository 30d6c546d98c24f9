-- One row per round and headline of the bed capacity report: a figure of the plan, or worked out from it, beside what was
-- published for that round.
with

totals as (select * from mart.bed_capacity_totals),
rounds as (select * from reference.rounds),
published_figures as (select * from reference.published_figures),

-- every round that has a beds return gets every headline, so that a figure which did not arrive shows as missing
returned as (
    select distinct rounds.round, rounds.base_year, rounds.horizon_year
    from totals
    inner join rounds on totals.round = rounds.round
    where totals.method = 'submitted'
),

counts as (
    select *
    from (
        values
            (1, 'stp_acute', 'acute', 'acute'),
            (2, 'stp_community', 'community', 'community'),
            (3, 'stp_acute_and_community', 'total', 'acute and community')
    ) as counts(place, bed_definition, code, words)
),

-- acute and community together only where both are there
together as (
    select round, scenario, method, area, financial_year
    from totals
    where bed_definition in ('stp_acute', 'stp_community')
    group by all
    having count(*) = 2
),

system as (
    select totals.*
    from totals
    left join together using (round, scenario, method, area, financial_year)
    where totals.area = 'system'
        and totals.scenario in ('do_nothing', 'plan')
        and (totals.bed_definition <> 'stp_acute_and_community' or together.round is not null)
),

ends as (
    select
        returned.round,
        returned.base_year,
        returned.horizon_year,
        counts.place,
        counts.bed_definition,
        counts.code,
        counts.words,
        coalesce(bool_or(system.is_illustrative), false) as is_illustrative,
        coalesce(bool_and(system.is_complete) filter (where system.method = 'submitted'), false) as is_plan_complete,
        coalesce(bool_and(system.is_complete) filter (where system.method = 'modelled'), false) as is_need_complete,
        any_value(system.planned_beds) filter (
            where system.method = 'submitted' and system.financial_year = returned.base_year
        ) as before_beds,
        any_value(system.planned_beds) filter (
            where system.method = 'submitted' and system.financial_year = returned.horizon_year
        ) as after_beds,
        any_value(system.needed_beds_rounded) filter (
            where system.method = 'modelled' and system.scenario = 'do_nothing'
                and system.financial_year = returned.horizon_year
        ) as needed_do_nothing_beds,
        any_value(system.needed_beds_rounded) filter (
            where system.method = 'modelled' and system.scenario = 'plan'
                and system.financial_year = returned.horizon_year
        ) as needed_plan_beds,
        any_value(system) filter (
            where system.method = 'modelled' and system.scenario = 'plan'
                and system.financial_year = returned.horizon_year
        ) as runs,
    from returned
    cross join counts
    left join system
        on returned.round = system.round
        and counts.bed_definition = system.bed_definition
        and system.financial_year in (returned.base_year, returned.horizon_year)
    group by all
),

-- what was planned comes first, for all three counts; then what is needed
lines as (
    select
        round,
        place,
        words,
        bed_definition,
        is_illustrative,
        unnest(
            [
                {
                    'line': 1, 'method': 'submitted', 'headline_code': code || '_beds_before',
                    'headline': words || ' beds in ' || base_year,
                    'unit': 'beds', 'is_complete': is_plan_complete, 'figure': before_beds
                },
                {
                    'line': 2, 'method': 'submitted', 'headline_code': code || '_beds_after',
                    'headline': words || ' beds planned for ' || horizon_year,
                    'unit': 'beds', 'is_complete': is_plan_complete, 'figure': after_beds
                },
                {
                    'line': 3, 'method': 'submitted', 'headline_code': code || '_beds_reduction',
                    'headline': 'fewer ' || words || ' beds by ' || horizon_year,
                    'unit': 'beds', 'is_complete': is_plan_complete, 'figure': before_beds - after_beds
                },
                {
                    'line': 4, 'method': 'submitted', 'headline_code': code || '_beds_reduction_pct',
                    'headline': 'fewer ' || words || ' beds by ' || horizon_year || ', as a share of those in '
                        || base_year,
                    'unit': 'percent', 'is_complete': is_plan_complete,
                    'figure': 100 * (before_beds - after_beds) / nullif(before_beds, 0)
                },
                {
                    'line': 5, 'method': 'modelled', 'headline_code': code || '_beds_needed_do_nothing',
                    'headline': words || ' beds needed in ' || horizon_year || ' if nothing is done',
                    'unit': 'beds', 'is_complete': is_need_complete, 'figure': needed_do_nothing_beds::double
                },
                {
                    'line': 6, 'method': 'modelled', 'headline_code': code || '_beds_needed_plan',
                    'headline': words || ' beds needed in ' || horizon_year || ' under the plan, delivered in full',
                    'unit': 'beds', 'is_complete': is_need_complete, 'figure': needed_plan_beds::double
                },
                {
                    'line': 7, 'method': 'modelled', 'headline_code': code || '_beds_headroom_plan',
                    'headline': words || ' beds planned less beds needed in ' || horizon_year
                        || ' under the plan, delivered in full',
                    'unit': 'beds', 'is_complete': is_need_complete, 'figure': after_beds - needed_plan_beds
                },
                {
                    'line': 8, 'method': 'modelled', 'headline_code': code || '_beds_needed_plan_mean_runs',
                    'headline': words || ' beds needed in ' || horizon_year
                        || ' under the plan, at the confidence that senders state (mean of the runs)',
                    'unit': 'beds', 'is_complete': is_need_complete,
                    'figure': needed_beds_rounded(runs.needed_beds_mean_runs)::double
                },
                {
                    'line': 9, 'method': 'modelled', 'headline_code': code || '_beds_needed_plan_p10_runs',
                    'headline': words || ' beds needed in ' || horizon_year || ' under the plan: nine runs in ten need more',
                    'unit': 'beds', 'is_complete': is_need_complete,
                    'figure': needed_beds_rounded(runs.needed_beds_p10_runs)::double
                },
                {
                    'line': 10, 'method': 'modelled', 'headline_code': code || '_beds_needed_plan_p90_runs',
                    'headline': words || ' beds needed in ' || horizon_year || ' under the plan: one run in ten needs more',
                    'unit': 'beds', 'is_complete': is_need_complete,
                    'figure': needed_beds_rounded(runs.needed_beds_p90_runs)::double
                },
                {
                    'line': 11, 'method': 'modelled', 'headline_code': code || '_beds_shortfall_pct',
                    'headline': 'probability that ' || words || ' beds planned for ' || horizon_year
                        || ' are too few, as a share of the runs',
                    'unit': 'percent', 'is_complete': is_need_complete, 'figure': 100 * runs.shortfall_probability
                }
            ],
            recursive := true
        ),
    from ends
),

-- a document speaks of the last plan published by its day; where several print a figure, the first one counts
published as (
    select
        rounds.round,
        published_figures.figure_code,
        published_figures.bed_definition,
        arg_min(published_figures.value::double, (published_figures.published_on, published_figures.document)) as value,
        arg_min(published_figures.printed_precision::double,
            (published_figures.published_on, published_figures.document)) as step,
        arg_min(published_figures.printed, (published_figures.published_on, published_figures.document)) as printed,
        arg_min(published_figures.document, (published_figures.published_on, published_figures.document)) as document,
    from published_figures
    asof join (select round, published_on from rounds where published_on is not null) as rounds
        on published_figures.published_on >= rounds.published_on
    where published_figures.subject = 'beds'
    group by all
),

-- the same figure counted the same way, or nothing
compared as (
    select
        lines.*,
        published.value as published_figure,
        published.printed,
        published.document,
        lines.figure - published.value as difference,
        published_verdict(lines.figure, published.value, published.step, 1e-9) as published_verdict,
    from lines
    left join published
        on lines.round = published.round
        and lines.headline_code = published.figure_code
        and lines.bed_definition = published.bed_definition
)

select
    -- keys
    round,
    (case when line <= 4 then 4 * (place - 1) + line else 12 + 7 * (place - 1) + line - 4 end)::integer as position,
    headline_code,
    bed_definition,
    method,
    upper(headline[1]) || headline[2:] as headline,
    -- measures
    figure,
    unit,
    published_figure,
    printed as published_as,
    document as published_in,
    difference,
    if(figure is null, 'not returned', published_verdict) as verdict,
    is_complete,
    is_illustrative,
from compared
order by round, position
