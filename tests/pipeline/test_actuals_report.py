"""The report on what happened, after a run on the sample without published files: KH03's kept series and the plan."""

from __future__ import annotations

import duckdb

from assets.reports.actuals import actuals
from llr_pipeline.documents import Document
from llr_pipeline.reports import about, document_metadata
from tests.unit.mart_tables import make, mart_warehouse

NAME = "University Hospitals of Leicester NHS Trust"


def titled(document: Document, beginning: str):
    return next(table.frame for table in document.tables if table.title.startswith(beginning))


def test_published_beds_stand_beside_those_planned(published: duckdb.DuckDBPyConnection):
    """KH03 of 2015/16 has 1,494.1 beds available and 1,301.2 occupied at Leicester's hospitals."""
    found = published.execute(
        "select series, beds from report.actuals where organisation_code = 'RWE' and financial_year = '2015/16' "
        "and not is_plan order by series"
    ).fetchall()
    assert found == [("published_available", 1494.1), ("published_occupied", 1301.2)]


def test_the_page_says_what_was_occupied_and_subtracts_no_two_definitions(published: duckdb.DuckDBPyConnection):
    document = actuals(published)
    assert document.title == f"Plan against actuals: {NAME}"
    assert document.summary.startswith(
        "**Nothing planned for the years after 2015/16 can be compared with what happened yet.** Of "
    )
    assert "1,301 of 1,494 beds in 2015/16" in document.summary
    (chart,) = document.charts
    assert "the plan's own count; 1,697 in 2020/21" in chart.alt
    table = titled(document, "The plan beside")
    plan = table[table["Planned"].str.contains("the plan's own count")]
    assert len(plan) > 0
    assert plan["Difference"].isna().all()
    compared = table[table["Difference"].notna()]
    assert set(compared["Published as"]) == {"KH03 general and acute, overnight"}
    assert set(compared["Difference"]) == {0.0}  # the return's base year is that which was published


def test_the_chart_is_the_first_image_of_the_asset_page_and_shows_inline(published: duckdb.DuckDBPyConnection):
    text = document_metadata("run", "actuals", about(actuals(published)))["summary"].value
    assert len(text) < 1000
    assert text.count("![") == 1
    assert "actuals/beds_rwe.svg)" in text


def test_every_pair_of_definitions_is_on_the_page_with_a_reason(published: duckdb.DuckDBPyConnection):
    pairs = titled(actuals(published), "What is compared")
    assert set(pairs["Subtracted"]) == {"yes", "no"}
    assert pairs["Why"].notna().all()


def test_each_trust_with_a_whole_year_has_a_chart_and_a_year_in_between_is_a_gap():
    """RT5 with files of 2016/17 and 2018/19, and none of the year between: three rows, one without beds."""
    quarters = [
        {"organisation_code": "RT5", "quarter": f"{year} Q{n}", "sector": "general_acute",
         "bed_definition": "kh03_general_acute", "available_beds": 240, "occupied_beds": 220}
        for year in ("2016/17", "2018/19") for n in range(1, 5)
    ]  # fmt: skip
    connection = mart_warehouse(core__nhs_beds_current=quarters)
    connection.execute("delete from reference.kh03_outturn where financial_year > '2016/17'")
    for name in ("mart.nhs_bed_years", "mart.plan_against_actuals"):
        make(connection, name)
    rows = make(connection, "report.actuals")
    beds = [(row["financial_year"], row["beds"]) for row in rows
            if row["organisation_code"] == "RT5" and row["series"] == "published_available"]  # fmt: skip
    assert beds == [("2016/17", 240), ("2017/18", None), ("2018/19", 240)]
    document = actuals(connection)
    assert [chart.name for chart in document.charts] == ["beds_rwe", "beds_rt5"]
    assert "Not received in full: 2017/18." in document.summary
