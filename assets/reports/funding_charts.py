"""The funding gap report's charts: the gap by year, why it changes, what savings are worth, and what it hangs on."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from llr_pipeline.documents import Chart, frame_of, number, rows_of
from llr_pipeline.fans import fan
from llr_pipeline.tornadoes import tornado
from llr_pipeline.waterfalls import waterfall

CATEGORIES = {
    "pay": "pay", "drugs": "drugs", "capital_charges": "capital charges", "other_non_pay": "other non-pay",
    "healthcare_bought": "healthcare bought",
}  # fmt: skip
KINDS = {
    "cip": "Provider efficiency (CIP)", "qipp": "Commissioner efficiency (QIPP)",
    "new_models_of_care": "New models of care", "support_funding": "Support funding", "back_office": "Back office",
    "estates": "Estates",
}  # fmt: skip
PARAMETERS = {
    "delivered_share": "Delivered", "slip_months": "Months late", "allocation_growth": "Growth of allocations",
    "marginal_cost_share": "Marginal cost", "non_demographic_growth": "Other growth in demand",
    "health_status_factor": "Health status", "population_index": "Population", "inflation": "Inflation",
}  # fmt: skip
LEAST_BAR = 0.5
"""GBP m: smaller bars are one."""


def charts(connection: duckdb.DuckDBPyConnection, round_: str) -> Sequence[Chart]:
    """The four, as far as there is something to draw."""
    made = (
        _by_year(connection, round_),
        _bridge(connection, round_),
        _savings(connection, round_),
        _tornado(connection, round_),
    )
    return [chart for chart in made if chart]


def _by_year(connection: duckdb.DuckDBPyConnection, round_: str) -> Chart | None:
    found = rows_of(
        connection,
        """
        select
            case modelled.area when 'nhs' then 'NHS' else 'NHS and local authorities' end as panel,
            modelled.financial_year,
            if(modelled.scenario = 'plan', 'Plan', 'Do nothing') as series,
            modelled.residual_gap_p50_runs_gbp::double / 1e6 as expected,
            modelled.residual_gap_p10_runs_gbp::double / 1e6 as low,
            modelled.residual_gap_p90_runs_gbp::double / 1e6 as high,
            submitted.residual_gap_gbp::double / 1e6 as returned,
        from mart.funding_gap_totals as modelled
        left join mart.funding_gap_totals as submitted
            on modelled.round = submitted.round
            and modelled.scenario = submitted.scenario
            and modelled.area = submitted.area
            and modelled.price_basis = submitted.price_basis
            and modelled.financial_year = submitted.financial_year
            and submitted.method = 'submitted'
        where modelled.round = ? and modelled.method = 'modelled' and modelled.price_basis = 'nominal'
            and modelled.scenario in ('do_nothing', 'plan') and modelled.area in ('nhs', 'system')
        order by modelled.area, modelled.scenario desc, modelled.financial_year
        """,
        [round_],
    )
    if not found:
        return None
    chart = fan(
        found, x="financial_year", central="expected", low="low", high="high", inner="returned",
        inner_name="As returned", series="series", panel="panel",
        title=f"The gap by year, {round_} plan",
        subtitle=[
            "Cost less income: above zero money is lacking. Lines: the middle of the runs; bands: eight runs in ten.",
            "As returned: returned by the organisations, support funding counted in the plan.",
        ],
        y_title="Gap, GBP m", x_title="Financial year",
    )  # fmt: skip
    words = []
    for panel, series in dict.fromkeys((row["panel"], row["series"]) for row in found):
        last = [row for row in found if (row["panel"], row["series"]) == (panel, series)][-1]
        words.append(
            f"{panel}, {series.lower()}, {last['financial_year']}: {number(last['expected'], decimals=0)} GBP m "
            f"({number(last['low'], decimals=0)} to {number(last['high'], decimals=0)}), "
            f"{number(last['returned'], decimals=0)} as returned."
        )
    headings = {
        "panel": "Scope", "financial_year": "Financial year", "series": "Scenario", "expected": "Gap, GBP m",
        "low": "P10, GBP m", "high": "P90, GBP m", "returned": "As returned, GBP m",
    }  # fmt: skip
    words = "Line chart of the gap by year. " + " ".join(words)
    return Chart(name="gap_by_year", chart=chart, alt=words, figures=frame_of(found, headings))


BARS = """
with

bars as (
    select
        case
            when bridges.factor = 'schemes' then 'scheme ' || bridges.savings_category
            when bridges.factor = 'inflation' then 'inflation ' || bridges.category
            else bridges.factor
        end as reason,
        bridges.gap_change_gbp::double / 1e6 as change,
    from mart.funding_bridges as bridges
    where bridges.round = ? and bridges.scenario = 'plan' and bridges.area = 'nhs'
)

select
    reason,
    sum(change) as change,
    case
        when starts_with(reason, 'inflation') then 1
        when reason = 'demand' then 2
        when reason = 'pressures' then 3
        when reason = 'non_recurrent' then 4
        when reason = 'income_growth' then 5
        when starts_with(reason, 'scheme ') then 6
        else 7
    end as place,
from bars
group by all
order by place, change desc
"""


def _bridge(connection: duckdb.DuckDBPyConnection, round_: str) -> Chart | None:
    found = rows_of(connection, BARS, [round_])
    ends = rows_of(
        connection,
        """
        select
            financial_year,
            do_nothing_gap_gbp::double / 1e6 as do_nothing,
            residual_gap_gbp::double / 1e6 as in_full,
            residual_gap_mean_runs_gbp::double / 1e6 as expected,
            residual_gap_p10_runs_gbp::double / 1e6 as low,
            residual_gap_p90_runs_gbp::double / 1e6 as high,
        from mart.funding_modelled_totals
        where round = ? and scenario = 'plan' and area = 'nhs'
        order by financial_year
        """,
        [round_],
    )
    if not found or not ends or None in (ends[0]["in_full"], ends[-1]["in_full"]):
        return None
    first, last = ends[0], ends[-1]
    rows, rest = [], 0.0
    for row in found:
        if abs(row["change"]) < LEAST_BAR and row["place"] not in (5, 7):
            rest += row["change"]
        else:
            rows.append({"label": _reason(row["reason"]), "change": row["change"], "place": row["place"]})
    if rest:
        rows.insert(sum(row["place"] < 5 for row in rows), {"label": "All smaller ones", "change": rest, "place": 4})
    before_schemes = [row for row in rows if row["place"] <= 5]
    risk = last["expected"] - last["in_full"]
    rows.append({"label": "Not delivered, or late, as expected", "change": risk, "place": 8})
    subtotals = {}
    if before_schemes and len(before_schemes) < len(rows) - 1:
        subtotals = {
            before_schemes[-1]["label"]: f"Do nothing, {last['financial_year']}",
            rows[-2]["label"]: "Plan, delivered in full",
        }
    chart = waterfall(
        rows, label="label", change="change", start=first["in_full"], end=last["expected"],
        start_label=f"Gap in {first['financial_year']}", end_label=f"Expected in {last['financial_year']}",
        end_range=(last["low"], last["high"]), subtotals=subtotals, x_title="NHS gap, GBP m",
        title="Why the NHS gap changes, and what schemes take off it",
        subtitle=[
            f"{round_} plan, modelled, not as returned; the bars add up exactly. A rise widens the gap.",
            "Last bar: the mean of the runs. Whisker: eight runs in ten. Flows within the NHS are counted once.",
        ],
    )  # fmt: skip
    said = "; ".join(f"{row['label']} {number(row['change'], decimals=0)}" for row in rows)
    words = (
        f"Waterfall in GBP m from {number(first['in_full'], decimals=0)} in {first['financial_year']} to "
        f"{number(last['expected'], decimals=0)} expected in {last['financial_year']}: {said}."
    )
    ends = (
        {"label": f"Gap in {first['financial_year']}", "change": first["in_full"]},
        {"label": f"Expected in {last['financial_year']}", "change": last["expected"]},
    )
    figures = frame_of([ends[0], *rows, ends[1]], {"label": "Why", "change": "Change, GBP m"})
    return Chart(name="why_the_gap_changes", chart=chart, alt=words, figures=figures)


def _reason(reason: str) -> str:
    fixed = {
        "demand": "Growth in activity", "pressures": "Pressures", "non_recurrent": "One-off items end or begin",
        "income_growth": "Growth of income", "investment": "Investment in schemes",
    }  # fmt: skip
    if reason in fixed:
        return fixed[reason]
    kind, _, code = reason.partition(" ")
    return f"Prices: {CATEGORIES.get(code, code)}" if kind == "inflation" else KINDS.get(code, code)


def _savings(connection: duckdb.DuckDBPyConnection, round_: str) -> Chart | None:
    found = rows_of(
        connection,
        """
        select
            schemes.category,
            sum(schemes.gross_saving_gbp - schemes.investment_gbp)::double / 1e6 as in_full,
            sum(schemes.net_mean_runs_gbp)::double / 1e6 as expected,
        from mart.savings_schemes as schemes
        inner join reference.rounds as rounds
            on schemes.round = rounds.round
            and schemes.financial_year = rounds.horizon_year
        where schemes.round = ? and schemes.scenario = 'plan'
        group by all
        order by in_full desc
        """,
        [round_],
    )
    if not found:
        return None
    rows = [{**row, "label": KINDS.get(row["category"], row["category"])} for row in found]
    chart = tornado(
        rows, label="label", low="expected", high="in_full", names=("as expected", "in full"), decimals=1,
        title="What savings are worth, by kind",
        x_title="Saving less investment in the last year, GBP m",
        subtitle=[
            f"{round_} plan, last year. In full: as stated and on time. As expected: the mean of the runs, at the",
            "confidence that senders state, late as assumed; what is invested is spent in either case.",
        ],
    )  # fmt: skip
    said = "; ".join(
        f"{row['label']} {number(row['in_full'], decimals=1)} in full, {number(row['expected'], decimals=1)} expected"
        for row in rows
    )
    headings = {"label": "Kind of saving", "in_full": "In full, GBP m", "expected": "As expected, GBP m"}
    words = f"Bars of savings less investment in GBP m: {said}."
    return Chart(name="savings_by_kind", chart=chart, alt=words, figures=frame_of(rows, headings))


def _tornado(connection: duckdb.DuckDBPyConnection, round_: str) -> Chart | None:
    found = rows_of(
        connection,
        """
        with

        names as (
            select scheme_code, any_value(scheme_name) as scheme_name
            from mart.savings_schemes
            where round = $round
            group by all
        )

        select
            effects.parameter,
            effects.applies_to,
            coalesce(names.scheme_name, if(applies_to = 'nhs', 'NHS', replace(applies_to, '_', ' '))) as name,
            effects.effect_gbp::double / 1e6 as effect,
        from mart.funding_assumption_effects as effects
        left join names on effects.applies_to = names.scheme_code
        where effects.round = $round and scenario = 'plan' and area = 'nhs'
        order by abs(effect) desc, parameter, applies_to
        """,
        {"round": round_},
    )
    rows = [{"label": f"{PARAMETERS.get(row['parameter'], row['parameter'])}: {row['name']}", **row} for row in found]
    if not rows:
        return None
    chart = tornado(
        rows, label="label", effect="effect", title="What the NHS gap left hangs on",
        x_title="Change of the gap from the assumption's P10 to its P90, GBP m",
        subtitle=f"{round_} plan, last year, over the runs. A fall: the more of it, the smaller the gap.",
    )  # fmt: skip
    said = "; ".join(f"{row['label']} {number(row['effect'], decimals=0)}" for row in rows[:5])
    figures = frame_of(rows, {"label": "Assumption", "effect": "Change from its P10 to its P90, GBP m"})
    words = f"Bars of changes of the gap in GBP m: {said}."
    return Chart(name="what_the_gap_hangs_on", chart=chart, alt=words, figures=figures)
