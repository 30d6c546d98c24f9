"""What a publication says of itself: by which run and code, from which returns, with which seeds.

The files and tables of the edition are added where it is made (`editions.py`).
"""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from typing import Any

import duckdb

from llr_pipeline.documents import rows_of
from llr_pipeline.paths import PROJECT, SQL
from llr_pipeline.reports import code
from llr_pipeline.warehouse import folder_fingerprint, now, schema_version

INPUTS = """
select submission_id, sha256, file_name, status, template, organisation_code, period, received_at
from raw.submissions
order by arrival_number
"""
ACTIONS = "select submission_id, action, acted_by, acted_at, reason, run_id from raw.actions order by all"
SIMULATIONS = """
select round, parameter, applies_to, central_value as value
from core.assumptions_current
where subject = 'simulation'
order by all
"""


def account(connection: duckdb.DuckDBPyConnection, *, run_id: str) -> dict[str, Any]:
    """The run, the code, the returns and what was done to them, the simulations' runs and seeds; times are UTC."""
    return {
        "published_at": now(),
        "run_id": run_id,
        "schema_version": schema_version(connection),
        "duckdb_version": duckdb.__version__,
        "code": {"version": version("llr-pipeline"), "fingerprint": code_fingerprint(), "commit": commit()},
        "inputs": rows_of(connection, INPUTS),
        "actions": rows_of(connection, ACTIONS),
        "simulations": _if_there(connection, SIMULATIONS),
    }


def code_fingerprint() -> str:
    """Changes with any module, SELECT, contract or list of the project."""
    return f"{code()} {folder_fingerprint('sql', [path for path in SQL.rglob('*') if path.is_file()])}"


def commit() -> str | None:
    """The checkout's commit, with -dirty where files differ from it; None where there is no checkout or no git."""
    try:
        asked = ["git", "-C", str(PROJECT), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _if_there(connection: duckdb.DuckDBPyConnection, select: str) -> list[dict[str, Any]]:
    """The rows; none where part of the pipeline ran and their table has not been made."""
    try:
        return rows_of(connection, select)
    except duckdb.CatalogException:
        return []
