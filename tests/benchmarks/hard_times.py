"""Drills on a small home, as an ordinary user: `python -m tests.benchmarks.hard_times [publications] [drill] [pause]`.

A limit on the size of files for a full disk, an inbox that may not be written to, a clock set back (Python's, in the
run), two runs at once, and a reader that keeps the published file open while others are published, so many seconds
apart. Each says what came of it; a drill that fails says FAILED.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb

from llr_pipeline.archive import waiting
from llr_pipeline.paths import Home
from tests.pipeline.hostile import become_ordinary
from tests.pipeline.test_intake import write_beds
from tests.pipeline.test_run import table_hashes

RUN = """
import os, resource, sys, time
from tests.pipeline.test_run import LISTS, materialise
back, limit = float(sys.argv[1]), int(sys.argv[2])
if back:
    import datetime
    from llr_pipeline import archive, warehouse
    now, seconds = warehouse.now, time.time
    archive.now = warehouse.now = lambda: now() - datetime.timedelta(days=back)
    time.time = lambda: seconds() - back * 86_400
if limit:
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(materialise(*LISTS, 'raw', 'core.beds', 'published') or 0)  # or what stopped it
"""


def start(*, days_back: float = 0, limit: int = 0) -> subprocess.Popen:
    command = [sys.executable, "-c", RUN, str(days_back), str(limit)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=become_ordinary
    )


def run(**how: float) -> tuple[int, str]:
    process = start(**how)
    _, errors = process.communicate()
    return process.returncode, errors


def send(home: Home, number: int) -> Path:
    path = home.inbox / f"beds-{number:03}.xlsx"
    return write_beds(path, 100 + number, prepared_on=date.fromordinal(736_000 + number))


def beds(home: Home) -> set[float]:
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return {n for (n,) in connection.execute("select available_beds from core.beds_current").fetchall()}


def full_disk(home: Home) -> str:
    """No file may grow beyond what the warehouse has: loading, or the copy, fails."""
    before = table_hashes(home.published)
    send(home, 1)
    said = []
    for limit in (100_000, 1_000_000):
        code, errors = run(limit=limit)
        assert code, "the run did not fail"
        assert table_hashes(home.published) == before
        reasons = [line for line in errors.splitlines() if "File too large" in line or "Nothing was published" in line]
        said.append(f"{limit:,} bytes: code {code}, {reasons[-1].strip()[:110] if reasons else 'no reason found'}")
    code, errors = run()
    assert (code, beds(home), waiting(home)) == (0, {101.0}, []), errors[-500:]
    return "; ".join(said) + "; with room again: published, nothing lost"


def shut_inbox(home: Home) -> str:
    send(home, 2)
    home.inbox.chmod(0o555)
    try:
        ends = [run()[0], run()[0]]
        with duckdb.connect(str(home.published), read_only=True) as connection:
            (count,) = connection.execute(
                "select count(*) from raw.submissions where file_name = 'beds-002.xlsx'"
            ).fetchone()
    finally:
        home.inbox.chmod(0o755)
    assert (ends, beds(home), count) == ([0, 0], {102.0}, 1), (ends, beds(home), count)
    assert run()[0] == 0
    assert not waiting(home)
    return "taken in once by two runs and left where it lies; removed by the next run that may"


def clock_back(home: Home) -> str:
    """By 30 days, after a return has come: the newest by the day on its cover stays the one in use."""
    send(home, 3)
    assert run(days_back=30)[0] == 0
    assert beds(home) == {103.0}
    write_beds(home.inbox / "older.xlsx", 90, prepared_on=date.fromordinal(736_000))
    assert run()[0] == 0
    assert beds(home) == {103.0}, beds(home)
    with duckdb.connect(str(home.published), read_only=True) as connection:
        order = connection.execute("select arrival_number, received_at from raw.submissions order by 1").fetchall()
    earlier = sum(after < before for (_, before), (_, after) in pairwise(order))
    return (
        f"{len(order)} returns numbered as they came, {earlier} of them at an earlier time; the newest cover is in use"
    )


def two_at_once(home: Home) -> str:
    send(home, 4)
    both = [start(), start()]
    errors = [process.communicate()[1] for process in both]
    codes = sorted(process.returncode for process in both)
    assert 0 in codes, errors
    told = [text for text, process in zip(errors, both, strict=True) if process.returncode and "is in use by" in text]
    assert len(told) == codes.count(1), errors[0][-400:]
    assert beds(home) == {104.0}
    return f"codes {codes}; {len(told)} was told who holds the home; published once"


def open_reader(home: Home, publications: int, pause: float) -> str:
    with duckdb.connect(str(home.published), read_only=True) as reader:
        (kept_beds,) = beds(home)
        inodes = set()
        for number in range(publications):
            time.sleep(pause)
            send(home, 10 + number)
            code, errors = run()
            assert code == 0, errors[-600:]
            inodes.add(home.published.stat().st_ino)
            kept = reader.execute("select distinct available_beds from core.beds_current").fetchall()
            look = "from tests.benchmarks.hard_times import *; print(*beds(Home(Path(sys.argv[1]))))"
            command = [sys.executable, "-c", look, str(home.root)]  # in this process DuckDB would look at the old file
            new = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            assert (kept, new) == ([(kept_beds,)], f"{110.0 + number}"), (kept, new)
    return (
        f"{publications} publications, {len(inodes)} files; the open reader kept its rows, each new one had the newest"
    )


def main(publications: int = 20, only: str = "", pause: float = 0) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder, "home")).create()
        os.environ |= {"LLR_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}
        send(home, 0)
        code, errors = run()
        assert code == 0, errors[-1500:]
        drills: dict[str, Callable[[], str]] = {
            "disk full": lambda: full_disk(home),
            "inbox read-only": lambda: shut_inbox(home),
            "clock set back": lambda: clock_back(home),
            "two runs at once": lambda: two_at_once(home),
            "reader keeps the file open": lambda: open_reader(home, publications, float(pause)),
        }
        for name, drill in drills.items():
            if only not in name:
                continue
            began = time.monotonic()
            try:
                said = drill()
            except (AssertionError, duckdb.Error) as error:
                said = f"FAILED: {error}"
            print(f"{name} ({time.monotonic() - began:.0f} s): {said}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20, *sys.argv[2:])
