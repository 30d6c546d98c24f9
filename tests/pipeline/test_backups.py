"""Back-ups: one file out, one command back in, the same tables; a damaged one is named and nothing is done."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llr_pipeline.cli import main
from llr_pipeline.paths import Home
from llr_pipeline.repair import JOURNAL
from llr_pipeline.warehouse import locked
from tests.pipeline.test_intake import write_beds
from tests.pipeline.test_run import LISTS, materialise, table_hashes


def llr(*words: object, home: Home) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"LLR_HOME": str(home.root)})


def contents(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file: what is in it, its time and its mode."""
    files = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {
        str(path.relative_to(folder)): (path.read_bytes(), int(about.st_mtime), stat.S_IMODE(about.st_mode))
        for path, about in files.items()
    }


@pytest.fixture
def new(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An empty home beside one's own."""
    return Home(tmp_path_factory.mktemp("new"))


@pytest.fixture
def saved(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A back-up of a home of two files, the record of actions and what is not backed up."""
    for sha256 in ("ab" * 32, "cd" * 32):
        path = home.archive / sha256[:2] / f"{sha256}.xlsx"
        path.parent.mkdir()
        path.write_bytes(b"x" * 20_000)
    (home.archive / JOURNAL).write_text('["abababababab", "withdraw"]\n')
    (home.archive / "ab" / ".half.tmp").write_bytes(b"half a copy")
    write_beds(home.inbox / "waits.xlsx", 100)
    target = tmp_path_factory.mktemp("backups") / "llr.tar"
    said = llr("backup", target, home=home)
    assert "Waiting in the inbox, and not in it: 1 files." in said.output
    return target


def test_a_restored_home_has_the_same_archive_and_after_a_run_the_same_tables(
    small: Home, new: Home, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path_factory.mktemp("backups") / "llr.tar"
    with locked(small, who="a run that goes on"):
        said = llr("backup", target, home=small)
    assert (said.exit_code, said.output.split(",")[0]) == (0, "Backed up 2 files")  # a return and its note
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["llr.tar"]

    said = llr("restore", target, home=new)
    assert said.exit_code == 0, said.output
    assert contents(new.archive) == contents(small.archive)
    monkeypatch.setenv("LLR_HOME", str(new.root))
    assert materialise(*LISTS, "raw", "core.beds", "published") == ""
    assert table_hashes(new.published) == table_hashes(small.published)


def test_a_back_up_holds_the_archive_and_its_record_alone(saved: Path) -> None:
    with tarfile.open(saved) as tar:
        names = tar.getnames()
    assert names == [
        f"archive/ab/{'ab' * 32}.xlsx",
        f"archive/{JOURNAL}",
        f"archive/cd/{'cd' * 32}.xlsx",
        "manifest.json",
    ]


def test_a_back_up_names_what_is_damaged_in_the_archive(saved: Path, home: Home) -> None:
    said = llr("backup", saved, "--force", home=home)
    assert said.exit_code == 1  # neither file is what its name, a hash, says
    assert f"Damaged in the archive: archive/ab/{'ab' * 32}.xlsx" in said.output


def test_a_back_up_replaces_another_only_when_told(saved: Path, home: Home) -> None:
    said = llr("backup", saved, home=home)
    assert said.exit_code == 1
    assert "is there already" in said.output


def test_a_back_up_that_cannot_be_written_leaves_the_older_one(saved: Path, home: Home) -> None:
    before = saved.read_bytes()
    said = llr("backup", saved.parent / "none" / "llr.tar", home=home)
    assert said.exit_code == 1
    assert "cannot be written (No such file or directory)" in said.output
    assert saved.read_bytes() == before


def test_an_empty_archive_is_not_backed_up(new: Home, tmp_path: Path) -> None:
    said = llr("backup", tmp_path / "llr.tar", home=new)
    assert said.exit_code == 1
    assert "is empty: there is nothing to back up. Is LLR_HOME right?" in said.output
    assert not (tmp_path / "llr.tar").exists()


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1_000)
        file.write(b"other")


def hold_another_file(path: Path) -> None:
    with tarfile.open(path, "a") as tar:
        tar.add(__file__, "archive/../../evil.py")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (overwrite, f"archive/ab/{'ab' * 32}.xlsx is not what was backed up"),
        (lambda path: os.truncate(path, 30_000), "is damaged or no back-up"),
        (lambda path: os.truncate(path, 20_992), "has no manifest"),  # 512 + 20,480: after the first file
        (lambda path: os.truncate(path, 0), "is damaged or no back-up"),
        (hold_another_file, "it holds 'archive/../../evil.py'"),
        (Path.unlink, "There is no file"),
    ],
)
def test_a_damaged_back_up_is_named_and_nothing_is_restored(
    damage: Callable[[Path], object], said: str, saved: Path, new: Home
) -> None:
    damage(saved)
    result = llr("restore", saved, home=new)
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output
    assert [path for path in new.root.rglob("*") if path.is_file() and path != new.lock] == []


@pytest.mark.parametrize("place", ["inbox/beds.xlsx", "archive/ab/x", "warehouse/llr.duckdb", "published/llr.duckdb"])
def test_a_home_that_holds_anything_is_left_as_it_is(place: str, saved: Path, new: Home) -> None:
    path = new.create().root / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"mine")
    result = llr("restore", saved, home=new)
    assert result.exit_code == 1
    assert "is not empty" in result.output
    assert path.read_bytes() == b"mine"


def test_a_home_in_use_is_left_as_it_is(saved: Path, new: Home) -> None:
    with locked(new, who="run 1234"):
        result = llr("restore", saved, home=new)
    assert result.exit_code == 3
    assert "in use by run 1234" in result.output
    assert not any(new.archive.iterdir())


def test_a_restoring_that_was_stopped_is_begun_again(saved: Path, new: Home, home: Home) -> None:
    (new.root / ".restoring" / "archive" / "ab").mkdir(parents=True)
    (new.root / ".restoring" / "archive" / "ab" / "half").write_bytes(b"")
    assert llr("restore", saved, home=new).exit_code == 0
    (home.archive / "ab" / ".half.tmp").unlink()
    assert contents(new.archive).keys() == contents(home.archive).keys()
    assert not (new.root / ".restoring").exists()
