"""The report of changes: what is not the same in the newest round and the one before, the largest first."""

from __future__ import annotations

import duckdb

from llr_pipeline.documents import Document, Table, number

TOTALS = """
select
    replace(subject, '_', ' ') as "Subject",
    replace(basis, '_', ' ') as "Of",
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
    concat_ws(', ', replace(measure, '_', ' '), financial_year, nullif(replace(basis, '_', ' '), '')) as "What",
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
    tables = [
        Table("How many figures changed", connection.execute(TOTALS, list(pair)).df(), [
            "Figures that stand under another basis say a thing twice: they are counted apart and never added up."
        ]),
        *(
            Table(f"Largest changes: {subject.replace('_', ' ')}", connection.execute(LARGEST, [*pair, subject]).df(), [
                "At most ten for each unit. All of them are in mart.round_changes."
            ])
            for subject, _ in sorted(found)
        ),
    ]  # fmt: skip
    return Document(
        title=f"What changed from {pair[0]} to {pair[1]}",
        summary=f"**{number(whole)} figures are not the same in {pair[1]} as in {pair[0]}**: {words}.",
        headlines={"changed_figures": whole},
        tables=tables,
    )
