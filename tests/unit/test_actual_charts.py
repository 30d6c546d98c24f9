"""The chart of beds planned and published: told apart without colour, and broken where a year was not received."""

from __future__ import annotations

import re
from typing import Any

import pytest

from assets.reports.actual_charts import SERIES, beds_by_year
from llr_pipeline.charts import to_svg

YEARS = ("2015/16", "2016/17", "2017/18", "2018/19", "2019/20")


def rows(**series: list[float | None]) -> list[dict[str, Any]]:
    return [
        {"series": name, "financial_year": year, "beds": beds}
        for name, values in series.items()
        for year, beds in zip(YEARS, values, strict=False)
    ]


def paths(svg: str) -> list[str]:
    """What the lines of a drawing go along: two points or more."""
    return re.findall('<path [^>]*?d="(M[^"]*L[^"]*)"[^>]*stroke-width="2.5"', svg)


@pytest.fixture(scope="module")
def drawn() -> tuple[str, str]:
    chart = beds_by_year(
        "beds",
        rows(published_available=[1500, 1510, None, 1540, 1560], planned_stp_acute=[1940, 1900, 1850]),
        title="A trust: beds by year",
    )
    return to_svg(chart.chart), chart.alt


def test_a_year_that_was_not_received_is_a_gap(drawn):
    """Two years, none, two years: the published line starts twice; the plan's, without a gap, once."""
    starts = sorted(path.count("M") for path in paths(drawn[0]))
    assert starts == [1, 2]
    assert max(path.count("L") for path in paths(drawn[0])) == 2


def test_plan_and_published_differ_in_dashes_and_in_points():
    published = [line for name, line in SERIES.items() if name.startswith("published")]
    planned = [line for name, line in SERIES.items() if name.startswith("planned")]
    assert {line.shape for line in published}.isdisjoint(line.shape for line in planned)
    assert {line.style.dash for line in published}.isdisjoint(line.style.dash for line in planned)
    assert len({line.style.dash for line in published}) == len(published)
    own, kh03 = SERIES["planned_stp_acute"], SERIES["planned_kh03_general_acute"]
    assert own.shape != kh03.shape
    assert own.style.dash != kh03.style.dash


def test_units_and_definitions_are_written_on_the_chart(drawn):
    svg, alt = drawn
    # from 1,500 to 1,940, a tenth of it to spare: 1,456, and down to a round number
    for words in ("Beds, axis from 1,400", "Financial year", "open overnight", "never subtract"):
        assert words in svg
    assert "1,850 in 2017/18" in alt


def test_a_plan_of_kh03_s_own_definition_is_a_line_of_its_own():
    chart = beds_by_year(
        "beds",
        rows(published_available=[1500, 1510], planned_stp_acute=[1940, 1900], planned_kh03_general_acute=[1500, 1480]),
        title="A trust",
    )
    assert "Planned: as KH03 counts; 1,480 in 2016/17" in chart.alt
    assert len(paths(to_svg(chart.chart))) == 3


def test_a_series_of_one_year_is_no_line():
    chart = beds_by_year(
        "beds", rows(published_available=[1500, 1510], planned_kh03_general_acute=[1500]), title="A trust"
    )
    assert "as KH03 counts" not in chart.alt
