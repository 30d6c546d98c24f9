"""A warehouse file that is damaged: found before a run, set aside, and built anew from the archive by that run.

The archive is all that a rebuilding needs; without it a damaged file is left where it is, and a back-up is asked for.
"""

from __future__ import annotations

import os

import duckdb

from llr_pipeline.paths import Home
from llr_pipeline.warehouse import SETTINGS, WarehouseError, identifier

KINDS = (duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
WORDS = ("Corrupt database file", "not a valid DuckDB database file", "Could not read enough bytes")


def set_aside_if_damaged(home: Home) -> str | None:
    """Set a damaged warehouse aside; what was wrong and what was done, in a sentence. None for a file that is whole.

    Only for who holds the home's lock. Raises WarehouseError where the archive has nothing to build it from.
    """
    why = why_damaged(home)
    return set_aside(home, why=f"is damaged ({why})") if why else None


def set_aside(home: Home, *, why: str) -> str:
    """Move the warehouse away, over the one that was set aside before, so that the run begins with a new one."""
    kept = home.warehouse.with_name("llr.damaged.duckdb")
    wal = home.warehouse.with_name(home.warehouse.name + ".wal")
    if not any(path.is_file() for path in home.archive.glob("??/*")):
        raise WarehouseError(
            f"The warehouse {home.warehouse} {why}, and the archive is empty: there is nothing to build it from. "
            "Restore a back-up into a new home with `llr restore`."
        )
    wal.unlink(missing_ok=True)  # it belongs to that file, and would break the new one
    os.replace(home.warehouse, kept)
    return f"The warehouse {why}: it is set aside as {kept.name} and built anew from the archive."


def why_damaged(home: Home) -> str | None:
    """What DuckDB says of a file that it cannot read, after reading every table; None where all can be read.

    A file that is in use, of another release or not ours to read is not damaged: opening it says so. It is opened to be
    read only, as a full disk would make writing fail in the words of damage.
    """
    if not home.warehouse.exists():
        return None
    try:
        with duckdb.connect(home.warehouse, read_only=True, config=SETTINGS) as connection:
            tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            for schema, name in tables:
                connection.execute(f"select sum(hash(it)) from {identifier(schema)}.{identifier(name)} as it")
    except duckdb.Error as error:
        is_damage = isinstance(error, KINDS) or any(words in str(error) for words in WORDS)
        return str(error).strip().splitlines()[0].rstrip(".") if is_damage else None
    return None
