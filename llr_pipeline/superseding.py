"""Which returns of one key, and which publications of the same days, are in use.

A return gives way, whole, to the newest of its organisation, template and period. A publication gives way only to newer
ones that hold every figure of it; where they hold some, both are in use and each figure counts as last published, which
the `_current` views of the core tables see to (`tables.py`). Newest is by `prepared_on`, then by arrival.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from llr_pipeline.cells import listed, quoted
from llr_pipeline.cover import Identity
from llr_pipeline.findings import Findings
from llr_pipeline.publications import Publication, publications

Key = Sequence[str | None]  # template, organisation, period


@dataclass(eq=False)
class _File:
    """A published file; `figures_left` counts those that no newer file in use holds, where that had to be found out."""

    submission_id: str
    file_name: str
    status: str
    prepared_on: date | None
    revised_on: date | None
    first_day: date
    last_day: date
    newer: list[_File] = field(default_factory=list)
    figures_left: int | None = None

    def overlaps(self, other: _File) -> bool:
        return self.first_day <= other.last_day and other.first_day <= self.last_day

    def is_revised_by(self, newer: _File) -> bool:
        """Whether the newer says that it is a revision, and was published after this."""
        return bool(newer.revised_on and self.prepared_on and newer.prepared_on > self.prepared_on)


def settle_arrival(connection: duckdb.DuckDBPyConnection, submission_id: str, who: Identity, findings: Findings) -> str:
    """Settle what a loaded file means for itself and for those before it; returns its status and adds what to know."""
    if publication := publications().get(who.template):
        return _settle_publication(connection, publication, submission_id, findings)
    newest, prepared_on = settle(connection, [who.template, who.organisation_code, who.period])
    if newest == submission_id:
        return "accepted"
    findings.add(
        "older_return",
        f"Prepared on {who.prepared_on}, but a return prepared on {prepared_on} is in already: that one stays in use",
    )
    return "superseded"


def settle(connection: duckdb.DuckDBPyConnection, key: Key) -> tuple[str, date | None] | tuple[None, None]:
    """Settle a key anew, as after a withdrawal; returns the newest return of it. Of a publication, all its files."""
    template, *_ = key
    if publication := publications().get(template or ""):
        _judge(connection, publication, _files(connection, publication))
        return None, None
    same_key = (
        "template = ? and organisation_code is not distinct from ? and period = ? "
        "and status in ('accepted', 'superseded')"
    )
    found = connection.execute(
        f"select submission_id, prepared_on from raw.submissions where {same_key} "
        "order by prepared_on desc nulls last, arrival_number desc limit 1",
        list(key),
    ).fetchone()
    if found is None:
        return None, None
    connection.execute(
        f"update raw.submissions set status = if(submission_id = ?, 'accepted', 'superseded') where {same_key}",
        [found[0], *key],
    )
    return found


def _settle_publication(
    connection: duckdb.DuckDBPyConnection, publication: Publication, submission_id: str, findings: Findings
) -> str:
    """Judge the file that arrived, and those in use that hold days of it: an arrival gives nothing back its place."""
    files = _files(connection, publication)
    this = next(file for file in files if file.submission_id == submission_id)
    in_question = [file for file in files if file is this or (file.status == "accepted" and file.overlaps(this))]
    _judge(connection, publication, files, in_question)
    later = listed([quoted(file.file_name) for file in this.newer])
    if this.status == "superseded":
        findings.add("older_return", f"Every figure of this file is in {later}, published later, which counts")
    elif this.newer:
        message = f"{this.figures_left:,} figures of this file are not in {later}, published later: they are in use"
        findings.add("overlapping_publication", message)
    for file in in_question:
        if this in file.newer and file.status == "accepted":
            message = (
                f"{file.figures_left:,} figures of {quoted(file.file_name)} are not in this file: they stay in use"
            )
            findings.add("overlapping_publication", message)
    return this.status


def _files(connection: duckdb.DuckDBPyConnection, publication: Publication) -> list[_File]:
    """The files of a publication that are or were in use, the newest first."""
    rows = connection.execute(
        "select submission_id, file_name, status, prepared_on, revised_on, first_day, last_day from raw.submissions "
        "inner join raw.publications using (submission_id) "
        "where template = ? and status in ('accepted', 'superseded') and first_day is not null "
        "order by prepared_on desc nulls last, arrival_number desc",
        [publication.name],
    ).fetchall()
    return [_File(*row) for row in rows]


def _judge(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    files: Sequence[_File],
    in_question: Sequence[_File] | None = None,
) -> None:
    """Accept or supersede those in question, or all; the newest first, as what is older hangs on it."""
    in_use: list[_File] = []
    for file in files:
        if in_question is None or file in in_question:
            file.newer = [other for other in in_use if other.overlaps(file)]
            file.figures_left = _count_left(connection, publication, file) if file.newer else None
            status = "superseded" if file.figures_left == 0 else "accepted"
            if status != file.status:
                file.status = status
                connection.execute(
                    "update raw.submissions set status = ? where submission_id = ?", [status, file.submission_id]
                )
        if file.status == "accepted":
            in_use.append(file)


def _count_left(connection: duckdb.DuckDBPyConnection, publication: Publication, file: _File) -> int:
    """How many figures of a file no newer one holds. A later revision takes the place of what it leaves out, too."""
    newer = [other.submission_id for other in file.newer]
    revisions = [other.submission_id for other in file.newer if file.is_revised_by(other)]
    left = 0
    for table, keys in publication.figures.items():
        columns, but_whose = ", ".join(keys), ", ".join(keys[1:])
        held = ", ".join(f"reading.{name} as {name}" for name in keys)
        (count,) = connection.execute(
            f"""
            with figures as (
                select submission_id, {held} from raw.{table}
                where not is_quarantined and submission_id in (select unnest(?)) and reading.{keys[-1]} is not null
            )
            select count(*)
            from (select {columns} from figures where submission_id = ?)
            anti join (select {columns} from figures where list_contains(?, submission_id)) using ({columns})
            anti join (select {but_whose} from figures where list_contains(?, submission_id)) using ({but_whose})
            """,
            [[file.submission_id, *newer], file.submission_id, newer, revisions],
        ).fetchone()
        left += count
    return left
