"""Reading and validating 1,000 clean planning workbooks: `python -m tests.benchmarks.read_thousand`.

48 returns of the sample, read again and again: CPU seconds a workbook with one worker and with two, what two save of
the time, and what merely opening them with calamine costs in a process of its own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from assets.sample.rounds import ROUNDS
from assets.sample.writer import lines_for, prepared_on, returns
from llr_pipeline import reading
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.templates import Cover, write_workbook

COUNT = 1_000
OPEN = """
import sys
import python_calamine
for path in sys.stdin.read().split('\\n'):
    with python_calamine.load_workbook(path) as book:
        for about in book.sheets_metadata:
            book.get_sheet_by_name(about.name).to_python(skip_empty_area=False)
"""


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def measured(paths: list[Path], workers: int) -> tuple[float, float, int, int]:
    """CPU seconds, wall seconds, values read and errors found."""
    reading.WORKERS = workers
    before, start, values, errors = cpu(), time.perf_counter(), 0, 0
    for _, one in reading.read_all(paths):
        values += one.value_count
        errors += one.is_refused + one.findings.count("error")
    return cpu() - before, time.perf_counter() - start, values, errors


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for key in [key for key in returns() if key.period in ROUNDS]:
            files.append(Path(folder, f"{len(files):02}.xlsx"))
            lines = lines_for(key.template, key.organisation_code, key.period, planted=False)
            about = Cover(key.organisation_code, key.period, "Team", prepared_on(key))
            write_workbook(files[-1], templates()[key.template], about, read_reference(), lines)
        size = sum(path.stat().st_size for path in files) / len(files)
        paths = [files[n % len(files)] for n in range(COUNT)]
        print(f"{COUNT:,} readings of {len(files)} returns of {size / 1024:.0f} KB on {os.cpu_count()} cores")
        wall = {}
        for workers in (1, 2):
            seconds, wall[workers], values, errors = measured(paths, workers)
            print(
                f"{workers} worker{'s' * (workers > 1)}: {seconds / COUNT * 1000:.1f} CPU ms a workbook, "
                f"{wall[workers]:.1f} s wall; {values / COUNT:,.0f} values a workbook, {errors} errors"
            )
        print(f"two workers take {wall[2] / wall[1]:.0%} of one worker's time")
        before = cpu()
        subprocess.run([sys.executable, "-c", OPEN], input="\n".join(map(str, paths)), text=True, check=True)
        opening = cpu() - before
        print(f"merely opening with calamine: {opening / COUNT * 1000:.1f} CPU ms, {opening / seconds:.0%} of it")


if __name__ == "__main__":
    main()
