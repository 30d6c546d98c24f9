"""Inbox -> archive -> register -> raw tables: each file archived by its SHA-256, read once, loaded in one transaction.

What a file says is the business of `reading.py`; here is what becomes of it. Which of several files of one key, or of
the same days, is in use belongs to `superseding.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from llr_pipeline import archive, repair
from llr_pipeline.archive import NO_NAME, PERSONAL_NAME, READABLE, Arrival
from llr_pipeline.codes import read_reference
from llr_pipeline.cover import Identity
from llr_pipeline.findings import Findings
from llr_pipeline.housekeeping import oldest_to_return
from llr_pipeline.paths import Home
from llr_pipeline.raw_tables import FINDINGS, create_tables, raw_schemas, reader_version
from llr_pipeline.reading import read_all
from llr_pipeline.repair import Change, Request
from llr_pipeline.returned import return_workbooks
from llr_pipeline.returns import Reading
from llr_pipeline.slips import find_slips
from llr_pipeline.superseding import settle, settle_arrival
from llr_pipeline.warehouse import record_build, transaction

Progress = Callable[[int, int, str], None]


@dataclass
class Intake:
    """What one intake did: file names by what became of them, and how many workbooks were opened."""

    accepted: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    read_again: int = 0
    changed: list[Change] = field(default_factory=list)  # by reading again
    kept: list[tuple[str, str]] = field(default_factory=list)  # in use, and refused when read again
    left: list[tuple[str, str]] = field(default_factory=list)  # in the inbox, where somebody must do something
    touched: list[str] = field(default_factory=list)  # submissions whose rows or findings are new
    returned: list[Path] = field(default_factory=list)  # workbooks marked for their senders
    opened: int = 0


def take_in(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    *,
    run_id: str,
    request: Request | None = None,
    progress: Progress = lambda done, total, name: None,
) -> Intake:
    """Do what is asked, read again what an older reader read, and take in everything that waits in the inbox.

    Safe to repeat after a stop at any moment: a file is in the archive before it is registered, registered and loaded
    in one transaction, and only then removed from the inbox. What the archive holds and the register does not know is
    taken in too, so that a lost warehouse is built anew. Raises UnknownReturn for a request that means no return.
    """
    request = request or Request()
    create_tables(connection)
    archive.purge_quarantine(home)
    done = Intake()
    withdrawn, asked = repair.select(connection, request.withdraw), repair.select(connection, request.reread)
    _withdraw(connection, withdrawn, done)
    for action, ids in (("withdraw", withdrawn), ("reread", asked)):
        repair.record(connection, home, action=action, submission_ids=ids, request=request, run_id=run_id)
    again = _to_read_again(connection, asked)
    new, repeated, personal = _arrivals(connection, home, done)
    paths = [archive.archived(home, sha256, name) for _, sha256, name in again]
    paths += [arrival.inbox or archive.archived(home, arrival.sha256, arrival.file_name) for arrival in new]
    for number, (_, reading) in enumerate(read_all(paths)):
        if number < len(again):
            submission_id, _, name = again[number]
            _load_again(connection, submission_id, name, reading, done)
        else:
            name = _take_in_one(connection, home, new[number - len(again)], reading, done)
        done.opened += 1
        progress(done.opened, len(paths), name)
    for arrival in repeated:
        _take_in_duplicate(connection, home, arrival, done)
    for arrival in personal:
        _take_in_one(connection, home, arrival, _refused_for_its_name(), done)
    _withdraw(connection, repair.withdrawn_before(connection, home), done)
    _look_again(connection, done)
    done.returned = _send_back(connection, home, done)
    for name in ("submissions", "actions", *raw_schemas()):
        table = f"raw.{name}"
        record_build(connection, table, [reader_version()], run_id, is_sound=not done.kept, holds=[table])
    return done


def _to_read_again(connection: duckdb.DuckDBPyConnection, asked: Sequence[str]) -> list[tuple[str, str, str]]:
    """What was asked for, and what an older reader read: id, hash and name. Personal data is not there to be read."""
    return connection.execute(
        "select submission_id, sha256, file_name from raw.submissions where status <> 'duplicate' and file_name <> ? "
        "and (reader <> ? or list_contains(?, submission_id) or submission_id in "
        "(select submission_id from raw.findings where rule in ('reader_stopped', 'reader_failed'))) "
        "order by arrival_number",
        [NO_NAME, reader_version(), list(asked)],
    ).fetchall()


def _arrivals(
    connection: duckdb.DuckDBPyConnection, home: Home, done: Intake
) -> tuple[list[Arrival], list[Arrival], list[Arrival]]:
    """What is new, what repeats a content already known, and what is not opened as its name is personal data."""
    rows = connection.execute("select sha256, file_name, modified_ns, submission_id from raw.submissions").fetchall()
    known = {tuple(row[:3]) for row in rows}
    contents = {sha256 for sha256, _, _, submission_id in rows if submission_id == _id_of(sha256)}
    unknown = archive.unknown(home, contents)
    new = {arrival.sha256: arrival for arrival in unknown if not archive.is_personal(arrival.file_name)}
    repeated, personal = [], [arrival for arrival in unknown if arrival.sha256 not in new]
    done.left += archive.left(home)
    for path in archive.settled(archive.waiting(home)):
        try:
            arrival = archive.look_at(path)
        except OSError as error:  # it stays, and every run says so
            done.left.append((archive.kept_name(path), f"cannot be read ({error.strerror}): {READABLE}"))
            continue
        stopped_before = new.get(arrival.sha256)
        if archive.is_personal(arrival.file_name):
            personal.append(arrival)
        elif (arrival.sha256, arrival.file_name, arrival.modified_ns) in known:
            archive.remove(arrival)  # a stopped run took it in and could not remove it
        elif stopped_before and (stopped_before.file_name, stopped_before.inbox) == (arrival.file_name, None):
            new[arrival.sha256] = arrival  # a stopped run archived it and could not register it
        elif arrival.sha256 in contents or stopped_before:
            repeated.append(arrival)
        else:
            new[arrival.sha256] = arrival
    return list(new.values()), repeated, personal


def _refused_for_its_name() -> Reading:
    """The reading of a file that is not opened, so that nothing can say its name."""
    findings = Findings(read_reference())
    findings.add("personal_data", PERSONAL_NAME)
    return Reading(Identity(), findings)


def _take_in_one(
    connection: duckdb.DuckDBPyConnection, home: Home, arrival: Arrival, reading: Reading, done: Intake
) -> str:
    """Archive, register and load one new file; returns its name. A file with personal data goes to quarantine."""
    name = NO_NAME if reading.has_personal_data else arrival.file_name
    if not reading.has_personal_data and not archive.keep(home, arrival):
        return name  # it changed while it was being read: the next run takes it in
    with transaction(connection):
        submission_id = _insert(connection, arrival, "refused", file_name=name)
        status = _load(connection, submission_id, name, reading)
    if reading.has_personal_data:
        archive.quarantine(home, arrival)
    archive.remove(arrival)
    done.touched.append(submission_id)
    if status == "refused":
        done.refused.append((name, reading.reason or ""))
    else:
        getattr(done, status).append(name)
    return name


def _take_in_duplicate(connection: duckdb.DuckDBPyConnection, home: Home, arrival: Arrival, done: Intake) -> None:
    """Register a content that has arrived before; of one with personal data nothing but its coming is kept."""
    is_personal = connection.execute(
        "select 1 from raw.submissions where submission_id = ? and file_name = ?", [_id_of(arrival.sha256), NO_NAME]
    ).fetchone()
    name = NO_NAME if is_personal else arrival.file_name
    with transaction(connection):
        _insert(connection, arrival, "duplicate", file_name=name)
    if is_personal:
        archive.quarantine(home, arrival)
    archive.remove(arrival)
    done.duplicate.append(name)


def _id_of(sha256: str) -> str:
    return sha256[:12]


def _insert(connection: duckdb.DuckDBPyConnection, arrival: Arrival, status: str, *, file_name: str) -> str:
    """A line in the register. The id is the content's hash; with a number behind it where this is a duplicate, or is
    refused for its name: the same content may come under another.
    """
    before, number = connection.execute(
        "select count(*) filter (where sha256 = ?), coalesce(max(arrival_number), 0) + 1 from raw.submissions",
        [arrival.sha256],
    ).fetchone()
    is_numbered = status == "duplicate" or archive.is_personal(arrival.file_name)
    line = {
        "submission_id": _id_of(arrival.sha256) + (f"-{before + 1}" if is_numbered else ""),
        "arrival_number": number,
        "file_name": file_name,
        "sha256": arrival.sha256,
        "size_bytes": arrival.size_bytes,
        "modified_ns": arrival.modified_ns,
        "received_at": arrival.received_at,
        "status": status,
        **dict.fromkeys(("value_count", "error_count", "warning_count", "note_count"), 0),
        "reader": reader_version(),
    }
    places = ", ".join(["?"] * len(line))
    connection.execute(f"insert into raw.submissions ({', '.join(line)}) values ({places})", list(line.values()))
    return line["submission_id"]


def _load(connection: duckdb.DuckDBPyConnection, submission_id: str, file_name: str, reading: Reading) -> str:
    """Load a submission's rows into the raw tables, and settle which files are in use now."""
    identity = asdict(reading.identity)
    status = "refused" if reading.is_refused else "accepted"
    connection.execute(
        f"update raw.submissions set {', '.join(f'{name} = ?' for name in identity)}, status = ?, reader = ? "
        "where submission_id = ?",
        [*identity.values(), status, reader_version(), submission_id],
    )
    if status == "accepted":
        for name, table in reading.tables.items():
            connection.register("arriving", table)
            connection.execute(
                f"insert into raw.{name} by name select ? as submission_id, * from arriving", [submission_id]
            )
            connection.unregister("arriving")
        status = settle_arrival(connection, submission_id, reading.identity, reading.findings)
    _insert_findings(connection, submission_id, file_name, reading.findings)
    connection.execute(
        "update raw.submissions set value_count = ?, error_count = ?, warning_count = ?, note_count = ? "
        "where submission_id = ?",
        [reading.value_count, *(reading.findings.count(s) for s in ("error", "warning", "note")), submission_id],
    )
    return status


def _load_again(
    connection: duckdb.DuckDBPyConnection, submission_id: str, file_name: str, reading: Reading, done: Intake
) -> None:
    """Replace a submission's rows by those of a new reading; one that is in use and would be refused is left as it is.

    It keeps its older reader's mark, so that every run tries again and says so until the contract, or the return, is
    mended: a change of ours must not empty the tables in silence.
    """
    status, *key = connection.execute(
        "select status, template, organisation_code, period from raw.submissions where submission_id = ?",
        [submission_id],
    ).fetchone()
    if reading.is_refused and status in ("accepted", "superseded"):
        done.kept.append((file_name, reading.reason or ""))
        return
    repair.remember(connection, submission_id)
    with transaction(connection):
        for table in raw_schemas():
            connection.execute(f"delete from raw.{table} where submission_id = ?", [submission_id])
        _load(connection, submission_id, file_name, reading)
        if status == "withdrawn":
            connection.execute(
                "update raw.submissions set status = 'withdrawn' where submission_id = ?", [submission_id]
            )
        settle(connection, key)
    done.changed += repair.changes(connection, submission_id)
    done.touched.append(submission_id)
    done.read_again += 1


def _withdraw(connection: duckdb.DuckDBPyConnection, submission_ids: Sequence[str], done: Intake) -> None:
    """Take returns out of use; the newest of the rest of the same key is in use again."""
    for submission_id in submission_ids:
        with transaction(connection):
            connection.execute(
                "update raw.submissions set status = 'withdrawn' "
                "where submission_id = ? and status in ('accepted', 'superseded')",
                [submission_id],
            )
            name, *key = connection.execute(
                "select file_name, template, organisation_code, period from raw.submissions where submission_id = ?",
                [submission_id],
            ).fetchone()
            settle(connection, key)
        done.withdrawn.append(name)


def _look_again(connection: duckdb.DuckDBPyConnection, done: Intake) -> None:
    """Find what no workbook shows alone, once the whole batch is in, oldest period first."""
    rows = connection.execute(
        "select submission_id, file_name from raw.submissions where list_contains(?, submission_id) "
        "and status in ('accepted', 'superseded') order by period, arrival_number",
        [done.touched],
    ).fetchall()
    for submission_id, file_name in rows:
        found = find_slips(connection, submission_id)
        if not found:
            continue
        with transaction(connection):
            _insert_findings(connection, submission_id, file_name, found)
            connection.execute(
                "update raw.submissions set warning_count = warning_count + ?, note_count = note_count + ? "
                "where submission_id = ?",
                [found.count("warning"), found.count("note"), submission_id],
            )


def _send_back(connection: duckdb.DuckDBPyConnection, home: Home, done: Intake) -> list[Path]:
    """Write the workbooks that go back to their senders, those of an intake that was stopped before it could too."""
    there = {path.name for path in home.returned.rglob("*") if path.is_file()}
    wrong = connection.execute(
        "select submission_id from raw.submissions where status <> 'duplicate' and error_count + warning_count > 0 "
        "and file_name <> ? and data_status is distinct from 'published' and received_at >= ?",
        [NO_NAME, oldest_to_return()],
    ).fetchall()
    missing = [found for (found,) in wrong if not any(found in name for name in there)]
    if not (wanted := sorted({*done.touched, *missing})):
        return []
    return return_workbooks(connection, home, wanted)


def _insert_findings(
    connection: duckdb.DuckDBPyConnection, submission_id: str, file_name: str, findings: Findings
) -> None:
    """Add findings about a file to those that it has."""
    (before,) = connection.execute(
        "select coalesce(max(finding_number), 0) from raw.findings where submission_id = ?", [submission_id]
    ).fetchone()
    rows = [
        {"finding_number": before + n, "file_name": file_name, **finding.as_dict()}
        for n, finding in enumerate(findings, 1)
    ]
    if rows:
        connection.register("arriving", pa.Table.from_pylist(rows, FINDINGS))
        connection.execute(
            "insert into raw.findings by name select ? as submission_id, * from arriving", [submission_id]
        )
        connection.unregister("arriving")
