-- One row per round, organisation, point of delivery and age band: activity of the round's base year and its weight.
with

activity as (select * from core.activity_current),
rounds as (select * from reference.rounds),
assumptions as (select * from core.assumptions_current),

-- who delivers activity is measured by what it delivers; who only buys it, by what it buys
perspectives as (
    select
        round,
        organisation_code,
        max(perspective) as perspective,
    from activity
    group by all
),

-- the base year is the same in every scenario: what is said of doing nothing comes first
lines as (
    select
        activity.round,
        activity.organisation_code,
        activity.point_of_delivery,
        activity.age_band,
        rounds.base_year as financial_year,
        activity.submission_id,
        activity.site_code,
        activity.specialty_group,
        activity.counterparty_code,
        bool_or(activity.is_illustrative) as is_illustrative,
        arg_min(coalesce(activity.spells, activity.attendances, activity.contacts), activity.scenario) as activity,
    from activity
    inner join rounds
        on activity.round = rounds.round
        and activity.financial_year = rounds.base_year
    inner join perspectives
        on activity.round = perspectives.round
        and activity.organisation_code = perspectives.organisation_code
        and activity.perspective = perspectives.perspective
    group by all
),

weights as (
    select
        round,
        applies_to as point_of_delivery,
        financial_year,
        central_value as weight_gbp,
    from assumptions
    where subject = 'activity' and parameter = 'activity_weight' and scenario = 'all'
)

select
    -- keys
    lines.round,
    lines.organisation_code,
    lines.point_of_delivery,
    lines.age_band,
    bool_or(lines.is_illustrative) as is_illustrative,
    -- measures
    sum(lines.activity) as activity,
    any_value(weights.weight_gbp)::decimal(18, 2) as weight_gbp,
    (sum(lines.activity) * any_value(weights.weight_gbp))::decimal(18, 2) as weighted_activity_gbp,
from lines
left join weights
    on lines.round = weights.round
    and lines.point_of_delivery = weights.point_of_delivery
    and lines.financial_year = weights.financial_year
group by lines.round, lines.organisation_code, lines.point_of_delivery, lines.age_band
