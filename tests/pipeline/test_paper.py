"""Reports on paper: `llr pdf` with Debian's chromium, and what it says where it cannot print."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from llr_pipeline.cli import main
from llr_pipeline.paper import BROWSERS
from llr_pipeline.paths import Home

A4 = (595, 842)  # points: 210 by 297 mm, of 25.4 / 72 mm


@pytest.fixture
def printed(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The sample's home, which LLR_HOME names."""
    monkeypatch.setenv("LLR_HOME", str(sample_home.root))
    return sample_home


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="chromium is not installed: apt-get install chromium")
def test_a_report_is_printed_on_a4_and_an_older_print_replaced(printed: Home, tmp_path: Path) -> None:
    (tmp_path / "claims.pdf").write_text("older")
    said = CliRunner().invoke(main, ["pdf", "claims", "--into", str(tmp_path)])
    assert said.exit_code == 0, said.output
    content = (tmp_path / "claims.pdf").read_bytes()
    assert said.output == f"{tmp_path / 'claims.pdf'}  {len(content) / 1000:,.0f} kB\n"
    assert content.startswith(b"%PDF-")
    sizes = {
        tuple(round(float(n)) for n in found.split()) for found in re.findall(rb"/MediaBox \[0 0 ([\d. ]+)\]", content)
    }
    assert sizes == {A4}
    assert [path.name for path in tmp_path.iterdir()] == ["claims.pdf"]


def test_a_name_that_is_no_reports_is_answered_with_those_that_are(printed: Home) -> None:
    said = CliRunner().invoke(main, ["pdf", "bed_capacty"])
    assert said.exit_code == 1
    assert said.output.startswith("Error: There is no report bed_capacty: there are actuals, bed_capacity, ")


def test_without_a_browser_or_a_report_it_says_what_to_do(
    printed: Home, home: Home, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LLR_HOME", str(home.root))
    said = CliRunner().invoke(main, ["pdf", "--into", str(tmp_path)])
    assert said.output == f"Error: There are no reports in {home.reports / 'latest'} yet: run `llr run` first.\n"
    monkeypatch.setenv("LLR_HOME", str(printed.root))
    monkeypatch.setenv("PATH", str(tmp_path))
    said = CliRunner().invoke(main, ["pdf", "claims", "--into", str(tmp_path)])
    assert said.exit_code == 1
    assert said.output.startswith("Error: Neither chromium nor Chrome is installed: install one")
