"""`llr run` twice, as somebody sees it: the first is killed in the middle, the second goes on from there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date

import duckdb
import pytest

from llr_pipeline.archive import waiting
from llr_pipeline.paths import Home
from tests.pipeline.test_intake import write_beds
from tests.pipeline.test_repair import kept_of

BEDS = "select distinct available_beds from core.beds_current"
COMMAND = (sys.executable, "-m", "llr_pipeline.cli", "run")


@dataclass(frozen=True)
class Ended:
    """What came of both: the second's output, and what a reader of the old file read all the while."""

    home: Home
    same_after_the_kill: bool
    code: int
    output: str
    reads: list[list[tuple]]


@pytest.fixture(scope="module")
def ended(published_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Beds come before the first run; beds again, a letter, links and a name of personal data before the second."""
    home = Home(tmp_path_factory.mktemp("two-runs"))
    shutil.copytree(published_home.root, home.root, symlinks=True, dirs_exist_ok=True)
    environment = {**os.environ, "LLR_HOME": str(home.root)}
    write_beds(home.inbox / "more.xlsx", 120, prepared_on=date(2016, 11, 11))
    published = home.published.read_bytes()
    with subprocess.Popen(COMMAND, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "core.capital" in line:
                os.kill(process.pid, signal.SIGKILL)
                break
    same = home.published.read_bytes() == published

    write_beds(home.inbox / "mine.xlsx", 130, prepared_on=date(2016, 11, 12))
    write_beds(home.inbox / "943 476 5919 Citizen.xlsx", 120)
    (home.inbox / "letter.xlsx").write_text("Dear colleague")
    for number in range(7):
        (home.inbox / f"link-{number}.xlsx").symlink_to(home.inbox / "mine.xlsx")
    said, reads = tmp_path_factory.mktemp("said") / "output.txt", []
    with duckdb.connect(str(home.published), read_only=True) as reader, said.open("w") as sink:
        process = subprocess.Popen([*COMMAND, "--sample"], env=environment, stdout=sink, stderr=subprocess.STDOUT)
        while process.poll() is None:
            reads.append(reader.execute(BEDS).fetchall())
            time.sleep(0.1)
    return Ended(home, same, process.returncode, said.read_text(), reads)


def test_a_killed_run_is_finished_by_the_next_while_the_old_file_is_read(ended: Ended) -> None:
    assert ended.same_after_the_kill
    assert ended.code == 0
    assert len(ended.reads) > 20
    assert all(beds == [(100.0,)] for beds in ended.reads)
    assert not [path.name for path in waiting(ended.home) if not path.is_symlink()]
    with duckdb.connect(str(ended.home.published), read_only=True) as reader:
        assert reader.execute(BEDS).fetchall() == [(130.0,)]
        known = reader.execute("select file_name, status from raw.submissions where template = 'beds' order by all")
        assert known.fetchall() == [("beds.xlsx", "superseded"), ("mine.xlsx", "accepted"), ("more.xlsx", "superseded")]


def test_a_run_says_what_was_left_refused_and_missing(ended: Ended) -> None:
    """And puts the sample into an empty home only, and keeps a name that is personal data nowhere."""
    assert "is not empty: the sample is left out" in ended.output
    assert "1 accepted, 2 refused; 2 workbooks opened" in ended.output
    assert "Took in: 1 accepted, 2 refused; 2 workbooks opened." in ended.output  # in the run's log, and there too
    assert " Refused: letter.xlsx: The file is plain text" in ended.output
    assert str(ended.home.published) in ended.output
    lines = ended.output.splitlines()
    warnings = lines[lines.index("Warnings  nothing was stopped by them") + 1 :][:7]
    left = "  Left in the inbox: "
    assert warnings == [
        *(f"{left}link-{n}.xlsx is a link: copy the file itself into the inbox" for n in range(5)),
        f"{left}2 more, which the page of raw/submissions names",
        "  47 of 48 returns due are missing (23 for 2016-11; 24 for 2016-10): "
        "03W activity 2016-11; 03W finance 2016-11; 04C activity 2016-11; and 44 more; see report.completeness",
    ]
    assert "  letter.xlsx: The file is plain text, such as CSV, not an Excel workbook" in ended.output
    assert "  (name not kept: personal data): The file's name holds a valid NHS number." in ended.output
    assert "Traceback" not in ended.output
    assert "Citizen" not in ended.output
    assert kept_of(ended.home, "Citizen") == []
    assert kept_of(ended.home, "link-6.xlsx"), "the run's page names every file that was left"
