"""The bed capacity report: figures by hand, words, page and asset; and how any report is drawn and written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
import pytest

from assets.reports.bed_capacity import bed_capacity
from assets.reports.headlines import headlines
from assets.reports.tables import TABLES
from llr_pipeline.checks import check_contract
from llr_pipeline.contracts import contracts
from llr_pipeline.documents import Chart, Document, Table, number
from llr_pipeline.paths import SQL, Home
from llr_pipeline.raw_tables import create_tables
from llr_pipeline.reports import about, document_metadata, shortened, show_latest, write_document
from llr_pipeline.tables import Warehouse, load_reference
from llr_pipeline.warehouse import opened, prepare

TOTALS = contracts()["mart.bed_capacity_totals"]
RUNS = {"mean": 100, "p10": 50, "p50": 99, "p90": 150}  # what the runs need more than the central parameters
EQUAL, CUT = "equals the published figure", "equals the published figure when truncated"
# planned in 2015/16 and in 2020/21; needed in 2015/16, then in 2020/21 with nothing done and under the plan
ACUTE, COMMUNITY = (1940, 1697, 1857.6, 2013.9, 1656.9), (233, 195, 244.3, 267.3, 209.05)


READ = (
    "core.assumptions", "core.bed_schemes", "mart.bed_assumption_effects", "mart.bed_back_cast",
    "mart.bed_bridge_totals", "mart.bed_capacity_totals", "mart.bed_demand",
    "mart.bed_demand_quarter_totals",
    "mart.bed_demand_totals", "mart.bed_feasibility", "mart.bed_first_shortfalls", "mart.bed_scheme_effects",
    "mart.bed_transfer_ledger", "report.funding_gap", "report.workforce",
)  # fmt: skip


def fill(connection: duckdb.DuckDBPyConnection, returned: dict[str, dict[str, tuple[float, ...]]]) -> None:
    """The tables that the report reads, empty but for the totals of these rounds, as their own SELECT gives them."""
    for name in READ:
        columns = ", ".join(f"{column.name} {column.type}" for column in contracts()[name].columns)
        connection.execute(f"create or replace table {name} ({columns})")
        if name.startswith("core."):
            connection.execute(f"create or replace view {name}_current as select * from {name}")
    for round_, counts in returned.items():
        both = tuple(map(sum, zip(*counts.values(), strict=True)))
        for definition, (before, after, *needed) in {**counts, "stp_acute_and_community": both}.items():
            for scenario, method, need in [
                ("plan", "submitted", needed[2]),
                ("plan", "modelled", needed[2]),
                ("do_nothing", "modelled", needed[1]),
            ]:
                for year, planned, beds in [("2015/16", before, needed[0]), ("2020/21", after, need)]:
                    row = {
                        "round": round_, "scenario": scenario, "method": method, "bed_definition": definition,
                        "area": "system", "financial_year": year, "is_illustrative": True, "is_complete": True,
                        "mean_census_beds": beds * 0.9, "needed_beds": beds, "planned_beds": planned,
                        "headroom_beds": planned - beds, "needed_beds_rounded": math.ceil(beds),
                    }  # fmt: skip
                    if method == "modelled":
                        row |= {f"needed_beds_{name}_runs": beds + more for name, more in RUNS.items()}
                        row["shortfall_probability"] = 0.25
                    places = ", ".join("?" for _ in row)
                    connection.execute(
                        f"insert into {TOTALS.name} ({', '.join(row)}) values ({places})", list(row.values())
                    )


def build(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("bed_capacity", "headlines"):
        select = (SQL / "report" / f"{table}.sql").read_text(encoding="utf-8")
        connection.execute(f"create or replace table report.{table} as {select}")


def figures(connection: duckdb.DuckDBPyConnection, round_: str = "2016-11") -> dict[str, tuple]:
    found = connection.execute(
        "select headline_code, figure, published_figure, verdict from report.bed_capacity where round = ?", [round_]
    )
    return {code: rest for code, *rest in found.fetchall()}


@pytest.fixture(scope="module")
def reference() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        prepare(connection)
        load_reference(connection, run_id="test")
        yield connection


@pytest.fixture
def connection(reference: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    fill(reference, {})
    return reference


@pytest.fixture
def planned(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    earlier = {"stp_acute": (1940, 1672, 1857.6, 2034.1, 1632.2), "stp_community": COMMUNITY}
    fill(connection, {"2016-10": earlier, "2016-11": {"stp_acute": ACUTE, "stp_community": COMMUNITY}})
    build(connection)
    return connection


# the table


def test_figures_equal_those_published_or_say_how_they_do_not(planned):
    found = figures(planned)
    assert found["acute_beds_before"] == [1940, 1940, EQUAL]
    assert found["acute_beds_after"] == [1697, 1697, EQUAL]
    assert found["acute_beds_reduction"] == [243, 243, EQUAL]
    assert found["acute_beds_reduction_pct"] == [pytest.approx(12.5258, abs=1e-4), 12, CUT]
    assert found["community_beds_reduction"] == [38, 38, EQUAL]
    assert found["community_beds_reduction_pct"] == [pytest.approx(16.3090, abs=1e-4), 16, EQUAL]
    assert found["total_beds_after"] == [1892, 1892, EQUAL]
    # the press release's 13%, not the 12.9% of the briefing two years later
    assert found["total_beds_reduction_pct"] == [pytest.approx(12.9314, abs=1e-4), 13, EQUAL]


def test_needs_are_rounded_up_once_and_headroom_is_what_is_left(planned):
    found = figures(planned)
    assert found["acute_beds_needed_do_nothing"] == [2014, None, "nothing published"]
    assert found["acute_beds_headroom_plan"][0] == 1697 - 1657
    assert found["community_beds_headroom_plan"][0] == 195 - 210
    # 1656.9 + 209.05 = 1865.95: 1,866, though 1,657 and 210 are 1,867
    assert found["total_beds_needed_plan"][0] == 1866


def test_a_round_whose_plan_was_not_published_is_compared_with_nothing(planned):
    verdicts = {verdict for _, _, verdict in figures(planned, "2016-10").values()}
    assert verdicts == {"nothing published"}


def test_another_figure_differs(connection):
    fill(connection, {"2016-11": {"stp_acute": (1940, 1700, *ACUTE[2:]), "stp_community": COMMUNITY}})
    build(connection)
    assert figures(connection)["acute_beds_after"] == [1700, 1697, "differs from the published figure"]
    assert "Acute beds planned for 2020/21: 1,700, published as 1,697." in bed_capacity(connection).summary


def test_half_a_system_is_no_total(connection):
    fill(connection, {"2016-11": {"stp_acute": ACUTE}})
    build(connection)
    found = figures(connection)
    assert found["acute_beds_after"][0] == 1697
    assert found["community_beds_after"] == [None, 195, "not returned"]
    assert found["total_beds_after"] == [None, 1892, "not returned"]
    document = bed_capacity(connection)
    assert "The 2016-11 plan's community beds were not returned" in document.summary
    assert any(note.startswith("Some sites lack") for note in document.notes)


def test_the_tables_keep_their_contracts(planned):
    for name in ("report.bed_capacity", "report.headlines"):
        assert check_contract(planned, contracts()[name]).passed
    found = planned.execute("select report, position, round, figure, verdict from report.headlines").fetchall()
    assert found[0] == ("bed_capacity", 1, "2016-11", 1697, EQUAL)
    assert len(found) == 9


# the document


def test_the_summary_says_the_finding_first(planned):
    document = bed_capacity(planned)
    assert document.summary.split("\n\n") == [
        # 1,756.9 and 309.05 needed on average, rounded up: 1,757 - 1,697 and 310 - 195; a quarter of the runs are short
        "**The 1,697 acute beds planned for 2020/21 are too few in 250 of 1,000 simulated futures, by 60 on average, "
        "and the 195 community beds are too few in 250 of 1,000 simulated futures, by 115 on average.**",
        "The 2016-11 plan takes acute beds from 1,940 to 1,697 (243 fewer, 12.5%) and community beds from 233 to 195 "
        "(38 fewer, 16.3%).",
        "With its schemes delivered in full, the patients of 2020/21 need 1,657 acute beds (40 fewer than planned) "
        "and 210 community beds (15 more than planned). If schemes deliver what their senders are confident of, as "
        "late as assumed, they need 1,757 acute beds (1,707 to 1,807 in eight futures of ten) and 310 community beds "
        "(260 to 360 in eight futures of ten).",
        "11 of 12 figures equal those published. Fewer acute beds by 2020/21, as a share of those in 2015/16: 12.5%, "
        "published as 12%, cut short and not rounded.",
    ]
    assert document.notes[0].startswith("Illustrative below the published totals.")
    assert document.headlines["acute_beds_after"] == 1697


def test_a_plan_with_room_is_said_to_be_enough(connection):
    """1,756.9 are needed on average, 1,757 whole beds: of 1,900 planned 143 are to spare, in three quarters of runs."""
    fill(connection, {"2016-11": {"stp_acute": (1940, 1900, *ACUTE[2:])}})
    build(connection)
    assert bed_capacity(connection).summary.startswith(
        "**The 1,900 acute beds planned for 2020/21 are enough in 750 of 1,000 simulated futures, with 143 to spare on "
        "average.**\n\n"
    )


def test_the_first_shortfall_is_said_in_one_sentence(planned):
    """Of the plan's own years; what the base year lacked is said apart, and under its own name."""
    assert "First quarter" not in bed_capacity(planned).summary  # nothing was simulated
    quarters = ("2015/16 Q4", "2016/17 Q1", "2016/17 Q2")
    for definition, beds in (("stp_acute", (12, 10, 9)), ("stp_community", (11, 9, 12.5))):
        for quarter, needed in zip(quarters, beds, strict=True):
            planned.execute(
                "insert into mart.bed_demand_quarter_totals (round, scenario, area, planned_beds, "
                "shortfall_probability, bed_definition, quarter, needed_beds) "
                "values ('2016-11', 'plan', 'system', 10, 0, ?, ?, ?)",
                [definition, quarter, needed],
            )
    assert bed_capacity(planned).summary.split("\n\n")[3] == (
        "First quarter of the plan with too few beds, delivered in full: community beds in 2016/17 Q2, by 2.5 (and in "
        "1 of 4 quarters of 2015/16)."
    )
    planned.execute("delete from mart.bed_demand_quarter_totals where bed_definition = 'stp_acute'")
    assert "acute beds in" not in bed_capacity(planned).summary.split("\n\n")[3]


def test_moves_are_added_over_the_lines_of_a_scheme_and_averaged_over_the_year(planned):
    """Two lines of one scheme, 10 and 4 beds in each quarter of 2020/21: 14 beds, and all their spells."""
    for row, beds in ((5, 10), (6, 4)):
        for quarter in range(1, 5):
            planned.execute(
                "insert into mart.bed_transfer_ledger (round, scenario, scheme_code, sender_code, row_number, "
                "from_site_code, from_sector, destination, to_site_code, to_sector, quarter, moved_spells, "
                "arrived_spells, unallocated_spells, left_beds, arriving_beds) values ('2016-11', 'plan', 'M01', "
                "'RWE', ?, 'RWEAK', 'critical_care', 'beds', 'RWEAE', 'critical_care', ?, 100, 100, 0, ?, ?)",
                [row, f"2020/21 Q{quarter}", beds, beds],
            )
    table = next(table for table in bed_capacity(planned).tables if table.title == "Who moves where")
    (found,) = table.frame.to_dict("records")
    assert (found["Spells a year"], found["Beds left"], found["Beds arriving"]) == (800, 14, 14)


def test_the_page_of_the_sample_stands_alone_and_can_be_read_without_seeing(sample_home, published, tmp_path):
    made = bed_capacity(published)
    page = write_document(Home(tmp_path), "run1", "bed_capacity", made)
    text = page.read_text(encoding="utf-8")
    assert text.count("<h1>") == 1
    headings = re.findall(r"<h3[^>]*>(.*?)</h3>", text)
    assert headings == [shown.title for shown in (*made.charts, *made.tables)]
    assert [table.title for table in made.tables][:3] == [
        "Beds needed beside beds planned",
        "The plan beside what was published",
        "Where beds are first too few under the plan",
    ]
    assert [chart.name for chart in made.charts] == ["beds_by_quarter", "why_beds_change", "what_beds_hang_on"]
    assert 'role="img" aria-label="Line chart of beds by quarter. Acute beds in 2020/21 Q4, plan:' in text
    assert '<th scope="row">Acute beds planned for 2020/21</th><td class="number">1,697</td>' in text
    assert "Illustrative below" in text
    assert "Open Government Licence" in text
    assert text.count("<svg") == 3
    assert re.findall(r'(?:src|href)="(?!#)(.*?)"', text) == ["../../latest/index.html", "bed_capacity.xlsx"]
    assert page.stat().st_size < 2e6
    assert re.match(r'<svg [^>]*class="marks" viewBox="[\d ]+">', page.with_name("beds_by_quarter.svg").read_text())
    assert not (tmp_path / "reports/latest").exists()  # not before what it says is published
    show_latest(Home(tmp_path), {"bed_capacity": "run1"})
    assert (tmp_path / "reports/latest/bed_capacity/index.html").read_text(encoding="utf-8") == text
    assert (tmp_path / "reports/latest/bed_capacity/bed_capacity.xlsx").stat().st_size > 10_000


def test_the_waterfall_of_the_sample_is_the_bridge(published):
    """The bars of the chart are those of the table, moves between sites cancelled: 2,102.2 to 1,873.0."""
    waterfall = next(chart for chart in bed_capacity(published).charts if chart.name == "why_beds_change")
    (start, end, change) = published.execute(
        """
        select
            max(needed_beds) filter (where financial_year = '2015/16'),
            max(needed_beds) filter (where financial_year = '2020/21'),
            (
                select sum(change_beds) from mart.bed_bridge_totals
                where round = '2016-11' and scenario = 'plan' and area = 'system' and from_year = '2015/16'
                    and to_year = '2020/21' and bed_definition = 'stp_acute_and_community'
            ),
        from mart.bed_demand_totals
        where round = '2016-11' and scenario = 'plan' and area = 'system'
            and bed_definition = 'stp_acute_and_community'
        """
    ).fetchone()
    assert end - start == pytest.approx(change, abs=1e-9)
    assert f"Waterfall from {start:,.0f} beds needed in 2015/16 to {end:,.0f} in 2020/21" in waterfall.alt
    assert "REC02" not in waterfall.alt


def test_an_empty_warehouse_still_has_a_report(connection, tmp_path):
    build(connection)
    document = bed_capacity(connection)
    assert document.summary == "No beds return has been accepted yet."
    assert "No beds return has been accepted yet." in write_document(Home(tmp_path), "r", "b", document).read_text()


# the asset


def materialised(home: Home) -> dict:
    with opened(home) as connection:
        load_reference(connection, run_id="test")
        create_tables(connection)
        fill(connection, {"2016-11": {"stp_acute": ACUTE, "stp_community": COMMUNITY}})
    report = [asset for asset in TABLES if asset.key.path[1] == "bed_capacity"]
    result = dg.materialize(report, resources={"warehouse": Warehouse()})
    events = {event.asset_key.to_user_string(): event for event in result.get_asset_materialization_events()}
    found = events["report/bed_capacity"].materialization.metadata
    return {"run_id": result.run_id, **{key: value.value for key, value in found.items()}}


def test_the_asset_page_shows_summary_chart_and_numbers(tmp_path, monkeypatch):
    monkeypatch.setenv("LLR_HOME", str(tmp_path))
    monkeypatch.setenv("LLR_REPORTS_URL", "https://reports.example/")
    found = materialised(Home(tmp_path))
    address = f"https://reports.example/{found['run_id']}/bed_capacity"
    assert found["report"] == f"{address}/index.html"
    assert "(https://reports.example/latest/bed_capacity/bed_capacity.xlsx)" in found["latest"]
    assert "> Illustrative below the published totals." in found["summary"]
    assert len(found["summary"]) < 1000
    assert (found["acute_beds_after"], found["community_beds_headroom_plan"]) == (1697, -15)
    assert found["dagster/row_count"] == 33
    assert (tmp_path / "reports" / found["run_id"] / "bed_capacity/index.html").exists()


def test_the_headlines_stand_open_on_their_page(planned):
    """Under 1,000 characters a report, with nothing left out: nine figures of beds, among them 1,697."""
    (text,) = headlines(planned).values()
    assert len(text) < 1000
    assert "| Acute beds planned for 2020/21 | 1,697 beds |" in text  # as published: the plan's own
    assert "| Acute beds needed in 2020/21 if nothing is done | 2,014 beds \\* |" in text
    assert text.count("\n| ") == 9


# any report


def document(**changes) -> Document:
    return replace(Document(title="Counts <b>", summary="Two **things**.\n\n- one\n- two"), **changes)


def test_text_is_escaped_and_its_markdown_read(tmp_path):
    table = Table(
        "A < B", pd.DataFrame([{"Name": "<script>", "Count": 1234.5}, {"Name": "b", "Count": None}]), notes=["Things."]
    )
    text = write_document(Home(tmp_path), "r", "counts", document(tables=[table])).read_text(encoding="utf-8")
    assert "<h1>Counts &lt;b&gt;</h1>" in text
    assert "<p>Two <strong>things</strong>.</p>" in text
    assert "<ul><li>one</li><li>two</li></ul>" in text
    assert '&lt;script&gt;</th><td class="number">1,234.5</td>' in text
    assert '<td class="number">\N{EN DASH}</td>' in text


def test_a_document_that_fails_leaves_the_last_one(tmp_path):
    home = Home(tmp_path)
    first = write_document(home, "run1", "counts", document())
    before = first.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="Vega"):
        write_document(
            home, "run1", "counts", document(title="New", charts=[Chart("none", {}, "nothing", pd.DataFrame())])
        )
    assert first.read_text(encoding="utf-8") == before
    write_document(home, "run1", "counts", document(title="New"))
    show_latest(home, {"counts": "run1"})
    assert "New" in (home.reports / "latest/counts/index.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in Path(home.reports).rglob("*")) == [
        "about.json",
        "counts",
        "counts",
        "counts.xlsx",
        "counts.xlsx",
        "index.html",
        "index.html",
        "index.html",
        "latest",
        "run1",
    ]


def test_metadata_leaves_out_what_is_no_number():
    found = document_metadata("r", "counts", about(document(headlines={"a": 2.0, "b": None, "c": math.nan, "d": 0.5})))
    assert {key: found[key] for key in found if key not in ("summary", "latest", "report")} == {"a": 2, "d": 0.5}
    with pytest.raises(ValueError, match="not A b"):
        document(headlines={"A b": 1})


def test_a_long_summary_loses_its_last_paragraphs_never_its_links():
    assert shortened("a\n\nb" * 400, ends=["[x](y)"]).endswith("\n\n[x](y)")
    assert shortened("first\n\nsecond", ends=["link"], most=12) == "first\n\nlink"


def test_numbers_as_people_read_them():
    assert [number(n) for n in (1940, 12.526, -15.0, None)] == [
        "1,940",
        "12.5",
        "\N{MINUS SIGN}15",
        "\N{EN DASH}",
    ]
