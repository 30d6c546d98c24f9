"""What several tests of the pipeline share: an empty warehouse, made once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from llr_pipeline.paths import Home
from llr_pipeline.raw_tables import create_tables
from llr_pipeline.tables import load_reference
from llr_pipeline.warehouse import opened


@pytest.fixture(scope="session")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse file with the reference tables loaded and the raw tables empty. Read only: copy it."""
    home = Home(tmp_path_factory.mktemp("empty-home"))
    with opened(home) as connection:
        load_reference(connection, run_id="test")
        create_tables(connection)
    return home.warehouse


@pytest.fixture
def connection(home: Home, empty_warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of one's own home, empty and open."""
    shutil.copyfile(empty_warehouse, home.warehouse)
    with opened(home) as connection:
        yield connection
