"""One name, three places: a table's `.sql` (or `.csv`), its `.toml` and its asset; nothing without the others."""

from __future__ import annotations

import re

import dagster as dg
import pytest

from llr_pipeline import raw_tables
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import contracts
from llr_pipeline.definitions import defs
from llr_pipeline.paths import PROJECT, SQL
from llr_pipeline.steps import PIPELINE_OWN

GRAPH = defs.resolve_asset_graph()
ASSETS = {".".join(key.path) for key in GRAPH.get_all_asset_keys() if GRAPH.get(key).is_materializable}
DICTIONARY = dg.AssetKey(["reference", "dictionary"])  # describes every table, and so stands on all
SOURCES = {"reference": ".csv", "core": ".sql", "mart": ".sql", "report": ".sql"}


def files(layer: str, suffix: str) -> set[str]:
    return {f"{layer}.{path.stem}" for path in (SQL / layer).glob(f"*{suffix}")}


@pytest.mark.parametrize("layer", SOURCES)
def test_every_table_has_its_source_its_contract_and_its_asset(layer):
    source, contract = files(layer, SOURCES[layer]), files(layer, ".toml")
    made = {name for name in contract if contracts()[name].made_by}
    assert not made & source, f"made by a SELECT and by Python: {sorted(made & source)}"
    source |= made
    asset = {name for name in ASSETS if name.startswith(f"{layer}.")}
    wanted = {
        f"sql/{layer}/*{SOURCES[layer]}": source,
        f"sql/{layer}/*.toml": contract,
        "an asset (a line in the subject's module in assets/)": asset,
    }
    lacking = [
        f"{name}: lacks {what}" for name in sorted(source | contract | asset) for what, has in wanted.items()
        if name not in has
    ]  # fmt: skip
    assert not lacking, "\n".join(lacking)


def test_every_raw_table_has_an_asset_and_every_raw_asset_a_contract():
    promised = {f"raw.{name}" for name in raw_tables.raw_descriptions()} - set(PIPELINE_OWN)
    found = {name for name in ASSETS if name.startswith("raw.")}
    assert promised == found, f"sql/raw/*.toml and the assets differ in {sorted(promised ^ found)}"


def test_there_is_no_sql_file_outside_the_layers():
    known = {
        "macros.sql",
        "lineage.sql",
        *(str(p.relative_to(SQL)) for layer in SOURCES for p in (SQL / layer).glob("*.*")),
    }
    known |= {str(path.relative_to(SQL)) for path in (SQL / "raw").glob("*.toml")}
    found = {str(path.relative_to(SQL)) for path in SQL.rglob("*") if path.is_file()}
    assert found == known, f"in sql/, and in none of its layers: {sorted(found - known)}"


def test_what_a_table_stands_on_is_made_here():
    orphans = [key.to_user_string() for key in GRAPH.get_all_asset_keys() if not GRAPH.get(key).is_materializable]
    assert not orphans, f"read by a SELECT or named as an input, and made by no asset: {sorted(orphans)}"


def test_layers_only_read_downwards():
    order = ["reference", "raw", "core", "mart", "report", "published"]
    wrong = [
        f"{key.to_user_string()} reads {upstream.to_user_string()}"
        for key in GRAPH.get_all_asset_keys()
        for upstream in GRAPH.get(key).parent_keys
        if key != DICTIONARY and order.index(upstream.path[0]) > order.index(key.path[0])
    ]
    assert not wrong, "\n".join(wrong)


def test_a_contract_is_named_once():
    assert {name: contract.name for name, contract in contracts().items()} == {name: name for name in contracts()}
    assert dg.AssetKey(["published", "llr"]) in GRAPH.get_all_asset_keys()


def test_every_finding_has_a_rule_and_every_rule_is_used():
    rules = {row["rule"] for row in read_reference().rows("finding_rules")}
    code = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "llr_pipeline").glob("*.py"))
    named = set(re.findall(r'(?:findings\.add|_add|Misread|Unreadable|_not_read)\(\s*"(\w+)"', code))
    assert named <= rules, f"found, and no row of sql/reference/finding_rules.csv: {sorted(named - rules)}"
    unused = sorted(rule for rule in rules if f'"{rule}"' not in code)
    assert not unused, f"in sql/reference/finding_rules.csv, and never found: {unused}"


def test_what_computes_a_table_is_there():
    """Its code is in the table's fingerprint: tables that older code made are not published beside newer ones."""
    lacking = [
        f"{name}: {path}" for name, contract in contracts().items() for path in contract.made_by
        if not (PROJECT / path).exists()
    ]  # fmt: skip
    assert not lacking, f"made_by names what is not there: {lacking}"
