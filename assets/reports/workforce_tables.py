"""The workforce report's tables: the redundancy test in words, staff needed and in post, doubts, assumptions."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from assets.reports.selects import tables_of
from llr_pipeline.documents import Table

TEST = """
select
    settings.label as "Setting",
    round(totals.planned_fall_wte) as "Planned fall",
    round(totals.turnover_fall_central_wte) as "Turnover gives",
    counted(totals.bank_before_wte + totals.agency_before_wte) as "Bank and agency",
    if(
        is_small_number(totals.bank_before_wte + totals.agency_before_wte), 'not shown',
        printf('%.1f%%', 100 * totals.break_even_replacement_share)
    ) as "Replaced at most",
    printf('%.1f%%', 100 * totals.planned_replacement_share) as "Replaced as planned",
    coalesce(totals.first_year_ahead, 'never') as "Plan runs ahead",
    totals.verdict as "Verdict",
from mart.redundancy_totals as totals
inner join reference.code_lists as settings on settings.list_name = 'setting' and totals.area = settings.code
where totals.round = $round and totals.area_kind = 'setting'
    and not is_small_number(totals.before_wte) and not is_small_number(totals.after_wte)
order by settings.position
"""
IN_WORDS = """
select
    settings.label || ', all staff groups' as "Who",
    totals.verdict as "Verdict",
    totals.sentence as "In words",
from mart.redundancy_totals as totals
inner join reference.code_lists as settings on settings.list_name = 'setting' and totals.area = settings.code
where totals.round = $round and totals.area_kind = 'setting' and totals.verdict <> 'no fall planned'
union all
select
    concat_ws(', ', settings.label, nullif(lower(groups.label), lower(settings.label)))
        || ' (' || organisations.organisation_name || ')',
    tests.verdict,
    tests.sentence,
from mart.redundancy_test as tests
inner join reference.code_lists as settings on settings.list_name = 'setting' and tests.setting = settings.code
inner join reference.code_lists as groups on groups.list_name = 'staff_group' and tests.staff_group = groups.code
inner join reference.organisations as organisations on tests.organisation_code = organisations.organisation_code
where tests.round = $round and tests.verdict <> 'no fall planned'
order by "Who"
"""
NEEDED = """
with

staff as (
    select
        *,
        is_small_number(planned_wte) or is_small_number(closing_stock_wte) as is_few,
        planned_wte > 0 and closing_stock_wte > 0 as has_staff,
        -- the setting's total, less all others, would give a group away that is alone: the next fewest goes with it,
        -- of those that have any, since one of none takes nothing out of the sum
        is_few or (
            count(*) filter (where is_few) over (partition by setting) = 1
            and has_staff
            and row_number() over (partition by setting, is_few, has_staff order by planned_wte) = 1
        ) as is_kept_back,
    from (
        select *
        from mart.workforce_projections
        where round = $round and scenario = 'plan' and financial_year = $year
    )
)

select
    concat_ws(', ', settings.label, nullif(lower(groups.label), lower(settings.label)))
        || ' (' || organisations.organisation_name || ')' as "Who",
    if(is_kept_back, null, round(staff.planned_wte)) as "Planned",
    if(is_kept_back, null, round(staff.demand_wte)) as "Needed",
    if(is_kept_back, not_shown(), replace(staff.demand_basis, '_', ' ')) as "Follows",
    if(is_kept_back, null, round(staff.closing_stock_wte)) as "In post",
    if(is_kept_back, null, round(staff.bank_wte)) as "Bank",
    if(is_kept_back, null, round(staff.agency_wte)) as "Agency",
    if(is_kept_back, null, round(staff.unfilled_wte)) as "Unfilled",
    if(is_kept_back, null, round(staff.unfilled_wte_p90_runs)) as "Unfilled, P90",
    if(is_kept_back, null, printf('£%.1fm', staff.cost_gbp / 1000000)) as "Cost",
from staff
inner join reference.code_lists as settings on settings.list_name = 'setting' and staff.setting = settings.code
inner join reference.code_lists as groups on groups.list_name = 'staff_group' and staff.staff_group = groups.code
inner join reference.organisations as organisations on staff.organisation_code = organisations.organisation_code
order by settings.position, groups.position, staff.organisation_code
"""
SCENARIOS = """
select
    settings.label as "Setting",
    replace(totals.scenario, '_', ' ') as "Scenario",
    round(totals.demand_wte) as "Needed",
    round(totals.demand_wte_p10_runs) as "P10",
    round(totals.demand_wte_p90_runs) as "P90",
    round(totals.closing_stock_wte) as "In post",
    round(totals.gap_wte) as "Gap",
    round(totals.unfilled_wte) as "Unfilled",
    round(totals.unfilled_wte_mean_runs) as "Unfilled, mean of runs",
from mart.workforce_totals as totals
inner join reference.code_lists as settings on settings.list_name = 'setting' and totals.area = settings.code
where totals.round = $round and totals.financial_year = $year and totals.area_kind = 'setting'
    and totals.area in ('acute', 'community', 'mental_health')
    and not coalesce(is_small_number(totals.planned_wte) or is_small_number(totals.closing_stock_wte), false)
order by settings.position, totals.scenario
"""
DOUBTS = """
select
    replace(doubts.guard, '_', ' ') as "Case",
    concat_ws(', ', doubts.organisation_code, replace(doubts.staff_group, '_', ' '), replace(doubts.setting, '_', ' '),
        replace(doubts.about, '_', ' ')) as "About",
    if(doubts.is_few, not_shown(), doubts.message) as "In words",
    doubts.cells as "Cells",
from mart.workforce_doubts as doubts
where doubts.round = $round
order by doubts.guard, "About"
"""
ASSUMPTIONS = """
select
    replace(assumptions.parameter, '_', ' ') as "Assumption",
    replace(assumptions.applies_to, '_', ' ') as "For",
    printf('%.5g', assumptions.low_value) as "P10",
    printf('%.5g', assumptions.central_value) as "Central",
    printf('%.5g', assumptions.high_value) as "P90",
    assumptions.unit as "Unit",
    assumptions.source as "Source",
from core.assumptions_current as assumptions
where assumptions.round = $round and assumptions.financial_year = $year and assumptions.scenario = 'all'
    and (
        assumptions.subject = 'workforce' and assumptions.parameter <> 'agency_pay_share'
        or (assumptions.subject, assumptions.parameter, assumptions.applies_to) in (
            ('funding', 'inflation', 'pay'),
            ('activity', 'non_demographic_growth', 'community_contacts')
        )
    )
order by assumptions.subject, assumptions.parameter, assumptions.applies_to
"""
SOME = (
    (
        "Can turnover do it?",
        TEST,
        "Whole-time equivalents. Planned fall: all contracts, base year to last year; a minus is a rise. Turnover "
        "gives: the most that leavers and retirements can take away at the central share replaced. Replaced at most: "
        "the share of them that can be replaced with the fall still coming without redundancy; 100% where ending bank "
        "and agency work is enough. Replaced as planned: joiners returned over leavers and retirements; above 100% "
        "staff grow. Where bank and agency staff are fewer than 5, neither their number nor what would give it away is "
        "shown.",
    ),
    (
        "The test in words",
        IN_WORDS,
        "Moves to another employer of the system are not counted as a way to fall, so that the test is the stricter.",
    ),
    (
        "Staff needed and staff in post under the plan, last year",
        NEEDED,
        "Whole-time equivalents, every scheme delivered in full, joiners as returned. Needed: the base year's staff "
        "of all contracts, grown as the care hours of their wards or their contacts grow; else as planned. Bank, then "
        "agency, each up to its cap; what is unfilled then. These are posts of the model, not people, and are shown "
        "however few. Unfilled, P90: one run in ten leaves more. A group of fewer than 5 staff is not shown.",
    ),
    (
        "Scenarios, last year",
        SCENARIOS,
        "Staff follow the plan's flows in every scenario but do nothing, in which everybody who goes is replaced. A "
        "late or partial plan needs more staff in hospitals and has them no more.",
    ),
    (
        "What cannot be, or is not known",
        DOUBTS,
        "Found in the returns and the model; nothing was filled in for it without saying so.",
    ),
    (
        "Assumptions, and where they come from",
        ASSUMPTIONS,
        "As they stand in the last year. P10 and P90: one outcome in ten is below, one above.",
    ),
)


def tables(connection: duckdb.DuckDBPyConnection, round_: str, horizon_year: str) -> Sequence[Table]:
    """Those that have a row."""
    return tables_of(connection, SOME, round_=round_, horizon_year=horizon_year)
