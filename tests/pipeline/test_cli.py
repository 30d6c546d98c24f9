"""The command line, as people type it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llr_pipeline.backups import is_empty
from llr_pipeline.cli import main
from llr_pipeline.paths import Home
from tests.pipeline.test_intake import write_beds
from tests.pipeline.test_repair import kept_of


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


def test_one_run_says_what_was_left_refused_and_missing(home: Home) -> None:
    """And puts the sample into an empty home only, and keeps a name that is personal data nowhere."""
    assert is_empty(home)
    write_beds(home.inbox / "mine.xlsx", 100)
    write_beds(home.inbox / "943 476 5919 Citizen.xlsx", 120)
    (home.inbox / "letter.xlsx").write_text("Dear colleague")
    for number in range(7):
        (home.inbox / f"link-{number}.xlsx").symlink_to(home.inbox / "mine.xlsx")
    result = llr("run", "--sample")
    assert result.exit_code == 0
    assert "is not empty: the sample is left out" in result.output
    assert "1 accepted, 2 refused; 2 workbooks opened" in result.output
    assert "Took in: 1 accepted, 2 refused; 2 workbooks opened." in result.output  # in the run's log, and there too
    assert " Refused: letter.xlsx: The file is plain text" in result.output
    assert str(home.published) in result.output
    lines = result.output.splitlines()
    warnings = lines[lines.index("Warnings  nothing was stopped by them") + 1 :][:7]
    left = "  Left in the inbox: "
    assert warnings == [
        *(f"{left}link-{n}.xlsx is a link: copy the file itself into the inbox" for n in range(5)),
        f"{left}2 more, which the page of raw/submissions names",
        "  47 of 48 returns due are missing (23 for 2016-11; 24 for 2016-10): "
        "03W activity 2016-11; 03W finance 2016-11; 04C activity 2016-11; and 44 more; see report.completeness",
    ]
    assert "  letter.xlsx: The file is plain text, such as CSV, not an Excel workbook" in result.output
    assert "  (name not kept: personal data): The file's name holds a valid NHS number." in result.output
    assert "Traceback" not in result.output
    assert "Citizen" not in result.output
    assert kept_of(home, "Citizen") == []
    assert kept_of(home, "link-6.xlsx"), "the run's page names every file that was left"
