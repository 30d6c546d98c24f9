"""Repair of what has been taken in: which returns an action means, withdrawing them, and what reading again changed.

An action is a row of `raw.actions` and a line of the archive's journal, so that a warehouse built anew from the archive
knows it too. Reading itself is `intake.py`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from llr_pipeline.contracts import templates
from llr_pipeline.paths import Home
from llr_pipeline.warehouse import now

JOURNAL = "actions.jsonl"
EVERYTHING = "all"


@dataclass(frozen=True)
class Request:
    """Actions asked for: returns by id, round, month, template or organisation (`all`: every one), by whom and why."""

    reread: tuple[str, ...] = ()
    withdraw: tuple[str, ...] = ()
    by: str = "not stated"
    reason: str = ""


@dataclass(frozen=True)
class Change:
    """A value that reading again changed."""

    submission_id: str
    sheet: str
    cell: str
    column: str
    before: Any
    after: Any


class UnknownReturn(ValueError):
    """A request that names no return that was taken in."""


def select(connection: duckdb.DuckDBPyConnection, wanted: Iterable[str]) -> list[str]:
    """The submissions that these words mean, in order of arrival. Raises UnknownReturn for a word that means none."""
    found: set[str] = set()
    for word in wanted:
        ids = connection.execute(
            "select submission_id from raw.submissions where status <> 'duplicate' and (? = ? or submission_id = ? "
            "or period = ? or template = ? or organisation_code = ?)",
            [word, EVERYTHING, word, word, word, word],
        ).fetchall()
        if not ids:
            raise UnknownReturn(
                f"“{word}” is no return that was taken in: name a submission_id of raw.submissions, a round such as "
                "2016-11, a month such as 2017-04, a template, an organisation's code, or all"
            )
        found |= {submission_id for (submission_id,) in ids}
    order = connection.execute("select submission_id from raw.submissions order by arrival_number").fetchall()
    return [submission_id for (submission_id,) in order if submission_id in found]


def record(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    *,
    action: str,
    submission_ids: Sequence[str],
    request: Request,
    run_id: str,
) -> None:
    """Write an action into the register and into the archive's journal."""
    acted_at = now()
    for submission_id in submission_ids:
        line = [submission_id, action, request.by, acted_at, request.reason, run_id]
        connection.execute("insert into raw.actions values (?, ?, ?, ?, ?, ?)", line)
        with (home.archive / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line, default=datetime.isoformat) + "\n")


def withdrawn_before(connection: duckdb.DuckDBPyConnection, home: Home) -> list[str]:
    """Restore the journal's actions that the register does not know; returns the submissions withdrawn among them."""
    journal = home.archive / JOURNAL
    if not journal.exists():
        return []
    withdrawn = []
    for text in journal.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        known = connection.execute(
            "select 1 from raw.actions where submission_id = ? and action = ? and acted_at = ?::timestamp",
            [line[0], line[1], line[3]],
        ).fetchone()
        if known is None:
            connection.execute("insert into raw.actions values (?, ?, ?, ?::timestamp, ?, ?)", line)
            withdrawn += [line[0]] if line[1] == "withdraw" else []
    return withdrawn


def remember(connection: duckdb.DuckDBPyConnection, submission_id: str) -> None:
    """Keep a submission's readings aside, to be compared with those of the next reading."""
    for sheet in _sheets():
        connection.execute(
            f"create or replace temp table before_{sheet.table} as "
            f"select * from raw.{sheet.table} where submission_id = ?",
            [submission_id],
        )


def changes(connection: duckdb.DuckDBPyConnection, submission_id: str) -> list[Change]:
    """The values that differ from those kept aside by `remember`, in the order of the sheets."""
    found = []
    for sheet in _sheets():
        key = ["sheet", "row_number", *([sheet.period] if sheet.period else [])]
        same = " and ".join(f"before.{name} is not distinct from after.{name}" for name in key)
        for column in sheet.columns:
            rows = connection.execute(
                f"""
                select
                    coalesce(after.sheet, before.sheet), coalesce(after.cell.{column.name}, before.cell.{column.name}),
                    before.reading.{column.name}::varchar, after.reading.{column.name}::varchar,
                from before_{sheet.table} as before
                full join (select * from raw.{sheet.table} where submission_id = ?) as after on {same}
                where before.reading.{column.name} is distinct from after.reading.{column.name}
                order by coalesce(after.row_number, before.row_number)
                """,
                [submission_id],
            ).fetchall()
            found += [Change(submission_id, name, cell, column.name, old, new) for name, cell, old, new in rows]
    return found


def _sheets() -> list[Any]:
    return [sheet for template in templates().values() for sheet in template.sheets]
