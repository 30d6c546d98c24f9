-- One row per month and priority: its colour and what it is made of, for indicators and milestones together.
with

summaries as (select * from mart.stp_monitoring_summaries),
milestone_rag as (select * from mart.milestone_rag),
code_lists as (select * from reference.code_lists),

late as (
    select
        month,
        priority,
        (count(*) filter (where not is_finished and (slip_days > 0 or is_overdue)))::integer as late_count,
        (count(*) filter (where is_overdue))::integer as overdue_count,
    from milestone_rag
    group by month, priority
)

select
    -- keys
    summaries.month,
    summaries.priority,
    code_lists.label as priority_name,
    bool_or(summaries.is_illustrative) as is_illustrative,
    -- measures
    -- a priority without a critical milestone has the colour of its indicators
    ['green', 'grey', 'amber', 'red'][
        coalesce(
            max(list_position(['green', 'grey', 'amber', 'red'], summaries.rag)) filter (where summaries.critical_count > 0), 2
        )
    ] as rag,
    sum(if(summaries.aim = 'delivery', 0, summaries.child_count))::integer as indicator_count,
    sum(if(summaries.aim = 'delivery', 0, summaries.red_count))::integer as red_count,
    sum(if(summaries.aim = 'delivery', 0, summaries.amber_count))::integer as amber_count,
    sum(if(summaries.aim = 'delivery', 0, summaries.green_count))::integer as green_count,
    sum(if(summaries.aim = 'delivery', 0, summaries.grey_count))::integer as grey_count,
    sum(summaries.improvement_count)::integer as improvement_count,
    sum(summaries.concern_count)::integer as concern_count,
    sum(summaries.passes_count)::integer as passes_count,
    sum(summaries.hit_and_miss_count)::integer as hit_and_miss_count,
    sum(summaries.fails_count)::integer as fails_count,
    sum(if(summaries.aim = 'delivery', summaries.child_count, 0))::integer as milestone_count,
    coalesce(any_value(late.late_count), 0) as late_milestone_count,
    coalesce(any_value(late.overdue_count), 0) as overdue_milestone_count,
    sum(summaries.worse_count)::integer as worse_count,
    sum(summaries.better_count)::integer as better_count,
    string_agg(summaries.worst_child, '; ' order by summaries.aim) filter (where summaries.rag = 'red') as worst_children,
from summaries
inner join code_lists
    on code_lists.list_name = 'priority'
    and summaries.priority = code_lists.code
left join late
    on summaries.month = late.month
    and summaries.priority = late.priority
group by summaries.month, summaries.priority, code_lists.label
order by summaries.month, summaries.priority
