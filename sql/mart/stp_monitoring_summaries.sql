-- One row per month, priority and aim, and one more per priority for the delivery of its milestones: children by colour and
-- icon, the worst of them, and what changed since the month before.
with

indicator_rag as (select * from mart.indicator_rag),
milestone_rag as (select * from mart.milestone_rag),
completeness as (select * from mart.return_completeness),

-- an indicator has no mark of being critical: all of them count
children as (
    select
        month, priority, aim, organisation_code, indicator_code as child_code, indicator_name as child_name,
        true as is_critical, rag, variation, assurance, is_illustrative,
    from indicator_rag
    union all by name
    select
        month, priority, 'delivery' as aim, organisation_code, milestone_code as child_code,
        milestone_name as child_name, is_critical, rag, null::varchar as variation, null::varchar as assurance,
        is_illustrative,
    from milestone_rag
),

-- not known is worse than green
ranked as (
    select
        *,
        list_position(['green', 'grey', 'amber', 'red'], rag) as badness,
        lag(badness) over (partition by aim = 'delivery', organisation_code, child_code order by month) as badness_before,
    from children
),

counted as (
    select
        month,
        priority,
        aim,
        bool_or(is_illustrative) as is_illustrative,
        count(*)::integer as child_count,
        (count(*) filter (where is_critical))::integer as critical_count,
        (count(*) filter (where rag = 'red'))::integer as red_count,
        (count(*) filter (where rag = 'amber'))::integer as amber_count,
        (count(*) filter (where rag = 'green'))::integer as green_count,
        (count(*) filter (where rag = 'grey'))::integer as grey_count,
        (count(*) filter (where variation = 'improvement'))::integer as improvement_count,
        (count(*) filter (where variation = 'concern'))::integer as concern_count,
        (count(*) filter (where variation in ('neutral_high', 'neutral_low')))::integer as neutral_count,
        (count(*) filter (where variation = 'common_cause'))::integer as common_cause_count,
        (count(*) filter (where variation in ('no_limits', 'no_data')))::integer as no_variation_count,
        (count(*) filter (where assurance = 'passes'))::integer as passes_count,
        (count(*) filter (where assurance = 'fails'))::integer as fails_count,
        (count(*) filter (where assurance = 'hit_and_miss'))::integer as hit_and_miss_count,
        (count(*) filter (where assurance not in ('passes', 'fails', 'hit_and_miss')))::integer as no_assurance_count,
        ['green', 'grey', 'amber', 'red'][coalesce(max(badness) filter (where is_critical), 2)] as rag,
        arg_max(
            organisation_code || ' ' || child_code || ' ' || child_name,
            (
                badness, coalesce((variation = 'concern')::integer, 0), coalesce((assurance = 'fails')::integer, 0),
                child_code, organisation_code
            )
        ) filter (where is_critical and badness > 1) as worst_child,
        (count(*) filter (where badness > badness_before))::integer as worse_count,
        (count(*) filter (where badness < badness_before))::integer as better_count,
        (count(*) filter (where badness_before is null))::integer as new_count,
        string_agg(
            organisation_code || ' ' || child_name || ': '
            || ['green', 'grey', 'amber', 'red'][badness_before] || ' to ' || rag,
            '; ' order by badness - badness_before desc, organisation_code, child_code
        ) filter (where badness <> badness_before) as changes,
    from ranked
    group by month, priority, aim
),

returns as (
    select
        period as month,
        (count(*) filter (where is_expected))::integer as expected_return_count,
        (count(*) filter (where is_expected and submission_id is not null))::integer as received_return_count,
        string_agg(organisation_code, ', ' order by organisation_code) filter (
            where is_expected and submission_id is null
        ) as missing_returns,
    from completeness
    where template = 'monitoring'
    group by period
)

select
    -- keys
    counted.month,
    counted.priority,
    counted.aim,
    counted.is_illustrative,
    -- measures
    counted.rag,
    counted.worst_child,
    counted.child_count,
    counted.critical_count,
    counted.red_count,
    counted.amber_count,
    counted.green_count,
    counted.grey_count,
    counted.improvement_count,
    counted.concern_count,
    counted.neutral_count,
    counted.common_cause_count,
    counted.no_variation_count,
    counted.passes_count,
    counted.fails_count,
    counted.hit_and_miss_count,
    counted.no_assurance_count,
    -- since the month before
    counted.worse_count,
    counted.better_count,
    counted.new_count,
    counted.changes,
    -- the returns behind it
    coalesce(returns.expected_return_count, 0) as expected_return_count,
    coalesce(returns.received_return_count, 0) as received_return_count,
    returns.missing_returns,
from counted
left join returns on counted.month = returns.month
