"""The health of a home, for people and for monitoring: what was published when, what waits, what failed, how much room.

Nothing is changed or locked by looking. What is a problem is said in a sentence with what to do; the rest is told.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import duckdb

from llr_pipeline.archive import left, waiting
from llr_pipeline.housekeeping import ENDED, low_disk, size_of
from llr_pipeline.paths import Home
from llr_pipeline.warehouse import SCHEMA_VERSION, schema_version

WAITS_SECONDS = 3_600
SILENT_SECONDS = 300
PUBLISHED = dg.AssetKey(["published", "llr"])
FOLDERS = ("inbox", "archive", "quarantine", "returned", "warehouse", "published", "reports", "dagster")


@dataclass
class Health:
    """What was found. Times are UTC, sizes in bytes; `problems` is empty where all is well."""

    home: str
    problems: list[str] = field(default_factory=list)
    published_at: str | None = None
    published_days_ago: float | None = None
    schema_version: int | None = None
    returns: dict[str, int] = field(default_factory=dict)
    last_run: dict[str, str] | None = None
    held_by: dict[str, Any] | None = None
    waiting_files: int = 0
    left_files: int = 0
    daemons: dict[str, str] = field(default_factory=dict)
    disk_bytes: dict[str, int] = field(default_factory=dict)
    free_bytes: int | None = None

    def as_json(self) -> str:
        return json.dumps({"is_well": not self.problems, **asdict(self)}, indent=2)


def stale_days() -> float:
    """After how many days without a run that published a home is not well: LLR_STALE_DAYS (40: a month and some)."""
    return float(os.environ.get("LLR_STALE_DAYS") or 40)


def examine(home: Home) -> Health:
    """Look at a home. Sets DAGSTER_HOME, as every command does that reads the history of runs."""
    health = Health(str(home.root))
    if not home.root.is_dir():
        health.problems.append(f"There is no home at {home.root}: set LLR_HOME, or run `llr run` to make it.")
        return health
    health.held_by = holder(home)
    _look_at_history(home, health)
    _look_at_publication(home, health)
    _look_at_inbox(home, health)
    health.disk_bytes = {name: size_of(home.root / name) for name in FOLDERS}
    health.free_bytes = shutil.disk_usage(home.root).free
    if said := low_disk(home):
        health.problems.append(said)
    return health


def holder(home: Home) -> dict[str, Any] | None:
    """Who holds the home, as the lock's file says, if that process lives. The lock itself is not tried: that would
    turn away a run that starts at this moment.
    """
    try:
        found = json.loads(home.lock.read_text() or "{}")
        os.kill(found["pid"], 0)
    except PermissionError:
        return found  # another user's process, and alive
    except (OSError, ValueError, KeyError):
        return None
    return found


def _look_at_history(home: Home, health: Health) -> None:
    """The last run that ended, the last that published, and the daemons' heartbeats."""
    if not (home.dagster / "dagster.yaml").exists():
        return
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    with dg.DagsterInstance.get() as instance:
        ended = instance.get_run_records(dg.RunsFilter(statuses=ENDED), limit=1)
        event = instance.get_latest_materialization_event(PUBLISHED)
        heartbeats = instance.get_daemon_heartbeats()
    if event:
        health.published_at = _time(event.timestamp)
        health.published_days_ago = round((time.time() - event.timestamp) / 86_400, 2)
    for record in ended:
        run_id, status = record.dagster_run.run_id, record.dagster_run.status
        at = _time(record.end_time or record.create_timestamp.timestamp())
        health.last_run = {"run_id": run_id, "status": status.value.lower(), "ended_at": at}
        if status is not dg.DagsterRunStatus.SUCCESS:
            health.problems.append(
                f"The last run, {run_id[:8]}, ended at {at} as {status.value.lower()}. Its page in the web interface "
                "says why; mend that and run `llr run`."
            )
    for kind, beat in sorted(heartbeats.items()):
        is_silent = time.time() - beat.timestamp > SILENT_SECONDS
        health.daemons[kind] = f"{'silent since' if is_silent else 'alive at'} {_time(beat.timestamp)}"
    if silent := [kind for kind, said in health.daemons.items() if said.startswith("silent")]:
        health.problems.append(
            f"The daemon is silent ({', '.join(silent)}): nothing starts by itself. Start it: `llr serve`."
        )


def _look_at_publication(home: Home, health: Health) -> None:
    try:
        with duckdb.connect(home.published, read_only=True) as connection:
            health.schema_version = schema_version(connection)
            counts = connection.execute("select status, count(*) from raw.submissions group by all order by all")
            health.returns = dict(counts.fetchall())
    except duckdb.Error as error:
        why = str(error).splitlines()[0] if home.published.exists() else "there is no file"
        health.problems.append(f"Nothing can be read from {home.published} ({why}): run `llr run`.")
        return
    if health.schema_version > SCHEMA_VERSION:
        health.problems.append(
            f"The published file has schema version {health.schema_version}; this release knows {SCHEMA_VERSION}. "
            "Install the newer release."
        )
    if health.published_days_ago is not None and health.published_days_ago > stale_days():
        health.problems.append(
            f"No run has published for {health.published_days_ago:.0f} days, which is more than {stale_days():g}: run "
            "`llr run`, and see that the daemon or cron starts it."
        )


def _look_at_inbox(home: Home, health: Health) -> None:
    """What lies there too long is a problem, and what is no file of its own. A file's age counts from its coming."""
    files = waiting(home)
    not_files = left(home)
    health.waiting_files, health.left_files = len(files), len(not_files)
    health.problems += [f"Left in the inbox: {name} {why}." for name, why in not_files]
    old = [path for path in files if time.time() - path.stat().st_ctime > WAITS_SECONDS]
    if old and not health.held_by:
        health.problems.append(
            f"{len(old)} files have waited in the inbox for more than an hour: run `llr run`, and see that the daemon "
            "runs."
        )


def _time(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S}"
