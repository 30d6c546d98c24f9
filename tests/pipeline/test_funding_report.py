"""The funding gap report on the sample: what it says is what the tables hold, and a round without returns says so."""

from __future__ import annotations

import re

import duckdb
import pytest

from assets.reports.funding_gap import funding_gap
from assets.reports.headlines import headlines as headlines_of
from assets.reports.money import millions
from llr_pipeline.contracts import contracts

EQUAL = "equals the published figure"


@pytest.fixture(scope="module")
def document(published):
    return funding_gap(published)


def headlines(connection, round_):
    found = connection.execute(
        "select headline_code, figure, published_as, verdict from report.funding_gap where round = ?", [round_]
    ).fetchall()
    return {code: (figure, printed, verdict) for code, figure, printed, verdict in found}


def test_figures_stand_beside_those_published_in_their_own_scope(published):
    """METHODS of publication: 399 for the NHS in November, c450 and c70 in the slides; 350 and 250 of capital."""
    later, earlier = headlines(published, "2016-11"), headlines(published, "2016-10")
    assert later["nhs_funding_gap"] == (399_300_000, "£399 million", EQUAL)
    assert earlier["nhs_funding_gap"] == (450_000_000, "c£450m", EQUAL)
    assert earlier["local_authority_funding_gap"] == (70_000_000, "c£70m", EQUAL)
    assert later["capital_total"][::2] == (350_000_000, EQUAL)
    assert later["capital_external"][::2] == (250_000_000, EQUAL)
    assert later["health_and_social_care_spend"][::2] == (2_121_000_000, EQUAL)
    assert earlier["nhs_spend_after"][::2] == (1_800_000_000, EQUAL)
    # both scopes together were never published, and nothing of one scope stands beside another
    assert later["system_funding_gap"] == (469_300_000, None, "nothing published")
    assert later["local_authority_funding_gap"][1] is None


def test_the_summary_is_written_from_the_figures(document):
    figures = document.headlines
    assert document.summary.startswith("**If nothing is done the NHS lacks £399.3m in 2020/21")
    assert f"{millions(figures['nhs_residual_gap_mean_runs'], decimals=0)} is left" in document.summary
    # 412.0 - 399.3 = 12.7 beyond the gap; after 8.31 of investment 4.39 over
    assert "£412.0m of savings, £12.7m beyond the gap" in document.summary
    assert "(£4.4m over)" in document.summary
    assert re.search(r"must deliver \d+% of what it states, on time; senders expect 70%", document.summary)
    assert len(document.summary) < 1_000


def test_the_three_published_gaps_stand_side_by_side(document):
    frame = next(table.frame for table in document.tables if table.title == "The published gaps side by side")
    assert list(frame["Printed as"]) == ["c£450m", "c£70m", "£399 million", "never printed as a sum"]
    assert list(frame["Returns of the round"]) == ["£450.0m", "£70.0m", "£399.3m", "£520.0m"]
    assert list(frame["Scope"]) == ["NHS", "Local authorities", "NHS", "Both together"]


def test_one_note_says_which_of_three_figures_is_which(document):
    """The plan: 412.0 - 399.3 - 8.31 of investment = 4.39 over as returned; modelled 377.7 if nothing is done."""
    (note,) = [note for note in document.notes if note.startswith("Each case has three figures: returned by the org")]
    assert "if nothing is done £399.3m, £377.7m and £" in note
    assert "under the plan \N{MINUS SIGN}£4.4m, \N{MINUS SIGN}£" in note


def test_the_headlines_page_has_money_in_millions(published):
    assert "| NHS gap in 2020/21 if nothing is done, as returned | £399.3m |" in headlines_of(published)["funding_gap"]


def test_charts_say_their_figures_in_words(document):
    words = {chart.name: chart.alt for chart in document.charts}
    assert set(words) == {"gap_by_year", "why_the_gap_changes", "savings_by_kind", "what_the_gap_hangs_on"}
    assert "399 as returned" in words["gap_by_year"]
    assert "Pressures 204" in words["why_the_gap_changes"]


def test_the_doubts_of_the_latest_round_alone_are_shown(published, document):
    assert published.execute("select count(*) from mart.funding_doubts where round = '2016-11'").fetchone() == (0,)
    assert "In doubt" not in [table.title for table in document.tables]


def test_without_returns_it_says_so():
    with duckdb.connect() as connection:
        connection.execute("create schema report")
        columns = ", ".join(f"{c.name} {c.type}" for c in contracts()["report.funding_gap"].columns)
        connection.execute(f"create table report.funding_gap ({columns})")
        assert funding_gap(connection).summary == "No finance return has been accepted yet."


@pytest.mark.parametrize(
    ("pounds", "said"),
    [
        (399_300_000, "£399.3m"),
        (-4_390_000, "\N{MINUS SIGN}£4.4m"),
        (-1, "£0.0m"),
        (2_121_000_000, "£2,121.0m"),
        (None, "\N{EN DASH}"),
    ],
)
def test_pounds_are_said_in_millions(pounds, said):
    assert millions(pounds) == said
