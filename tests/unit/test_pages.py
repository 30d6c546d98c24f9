"""Pages and the drawings in them: what a reader without eyes, mouse or network gets, and what the page forbids."""

from __future__ import annotations

import base64
import hashlib
import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from llr_pipeline.charts import to_svg
from llr_pipeline.documents import Chart, Document, Table, frame_of
from llr_pipeline.drawings import drawing
from llr_pipeline.fans import fan
from llr_pipeline.look import Spec
from llr_pipeline.pages import css_string, front_page, page

ROWS = [
    {"year": year, "mid": mid, "low": mid - 5, "high": mid + 5, "plan": 100}
    for year, mid in (("2016/17", 90), ("2017/18", 120))
]


@pytest.fixture(scope="module")
def svg() -> str:
    return to_svg(fan_chart())


def fan_chart() -> Spec:
    return fan(
        ROWS, x="year", central="mid", low="low", high="high", plan="plan", name="Needed", title="Needs of 2",
        subtitle=["One line", "and another"], y_title="Things",
    )  # fmt: skip


def made(svg: str, **changes) -> str:
    figures = frame_of(ROWS, {"year": "Year", "mid": "Needed, things", "plan": "Planned, things"})
    chart = Chart(name="needs", chart=fan_chart(), alt="From 90 to 120.", figures=figures)
    table = Table("Counts", pd.DataFrame({"What": ["a"], "How many": [1940]}), notes=["Things."])
    document = Document(title='A "report" </style>', summary="Short.", charts=[chart], tables=[table])
    return page(document, run_id="0123456789", written="1 May 2026", drawn=[(chart, svg)], **changes)


def test_a_drawing_has_no_title_of_its_own_and_says_its_tips(svg):
    root = ElementTree.fromstring(drawing(svg, "needs"))
    said = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Needs of 2" not in said
    assert "Things" in said
    tips = [tip.text for tip in root.iter("{http://www.w3.org/2000/svg}title")]
    assert tips == [
        "2016/17\nNeeded: 90 (85 to 95)\nPlanned: 100",
        "2017/18\nNeeded: 120 (115 to 125)\nPlanned: 100",
    ]


def test_what_is_left_of_a_drawing_is_all_in_its_view(svg):
    """The title is 17 pixels high, its two lines of 13 another 36 with what is between: at least 50 are gone."""
    whole = float(re.search(r'height="([\d.]+)"', svg)[1])
    _, top, _, height = map(float, re.search(r'viewBox="([^"]*)"', drawing(svg, "needs"))[1].split())
    assert 50 < top < 80
    assert top + height == pytest.approx(whole)


def test_identifiers_of_two_drawings_differ(svg):
    clipped = svg.replace("<rect", '<clipPath id="clip0"/><rect clip-path="url(#clip0)"', 1)
    one, other = (drawing(clipped, name) for name in ("one", "other"))
    assert 'id="one-clip0"' in one
    assert 'clip-path="url(#one-clip0)"' in one
    assert 'id="other-clip0"' in other


def test_headings_go_down_one_by_one_and_the_contents_lead_to_them(svg):
    text = made(svg)
    levels = [int(level) for level in re.findall(r"<h(\d)", text)]
    assert levels == [1, 2, 2, 3, 2, 3]
    links, places = re.findall(r'href="#([^"]+)"', text), set(re.findall(r'\bid="([^"]+)"', text))
    assert set(links) <= places
    assert {"report", "in-short", "needs", "table-1"} <= set(links)


def test_a_chart_is_said_in_words_and_has_its_figures_behind_it(svg):
    text = made(svg)
    assert 'role="img" aria-label="From 90 to 120."' in text
    assert '<th scope="row">2016/17</th><td class="number">90</td><td class="number">100</td>' in text
    assert text.count("<caption>") == text.count("<table>") == 2


def test_the_page_lets_nothing_act_but_its_own_stylesheets(svg):
    text = made(svg)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script" not in policy
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    for style in styles:
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert len(styles) == 2
    assert not re.search(r"<script|\bstyle=|\bon\w+=|https?://(?!www\.w3\.org/)", text)


def test_the_foot_of_a_sheet_cannot_be_broken_out_of(svg):
    assert css_string('A "b" </style>\n') == '"A \\000022 b\\000022  \\00003c /style\\00003e \\00000a "'
    foot = re.findall(r"<style>(.*?)</style>", made(svg), re.DOTALL)[1]
    # a browser takes the one space behind an escape with it: the next one is printed
    assert r"\00003e  \0000b7  run 01234567, 1 May 2026" in foot


def test_the_workbook_is_linked_where_there_is_one(svg):
    assert '<a href="counts.xlsx" download>' in made(svg, workbook="counts.xlsx")
    assert "Excel" not in made(svg)


def test_the_front_page_says_whose_it_is_of_which_day_and_what_must_not_be_quoted():
    report = {
        "title": "Beds",
        "summary": "**Too few.** More.\n\nLess.",
        "notes": ["Illustrative."],
        "written": "Run 01",
    }
    text = front_page({"beds": report}, title="Here & there", written="1 May 2026")
    assert "<h1>Here &amp; there</h1><p>Planning reports, as published on 1 May 2026.</p>" in text
    assert "<p><strong>Too few.</strong> More.</p>" in text
    assert '<p class="under">Illustrative.</p>' in text
    assert '<div class="note">' in text
    assert '<div class="note">' not in front_page({"beds": report | {"notes": []}}, title="x", written="y")


def test_every_page_leads_back_to_all_reports_from_its_run_and_from_the_latest(svg):
    """`reports/<run>/<name>/` and `reports/latest/<name>/` are both two folders below the front page's own."""
    assert '<a href="../../latest/index.html">All reports</a>' in made(svg)
