"""Intake: what becomes of each file, whatever order files come in and wherever a run is stopped."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from llr_pipeline import intake
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.paths import Home
from llr_pipeline.tables import load_reference
from llr_pipeline.templates import Cover, Line, write_workbook
from llr_pipeline.warehouse import opened

BED_LINE = {
    "site_code": "RWEAA",
    "sector": "adult_general_acute",
    "bed_definition": "stp_acute",
    "measure": "available",
}
YEARS = ("2015/16", "2016/17", "2017/18", "2018/19", "2019/20", "2020/21")


def write_beds(
    path: Path,
    beds: float,
    *,
    prepared_on: date = date(2016, 11, 10),
    organisation: str = "RWE",
    planning_round: str = "2016-11",
) -> Path:
    """A beds return of one line: this many beds in every year. It has lain there for a minute: intake need not wait."""
    line = Line(BED_LINE, dict.fromkeys(YEARS, beds))
    cover = Cover(organisation, planning_round, "Planning team", prepared_on)
    write_workbook(path, templates()["beds"], cover, read_reference(), {"beds": [line]})
    a_minute_ago = time.time() - 60
    os.utime(path, (a_minute_ago, a_minute_ago))
    return path


def take_in(connection: duckdb.DuckDBPyConnection, home: Home) -> intake.Intake:
    return intake.take_in(connection, home, run_id="test")


def register(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    return connection.execute("select file_name, status from raw.submissions order by arrival_number").fetchall()


def test_a_return_is_archived_unchanged_registered_and_loaded(connection, home: Home) -> None:
    content = write_beds(home.inbox / "beds.xlsx", 100.5).read_bytes()
    took = take_in(connection, home)
    assert (took.accepted, took.opened) == (["beds.xlsx"], 1)
    sha256 = hashlib.sha256(content).hexdigest()
    assert (home.archive / sha256[:2] / f"{sha256}.xlsx").read_bytes() == content
    assert list(home.inbox.iterdir()) == []
    row = connection.execute(
        "select sha256, size_bytes, template, template_version, organisation_code, period, prepared_by, prepared_on, "
        "data_status, status, value_count, error_count from raw.submissions"
    ).fetchone()
    assert row == (
        sha256,
        len(content),
        "beds",
        1,
        "RWE",
        "2016-11",
        "Planning team",
        date(2016, 11, 10),
        "returned",
        "accepted",
        6,
        0,
    )


def test_every_raw_value_knows_its_submission_sheet_and_cell(connection, home: Home) -> None:
    path = write_beds(home.inbox / "beds.xlsx", 100.5)
    import openpyxl

    sheet = openpyxl.load_workbook(path)["Beds"]
    take_in(connection, home)
    rows = connection.execute(
        "select submission_id, sheet, beds, reading.beds, cell.beds, cell.site_code from raw.beds"
    ).fetchall()
    assert len(rows) == 6
    for submission_id, name, received, read, cell, site_cell in rows:
        assert (len(submission_id), name, received, read) == (12, "Beds", "100.5", 100.5)
        assert sheet[cell].value == 100.5
        assert sheet[site_cell].value == "Leicester Royal Infirmary"


def test_identical_content_is_a_duplicate_and_changes_nothing(connection, home: Home) -> None:
    write_beds(home.inbox / "beds.xlsx", 100)
    shutil.copy(home.inbox / "beds.xlsx", home.inbox / "copy.xlsx")
    take_in(connection, home)
    write_beds(home.inbox / "again.xlsx", 100)
    before = connection.execute("select * from raw.beds").fetchall()
    took = take_in(connection, home)
    assert (took.duplicate, took.opened) == (["again.xlsx"], 0)
    assert connection.execute("select * from raw.beds").fetchall() == before
    assert register(connection) == [("beds.xlsx", "accepted"), ("copy.xlsx", "duplicate"), ("again.xlsx", "duplicate")]


def test_a_newer_return_supersedes_and_the_older_stays_queryable(connection, home: Home) -> None:
    write_beds(home.inbox / "first.xlsx", 100, prepared_on=date(2016, 11, 1))
    take_in(connection, home)
    write_beds(home.inbox / "second.xlsx", 90, prepared_on=date(2016, 11, 2))
    assert take_in(connection, home).accepted == ["second.xlsx"]
    assert register(connection) == [("first.xlsx", "superseded"), ("second.xlsx", "accepted")]
    kept = connection.execute(
        "select distinct status, reading.beds from raw.beds join raw.submissions using (submission_id)"
    )
    assert sorted(kept.fetchall()) == [("accepted", 90.0), ("superseded", 100.0)]


def test_a_late_arrival_prepared_earlier_does_not_replace_and_is_a_finding(connection, home: Home) -> None:
    write_beds(home.inbox / "new.xlsx", 90, prepared_on=date(2016, 11, 2))
    take_in(connection, home)
    write_beds(home.inbox / "old.xlsx", 100, prepared_on=date(2016, 11, 1))
    assert take_in(connection, home).superseded == ["old.xlsx"]
    assert register(connection) == [("new.xlsx", "accepted"), ("old.xlsx", "superseded")]
    assert connection.execute("select rule, file_name from raw.findings").fetchall() == [("older_return", "old.xlsx")]


def test_a_refused_file_has_its_reason_and_the_others_go_on(connection, home: Home) -> None:
    (home.inbox / "letter.xlsx").write_text("Dear colleague")
    write_beds(home.inbox / "beds.xlsx", 100)
    write_beds(
        home.inbox / "unknown.xlsx", 50, organisation="RT5"
    )  # RT5 has no Leicester Royal Infirmary: a faulty line
    took = take_in(connection, home)
    assert sorted(took.accepted) == ["beds.xlsx", "unknown.xlsx"]
    assert [name for name, _ in took.refused] == ["letter.xlsx"]
    assert "not an Excel workbook" in took.refused[0][1]
    found = connection.execute("select file_name, rule, severity from raw.findings order by all").fetchall()
    assert ("letter.xlsx", "not_a_workbook", "error") in found
    assert ("unknown.xlsx", "unknown_code", "error") in found
    assert connection.execute("select count(*) from raw.beds where is_quarantined").fetchone() == (6,)


def test_half_copied_and_hidden_files_are_left(connection, home: Home) -> None:
    for name in ("~$beds.xlsx", ".beds.xlsx", "beds.xlsx.part"):
        (home.inbox / name).write_text("x")
    assert take_in(connection, home).opened == 0
    assert len(list(home.inbox.iterdir())) == 3


def test_what_is_no_file_is_neither_opened_nor_followed_and_is_named(connection, home: Home) -> None:
    write_beds(home.root / "elsewhere.xlsx", 100)
    (home.inbox / "link.xlsx").symlink_to(home.root / "elsewhere.xlsx")
    (home.inbox / "nowhere.xlsx").symlink_to(home.root / "none.xlsx")
    (home.inbox / "folder").symlink_to(home.root)
    (home.inbox / "943 476 5919.xlsx").symlink_to(home.root / "none.xlsx")
    (home.inbox / "~$owner.xlsx").symlink_to(home.root / "none.xlsx")
    os.mkfifo(home.inbox / "pipe.xlsx")  # who opens it waits for good
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.inbox / "socket.xlsx"))
        took = take_in(connection, home)
    link, pipe = "is a link: copy the file itself", "is a pipe, a socket or a device: copy the workbook itself"
    assert took.left == [
        ("(name not kept: personal data)", f"{link} into the inbox"),
        ("folder", f"{link} into the inbox"),
        ("link.xlsx", f"{link} into the inbox"),
        ("nowhere.xlsx", f"{link} into the inbox"),
        ("pipe.xlsx", f"{pipe} into the inbox"),
        ("socket.xlsx", f"{pipe} into the inbox"),
    ]
    assert (took.opened, register(connection)) == (0, [])
    assert len(list(home.inbox.iterdir())) == 7


@pytest.fixture
def as_nobody() -> Iterator[Home]:
    """An inbox that everybody can reach, seen by a user who is not root, whom no mode holds back."""
    root = Path(tempfile.mkdtemp(prefix="llr-inbox-"))
    root.chmod(0o755)
    home = Home(root).create()
    shut, listed = home.inbox / "shut", home.inbox / "listed"
    for folder, mode in ((shut, 0o000), (listed, 0o744)):
        (folder / "deeper").mkdir(parents=True)
        (folder / "in.xlsx").write_text("x")
        folder.chmod(mode)
    write_beds(home.inbox / "secret.xlsx", 100).chmod(0o000)
    os.utime(home.inbox / "secret.xlsx", (0, 0))  # it is not being written
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield home
    if is_root:
        os.seteuid(0)
    for folder in (shut, listed):
        folder.chmod(0o755)
    shutil.rmtree(root)


def test_what_may_not_be_read_is_named_with_what_to_do(connection, as_nobody: Home) -> None:
    took = take_in(connection, as_nobody)
    remedy = "let the pipeline's user read it, then run again"
    assert (took.opened, register(connection)) == (0, [])
    assert took.left == [
        ("deeper", f"cannot be looked at (Permission denied): {remedy}"),
        ("in.xlsx", f"cannot be looked at (Permission denied): {remedy}"),
        ("shut", f"is a folder that may not be opened: {remedy}"),
        ("secret.xlsx", f"cannot be read (Permission denied): {remedy}"),
    ]


def test_a_file_that_cannot_be_removed_is_taken_in_once(connection, home: Home) -> None:
    """As after a stop between the commit and the removal, or with an inbox that may only be read."""
    path = write_beds(home.inbox / "beds.xlsx", 100)
    stays = home.root / "kept.xlsx"
    shutil.copy2(path, stays)
    take_in(connection, home)
    shutil.copy2(stays, path)
    stays.unlink()
    took = take_in(connection, home)
    assert (took.opened, took.duplicate) == (0, [])
    assert register(connection) == [("beds.xlsx", "accepted")]


def test_what_an_older_reader_read_is_read_again_from_the_archive(connection, home: Home) -> None:
    write_beds(home.inbox / "beds.xlsx", 100)
    take_in(connection, home)
    connection.execute("update raw.submissions set reader = 'reader@before'")
    connection.execute("delete from raw.beds")
    took = take_in(connection, home)
    assert (took.read_again, took.accepted) == (1, [])
    assert connection.execute("select sum(reading.beds) from raw.beds").fetchone() == (600.0,)  # 6 years x 100
    assert take_in(connection, home).read_again == 0


def test_a_return_of_a_changed_contract_is_loaded_into_the_new_columns(connection, home: Home) -> None:
    write_beds(home.inbox / "beds.xlsx", 100)
    take_in(connection, home)
    connection.execute("alter table raw.beds drop column sector")
    connection.execute("update raw.submissions set reader = 'reader@before'")
    take_in(connection, home)
    assert connection.execute("select distinct sector from raw.beds").fetchall() == [("Adult general and acute",)]


def test_a_return_in_use_that_would_now_be_refused_is_left_as_it_is(connection, home: Home) -> None:
    """As when a new contract no longer fits: the tables must not be emptied in silence."""
    write_beds(home.inbox / "beds.xlsx", 100)
    take_in(connection, home)
    connection.execute("update raw.submissions set reader = 'reader@before'")
    (archived,) = home.archive.rglob("*.xlsx")
    archived.chmod(0o644)
    archived.write_text("no longer readable")
    for _ in range(2):  # it is tried and reported again by every run
        took = take_in(connection, home)
        assert ([name for name, _ in took.kept], took.read_again) == (["beds.xlsx"], 0)
    assert register(connection) == [("beds.xlsx", "accepted")]
    assert connection.execute("select sum(reading.beds) from raw.beds").fetchone() == (600.0,)  # 6 years x 100


def test_a_lost_warehouse_is_built_anew_from_the_archive(home: Home) -> None:
    write_beds(home.inbox / "first.xlsx", 100, prepared_on=date(2016, 11, 1))
    write_beds(home.inbox / "second.xlsx", 90, prepared_on=date(2016, 11, 2))
    (home.inbox / "letter.xlsx").write_text("Dear colleague")
    kept = []
    for _ in range(2):
        with opened(home) as connection:
            load_reference(connection, run_id="test")
            take_in(connection, home)
            columns = "submission_id, file_name, size_bytes, modified_ns, received_at, status, prepared_on, value_count"
            kept.append(connection.execute(f"select {columns} from raw.submissions order by all").fetchall())
        shutil.rmtree(home.warehouse.parent)
    assert kept[0] == kept[1]
    assert len(kept[0]) == 3


INTAKE = """
import sys
from pathlib import Path
from llr_pipeline import intake
from llr_pipeline.paths import Home
from llr_pipeline.warehouse import locked, opened
home = Home(Path(sys.argv[1]))
print("started", flush=True)
with locked(home, who="test"), opened(home) as connection:
    intake.take_in(connection, home, run_id="test")
"""


def test_a_kill_at_any_moment_loses_no_file_and_loads_none_twice(home: Home, tmp_path: Path) -> None:
    names = [f"beds-{n}.xlsx" for n in range(8)]
    for n, name in enumerate(names):
        write_beds(home.inbox / name, 100 + n, prepared_on=date(2016, 11, 1 + n))
    for wait in (0.3, 0.5, 0.7):
        process = subprocess.Popen([sys.executable, "-c", INTAKE, str(home.root)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with opened(home) as connection:
        load_reference(connection, run_id="test")
        take_in(connection, home)
        assert sorted(name for name, _ in register(connection)) == names
        assert [status for _, status in register(connection)].count("accepted") == 1
        loaded = connection.execute("select submission_id, count(*) from raw.beds group by all").fetchall()
        assert [count for _, count in loaded] == [6] * 8
    assert list(home.inbox.iterdir()) == []
    assert sum(path.suffix == ".xlsx" for path in home.archive.rglob("*")) == 8
