"""The command line, as people type it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llr_pipeline.cli import main
from tests.pipeline.test_intake import write_beds


def llr(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("command", list(main.commands))
def test_help_teaches_with_an_example(command: str) -> None:
    result = llr(command, "--help")
    assert result.exit_code == 0
    assert f"  llr {command}" in result.output


def test_template_writes_a_workbook_that_check_reads(tmp_path: Path) -> None:
    blank = tmp_path / "beds.xlsx"
    assert llr("template", "beds", "--round", "2016-11", "--org", "RWE", "-o", blank).exit_code == 0
    result = llr("check", blank)
    assert result.exit_code == 2  # a blank does not say when it was prepared
    assert "Cover!" in result.output


def test_template_does_not_overwrite(tmp_path: Path) -> None:
    blank = tmp_path / "beds.xlsx"
    blank.write_text("mine")
    result = llr("template", "beds", "--round", "2016-11", "--org", "RWE", "-o", blank)
    assert result.exit_code == 1
    assert "is there already" in result.output
    assert blank.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--round", "2016-11", "--org", "XXX"), "XXX"),
        (("--round", "2031-01", "--org", "RWE"), "2031-01"),
    ],
)
def test_template_names_what_is_wrong(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = llr("template", "beds", *arguments, "-o", tmp_path / "beds.xlsx")
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "beds.xlsx").exists()


def test_check_ends_with_0_1_or_2(tmp_path: Path) -> None:
    clean = write_beds(tmp_path / "clean.xlsx", 100)
    faulty = write_beds(tmp_path / "faulty.xlsx", 100, organisation="RT5")  # not RT5's site
    unusable = tmp_path / "letter.xlsx"
    unusable.write_text("Dear colleague")
    assert llr("check", clean).exit_code == 0
    assert llr("check", clean, faulty).exit_code == 1
    assert llr("check", clean, faulty, unusable).exit_code == 2


def test_check_gives_each_finding_as_json(tmp_path: Path) -> None:
    faulty = write_beds(tmp_path / "faulty.xlsx", 100, organisation="RT5", prepared_on=date(2016, 11, 1))
    found = json.loads(llr("check", "--format", "json", faulty).output)
    site = next(finding for finding in found if finding["rule"] == "unknown_code")
    assert {"file", "sheet", "cell", "severity", "rule", "message", "value"} <= site.keys()
    assert (site["file"], site["sheet"], site["severity"]) == (str(faulty), "Beds", "error")
    assert site["value"] == "Leicester Royal Infirmary"


def test_check_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = llr("check", tmp_path / "none.xlsx")
    assert result.exit_code == 2
    assert "none.xlsx" in result.output


def test_check_refuses_a_name_that_is_personal_data(tmp_path: Path) -> None:
    path = write_beds(tmp_path / "943_476_5919.xlsx", 100)
    result = llr("check", path)
    assert result.exit_code == 2
    assert f"error   {path.name}: The file's name holds a valid NHS number. " in result.output
    assert "cannot be used, 1 error" in result.output
    (found,) = json.loads(llr("check", "--format", "json", path).output)
    assert (found["rule"], found["severity"]) == ("personal_data", "error")


def test_check_prints_a_name_as_it_is_and_nothing_unseen(tmp_path: Path) -> None:
    path = write_beds(tmp_path / "beds [draft]\x1b[2J.xlsx", 100)
    result = llr("check", path)
    assert result.exit_code == 0
    assert result.output.startswith("beds [draft]\N{REPLACEMENT CHARACTER}[2J.xlsx beds RWE 2016-11: ")
