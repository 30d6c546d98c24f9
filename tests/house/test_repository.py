"""The repository speaks of the product alone: no machine's folders, no package index, nothing about how it was made."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

from llr_pipeline.paths import PROJECT

SKIPPED = {".venv", "data", ".git", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis", "dist", "build"}
BINARY = {".xlsx", ".xlsm", ".xls", ".png", ".parquet", ".duckdb", ".gz", ".zip", ".pyc", ".ico", ".woff2"}
# what must not be said -> why
FORBIDDEN = {
    r"(?<![\w.:/])/(?:work|root|Users|home)/\w": "a folder of one machine; write a path relative to the project",
    r"(?i)(?<!emit-)index[-_]url[ =]+\S|pypi\.org/simple|files\.pythonhosted\.org": "a package index",
    r"\b(?:TODO|FIXME)\b": "unfinished work; finish it or leave it out",
    r"(?i)\bissues? #\d|\bpull request #?\d|\bcommit [0-9a-f]{7,40}\b": "a ticket or a commit; say the reason itself",
    r"(?i)\bco-authored-by\b|\b(?:generated|written|made) (?:by|with) (?:an? )?(?:ai|llm|assistant|agent|model)\b":
        "how it was written",
    r"(?i)\b(?:llms?|chatbots?|language models?|sub-?agents?|system prompts?)\b": "how it was written",
    r"(?i)(?<!user )(?<!user-)\bagents?\b": "how it was written; staff are agency staff",
    r"(?i)\b(?:this|last|next|previous|earlier|another|working|coding) session\b": "how it was written",
    r"(?i)\b(?:another|my|the|a) helpers?\b": "how it was written",
    r"(?i)\b(?:the brief|the task) (?:asks|says|wants|requires)\b|\bas (?:the user )?(?:asked|requested|instructed)\b":
        "how it was written",
    r"\b(?:HOUSE|ANCHORS|METHODS)\.md\b": "a design note that is not in the project; see docs/",
}  # fmt: skip


@cache
def texts() -> tuple[tuple[Path, str], ...]:
    """Every text file of the project but this one, which says what must not be said."""
    found = []
    for folder, folders, files in os.walk(PROJECT):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.endswith(".egg-info"))
        for path in (Path(folder, name) for name in sorted(files)):
            if path.suffix not in BINARY and path != Path(__file__):
                found.append((path.relative_to(PROJECT), path.read_text(encoding="utf-8", errors="replace")))
    return tuple(found)


@pytest.mark.parametrize(("pattern", "why"), FORBIDDEN.items(), ids=range(len(FORBIDDEN)))
def test_nothing_is_said_that_does_not_belong(pattern: str, why: str):
    found = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        if path.name != "requirements.lock"
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not found, f"{why}:\n" + "\n".join(found)


def test_every_file_ends_with_one_line_end_and_has_no_carriage_returns():
    wrong = [str(path) for path, text in texts() if text and (not text.endswith("\n") or "\r" in text)]
    assert not wrong, f"end the file with a newline, lines with \\n alone: {wrong}"


def test_there_is_no_file_that_grows_too_large_to_read():
    large = [
        f"{path} ({len(text):,} characters)" for path, text in texts()
        if len(text) > 100_000 and path.name != "requirements.lock"
    ]  # fmt: skip
    assert not large, f"data belongs in a home or is made by a program: {large}"


def test_no_folder_takes_a_name_of_others():
    """`sql` is a package of another distribution, and dg would look in `src`."""
    assert not (PROJECT / "sql" / "__init__.py").exists(), "sql/ is no package: remove sql/__init__.py"
    assert not (PROJECT / "src").exists(), "there is no src/ folder: packages stand in the project's root"
