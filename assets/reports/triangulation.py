"""The triangulation report: whether the plans of the latest round describe one future, for those who plan each part.

Everything said is made of `mart.triangulation_*` and `report.triangulation`; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from llr_pipeline.documents import Document, Table, number, rows_of

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
NAMED, SHOWN, CELLS = 3, 60, 4
"""How many disagreements the summary names and a table shows; how many cells of a side."""
NOTHING_NAMED = "Nothing was returned yet: there are no plans to set beside one another."
FEW = "Figures that stand on 1 to 4 people are not shown; who sent the workbooks finds them at the cells."
ILLUSTRATIVE = (
    "The returns are illustrative. They are the sample's: disagreements were planted in its earlier round, none in its "
    "later one, and NHS England publishes no tolerance, so tolerances are the system's own assumptions."
)
DISAGREEMENTS = """
select
    disagreements.*, organisations.organisation_name, others.organisation_name as counterparty_name,
from report.triangulation as disagreements
left join reference.organisations as organisations using (organisation_code)
left join reference.organisations as others on disagreements.counterparty_code = others.organisation_code
where disagreements.round = ?
order by disagreements.position
"""
NOT_COMPARED = """
select
    summary.check_name as "Check",
    checks.why as "Why",
    string_agg(distinct checks.organisation_code, ', ' order by checks.organisation_code) as "Organisations",
    count(*) as "Pairs of figures",
from mart.triangulation_checks as checks
inner join mart.triangulation_summary as summary using (round, check_code)
where checks.round = ? and checks.verdict = 'cannot_be_compared'
group by summary.position, summary.check_name, checks.why
order by summary.position, count(*) desc, checks.why
"""
TOLERANCES = """
select
    lists.label as "Check",
    lists.description as "What is compared",
    string_agg(
        replace(assumptions.parameter, '_', ' ') || ' ' || case assumptions.unit
            when 'share' then printf('%g%%', 100 * assumptions.central_value)
            when 'GBP 000' then printf('£%gk', assumptions.central_value)
            else printf('%g ', assumptions.central_value) || assumptions.unit
        end, '; ' order by assumptions.parameter desc
    ) as "Tolerance",
    any_value(assumptions.source order by assumptions.parameter desc) as "Source",
from reference.code_lists as lists
left join core.assumptions_current as assumptions
    on assumptions.subject = 'triangulation' and assumptions.applies_to = lists.code
    and assumptions.round = $round and assumptions.scenario = 'all' and assumptions.financial_year = $year
where lists.list_name = 'triangulation_check'
group by lists.position, lists.label, lists.description
order by lists.position
"""


def triangulation(connection: duckdb.DuckDBPyConnection) -> Document:
    """The latest round's plans beside one another, and what became of the disagreements of the round before."""
    rounds = [
        row["round"]
        for row in rows_of(connection, "select distinct round from mart.triangulation_summary order by round desc")
    ]
    if not rounds:
        return Document(title="Do the plans agree?", summary=NOTHING_NAMED)
    round_, before = rounds[0], rounds[1] if len(rounds) > 1 else None
    summary = _summary(connection, round_)
    summary_before = _summary(connection, before) if before else []
    found = rows_of(connection, DISAGREEMENTS, [round_])
    found_before = rows_of(connection, DISAGREEMENTS, [before]) if before else []
    round_name, horizon_year = connection.execute(
        "select round_name, horizon_year from reference.rounds where round = ?", [round_]
    ).fetchone()
    words = [
        _finding(round_, summary, found),
        _largest(found),
        _against_before(before, found, found_before),
        _not_compared(summary),
    ]
    tables = [
        _matrix(summary, round_, summary_before, before),
        *_disagreements(f"Where the plans of {round_} disagree", found, with_standing=False),
        *_of_query(
            connection, "What cannot be compared, and why", NOT_COMPARED, [round_],
            "Neither agreement nor difference: a side is missing or incomplete, or the two count different things.",
        ),
        *_disagreements(f"What became of the disagreements of {before}", found_before, with_standing=True),
        *_of_query(
            connection, "Tolerances", TOLERANCES, {"round": round_, "year": horizon_year},
            "From the assumptions return. A share is of the larger figure. A difference smaller than the least is "
            "rounding, whatever share it is.",
        ),
    ]  # fmt: skip
    return Document(
        title=f"Do the plans agree? {round_name}",
        summary="\n\n".join(filter(None, words)),
        headlines={
            "comparisons": sum(row["compared_count"] for row in summary),
            "comparisons_differing": sum(row["differ_count"] for row in summary),
            "pairs_not_compared": sum(row["not_compared_count"] for row in summary),
            "disagreements": len(found),
            "disagreements_mended": sum(row["standing"].startswith("mended") for row in found_before),
        },
        tables=tables,
        notes=[ILLUSTRATIVE] if _is_illustrative(connection, round_) else [],
    )


def _summary(connection: duckdb.DuckDBPyConnection, round_: str) -> list[dict[str, Any]]:
    return rows_of(connection, "select * from mart.triangulation_summary where round = ? order by position", [round_])


def _is_illustrative(connection: duckdb.DuckDBPyConnection, round_: str) -> bool:
    (found,) = connection.execute(
        "select count(*) from raw.submissions where period = ? and status = 'accepted' "
        "and data_status = 'illustrative'",
        [round_],
    ).fetchone()
    return found > 0


def _finding(round_: str, summary: Sequence[Row], found: Sequence[Row]) -> str:
    made = sum(row["compared_count"] for row in summary)
    checks = [row for row in summary if row["compared_count"]]
    scale = f"{number(made)} comparisons in {number(len(checks))} checks"
    if not made:
        return f"**The {round_} plans cannot be compared yet: no two returns are in use that speak of the same.**"
    if not found:
        return f"**The activity, beds, finance and workforce plans of {round_} agree: of {scale} none differs.**"
    differ = sum(row["differ_count"] for row in summary)
    named = [row["check_name"].lower() for row in summary if row["differ_count"]]
    return (
        f"**The plans of {round_} disagree in {_count(len(found), 'place')}: {number(differ)} of {scale} differ.** "
        f"They concern {'; '.join(named)}."
    )


def _largest(found: Sequence[Row]) -> str:
    """The furthest beyond their tolerance, in words."""
    return "\n".join(
        f"- {row['check_name']}. {_who(row)}, {_what(row)}: "
        f"{row['difference_in_words']}{'' if row['is_few'] else ' apart'}"
        for row in found[:NAMED]
    )


def _against_before(before: str | None, found: Sequence[Row], found_before: Sequence[Row]) -> str:
    if not before:
        return ""
    if not found_before:
        return f"The plans of {before} agreed."
    mended = sum(row["standing"].startswith("mended") for row in found_before)
    still = sum(row["standing"].startswith("still") for row in found_before)
    lost = len(found_before) - mended - still
    rest = [f"{number(count)} {words}" for count, words in (
        (still, "are still there"), (lost, "can no longer be compared"),
    ) if count]  # fmt: skip
    new = sum(not row["is_of_the_round_before"] for row in found)
    said = f"{number(mended)} of the {_count(len(found_before), 'disagreement')} of {before} are mended"
    if mended == len(found_before):
        said = f"What disagreed in {before} ({_count(mended, 'place')}) is mended"
    return "; ".join([said, *rest, *([f"{number(new)} are new"] if new else [])]) + "."


def _not_compared(summary: Sequence[Row]) -> str:
    count = sum(row["not_compared_count"] for row in summary)
    return f"{_count(count, 'pair')} of figures cannot be compared; why is below." if count else ""


def _count(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def _who(row: Row) -> str:
    return " and ".join(filter(None, (row["organisation_name"], row["counterparty_name"])))


def _what(row: Row) -> str:
    return f"{row['about']}, {row['financial_years']}"


def _matrix(summary: Sequence[Row], round_: str, summary_before: Sequence[Row], before: str | None) -> Table:
    import pandas as pd  # takes 0.3 s: not when the definitions are loaded

    earlier = {row["check_code"]: row["differ_count"] for row in summary_before}
    lines = []
    for row in summary:
        line = {
            "Check": row["check_name"],
            "Verdict": _verdict(row),
            "Compared": row["compared_count"],
            "Agree": row["agree_count"],
            "Differ": row["differ_count"],
            "Not compared": row["not_compared_count"],
        }
        lines.append(line | ({f"Differed in {before}": earlier.get(row["check_code"])} if before else {}))
    return Table(
        title=f"The checks of {round_}",
        frame=pd.DataFrame(lines),
        notes=["Counts are pairs of figures, one for each line and year: one disagreement may hold several."],
    )


def _verdict(row: Row) -> str:
    if row["differ_count"]:
        return "DIFFERS"
    return "agrees" if row["compared_count"] else "NOT COMPARED"


def _disagreements(title: str, found: Sequence[Row], *, with_standing: bool) -> list[Table]:
    if not found:
        return []
    import pandas as pd

    lines = []
    for row in found[:SHOWN]:
        line = {
            "What disagrees": f"{row['check_name']}. {_who(row)}: {_what(row)}",
            "In words": row["why"][0].upper() + row["why"][1:],
            "Left: open": _open(row["left_files"], row["left_cells"], row["left_cell_count"]),
            "Right: open": _open(row["right_files"], row["right_cells"], row["right_cell_count"]),
        }
        lines.append(line | ({"Now": row["standing"]} if with_standing else {}))
    few = f" {FEW}" if any(row["is_few"] for row in found[:SHOWN]) else ""
    more = f" The first {SHOWN} of {number(len(found))}; report.triangulation has all." if len(found) > SHOWN else ""
    return [
        Table(
            title=title,
            frame=pd.DataFrame(lines),
            notes=[
                "Furthest beyond the tolerance first, years and scenarios together; the words are of the year in which "
                "the two differ most, and its cells are named, the largest first. A disagreement may show in several "
                f"checks.{few}{more}"
            ],
        )
    ]


def _open(files: str | None, cells: Sequence[str] | None, count: int | None) -> str:
    """The workbook and the cells to look at, as a spreadsheet's Go To takes them."""
    if not files:
        return "no workbook"
    if not cells:
        return f"{files}: the lines above"
    more = f" and {number(count - CELLS)} more" if count and count > CELLS else ""
    return f"{files}: {', '.join(cells[:CELLS])}{more}"


def _of_query(
    connection: duckdb.DuckDBPyConnection, title: str, query: str, values: Sequence[str] | Mapping[str, str], note: str
) -> list[Table]:
    frame: pd.DataFrame = connection.execute(query, values).df()
    return [Table(title=title, frame=frame, notes=[note])] if len(frame) else []
