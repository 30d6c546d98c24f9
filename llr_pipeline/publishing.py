"""Publishing: a finished copy of the warehouse, swapped into place, which is the file that analysts open.

Here: what may be published, how it is copied and proved, and the modes of the file and its folder. Not here: who may
run the pipeline (the home's lock, `warehouse.py`). Why so, with measurements: `docs/decisions/0004-publishing.md`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from llr_pipeline.warehouse import identifier

# The oldest storage that refuses another file's `.wal`, in a quarter of the usual block: most tables here are small.
ATTACH = "attach '{path}' as publication (storage_version 'v1.4.0', block_size 65536)"

# One row per table that is behind, and part in which it is: a part is what comes before '@' in a fingerprint.
BEHIND = """
with

builds as (
    select table_name, inputs, built_at
    from raw.table_builds
    qualify row_number() over (partition by table_name order by built_at desc) = 1
),

fingerprints as (select table_name, built_at, unnest(inputs) as fingerprint from builds),

parts as (select table_name, built_at, fingerprint, split_part(fingerprint, '@', 1) as part from fingerprints),

mixed as (
    select part, arg_max(fingerprint, built_at) as newest
    from parts
    group by part
    having count(distinct fingerprint) > 1
)

select distinct part, table_name
from parts
inner join mixed using (part)
where fingerprint <> newest
order by part, table_name
"""

# One row per table, view, column and macro of the open file: its kind, schema, name, part and comment.
INVENTORY = """
select 'table' as kind, schema_name, table_name as name, '' as part, comment
from duckdb_tables() where database_name = current_database() and not internal and not temporary
union all
select 'view', schema_name, view_name, '', comment
from duckdb_views() where database_name = current_database() and not internal and not temporary
union all
select 'column', schema_name, table_name, column_name, comment
from duckdb_columns() where database_name = current_database() and not internal
union all
-- DuckDB prints a macro with other spaces once it has been stored
select 'macro', schema_name, function_name, replace(macro_definition, ' ', ''), comment
from duckdb_functions() where database_name = current_database() and not internal
order by all
"""


class PublishingError(RuntimeError):
    """Nothing was published: a sentence saying why, and what to do."""


@dataclass(frozen=True)
class Publication:
    """A published file. `tables` counts its tables, views apart."""

    path: Path
    size_bytes: int
    sha256: str
    tables: int


def publish(connection: duckdb.DuckDBPyConnection, target: Path) -> Publication:
    """Replace `target` by a copy of the warehouse that `connection`, outside a transaction, has open for writing.

    Readers of the old file keep it, and are not waited for. Raises PublishingError, and leaves `target` as it was, when
    the tables were built from different inputs or when any step fails.
    """
    with _step("preparing the folder", f"let the pipeline's user own and write to {target.parent}"):
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _deny_others_writing(target.parent)
        _remove_leftovers(target)
    _refuse_mixture(connection)
    copy = target.with_name(f".{target.name}.{os.getpid()}.publishing")
    check_disk = f"check the free space and permissions of {target.parent} and run `llr run`"
    try:
        with _step("copying the warehouse", check_disk):
            connection.execute("checkpoint")
            _copy(connection, copy)
            copy.chmod(0o444)
        with _step("checking the copy", "mend the table or view that this names and run `llr run`"):
            tables = _prove(connection, copy)
        with _step("replacing the published file", check_disk):
            with copy.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            publication = Publication(path=target, size_bytes=copy.stat().st_size, sha256=sha256, tables=tables)
            _wal(target).unlink(missing_ok=True)  # left by someone writing to the old file; it would break the new one
            os.replace(copy, target)
    finally:
        with suppress(OSError):
            _remove_leftovers(target)
    _sync_folder(target.parent)
    return publication


@contextmanager
def _step(doing: str, remedy: str) -> Iterator[None]:
    """Turn a failure of DuckDB or the disk into a sentence."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise PublishingError(f"Nothing was published: {doing} failed ({reason}); {remedy}.") from error


def _refuse_mixture(connection: duckdb.DuckDBPyConnection) -> None:
    with _step("reading what each table was built from", "run the whole pipeline (`llr run`)"):
        behind = connection.execute(BEHIND).fetchall()
        unsound = connection.execute(
            "select table_name from raw.table_builds where not coalesce(is_sound, false) order by all"
        ).fetchall()
    if unsound:
        names = ", ".join(name for (name,) in unsound)
        raise PublishingError(
            f"Nothing was published: these tables have not passed their checks: {names}; "
            "see their checks, mend what they say and run the whole pipeline (`llr run`)."
        )
    if behind:
        names = ", ".join(sorted({table for _, table in behind}))
        parts = " and ".join(sorted({part for part, _ in behind}))
        raise PublishingError(
            f"Nothing was published: these tables are behind the others in {parts}: {names}; "
            "run the whole pipeline (`llr run`)."
        )


def _copy(connection: duckdb.DuckDBPyConnection, copy: Path) -> None:
    """Write the copy through DuckDB. Never read the warehouse's bytes here: closing that file would drop its lock."""
    connection.execute(ATTACH.format(path=str(copy).replace("'", "''")))
    try:
        (warehouse,) = connection.execute("select current_database()").fetchone()
        connection.execute(f"copy from database {identifier(warehouse)} to publication")
        connection.execute("checkpoint publication")
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute("detach publication")
        raise
    connection.execute("detach publication")
    if _wal(copy).exists():
        raise OSError(f"{_wal(copy).name} was left beside the copy")


def _prove(connection: duckdb.DuckDBPyConnection, copy: Path) -> int:
    """The number of tables, once the copy holds what the warehouse holds and every table and view can be read."""
    expected = connection.execute(INVENTORY).fetchall()
    relations = [(schema, name) for kind, schema, name, _, _ in expected if kind in ("table", "view")]
    with duckdb.connect(copy, read_only=True) as reader:
        different = set(expected).symmetric_difference(reader.execute(INVENTORY).fetchall())
        if different:
            kind, schema, name, part, _ = min(different, key=str)
            raise duckdb.Error(f"the {kind} {part} of {schema}.{name}, or its comment, is not as in the warehouse")
        for schema, name in relations:
            here, there = (_count(source, schema=schema, name=name) for source in (connection, reader))
            if here != there:
                raise duckdb.Error(f"{schema}.{name} has {there} rows and {here} in the warehouse")
    return sum(kind == "table" for kind, *_ in expected)


def _count(connection: duckdb.DuckDBPyConnection, *, schema: str, name: str) -> int:
    try:
        (rows,) = connection.execute(f"select count(*) from {identifier(schema)}.{identifier(name)}").fetchone()
    except duckdb.Error as error:
        raise duckdb.Error(f"{schema}.{name} cannot be read: {error}") from error
    return rows


def _deny_others_writing(folder: Path) -> None:
    """Whoever may write to the folder could leave a `.wal` for the published file, or swap the file itself."""
    mode = folder.stat().st_mode & 0o7777
    if mode & 0o022:
        folder.chmod(mode & ~0o022)


def _remove_leftovers(target: Path) -> None:
    for path in target.parent.glob(f".{target.name}.*.publishing*"):
        path.unlink(missing_ok=True)


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _sync_folder(folder: Path) -> None:
    """Let the swap outlive a power cut; where a file system cannot, the old file comes back, and it is whole."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
