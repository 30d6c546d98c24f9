"""The daemon killed while its run goes on: `python -m tests.benchmarks.kill_daemon HOME [kills] [seed]`.

HOME is a home in which the sample was run; a copy of it is used. The daemon's sensor starts a run of everything for
what is put into the inbox; at a random moment of it the daemon and all that it started are killed. After each, the
published file opens and is the one before or the new one; the next `llr run` finishes, and calls the killed run failed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg

from llr_pipeline.archive import waiting
from llr_pipeline.health import holder
from llr_pipeline.paths import PROJECT, Home
from llr_pipeline.running import prepare_instance
from tests.pipeline.test_intake import write_beds
from tests.pipeline.test_run import table_hashes

STARTS_SECONDS = 240


def below(pid: int) -> list[int]:
    """A process and all that it started, and they."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [pid, *(one for child in found for one in below(int(child)))]


def unfinished() -> list[str]:
    alive = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    with dg.DagsterInstance.get() as instance:
        return [run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=alive))]


def main(source: str, kills: int = 3, seed: int = 1) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder, "home"))
        shutil.copytree(source, home.root)
        prepare_instance(home)
        daemon = [Path(sys.executable).with_name("dagster-daemon"), "run", "-w", PROJECT / "workspace.yaml"]
        for kill in range(1, kills + 1):
            before = table_hashes(home.published)
            write_beds(home.inbox / f"beds-{kill}.xlsx", 500 + kill)
            process = subprocess.Popen(daemon, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + STARTS_SECONDS
            while not ((held := holder(home)) and held["who"].startswith("run ")) and time.monotonic() < deadline:
                time.sleep(0.2)
            moment = chance.uniform(0, 20)
            time.sleep(moment)
            was_held = holder(home)
            family = below(process.pid)
            for pid in family:
                os.kill(pid, signal.SIGKILL)
            process.wait()
            whole = table_hashes(home.published)
            dead = unfinished()
            ended = subprocess.run(
                [sys.executable, "-m", "llr_pipeline.cli", "run"], capture_output=True, text=True, check=False
            )
            print(
                f"kill {kill}: {len(family)} processes, {moment:.1f} s into {was_held and was_held['who'][:12]}; "
                f"published: {'as before' if whole == before else 'new'}, {len(whole)} tables; "
                f"next run: code {ended.returncode}, "
                f"waiting {len(waiting(home))}, runs unfinished before it {len(dead)}, after {len(unfinished())}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
