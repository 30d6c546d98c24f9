"""What the guides in `docs/` say of contracts, rules and who owes what, made from them.

`python -m llr_pipeline.guide` writes it anew between a page's marks, `<!-- name: start -->` and `<!-- name: end -->`.
The words around it are written by hand.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import Column, Sheet, contracts, templates
from llr_pipeline.paths import PROJECT

DOCS = PROJECT / "docs"
WIDTH = 120
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


def _tables(layer: str) -> str:
    """Every table of a layer: its description and its key."""
    rows = [
        (f"`{contract.name}`", contract.description, ", ".join(f"`{name}`" for name in contract.grain))
        for contract in sorted(contracts().values(), key=lambda contract: contract.name)
        if contract.layer == layer
    ]
    return _table(("table", "one row per …, and what to know", "key"), rows)


PARTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "organisations.md": {"owed": _owed, "sheets": _sheets, "dashes": _dashes, "rules": _rules},
    "analysts.md": {layer: partial(_tables, layer) for layer in ("reference", "core", "mart", "report")},
}

if __name__ == "__main__":
    for name in PARTS:
        (DOCS / name).write_text(rewritten(name), encoding="utf-8")
