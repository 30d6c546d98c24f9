"""Editions: everything that one publication consists of, in a folder of its own, and the links that show the newest.

    published/editions/<id>/   llr.duckdb, parquet/<layer>/<table>.parquet, manifest.json; never changed once shown
    published/current          the link to the newest edition: the one thing that a publication swaps
    published/llr.duckdb, published/parquet, published/manifest.json    links that go through `current`
    published/manifests/       every edition's manifest, for good

What may be published, and how the DuckDB file is made and proved, is in `publishing.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from llr_pipeline.warehouse import identifier, quoted

EDITIONS, CURRENT, MANIFESTS = "editions", "current", "manifests"
PARQUET, MANIFEST = "parquet", "manifest.json"
LAYERS = ("reference", "core", "mart", "report")  # raw is for lineage: structs of text that other programs cannot use
UNFINISHED = ".publishing"
BOOKKEEPING = ("raw.table_builds", "raw.schema_migrations")  # when and by which run: not the same in two runs


def fresh_edition(folder: Path) -> Path:
    """An empty folder in which the next edition is made, out of readers' sight."""
    editions = folder / EDITIONS
    editions.mkdir(mode=0o755, exist_ok=True)
    fresh = editions / f".{os.getpid()}{UNFINISHED}"
    fresh.mkdir(mode=0o755)
    return fresh


def remove_leftovers(folder: Path) -> None:
    """Remove what a stopped publication left."""
    for path in (*folder.glob(f".*{UNFINISHED}*"), *folder.glob(f"{EDITIONS}/.*{UNFINISHED}")):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def manifest_of(folder: Path) -> dict[str, Any]:
    """The newest edition's manifest; nothing where there is none, or none that can be read."""
    with suppress(OSError, ValueError):
        return json.loads((folder / CURRENT / MANIFEST).read_text(encoding="utf-8"))
    return {}


def is_whole(folder: Path) -> bool:
    """Whether the newest edition has its manifest and every file that it names, each of the size that it should be."""
    files = manifest_of(folder).get("files", {})
    sizes = {name: path.stat().st_size for name in files if (path := folder / CURRENT / name).is_file()}
    return bool(files) and sizes == {name: about["size_bytes"] for name, about in files.items()}


def write_parquet(
    connection: duckdb.DuckDBPyConnection, folder: Path, fresh: Path, *, held: Mapping[str, str]
) -> dict[str, str]:
    """Write each table and view of LAYERS as one Parquet file, with its comments as metadata; returns their marks.

    `held` is a hash of the rows of each. A file whose rows and comments are those of the newest edition is linked.
    """
    before, comments, marks = manifest_of(folder).get("marks", {}), _comments(connection), {}
    for name, content in held.items():
        layer, table = name.split(".", 1)
        if layer not in LAYERS:
            continue
        metadata = _metadata(comments[name])
        marks[name] = hashlib.sha256(f"{content} {metadata}".encode()).hexdigest()[:16]
        target = Path(PARQUET, layer, f"{table}.parquet")
        (fresh / target).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if before.get(name) == marks[name] and (folder / CURRENT / target).is_file():
            os.link(folder / CURRENT / target, fresh / target)
            continue
        relation = f"{identifier(layer)}.{identifier(table)}"
        connection.execute(
            f"copy (from {relation}) to {quoted(str(fresh / target))} (format parquet, compression zstd, {metadata})"
        )
        (fresh / target).chmod(0o444)
    return marks


def _comments(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The comment of each table and view, under the empty name, and those of its columns: all asked for once."""
    own = "database_name = current_database() and not internal"
    rows = connection.execute(
        f"""
        select schema_name || '.' || table_name, -1 as place, '' as name, comment from duckdb_tables() where {own}
        union all
        select schema_name || '.' || view_name, -1, '', comment from duckdb_views() where {own}
        union all
        select schema_name || '.' || table_name, column_index, column_name, comment from duckdb_columns() where {own}
        order by all
        """
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, _, name, comment in rows:
        found.setdefault(table, {})[name] = comment or ""
    return found


def _metadata(comments: Mapping[str, str]) -> str:
    """The comments of a table and its columns as Parquet's key-value metadata: `description`, and `columns` as JSON."""
    columns = json.dumps({name: said for name, said in comments.items() if name}, ensure_ascii=False)
    return f"kv_metadata {{description: {quoted(comments[''])}, columns: {quoted(columns)}}}"


def write_manifest(
    folder: Path, fresh: Path, *, about: Mapping[str, Any], tables: Mapping[str, Any], marks: Mapping[str, str]
) -> str:
    """Write what the edition is: the run's own account, each file's size and SHA-256, and each table's rows.

    Returns the edition's name, from its content; one that is there, and damaged, is not written over.
    """
    files = {str(path.relative_to(fresh)): _file(path) for path in sorted(fresh.rglob("*")) if path.is_file()}
    edition = files["llr.duckdb"]["sha256"][:12]
    while (folder / EDITIONS / edition).exists():
        edition += "-again"
    manifest = {"edition": edition, **about, "files": files, "tables": tables, "marks": marks}
    path = fresh / MANIFEST
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    path.chmod(0o444)
    return edition


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size_bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def golden(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Rows and a hash of each of these tables, whatever the rows' order, doubles to six decimals.

    Sums of doubles differ in their last bits from run to run: two runs on the same returns have the same of these.
    """
    types: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and not internal order by schema_name, table_name, column_index"
    ).fetchall():
        types.setdefault(table, []).append((column, kind))
    found = {}
    for name in names:
        parts = [f"round({identifier(c)}, 6)" if kind == "DOUBLE" else identifier(c) for c, kind in types[name]]
        rows, total = connection.execute(f"select count(*), sum(hash({', '.join(parts)})) from {name}").fetchone()
        found[name] = {"rows": rows, "hash": f"{total or 0:x}"}
    return found


def show(folder: Path, fresh: Path, *, edition: str) -> None:
    """Make a finished edition the newest: one rename shows its three parts together. The one before is kept."""
    for path in fresh.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    place, before = folder / EDITIONS / edition, folder / CURRENT
    kept = {edition, os.readlink(before).split("/")[-1] if before.is_symlink() else ""}
    fresh.rename(place)
    (folder / MANIFESTS).mkdir(mode=0o755, exist_ok=True)
    shutil.copyfile(place / MANIFEST, folder / MANIFESTS / f"{edition}.json")
    _point(before, f"{EDITIONS}/{edition}")
    for name in ("llr.duckdb", PARQUET, MANIFEST):
        _point(folder / name, f"{CURRENT}/{name}")
    for path in (folder / EDITIONS).iterdir():
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _point(link: Path, to: str) -> None:
    """Make a link lead there, in one step. What is no link, as in a home copied by one who follows them, goes."""
    if link.is_symlink() and os.readlink(link) == to:
        return
    fresh = link.with_name(f".{link.name}.{os.getpid()}{UNFINISHED}")
    fresh.symlink_to(to)
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    os.replace(fresh, link)
