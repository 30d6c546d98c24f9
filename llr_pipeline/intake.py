"""Inbox -> archive -> register -> raw tables: each file archived by its SHA-256, read once, loaded in one transaction.

What a file says is the business of `reading.py`; here is what becomes of it. A return's key is (organisation, template,
period); the newest by `prepared_on`, then by arrival, is the accepted one, the others stay as superseded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache

import duckdb
import pyarrow as pa

from llr_pipeline import archive
from llr_pipeline.archive import Arrival
from llr_pipeline.contracts import Column, contracts, read_contract, templates
from llr_pipeline.paths import PROJECT, SQL, Home
from llr_pipeline.publications import PUBLICATIONS, publications, published_schema
from llr_pipeline.reading import read_all
from llr_pipeline.returns import SHEETS, TOTALS, Reading, arrow_schema, raw_schema
from llr_pipeline.warehouse import comment, fingerprint, folder_fingerprint, record_build, transaction

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


@dataclass
class Intake:
    """What one intake did: file names by what became of them."""

    accepted: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    read_again: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)  # in use, and refused when read again

    @property
    def opened(self) -> int:
        """Workbooks opened."""
        return len(self.accepted) + len(self.superseded) + len(self.refused) + self.read_again + len(self.kept)


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
    return {
        **sheets,
        **published,
        "publications": PUBLICATIONS,
        "totals": TOTALS,
        "sheets": SHEETS,
        "findings": FINDINGS,
    }


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


def take_in(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    *,
    run_id: str,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Intake:
    """Take in everything that waits in the inbox, and read again what was read by an older reader.

    Safe to repeat after a stop at any moment: a file is in the archive before it is registered, registered and loaded
    in one transaction, and only then removed from the inbox. What the archive holds and the register does not know is
    taken in too, so that a lost warehouse is built anew.
    """
    create_tables(connection)
    done = Intake()
    stale = _read_by_an_older_reader(connection)
    new, repeated = _arrivals(connection, home)
    paths = [archive.archived(home, sha256, name) for _, sha256, name in stale]
    paths += [archive.archived(home, arrival.sha256, arrival.file_name) for arrival in new]
    for number, (_, reading) in enumerate(read_all(paths)):
        if number < len(stale):
            submission_id, _, name = stale[number]
            _load_again(connection, submission_id, name, reading, done)
        else:
            arrival = new[number - len(stale)]
            name = arrival.file_name
            with transaction(connection):
                status = _load(connection, _insert(connection, arrival, "refused"), name, reading)
            _note(done, name, status, reading)
            archive.remove(arrival)
        progress(number + 1, len(paths), name)
    for arrival in repeated:
        with transaction(connection):
            _insert(connection, arrival, "duplicate")
        done.duplicate.append(arrival.file_name)
        archive.remove(arrival)
    mark = watermark(connection)
    for name in ("submissions", *raw_schemas()):
        record_build(connection, f"raw.{name}", [mark], run_id)
    return done


def watermark(connection: duckdb.DuckDBPyConnection) -> str:
    """`raw@hash` of the register: which submissions are in, with which status, read by which reader."""
    rows = connection.execute("select submission_id, status, reader from raw.submissions order by all").fetchall()
    return fingerprint("raw", *("|".join(row).encode() for row in rows))


def _read_by_an_older_reader(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    return connection.execute(
        "select submission_id, sha256, file_name from raw.submissions where reader != ? and status != 'duplicate' "
        "order by arrival_number",
        [reader_version()],
    ).fetchall()


def _arrivals(connection: duckdb.DuckDBPyConnection, home: Home) -> tuple[list[Arrival], list[Arrival]]:
    """What is new, each of it in the archive by now, and what repeats a content already known."""
    known = {
        (sha256, file_name, modified_ns)
        for sha256, file_name, modified_ns in connection.execute(
            "select sha256, file_name, modified_ns from raw.submissions"
        ).fetchall()
    }
    contents = {sha256 for sha256, _, _ in known}
    new = {arrival.sha256: arrival for arrival in archive.unknown(home, contents)}
    repeated = []
    for path in archive.waiting(home):
        arrival = archive.look_at(path)
        stopped_before = new.get(arrival.sha256)
        if (arrival.sha256, arrival.file_name, arrival.modified_ns) in known:
            archive.remove(arrival)  # a stopped run took it in and could not remove it
        elif stopped_before and (stopped_before.file_name, stopped_before.inbox) == (arrival.file_name, None):
            new[arrival.sha256] = arrival  # a stopped run archived it and could not register it
        elif arrival.sha256 in contents or stopped_before:
            repeated.append(arrival)
        else:
            archive.keep(home, arrival)
            new[arrival.sha256] = arrival
    return list(new.values()), repeated


def _note(done: Intake, name: str, status: str, reading: Reading) -> None:
    if status == "refused":
        done.refused.append((name, reading.reason or ""))
    else:
        getattr(done, status).append(name)


def _insert(connection: duckdb.DuckDBPyConnection, arrival: Arrival, status: str) -> str:
    """A line in the register. The id is the content's hash; a duplicate's has a number behind it."""
    before, number = connection.execute(
        "select count(*) filter (where sha256 = ?), coalesce(max(arrival_number), 0) + 1 from raw.submissions",
        [arrival.sha256],
    ).fetchone()
    line = {
        "submission_id": arrival.sha256[:12] + (f"-{before + 1}" if status == "duplicate" else ""),
        "arrival_number": number,
        "file_name": arrival.file_name,
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


def _load_again(
    connection: duckdb.DuckDBPyConnection, submission_id: str, file_name: str, reading: Reading, done: Intake
) -> None:
    """Replace a submission's rows by those of a new reading; one that is in use and would be refused is left as it is.

    It keeps its older reader's mark, so that every run tries again and says so until the contract, or the return, is
    mended: a change of ours must not empty the tables in silence.
    """
    (status,) = connection.execute(
        "select status from raw.submissions where submission_id = ?", [submission_id]
    ).fetchone()
    if reading.is_refused and status != "refused":
        done.kept.append((file_name, reading.reason or ""))
        return
    with transaction(connection):
        for table in raw_schemas():
            connection.execute(f"delete from raw.{table} where submission_id = ?", [submission_id])
        _load(connection, submission_id, file_name, reading)
    done.read_again += 1


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
