"""The report of changes: the headlines of the newest round beside those of the one before, then all that differs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from assets.reports.money import MILLION, millions
from llr_pipeline.documents import MINUS, Document, Table, frame_of, number, rows_of

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
HEADLINES = """
with

figures as (
    select 'bed_capacity' as report, round, headline_code, headline, figure, unit, from report.bed_capacity
    union all by name
    select 'funding_gap' as report, round, headline_code, headline, if(unit = 'gbp', figure / 1e6, figure) as figure,
        unit,
    from report.funding_gap
    union all by name
    select 'workforce' as report, round, headline_code, headline, figure, unit, from report.workforce
)

select
    after.report,
    after.headline,
    after.unit,
    before.figure as before,
    after.figure as after,
    after.figure - before.figure as change,
    round(before.figure, 1) is distinct from round(after.figure, 1) as is_changed,
from figures as after
inner join report.headlines as chosen on after.report = chosen.report and after.headline = chosen.headline
inner join figures as before on after.report = before.report and after.headline_code = before.headline_code
where before.round = ? and after.round = ?
order by chosen.report, chosen.position
"""
NAMES = """
with

names as (
    select code, label from reference.code_lists
    union
    select sector, sector_name from reference.sectors
    union
    select specialty_group, specialty_group_name from reference.specialty_groups
    union
    select site_code, site_name from reference.sites
    union
    select organisation_code, organisation_name from reference.organisations
)

-- a code of two lists that call it two things stays as it is
select code, any_value(label)
from names
group by code
having count(*) = 1
"""
TOTALS = """
select
    replace(subject, '_', ' ') as "Subject",
    basis as "Of",
    replace(measure, '_', ' ') as "Measure",
    changed_count as "Changed",
    added_count as "Added",
    removed_count as "Removed",
    organisation_count as "Organisations",
    case
        when is_few then not_shown()
        when largest_difference < 10 and unit not in ('GBP', 'share', 'beds', 'WTE')
            then printf('%g ', largest_difference) || unit
        else in_words(largest_difference, unit)
    end as "Largest difference",
from mart.round_change_totals
where round_before = ? and round_after = ?
order by subject, basis, measure
"""
LARGEST = """
select
    organisation_code as "Organisation",
    line as "Line",
    concat_ws(', ', measure, financial_year, nullif(basis, '')) as "What",
    before_in_words as "Before",
    after_in_words as "After",
    difference_in_words as "Difference",
    coalesce(before_cell, '') as "Cell before",
    coalesce(after_cell, '') as "Cell after",
from report.changes
where round_before = ? and round_after = ? and subject = ?
order by unit, position
"""


def changes(connection: duckdb.DuckDBPyConnection) -> Document:
    """The newest pair of rounds that follow one another."""
    pair = connection.execute(
        "select round_before, round_after from report.changes order by round_after desc limit 1"
    ).fetchone()
    if pair is None:
        return Document(
            title="What changed", summary="No figure differs between two rounds, or there is one round only."
        )
    found = connection.execute(
        "select subject, sum(changed_count + added_count + removed_count)::integer from mart.round_change_totals "
        "where round_before = ? and round_after = ? group by subject order by 2 desc, subject",
        list(pair),
    ).fetchall()
    words = ", ".join(f"{subject.replace('_', ' ')} {number(count)}" for subject, count in found)
    whole = sum(count for _, count in found)
    names = dict(connection.execute(NAMES).fetchall())
    headlines = rows_of(connection, HEADLINES, list(pair))
    tables = [
        *([_headlines(headlines, *pair)] if headlines else []),
        Table("How many figures changed", _in_words(connection.execute(TOTALS, list(pair)).df(), names), [
            "Figures that stand under another basis say a thing twice: they are counted apart and never added up."
        ]),
        *(
            Table(
                f"Largest changes: {subject.replace('_', ' ')}",
                _in_words(connection.execute(LARGEST, [*pair, subject]).df(), names),
                ["At most ten for each unit. All of them are in mart.round_changes."],
            )
            for subject, _ in sorted(found)
        ),
    ]  # fmt: skip
    return Document(
        title=f"What changed from {pair[0]} to {pair[1]}",
        summary="\n\n".join(
            filter(
                None,
                (
                    _lead(headlines, *pair),
                    f"Below the headlines, {number(whole)} figures of the returns are not the same: {words}.",
                ),
            )
        ),
        headlines={"changed_figures": whole},
        tables=tables,
    )


def _lead(rows: Sequence[Row], before: str, after: str) -> str:
    """What a board would ask of first: the first headline of each report that is not what it was."""
    if not rows:
        return ""
    changed = [row for row in rows if row["is_changed"]]
    if not changed:
        return f"**None of {len(rows)} headline figures changed from {before} to {after}.**"
    first = {row["report"]: row for row in reversed(changed)}  # the last one written is the first in order
    said = "; ".join(
        f"{row['headline']}: {_figure(row, 'before')} to {_figure(row, 'after')}"
        for row in (first[name] for name in sorted(first))
    )
    return f"**{len(changed)} of {len(rows)} headline figures changed from {before} to {after}.** {said}."


def _figure(row: Row, name: str) -> str:
    """Money in millions, a share in per cent; staff and beds as they are."""
    value = row[name]
    if value is None or row["unit"] not in ("gbp", "percent"):
        return number(value)
    return millions(value * MILLION) if row["unit"] == "gbp" else f"{number(value, decimals=1)}%"


def _headlines(rows: Sequence[Row], before: str, after: str) -> Table:
    shown = [{**row, **{name: _figure(row, name) for name in ("before", "after", "change")}} for row in rows]
    headings = {"headline": "Headline", "before": before, "after": after, "change": "Change"}
    return Table("Headlines, round beside round", frame_of(shown, headings), [
        "Those of the reports of beds, money and staff; what is modelled changes with assumptions as well as returns."
    ])  # fmt: skip


def _in_words(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Codes by their names, one of a thing in the singular, a minus as everywhere else."""
    for heading in {"Organisation", "Line", "What", "Of"} & set(frame.columns):
        frame[heading] = [
            ", ".join(names.get(code) or code.replace("_", " ") for code in text.split(", ")) for text in frame[heading]
        ]
    for heading in {"Before", "After", "Difference", "Largest difference"} & set(frame.columns):
        frame[heading] = [_amount(text) for text in frame[heading]]
    return frame


def _amount(text: str) -> str:
    text = re.sub(r"^-(?=[£\d])", MINUS, text)
    if not re.match(rf"{MINUS}?1(\.0)? ", text):
        return text
    return re.sub(r" people$", " person", text) if text.endswith("people") else text.removesuffix("s")
