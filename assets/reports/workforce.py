"""The workforce report: can turnover give the falls that the plan promised, and are there staff for what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from assets.reports import workforce_charts, workforce_tables
from llr_pipeline.contracts import contracts
from llr_pipeline.documents import Document, Table, number, rows_of

Row = Mapping[str, Any]
CREDITS = (f"Published figures: {contracts()['reference.published_figures'].source['title']}.",)
ILLUSTRATIVE = (
    "Illustrative below the published totals. No split by staff group, year or contract was ever published, and "
    "neither were joiners, leavers of most groups, retirements or transfers. Only figures marked as equal to a "
    "published one are the plan's own."
)
NOT_TOLD = "A setting has 1 to 4 staff at an end of the plan: none of its figures is shown."
NOT_KNOWN = "Some staff, rates or patients are not known: what stands on them is empty, and named under doubts."


def workforce(connection: duckdb.DuckDBPyConnection) -> Document:
    """The staff of the latest round's plan, beside those published, those who are needed and what turnover can do."""
    lines = rows_of(
        connection,
        """
        select * from report.workforce
        where round = (select max(round) from report.workforce)
        order by position
        """,
    )
    if not lines:
        return Document(title="Workforce", summary="No workforce return has been accepted yet.", credits=CREDITS)
    round_ = lines[0]["round"]
    figures = {line["headline_code"]: line["figure"] for line in lines}
    base_year, horizon_year, round_name = connection.execute(
        "select base_year, horizon_year, round_name from reference.rounds where round = ?", [round_]
    ).fetchone()
    notes = [ILLUSTRATIVE] if any(line["is_illustrative"] for line in lines) else []
    worked_out = [f"{kind}_{what}" for kind in ("hospital", "community") for what in ("gap", "turnover_fall")]
    if any(figures[code] is None for code in worked_out):
        notes.append(NOT_TOLD if any(line["verdict"].startswith("not shown") for line in lines) else NOT_KNOWN)
    summary = [
        _turnover(connection, round_, figures),
        _community(connection, round_, figures),
        _needed(horizon_year, figures),
        f"{_agreement(lines)} {_doubts(connection, round_)}",
    ]
    return Document(
        title=f"Workforce, {base_year} to {horizon_year}: {round_name}",
        summary="\n\n".join(filter(None, summary)),
        headlines=figures,
        charts=workforce_charts.charts(connection, round_),
        tables=[*workforce_tables.tables(connection, round_, horizon_year), _beside_published(lines)],
        notes=notes,
        credits=CREDITS,
    )


def _turnover(connection: duckdb.DuckDBPyConnection, round_: str, figures: Mapping[str, float | None]) -> str:
    """The verdict on the hospital jobs, from the figures of the test."""
    found = rows_of(
        connection,
        "select * from mart.redundancy_totals where round = ? and area_kind = 'setting' and area = 'acute'",
        [round_],
    )
    if not found or figures["hospital_jobs_reduction"] is None:
        return "The plan's acute hospital staff were not returned for its first or its last year, or are not shown."
    row = found[0]
    fall = f"{number(abs(row['planned_fall_wte']), decimals=0)} {'fewer' if row['planned_fall_wte'] >= 0 else 'more'}"
    ends = f"{number(row['before_wte'], decimals=0)} to {number(row['after_wte'], decimals=0)}"
    planned = f"The {round_} plan has {fall} whole-time equivalents in acute hospitals by {row['to_year']} ({ends})"
    if row["verdict"] not in VERDICTS:
        return f"**{planned}.**"
    said = f"**{planned}: {VERDICTS[row['verdict']]}.**"
    shares = [f"{100 * row[f'replacement_{end}_share']:.0f}%" for end in ("p10", "central", "p90")]
    most = [number(row[f"largest_fall_{end}_wte"], decimals=0) for end in ("p10", "central", "p90")]
    said += (
        f" With {shares[1]} of those who go replaced it could lose up to {most[1]} ({most[2]} at {shares[2]}, "
        f"{most[0]} at {shares[0]}), bank and agency included."
    )
    if row["break_even_replacement_share"] is not None:
        said += (
            f" It needs redundancies only if more than {100 * row['break_even_replacement_share']:.1f}% are replaced; "
            f"the plan's own joiners replace {100 * row['planned_replacement_share']:.1f}%."
        )
    if row["first_year_ahead"]:
        said += f" The planned path runs ahead of turnover in {row['first_year_ahead']}."
    if row["infeasible_post_count"]:
        said += f" Of {row['post_count']} staff groups, {row['infeasible_post_count']} do not pass on their own."
    return said


VERDICTS = {
    "feasible": "turnover can do that without redundancy",
    "depends on replacement": "turnover can do that without redundancy only if few enough are replaced",
    "infeasible": "turnover cannot do that without redundancy",
}


def _community(connection: duckdb.DuckDBPyConnection, round_: str, figures: Mapping[str, float | None]) -> str:
    """Where the staff for the community come from."""
    before, after = figures["community_staff_before"], figures["community_staff_after"]
    if before is None or after is None:
        return "The plan's community staff were not returned for its first or its last year, or are not shown."
    (flows,) = rows_of(
        connection,
        """
        select
            sum(joiners_wte) as joiners,
            sum(transfers_in_wte) as transfers,
            sum(leavers_wte) + sum(retirements_wte) as gone,
            arg_max(planned_bank_wte + planned_agency_wte, financial_year)
                - arg_min(planned_bank_wte + planned_agency_wte, financial_year) as temporary,
        from mart.workforce_totals
        where round = ? and scenario = 'plan' and area_kind = 'setting' and area = 'community'
        """,
        [round_],
    )
    change = f"{number(abs(after - before), decimals=0)} {'more' if after >= before else 'fewer'}"
    change = change if abs(after - before) >= 0.5 else "as many"
    said = f"Community staff go from {number(before, decimals=0)} to {number(after, decimals=0)} ({change})"
    if flows["gone"] is None or flows["joiners"] is None:
        return f"{said}."
    joiners, transfers, gone = (number(flows[name], decimals=0) for name in ("joiners", "transfers", "gone"))
    said += f": {joiners} are to join and {transfers} to come from hospitals, while {gone} leave or retire"
    if flows["temporary"] is None or abs(flows["temporary"]) < 0.5:
        return f"{said}."
    less = "fewer" if flows["temporary"] < 0 else "more"
    return f"{said}, with {number(abs(flows['temporary']), decimals=0)} {less} of bank and agency."


def _needed(horizon_year: str, figures: Mapping[str, float | None]) -> str:
    """What the patients need against the staff planned, and over the runs against those with contracts."""
    needed, gaps, unfilled = [], [], []
    for kind in ("hospital", "community"):
        found = {name: figures[f"{kind}_{name}"] for name in GAP_FIGURES}
        if None in found.values():
            continue
        whole = {name: number(value, decimals=0) for name, value in found.items()}
        needed.append(f"{whole['staff_needed']} {kind} staff ({whole['staff_after']} planned)")
        gaps.append(f"{whole['gap_mean_runs']} in {kind} ({whole['gap_p10_runs']} to {whole['gap_p90_runs']})")
        unfilled.append(f"{whole['unfilled_mean_runs']} in {kind}")
    if not needed:
        return "Staff needed cannot be worked out yet: patients, contacts or assumptions are missing."
    return (
        f"With schemes delivered in full, {horizon_year} needs {' and '.join(needed)}. Over the runs, at the "
        f"confidence that senders state, staff with contracts are too few by {' and '.join(gaps)}; bank and agency "
        f"within their caps leave {' and '.join(unfilled)} unfilled."
    )


GAP_FIGURES = ("staff_needed", "staff_after", "gap_mean_runs", "gap_p10_runs", "gap_p90_runs", "unfilled_mean_runs")


def _agreement(lines: Sequence[Row]) -> str:
    compared = [line for line in lines if line["published_figure"] is not None and line["figure"] is not None]
    if not compared:
        return "Nothing was published of this round's plan to compare with."
    differ = [line for line in compared if not line["verdict"].startswith("equals")]
    said = f"{len(compared) - len(differ)} of {len(compared)} figures equal those published."
    for line in differ:
        said += f" {line['headline']}: {number(line['figure'])}, published as {line['published_as']}."
    return said


def _doubts(connection: duckdb.DuckDBPyConnection, round_: str) -> str:
    (count,) = connection.execute("select count(*) from mart.workforce_doubts where round = ?", [round_]).fetchone()
    return f"Doubts, listed below: {count}." if count else "No return and no assumption leaves a doubt."


def _beside_published(lines: Sequence[Row]) -> Table:
    import pandas as pd  # takes 0.3 s: not when the definitions are loaded

    def shown(line: Row) -> str:
        return f"{number(line['figure'], decimals=1)}{'%' if line['unit'] == 'percent' and line['figure'] else ''}"

    return Table(
        title="Figures, and what was published",
        frame=pd.DataFrame(
            {
                "Headline": line["headline"],
                "Figure": shown(line),
                "Published": line["published_as"] or number(None),
                "Verdict": line["verdict"],
            }
            for line in lines
        ),
        notes=["Staff are whole-time equivalents at 31 March; the published sentences say staff and jobs."],
    )
