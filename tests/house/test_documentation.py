"""Documentation is true: what it tells people to type works, and everything there is to know by name is in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from llr_pipeline.cli import main
from llr_pipeline.contracts import templates
from llr_pipeline.definitions import defs
from llr_pipeline.guide import PARTS, dictionary_page, dictionary_pages, dictionary_path, examples_on, rewritten
from llr_pipeline.paths import PROJECT

PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
ENVIRONMENT = re.compile(r"\bLLR_[A-Z_]*[A-Z]\b")
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def read(name: str) -> str:
    path = PROJECT / name
    assert path.exists(), f"{name} is missing"
    return path.read_text(encoding="utf-8")


def commands(text: str, program: str) -> Iterator[list[str]]:
    """The lines of the page's code blocks, and its `inline code`, that start this program: their words after it."""
    lines = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    for line in lines:
        found = re.match(rf"\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/bin/)?{program}(?: (.*))?$", line)
        if found:
            yield shlex.split(found[1] or "", comments=True)


each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))


@each_page
def test_llr_commands_are_real(path: Path):
    """Each is parsed as `llr` parses it, and not run. Words in capitals or brackets stand for something."""
    for words in commands(path.read_text(encoding="utf-8"), "llr"):
        said = f"{path.relative_to(PROJECT)}: llr {' '.join(words)}"
        if not words or words[0].startswith("-"):
            continue
        assert words[0] in main.commands, f"{said}: there is no such command; there are {', '.join(main.commands)}"
        command = main.commands[words[0]]
        if any(re.search(r"[<\[…]|\.\.\.|^[A-Z_]{4,}$", word) for word in words):
            known = {option for parameter in command.params for option in parameter.opts}
            unknown = [w for w in words[1:] if w.startswith("-") and w.split("=")[0] not in known | {"--help", "-h"}]
            assert not unknown, f"{said}: no option {unknown}"
        elif len(words) > 1:
            try:
                command.make_context(words[0], words[1:], resilient_parsing=False)
            except click.exceptions.Exit:
                pass
            except click.UsageError as error:
                pytest.fail(f"{said}: {error.format_message()}")


@each_page
def test_make_targets_are_real(path: Path):
    targets = set(re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.MULTILINE))
    for words in commands(path.read_text(encoding="utf-8"), "make"):
        unknown = [word for word in words if "=" not in word and word not in targets]
        assert not unknown, f"{path.relative_to(PROJECT)}: make {' '.join(words)}: the Makefile has {sorted(targets)}"


@each_page
def test_links_lead_somewhere(path: Path):
    text = path.read_text(encoding="utf-8")
    for link in (one or other for one, other in LINK.findall(BLOCK.sub("", text))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, heading = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{path.relative_to(PROJECT)}: {link} leads nowhere"
        if heading and target.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            known = {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in headings}
            assert heading in known, f"{path.relative_to(PROJECT)}: {link}: no such heading; there are {sorted(known)}"


def test_every_command_is_documented():
    said = {words[0] for path in PAGES for words in commands(path.read_text(encoding="utf-8"), "llr") if words}
    missing = sorted(set(main.commands) - said)
    assert not missing, f"in no page: {', '.join(f'llr {name}' for name in missing)}"


def test_every_environment_variable_is_in_operations():
    files = [*(PROJECT / "llr_pipeline").rglob("*"), *(PROJECT / "assets").rglob("*")]
    files = [path for path in files if path.suffix in (".py", ".yaml", ".jinja")]
    used = {name for path in files for name in ENVIRONMENT.findall(path.read_text(encoding="utf-8"))}
    said = set(ENVIRONMENT.findall(read("docs/operations.md")))
    assert not used - said, f"say in docs/operations.md what these do: {sorted(used - said)}"
    assert not said - used, f"docs/operations.md names variables that nothing reads: {sorted(said - used)}"


@pytest.mark.parametrize("name", dictionary_pages())
def test_the_dictionary_says_what_contracts_say(name: str):
    """The examples are those that are there: the sample is not run for a page."""
    page = dictionary_path(name).read_text(encoding="utf-8")
    made = dictionary_page(name, examples_on(page))
    assert made == page, f"{name}.md is behind: run `.venv/bin/python -m llr_pipeline.guide`"


def test_the_dictionary_has_no_page_of_what_is_gone():
    found = {path.stem for path in dictionary_path("").parent.glob("*.md")}
    assert found == set(dictionary_pages())


def test_every_check_is_documented():
    text = " ".join(path.read_text(encoding="utf-8") for path in PAGES)
    checks = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    missing = sorted(name for name in checks if name not in text)
    assert not missing, f"say somewhere in docs/ what these checks hold: {missing}"


def test_the_job_its_schedule_and_its_sensors_are_in_operations():
    text = read("docs/operations.md")
    names = [one.name for one in (*(defs.jobs or []), *(defs.schedules or []), *(defs.sensors or []))]
    missing = [name for name in names if not re.search(rf"`{name}`", text)]
    assert not missing, f"not in docs/operations.md, as `name`: {missing}"


def test_every_template_is_in_the_organisations_guide():
    text = read("docs/organisations.md")
    missing = [name for name, template in templates().items() if name not in text and template.title not in text]
    assert not missing, f"not in docs/organisations.md: {missing}"


@pytest.mark.parametrize("page", PARTS)
def test_a_guide_says_what_contracts_and_rules_say(page: str):
    assert rewritten(page) == read(f"docs/{page}"), f"{page} is behind: run `.venv/bin/python -m llr_pipeline.guide`"


def test_every_macro_is_in_the_methods():
    text = read("docs/methods.md")
    names = re.findall(r"create or replace macro (\w+)", read("sql/macros.sql"))
    missing = [name for name in names if name not in text]
    assert not missing, f"say in docs/methods.md what these formulas are: {missing}"


def test_decisions_are_numbered_once_and_say_what_follows():
    pages = sorted((PROJECT / "docs" / "decisions").glob("*.md"))
    numbers = [path.name[:4] for path in pages]
    assert len(set(numbers)) == len(numbers), f"two decisions have one number: {numbers}"
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert re.match(rf"# {int(path.name[:4])}\. ", text), f"{path.name}: begin with “# {int(path.name[:4])}. …”"
        assert "**Decision.**" in text, f"{path.name}: say the decision in a paragraph that begins **Decision.**"


def test_the_glossary_is_in_order():
    words = [
        line.split("|")[1].strip().casefold() for line in read("docs/glossary.md").splitlines() if line[:2] == "| "
    ]
    assert words[1:] == sorted(words[1:]), "docs/glossary.md: put the words in alphabetical order"
    assert len(set(words)) == len(words), "docs/glossary.md: a word is there twice"
