"""What ten years of published files cost, year by year, and one month more: no year should cost more than another.

`python -m tests.benchmarks.nhs_years [--years 10] [--folder shared/data/nhs]`, by hand: nothing else runs it. A year is
12 files of A&E, 12 of absence, 12 of acute discharges, 4 of KH03 and a winter of situation reports: real ones, in which
only the days are changed. Prints CPU seconds of taking the year in, of which the readers' own, and of building those
tables of published statistics again that the new files reach, with all that is in by then, and of their checks.
"""

from __future__ import annotations

import argparse
import re
import resource
import tempfile
import time
import zipfile
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import duckdb

from assets.nhs_statistics import TABLES
from llr_pipeline.contracts import contracts
from llr_pipeline.intake import take_in
from llr_pipeline.paths import Home
from llr_pipeline.periods import MONTHS
from llr_pipeline.raw_tables import create_tables
from llr_pipeline.tables import build_if_changed, build_table, load_reference
from llr_pipeline.warehouse import opened
from tests.benchmarks.nhs_files import SHARED, cpu

FIRST_YEAR = 2011
EXCEL_STARTS = date(1899, 12, 30)
QUARTERS = ("January to March", "April to June", "July to September", "October to December")


def emergency(folder: Path, inbox: Path, year: int, month: int) -> None:
    text = (folder / "ae" / "ae_activity_2024-04.csv").read_text(encoding="utf-8")
    name = MONTHS[month - 1].upper()
    (inbox / f"ae_{year}_{month}.csv").write_text(text.replace("APRIL-2024", f"{name}-{year}"), encoding="utf-8")


def absence(folder: Path, inbox: Path, year: int, month: int) -> None:
    text = (folder / "sickness" / "nhs_sickness_absence_2024-04.csv").read_text(encoding="utf-8")
    last = f"{monthrange(year, month)[1]}/{month:02}/{year}"
    (inbox / f"absence_{year}_{month}.csv").write_text(text.replace("30/04/2024", last), encoding="utf-8")


def discharges(folder: Path, inbox: Path, year: int, month: int) -> None:
    """Thirty days, from the month's first."""
    source = folder / "discharge" / "acute_june2022.xlsx"
    days, by = (date(2022, 6, 1), date(2022, 6, 30)), date(year, month, 1) - date(2022, 6, 1)
    weeks = [date(2022, 5, 27) + timedelta(days) for days in range(40)]
    words = {f"{week:%d/%m/%Y}": f"{week + by:%d/%m/%Y}" for week in weeks}
    words |= {"June 2022": f"{MONTHS[month - 1].capitalize()} {year}"}
    shifted(source, inbox / f"discharges_{year}_{month}.xlsx", days, date(year, month, 1), words)


def beds(folder: Path, inbox: Path, year: int, quarter: int) -> None:
    source = next((folder / "kh03").glob("*.xlsx"))
    rewritten(source, inbox / f"kh03_{year}_{quarter}.xlsx", {"April to June 2020": f"{QUARTERS[quarter]} {year}"})


def winter(folder: Path, inbox: Path, year: int) -> None:
    source = folder / "sitrep" / "Winter-data-timeseries-20170312.xlsx"
    words = {}
    for month, old, new in (
        ("Dec", 16, year),
        ("Jan", 17, year + 1),
        ("December", 2016, year),
        ("March", 2017, year + 1),
    ):
        words |= {f"{month}{gap}{old}": f"{month}{gap}{new if old > 100 else new - 2000}" for gap in " -"}
    days = date(2016, 12, 1), date(2017, 3, 12)
    shifted(source, inbox / f"winter_{year}.xlsx", days, date(year, 12, 1), words)


def shifted(source: Path, target: Path, days: tuple[date, date], first: date, words: Mapping[str, str]) -> None:
    """The workbook with these days moved, so that they begin on another, and with other words for periods."""
    numbers = range((days[0] - EXCEL_STARTS).days, (days[1] - EXCEL_STARTS).days + 1)
    by = (first - days[0]).days
    rewritten(source, target, {f"<v>{number}</v>": f"<v>{number + by}</v>" for number in numbers} | {**words})


def rewritten(source: Path, target: Path, words: dict[str, str]) -> None:
    """The workbook with other words in its sheets; a word that stands for another is not looked at again."""
    pattern = re.compile("|".join(map(re.escape, words)))
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.startswith("xl/worksheets/sheet") or name == "xl/sharedStrings.xml":
                text = pattern.sub(lambda found: words[found[0]], content.decode("utf-8"))
                content = text.encode("utf-8")
            new.writestr(name, content)


def fill(folder: Path, inbox: Path, year: int) -> None:
    for month in range(1, 13):
        for write in (emergency, absence, discharges):
            write(folder, inbox, year, month)
    for quarter in range(4):
        beds(folder, inbox, year, quarter)
    winter(folder, inbox, year)


def take(connection: duckdb.DuckDBPyConnection, home: Home, name: str) -> None:
    """Take in what waits and build the tables that it reaches; print what it cost."""
    before, readers = cpu(), readers_cpu()
    done = take_in(connection, home, run_id=name)
    reading, taken = readers_cpu() - readers, cpu() - before
    start = time.monotonic()
    before, rows, built_again, slowest = cpu(), 0, 0, ("", 0.0)
    for asset in TABLES:
        table = ".".join(asset.key.path)
        began = cpu()
        results, is_kept = build_if_changed(connection, contracts()[table], run_id=name)
        built_again += not is_kept
        rows += connection.execute(f"select count(*) from {table}").fetchone()[0]
        if not all(result.passed for result in results):
            raise SystemExit(f"{table} does not keep its contract")
        slowest = max(slowest, (table, cpu() - began), key=lambda one: one[1])
    built, took = cpu() - before, time.monotonic() - start
    print(
        f"{name:14} {len(done.accepted):3} files: {taken:5.2f} CPU s to take in, {reading:5.2f} of them reading; "
        f"{rows:9,} rows of tables, {built_again} built: {built:5.2f} CPU s, "
        f"{took:5.2f} s on the clock, {slowest[0]} {slowest[1]:.2f}",
        flush=True,
    )


def readers_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folder", type=Path, default=SHARED)
    arguments.add_argument("--years", type=int, default=10)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(Path(temporary)).create()
        with opened(home) as connection:
            create_tables(connection)
            load_reference(connection, run_id="benchmark")
            for planned in ("core.beds", "core.activity", "core.workforce"):  # empty here
                build_table(connection, contracts()[planned], run_id="benchmark")
            for year in range(FIRST_YEAR, FIRST_YEAR + given.years):
                fill(given.folder, home.inbox, year)
                take(connection, home, str(year))
            emergency(given.folder, home.inbox, FIRST_YEAR + given.years, 1)
            take(connection, home, "one month more")


if __name__ == "__main__":
    main()
