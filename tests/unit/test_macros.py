"""The macros of `sql/macros.sql`, by hand."""

from __future__ import annotations

import duckdb
import pytest

from llr_pipeline.paths import SQL


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute((SQL / "macros.sql").read_text(encoding="utf-8"))
    return made


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("beds_by_rule(100000, 5.5, 365, 0.92)", 1638),  # 550,000 / 365 / 0.92 = 1,637.88
        ("beds_by_rule(100000, 5.5, 366, 0.92)", 1634),  # 550,000 / 366 / 0.92 = 1,633.40
        # 46,769 spells and 308,683 days counted from admission to discharge: 308,683 - 46,769 = 261,914 nights
        ("beds_needed(mean_census(308683 - 46769, 365), 0.92)", 779.9702),
        ("beds_needed(mean_census(308683, 365), 0.92)", 919.2466),
        ("mean_census(10, 0)", None),
        ("beds_needed(10, 0)", None),
        ("implied_occupancy(11, 10)", 1.1),
        ("log_mean(100, 110)", 104.9206),  # 10 / ln 1.1 = 10 / 0.0953102
        ("log_mean(5, 5)", 5),
        ("log_mean(5, 0)", 0),
        ("log_mean(100, 92.4) * ln(1.10)", 9.164068),  # the bridge 100 x 1.10 x 1.05 x 0.80 = 92.4
        ("log_mean(100, 92.4) * ln(1.05)", 4.691172),
        ("log_mean(100, 92.4) * ln(0.80)", -21.455240),
    ],
)
def test_a_formula_gives_the_sum_by_hand(connection, formula, expected):
    (found,) = connection.execute(f"select {formula}").fetchone()
    assert found is None if expected is None else float(found) == pytest.approx(expected, abs=5e-5)
