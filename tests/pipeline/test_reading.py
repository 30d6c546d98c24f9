"""The workers that read files: in order, apart from one another, and none of them able to end the run."""

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from threading import Timer

import pytest

from llr_pipeline import reading as reader
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.findings import LISTED_AT_MOST
from llr_pipeline.paths import PROJECT
from llr_pipeline.reading import read_all, read_file
from llr_pipeline.templates import Cover, Line, write_workbook


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A beds return with one line of three beds, and a wrong entry in another."""
    values = {"2016/17": 3, "2017/18": "tbc"}
    return write_beds(tmp_path_factory.mktemp("sound") / "beds.xlsx", values, {"2016/17": 2.5})


def write_beds(path: Path, *values: dict) -> Path:
    """A beds return of lines that differ in their measure, or else are the same."""
    codes = {"site_code": "RWEAA", "sector": "maternity", "bed_definition": "stp_acute"}
    lines = [Line(codes | {"measure": "occupied" if n else "available"}, line) for n, line in enumerate(values)]
    about = Cover("RWE", "2016-11", "Team", date(2016, 11, 1))
    write_workbook(path, templates()["beds"], about, read_reference(), {"beds": lines})
    return path


def test_a_worker_says_what_reading_here_says(sound):
    """Identity, findings and tables come through the pipe unchanged, dates and types included."""
    here = read_file(sound)
    ((path, there),) = read_all([sound])
    assert path == sound
    assert there.identity == here.identity
    assert there.identity.prepared_on == date(2016, 11, 1)
    assert (list(there.findings), there.value_count, there.is_refused) == (list(here.findings), 2, False)
    assert [f.rule for f in there.findings] == ["placeholder"]
    assert there.tables.keys() == here.tables.keys() == {"beds", "bed_schemes", "totals", "sheets"}
    assert all(there.tables[name].equals(here.tables[name]) for name in here.tables)


def test_files_come_back_in_the_order_given(sound, tmp_path):
    paths = []
    for n in range(6):
        paths.append(tmp_path / f"{n}.xlsx")
        paths[-1].write_bytes(sound.read_bytes() if n % 2 else b"")
    found = list(read_all(paths))
    assert [path for path, _ in found] == paths
    assert [reading.is_refused for _, reading in found] == [True, False] * 3


def test_nothing_to_read_starts_nothing():
    assert list(read_all([])) == []


def test_a_worker_that_dies_is_a_finding_and_the_next_file_is_read(sound, tmp_path):
    large = write_beds(tmp_path / "large.xlsx", *[{"2016/17": 3}] * 4_000)  # takes a second or more
    worker = reader._Worker(60)
    try:
        for _ in range(2):
            assert worker.read(sound).value_count == 2
            Timer(0.1, worker.process.kill).start()
            dead = worker.read(large)
            (finding,) = dead.findings
            assert (finding.severity, finding.rule) == ("error", "reader_stopped")
            assert finding.message == "Reading the file was stopped: the reader ran out of memory or crashed"
            assert finding.remedy == "Copy your figures into a fresh blank template and send that."
            assert dead.is_refused
        assert worker.read(sound).value_count == 2
    finally:
        worker.stop()


def test_a_file_that_takes_too_long_is_a_finding(sound):
    """A millisecond by the clock is too little for any file; the worker's own start does not count."""
    found = list(read_all([sound, sound], seconds=0.0001))
    assert [[(f.rule, f.message) for f in reading.findings] for _, reading in found] == [
        [("reader_stopped", "Reading the file was stopped: it took more than 0.001 seconds")]
    ] * 2


def test_a_file_that_computes_too_long_is_a_finding_and_the_next_is_read(sound, tmp_path, monkeypatch):
    """Twenty thousand lines take three seconds of the processor, however long that is by the clock."""
    monkeypatch.setattr(reader, "WORKERS", 1)
    large = write_beds(tmp_path / "large.xlsx", *[{"2016/17": 3}] * 20_000)
    (_, stopped), (_, read) = read_all([large, sound], seconds=1)
    (finding,) = stopped.findings
    assert finding.message == "Reading the file was stopped: it took more than 1 seconds of the processor"
    assert read.value_count == 2


def test_an_answer_that_is_too_long_is_a_finding_and_the_next_file_is_read(sound, tmp_path, monkeypatch):
    large = write_beds(tmp_path / "large.xlsx", *[{"2016/17": 3}] * 2_000)
    monkeypatch.setattr(reader, "WORKERS", 1)
    monkeypatch.setattr(reader, "ANSWER_BYTES", 1_000_000)
    (_, first), (_, refused), (_, last) = read_all([sound, large, sound])
    (finding,) = refused.findings
    assert (finding.severity, finding.rule, refused.is_refused) == ("error", "reader_stopped", True)
    assert re.fullmatch(r"Reading .* stopped: what was read of it fills 3 MB, and the most is 1 MB", finding.message)
    assert first.value_count == last.value_count == 2


def test_what_is_found_often_arrives_counted_and_every_cell_is_kept_out(tmp_path):
    words = dict.fromkeys(("2015/16", "2016/17", "2017/18", "2018/19", "2019/20"), "tbc")
    ((_, reading),) = read_all([write_beds(tmp_path / "beds.xlsx", *[words] * 100)])
    placeholders = [finding for finding in reading.findings if finding.rule == "placeholder"]
    assert len(placeholders) == LISTED_AT_MOST + 1
    assert sum(finding.breach_count for finding in placeholders) == 500
    assert placeholders[-1].message.startswith(
        "A mark or a word stands for no value: 300 more cells of this kind, from "
    )
    assert reading.findings.count("error") == 500 + sum(f.rule != "placeholder" for f in reading.findings)
    rows = reading.tables["beds"].to_pylist()
    out = [row["cell"]["beds"] for row in rows if row["is_quarantined"] and row["beds"] == "tbc"]
    assert len(set(out)) == 500


def test_no_more_is_read_ahead_than_there_are_workers(sound, tmp_path):
    """Files that are replaced while the first reading is in use: those that were not read before are the new ones."""
    paths = [tmp_path / f"{n}.xlsx" for n in range(6)]
    for path in paths:
        path.write_bytes(sound.read_bytes())
    stream = read_all(paths)
    next(stream)
    time.sleep(1)
    for path in paths[1 + reader.WORKERS :]:
        path.write_bytes(b"")
    assert [reading.is_refused for _, reading in stream] == [False] * reader.WORKERS + [True] * (5 - reader.WORKERS)


def test_no_worker_is_left_behind(sound):
    before = children()
    for _ in read_all([sound, sound]):
        assert children() > before
    assert children() == before
    stream = read_all([sound, sound])
    next(stream)
    stream.close()
    assert children() == before


def children() -> int:
    """Workers of this process, from the system's own list."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            found += int(parent) == os.getpid() and b"llr_pipeline.reading" in (folder / "cmdline").read_bytes()
    return found


def test_a_worker_starts_without_what_it_does_not_need():
    """Each costs tenths of a second in every worker; a workbook is read without warehouse, charts or openpyxl."""
    program = "import sys, llr_pipeline.reading; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    unwanted = {"duckdb", "pandas", "dagster", "openpyxl", "xlsxwriter", "altair", "rich", "click"}
    assert not unwanted & set(modules.stdout.split())
