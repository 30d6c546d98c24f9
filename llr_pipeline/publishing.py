"""Publishing: a finished copy of the warehouse, swapped into place, which is the file that analysts open.

Here: what may be published, how it is copied and proved, and the modes of the file and its folder. Not here: what else
an edition has, and how it is shown (`editions.py`), nor who may run the pipeline (the home's lock, `warehouse.py`).
Why so, with measurements: `docs/decisions/0004-publishing.md`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from llr_pipeline.editions import (
    BOOKKEEPING,
    fresh_edition,
    golden,
    is_whole,
    manifest_of,
    remove_leftovers,
    show,
    write_manifest,
    write_parquet,
)
from llr_pipeline.warehouse import changed, content, identifier

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
    """A published file and its edition. `tables` counts its tables, views apart; `is_new`: it was not there before."""

    path: Path
    size_bytes: int
    sha256: str
    tables: int
    edition: str
    is_new: bool = True


def publish(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    *,
    definitions: Collection[str] = (),
    about: Mapping[str, Any] = MappingProxyType({}),
) -> Publication:
    """Make an edition of the warehouse that `connection`, outside a transaction, has open for writing, and show it.

    `target`, a link to the newest edition's file, then leads to it. `definitions` are the fingerprints of what makes
    each table in this release; `about` is the run's account for the manifest. Readers of the old file keep it, and are
    not waited for. An edition that holds just this stays. Raises PublishingError, and leaves what is shown as it was,
    when a table was not built from what the others hold, or by another release, or when any step fails.
    """
    folder = target.parent
    with _step("preparing the folder", f"let the pipeline's user own and write to {folder}"):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        _deny_others_writing(folder)
        remove_leftovers(folder)
    with _step("reading the warehouse", "mend the table or view that this names and run `llr run`"):
        held = _contents(connection)
    _refuse_mixture(connection, definitions, held)
    if _is_published(connection, target, held):
        return _publication(connection, target, is_new=False)
    check_disk = f"check the free space and permissions of {folder} and run `llr run`"
    try:
        with _step("copying the warehouse", check_disk):
            fresh = fresh_edition(folder)
            copy = fresh / target.name
            connection.execute("checkpoint")
            _copy(connection, copy)
            copy.chmod(0o444)
        with _step("checking the copy", "mend the table or view that this names and run `llr run`"):
            _prove(connection, copy, held)
        with _step("writing the Parquet files and the manifest", check_disk):
            marks = write_parquet(connection, folder, fresh, held=held)
            tables = golden(connection, [name for name in held if name not in BOOKKEEPING])
            edition = write_manifest(folder, fresh, about=about, tables=tables, marks=marks)
        with _step("replacing the published file", check_disk):
            _wal(target).unlink(missing_ok=True)  # of an edition, DuckDB keeps it beside the edition's own file
            show(folder, fresh, edition=edition)
    finally:
        with suppress(OSError):
            remove_leftovers(folder)
    _sync_folder(folder)
    return _publication(connection, target, is_new=True)


def _publication(connection: duckdb.DuckDBPyConnection, target: Path, *, is_new: bool) -> Publication:
    own = "database_name = current_database() and not internal and not temporary"
    (tables,) = connection.execute(f"select count(*) from duckdb_tables() where {own}").fetchone()
    with target.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    edition = manifest_of(target.parent)["edition"]
    return Publication(target, target.stat().st_size, sha256, tables, edition, is_new)


def _is_published(connection: duckdb.DuckDBPyConnection, target: Path, held: Mapping[str, str]) -> bool:
    """Whether the newest edition is whole and holds just what the warehouse holds."""
    try:
        if _wal(target).exists() or _wal(target.resolve()).exists() or not is_whole(target.parent):
            return False
        _prove(connection, target, held)
        return True
    except duckdb.Error:
        return False


@contextmanager
def _step(doing: str, remedy: str) -> Iterator[None]:
    """Turn a failure of DuckDB or the disk into a sentence."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise PublishingError(f"Nothing was published: {doing} failed ({reason}); {remedy}.") from error


def _refuse_mixture(
    connection: duckdb.DuckDBPyConnection, definitions: Collection[str], held: Mapping[str, str]
) -> None:
    with _step("reading what each table was built from", "run the whole pipeline (`llr run`)"):
        behind = [
            (table, part)
            for table, part, fingerprint, is_behind in connection.execute(BUILT_FROM).fetchall()
            if is_behind or (is_behind is None and fingerprint not in definitions)
        ]
        records = connection.execute("select table_name, content from raw.table_builds").fetchall()
        behind += [(table, relation) for table, record in records for relation in changed(record, held.__getitem__)]
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
            f"Nothing was published: these tables are behind: {names}. Since they were built, this has changed: "
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


def _prove(connection: duckdb.DuckDBPyConnection, copy: Path, held: Mapping[str, str]) -> None:
    """Raises duckdb.Error unless every table and view of the copy can be read and holds what the warehouse `held`."""
    expected = connection.execute(INVENTORY).fetchall()
    with duckdb.connect(copy, read_only=True) as reader:
        different = set(expected).symmetric_difference(reader.execute(INVENTORY).fetchall())
        if different:
            kind, schema, name, part, _ = min(different, key=str)
            raise duckdb.Error(f"the {kind} {part} of {schema}.{name}, or its comment, is not as in the warehouse")
        for relation, found in _contents(reader).items():
            if found != held[relation]:
                raise duckdb.Error(f"{relation} does not hold the rows that it has in the warehouse")


def _contents(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What every table and view holds, as a hash of its rows."""
    held = {}
    for kind, schema, name, *_ in connection.execute(INVENTORY).fetchall():
        if kind in ("table", "view"):
            try:
                held[f"{schema}.{name}"] = content(connection, f"{identifier(schema)}.{identifier(name)}")
            except duckdb.Error as error:
                raise duckdb.Error(f"{schema}.{name} cannot be read: {error}") from error
    return held


def _deny_others_writing(folder: Path) -> None:
    """Whoever may write to the folder could leave a `.wal` for the published file, or swap the file itself."""
    mode = folder.stat().st_mode & 0o7777
    if mode & 0o022:
        folder.chmod(mode & ~0o022)


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
