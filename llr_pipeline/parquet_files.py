"""Published tables that come as Parquet: one sheet, every cell text, as the same table would have come as CSV.

Returns never come so. DuckDB reads the file, within the limits that hold for any file, and nothing outside it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from llr_pipeline.cells import listed, quoted
from llr_pipeline.preflight import (
    MAXIMUM_BYTES,
    MAXIMUM_CELLS,
    MAXIMUM_UNPACKED_BYTES,
    MEGABYTE,
    Unreadable,
    preflight,
)
from llr_pipeline.workbooks import Grid, Workbook

if TYPE_CHECKING:
    import duckdb

SHEET = "Parquet"
PARQUET_KIND = "a table in Parquet"
_MAGIC = b"PAR1"
_MOST_COLUMNS_NAMED = 8
_PLAIN = (
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT",
    "FLOAT", "DOUBLE", "DECIMAL", "VARCHAR", "DATE", "TIMESTAMP",
)  # fmt: skip


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def read_parquet_file(path: Path) -> Workbook:
    """The headings and the rows. Raises Unreadable with the reason."""
    import duckdb  # 0.15 CPU s, which few of the processes that read files need

    if path.stat().st_size > MAXIMUM_BYTES:
        preflight(path)  # says why
    config = {"threads": 1, "memory_limit": "1GB", "temp_directory": "", "autoinstall_known_extensions": False}
    try:
        with tempfile.TemporaryDirectory() as folder, duckdb.connect(config=config) as connection:
            plainly_named = Path(folder) / "table.parquet"  # DuckDB would take people[1].parquet for a pattern
            plainly_named.symlink_to(path.resolve())
            return Workbook((Grid(SHEET, _read(connection, str(plainly_named))),))
    except duckdb.OutOfMemoryException:
        raise Unreadable("too_large", "The file needs more than 1 GB of memory to be read") from None
    except (duckdb.Error, UnicodeDecodeError) as error:
        why = " ".join(str(error).replace(str(plainly_named), "the file").split())[:120]
        raise Unreadable("corrupt", f"The Parquet file is damaged or was cut short ({why})") from None


def _read(connection: duckdb.DuckDBPyConnection, path: str) -> list[list[str]]:
    """Every cell as text, the headings first; looked at before anything is unpacked."""
    (rows,) = connection.execute("select sum(num_rows) from parquet_file_metadata(?)", [path]).fetchone()
    (unpacked,) = connection.execute(
        "select coalesce(sum(total_uncompressed_size), 0) from parquet_metadata(?)", [path]
    ).fetchone()
    columns = connection.execute("describe select * from read_parquet(?)", [path]).fetchall()
    if unpacked > MAXIMUM_UNPACKED_BYTES:
        most = f"the most is {MAXIMUM_UNPACKED_BYTES // MEGABYTE} MB"
        raise Unreadable("too_large", f"The file would unpack to {unpacked / MEGABYTE:,.0f} MB; {most}")
    if rows * len(columns) > MAXIMUM_CELLS:
        raise _too_many(rows, len(columns))
    if odd := [f"{quoted(name)} ({kind.lower()[:40]})" for name, kind, *_ in columns if not _is_plain(kind)]:
        which = listed(odd[:_MOST_COLUMNS_NAMED])
        raise Unreadable("not_a_workbook", f"The Parquet file has columns that are no text, number or date: {which}")
    held = connection.execute(
        "select coalesce(columns(*)::varchar, '') from read_parquet(?) limit ?",
        [path, MAXIMUM_CELLS // len(columns) + 1],
    ).fetchall()
    if len(held) * len(columns) > MAXIMUM_CELLS:  # more than the file said of itself
        raise _too_many(len(held), len(columns))
    return [[name for name, *_ in columns], *map(list, held)]


def _is_plain(kind: str) -> bool:
    return kind.startswith(_PLAIN) and not kind.endswith("]")


def _too_many(rows: int, columns: int) -> Unreadable:
    most = f"{MAXIMUM_CELLS / 1e6:,.0f} million cells"
    return Unreadable("too_large", f"The file has {rows:,} rows of {columns:,} columns; the most is {most}")
