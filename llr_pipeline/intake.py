"""Inbox -> archive -> register -> raw tables: each file archived by its SHA-256, read once, loaded in one transaction.

What a file says is the business of `reading.py`; here is what becomes of it. A return's key is (organisation, template,
period); the newest by `prepared_on`, then by arrival, is the accepted one, the others stay as superseded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from llr_pipeline.contracts import Column, contracts, read_contract, templates
from llr_pipeline.paths import PROJECT, SQL, Home
from llr_pipeline.publications import PUBLICATIONS, publications, published_schema
from llr_pipeline.reading import read_all
from llr_pipeline.returns import TOTALS, Reading, arrow_schema, raw_schema
from llr_pipeline.warehouse import comment, fingerprint, folder_fingerprint, record_build, transaction

IGNORED_NAMES = (".", "~$")
IGNORED_SUFFIXES = {".tmp", ".part", ".partial", ".crdownload"}
READER_FILES = (
    "cells", "codes", "contracts", "cover", "findings", "headings", "lines", "periods", "preflight", "publications",
    "returns", "workbooks",
)  # fmt: skip
FINDINGS = arrow_schema(read_contract(SQL / "raw" / "findings.toml"))


ROW_COLUMNS = (
    Column("submission_id", "File that the row was read from"),
    Column("sheet", "Sheet that the row stands on"),
    Column("row_number", "Row number on the sheet", type="integer"),
)
READ_COLUMNS = (
    Column(
        "reading", "Each column as read: codes for entries on a list, numbers, dates; empty where it could not be read"
    ),
    Column("cell", "Each column's cell, such as B7"),
    Column("is_quarantined", "Whether an error keeps the row out of core; see raw.findings"),
)


@dataclass(frozen=True)
class Arrival:
    """A file in the inbox, as it was found."""

    path: Path
    sha256: str
    size_bytes: int
    modified_ns: int


@dataclass
class Intake:
    """What one intake did: file names by what became of them."""

    accepted: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    read_again: int = 0

    @property
    def opened(self) -> int:
        """Workbooks opened."""
        return len(self.accepted) + len(self.superseded) + len(self.refused) + self.read_again


@cache
def reader_version() -> str:
    """Changes when a contract, a code list or the reader's code changes: what was read before is then read again."""
    package = PROJECT / "llr_pipeline"
    paths = [*(package / f"{name}.py" for name in READER_FILES), *(SQL / "raw").glob("*.toml")]
    paths += [p for p in (SQL / "reference").glob("*.csv") if p.stem != "published_figures"]
    return folder_fingerprint("reader", paths)


def raw_schemas() -> dict[str, pa.Schema]:
    """Every raw table that readings are loaded into, submission apart."""
    sheets = {s.table: raw_schema(s) for t in templates().values() for s in t.sheets}
    published = {p.sheet.table: published_schema(p) for p in publications().values()}
    return {**sheets, **published, "publications": PUBLICATIONS, "totals": TOTALS, "findings": FINDINGS}


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the register and the raw tables. A table whose contract changed is made anew: its returns are read again."""
    register = contracts()["raw.submissions"]
    columns = ", ".join(f"{c.name} {c.type}{' not null' if c.required else ''}" for c in register.columns)
    connection.execute(f"create table if not exists raw.submissions ({columns}, primary key (submission_id))")
    for name, schema in raw_schemas().items():
        empty = pa.schema([("submission_id", pa.string()), *schema]).empty_table()
        connection.register("empty", empty)
        wanted = connection.execute("describe select * from empty").fetchall()
        try:
            found = connection.execute(f"describe raw.{name}").fetchall()
        except duckdb.CatalogException:
            found = []
        if [row[:2] for row in found] != [row[:2] for row in wanted]:
            connection.execute(f"create or replace table raw.{name} as select * from empty")
        connection.unregister("empty")
    for name, (description, described) in raw_descriptions().items():
        comment(connection, "table", f"raw.{name}", description, described)


def raw_descriptions() -> dict[str, tuple[str, list[Column]]]:
    """Description and columns of every raw table."""
    found = {c.table: (c.description, list(c.columns)) for c in contracts().values() if c.layer == "raw"}
    for sheet in (sheet for template in templates().values() for sheet in template.sheets):
        period = [Column(sheet.period, "Period of the value")] if sheet.period else []
        received = [Column(c.name, f"{c.description}; as received", unit=c.unit) for c in sheet.columns]
        found[sheet.table] = (sheet.description, [*ROW_COLUMNS, *period, *received, *READ_COLUMNS])
    for publication in publications().values():
        received = [Column(c.name, f"{c.description}; as received", unit=c.unit) for c in publication.columns]
        found[publication.sheet.table] = (publication.description, [*ROW_COLUMNS, *received, *READ_COLUMNS])
    return found


def waiting(home: Home) -> list[Path]:
    """The files in the inbox, by name; hidden and half-copied ones are left."""
    return sorted(
        path
        for path in home.inbox.rglob("*")
        if path.is_file() and not path.name.startswith(IGNORED_NAMES) and path.suffix.lower() not in IGNORED_SUFFIXES
    )


def take_in(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    *,
    run_id: str,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Intake:
    """Take in everything that waits in the inbox, and read again what was read by an older reader.

    Safe to repeat after a stop at any moment: a file is in the archive before it is registered, registered and loaded
    in one transaction, and only then removed from the inbox.
    """
    create_tables(connection)
    done = Intake()
    stale = connection.execute(
        "select sha256, file_name, submission_id from raw.submissions where reader != ? and status != 'duplicate' "
        "order by arrival_number",
        [reader_version()],
    ).fetchall()
    new, repeated = _archive_new(connection, home)
    paths = [archived(home, sha256, name) for sha256, name, _ in stale]
    paths += [archived(home, arrival.sha256, arrival.path.name) for arrival in new]
    for number, (_, reading) in enumerate(read_all(paths)):
        if number < len(stale):
            _, name, submission_id = stale[number]
            with transaction(connection):
                for table in raw_schemas():
                    connection.execute(f"delete from raw.{table} where submission_id = ?", [submission_id])
                _load(connection, submission_id, name, reading)
            done.read_again += 1
        else:
            arrival = new[number - len(stale)]
            name = arrival.path.name
            _note(done, name, _register(connection, arrival, reading), reading)
            _remove(arrival.path)
        progress(number + 1, len(paths), name)
    for arrival in repeated:
        with transaction(connection):
            _insert(connection, arrival, "duplicate")
        done.duplicate.append(arrival.path.name)
        _remove(arrival.path)
    mark = watermark(connection)
    for name in ("submissions", *raw_schemas()):
        record_build(connection, f"raw.{name}", [mark], run_id)
    return done


def watermark(connection: duckdb.DuckDBPyConnection) -> str:
    """`raw@hash` of the register: which submissions are in, with which status, read by which reader."""
    rows = connection.execute("select submission_id, status, reader from raw.submissions order by all").fetchall()
    return fingerprint("raw", *("|".join(row).encode() for row in rows))


def archived(home: Home, sha256: str, file_name: str) -> Path:
    """Where the file with this content is kept."""
    return home.archive / sha256[:2] / f"{sha256}{Path(file_name).suffix.lower()}"


def _archive_new(connection: duckdb.DuckDBPyConnection, home: Home) -> tuple[list[Arrival], list[Arrival]]:
    """Copy what is new in the inbox into the archive. Returns what is new, and what repeats a content already known."""
    new: dict[str, Arrival] = {}
    repeated = []
    for path in waiting(home):
        about = path.stat()
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        arrival = Arrival(path, sha256, about.st_size, about.st_mtime_ns)
        same = connection.execute(
            "select file_name, modified_ns from raw.submissions where sha256 = ?", [sha256]
        ).fetchall()
        if (path.name, about.st_mtime_ns) in same:  # a stopped run took it in and could not remove it
            _remove(path)
        elif same or sha256 in new:
            repeated.append(arrival)
        else:
            _copy(path, archived(home, sha256, path.name))
            new[sha256] = arrival
    return list(new.values()), repeated


def _copy(path: Path, target: Path) -> None:
    """Copy into the archive so that the target is whole or absent."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    copy = target.with_name(f".{target.name}.tmp")
    shutil.copyfile(path, copy)
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    copy.chmod(0o444)
    os.replace(copy, target)


def _remove(path: Path) -> None:
    """Take a file out of the inbox; where that is forbidden it stays, and is known next time."""
    with suppress(OSError):
        path.unlink()


def _note(done: Intake, name: str, status: str, reading: Reading) -> None:
    if status == "refused":
        done.refused.append((name, next(f.message for f in reading.findings if f.severity == "error")))
    else:
        getattr(done, status).append(name)


def _register(connection: duckdb.DuckDBPyConnection, arrival: Arrival, reading: Reading) -> str:
    """Register and load one new file in one transaction; returns its status."""
    with transaction(connection):
        submission_id = _insert(connection, arrival, "refused")
        return _load(connection, submission_id, arrival.path.name, reading)


def _insert(connection: duckdb.DuckDBPyConnection, arrival: Arrival, status: str) -> str:
    """A line in the register. The id is the content's hash; a duplicate's has a number behind it."""
    before, number = connection.execute(
        "select count(*) filter (where sha256 = ?), coalesce(max(arrival_number), 0) + 1 from raw.submissions",
        [arrival.sha256],
    ).fetchone()
    duplicate = f"-{before + 1}" if status == "duplicate" else ""
    submission_id = arrival.sha256[:12] + duplicate
    connection.execute(
        """
        insert into raw.submissions by name
        select ? as submission_id, ? as arrival_number, ? as file_name, ? as sha256, ? as size_bytes, ? as modified_ns,
            ? as received_at, ? as status, 0 as value_count, 0 as error_count, 0 as warning_count, 0 as note_count,
            ? as reader
        """,
        [
            submission_id,
            number,
            arrival.path.name,
            arrival.sha256,
            arrival.size_bytes,
            arrival.modified_ns,
            datetime.now(UTC).replace(tzinfo=None),
            status,
            reader_version(),
        ],
    )
    return submission_id


def _load(connection: duckdb.DuckDBPyConnection, submission_id: str, file_name: str, reading: Reading) -> str:
    """Load a submission's rows into the raw tables, and settle which return of its key is the accepted one."""
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
        status = _settle(connection, submission_id, reading)
    _insert_findings(connection, submission_id, file_name, reading)
    connection.execute(
        "update raw.submissions set value_count = ?, error_count = ?, warning_count = ?, note_count = ? "
        "where submission_id = ?",
        [reading.value_count, *(reading.findings.count(s) for s in ("error", "warning", "note")), submission_id],
    )
    return status


def _settle(connection: duckdb.DuckDBPyConnection, submission_id: str, reading: Reading) -> str:
    """Accept the newest return of the key, supersede the others; a finding where this one is not the newest."""
    who = reading.identity
    key = [who.template, who.organisation_code, who.period]
    same_key = (
        "template = ? and organisation_code is not distinct from ? and period = ? "
        "and status in ('accepted', 'superseded')"
    )
    newest, prepared_on = connection.execute(
        f"select submission_id, prepared_on from raw.submissions where {same_key} "
        "order by prepared_on desc nulls last, arrival_number desc limit 1",
        key,
    ).fetchone()
    connection.execute(
        f"update raw.submissions set status = if(submission_id = ?, 'accepted', 'superseded') where {same_key}",
        [newest, *key],
    )
    if newest == submission_id:
        return "accepted"
    reading.findings.add(
        "older_return",
        f"Prepared on {who.prepared_on}, but a return prepared on {prepared_on} is in already: that one stays in use",
    )
    return "superseded"


def _insert_findings(
    connection: duckdb.DuckDBPyConnection, submission_id: str, file_name: str, reading: Reading
) -> None:
    rows = [{"finding_number": n, "file_name": file_name, **f.as_dict()} for n, f in enumerate(reading.findings, 1)]
    if rows:
        connection.register("arriving", pa.Table.from_pylist(rows, FINDINGS))
        connection.execute(
            "insert into raw.findings by name select ? as submission_id, * from arriving", [submission_id]
        )
        connection.unregister("arriving")
