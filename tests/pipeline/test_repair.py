"""Reading again, withdrawing, and files with personal data."""

from __future__ import annotations

import os
import shutil
import time
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pytest

from llr_pipeline import archive, intake
from llr_pipeline.paths import Home
from llr_pipeline.repair import Request, UnknownReturn
from llr_pipeline.tables import load_reference
from llr_pipeline.warehouse import opened
from tests.pipeline.test_intake import register, write_beds

NHS_NUMBER = "943 476 5919"  # valid by its check digit: the example in the NHS Data Dictionary


def take_in(connection: duckdb.DuckDBPyConnection, home: Home, **request: object) -> intake.Intake:
    return intake.take_in(connection, home, run_id="test", request=Request(**request))


def submission(connection: duckdb.DuckDBPyConnection, file_name: str) -> str:
    (found,) = connection.execute(
        "select submission_id from raw.submissions where file_name = ?", [file_name]
    ).fetchone()
    return found


def test_reading_again_on_request_says_which_values_changed(connection, home: Home) -> None:
    write_beds(home.inbox / "beds.xlsx", 100)
    take_in(connection, home)
    connection.execute(  # as if an earlier reader had read one year otherwise
        "update raw.beds set reading = struct_update(reading, beds := 1.0) where financial_year = '2018/19'"
    )
    took = take_in(connection, home, reread=("2016-11",), by="A planner", reason="the reader was mended")
    (change,) = took.changed
    assert (change.sheet, change.column, change.before, change.after) == ("Beds", "beds", "1.0", "100.0")
    (cell,) = connection.execute("select cell.beds from raw.beds where financial_year = '2018/19'").fetchone()
    assert change.cell == cell
    actions = connection.execute("select action, acted_by, reason from raw.actions").fetchall()
    assert actions == [("reread", "A planner", "the reader was mended")]


def test_a_withdrawn_return_gives_way_to_the_one_before_and_keeps_its_history(connection, home: Home) -> None:
    write_beds(home.inbox / "first.xlsx", 100, prepared_on=date(2016, 11, 1))
    write_beds(home.inbox / "second.xlsx", 90, prepared_on=date(2016, 11, 2))
    take_in(connection, home)
    took = take_in(
        connection, home, withdraw=(submission(connection, "second.xlsx"),), by="CFO", reason="sent by mistake"
    )
    assert took.withdrawn == ["second.xlsx"]
    assert register(connection) == [("first.xlsx", "accepted"), ("second.xlsx", "withdrawn")]
    assert connection.execute("select count(*) from raw.beds").fetchone() == (12,)  # 2 returns x 6 years: all kept
    take_in(connection, home, reread=("all",), reason="test")
    assert register(connection) == [("first.xlsx", "accepted"), ("second.xlsx", "withdrawn")]


def test_a_withdrawal_outlives_the_warehouse(home: Home) -> None:
    write_beds(home.inbox / "beds.xlsx", 100)
    for request in ({}, {"withdraw": ("RWE",), "reason": "test"}):
        with opened(home) as connection:
            load_reference(connection, run_id="test")
            take_in(connection, home, **request)
            before = connection.execute("select * exclude (run_id) from raw.actions").fetchall()
    shutil.rmtree(home.warehouse.parent)
    with opened(home) as connection:
        load_reference(connection, run_id="test")
        take_in(connection, home)
        assert register(connection) == [("beds.xlsx", "withdrawn")]
        assert connection.execute("select * exclude (run_id) from raw.actions").fetchall() == before


def test_a_request_that_means_nothing_changes_nothing(connection, home: Home) -> None:
    write_beds(home.inbox / "beds.xlsx", 100)
    with pytest.raises(UnknownReturn, match="“2031-01” is no return that was taken in"):
        take_in(connection, home, withdraw=("2031-01",))
    assert [path.name for path in home.inbox.iterdir()] == ["beds.xlsx"]


def write_with_personal_data(path: Path) -> Path:
    write_beds(path, 100)
    book = openpyxl.load_workbook(path)
    book["Beds"]["Z40"] = f"ask about {NHS_NUMBER}"
    book.save(path)
    return path


def test_a_file_with_personal_data_is_kept_nowhere_but_in_quarantine(connection, home: Home) -> None:
    path = write_with_personal_data(home.inbox / "Jane Citizen.xlsx")
    content = path.read_bytes()
    took = take_in(connection, home)
    assert len(took.refused) == 1
    (kept,) = home.quarantine.iterdir()
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (content, 0o600)
    assert list(home.archive.rglob("*")) == []
    assert list(home.inbox.iterdir()) == []
    everything = "".join(
        str(connection.execute(f"select * from {name}").fetchall())
        for (name,) in connection.execute(
            "select 'raw.' || table_name from duckdb_tables() "
            "where schema_name = 'raw' and table_name <> 'table_builds'"  # hashes, which may have any three digits
        ).fetchall()
    )
    assert "Citizen" not in everything
    assert "943" not in everything.replace(kept.stem[:12], "").replace(kept.stem, "")
    found = connection.execute("select sheet, cell, rule, value_received from raw.findings").fetchall()
    assert found == [("Beds", "Z40", "personal_data", None)]


def test_personal_data_that_comes_again_goes_to_quarantine_again(connection, home: Home) -> None:
    path = write_with_personal_data(home.inbox / "one.xlsx")
    shutil.copy(path, home.root / "kept.xlsx")
    take_in(connection, home)
    shutil.copy(home.root / "kept.xlsx", home.inbox / "two.xlsx")
    take_in(connection, home, reread=("all",), reason="test")
    assert [status for _, status in register(connection)] == ["refused", "duplicate"]
    assert list(home.archive.rglob("*.xlsx")) == []
    assert len(list(home.quarantine.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("943 476 5919 activity.xlsx", True),
        ("943_476_5919.xlsx", True),
        ("Activity-9434765919-v2.xlsx", True),
        ("activity.943.476.5919.xlsx", True),
        ("943 476 5918 activity.xlsx", False),  # its check digit is wrong
        ("2016-11_RWE_activity_v12.xlsx", False),
        ("Activity 20161110.xlsx", False),
    ],
)
def test_an_nhs_number_in_a_name(name: str, is_one: bool) -> None:
    assert archive.is_personal(name) is is_one


def kept_of(home: Home, words: str) -> list[Path]:
    """The files of the home, by name or content, that hold these words, whatever writes them."""
    files = [path for path in home.root.rglob("*") if path.is_file()]
    return [path for path in files if words in path.name or words.encode() in path.read_bytes()]


def test_a_file_whose_name_is_personal_data_is_not_opened_and_its_name_is_kept_nowhere(connection, home: Home) -> None:
    content = write_beds(home.inbox / "943_476_5919 Citizen.xlsx", 100).read_bytes()
    said = []
    took = intake.take_in(connection, home, run_id="test", progress=lambda done, total, name: said.append(name))
    assert took.refused == [("(name not kept: personal data)", "The file's name holds a valid NHS number")]
    assert (took.opened, said) == (0, [])
    (kept,) = home.quarantine.iterdir()
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (content, 0o600)
    assert [list(folder.iterdir()) for folder in (home.inbox, home.archive, home.returned)] == [[], [], []]
    assert connection.execute("select rule, severity from raw.findings").fetchall() == [("personal_data", "error")]
    connection.execute("checkpoint")
    assert kept_of(home, "Citizen") == []


def test_the_same_content_under_a_clean_name_is_taken_in(connection, home: Home) -> None:
    content = write_beds(home.inbox / "943 476 5919.xlsx", 100).read_bytes()
    take_in(connection, home)
    (home.inbox / "beds.xlsx").write_bytes(content)
    assert take_in(connection, home).accepted == ["beds.xlsx"]
    (home.inbox / "943 476 5919 again.xlsx").write_bytes(content)  # known by now, and no more welcome
    (home.inbox / "copy.xlsx").write_bytes(content)
    took = take_in(connection, home, reread=("all",), reason="test")
    assert (len(took.refused), took.duplicate, took.read_again) == (1, ["copy.xlsx"], 1)
    assert [status for _, status in register(connection)] == ["refused", "accepted", "duplicate", "refused"]
    ids = connection.execute("select submission_id from raw.submissions order by arrival_number").fetchall()
    start = submission(connection, "beds.xlsx")
    assert [name for (name,) in ids] == [f"{start}-1", start, f"{start}-3", f"{start}-4"]
    assert len(list(home.archive.rglob("*.xlsx"))) == len(list(home.quarantine.iterdir())) == 1


def test_an_archive_that_holds_such_a_name_gives_it_up_when_it_is_read_anew(connection, home: Home) -> None:
    """As one kept by a release that did not look at names."""
    arrival = archive.look_at(write_beds(home.inbox / "943 476 5919 Citizen.xlsx", 100))
    archive.keep(home, arrival)
    archive.remove(arrival)
    assert len(kept_of(home, "Citizen")) == 1  # the note
    took = take_in(connection, home)
    assert [name for name, _ in took.refused] == ["(name not kept: personal data)"]
    assert len(list(home.quarantine.iterdir())) == 1
    connection.execute("checkpoint")
    assert kept_of(home, "Citizen") == []
    assert take_in(connection, home).refused == []


def test_quarantine_is_emptied_after_its_days(connection, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write_with_personal_data(home.inbox / "one.xlsx")
    take_in(connection, home)
    (kept,) = home.quarantine.iterdir()
    thirty_one_days_ago = time.time() - 31 * 86_400
    monkeypatch.setenv("LLR_QUARANTINE_DAYS", "60")
    os.utime(kept, (thirty_one_days_ago, thirty_one_days_ago))
    take_in(connection, home)
    assert kept.exists()
    monkeypatch.delenv("LLR_QUARANTINE_DAYS")
    take_in(connection, home)
    assert not kept.exists()


def test_a_file_that_is_still_being_written_is_left(connection, home: Home) -> None:
    import threading

    path = home.inbox / "beds.xlsx"
    content = write_beds(home.root / "whole.xlsx", 100).read_bytes()
    stop = threading.Event()

    def write_slowly() -> None:
        with path.open("wb") as file:
            for start in range(0, len(content), 200):
                if stop.wait(0.02):
                    break
                file.write(content[start : start + 200])
                file.flush()

    path.touch()
    writer = threading.Thread(target=write_slowly)
    writer.start()
    took = take_in(connection, home)
    stop.set()
    writer.join()
    assert took.opened == 0
    assert path.exists()
    path.write_bytes(content)
    assert take_in(connection, home).accepted == ["beds.xlsx"]
