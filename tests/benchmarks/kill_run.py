"""Kills at random moments of a run and of the publisher: `python -m tests.benchmarks.kill_run [kills] [seed]`.

Each kill has a new return in the inbox. Every other one falls by the clock, anywhere in the run; the rest in the
publisher, before or after one of its steps. After each, the published file opens, can be read to its end and holds one
return whole, the one before or the new one. Then the next run finishes and publishes the new one; nothing is lost or
twice.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb

from llr_pipeline.archive import waiting
from llr_pipeline.paths import Home
from llr_pipeline.publishing import _wal
from tests.pipeline.test_intake import write_beds
from tests.pipeline.test_run import table_hashes

RUN = """
import os, signal, sys
from llr_pipeline import editions, publishing
from tests.pipeline.test_run import LISTS, materialise
step, is_after = sys.argv[1], sys.argv[2] == 'after'
if step:
    owner = editions if step == '_point' else publishing
    made = getattr(owner, step)
    def stopped(*args, **kwargs):
        result = made(*args, **kwargs) if is_after else None
        os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, step, stopped)
print('started', flush=True)
sys.exit(materialise(*LISTS, 'raw', 'core.beds', 'published') or 0)
"""
STEPS = (
    "remove_leftovers", "_refuse_mixture", "_copy", "_prove", "write_parquet", "golden", "write_manifest", "show",
    "_point", "_sync_folder",
)  # fmt: skip
SHOWN = {"llr.duckdb", "parquet", "manifest.json", "current", "editions", "manifests"}


def start(step: str = "", when: str = "") -> subprocess.Popen:
    command = [sys.executable, "-c", RUN, step, when]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def published(home: Home) -> set[float]:
    """The beds of each line of the published file, once every table in it has been read."""
    table_hashes(home.published)
    with duckdb.connect(str(home.published), read_only=True) as connection:
        rows = connection.execute("select available_beds from core.beds_current").fetchall()
    assert len(rows) == 6, rows
    return {beds for (beds,) in rows}


def main(kills: int = 30, seed: int = 1) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder)).create()
        os.environ |= {"LLR_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}
        write_beds(home.inbox / "beds-000.xlsx", 100, prepared_on=date.fromordinal(736_000))
        first = start()
        first.stdout.readline()
        began = time.monotonic()
        _, errors = first.communicate()
        length = time.monotonic() - began
        assert first.returncode == 0, errors[-2000:]
        failures, killed, seen = [], 0, Counter()
        for kill in range(1, kills + 1):
            write_beds(home.inbox / f"beds-{kill:03}.xlsx", 100 + kill, prepared_on=date.fromordinal(736_000 + kill))
            step, when = (chance.choice(STEPS), chance.choice(("before", "after"))) if kill % 2 else ("", "")
            process = start(step, when)
            process.stdout.readline()
            moment = chance.uniform(0, length)
            if not step:
                time.sleep(moment)
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            is_killed = process.returncode == -signal.SIGKILL
            killed += is_killed
            try:
                found = published(home)
                assert found in ({99.0 + kill}, {100.0 + kill}), found
                which = "old" if found == {99.0 + kill} else "new"
                seen[which] += 1
                ended = start()
                _, errors = ended.communicate()
                assert ended.returncode == 0, errors[-600:]
                assert published(home) == {100.0 + kill}
                assert not waiting(home), "left in the inbox"
                assert not _wal(home.published).exists(), "a .wal was left"
                assert {path.name for path in home.published.parent.iterdir()} == SHOWN
                assert len(list((home.published.parent / "editions").iterdir())) <= 2, "leftovers"
            except (AssertionError, duckdb.Error) as error:
                which = "FAILED"
                failures.append(f"kill {kill} {step or 'by the clock'}: {error}")
            what = f"{when} {step}" if step else f"after {moment:.2f} s"
            print(f"kill {kill:2}: {what:26} {'killed' if is_killed else 'had ended'}; published: {which}", flush=True)
        with duckdb.connect(str(home.published), read_only=True) as connection:
            register = connection.execute("select count(*), count(distinct sha256) from raw.submissions").fetchone()
            lines = connection.execute("select distinct count(*) from raw.beds group by submission_id").fetchall()
        print(f"{killed} killed of {kills}, a run takes {length:.1f} s; found after them: {dict(seen)}")
        print(f"register: {register[0]} returns, {register[1]} contents, of {kills + 1} sent; lines each: {lines}")
        print(f"failures: {failures or 'none'}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
