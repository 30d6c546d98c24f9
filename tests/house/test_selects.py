"""Every SELECT under `sql/` is written one way, and DuckDB's parser can say what it reads."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from llr_pipeline.paths import PROJECT, SQL

SELECTS = sorted(path for layer in ("core", "mart", "report") for path in (SQL / layer).glob("*.sql"))
COMMENT_OR_TEXT = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\"[^\"]*\"")

each_select = pytest.mark.parametrize("path", SELECTS, ids=lambda path: f"{path.parent.name}/{path.name}")


def parse(select: str) -> dict[str, Any]:
    (text,) = duckdb.execute("select json_serialize_sql(?::varchar)", [select]).fetchone()
    return json.loads(text)


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a parse."""
    if isinstance(tree, dict):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(child)


def last_selects(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The SELECT that gives a statement's rows; each one of a union."""
    if node["type"] == "SET_OPERATION_NODE":
        for part in (node["left"], node["right"]):
            yield from last_selects(part)
    else:
        yield node


@each_select
def test_first_line_says_what_a_row_is(path: Path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("-- One row per "), f"{path}: begin with “-- One row per …”, not “{first}”"


@each_select
def test_it_is_one_select_that_duckdb_can_take_apart(path: Path):
    tree = parse(path.read_text(encoding="utf-8"))
    assert not tree["error"], f"{path}: {tree.get('error_message')} (a PIVOT cannot be taken apart)"
    assert len(tree["statements"]) == 1, f"{path}: holds {len(tree['statements'])} statements; one file, one SELECT"


@each_select
def test_every_table_is_named_with_its_schema(path: Path):
    """Dependencies are read from the SELECT: a table without its schema would be missed."""
    tree = parse(path.read_text(encoding="utf-8"))
    named = {entry["key"] for node in nodes(tree) if "cte_map" in node for entry in node["cte_map"]["map"]}
    read = {n["table_name"] for n in nodes(tree) if n.get("type") == "BASE_TABLE" and not n["schema_name"]}
    assert read <= named, f"{path}: write layer.table for {sorted(read - named)}"


@each_select
def test_the_last_select_names_its_columns(path: Path):
    tree = parse(path.read_text(encoding="utf-8"))
    for node in last_selects(tree["statements"][0]["node"]):
        stars = [column for column in node.get("select_list", []) if column["class"] == "STAR"]
        assert not stars, f"{path}: the last select has a *; name each column, keys then measures"


@each_select
def test_it_is_in_lower_case(path: Path):
    code = COMMENT_OR_TEXT.sub("", path.read_text(encoding="utf-8"))
    shouted = sorted(set(re.findall(r"\b\w*[A-Z]\w*\b", code)))
    assert not shouted, f"{path}: write keywords and names in lower case: {', '.join(shouted)}"


@each_select
def test_it_has_no_templating(path: Path):
    found = re.findall(r"\{\{|\{%|\bpivot\b", COMMENT_OR_TEXT.sub("", path.read_text(encoding="utf-8")))
    assert not found, f"{path}: plain SQL only, found {found}"


def test_macros_read_no_table():
    """What a SELECT reads would be hidden in a macro."""
    with duckdb.connect() as connection:
        try:
            connection.execute((SQL / "macros.sql").read_text(encoding="utf-8"))
        except duckdb.CatalogException as error:
            pytest.fail(f"sql/macros.sql: a macro reads a table; pass what it needs as arguments ({error})")
        macros = connection.execute(
            "select function_name, macro_definition from duckdb_functions() "
            "where function_type in ('macro', 'table_macro') and not internal"
        ).fetchall()
    assert macros, "sql/macros.sql defines no macro"
    for name, definition in macros:
        tree = parse(
            definition if definition.lower().startswith(("select", "with", "from")) else f"select {definition}"
        )
        read = [node["table_name"] for node in nodes(tree) if node.get("type") == "BASE_TABLE"]
        assert not tree["error"], f"macro {name}: {tree}"
        assert not read, f"macro {name} reads {read}: pass what it needs as arguments"


def test_no_select_asks_a_macro_that_reads_tables():
    """sql/lineage.sql is for analysts: what a table stands on is what its SELECT names."""
    names = re.findall(r"create or replace macro (\w+)", (SQL / "lineage.sql").read_text(encoding="utf-8"))
    assert names, "sql/lineage.sql defines no macro"
    asked = re.compile(rf"\b({'|'.join(names)})\(")
    wrong = {path.name: asked.findall(path.read_text(encoding="utf-8")) for path in (*SELECTS, SQL / "macros.sql")}
    assert not any(wrong.values()), f"read the tables themselves: { ({k: v for k, v in wrong.items() if v}) }"


def test_every_macro_says_its_units():
    text = "".join((SQL / name).read_text(encoding="utf-8") for name in ("macros.sql", "lineage.sql"))
    for comment, name in re.findall(r"((?:^--[^\n]*\n)*)create or replace macro (\w+)", text, flags=re.MULTILINE):
        assert "[" in comment, f"sql/*.sql: above {name}, state the formula with units in [brackets]"


def test_no_sql_is_put_together_in_assets():
    """A table is a file under `sql/`: no SELECT assembled from parts in Python."""
    offenders = []
    for path in sorted((PROJECT / "assets").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else None
            text = first.value.strip().lower() if isinstance(first, ast.Constant) else ""
            if text.startswith(("select ", "with\n", "create ", "insert ", "from ")) and " " in text:
                offenders.append(f"{path.relative_to(PROJECT)}:{node.lineno}")
    assert not offenders, f"move the SQL into a file under sql/, or pass values as parameters: {offenders}"
