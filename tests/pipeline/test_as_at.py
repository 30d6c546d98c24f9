"""A publication again: what was known then, run in a home of its own, gives the figures that were published then."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from llr_pipeline.as_at import AsAtError, gather, verdict
from llr_pipeline.contracts import contracts
from llr_pipeline.paths import Home
from tests.pipeline.conftest import new_home, publish_beds
from tests.pipeline.test_intake import write_beds
from tests.pipeline.test_run import materialise

CHOSEN = ("raw", "core.beds", "published")
BEDS = "select distinct round, available_beds from core.beds_current order by all"
OCTOBER, NOVEMBER = ("2016-10", 100), ("2016-11", 120)


def beds(home: Home) -> list[tuple]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(BEDS).fetchall()


@pytest.fixture(scope="module")
def two_rounds(empty_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """A home that published round 2016-10, then round 2016-11 too; and the name of the first edition."""
    home = new_home(tmp_path_factory.mktemp("two-rounds"), empty_warehouse)
    write_beds(home.inbox / "october.xlsx", 100, prepared_on=date(2016, 10, 21), planning_round="2016-10")
    publish_beds(home)
    first = json.loads((home.published.parent / "manifest.json").read_text())["edition"]
    write_beds(home.inbox / "november.xlsx", 120)
    publish_beds(home)
    return home, first


@pytest.fixture
def twice(two_rounds: tuple[Home, str], home: Home) -> tuple[Home, str]:
    """A home of one's own with both rounds."""
    source, first = two_rounds
    shutil.copytree(source.root, home.root, symlinks=True, dirs_exist_ok=True)
    return home, first


def again(home: Home, words: str, into: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Home, bool, list[str]]:
    """Regenerated with the tables that the home has, as `llr run --as-at` does with all of them."""
    made, known = gather(home, words, into)
    monkeypatch.setenv("LLR_HOME", str(made.root))
    assert materialise(*(name for name, contract in contracts().items() if contract.is_list), *CHOSEN) == ""
    return made, *verdict(made, known)


def test_an_earlier_edition_is_regenerated_to_its_decimals(twice, tmp_path_factory, monkeypatch):
    home, first = twice
    live = (home.warehouse.read_bytes(), home.published.read_bytes())
    made, is_right, said = again(home, first, tmp_path_factory.mktemp("then"), monkeypatch)
    assert (is_right, len(said)) == (True, 1)
    assert f"as edition {first} published it" in said[0]
    assert beds(made) == [OCTOBER]
    assert beds(home) == [OCTOBER, NOVEMBER]
    assert (home.warehouse.read_bytes(), home.published.read_bytes()) == live


def test_a_figure_that_is_not_what_was_published_is_named(twice, tmp_path_factory, monkeypatch):
    home, first = twice
    path = home.published.parent / "manifests" / f"{first}.json"
    manifest = json.loads(path.read_text())
    manifest["tables"]["core.beds"]["hash"] = "0"
    manifest["code"] |= {"fingerprint": "older", "commit": "abc123"}
    path.chmod(0o644)
    path.write_text(json.dumps(manifest))
    _, is_right, said = again(home, str(path), tmp_path_factory.mktemp("then"), monkeypatch)
    assert not is_right
    assert said[0].endswith("run its commit abc123.")
    assert said[1].endswith("core.beds")


def test_a_moment_before_the_second_round_came_knows_the_first_alone(twice, tmp_path_factory, monkeypatch):
    home, _ = twice
    with duckdb.connect(str(home.published), read_only=True) as connection:
        (second,) = connection.execute("select max(received_at) from raw.submissions").fetchone()
    before = (second - timedelta(microseconds=1)).isoformat()
    made, is_right, _ = again(home, before, tmp_path_factory.mktemp("then"), monkeypatch)
    assert is_right
    assert beds(made) == [OCTOBER]


def test_what_cannot_be_regenerated_is_said(twice, tmp_path: Path, tmp_path_factory):
    home, first = twice
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(AsAtError, match=r"no edition in .* and no day; write a day as"):
        gather(home, "yesterday", empty)
    with pytest.raises(AsAtError, match="Nothing had arrived"):
        gather(home, "2001-01-01", empty)
    with pytest.raises(AsAtError, match="is not empty, or is in the live home"):
        gather(home, first, home.root / "again")
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    with pytest.raises(AsAtError, match="is no manifest of a publication"):
        gather(home, str(broken), tmp_path / "elsewhere")
    for path in home.archive.glob("*/*.xlsx"):
        path.unlink()
    with pytest.raises(AsAtError, match=r"no longer has october\.xlsx: restore it"):
        gather(home, first, tmp_path_factory.mktemp("then"))
