"""What a home does not keep for ever, and whether there is room for a run: how much, where, and what is removed.

The archive, the warehouse and the published file are never touched here; the quarantine's days are in `archive.py`.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from llr_pipeline.paths import Home

KEPT_AT_LEAST = 10  # runs, and folders of reports, however old: a clock that is wrong for a day must not empty a home
LOG_BYTES = 10_000_000
ROOM_AT_LEAST = 200_000_000
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class Removed:
    """How many of each were removed, and how much they took."""

    runs: int = 0
    reports: int = 0
    workbooks: int = 0
    size_bytes: int = 0

    def __str__(self) -> str:
        return (
            f"Removed what is older than {history_days():g} days: {self.runs} runs, the reports of {self.reports}, "
            f"{self.workbooks} returned workbooks; {self.size_bytes / 1e6:,.1f} MB."
        )


def history_days() -> float:
    """For how many days runs, their reports and returned workbooks are kept: LLR_HISTORY_DAYS (90)."""
    return float(os.environ.get("LLR_HISTORY_DAYS") or 90)


def tidy(home: Home, instance: dg.DagsterInstance, *, in_use: Collection[str]) -> Removed:
    """Remove runs, reports and returned workbooks that are older than the history that is kept.

    `in_use` are the runs whose reports are the latest; they stay, and so do the newest KEPT_AT_LEAST.
    """
    before = time.time() - history_days() * 86_400
    _cut_log(home)
    runs, freed = _remove_runs(home, instance, before=before, in_use=in_use)
    folders = _newest_first(path for path in home.reports.iterdir() if path.is_dir() and path.name != "latest")
    old = [path for path in folders[KEPT_AT_LEAST:] if path.name not in in_use and path.stat().st_mtime < before]
    for folder in old:
        freed += size_of(folder)
        shutil.rmtree(folder)
    workbooks = [path for path in home.returned.rglob("*") if path.is_file() and path.stat().st_mtime < before]
    for path in workbooks:
        freed += path.stat().st_size
        path.unlink()
    return Removed(runs, len(old), len(workbooks), freed)


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder and below it, each once, whatever names it has; one that goes away is none."""
    sizes = {}
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                about = os.lstat(os.path.join(place, name))
                if not stat.S_ISLNK(about.st_mode):
                    sizes[about.st_ino] = about.st_size
    return sum(sizes.values())


def low_disk(home: Home) -> str | None:
    """A sentence where the disk has less room than a run may need: the warehouse twice more, and the copy published."""
    needed = max(ROOM_AT_LEAST, 2 * size_of(home.warehouse.parent) + size_of(home.published.parent))
    free = shutil.disk_usage(home.root).free
    if free >= needed:
        return None
    return (
        f"The disk of {home.root} has {free / 1e6:,.0f} MB free; a run may need {needed / 1e6:,.0f}. If it fills up, "
        "nothing is published and the last published file stays. `llr status` says which folder takes how much."
    )


def _remove_runs(
    home: Home, instance: dg.DagsterInstance, *, before: float, in_use: Collection[str]
) -> tuple[int, int]:
    """Runs that ended, with their events. Dagster leaves the file of a run's events behind, as large as it was."""
    newest = {record.dagster_run.run_id for record in instance.get_run_records(limit=KEPT_AT_LEAST)}
    ended_before = dg.RunsFilter(statuses=ENDED, created_before=datetime.fromtimestamp(before, UTC))
    old = [
        run_id
        for record in instance.get_run_records(ended_before)
        if (run_id := record.dagster_run.run_id) not in newest and run_id not in in_use
    ]
    freed = 0
    for run_id in old:
        instance.delete_run(run_id)
        for path in (home.dagster / "history" / "runs").glob(f"{run_id}.db*"):
            freed += path.stat().st_size
            path.unlink()
    return len(old), freed


def _newest_first(paths: Iterator[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def _cut_log(home: Home) -> None:
    """Begin the servers' log anew when it has grown too long; the one before is kept."""
    log = home.dagster / "serve.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)  # the servers append to it


def oldest_to_return() -> datetime:
    """Before this (UTC), a return that came is no longer written out again for its sender."""
    return datetime.now(UTC).replace(tzinfo=None) - timedelta(days=history_days())
