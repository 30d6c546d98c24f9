"""The bed capacity report's tables below the first two: where beds are short, schemes, moves, doubts, assumptions."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from assets.reports.selects import tables_of
from llr_pipeline.documents import Table

SHORTFALLS = """
select
    coalesce(sites.site_name, 'No site') as "Site",
    replace(shortfalls.sector, '_', ' ') as "Sector",
    coalesce(shortfalls.first_quarter, 'none') as "First quarter, plan in full",
    coalesce(shortfalls.first_likely_quarter, 'none') as "First quarter, as expected",
    shortfalls.quarter_count as "Quarters, plan in full",
    round(greatest(shortfalls.most_short_beds, 0), 1) as "Most beds lacking",
    shortfalls.worst_quarter as "In",
from mart.bed_first_shortfalls as shortfalls
left join reference.sites as sites on shortfalls.site_code = sites.site_code
where shortfalls.round = $round and shortfalls.scenario = 'plan' and shortfalls.method = 'modelled'
    and shortfalls.bed_definition in ('stp_acute', 'stp_community')
order by shortfalls.most_short_beds desc
"""
SCHEMES = """
select
    effects.scheme_code as "Scheme",
    string_agg(distinct replace(effects.mechanism, '_', ' '), ', ' order by replace(effects.mechanism, '_', ' '))
        as "Mechanism",
    round(sum(effects.claimed_beds), 1) as "Claimed",
    round(sum(effects.implied_beds), 1) as "Implied",
    round(sum(effects.implied_beds) - sum(effects.claimed_beds), 1) as "Implied less claimed",
from mart.bed_scheme_effects as effects
where effects.round = $round and effects.financial_year = $year and effects.basis in ('effect', 'growth', 'none')
group by effects.scheme_code
order by abs(sum(effects.implied_beds) - sum(effects.claimed_beds)) desc
"""
MOVES = """
select
    ledger.scheme_code as "Scheme",
    coalesce(any_value(here.site_name), 'No site') as "From",
    coalesce(any_value(there.site_name), replace(ledger.destination, '_', ' ')) as "To",
    round(sum(ledger.moved_spells)) as "Spells a year",
    round(sum(ledger.home_contacts)) as "Contacts at home",
    round(sum(ledger.left_beds * quarters.days) / any_value(years.days), 1) as "Beds left",
    round(sum(ledger.arriving_beds * quarters.days) / any_value(years.days), 1) as "Beds arriving",
    round(sum(ledger.unallocated_spells)) as "Spells unallocated",
from mart.bed_transfer_ledger as ledger
inner join reference.quarters as quarters on ledger.quarter = quarters.quarter
inner join reference.financial_years as years on quarters.financial_year = years.financial_year
left join reference.sites as here on ledger.from_site_code = here.site_code
left join reference.sites as there on ledger.to_site_code = there.site_code
where ledger.round = $round and ledger.scenario = 'plan' and quarters.financial_year = $year
group by ledger.scheme_code, ledger.destination, ledger.from_site_code, ledger.to_site_code
order by ledger.scheme_code, sum(ledger.moved_spells) desc
"""
DOUBTS = """
select
    replace(doubts.guard, '_', ' ') as "Case",
    coalesce(sites.site_name || ', ', '') || replace(doubts.about, '_', ' ') as "About",
    doubts.message as "In words",
from mart.bed_feasibility as doubts
left join reference.sites as sites on doubts.site_code = sites.site_code
where doubts.round = $round and doubts.scenario = 'plan'
order by doubts.guard, "About"
"""
RISK = """
select
    coalesce(sites.site_name, 'No site') as "Site",
    replace(demand.sector, '_', ' ') as "Sector",
    round(demand.mean_census_beds, 1) as "Patients",
    round(demand.planned_beds, 1) as "Beds",
    printf('%.0f%%', 100 * demand.mean_census_beds / demand.planned_beds) as "Full",
    printf('%.1f%%', 100 * demand.overflow_probability) as "Too few, all beds",
    printf('%.1f%%', 100 * demand.ward_overflow_probability) as "Too few, one ward",
    printf('%.1f%%', 100 * demand.blocked_share) as "Turned away",
from mart.bed_demand as demand
left join reference.sites as sites on demand.site_code = sites.site_code
where demand.round = $round and demand.scenario = 'plan' and demand.financial_year = $year
    and demand.planned_beds > 0
qualify row_number() over (partition by demand.site_code, demand.sector order by demand.quarter desc) = 1
order by demand.overflow_probability desc
"""
BACK_CAST = """
select
    forecasts.financial_year as "Year",
    round(forecasts.forecast_beds) as "Forecast",
    round(forecasts.forecast_beds_p10_runs) as "P10",
    round(forecasts.forecast_beds_p90_runs) as "P90",
    round(forecasts.outturn_beds) as "Outturn",
    round(forecasts.error_beds, 1) as "Error, beds",
    printf('%.1f%%', forecasts.error_pct) as "Error",
    if(forecasts.is_within_interval, 'yes', 'no') as "Within P10 to P90",
from mart.bed_back_cast as forecasts
where forecasts.round = $round
order by forecasts.financial_year
"""
ASSUMPTIONS = """
select
    replace(assumptions.parameter, '_', ' ') as "Assumption",
    replace(assumptions.applies_to, '_', ' ') as "For",
    printf('%.4g', assumptions.low_value) as "P10",
    printf('%.4g', assumptions.central_value) as "Central",
    printf('%.4g', assumptions.high_value) as "P90",
    assumptions.unit as "Unit",
    assumptions.source as "Source",
from core.assumptions_current as assumptions
where assumptions.round = $round and assumptions.financial_year = $year and assumptions.scenario = 'all'
    and (
        assumptions.subject in ('beds', 'schemes')
        or assumptions.parameter in ('population_index', 'non_demographic_growth', 'health_status_factor')
    )
order by assumptions.subject, assumptions.parameter, assumptions.applies_to
"""
OTHERS = (
    (
        "Where beds are first too few under the plan",
        SHORTFALLS,
        "By site and sector, at the target occupancy of the sector; a small unit is short sooner than the sum of all. "
        "As expected: in more than half of the runs.",
    ),
    (
        "How likely a full house is",
        RISK,
        "Last quarter of the plan, every scheme delivered in full. Too few: probability that more patients than beds "
        "want one on a day, all beds of the row pooled, and in one ward as full as they are; the same occupancy is "
        "riskier the smaller the unit. Turned away: where nobody can wait (Erlang B).",
    ),
    (
        "Schemes: beds claimed and beds implied",
        SCHEMES,
        "Change in beds by the last year; a minus is fewer needed. Implied: what the scheme's shares, nights and "
        "coverage do to the base year's patients in the model. Openings and closures are left out: they change beds, "
        "not patients.",
    ),
    (
        "Who moves where",
        MOVES,
        "Under the plan, in the last year. Spells that leave arrive, or are unallocated; beds are means over the year.",
    ),
    (
        "What cannot be, or is not known",
        DOUBTS,
        "Found in the returns and the model; nothing was filled in for it.",
    ),
    (
        "The method tried on years that are known",
        BACK_CAST,
        "General and acute beds occupied overnight (KH03), from the base year's outturn: growth alone, no scheme. "
        "Years of the pandemic are left out. The population is the estimate made since, not a forecast of the time: a "
        "test of the arithmetic and of other growth, not of foresight.",
    ),
    (
        "Assumptions, and where they come from",
        ASSUMPTIONS,
        "As they stand in the last year. P10 and P90: one outcome in ten is below, one above.",
    ),
)


def tables(connection: duckdb.DuckDBPyConnection, round_: str, horizon_year: str) -> Sequence[Table]:
    """Those that have a row."""
    return tables_of(connection, OTHERS, round_=round_, horizon_year=horizon_year)
