"""What several tests share, and the rule that every test lives in `unit`, `pipeline` or `house`.

`unit` needs no home, `pipeline` runs the pipeline or touches a home's files, `house` holds the rules of the code
itself. `benchmarks` is run by hand and not collected.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from llr_pipeline.paths import PROJECT, Home

TESTS = Path(__file__).parent
KINDS = ("unit", "pipeline", "house")
BY_HAND = "benchmarks"

collect_ignore = [BY_HAND]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fail the collection of a test that is in none of the three folders; those on the sample's run come last.

    The longest file that needs the run starts it, and by the time that another worker has need of it, it is there.
    """
    needy = {item.path for item in items if "sample_home" in getattr(item, "fixturenames", ())}
    first = TESTS / "pipeline" / "test_run.py"
    items.sort(key=lambda item: 0 if item.path == first else 2 if item.path in needy else 1)
    for item in items:
        inside = item.path.relative_to(TESTS).parts if item.path.is_relative_to(TESTS) else ("",)
        if inside[0] not in (*KINDS, BY_HAND):
            raise pytest.UsageError(
                f"{item.nodeid}: move it into tests/{', tests/'.join(KINDS[:2])} or tests/{KINDS[2]}"
            )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of one's own, empty, which LLR_HOME names."""
    monkeypatch.setenv("LLR_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(Home(tmp_path).dagster))
    return Home(tmp_path).create()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the project that holds real NHS files: too large, and not ours, to be kept in it."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("there is no folder `shared` beside the project, which holds the real NHS files")
    return folder


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample system, written once: workbooks in `returns/`, and `planted_disagreements.csv`. Read only."""
    if find_spec("assets.sample.writer") is None:
        pytest.skip("there is no assets/sample/writer.py, which writes the sample")
    from assets.sample.writer import write_sample

    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


@pytest.fixture(scope="session")
def sample_home(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the pipeline has run once on the sample, for all workers. Read only: copy it to change it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sample-home"
    folder.mkdir(exist_ok=True)
    said = folder / "outcome.txt"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be making it
        if not said.exists():
            said.write_text(_run_on_the_sample(Home(folder / "home").create(), sample_folder), encoding="utf-8")
    if failures := said.read_text(encoding="utf-8"):
        pytest.fail(f"the run on the sample failed:\n{failures}")
    return Home(folder / "home")


def _run_on_the_sample(home: Home, sample_folder: Path) -> str:
    """Run everything on it; what failed, in words."""
    from llr_pipeline.running import run_everything

    for path in (sample_folder / "returns").iterdir():
        shutil.copy2(path, home.inbox)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLR_HOME", str(home.root))
        patch.setenv("DAGSTER_HOME", str(home.dagster))
        outcome = run_everything(home, report=lambda message, done, steps: None)
    return "\n".join(f"{step}: {why}" for step, why in outcome.failures) or (
        "" if outcome.succeeded else "not said why"
    )


@pytest.fixture(scope="session")
def published(sample_home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """What analysts open after that run, read-only."""
    with duckdb.connect(str(sample_home.published), read_only=True) as connection:
        yield connection
