"""What the project stands on: declared once, used, and pinned with hashes."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from llr_pipeline.paths import PROJECT

ABOUT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
OURS = {"llr_pipeline", "assets"}
NOT_IMPORTED = {
    "dagster-webserver": "started by llr_pipeline/serving.py",
    "vl-convert-python": "draws Altair's PNG and SVG",
}


def distribution(requirement: str) -> str:
    """`vl-convert-python` from `vl_convert_python>=1.8`."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.\-]+", requirement)[0]).lower()


def imported() -> set[str]:
    """The top-level modules of others that our code imports."""
    found = set()
    for folder in OURS:
        for path in (PROJECT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.split(".")[0])
    return found - OURS - set(sys.stdlib_module_names)


def declared() -> set[str]:
    return {distribution(requirement) for requirement in ABOUT["dependencies"]}


def test_what_is_imported_is_declared():
    owners = {module: {distribution(name) for name in names} for module, names in packages_distributions().items()}
    missing = {module for module in imported() if not owners.get(module, set()) & declared()}
    assert not missing, f"imported, and not in pyproject.toml's dependencies: {sorted(missing)}"


def test_what_is_declared_is_used():
    owners = packages_distributions()
    used = {distribution(name) for module in imported() for name in owners.get(module, [])} | set(NOT_IMPORTED)
    assert not declared() - used, f"in pyproject.toml, and imported nowhere: {sorted(declared() - used)}"


def test_the_lock_pins_every_requirement_with_hashes():
    lines = re.sub(r"\s*\\\n\s*", " ", LOCK).splitlines()
    wrong = [
        line[:60] for line in lines
        if line.strip() and not line.lstrip().startswith("#")
        and not re.match(r"[\w.\-\[\]]+==\S+( ;.*?)? --hash=sha256:[0-9a-f]{64}", line)
    ]  # fmt: skip
    assert not wrong, f"requirements.lock: neither pinned nor hashed (run `make lock`): {wrong}"


def test_the_lock_names_no_index():
    address = re.compile(r"\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b|.*https?://")
    found = [line for line in LOCK.splitlines() if address.match(line)]
    assert not found, f"requirements.lock names where packages come from; that is for whoever installs: {found}"


def test_the_lock_holds_what_is_declared():
    pinned = {distribution(line) for line in LOCK.splitlines() if re.match(r"[a-zA-Z]", line)}
    wanted = declared() | {distribution(r) for rs in ABOUT["optional-dependencies"].values() for r in rs}
    assert not wanted - pinned, f"not in requirements.lock (run `make lock`): {sorted(wanted - pinned)}"


def test_every_dependency_has_its_reason():
    text = (PROJECT / "docs" / "decisions" / "0009-dependencies.md").read_text(encoding="utf-8")
    wanted = declared() | {distribution(r) for rs in ABOUT["optional-dependencies"].values() for r in rs}
    missing = sorted(name for name in wanted if not re.search(rf"(?<![\w-]){name}(?![\w-])", text))
    assert not missing, f"say in docs/decisions/0009-dependencies.md what these are for: {missing}"
