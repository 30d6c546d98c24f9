"""What reading published files costs: every file of the shared folder in one run, and the largest beside opening it.

`python -m tests.benchmarks.nhs_files [shared/data/nhs]`, by hand: nothing else runs it. Prints CPU seconds and memory.
What years of such files cost is in `nhs_years.py`.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import python_calamine

from llr_pipeline.intake import take_in
from llr_pipeline.paths import PROJECT, Home
from llr_pipeline.raw_tables import create_tables
from llr_pipeline.reading import read_file
from llr_pipeline.warehouse import opened

SHARED = PROJECT.parent / "shared" / "data" / "nhs"
DERIVED = ("llr_kh03", "llr_demand")  # worked out from publications, and refused


def cpu() -> float:
    """CPU seconds of this process and of the readers that it has ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def timed(action: Callable[[], object]) -> tuple[float, object]:
    start = cpu()
    done = action()
    return cpu() - start, done


def open_alone(path: Path) -> None:
    """The fastest way to every cell: calamine, nothing looked at."""
    with python_calamine.load_workbook(str(path)) as book:
        for name in book.sheet_names:
            book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def each_file(files: list[Path]) -> None:
    for path in files:
        read, reading = timed(lambda path=path: read_file(path))
        opened_alone, _ = timed(lambda path=path: open_alone(path)) if path.suffix == ".xlsx" else (None, None)
        beside = f"{opened_alone:6.2f} to open, ratio {read / opened_alone:4.1f}" if opened_alone else ""
        print(f"{path.name[:52]:52} {reading.value_count:>9,} values {read:6.2f} CPU s  {beside}")


def one_run(files: list[Path], folder: Path) -> None:
    home = Home(folder / "home").create()
    for path in files:
        shutil.copy(path, home.inbox)
    start = time.monotonic()
    with opened(home) as connection:
        create_tables(connection)
        used, done = timed(lambda: take_in(connection, home, run_id="benchmark"))
    took = time.monotonic() - start
    own, readers = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"intake of {len(files)} files: {used:.1f} CPU s, {took:.1f} s on the clock, {len(done.accepted)} accepted")
    print(f"most memory: {own:,.0f} MB here, {readers:,.0f} MB in the largest reader")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", type=Path, default=SHARED)
    given = arguments.parse_args()
    files = [path for path in sorted(given.folder.glob("*/*")) if not path.name.startswith(DERIVED)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        one_run(files, folder)
        each_file(files)


if __name__ == "__main__":
    main()
