"""The recipes of CONTRIBUTING.md, followed in a copy of the project: nothing else needs to be touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from llr_pipeline.paths import PROJECT

LOADED = """
import json
from llr_pipeline.contracts import templates
from llr_pipeline.definitions import defs
from llr_pipeline.paths import PROJECT

graph = defs.resolve_asset_graph()
node = next(graph.get(key) for key in graph.get_all_asset_keys() if key.path == ["mart", "bed_counts"])
checks = [key.name for key in graph.asset_check_keys if key.asset_key == node.key]
sheet = next(sheet for sheet in templates()["beds"].sheets if sheet.table == "beds")
print(json.dumps({
    "project": str(PROJECT), "reads": sorted(key.to_user_string() for key in node.parent_keys), "checks": checks,
    "group": node.group_name, "headers": next(c.headers for c in sheet.columns if c.name == "site_code"),
}))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's own code, to change."""
    for name in ("llr_pipeline", "assets", "sql"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} no longer has {old!r}: this test follows the recipe from there"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_table_is_two_files_and_a_line_and_a_header_spelling_is_one_word(copy):
    (copy / "sql" / "mart" / "bed_counts.sql").write_text(
        "-- One row per round: how many lines of beds there are.\n"
        "with\n\nbeds as (select * from core.beds_current)\n\n"
        "select\n    round,\n    count(*) as line_count,\nfrom beds\ngroup by all\n"
    )
    (copy / "sql" / "mart" / "bed_counts.toml").write_text(
        'description = "One row per round: lines of beds."\ngroup = "beds"\ngrain = ["round"]\n\n'
        '[columns.round]\nrequired = true\ndescription = "Planning round"\n\n'
        '[columns.line_count]\ntype = "bigint"\nunit = "lines"\nminimum = 0\ndescription = "Lines of beds"\n'
    )
    change(copy / "assets" / "beds" / "tables.py", "TABLES = [\n", 'TABLES = [\n    table("mart.bed_counts"),\n')
    change(copy / "sql" / "raw" / "beds.toml", 'headers = ["Site name", ', 'headers = ["Where", "Site name", ')

    environment = {**os.environ, "PYTHONPATH": str(copy)}
    command = [sys.executable, "-c", LOADED]
    ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr

    found = json.loads(ended.stdout)
    assert found["project"] == str(copy), "the copy was not what was loaded"
    assert found["reads"] == ["core/beds"]
    assert found["checks"] == ["keeps_its_contract"]
    assert found["group"] == "beds"
    assert "Where" in found["headers"]
