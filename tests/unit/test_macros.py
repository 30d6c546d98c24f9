"""The macros of `sql/macros.sql`, by hand."""

from __future__ import annotations

import duckdb
import pytest

from assets.workforce.inputs import is_few
from llr_pipeline.paths import SQL


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute((SQL / "macros.sql").read_text(encoding="utf-8"))
    return made


@pytest.mark.parametrize(
    ("formula", "by_hand"),
    [
        ("beds_by_rule(100000, 5.5, 365, 0.92)", 1638),  # 550,000 / 365 / 0.92 = 1,637.88
        ("beds_by_rule(100000, 5.5, 366, 0.92)", 1634),  # 550,000 / 366 / 0.92 = 1,633.40
        # 46,769 spells and 308,683 days counted as discharge - admission + 1: 261,914 nights are 780 beds, not 919
        ("beds_needed(mean_census(308683 - 46769, 365), 0.92)", 779.9702),
        ("beds_needed(mean_census(308683, 365), 0.92)", 919.2466),
        ("mean_census(366, 366)", 1.0),
        ("mean_census(10, 0)", None),
        ("beds_needed(10, 0)", None),
        ("beds_needed(null, 0.9)", None),
        ("implied_occupancy(99, 90)", 1.1),
        ("implied_occupancy(5, 0)", None),
        ("needed_beds_rounded(112.5)", 113),
        ("needed_beds_rounded(1697.0000000002)", 1697),
        ("needed_beds_rounded(null)", None),
        ("gbp_from_thousands(399.3)::varchar", "399300.00"),
        ("gbp_from_thousands(-0.00001)::varchar", "-0.01"),
        ("log_mean(100, 110)", 104.9206),  # 10 / ln 1.1 = 10 / 0.0953102
        ("log_mean(5, 5)", 5),
        # 243 / 1,940 = 12.526%, printed to a whole per cent
        ("published_verdict(12.526, 13, 1, 1e-9)", "equals the published figure"),
        ("published_verdict(12.526, 12, 1, 1e-9)", "equals the published figure when truncated"),
        ("published_verdict(12.526, 14, 1, 1e-9)", "differs from the published figure"),
        ("published_verdict(12.526, null, null, 1e-9)", "nothing published"),
        ("published_verdict(399.3e6 + 0.001, 399.3e6, 1e5, 0.005)", "equals the published figure"),
        ("log_mean(5, 0)", 0),
        ("log_mean(100, 92.4) * ln(1.10)", 9.164068),  # the bridge 100 x 1.10 x 1.05 x 0.80 = 92.4
        ("log_mean(100, 92.4) * ln(1.05)", 4.691172),
        ("log_mean(100, 92.4) * ln(0.80)", -21.455240),
        ("cell_reference('Beds', 'K57')", "Beds!K57"),
        ("cell_reference('Income and expenditure', 'K5')", "'Income and expenditure'!K5"),
        ("cell_reference('A sheet''s name', 'A1')", "'A sheet''s name'!A1"),
        ("cell_reference('Beds', null)", None),
        ("len(first_cells(range(20)::varchar[]))", 12),
        ("first_cells(['A1', null, 'A2'])", ["A1", "A2"]),
        ("largest_first([{'less': -1, 'cell': 'A1'}, {'less': -3, 'cell': 'A2'}])", ["A2", "A1"]),
        ("in_words(3200000, 'GBP')", "£3.20m"),
        ("in_words(-600000, 'GBP')", "-£600k"),
        ("in_words(900, 'GBP')", "£900"),
        ("in_words(19.5, 'beds')", "19.5 beds"),
        ("in_words(4727, 'spells')", "4,727 spells"),
        ("in_words(0.1204, 'share')", "12.0%"),
        ("in_words(null, 'beds')", None),
    ],
)
def test_a_formula_gives_the_sum_by_hand(connection, formula: str, by_hand: float | str | list[str] | None):
    (found,) = connection.execute(f"select {formula}").fetchone()
    assert found == (pytest.approx(by_hand, abs=5e-5) if isinstance(by_hand, float) else by_hand)


def test_the_workforce_words_keep_back_what_the_macro_does(connection):
    people = (0, 0.4, 4, 4.99, 5)
    macro = connection.execute(f"select {', '.join(f'is_small_number({count})' for count in people)}").fetchone()
    assert tuple(is_few(count) for count in people) == macro == (False, True, True, True, False)
