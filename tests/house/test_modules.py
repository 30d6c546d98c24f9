"""The rules that hold a module: what it imports, what it speaks of, how long it is, and that it says what it is for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest

from llr_pipeline.definitions import defs
from llr_pipeline.paths import PROJECT
from llr_pipeline.raw_tables import READER_FILES

LINES_AT_MOST = 400
HOW, WHAT = PROJECT / "llr_pipeline", PROJECT / "assets"
MODULES = sorted([*HOW.rglob("*.py"), *WHAT.rglob("*.py")])
MAY_IMPORT_ASSETS = {"cli.py", "definitions.py"}
TEXT_SUFFIXES = {".py", ".html", ".jinja", ".j2", ".md", ".css", ".js", ".json", ".toml", ".txt"}
NOUNS = frozenset(
    re.findall(
        r"\w+",
        """
        bed beds ward wards pound pounds gbp nurse nurses nursing doctor doctors spell spells patient patients hospital
        hospitals wte headcount savings workforce kh03 sitrep sitreps cip qipp occupancy specialty specialties clinic
        clinics discharge discharges admission admissions trust trusts ccg ccgs stp
        """,
    )
)
WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every import of a module, those inside functions too: line and dotted name, `from a import b` as a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(PROJECT).parent.parts[: -node.level + 1 or None]) if node.level else ""
            module = ".".join(filter(None, [package, node.module]))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


@each_module
def test_a_module_says_what_belongs_in_it(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path}: begin with a docstring that says what belongs here and what does not"
    if path.name == "__init__.py":
        assert len(tree.body) == 1, f"{path}: only a docstring; wiring is done in llr_pipeline/definitions.py"


@each_module
def test_a_module_is_short(path: Path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_AT_MOST, f"{path}: {lines} lines; split it where its second idea begins"


@each_module
def test_a_module_has_a_noun_for_a_name(path: Path):
    empty = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "lib"}
    assert path.stem not in empty, f"{path}: name it after what it holds"


def test_paths_imports_nothing_of_ours():
    ours = [f"{name} (line {line})" for line, name in imports(HOW / "paths.py") if name.startswith(("llr_", "assets"))]
    assert not ours, f"llr_pipeline/paths.py imports {ours}"


def test_how_does_not_know_what():
    """Only the command line and the composition root import `assets`."""
    offenders = [
        f"{path.relative_to(PROJECT)}:{line} imports {name}"
        for path in HOW.rglob("*.py")
        if path.name not in MAY_IMPORT_ASSETS
        for line, name in imports(path)
        if name.split(".")[0] == "assets"
    ]
    assert not offenders, "\n".join(offenders)


def test_one_subject_does_not_import_another():
    """A table is referred to by its name. The sample's modules, which declare no table, import each other."""

    def subject(name: str) -> str:
        return name.split(".")[1] if "." in name else ""

    offenders = []
    for path in WHAT.rglob("*.py"):
        own = path.relative_to(WHAT).parts[0].removesuffix(".py")
        for line, name in imports(path):
            if name.split(".")[0] == "assets" and subject(name) != own:
                offenders.append(f"{path.relative_to(PROJECT)}:{line} imports {name}")
    assert not offenders, "refer to a table by its name, table('mart.x'):\n" + "\n".join(offenders)


def test_every_module_of_assets_is_loaded():
    """Nothing is orphaned: the keys of every module's TABLES are in the asset graph."""
    graph = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    for path in WHAT.rglob("*.py"):
        if path.name == "__init__.py" or path.is_relative_to(WHAT / "sample"):
            continue
        module = import_module(".".join(path.relative_to(PROJECT).with_suffix("").parts))
        made = [one for one in vars(module).values() if isinstance(one, dg.AssetsDefinition)]
        made += list(getattr(module, "TABLES", []))
        if path.parent == WHAT:
            assert made, f"{path}: makes no table; give it TABLES = [table(…)]"
        keys = {key.to_user_string() for one in made for key in one.keys}
        assert keys <= graph, f"{path}: {sorted(keys - graph)} not in llr_pipeline.definitions"


def test_the_readers_fingerprint_covers_the_reader():
    """When the reader changes, what was read before is read again: see docs/decisions/0007."""
    found, new = set(), {"reading"}
    while new:
        found |= new
        new = {
            name.split(".")[1]
            for module in new
            for _, name in imports(HOW / f"{module}.py")
            if name.startswith("llr_pipeline.")
        } - found
    found -= {"reading", "paths"}  # they start the reader and find its files; they read no cell
    assert found == set(READER_FILES), (
        f"READER_FILES in llr_pipeline/raw_tables.py differs in {found ^ set(READER_FILES)}"
    )


def test_how_speaks_of_no_subject():
    """`llr_pipeline/` is about files, tables and statistics: no noun of the field, not even in an example."""
    offenders = []
    for path in sorted(path for path in HOW.rglob("*") if path.suffix in TEXT_SUFFIXES):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = sorted({word.lower() for word in WORD.findall(line)} & NOUNS)
            if found:
                offenders.append(f"{path.relative_to(PROJECT)}:{number} says {', '.join(found)}: {line.strip()[:90]}")
    assert not offenders, "say it without the field's words, or move it to assets/ or sql/:\n" + "\n".join(offenders)
