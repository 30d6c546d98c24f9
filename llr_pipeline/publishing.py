"""Publishing: a finished copy of the warehouse, swapped into place, which is the file that analysts open.

Here: what may be published, how it is copied and proved, and the modes of the file and its folder. Not here: who may
run the pipeline (the home's lock, `warehouse.py`). Why so, with measurements: `docs/decisions/0004-publishing.md`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from llr_pipeline.warehouse import content, identifier

# The oldest storage that refuses another file's `.wal`, in a quarter of the usual block: most tables here are small.
ATTACH = "attach '{path}' as publication (storage_version 'v1.4.0', block_size 65536)"

# One row per table and part that it was built from: by now behind that part, or made by the definition that it names.
BUILT_FROM = """
with

builds as (select table_name, inputs, content from raw.table_builds),
fingerprints as (select table_name, unnest(inputs) as fingerprint from builds),
parts as (select table_name, fingerprint, split_part(fingerprint, '@', 1) as part from fingerprints)

select
    parts.table_name,
    parts.part,
    parts.fingerprint,
    parts.fingerprint <> upstream.table_name || '@' || upstream.content as is_behind,
from parts
left join builds as upstream on parts.part = upstream.table_name
where upstream.table_name is not null or parts.part like 'sql/%'
order by all
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
-- DuckDB prints a macro with other spaces once it has been stored, and one that reads tables with other brackets too
select
    'macro', schema_name, function_name,
    if(function_type = 'table_macro', parameters::varchar, replace(macro_definition, ' ', '')), comment
from duckdb_functions() where database_name = current_database() and not internal
order by all
"""


class PublishingError(RuntimeError):
    """Nothing was published: a sentence saying why, and what to do."""


@dataclass(frozen=True)
class Publication:
    """A published file. `tables` counts its tables, views apart; `is_new` is false where it already was just this."""

    path: Path
    size_bytes: int
    sha256: str
    tables: int
    is_new: bool = True


def publish(connection: duckdb.DuckDBPyConnection, target: Path, *, definitions: Collection[str] = ()) -> Publication:
    """Replace `target` by a copy of the warehouse that `connection`, outside a transaction, has open for writing.

    `definitions` are the fingerprints of what makes each table in this release. Readers of the old file keep it, and
    are not waited for. A file that holds just this stays. Raises PublishingError, and leaves `target` as it was, when
    a table was not built from what the others hold, or by another release, or when any step fails.
    """
    with _step("preparing the folder", f"let the pipeline's user own and write to {target.parent}"):
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _deny_others_writing(target.parent)
        _remove_leftovers(target)
    _refuse_mixture(connection, definitions)
    if (tables := _as_published(connection, target)) is not None:
        return _publication(target, tables=tables, is_new=False)
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
                os.fsync(file.fileno())
            _wal(target).unlink(missing_ok=True)  # left by someone writing to the old file; it would break the new one
            os.replace(copy, target)
    finally:
        with suppress(OSError):
            _remove_leftovers(target)
    _sync_folder(target.parent)
    return _publication(target, tables=tables, is_new=True)


def _publication(target: Path, *, tables: int, is_new: bool) -> Publication:
    with target.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Publication(target, target.stat().st_size, sha256, tables, is_new)


def _as_published(connection: duckdb.DuckDBPyConnection, target: Path) -> int | None:
    """The number of tables of the published file if it is whole and holds just what the warehouse holds."""
    try:
        return None if _wal(target).exists() else _prove(connection, target)
    except duckdb.Error:
        return None


@contextmanager
def _step(doing: str, remedy: str) -> Iterator[None]:
    """Turn a failure of DuckDB or the disk into a sentence."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise PublishingError(f"Nothing was published: {doing} failed ({reason}); {remedy}.") from error


def _refuse_mixture(connection: duckdb.DuckDBPyConnection, definitions: Collection[str]) -> None:
    with _step("reading what each table was built from", "run the whole pipeline (`llr run`)"):
        behind = [
            (table, part)
            for table, part, fingerprint, is_behind in connection.execute(BUILT_FROM).fetchall()
            if is_behind or (is_behind is None and fingerprint not in definitions)
        ]
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
        names = ", ".join(sorted({table for table, _ in behind}))
        parts = ", ".join(sorted({part for _, part in behind}))
        raise PublishingError(
            f"Nothing was published: these tables are behind: {names}. What they were built from has changed since: "
            f"{parts}; run the whole pipeline (`llr run`)."
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
    """The number of tables, once every table and view of the copy can be read and holds what the warehouse holds."""
    expected = connection.execute(INVENTORY).fetchall()
    relations = [(schema, name) for kind, schema, name, _, _ in expected if kind in ("table", "view")]
    with duckdb.connect(copy, read_only=True) as reader:
        different = set(expected).symmetric_difference(reader.execute(INVENTORY).fetchall())
        if different:
            kind, schema, name, part, _ = min(different, key=str)
            raise duckdb.Error(f"the {kind} {part} of {schema}.{name}, or its comment, is not as in the warehouse")
        for schema, name in relations:
            here, there = (_held(source, schema=schema, name=name) for source in (connection, reader))
            if here != there:
                raise duckdb.Error(f"{schema}.{name} does not hold the rows that it has in the warehouse")
    return sum(kind == "table" for kind, *_ in expected)


def _held(connection: duckdb.DuckDBPyConnection, *, schema: str, name: str) -> str:
    try:
        return content(connection, f"{identifier(schema)}.{identifier(name)}")
    except duckdb.Error as error:
        raise duckdb.Error(f"{schema}.{name} cannot be read: {error}") from error


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
