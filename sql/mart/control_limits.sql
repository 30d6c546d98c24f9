-- One row per line of the Control limits sheet of an organisation's newest return that has one, and per line of the one
-- before that it leaves out: whether the chart is drawn so, and if not, why.
with

control_limits as (select * from core.control_limits_current),
indicator_values as (select * from mart.indicator_values),
submissions as (select * from raw.submissions),
sheets as (select * from raw.sheets),

-- a return on the template's first version has no such sheet and takes nothing back
returns as (
    select
        submissions.submission_id,
        row_number() over (partition by submissions.organisation_code order by submissions.period desc) as age,
    from submissions
    inner join sheets on submissions.submission_id = sheets.submission_id
    where submissions.status = 'accepted' and sheets.table_name = 'control_limits'
),

series as (
    select
        organisation_code,
        indicator_code,
        any_value(indicator_name) as indicator_name,
        min(period_starts_on) as starts_on,
        max(period_starts_on) filter (value is not null) as ends_on,
        count(value) as point_count,
    from indicator_values
    where source = 'return'
    group by organisation_code, indicator_code
),

stated as (
    select
        control_limits.*,
        returns.age,
        series.indicator_name,
        series.starts_on,
        series.ends_on,
        series.point_count,
        count(*) filter (decision = 'baseline') over indicator as baseline_count,
        min(returns.age) over line as newest_age,
    from control_limits
    inner join returns
        on control_limits.submission_id = returns.submission_id
        and returns.age <= 2
    left join series
        on control_limits.organisation_code = series.organisation_code
        and control_limits.indicator_code = series.indicator_code
    window
        indicator as (partition by returns.submission_id, control_limits.indicator_code),
        line as (
            partition by
                control_limits.organisation_code, control_limits.indicator_code, decision, first_month_starts_on,
                baseline_months
        )
),

judged as (
    select
        *,
        case
            when age > 1 then 'limits_no_longer_stated'
            when indicator_name is null then 'limits_of_unknown_indicator'
            when decision = 'start_again' and first_month_starts_on is null then 'limits_start_without_month'
            when decision = 'baseline' and coalesce(baseline_months <> trunc(baseline_months), true)
                then 'baseline_without_length'
            when first_month_starts_on is not null and baseline_months is not null then 'limits_line_says_both'
            when decision = 'baseline' and baseline_count > 1 then 'two_baselines'
            when baseline_months > point_count then 'baseline_longer_than_series'
            -- in its first month a series starts as it is
            when first_month_starts_on <= starts_on or first_month_starts_on > coalesce(ends_on, starts_on)
                then 'limits_start_outside_series'
        end as guard,
    from stated
    where age = newest_age
)

select
    -- keys
    submission_id,
    row_number,
    -- what is stated
    organisation_code,
    return_month,
    indicator_code,
    indicator_name,
    decision,
    first_month_starts_on,
    baseline_months,
    reason,
    is_illustrative,
    -- what becomes of it
    guard is null as is_used,
    guard,
    case guard
        when 'limits_no_longer_stated'
            then 'Stated in ' || return_month || ' (' || rtrim(reason, '.') || ') and not in the newest return'
        when 'limits_of_unknown_indicator' then 'No return has an indicator ' || indicator_code
        when 'limits_start_without_month' then 'Limits start again, but no month says when'
        when 'baseline_without_length' then 'A baseline, but of no whole number of months'
        when 'limits_line_says_both'
            then 'A month and a length on one line: limits start again, or stand on the first months'
        when 'two_baselines' then baseline_count || ' baselines for one indicator'
        when 'baseline_longer_than_series'
            then 'A baseline of ' || baseline_months::integer || ' months; the series has ' || point_count || ' with a value'
        when 'limits_start_outside_series'
            then 'Limits start again in ' || strftime(first_month_starts_on, '%Y-%m') || '; the series can start again after '
            || strftime(starts_on, '%Y-%m') || coalesce(' and up to ' || strftime(ends_on, '%Y-%m'), ', but has no value')
    end || if(guard is null, '', ': the line is not used') as message,
    -- where each figure came from
    cell_reference(
        sheet,
        case
            when decision = 'baseline' and baseline_months is not null then baseline_cell
            when first_month_starts_on is not null then first_month_cell
            else indicator_cell
        end
    ) as cells,
from judged
