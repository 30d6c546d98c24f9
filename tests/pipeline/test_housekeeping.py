"""What a home does not keep for ever, what `llr status` says of it, and what it ends with."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import namedtuple
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result
from dagster._daemon.types import DaemonHeartbeat

from llr_pipeline import housekeeping
from llr_pipeline.cli import main
from llr_pipeline.health import examine, holder
from llr_pipeline.housekeeping import KEPT_AT_LEAST, Removed, low_disk, tidy
from llr_pipeline.paths import Home
from llr_pipeline.running import prepare_instance
from llr_pipeline.warehouse import locked

DAY = 86_400


def llr(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def aged(path: Path, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.write_bytes(b"x" * 1_000)
    else:
        path.mkdir()
        (path / "index.html").write_bytes(b"x" * 1_000)
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


def test_old_reports_and_returned_workbooks_go_and_the_newest_and_those_in_use_stay(home: Home) -> None:
    prepare_instance(home)
    folders = [aged(home.reports / f"run-{n:02}", 100 + n) for n in range(KEPT_AT_LEAST + 5)]
    aged(home.reports / "latest", 400)
    old, young = aged(home.returned / "2016-11" / "old.xlsx", 91), aged(home.returned / "2016-11" / "new.xlsx", 89)
    with dg.DagsterInstance.get() as instance:
        removed = tidy(home, instance, in_use={"run-12"})
    # of the five that are not among the newest ten, one is in use: 4 reports and 1 workbook of 1,000 bytes each
    assert removed == Removed(runs=0, reports=4, workbooks=1, size_bytes=5_000)
    gone = {folder.name for folder in folders if not folder.exists()}
    assert gone == {"run-10", "run-11", "run-13", "run-14"}
    assert (home.reports / "latest" / "index.html").exists()
    assert (old.exists(), young.exists()) == (False, True)


def test_a_clock_that_is_years_ahead_leaves_the_newest(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_instance(home)
    folders = [aged(home.reports / f"run-{n}", n) for n in range(KEPT_AT_LEAST)]
    now = time.time()
    monkeypatch.setattr(housekeeping.time, "time", lambda: now + 3_650 * DAY)
    with dg.DagsterInstance.get() as instance:
        assert tidy(home, instance, in_use=()).reports == 0
    assert all(folder.exists() for folder in folders)


def test_old_runs_go_with_the_file_of_their_events(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    @dg.job
    def nothing() -> None:
        """Nothing to do."""

    prepare_instance(home)
    monkeypatch.setenv("LLR_HISTORY_DAYS", "0")
    monkeypatch.setattr(housekeeping, "KEPT_AT_LEAST", 2)
    with dg.DagsterInstance.get() as instance:
        runs = [nothing.execute_in_process(instance=instance).run_id for _ in range(5)]
        removed = tidy(home, instance, in_use={runs[1]})
        left = {record.dagster_run.run_id for record in instance.get_run_records()}
    assert removed.runs == 2
    assert removed.size_bytes > 2 * 10_000
    assert left == {runs[1], *runs[3:]}
    shards = {path.stem for path in (home.dagster / "history" / "runs").glob("*.db")} - {"index"}
    assert shards == left


def test_a_disk_with_too_little_room_is_told_before_the_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, 150_000_000))
    said = low_disk(home)
    assert said.startswith(f"The disk of {home.root} has 150 MB free; a run may need 200.")
    result = llr("status")
    assert result.exit_code == 1
    assert said in result.output
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, 10**12))
    assert low_disk(home) is None


def test_status_of_a_home_that_has_published_is_well(small: Home) -> None:
    result = llr("status")
    assert result.exit_code == 0, result.output
    assert "1 accepted" in result.output
    assert "Published  never; schema version 3" in result.output  # by a run of another home's history
    found = json.loads(llr("status", "--json").output)
    assert (found["is_well"], found["returns"], found["held_by"]) == (True, {"accepted": 1}, None)
    files = [p for p in small.published.parent.rglob("*") if p.is_file() and not p.is_symlink()]
    assert small.published.resolve() in files
    assert found["disk_bytes"]["published"] == sum(p.stat().st_size for p in files)


def test_status_names_each_problem_with_what_to_do(small: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_instance(small)
    with dg.DagsterInstance.get() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 400, "SENSOR", "one", []))

        @dg.job
        def everything() -> None:
            """Fails before it starts."""

        run = instance.create_run_for_job(everything)
        instance.report_run_failed(run)
    waits = small.inbox / "waits.xlsx"
    waits.write_bytes(b"a")
    (small.inbox / "link.xlsx").symlink_to(waits)
    came = waits.stat().st_ctime
    monkeypatch.setattr("llr_pipeline.health.time.time", lambda: came + 3_601)
    problems = examine(small).problems
    assert [problem.split(",")[0].split(":")[0] for problem in problems] == [
        "The last run",
        "The daemon is silent (SENSOR)",
        "Left in the inbox",
        "1 files have waited in the inbox for more than an hour",
    ]
    assert llr("status").exit_code == 1


def test_status_of_no_home_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLR_HOME", str(tmp_path / "none"))
    result = llr("status")
    assert result.exit_code == 1
    assert "There is no home at" in result.output
    assert not (tmp_path / "none").exists()


def test_the_holder_is_named_while_its_process_lives(home: Home) -> None:
    assert holder(home) is None
    with locked(home, who="run 1234"):
        assert (holder(home)["who"], holder(home)["pid"]) == ("run 1234", os.getpid())
        dead = json.loads(home.lock.read_text()) | {"pid": 2**22 + 1}  # beyond the largest there can be
        home.lock.write_text(json.dumps(dead))
        assert holder(home) is None
