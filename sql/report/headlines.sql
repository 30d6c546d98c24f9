-- One row per headline figure of a report: what the command line prints after a run.
with

bed_capacity as (select * from report.bed_capacity),
funding_gap as (select * from report.funding_gap),
workforce as (select * from report.workforce),

reported as (
    select
        'bed_capacity' as report, round, headline_code, headline, figure, unit, published_figure, verdict, is_complete,
        is_illustrative,
    from bed_capacity
    where round = (select max(round) from bed_capacity)
    union all by name
    -- millions are what a line has room for
    select
        'funding_gap' as report, round, headline_code, headline,
        if(unit = 'gbp', round(figure / 1e6, 1), figure) as figure,
        if(unit = 'gbp', 'GBP m', unit) as unit,
        if(unit = 'gbp', published_figure / 1e6, published_figure) as published_figure,
        verdict, is_complete, is_illustrative,
    from funding_gap
    where round = (select max(round) from funding_gap)
    union all by name
    select
        'workforce' as report, round, headline_code, headline, round(figure, 1) as figure, unit, published_figure,
        verdict, figure is not null as is_complete, is_illustrative,
    from workforce
    where round = (select max(round) from workforce)
),

chosen as (
    select *
    from (
        values
            (1, 'acute_beds_after'),
            (2, 'acute_beds_reduction'),
            (3, 'community_beds_after'),
            (4, 'community_beds_reduction'),
            (5, 'acute_beds_needed_do_nothing'),
            (6, 'acute_beds_needed_plan'),
            (7, 'acute_beds_headroom_plan'),
            (8, 'acute_beds_needed_plan_mean_runs'),
            (9, 'acute_beds_shortfall_pct'),
            (10, 'nhs_funding_gap'),
            (11, 'nhs_gross_saving'),
            (12, 'nhs_residual_gap_mean_runs'),
            (13, 'nhs_closed_pct'),
            (14, 'hospital_jobs_reduction'),
            (15, 'hospital_largest_fall'),
            (16, 'community_staff_after')
    ) as chosen(position, headline_code)
)

select
    -- keys
    reported.report,
    chosen.position,
    reported.headline,
    reported.round,
    -- measures
    reported.figure,
    reported.unit,
    reported.published_figure,
    reported.verdict,
    -- a total that equals what was published is the plan's own, whatever the returns below it are
    reported.is_complete,
    reported.is_illustrative and not starts_with(reported.verdict, 'equals') as is_illustrative,
from reported
inner join chosen on reported.headline_code = chosen.headline_code
order by report, position
