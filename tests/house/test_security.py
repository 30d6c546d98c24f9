"""What docs/security.md says is held by what it names, and what no other test holds."""

from __future__ import annotations

import re

import pytest
import yaml

from llr_pipeline import serving
from llr_pipeline.paths import PROJECT

PAGE = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
PROTECTIONS = [
    line.strip("| ").split(" | ")
    for line in PAGE.split("## What protects it")[1].split("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| from |")
]


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda row: row[0])
def test_what_protects_is_held_by_a_test_or_a_file(protection: list[str]):
    named = re.findall(r"`([^`]+)`", protection[-1])
    assert named, f"{protection[0]}: name the test or the file that holds it"
    for name in named:
        path, _, test = name.partition("::")
        assert (PROJECT / path).is_file(), f"{protection[0]}: there is no {path}"
        if test:
            text = (PROJECT / path).read_text(encoding="utf-8")
            assert f"def {test}(" in text, f"{protection[0]}: there is no {name}"


def test_every_server_is_on_loopback():
    assert serving.ADDRESS == "127.0.0.1"
    for path in [*(PROJECT / "llr_pipeline").glob("*.py"), *(PROJECT / "docs" / "deploy").iterdir()]:
        assert "0.0.0.0" not in path.read_text(encoding="utf-8"), f"{path.name} listens to everybody"


def test_no_file_of_the_project_holds_a_secret():
    """Settings that may hold one are named in the code and the docs, and given a value nowhere."""
    for path in [*(PROJECT / "llr_pipeline").rglob("*.yaml"), *(PROJECT / "docs" / "deploy").iterdir()]:
        found = re.findall(r"(?i)(?:webhook|password|token|secret|key)\s*[:=]\s*\S+", path.read_text(encoding="utf-8"))
        assert not found, f"{path.name}: {found}"


def test_telemetry_is_off():
    settings = yaml.safe_load((PROJECT / "llr_pipeline" / "dagster.yaml").read_text(encoding="utf-8"))
    assert settings["telemetry"] == {"enabled": False}
