"""Trusts among their peers: a month that two publications hold is counted once, as last published."""

from __future__ import annotations

import duckdb
import pytest

from llr_pipeline.contracts import contracts
from llr_pipeline.paths import SQL

READ = ("core.nhs_beds", "core.nhs_sitrep", "core.nhs_emergency", "core.nhs_discharges", "core.nhs_absence")


@pytest.fixture
def connection():
    with duckdb.connect() as made:
        made.execute("create schema core; create schema reference")
        for name in (*READ, "reference.organisations"):
            columns = ", ".join(f"{column.name} {column.type}" for column in contracts()[name].columns)
            made.execute(f"create table {name} ({columns})")
        for name in READ:
            made.execute(f"create view {name}_current as select * from {name}")
        made.execute(
            "insert into reference.organisations (organisation_code, organisation_kind) values ('RWE', 'acute')"
        )
        yield made


def absence(connection, submission_id: str, published_on: str, lost_days: float) -> None:
    connection.execute(
        "insert into core.nhs_absence (submission_id, organisation_code, month, organisation_kind, published_on, "
        "available_days, lost_days) values (?, 'RWE', '2024-04', 'Acute', ?, 1000, ?)",
        [submission_id, published_on, lost_days],
    )


def test_a_month_in_two_publications_counts_as_last_published(connection):
    """A file of April, then one of April to August that revises it: 50 of 1,000 days and not 40, nor both."""
    absence(connection, "b", "2024-08-22", 40)
    absence(connection, "a", "2024-12-19", 50)
    select = (SQL / "mart" / "peer_comparison.sql").read_text(encoding="utf-8")
    found = connection.execute(f"select period, organisation_code, value_share, peers from ({select})").fetchall()
    assert found == [("2024-04", "RWE", 0.05, 1)]
