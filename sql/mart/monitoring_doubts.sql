-- One row per guard, organisation, item and month: what monitoring returns say that cannot be, or leave open.
with

indicators as (select * from core.indicators_current),
milestones as (select * from core.milestones_current),
indicator_values as (select * from mart.indicator_values),
control_limits as (select * from mart.control_limits),
published_codes as (select * from reference.published_indicators),

-- the newest statement of each month is the one that is used
latest as (
    select *
    from indicators
    qualify row_number() over (
        partition by organisation_code, indicator_code, month order by return_month desc
    ) = 1
),

of_indicators as (
    select
        organisation_code, indicator_code as item_code, indicator_name as item_name, month, submission_id,
        unnest(
            [
                {
                    'guard': 'denominator_not_above_zero', 'is_so': kind <> 'count' and denominator <= 0,
                    'cells': cell_reference(sheet, denominator_cell),
                    'message': 'The denominator is ' || denominator || ': no rate can be worked out'
                },
                {
                    'guard': 'denominator_missing',
                    'is_so': kind <> 'count' and denominator is null and numerator is not null,
                    'cells': cell_reference(sheet, numerator_cell),
                    'message': 'A numerator without a denominator: no rate can be worked out'
                },
                {
                    'guard': 'not_finite',
                    'is_so': not (
                        isfinite(coalesce(numerator, 0)) and isfinite(coalesce(denominator, 0))
                        and isfinite(coalesce(target, 0))
                    ),
                    'cells': concat_ws(
                        ', ', cell_reference(sheet, numerator_cell), cell_reference(sheet, denominator_cell),
                        cell_reference(sheet, target_cell)
                    ),
                    'message': 'A figure is not a finite number: it is not used'
                },
                {
                    'guard': 'code_of_a_published_indicator',
                    'is_so': indicator_code in (select indicator_code from published_codes),
                    'cells': cell_reference(sheet, coalesce(numerator_cell, denominator_cell, target_cell)),
                    'message': 'The code ' || indicator_code || ' is that of a published statistic: the line is not used'
                },
                {
                    'guard': 'target_on_another_scale',
                    'is_so': kind = 'percentage' and target > 0 and target <= 1 and denominator > 0
                        and 100 * numerator / denominator > 2,
                    'cells': cell_reference(sheet, target_cell),
                    'message': 'The target of a percentage is ' || target || ': a share, where points are asked for?'
                }
            ],
            recursive := true
        ),
    from latest
),

-- an indicator means one thing in every month
turned as (
    select
        organisation_code, indicator_code as item_code, any_value(indicator_name) as item_name, max(month) as month,
        max_by(submission_id, return_month) as submission_id,
        'description_changed' as guard,
        count(distinct direction) > 1 or count(distinct kind) > 1 or count(distinct priority) > 1
            or count(distinct aim) > 1 as is_so,
        null::varchar as cells,
        'Direction, kind, priority or aim is not the same in every return: '
        || string_agg(distinct concat_ws(', ', direction, kind, priority, aim), ' / '
            order by concat_ws(', ', direction, kind, priority, aim)) as message,
    from indicators
    group by organisation_code, indicator_code
),

without_target as (
    select
        organisation_code, indicator_code as item_code, any_value(indicator_name) as item_name, max(period) as month,
        null::varchar as submission_id,
        'no_target' as guard,
        bool_and(target is null) as is_so,
        null::varchar as cells,
        'No month has a target: it is grey throughout' as message,
    from indicator_values
    where source = 'return'
    group by organisation_code, indicator_code
),

of_milestones as (
    select
        milestones.organisation_code, milestones.milestone_code as item_code, milestones.milestone_name as item_name,
        milestones.month, milestones.submission_id,
        unnest(
            [
                {
                    'guard': 'finished_in_the_future',
                    'is_so': milestones.actual_date > last_day((milestones.month || '-01')::date),
                    'cells': cell_reference(milestones.sheet, milestones.actual_date_cell),
                    'message': 'Finished on ' || milestones.actual_date || ', after the month of the return'
                },
                {
                    'guard': 'forecast_passed',
                    'is_so': milestones.actual_date is null
                        and milestones.forecast_date < last_day((milestones.month || '-01')::date)
                        and milestones.month = newest.month,
                    'cells': cell_reference(milestones.sheet, milestones.forecast_date_cell),
                    'message': 'Expected on ' || milestones.forecast_date
                        || ', before the month of the return ended, and neither finished nor expected later'
                },
                {
                    'guard': 'finished_day_changed',
                    'is_so': milestones.actual_date <> earlier.actual_date,
                    'cells': cell_reference(milestones.sheet, milestones.actual_date_cell),
                    'message': 'Finished on ' || milestones.actual_date || '; a return before said ' || earlier.actual_date
                },
                {
                    'guard': 'no_longer_finished',
                    'is_so': milestones.actual_date is null and earlier.actual_date is not null,
                    'cells': cell_reference(milestones.sheet, milestones.actual_date_cell),
                    'message': 'Not finished, though a return before said ' || earlier.actual_date
                },
                {
                    'guard': 'baseline_moved',
                    'is_so': milestones.baseline_date <> earlier.baseline_date,
                    'cells': cell_reference(milestones.sheet, milestones.baseline_date_cell),
                    'message': 'First planned for ' || milestones.baseline_date || '; a return before said '
                        || earlier.baseline_date || '. The slip is counted from the new day'
                },
                {
                    'guard': 'finished_before_reported_start',
                    'is_so': milestones.actual_date < first_seen.starts_on and milestones.actual_date < milestones.baseline_date
                        and first_seen.was_open,
                    'cells': cell_reference(milestones.sheet, milestones.actual_date_cell),
                    'message': 'Finished on ' || milestones.actual_date || ', before the first return that had it open'
                }
            ],
            recursive := true
        ),
    from milestones
    asof left join milestones as earlier
        on milestones.organisation_code = earlier.organisation_code
        and milestones.milestone_code = earlier.milestone_code
        and milestones.month > earlier.month
    left join (
        select
            organisation_code, milestone_code, min((month || '-01')::date) as starts_on,
            arg_min(actual_date is null, month) as was_open,
        from milestones
        group by organisation_code, milestone_code
    ) as first_seen
        on milestones.organisation_code = first_seen.organisation_code
        and milestones.milestone_code = first_seen.milestone_code
    inner join (
        select organisation_code, max(month) as month from milestones group by organisation_code
    ) as newest
        on milestones.organisation_code = newest.organisation_code
),

of_limits as (
    select
        organisation_code, indicator_code as item_code, any_value(indicator_name) as item_name,
        max(return_month) as month, max(submission_id) as submission_id, guard, true as is_so,
        string_agg(cells, ', ' order by row_number) as cells, string_agg(message, '; ' order by row_number) as message,
    from control_limits
    where not is_used
    group by organisation_code, indicator_code, guard
),

every_case as (
    select guard, is_so, organisation_code, item_code, item_name, month, submission_id, cells, message from of_indicators
    union all by name
    select * from turned
    union all by name
    select * from without_target
    union all by name
    select guard, is_so, organisation_code, item_code, item_name, month, submission_id, cells, message from of_milestones
    union all by name
    select * from of_limits
)

select
    -- keys
    guard,
    organisation_code,
    item_code,
    month,
    -- what was found
    item_name,
    message,
    submission_id,
    cells,
from every_case
where is_so
