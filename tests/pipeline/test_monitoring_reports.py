"""Monitoring after a run on the sample: one figure in every table, and reports that say what the tables hold."""

from __future__ import annotations

import re

import duckdb

from assets.reports.changes import changes
from assets.reports.claims import claims
from assets.reports.stp_monitoring import stp_monitoring


def test_the_ledger_and_the_reports_have_one_figure(published):
    found = published.execute(
        """
        with reported as (
            select round, headline_code, figure from report.bed_capacity where method = 'submitted'
            union all
            select round, headline_code, figure from report.funding_gap where method = 'submitted'
            union all
            select round, headline_code, figure from report.workforce where method = 'submitted'
        )
        select count(*), count(*) filter (abs(ledger.warehouse_value - reported.figure) > 1e-6)
        from mart.claims_ledger as ledger
        inner join reported
            on ledger.round = reported.round
            and replace(ledger.figure_code, '_earlier', '') = reported.headline_code
        where ledger.verdict <> 'different_scope'
        """
    ).fetchone()
    assert found[0] >= 30
    assert found[1] == 0


def test_the_claims_that_the_sample_must_show(published):
    verdicts = dict(
        published.execute("select figure_code || ' ' || document, verdict from report.claims").fetchall()
    )  # fmt: skip
    assert verdicts["acute_beds_reduction_pct press_release"] == "agrees_when_truncated"
    assert verdicts["nhs_funding_gap press_release"] == verdicts["nhs_funding_gap_earlier slides"] == "agrees"
    assert verdicts["emergency_department_cost press_release"] == "documents_differ"
    assert verdicts["emergency_department_cost_later update_2018"] == "documents_differ"
    document = claims(published)
    # 12% for 12.5%, and the department: 45.5 and 48 million in three documents are one question
    assert document.headlines["claims_to_question"] == 2
    assert "each counted once: 2, of which 1 printed differently" in document.summary
    assert document.tables[0].title == "Claims that do not add up"


def test_the_month_s_report_counts_what_its_tables_hold(published):
    document = stp_monitoring(published)
    colours = dict(
        published.execute(
            "select rag, count(*) from mart.indicator_rag where month = '2018-03' group by rag"
        ).fetchall()
    )
    assert {name: document.headlines[f"indicators_{name}"] for name in colours} == colours
    assert sum(colours.values()) == 36
    assert f"{colours['red']} of 36 indicators are red" in document.summary
    assert len(document.summary) < 1000
    sentences = document.summary.split("\n\n")
    assert [len(re.findall(r"[.!?](?=\s|$)", sentence)) for sentence in sentences] == [1, 1, 1]
    assert sentences[0].startswith("**In March 2018 ")
    late = next(table for table in document.tables if table.title == "Milestones late")
    assert sentences[1].startswith(f"Of 33 milestones {len(late.frame)} are late, ")
    assert document.notes[0].startswith("The monitoring returns are illustrative")
    assert (late.frame["Expected"] == "no date").sum() == 2
    assert not (late.frame["Days late"] == 0).any()  # overdue, and still expected on the day first planned
    (chart,) = document.charts
    assert chart.alt.count("last ") == 9 + 2
    assert "Limits start again in 2017-10: Evening and weekend hubs opened in all three areas." in chart.alt
    assert "Limits stand on the first 6 months: The months before the cap on agency rates." in chart.alt


def test_planted_changes_are_found(published):
    ambulance = published.execute(
        "select before_value, after_value, before_cell from mart.round_changes "
        "where subject = 'workforce' and organisation_code = 'RX9' and unit = 'GBP' and position = 1"
    ).fetchone()
    assert ambulance == (78_000_000, 78_000, "Workforce!G30")
    document = changes(published)
    (whole,) = published.execute("select count(*) from mart.round_changes").fetchone()
    assert document.headlines["changed_figures"] == whole
    # published of the plan: 1,697; 25 more than the round before
    assert "Acute beds planned for 2020/21: 1,672 to 1,697; NHS gap" in document.summary
    first = document.tables[0].frame.set_index("Headline")
    assert first.loc["Acute beds planned for 2020/21"].tolist() == ["1,672", "1,697", "25"]
    cells = [str(cell) for table in document.tables for cell in table.frame.to_numpy().ravel()]
    assert not [cell for cell in cells if cell.startswith("-") or cell == "1 people"]


def test_an_empty_warehouse_says_so():
    from tests.unit.mart_tables import mart_warehouse

    with mart_warehouse() as connection:
        assert isinstance(connection, duckdb.DuckDBPyConnection)
        assert "No monitoring return" in stp_monitoring(connection).summary
        assert "No figure differs" in changes(connection).summary
        assert claims(connection).headlines["claims"] == 0
