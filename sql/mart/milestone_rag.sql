-- One row per month, organisation and milestone: how late it was then expected to be, its colour, and how far it had moved
-- since the month before.
with

milestones as (select * from core.milestones_current),
assumptions as (select * from core.assumptions_current),
financial_years as (select * from reference.financial_years),

tolerances as (
    select
        financial_years.starts_on,
        financial_years.ends_on,
        any_value(central_value) as amber_days,
    from assumptions
    inner join financial_years on assumptions.financial_year = financial_years.financial_year
    where assumptions.subject = 'monitoring' and assumptions.parameter = 'milestone_amber_days'
        and assumptions.scenario = 'all' and assumptions.applies_to = 'all'
        and assumptions.round = (select max(round) from assumptions where subject = 'monitoring')
    group by all
),

-- a milestone finished is no longer expected: its own day counts
dated as (
    select
        milestones.*,
        last_day((milestones.month || '-01')::date) as month_ends_on,
        coalesce(milestones.actual_date, milestones.forecast_date) as expected_date,
        tolerances.amber_days,
    from milestones
    left join tolerances on (milestones.month || '-01')::date between tolerances.starts_on and tolerances.ends_on
),

judged as (
    select
        *,
        expected_date - baseline_date as slip_days,
        actual_date is not null as is_finished,
        actual_date is null and coalesce(forecast_date, baseline_date) < month_ends_on as is_overdue,
        case
            when is_overdue and forecast_date is null then 'red'
            when is_overdue then 'red'
            when expected_date is null then 'grey'
            when slip_days <= 0 then 'green'
            when amber_days is null then 'grey'
            when slip_days <= amber_days then 'amber'
            else 'red'
        end as rag,
        case
            when is_overdue and forecast_date is null then 'Overdue, and nobody says when it will be finished'
            when is_overdue then 'The day it was expected has passed, and it is not finished'
            when expected_date is null then 'Not due yet, and no day is expected: not known, so not green'
            when slip_days > 0 and amber_days is null then 'The assumptions hold no tolerance for the month'
            when is_finished and slip_days <= 0 then 'Finished by the day first planned'
            when is_finished then 'Finished ' || slip_days || ' days late'
            when slip_days <= 0 then 'Expected by the day first planned'
            else 'Expected ' || slip_days || ' days late'
        end as why,
    from dated
)

select
    -- keys
    month,
    organisation_code,
    milestone_code,
    -- what it is
    milestone_name,
    scheme_code,
    priority,
    is_critical,
    note,
    is_illustrative,
    -- measures
    baseline_date,
    forecast_date,
    actual_date,
    is_finished,
    is_overdue,
    slip_days::integer as slip_days,
    (expected_date - lag(expected_date) over history)::integer as moved_days,
    rag,
    lag(rag) over history as rag_before,
    why,
    -- where each figure came from
    submission_id,
    sheet,
    baseline_date_cell,
    forecast_date_cell,
    actual_date_cell,
from judged
window history as (partition by organisation_code, milestone_code order by month)
