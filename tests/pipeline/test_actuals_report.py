"""The report on what happened, after a run on the sample without published files: KH03's kept series and the plan."""

from __future__ import annotations

import duckdb
import pytest

from assets.reports.actuals import actuals


def test_published_beds_stand_beside_those_planned(published: duckdb.DuckDBPyConnection):
    """KH03 of 2015/16 has 1,494.1 beds available and 1,301.2 occupied at Leicester's hospitals."""
    found = published.execute(
        "select series, beds from report.actuals where organisation_code = 'RWE' and financial_year = '2015/16' "
        "and not is_plan order by series"
    ).fetchall()
    assert found == [("published_available", 1494.1), ("published_occupied", 1301.2)]


def test_the_page_says_what_was_occupied_and_subtracts_no_two_definitions(published: duckdb.DuckDBPyConnection):
    document = actuals(published)
    assert document.title == "Plan against actuals: University Hospitals of Leicester NHS Trust"
    assert "1,301 of 1,494 beds in 2015/16" in document.summary
    (chart,) = document.charts
    assert "Planned: the plan's count" in chart.alt
    table = next(table.frame for table in document.tables if table.title.startswith("The plan beside"))
    plan = table[table["Planned as"] == "stp_acute"]
    assert len(plan) > 0
    assert plan["Difference"].isna().all()
    compared = table[table["Difference"].notna()]
    assert set(compared["Planned as"]) == {"kh03_general_acute"}
    differences = compared["Published"] - compared["Planned"]
    assert compared["Difference"].tolist() == pytest.approx(differences.tolist(), abs=0.11)
