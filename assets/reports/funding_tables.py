"""The funding gap report's tables below the first three: what must be believed, savings, methods, capital, doubts."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from assets.reports.selects import tables_of
from llr_pipeline.documents import Table

BREAK_EVENS = """
select
    case area when 'nhs' then 'NHS' when 'local_authority' then 'Local authorities' else 'Both together' end as "Scope",
    case parameter
        when 'delivered_share' then 'Share of its saving that every scheme delivers'
        when 'allocation_growth' then 'Growth of allocations and other income a year'
        else 'Rise of prices a year'
    end as "If only this changes",
    replace(printf('%.1f%%', 100 * stated_share), '-', '\N{MINUS SIGN}') as "Stated",
    coalesce(replace(printf('%.1f%%', 100 * needed_share), '-', '\N{MINUS SIGN}'), 'nothing within reason')
        as "Needed to close",
from mart.funding_break_evens
where round = $round and scenario = 'plan'
order by case area when 'nhs' then 1 when 'local_authority' then 2 else 3 end, parameter
"""
SCENARIOS = """
select
    replace(scenario, '_', ' ') as "Scenario",
    round(do_nothing_gap_gbp / 1e6, 1) as "Do nothing",
    round(gross_saving_gbp / 1e6, 1) as "Savings",
    round(investment_gbp / 1e6, 1) as "Investment",
    round(residual_gap_gbp / 1e6, 1) as "Left, in full",
    round(residual_gap_mean_runs_gbp / 1e6, 1) as "Left, as expected",
    printf('%.1f%%', 100 * closed_probability) as "Closes",
from mart.funding_modelled_totals
where round = $round and financial_year = $year and area = 'nhs'
order by residual_gap_gbp desc
"""
SCHEMES = """
select
    any_value(scheme_name) || ' (' || scheme_code || ')' as "Scheme",
    round(sum(gross_saving_gbp) / 1e6, 1) as "Gross saving",
    round(sum(investment_gbp) / 1e6, 1) as "Investment",
    printf('%.0f%%', 100 * sum(confidence_share * gross_saving_gbp) / nullif(sum(gross_saving_gbp), 0)) as "Confidence",
    round(sum(expected_net_gbp) / 1e6, 1) as "Expected net",
    round(sum(net_mean_runs_gbp) / 1e6, 1) as "Late as well",
    round(sum(stopped_at_pool_gbp) / 1e6, 1) as "Beyond its pool",
from mart.savings_schemes
where round = $round and scenario = 'plan' and financial_year = $year
group by scheme_code
order by sum(gross_saving_gbp) desc
"""
DELIVERED = """
select
    organisations.organisation_name as "Reported by",
    if(delivered.scheme_code = 'all', 'all its schemes', delivered.scheme_code || ' in the system') as "Counts",
    delivered.financial_year as "Year",
    delivered.reported_months as "Months",
    round(delivered.delivered_gbp / 1e6, 1) as "Delivered",
    round(delivered.planned_to_date_gbp / 1e6, 1) as "Planned to date",
    printf('%.0f%%', 100 * delivered.delivered_share) as "Of the plan",
from mart.savings_delivered as delivered
inner join reference.organisations as organisations on delivered.organisation_code = organisations.organisation_code
where delivered.round = $round
order by delivered.financial_year, delivered.delivered_gbp desc
"""
METHODS = """
select
    replace(category, '_', ' ') as "Category",
    side as "Side",
    round(sum(submitted_gbp) / 1e6, 1) as "Returned",
    round(sum(modelled_gbp) / 1e6, 1) as "Modelled",
    round(sum(difference_gbp) / 1e6, 1) as "Difference",
    round(100 * yearly_growth(sum(submitted_base_gbp), sum(submitted_gbp), max(years_since_base)), 1)
        as "Returned, % a year",
    round(100 * yearly_growth(sum(modelled_base_gbp), sum(modelled_gbp), max(years_since_base)), 1)
        as "Modelled, % a year",
    round(sum(inflation_gbp) / 1e6, 1) as "of it prices",
    round(sum(demand_gbp) / 1e6, 1) as "activity",
    round(sum(income_growth_gbp) / 1e6, 1) as "allocations",
    round(sum(as_returned_gbp) / 1e6, 1) as "as returned",
from mart.funding_method_differences
where round = $round and financial_year = $year
group by category, side
order by side, abs(sum(difference_gbp)) desc
"""
POSITIONS = """
select
    organisations.organisation_name as "Organisation",
    round(totals.cost_gbp / 1e6, 1) as "Cost",
    round(totals.income_gbp / 1e6, 1) as "Income",
    round(totals.do_nothing_gap_gbp / 1e6, 1) as "Gap, modelled",
    round(submitted.do_nothing_gap_gbp / 1e6, 1) as "Gap, returned",
from mart.funding_gap_totals as totals
inner join reference.organisations as organisations on totals.area = organisations.organisation_code
left join mart.funding_gap_totals as submitted
    on totals.round = submitted.round
    and totals.area = submitted.area
    and totals.financial_year = submitted.financial_year
    and totals.scenario = submitted.scenario
    and totals.price_basis = submitted.price_basis
    and submitted.method = 'submitted'
where totals.round = $round and totals.financial_year = $year and totals.price_basis = 'nominal'
    and totals.scenario = 'do_nothing' and totals.method = 'modelled'
order by organisations.scope desc, totals.cost_gbp desc
"""
POUND = """
select
    case area when 'nhs' then 'NHS' when 'local_authority' then 'Local authorities' else 'The LLR pound: both' end
        as "Scope",
    round((cost_gbp + eliminated_gbp) / 1e6, 1) as "Cost of all organisations",
    round(eliminated_gbp / 1e6, 1) as "Flows between them",
    round(cost_gbp / 1e6, 1) as "Each pound counted once",
    round(income_gbp / 1e6, 1) as "Income from outside",
    round(residual_gap_gbp / 1e6, 1) as "Gap",
from mart.funding_gap_totals
where round = $round and financial_year = $year and price_basis = 'nominal' and scenario = 'do_nothing'
    and method = 'submitted' and area in ('nhs', 'local_authority', 'system')
order by cost_gbp
"""
EFFICIENCY = """
select
    organisations.organisation_name as "Provider",
    round(efficiency.base_cost_gbp / 1e6, 1) as "Cost, base year",
    round(efficiency.asked_gbp / 1e6, 1) as "Asked since",
    round(efficiency.stated_gbp / 1e6, 1) as "Stated by schemes",
    round(efficiency.beyond_asked_gbp / 1e6, 1) as "Beyond what is asked",
from mart.provider_efficiency as efficiency
inner join reference.organisations as organisations on efficiency.organisation_code = organisations.organisation_code
where efficiency.round = $round and efficiency.financial_year = $year
order by efficiency.base_cost_gbp desc
"""
CAPITAL = """
select
    scheme_name || ' (' || scheme_code || ')' as "Scheme",
    source as "Source",
    status as "Status",
    round(sum(amount_gbp) / 1e6, 1) as "Needed",
    round(sum(expected_gbp) / 1e6, 1) as "Likely to be had",
    min(financial_year) filter (where amount_gbp > 0) as "From",
    max(financial_year) filter (where amount_gbp > 0) as "To",
from mart.capital_plan
where round = $round and price_basis = 'nominal'
group by scheme_code, scheme_name, source, status
order by sum(amount_gbp) desc
"""
DOUBTS = """
select
    replace(guard, '_', ' ') as "Case",
    about as "About",
    message as "In words",
    coalesce(cells, '') as "Cells",
from mart.funding_doubts
where round = $round
order by guard, about
"""
ASSUMPTIONS = """
select
    replace(parameter, '_', ' ') as "Assumption",
    replace(applies_to, '_', ' ') as "For",
    printf('%.4g', low_value) as "P10",
    printf('%.4g', central_value) as "Central",
    printf('%.4g', high_value) as "P90",
    unit as "Unit",
    source as "Source",
from core.assumptions_current
where round = $round and financial_year = $year and scenario = 'all'
    and (subject in ('funding', 'schemes', 'simulation') or parameter = 'activity_weight')
order by subject, parameter, applies_to
"""
OTHERS = (
    (
        "What must be believed for the gap to close",
        BREAK_EVENS,
        "Last year of the plan, modelled. Each row moves one thing alone. Above 100%: schemes alone cannot close it. "
        "Allocations and prices: with schemes on time at the confidence that senders state.",
    ),
    (
        "What savings schemes are worth",
        SCHEMES,
        "GBP m in the last year. Expected net: gross saving x confidence, less investment, which is spent whether or "
        "not the scheme delivers. Late as well: the mean of the runs, in which schemes slip. Beyond its pool: what "
        "schemes take that is not there, or that others take too.",
    ),
    (
        "Efficiency asked of providers and stated by them",
        EFFICIENCY,
        "GBP m in the last year. Asked: the yearly requirement, compounded, of the base year's recurrent cost.",
    ),
    ("Savings delivered to date", DELIVERED, "GBP m, from the monitoring returns; months of the plan taken as even."),
    (
        "Scenarios: the NHS gap",
        SCENARIOS,
        "GBP m in the last year, modelled. The same schemes are as late in beds as in savings, run by run.",
    ),
    (
        "Returned and modelled by category",
        METHODS,
        "GBP m in the last year if nothing is done; all organisations, flows between them on both sides. The last four "
        "columns are what the model's change since the base year is made of.",
    ),
    (
        "Each organisation's own position",
        POSITIONS,
        "GBP m in the last year if nothing is done; modelled cost and income.",
    ),
    ("The place-based view", POUND, "GBP m in the last year if nothing is done, as returned."),
    ("Capital", CAPITAL, "GBP m over the plan. Likely to be had: at the probability assumed for its status."),
    ("In doubt", DOUBTS, "What the finance returns leave open; nothing is left out of a sum in silence."),
    ("Assumptions", ASSUMPTIONS, "Of the last year. P10 and P90: one outcome in ten is below, one above."),
)


def tables(connection: duckdb.DuckDBPyConnection, round_: str, horizon_year: str) -> Sequence[Table]:
    """Those that have a row."""
    return tables_of(connection, OTHERS, round_=round_, horizon_year=horizon_year)
