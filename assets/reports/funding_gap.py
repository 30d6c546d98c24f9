"""The funding gap report: what is lacking if nothing is done, what schemes are worth, and what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from assets.reports import funding_charts, funding_tables
from assets.reports.money import millions
from llr_pipeline.contracts import contracts
from llr_pipeline.documents import Document, Table, number, rows_of

Row = Mapping[str, Any]
CREDITS = (f"Published figures: {contracts()['reference.published_figures'].source['title']}.",)
ILLUSTRATIVE = (
    "Illustrative below the published totals. No split of the published gap was ever published: every organisation, "
    "line, scheme and year between, every confidence and so every modelled figure is illustrative. Only figures marked "
    "as equal to a published one are the plan's own."
)
INCOMPLETE = (
    "Some finance returns or years are lacking. Figures marked \N{DAGGER} are sums of what there is, and may be too "
    "small or too large."
)


def funding_gap(connection: duckdb.DuckDBPyConnection) -> Document:
    """The gap of the latest round by scope, as returned and as modelled, and what its schemes leave of it."""
    lines = rows_of(
        connection,
        """
        select * from report.funding_gap
        where round = (select max(round) from report.funding_gap)
        order by position
        """,
    )
    if not lines:
        return Document(title="Funding gap", summary="No finance return has been accepted yet.", credits=CREDITS)
    round_ = lines[0]["round"]
    figures = {line["headline_code"]: line["figure"] for line in lines}
    horizon_year, round_name = connection.execute(
        "select horizon_year, round_name from reference.rounds where round = ?", [round_]
    ).fetchone()
    notes = [ILLUSTRATIVE] if any(line["is_illustrative"] for line in lines) else []
    notes += [INCOMPLETE] if not all(line["is_complete"] for line in lines) else []
    notes += _readings(connection, round_, horizon_year, figures)
    return Document(
        title=f"Funding gap to {horizon_year}: {round_name}",
        summary="\n\n".join(
            filter(
                None,
                (
                    _gap(horizon_year, figures),
                    _left(horizon_year, figures),
                    _to_close(connection, round_),
                    _capital(figures),
                ),
            )
        ),
        headlines=figures,
        charts=funding_charts.charts(connection, round_),
        tables=[
            _by_scope(lines, horizon_year),
            _published(connection),
            _agreement(lines),
            *funding_tables.tables(connection, round_, horizon_year),
        ],
        notes=notes,
        credits=CREDITS,
    )


def _gap(horizon_year: str, figures: Mapping[str, float | None]) -> str:
    """What was returned, and what the method makes of it, scope by scope."""
    nhs, councils, both = (figures[f"{area}_funding_gap"] for area in ("nhs", "local_authority", "system"))
    if nhs is None:
        return "The NHS gap cannot be given: finance returns are lacking, or state money on different bases."
    said = f"**If nothing is done the NHS lacks {millions(nhs)} in {horizon_year} (returned by the organisations).**"
    if councils is not None and both is not None:
        said += f" Local authorities lack {millions(councils)} more, {millions(both)} together."
    if figures["nhs_funding_gap_modelled"] is not None:
        said += (
            f" Modelled from the base year by stated prices, demand and pressures, the NHS gap is "
            f"{millions(figures['nhs_funding_gap_modelled'])}."
        )
    return said


def _left(horizon_year: str, figures: Mapping[str, float | None]) -> str:
    """What schemes leave: stated, in full, and as likely as their senders say."""
    gross, left = figures["nhs_gross_saving"], figures["nhs_residual_gap"]
    mean = figures["nhs_residual_gap_mean_runs"]
    if not gross or left is None:
        return "No savings schemes were returned."
    beyond = f", {millions(gross - figures['nhs_funding_gap'])} beyond the gap" if gross > figures[GAP] else ""
    after = "more than closed" if left <= 0 else f"left at {millions(left)}"
    said = f"Schemes state {millions(gross)} of savings{beyond}; after investment the gap, as returned, is {after}"
    said += f" ({millions(abs(left))} over)." if left < 0 else "."
    if mean is None:
        return said
    ends = [millions(figures[f"nhs_residual_gap_{end}_runs"], decimals=0) for end in ("p10", "p90")]
    chance = figures["nhs_closed_pct"]
    likely = "fewer than 1" if 0 < chance < 1 else number(chance, decimals=0)
    return (
        f"{said} At the confidence and delays that senders and assumptions state, "
        f"{millions(mean, decimals=0)} is left ({' to '.join(ends)} in eight runs of ten). {likely.capitalize()} "
        "of 100 runs close it."
    )


GAP = "nhs_funding_gap"


def _readings(
    connection: duckdb.DuckDBPyConnection, round_: str, horizon_year: str, figures: Mapping[str, float | None]
) -> list[str]:
    """Why one case has three figures, with those of the last year: charts and tables show now one, now another."""
    middle = dict(
        connection.execute(
            """
            select scenario, residual_gap_p50_runs_gbp::double
            from mart.funding_gap_totals
            where round = ? and financial_year = ? and area = 'nhs' and method = 'modelled' and price_basis = 'nominal'
                and scenario in ('do_nothing', 'plan')
            """,
            [round_, horizon_year],
        ).fetchall()
    )
    cases = {
        "if nothing is done": (figures[GAP], figures[f"{GAP}_modelled"], middle.get("do_nothing")),
        "under the plan": (figures["nhs_residual_gap"], figures["nhs_residual_gap_in_full"], middle.get("plan")),
    }
    said = [
        f"{case} {', '.join(map(millions, values[:2]))} and {millions(values[2])}"
        for case, values in cases.items()
        if None not in values
    ]
    if not said:
        return []
    return [
        "Each case has three figures: returned by the organisations; modelled, with schemes delivered in full; and the "
        f"middle of the runs, in which assumptions and schemes vary. The NHS gap in {horizon_year}, in that order: "
        f"{'; '.join(said)}."
    ]


def _to_close(connection: duckdb.DuckDBPyConnection, round_: str) -> str:
    found = {
        row["parameter"]: row
        for row in rows_of(
            connection,
            "select * from mart.funding_break_evens where round = ? and scenario = 'plan' and area = 'nhs'",
            [round_],
        )
    }
    share, growth = found.get("delivered_share"), found.get("allocation_growth")
    if not share or share["needed_share"] is None or share["stated_share"] is None:
        return ""
    said = (
        f"To close, every scheme must deliver {number(100 * share['needed_share'], decimals=0)}% of what it states, on "
        f"time; senders expect {number(100 * share['stated_share'], decimals=0)}%"
    )
    if growth and growth["needed_share"] is not None:
        said += (
            f". Or allocations must grow {number(100 * growth['needed_share'], decimals=1)}% a year and not "
            f"{number(100 * growth['stated_share'], decimals=1)}%"
        )
    return said + "."


def _capital(figures: Mapping[str, float | None]) -> str:
    total, external, secured = (figures[f"capital_{name}"] for name in ("total", "external", "secured"))
    if not total:
        return ""
    outside = f"{millions(external, decimals=0)} of it new external money" if external else "none of it external"
    return f"Capital: {millions(total, decimals=0)}, {outside}; {millions(secured, decimals=0)} is secured."


def _by_scope(lines: Sequence[Row], horizon_year: str) -> Table:
    import pandas as pd  # takes 0.3 s: not when the definitions are loaded

    by_code = {line["headline_code"]: line for line in lines}
    found = []
    for area, title in {"nhs": "NHS", "local_authority": "Local authorities", "system": "Both together"}.items():
        figure = {name: by_code[f"{area}_{name}"]["figure"] for name in ("funding_gap", "funding_gap_modelled", *LEFT)}
        chance = by_code[f"{area}_closed_pct"]["figure"]
        is_complete = by_code[f"{area}_funding_gap"]["is_complete"]
        found.append(
            {
                f"Gap in {horizon_year}": title if is_complete else f"{title} \N{DAGGER}",
                "Do nothing, returned": millions(figure["funding_gap"]),
                "Do nothing, modelled": millions(figure["funding_gap_modelled"]),
                "Plan, returned": millions(figure["residual_gap"]),
                "Plan, modelled in full": millions(figure["residual_gap_in_full"]),
                "As expected": millions(figure["residual_gap_mean_runs"]),
                "P10": millions(figure["residual_gap_p10_runs"]),
                "P90": millions(figure["residual_gap_p90_runs"]),
                "Closes": number(None) if chance is None else f"{chance:.1f}%",
            }
        )
    return Table(
        title="The gap by scope",
        frame=pd.DataFrame(found),
        notes=[
            "Cost less income; a minus is money left over. Returned: the sum of the finance returns. Modelled: the "
            "base year with stated inflation, growth in activity at its marginal cost, pressures and growth of "
            "allocations. In full: every scheme delivers what it states, on time. As expected: the mean of the "
            "simulated runs. Closes: share of the runs without a gap. Both together: what flows between organisations "
            "is counted once; percentiles of the two do not add up to those of both.",
        ],
    )


LEFT = (
    "residual_gap", "residual_gap_in_full", "residual_gap_mean_runs", "residual_gap_p10_runs", "residual_gap_p90_runs",
)  # fmt: skip
PUBLISHED = """
select distinct
    lines.round,
    figures.published_on,
    case figures.scope when 'nhs' then 'NHS' else 'Local authorities' end as scope,
    figures.printed,
    figures.document,
    figures.value::double as published,
    lines.figure,
    lines.verdict,
from reference.published_figures as figures
left join report.funding_gap as lines
    on replace(figures.figure_code, '_earlier', '') = lines.headline_code
    and figures.document = lines.published_in
where figures.figure_code like '%funding_gap%'
qualify row_number() over (partition by figures.figure_code order by figures.published_on, figures.document) = 1
order by figures.published_on, scope desc
"""


def _published(connection: duckdb.DuckDBPyConnection) -> Table:
    """The published gaps side by side, each in its scope and at its date."""
    import pandas as pd

    found = rows_of(connection, PUBLISHED)
    rows = [
        {
            "Published": row["published_on"].strftime("%B %Y").lstrip("0"),
            "Scope": row["scope"],
            "Printed as": row["printed"],
            "In": row["document"].replace("_", " "),
            "Returns of the round": millions(row["figure"]),
            "Round": row["round"] or number(None),
            "Verdict": row["verdict"] or "no returns",
        }
        for row in found
    ]
    early = [row for row in found if row["document"] == "slides"]
    if len(early) == 2 and None not in [row["figure"] for row in early]:
        rows.append(
            {
                "Published": rows[0]["Published"],
                "Scope": "Both together",
                "Printed as": "never printed as a sum",
                "In": "slides",
                "Returns of the round": millions(sum(row["figure"] for row in early)),
                "Round": early[0]["round"],
                "Verdict": f"{' + '.join(row['printed'] for row in early)}",
            }
        )
    return Table(
        title="The published gaps side by side",
        frame=pd.DataFrame(rows),
        notes=["Each is right in its own scope and at its own date: they are not comparable with each other."],
    )


def _agreement(lines: Sequence[Row]) -> Table:
    import pandas as pd

    return Table(
        title="Beside what was published of this round",
        frame=pd.DataFrame(
            {
                "Headline": line["headline"] + ("" if line["is_complete"] else " \N{DAGGER}"),
                "Figure": millions(line["figure"]),
                "Published": line["published_as"] or number(None),
                "Verdict": line["verdict"],
            }
            for line in lines
            if line["method"] == "submitted" and (line["published_as"] or line["scope"] != "system")
        ),
        notes=["A figure equals the published one if rounding it to the digits printed gives the printed number."],
    )
