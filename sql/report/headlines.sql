-- One row per headline figure of a report: what the command line prints after a run.
with

bed_capacity as (select * from report.bed_capacity),

latest as (select max(round) as round from bed_capacity),

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
            (9, 'acute_beds_shortfall_pct')
    ) as chosen(position, headline_code)
)

select
    -- keys
    'bed_capacity' as report,
    chosen.position,
    bed_capacity.headline,
    bed_capacity.round,
    -- measures
    bed_capacity.figure,
    bed_capacity.unit,
    bed_capacity.published_figure,
    bed_capacity.verdict,
    -- a total that equals what was published is the plan's own, whatever the returns below it are
    bed_capacity.is_complete,
    bed_capacity.is_illustrative and not starts_with(bed_capacity.verdict, 'equals') as is_illustrative,
from bed_capacity
inner join latest on bed_capacity.round = latest.round
inner join chosen on bed_capacity.headline_code = chosen.headline_code
order by report, position
