"""The warehouse: one DuckDB file with one writer. Connect, lock, migrate, and replace a table in one transaction.

Which tables there are is not said here (`contracts.py`, `sql/`), nor how analysts get their copy (`publishing.py`).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from llr_pipeline.contracts import Column
from llr_pipeline.paths import SQL, Home

SETTINGS = {
    "python_enable_replacements": False,  # a missing table must be an error, not a Python variable of that name
    "checkpoint_threshold": "256MB",  # one checkpoint a run, at publishing, instead of one every few returns
}
SCHEMA_VERSION = 3
MIGRATIONS: Mapping[int, str] = {
    1: """
        create schema if not exists reference;
        create schema if not exists raw;
        create schema if not exists core;
        create schema if not exists mart;
        create schema if not exists report;
        create table raw.schema_migrations (version integer primary key, applied_at timestamp not null);
        create table raw.table_builds (
            table_name varchar primary key, inputs varchar[] not null,
            built_at timestamp not null, run_id varchar not null
        );
    """,
    2: "alter table raw.table_builds add column is_sound boolean default false;",
    3: "alter table raw.table_builds add column content varchar default '';",
}


class WarehouseError(RuntimeError):
    """The warehouse cannot be used as it is; the message says why and what to do."""


class HomeLocked(WarehouseError):
    """Another run holds the home."""


@contextmanager
def locked(home: Home, *, who: str) -> Iterator[None]:
    """Hold the home for one run. Raises HomeLocked, naming the holder, when another process has it."""
    home.create()
    with home.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = json.loads(file.read() or "{}")
            raise HomeLocked(
                f"{home.root} is in use by {holder.get('who', 'another run')} (process {holder.get('pid', '?')} on "
                f"{holder.get('host', '?')}, since {holder.get('since', '?')}). Wait until it ends, then start again."
            ) from None
        file.truncate(0)
        since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        file.write(json.dumps({"who": who, "pid": os.getpid(), "host": socket.gethostname(), "since": since}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


@contextmanager
def opened(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read-write, migrated to this version, with the macros defined. Closed whatever happens."""
    home.create()
    try:
        connection = duckdb.connect(str(home.warehouse), config=SETTINGS)
    except duckdb.Error as error:
        raise WarehouseError(
            f"The warehouse {home.warehouse} cannot be opened: {error}. If another program has it open, close that and "
            f"run again; if nothing has, `llr run --rebuild` builds it anew from the archive."
        ) from error
    try:
        prepare(connection)
        yield connection
    finally:
        connection.close()


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the file to SCHEMA_VERSION, one migration a transaction, and define the macros of sql/macros.sql."""
    found = schema_version(connection)
    if found > SCHEMA_VERSION:
        raise WarehouseError(
            f"The warehouse has schema version {found}; this release knows {SCHEMA_VERSION}. Install the newer release."
        )
    for version in range(found + 1, SCHEMA_VERSION + 1):
        with transaction(connection):
            connection.execute(MIGRATIONS[version])
            connection.execute("insert into raw.schema_migrations values (?, ?)", [version, now()])
    connection.execute((SQL / "macros.sql").read_text(encoding="utf-8"))


def schema_version(connection: duckdb.DuckDBPyConnection) -> int:
    """The file's schema version; 0 for a new file."""
    try:
        return connection.execute("select max(version) from raw.schema_migrations").fetchone()[0]
    except duckdb.CatalogException:
        return 0


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of it or nothing."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def replace_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    select: str,
    *,
    description: str,
    columns: Iterable[Column],
    inputs: Iterable[str],
    run_id: str,
    view: tuple[str, str, str] | None = None,
) -> None:
    """Replace a table by a SELECT, with its comments and the record of what it was built from, in one transaction.

    `view` is (name, select, description) of a view to define over it. The old table survives a failure.
    """
    columns = tuple(columns)
    with transaction(connection):
        connection.execute(f"create or replace table {name} as\n{select}")
        comment(connection, "table", name, description, columns)
        if view:
            connection.execute(f"create or replace view {view[0]} as\n{view[1]}")
            comment(connection, "view", view[0], view[2], columns)
        record_build(connection, name, inputs, run_id, is_sound=False, holds=[name, view[0]] if view else [name])


def comment(
    connection: duckdb.DuckDBPyConnection, kind: str, name: str, description: str, columns: Iterable[Column]
) -> None:
    """Comments on a table or view and its columns."""
    statements = [
        f"comment on {f'column {name}.{identifier(column)}' if column else f'{kind} {name}'} is {quoted(text)}"
        for column, text in comments_of(description, columns).items()
    ]
    connection.execute(";\n".join(statements))


def comments_of(description: str, columns: Iterable[Column]) -> dict[str, str]:
    """By column, the table's own under an empty name; a column's unit follows its description."""
    texts = {c.name: f"{c.description} [{c.unit}]" if c.unit else c.description for c in columns}
    return {"": description, **texts}


def now() -> datetime:
    """Now, UTC, as DuckDB's timestamp has it: without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def quoted(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def record_build(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    inputs: Iterable[str],
    run_id: str,
    *,
    is_sound: bool,
    holds: Iterable[str] = (),
) -> None:
    """Note the fingerprints of what was built: what it was built from, and the rows of the relations that it `holds`.

    A table is sound once its checks have passed, not before. A record that says the same already stays as it is.
    """
    held = " ".join(f"{relation}={content(connection, relation)}" for relation in holds)
    same = "select 1 from raw.table_builds where table_name = ? and inputs = ? and is_sound = ? and content = ?"
    if connection.execute(same, [name, sorted(set(inputs)), is_sound, held]).fetchone():
        return
    connection.execute(
        "insert or replace into raw.table_builds (table_name, inputs, built_at, run_id, is_sound, content) "
        "values (?, ?, ?, ?, ?, ?)",
        [name, sorted(set(inputs)), now(), run_id, is_sound, held],
    )


def content(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """A hash of a table's or view's rows, whatever their order. A million rows of five columns take 0.1 CPU seconds."""
    rows, total = connection.execute(f"select count(*), sum(hash(whole_row)) from {relation} as whole_row").fetchone()
    return f"{rows}:{total or 0:x}"


def build_of(connection: duckdb.DuckDBPyConnection, name: str, inputs: Iterable[str]) -> str | None:
    """The run that built a table from just these inputs, if it has passed its checks and still holds the same rows.

    It need not be built again.
    """
    found = connection.execute(
        "select run_id, content from raw.table_builds where table_name = ? and inputs = ? and is_sound",
        [name, sorted(set(inputs))],
    ).fetchone()
    return found[0] if found and not changed(found[1], lambda relation: content(connection, relation)) else None


def changed(held: str, content_of: Callable[[str], str]) -> list[str]:
    """The relations that do not hold what the record of a build says that they held; a lost one is among them."""
    found = []
    for relation, recorded in (part.split("=") for part in held.split()):
        try:
            is_same = content_of(relation) == recorded
        except (duckdb.Error, KeyError):
            is_same = False
        found += [] if is_same else [relation]
    return found


def set_sound(connection: duckdb.DuckDBPyConnection, name: str, is_sound: bool) -> None:
    """Note whether a table's checks have passed: what is not sound is not published."""
    connection.execute("update raw.table_builds set is_sound = ? where table_name = ?", [is_sound, name])


def inputs_of(connection: duckdb.DuckDBPyConnection, upstream: Iterable[str]) -> list[str]:
    """`table@content` of each of these tables: what is built from them need not be built again while they hold that."""
    found = connection.execute(
        "select table_name || '@' || content from raw.table_builds where table_name in (select unnest(?::varchar[]))",
        [list(upstream)],
    ).fetchall()
    return sorted(fingerprint for (fingerprint,) in found)


def fingerprint(part: str, *contents: bytes) -> str:
    """`part@hash` of these contents."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return f"{part}@{digest.hexdigest()[:16]}"


def folder_fingerprint(part: str, paths: Iterable[Path]) -> str:
    """`part@hash` of these files."""
    return fingerprint(part, *(path.read_bytes() for path in sorted(paths)))
