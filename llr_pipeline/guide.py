"""What the guides in `docs/` say of contracts, rules and who owes what, made from them.

`python -m llr_pipeline.guide` writes it anew between a page's marks, `<!-- name: start -->` and `<!-- name: end -->`;
the words around it are written by hand. It also writes the whole of `docs/dictionary/`, with examples from what the
home has published, or those that are there.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import Column, Sheet, contracts, templates
from llr_pipeline.dictionary import NAME, Entry, entries
from llr_pipeline.paths import PROJECT, Home, current_home

DOCS = PROJECT / "docs"
WIDTH = 120
DICTIONARY = (
    "Made from the contracts in sql/ by `python -m llr_pipeline.guide`: change them, not this page. The same, with an "
    "example of each column from the published rows, is `reference.dictionary`. The examples here are the sample's."
)
COLUMN_HEADS = ("column", "type", "unit", "what it holds, and what it may hold", "example")
DASH = {"zero": "0", "missing": "empty", "error": "a finding"}


def rewritten(name: str) -> str:
    """A page with each of its made parts made anew. Raises ValueError where a part's marks are not there once."""
    page = (DOCS / name).read_text(encoding="utf-8")
    for part, make in PARTS[name].items():
        start, end = f"<!-- {part}: start -->\n", f"<!-- {part}: end -->"
        before, rest = page.split(start)
        _, after = rest.split(end)
        page = f"{before}{start}{make()}\n{end}{after}"
    return page


def _owed() -> str:
    """Who owes what: organisations that owe the same stand together."""
    owed: dict[str, dict[str, list[str]]] = {}
    for row in read_reference().rows("expected_returns"):
        of_one = owed.setdefault(row["organisation_code"], {"round": [], "month": []})
        of_one[row["frequency"]].append(row["template"])
    together: dict[tuple[str, str], list[str]] = {}
    for code, templates_owed in owed.items():
        together.setdefault((", ".join(templates_owed["round"]), ", ".join(templates_owed["month"])), []).append(code)
    rows = [(", ".join(codes), *what) for what, codes in together.items()]
    return _table(("organisation", "each round", "each month"), rows)


def _sheets() -> str:
    """What each sheet asks for, in the words that the blank itself has."""
    parts = []
    for template in templates().values():
        asked = [_wrapped(_asked(sheet), indent="  ", first="- ") for sheet in template.sheets]
        parts.append(f"### {template.title} (`{template.name}`)\n\n{_wrapped(template.purpose)}\n\n" + "\n".join(asked))
    return "\n" + "\n\n".join(parts) + "\n"


def _asked(sheet: Sheet) -> str:
    said = [f"**{sheet.title}.** {sheet.help}"]
    if sheet.value:
        unit = f" ({sheet.value.unit})" if sheet.value.unit else ""
        said.append(f"Values: {sheet.value.description[0].lower()}{sheet.value.description[1:]}{unit}.")
    for words, needed in (("Needed on every line", True), ("As it applies", False)):
        if headings := _headings(column for column in sheet.attributes if column.required is needed):
            said.append(f"{words}: {headings}.")
    return " ".join(said)


def _dashes() -> str:
    """What a dash stands for, sheet by sheet: among the values and in the other columns."""
    rows = []
    for template in templates().values():
        for sheet in template.sheets:
            others: dict[str, list[Column]] = {}
            for column in sheet.attributes:
                others.setdefault(_dash_in(column), []).append(column)
            finding = others.pop(DASH["error"], [])
            named = [f"{meaning} in {_headings(columns)}" for meaning, columns in others.items()]
            rest = [DASH["error"] + (" in the others" if named else "")] if finding else []
            value = _dash_in(sheet.value) if sheet.value else "no values"
            rows.append((f"{template.title}: {sheet.title}", value, "; ".join(named + rest)))
    return _table(("sheet", "among the values", "in the other columns"), rows)


def _dash_in(column: Column) -> str:
    is_free_text = column.type == "varchar" and not column.list and not column.required and column.dash == "error"
    return "text" if is_free_text else DASH[column.dash]


def _rules() -> str:
    return _table(
        ("rule", "what was found", "severity", "refuses the file", "what to do"),
        [
            (f"`{row['rule']}`", row["title"], row["severity"], _yes(row), row["remedy"])
            for row in read_reference().rows("finding_rules")
        ],
    )


def _yes(rule: Mapping[str, str]) -> str:
    return "yes" if rule["is_refusal"] == "true" else "no"


def _headings(columns: Iterable[Column]) -> str:
    return ", ".join(column.header or column.name for column in columns)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


def _wrapped(text: str, *, indent: str = "", first: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def dictionary_pages() -> list[str]:
    """The names of the dictionary's pages: a layer each, but a subject each of the marts, of which there are most."""
    return list(dict.fromkeys(map(_page_of, entries())))


def _page_of(entry: Entry) -> str:
    return f"mart_{contracts()[entry.name].group}" if entry.layer == "mart" else entry.layer


def dictionary_page(name: str, examples: Mapping[tuple[str, str], str]) -> str:
    """One page: a table or macro after another, each column with an example where there is one."""
    found = [entry for entry in entries() if _page_of(entry) == name]
    wholes = [entry for entry in found if entry.kind != "column"]
    title = name.replace("_", " ").capitalize().replace("nhs", "NHS")
    parts = [f"# {title}\n\n{_wrapped(DICTIONARY)}"]
    for whole in wholes:
        said = [f"## `{whole.type or whole.name}`", whole.definition]
        if whole.source:
            said.append(f"Source: {whole.source}.")
        columns = [entry for entry in found if entry.kind == "column" and entry.name == whole.name]
        other = contracts()[whole.name].columns_of if whole.name in contracts() else None
        if other:
            said.append(f"Columns: those of [`{other}`](#{other.replace('.', '')}).")
        elif columns:
            rows = [_described(column, examples.get((whole.name, column.column_name), "")) for column in columns]
            said.append(_table(COLUMN_HEADS, rows))
        parts.append("\n\n".join(said))
    return "\n\n".join(parts) + "\n"


def _described(column: Entry, example: str) -> tuple[str, ...]:
    bounds = [
        f"{word} {limit:g}" for word, limit in (("from", column.minimum), ("to", column.maximum)) if limit is not None
    ]
    allowed = "; ".join(filter(None, [column.allowed, " ".join(bounds)]))
    name = f"`{column.column_name}`" + (" (key)" if column.is_key else "")
    words = column.definition + (f"; {allowed}" if allowed else "")
    return name, column.type or "", column.unit or "", _in_a_cell(words), f"`{_in_a_cell(example)}`" if example else ""


def _in_a_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("`", "'")


def examples_on(page: str) -> dict[tuple[str, str], str]:
    """The examples that a page has: a run of the sample is not needed to write it anew."""
    found, name = {}, ""
    for line in page.splitlines():
        if line.startswith("## "):
            name = line[3:].strip("`")
        elif line.startswith("| `") and (shown := re.search(r"\| `([^`]*)` \|$", line)):
            found[name, line.split("`")[1]] = shown[1].replace("\\|", "|")
    return found


def published_examples(home: Home) -> dict[tuple[str, str], str]:
    """The examples in a home's published dictionary; none where nothing has been published."""
    import duckdb

    if not home.published.exists():
        return {}
    with duckdb.connect(str(home.published), read_only=True) as connection:
        rows = connection.execute(f"select name, column_name, example from {NAME} where example is not null").fetchall()
    return {(name, column): example for name, column, example in rows}


def dictionary_path(name: str) -> Path:
    return DOCS / "dictionary" / f"{name}.md"


PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "organisations.md": {"owed": _owed, "sheets": _sheets, "dashes": _dashes, "rules": _rules},
}

if __name__ == "__main__":
    for name in PARTS:
        (DOCS / name).write_text(rewritten(name), encoding="utf-8")
    fresh = published_examples(current_home())
    for name in dictionary_pages():
        path = dictionary_path(name)
        path.parent.mkdir(exist_ok=True)
        kept = examples_on(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(dictionary_page(name, kept | fresh), encoding="utf-8")
