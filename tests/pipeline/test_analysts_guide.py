"""docs/analysts.md: every query runs on the published sample, and answers what stands beneath it."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from llr_pipeline.paths import PROJECT, Home

GUIDE = (PROJECT / "docs" / "analysts.md").read_text(encoding="utf-8")
ASKED = re.compile(r"^```sql\n(?P<query>.*?)^```\n(?:\n(?P<answer>\|.*?\n)\n)?", re.MULTILINE | re.DOTALL)
QUERIES = [(found["query"], found["answer"]) for found in ASKED.finditer(GUIDE)]
EMPTY_ON_THE_SAMPLE = ("core.nhs_beds", "core.nhs_discharges", "mart.layout_changes")


def as_shown(value: object) -> str:
    """A value as the guide writes it: 1697.0 is 1697, nothing is nothing."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def table(text: str) -> list[list[str]]:
    """The heads and rows of a Markdown table."""
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.strip().splitlines()]
    return [lines[0], *lines[2:]]


@pytest.mark.parametrize(("query", "answer"), QUERIES, ids=[query.split("\n")[0][:60] for query, _ in QUERIES])
def test_a_query_answers_what_stands_beneath_it(published, tmp_path, monkeypatch, query: str, answer: str | None):
    monkeypatch.chdir(tmp_path)  # one of them writes a file
    found = published.execute(query)
    rows = [[as_shown(value) for value in row] for row in found.fetchall()]
    if answer:
        assert [[column[0] for column in found.description], *rows] == table(answer)
    assert rows or any(name in query for name in EMPTY_ON_THE_SAMPLE)


def test_there_are_twelve_questions_and_most_show_their_answer():
    questions = re.findall(r"^### (\d+)\. .*\?$", GUIDE, re.MULTILINE)
    assert questions == [str(number) for number in range(1, 13)]
    assert sum(bool(answer) for _, answer in QUERIES) >= 14


def test_what_is_said_of_plans_that_disagree(published):
    """The words under the seventh question: what was planted in the sample, 12% fewer spells, is found at its cells."""
    (query,) = (query for query, _ in QUERIES if "provider_commissioner_activity" in query)
    row = published.execute(query).fetchone()
    year, left, right, difference, provider_file, provider_cells, commissioner_file, commissioner_cells = row
    assert (year, left, right, difference) == ("2018/19", 706, 621, 85)
    assert round(Decimal(706) * Decimal("0.88")) == 621
    assert (provider_file, commissioner_file) == ("2016-10_RWE_activity.xlsx", "2016-10_03W_activity.xlsx")
    assert [cell.split("!")[1] for cell in provider_cells] == ["L1881", "L2065"]
    assert [cell.split("!")[1] for cell in commissioner_cells] == ["L266"]


def test_the_python_of_the_guide_runs(sample_home: Home, tmp_path: Path):
    scripts = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "published").symlink_to(sample_home.published.parent)
    said = [
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for script in scripts
    ]
    assert "bed_capacity" in said[0]
    assert said[1] == "274 504\n"  # beds in two rounds: 548 figures, available and occupied; and the mart's rows


def test_the_days_when_returns_arrived_decide_what_was_in_use(published):
    """Everything of the sample arrives at once: a minute earlier nothing was known."""
    (arrived,) = published.execute("select min(received_at) from raw.submissions").fetchone()
    query = "select count(*) from returns_in_use_at(?::timestamp - to_minutes(?))"
    assert published.execute(query, [arrived, 1]).fetchone() == (0,)
    assert published.execute(query, [arrived, -60]).fetchone() == (84,)
