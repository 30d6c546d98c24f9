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


@pytest.fixture(scope="session")
def published_home(empty_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of one return, which is published: 100 beds in each of six years. Read only: copy it to change it."""
    from tests.pipeline.test_intake import write_beds

    home = new_home(tmp_path_factory.mktemp("published-home"), empty_warehouse)
    write_beds(home.inbox / "beds.xlsx", 100)
    publish_beds(home)
    return home


def new_home(folder: Path, empty_warehouse: Path) -> Home:
    """A home that has its reference tables alone, as if their checks had been run."""
    home = Home(folder).create()
    shutil.copyfile(empty_warehouse, home.warehouse)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("update raw.table_builds set is_sound = true")
    return home


def publish_beds(home: Home) -> None:
    """Take in what waits, and publish the beds."""
    from tests.pipeline.test_run import materialise

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLR_HOME", str(home.root))
        assert materialise("raw", "core.beds", "published") == ""


@pytest.fixture
def small(published_home: Home, home: Home) -> Home:
    """A home of one's own with that return."""
    shutil.copytree(published_home.root, home.root, symlinks=True, dirs_exist_ok=True)
    return home
