"""The definitions load, are described, run in one process, and stay quick to import."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import dagster as dg
import pytest

from llr_pipeline.automation import JOB
from llr_pipeline.definitions import defs

GRAPH = defs.resolve_asset_graph()
KEYS = sorted(GRAPH.get_all_asset_keys(), key=str)
HEAVY = ("altair", "vl_convert", "openpyxl", "scipy")  # only some steps need them: import them inside those


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.to_user_string())
def test_an_asset_says_what_it_is(key):
    node = GRAPH.get(key)
    assert node.description, f"{key.to_user_string()} has no description: fill it in its contract"
    assert node.group_name not in (None, "default"), f"{key.to_user_string()} has no group: fill it in its contract"
    assert node.kinds, f"{key.to_user_string()} has no kinds"


def test_the_job_covers_every_asset():
    inside = defs.resolve_job_def(JOB).asset_layer.selected_asset_keys
    assert not set(KEYS) - set(inside), f"not in the job {JOB}: {sorted(map(str, set(KEYS) - set(inside)))}"


def test_everything_runs_in_one_process():
    """The warehouse has one writer: see docs/decisions/0001."""
    assert defs.executor is dg.in_process_executor
    assert defs.resolve_job_def(JOB).executor_def is dg.in_process_executor


def test_every_table_has_a_blocking_check():
    """A table whose contract is broken stops what stands on it, and nothing is published."""
    blocking = {key.asset_key for key in GRAPH.asset_check_keys if GRAPH.get_check_spec(key).blocking}
    tables = {key for key in KEYS if key.path[0] in ("reference", "core", "mart", "report")}
    assert not tables - blocking, (
        f"without a blocking check: {sorted(key.to_user_string() for key in tables - blocking)}"
    )


def test_automation_names_the_job_and_the_time_zone():
    for schedule in defs.schedules or []:
        assert schedule.execution_timezone == "Europe/London", f"{schedule.name}: cron is in UTC unless a zone is named"
    assert {sensor.name for sensor in defs.sensors or []} >= {"inbox", "run_failed"}


def test_loading_the_definitions_is_light():
    """The web server, the daemon and every run import them: what is heavy waits until it is used."""
    code = "import json, sys, llr_pipeline.definitions; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    found = [name for name in HEAVY if name in loaded]
    assert not found, (
        f"loading llr_pipeline.definitions imports {found}: import them inside the function that needs them"
    )


def test_the_command_starts_lightly():
    """`llr --help` and `llr check` are typed by people who wait."""
    code = "import json, sys, llr_pipeline.cli; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    found = [name for name in (*HEAVY, "dagster", "pandas") if name in loaded]
    assert not found, f"loading llr_pipeline.cli imports {found}: import them inside the command that needs them"


def test_everything_in_the_catalogue_says_what_it_is_whose_and_for_whom():
    nodes = list(defs.resolve_asset_graph().asset_nodes)
    silent = [n.key.to_user_string() for n in nodes if not n.description or not n.group_name or not n.kinds]
    assert not silent, f"without a description, a group or a kind: {silent}"
    assert {n.key.path[0] for n in nodes if n.tags["for"] == "managers"} == {"report"}
    assert all(len(n.owners) == 1 for n in nodes)


def test_a_report_says_first_what_it_answers():
    """In plain words: a list of assets shows the beginning of a description as it stands, marks and addresses too."""
    nodes = [n for n in defs.resolve_asset_graph().asset_nodes if "html" in n.kinds]
    assert len(nodes) == 9
    for node in nodes:
        asks, *_ = node.description.split("\n\n")
        assert re.fullmatch(r"[A-Z][^*`<>\[\]()]*\?", asks), node.key
