-- One row per organisation, indicator and month: the value against its target, what its control chart says, and where
-- the two do not say the same, why.
with

indicator_values as (select * from mart.indicator_values),
spc_points as (select * from mart.spc_points),
assumptions as (select * from core.assumptions_current),
financial_years as (select * from reference.financial_years),

-- the tolerances of the newest round
tolerances as (
    select
        financial_years.starts_on,
        financial_years.ends_on,
        any_value(central_value) filter (where parameter = 'amber_tolerance') as amber_share,
        any_value(central_value) filter (where parameter = 'on_target_tolerance') as on_target_share,
    from assumptions
    inner join financial_years on assumptions.financial_year = financial_years.financial_year
    where assumptions.subject = 'monitoring' and assumptions.scenario = 'all' and assumptions.applies_to = 'all'
        and assumptions.round = (select max(round) from assumptions where subject = 'monitoring')
    group by all
),

-- how far on the wrong side of the target; off the target on either side where it is to be met
compared as (
    select
        indicator_values.*,
        spc_points.mean,
        spc_points.lower_limit,
        spc_points.upper_limit,
        spc_points.rule,
        spc_points.variation,
        spc_points.assurance,
        indicator_values.value - indicator_values.target as difference,
        case indicator_values.direction
            when 'higher_is_better' then -difference
            when 'lower_is_better' then difference
            else abs(difference)
        end as wrong_by,
        -- points for a percentage, a share of the target for what is counted; the last bits of a sum turn no colour
        round(
            if(indicator_values.kind = 'percentage', wrong_by / 100, wrong_by / nullif(abs(indicator_values.target), 0)), 9
        ) as wrong_by_share,
        tolerances.amber_share,
        tolerances.on_target_share,
    from indicator_values
    left join spc_points
        on indicator_values.organisation_code = spc_points.organisation_code
        and indicator_values.indicator_code = spc_points.indicator_code
        and indicator_values.period_starts_on = spc_points.period_starts_on
    left join tolerances on indicator_values.period_starts_on between tolerances.starts_on and tolerances.ends_on
    where indicator_values.source = 'return'
),

judged as (
    select
        *,
        case
            when value is null then 'grey'
            when target is null then 'grey'
            when direction <> 'on_target' and wrong_by <= 0 then 'green'
            when wrong_by_share is null or amber_share is null then 'grey'
            when direction = 'on_target' and on_target_share is null then 'grey'
            when direction = 'on_target' and wrong_by_share <= on_target_share then 'green'
            when wrong_by_share <= amber_share then 'amber'
            else 'red'
        end as rag,
        case
            when value is null and numerator is null then 'Nothing was returned for the month'
            when value is null then 'It cannot be worked out from what was returned'
            when target is null then 'There is no target to hold it against'
            when rag = 'grey' and wrong_by_share is null then 'A share of a target of 0 cannot be worked out'
            when rag = 'grey' then 'The assumptions hold no tolerance for the month'
        end as why_grey,
    from compared
)

select
    -- keys
    organisation_code,
    indicator_code,
    period as month,
    -- what it is
    indicator_name,
    aim,
    priority,
    direction,
    kind,
    is_illustrative,
    -- measures
    value,
    target,
    difference,
    if(value is null or target is null, null, wrong_by_share) as wrong_by_share,
    rag,
    why_grey,
    -- what the control chart says
    coalesce(variation, 'no_data') as variation,
    coalesce(assurance, 'no_data') as assurance,
    rule,
    mean,
    lower_limit,
    upper_limit,
    case
        when rag = 'green' and assurance = 'fails'
            then 'Green this month, but the target is out of reach of the usual variation: without a change it is missed again'
        when rag = 'green' and assurance = 'hit_and_miss'
            then 'Green this month, but the usual variation goes over the target and back: some months will miss it'
        when rag = 'green' and variation = 'concern'
            then 'Green, but moving the wrong way by more than usual: it may not last'
        when rag in ('amber', 'red') and assurance = 'passes'
            then upper(rag[1]) || rag[2:] || ' this month, though the usual variation meets the target: a change, or a single month'
        when rag in ('amber', 'red') and variation = 'improvement'
            then upper(rag[1]) || rag[2:] || ', but improving by more than usual'
        when rag in ('amber', 'red') and assurance = 'hit_and_miss' and variation = 'common_cause'
            then upper(rag[1]) || rag[2:] || ' this month, within the usual variation: nothing says that it has changed'
    end as disagreement,
    -- where each figure came from
    return_month,
    submission_id,
    cells,
from judged
