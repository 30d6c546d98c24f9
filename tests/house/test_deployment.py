"""The service files start what there is, as an ordinary user, on paths that the documentation names."""

from __future__ import annotations

import shlex
from configparser import ConfigParser

import pytest

from llr_pipeline.cli import main
from llr_pipeline.paths import PROJECT

UNITS = sorted((PROJECT / "docs" / "deploy").glob("llr*.service"))
HARDENING = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
}


def sections(name: str) -> ConfigParser:
    """A unit file; of a key that is there twice, the last."""
    found = ConfigParser(strict=False, interpolation=None, delimiters="=")
    found.optionxform = str
    found.read(PROJECT / "docs" / "deploy" / name, encoding="utf-8")
    return found


@pytest.mark.parametrize("unit", [path.name for path in UNITS])
def test_a_service_is_hardened_and_runs_a_command_that_there_is(unit: str):
    service = sections(unit)["Service"]
    assert service["User"] == "llr"
    assert {key: service.get(key) for key in HARDENING} == HARDENING
    assert service["ReadWritePaths"].split()[0] == service["Environment"].removeprefix("LLR_HOME=")
    words = shlex.split(service["ExecStart"])
    words = shlex.split(words[2]) if words[0] == "/bin/sh" else words
    program = next(n for n, word in enumerate(words) if word.endswith("/bin/llr"))
    command = main.commands[words[program + 1]]
    command.make_context(words[program + 1], words[program + 2 :])


def test_a_timer_has_its_service_and_every_unit_is_in_operations():
    text = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    for path in (PROJECT / "docs" / "deploy").iterdir():
        assert f"`{path.name}`" in text, f"say in docs/operations.md what docs/deploy/{path.name} does"
        if path.suffix == ".timer":
            assert path.with_suffix(".service").exists(), f"{path.name} starts nothing"
            assert sections(path.name)["Timer"]["OnCalendar"]
