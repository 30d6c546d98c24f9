"""A damaged warehouse is set aside and built anew by the next run, which says so; a whole one is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from llr_pipeline.paths import Home
from llr_pipeline.rebuilding import set_aside_if_damaged, why_damaged
from llr_pipeline.warehouse import WarehouseError, opened
from tests.pipeline.test_run import LISTS, materialise, table_hashes


def overwrite_a_block(path: Path) -> None:
    """The middle of the largest table's first block: the file opens, the table does not read."""
    with duckdb.connect(str(path), read_only=True) as connection:
        (block,) = connection.execute(
            "select block_id from pragma_storage_info('raw.beds') where block_id >= 0 order by all limit 1"
        ).fetchone()
        (size,) = connection.execute("select block_size from pragma_database_size()").fetchone()
    with path.open("r+b") as file:
        file.seek(3 * 4096 + block * size + 1_000)  # after the three headers
        file.write(os.urandom(4_096))


def overwrite_the_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(16_384))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


each_damage = pytest.mark.parametrize("damage", [overwrite_a_block, overwrite_the_head, cut, empty])


@each_damage
def test_a_damaged_file_is_set_aside_with_its_log(damage: Callable[[Path], None], small: Home) -> None:
    assert set_aside_if_damaged(small) is None
    damage(small.warehouse)
    small.warehouse.with_name("llr.duckdb.wal").write_bytes(b"of that file")
    said = set_aside_if_damaged(small)
    assert said.startswith("The warehouse is damaged (")
    assert said.endswith("it is set aside as llr.damaged.duckdb and built anew from the archive.")
    assert [path.name for path in small.warehouse.parent.iterdir()] == ["llr.damaged.duckdb"]


def test_a_run_says_so_and_builds_every_table_anew(small: Home, capfd: pytest.CaptureFixture[str]) -> None:
    before = table_hashes(small.published)
    overwrite_a_block(small.warehouse)
    assert materialise(*LISTS, "raw", "core.beds", "published") == ""
    assert "The warehouse is damaged (IO Error: Corrupt database file" in capfd.readouterr().err
    assert table_hashes(small.published) == before


def test_without_an_archive_the_damaged_file_stays_and_a_back_up_is_asked_for(small: Home) -> None:
    for path in small.archive.glob("??/*"):
        path.unlink()
    cut(small.warehouse)
    with pytest.raises(WarehouseError, match="the archive is empty: there is nothing to build"):
        set_aside_if_damaged(small)
    assert small.warehouse.exists()


def test_a_file_that_was_left_with_its_log_on_a_full_disk_is_not_damaged(small: Home) -> None:
    """As after a kill: what was written last stands in the log, and there is no room to bring it into the file."""
    killed = f"import duckdb, os; connection = duckdb.connect({str(small.warehouse)!r}); "
    killed += (
        "connection.execute('create table raw.more as select range as n from range(100_000)'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed], check=False)
    assert small.warehouse.with_name("llr.duckdb.wal").exists()
    look = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    look += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
    look += "from llr_pipeline.rebuilding import why_damaged; from llr_pipeline.paths import current_home; "
    look += "print(why_damaged(current_home()))"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert said.stdout == "None\n", said.stderr


def test_a_file_that_another_program_holds_is_not_damaged(small: Home) -> None:
    hold = f"import duckdb; held = duckdb.connect({str(small.warehouse)!r}); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert why_damaged(small) is None
        with pytest.raises(WarehouseError, match="If another program has it open, close that"), opened(small):
            pass
        holder.communicate(b"\n")
