"""Dagster's event log in SQLite, its databases kept at hand from one event to the next.

Dagster's own makes an engine, compiles the statement and opens the file anew for each of some 4,000 statements of a
run. What is stored, and where, stays Dagster's; nothing about tables or the home's other files belongs here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dagster import Field, StringSource
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool, StaticPool


class EventLog(SqliteEventLogStorage):
    """Dagster's files, with an engine that stays: for the index, its connection too, and for the run looked at last.

    A run's own file is still closed after every event: a web server sees new events when the file itself is written,
    which SQLite does at the close. Dagster holds a lock around each use, so one connection serves all threads.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._index: tuple[int, Engine] | None = None
        self._run: tuple[str, Engine] | None = None
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Mapping[str, Field]:
        return {"dagster_home": Field(StringSource, description="The instance's folder")}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, str]) -> EventLog:
        """In the folder that Dagster itself would use."""
        return cls(str(Path(config_value["dagster_home"]) / "history" / "runs"), inst_data)

    def dispose(self) -> None:
        super().dispose()
        with self._db_lock:
            self._close_index()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._index_engine() if shard == INDEX_SHARD_NAME else self._run_engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _index_engine(self) -> Engine:
        """The open one, unless the file was removed or replaced under it."""
        path = Path(self.path_for_shard(INDEX_SHARD_NAME))
        file = path.stat().st_ino if path.exists() else 0
        if self._index is None or self._index[0] != file:
            self._close_index()
            connected = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
            address = self.conn_string_for_shard(INDEX_SHARD_NAME)
            self._index = (file, create_engine(address, poolclass=StaticPool, connect_args=connected))
        return self._index[1]

    def _run_engine(self, shard: str) -> Engine:
        if self._run is None or self._run[0] != shard:
            connected = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            address = self.conn_string_for_shard(shard)
            self._run = (shard, create_engine(address, poolclass=NullPool, connect_args=connected))
        return self._run[1]

    def _close_index(self) -> None:
        if self._index is not None:
            self._index[1].dispose()
            self._index = None
