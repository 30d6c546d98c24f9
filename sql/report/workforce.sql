-- One row per round and headline of the workforce report: a figure of the plan, or worked out from it, beside what was
-- published for that round.
with

totals as (select * from mart.workforce_totals),
redundancy as (select * from mart.redundancy_totals),
rounds as (select * from reference.rounds),
published_figures as (select * from reference.published_figures),

-- every round that has a workforce return gets every headline, so that a figure which did not arrive shows as missing
returned as (
    select distinct rounds.round, rounds.base_year, rounds.horizon_year
    from totals
    inner join rounds on totals.round = rounds.round
),

-- the plan spoke of hospital jobs and of community staff
settings as (
    select *
    from (
        values
            (1, 'acute', 'hospital', 'acute hospital'),
            (2, 'community', 'community', 'community')
    ) as settings(place, setting, code, words)
),

of_plan as (
    select *
    from totals
    where area_kind = 'setting' and scenario = 'plan'
),

ends as (
    select
        returned.round,
        returned.base_year,
        returned.horizon_year,
        settings.place,
        settings.setting,
        settings.code,
        settings.words,
        coalesce(after.is_illustrative, false) as is_illustrative,
        before.planned_wte as before_wte,
        after.planned_wte as after_wte,
        after.demand_wte,
        after.gap_wte,
        after.gap_wte_mean_runs,
        after.gap_wte_p10_runs,
        after.gap_wte_p90_runs,
        after.unfilled_wte_mean_runs,
        redundancy.turnover_fall_central_wte,
        redundancy.largest_fall_central_wte,
        redundancy.break_even_replacement_share,
        redundancy.planned_replacement_share,
    from returned
    cross join settings
    left join of_plan as before
        on returned.round = before.round
        and returned.base_year = before.financial_year
        and settings.setting = before.area
    left join of_plan as after
        on returned.round = after.round
        and returned.horizon_year = after.financial_year
        and settings.setting = after.area
    left join redundancy
        on returned.round = redundancy.round
        and redundancy.area_kind = 'setting'
        and settings.setting = redundancy.area
),

lines as (
    select
        round,
        place,
        setting,
        is_illustrative,
        is_small_number(before_wte) or is_small_number(after_wte) as is_few,
        unnest(
            [
                {
                    'line': 1, 'method': 'submitted', 'headline_code': code || '_staff_before',
                    'headline': words || ' staff in ' || base_year, 'unit': 'WTE', 'figure': before_wte
                },
                {
                    'line': 2, 'method': 'submitted', 'headline_code': code || '_staff_after',
                    'headline': words || ' staff planned for ' || horizon_year, 'unit': 'WTE', 'figure': after_wte
                },
                {
                    'line': 3, 'method': 'submitted',
                    'headline_code': if(setting = 'acute', 'hospital_jobs_reduction', code || '_staff_rise'),
                    'headline': if(setting = 'acute', 'fewer ', 'more ') || words || ' staff by ' || horizon_year,
                    'unit': 'WTE', 'figure': if(setting = 'acute', before_wte - after_wte, after_wte - before_wte)
                },
                {
                    'line': 4, 'method': 'modelled', 'headline_code': code || '_turnover_fall',
                    'headline': 'fewer ' || words || ' staff that turnover and retirement can give by ' || horizon_year,
                    'unit': 'WTE', 'figure': turnover_fall_central_wte
                },
                {
                    'line': 5, 'method': 'modelled', 'headline_code': code || '_largest_fall',
                    'headline': 'fewer ' || words || ' staff that turnover and retirement can give by ' || horizon_year
                        || ', with the end of all bank and agency work',
                    'unit': 'WTE', 'figure': largest_fall_central_wte
                },
                {
                    'line': 6, 'method': 'modelled', 'headline_code': code || '_break_even_pct',
                    'headline': 'most ' || words || ' leavers and retirements that can be replaced without redundancies',
                    'unit': 'percent', 'figure': 100 * break_even_replacement_share
                },
                {
                    'line': 7, 'method': 'modelled', 'headline_code': code || '_replaced_pct',
                    'headline': words || ' joiners planned as a share of leavers and retirements',
                    'unit': 'percent', 'figure': 100 * planned_replacement_share
                },
                {
                    'line': 8, 'method': 'modelled', 'headline_code': code || '_staff_needed',
                    'headline': words || ' staff needed in ' || horizon_year || ' under the plan, delivered in full',
                    'unit': 'WTE', 'figure': demand_wte
                },
                {
                    'line': 9, 'method': 'modelled', 'headline_code': code || '_gap',
                    'headline': words || ' staff needed less substantive staff in ' || horizon_year
                        || ' under the plan, delivered in full',
                    'unit': 'WTE', 'figure': gap_wte
                },
                {
                    'line': 10, 'method': 'modelled', 'headline_code': code || '_gap_mean_runs',
                    'headline': words || ' staff needed less substantive staff in ' || horizon_year
                        || ' under the plan, mean of the runs',
                    'unit': 'WTE', 'figure': gap_wte_mean_runs
                },
                {
                    'line': 11, 'method': 'modelled', 'headline_code': code || '_gap_p10_runs',
                    'headline': words || ' staff needed less substantive staff in ' || horizon_year
                        || ' under the plan: nine runs in ten lack more',
                    'unit': 'WTE', 'figure': gap_wte_p10_runs
                },
                {
                    'line': 12, 'method': 'modelled', 'headline_code': code || '_gap_p90_runs',
                    'headline': words || ' staff needed less substantive staff in ' || horizon_year
                        || ' under the plan: one run in ten lacks more',
                    'unit': 'WTE', 'figure': gap_wte_p90_runs
                },
                {
                    'line': 13, 'method': 'modelled', 'headline_code': code || '_unfilled_mean_runs',
                    'headline': words || ' posts that neither bank nor agency fill in ' || horizon_year
                        || ' under the plan, mean of the runs',
                    'unit': 'WTE', 'figure': unfilled_wte_mean_runs
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
        published_figures.scope as setting,
        arg_min(published_figures.value::double, (published_figures.published_on, published_figures.document)) as value,
        arg_min(published_figures.printed_precision::double,
            (published_figures.published_on, published_figures.document)) as step,
        arg_min(published_figures.printed, (published_figures.published_on, published_figures.document)) as printed,
        arg_min(published_figures.document, (published_figures.published_on, published_figures.document)) as document,
    from published_figures
    asof join (select round, published_on from rounds where published_on is not null) as rounds
        on published_figures.published_on >= rounds.published_on
    where published_figures.subject = 'workforce'
    group by all
),

compared as (
    select
        lines.* replace (if(lines.is_few, null, lines.figure) as figure),
        published.value as published_figure,
        published.printed,
        published.document,
        if(lines.is_few, null, lines.figure - published.value) as difference,
        published_verdict(lines.figure, published.value, published.step, 1e-9) as published_verdict,
    from lines
    left join published
        on lines.round = published.round
        and lines.headline_code = published.figure_code
        and lines.setting = published.setting
)

select
    -- keys
    round,
    (case when line <= 3 then 3 * (place - 1) + line else 6 + 10 * (place - 1) + line - 3 end)::integer as position,
    headline_code,
    setting,
    method,
    upper(headline[1]) || headline[2:] as headline,
    -- measures
    figure,
    unit,
    published_figure,
    printed as published_as,
    document as published_in,
    difference,
    if(is_few, not_shown(), if(figure is null, 'not known', published_verdict)) as verdict,
    is_illustrative,
from compared
order by round, position
