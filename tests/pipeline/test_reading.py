"""The workers that read files: in order, apart from one another, and none of them able to end the run."""

import os
import subprocess
import sys
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.paths import PROJECT
from llr_pipeline.reading import read_all, read_file
from llr_pipeline.templates import Cover, Line, write_workbook


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """A beds return with one line of three beds, and a wrong entry in another."""
    path = tmp_path_factory.mktemp("sound") / "beds.xlsx"
    codes = {"site_code": "RWEAA", "sector": "maternity", "bed_definition": "stp_acute"}
    lines = [
        Line(codes | {"measure": "available"}, {"2016/17": 3, "2017/18": "tbc"}),
        Line(codes | {"measure": "occupied"}, {"2016/17": 2.5}),
    ]
    about = Cover("RWE", "2016-11", "Team", date(2016, 11, 1))
    write_workbook(path, templates()["beds"], about, read_reference(), {"beds": lines})
    return path


def deadly(path: Path) -> Path:
    """A workbook that passes the checks and asks for 16,384 x 1,048,576 cells: one of them has no address."""
    openpyxl.Workbook().save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rows = '<row r="1"><c r=\'XFD1\'><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>'
    sheet = f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (parts | {"xl/worksheets/sheet1.xml": sheet.encode()}).items():
            archive.writestr(name, content)
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
    found = dict(
        read_all([deadly(tmp_path / "a.xlsx"), deadly(tmp_path / "b.xlsx"), deadly(tmp_path / "c.xlsx"), sound])
    )
    *dead, alive = found.values()
    for reading in dead:
        (finding,) = reading.findings
        assert (finding.severity, finding.rule) == ("error", "reader_stopped")
        assert finding.message == "Reading the file was stopped: the reader ran out of memory or crashed"
        assert finding.remedy == "Copy your figures into a fresh blank template and send that."
        assert reading.is_refused
    assert alive.value_count == 2


def test_a_file_that_takes_too_long_is_a_finding(sound):
    """A millisecond is too little for any file; the worker's own start does not count."""
    found = list(read_all([sound, sound], seconds=0.001))
    assert [[(f.rule, f.message) for f in reading.findings] for _, reading in found] == [
        [("reader_stopped", "Reading the file was stopped: it took more than 0.001 seconds")]
    ] * 2


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
