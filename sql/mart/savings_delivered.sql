-- One row per round, reporting organisation, scheme (or all) and financial year: savings reported as delivered to date, beside
-- what the round's plan says of the same months.
with

indicators as (select * from core.indicators_current),
savings_indicators as (select * from reference.savings_indicators),
savings as (select * from core.savings_current),
organisations as (select * from reference.organisations),
financial_years as (select * from reference.financial_years),

-- a month that was reported again counts as last reported
latest as (
    select
        indicators.organisation_code,
        savings_indicators.scheme_code,
        indicators.month,
        arg_max(indicators.numerator * savings_indicators.gbp_per_unit, indicators.return_month) as delivered_gbp,
        bool_or(indicators.is_illustrative) as is_illustrative,
    from indicators
    inner join savings_indicators
        on indicators.organisation_code = savings_indicators.organisation_code
        and indicators.indicator_code = savings_indicators.indicator_code
    where indicators.numerator is not null
    group by all
),

delivered as (
    select
        latest.organisation_code,
        latest.scheme_code,
        financial_years.financial_year,
        sum(latest.delivered_gbp)::decimal(18, 2) as delivered_gbp,
        count(*) as reported_months,
        max(latest.month) as last_month,
        bool_or(latest.is_illustrative) as is_illustrative,
    from latest
    inner join financial_years
        on (latest.month || '-01')::date between financial_years.starts_on and financial_years.ends_on
    group by all
),

-- what a report covers: the organisation's own schemes, or those of every organisation where the system reports
planned as (
    select
        savings.round,
        delivered.organisation_code,
        delivered.scheme_code,
        delivered.financial_year,
        sum(savings.gross_saving_gbp)::decimal(18, 2) as planned_gbp,
    from delivered
    inner join organisations on delivered.organisation_code = organisations.organisation_code
    inner join savings
        on delivered.financial_year = savings.financial_year
        and delivered.scheme_code in ('all', savings.scheme_code)
        and (organisations.organisation_kind = 'system' or savings.organisation_code = delivered.organisation_code)
    group by all
)

select
    -- keys
    planned.round,
    delivered.organisation_code,
    delivered.scheme_code,
    delivered.financial_year,
    delivered.is_illustrative,
    -- measures
    delivered.reported_months::integer as reported_months,
    delivered.last_month,
    delivered.delivered_gbp,
    planned.planned_gbp,
    -- in-year savings are taken to fall evenly over the months
    (planned.planned_gbp * delivered.reported_months / 12)::decimal(18, 2) as planned_to_date_gbp,
    delivered.delivered_gbp / nullif(planned.planned_gbp * delivered.reported_months / 12, 0) as delivered_share,
from delivered
inner join planned
    on delivered.organisation_code = planned.organisation_code
    and delivered.scheme_code = planned.scheme_code
    and delivered.financial_year = planned.financial_year
