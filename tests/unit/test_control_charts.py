"""Control charts drawn: what tells points apart, and what is said of a gap."""

from __future__ import annotations

import altair as alt
import pytest

from llr_pipeline.charts import to_svg
from llr_pipeline.control_charts import MARKS, control_charts


def points(*values: float | None, variation: str = "common_cause") -> list[dict[str, object]]:
    return [
        {"period": f"2017-{n:02}", "stretch": n // 4, "value": value, "mean": 5.0, "lower_limit": 1.0,
         "upper_limit": 9.0, "target": None, "variation": variation if value is not None else "no_data"}
        for n, value in enumerate(values, 1)
    ]  # fmt: skip


def test_each_icon_has_a_shape_of_its_own():
    shapes = {name: shape for name, (_, shape, _) in MARKS.items()}
    assert shapes["improvement"] != shapes["concern"] != shapes["neutral_high"]
    assert "circle" not in shapes.values()


def test_a_panel_has_its_words_and_no_point_where_there_is_a_gap():
    chart = control_charts(
        [("Waits", "Concern; red", points(4, None, 6, variation="concern"))], title="First", subtitle="Limits"
    )
    alt.ConcatChart.from_dict(chart)  # a valid specification
    (panel,) = chart["concat"]
    assert panel["title"]["text"] == ["Waits"]
    assert panel["title"]["subtitle"] == ["Concern; red"]
    drawn = panel["layer"][-2]["data"]["values"]
    assert [point["period"] for point in drawn] == ["2017-01", "2017-03"]
    assert {point["shape"] for point in drawn} == {"square"}
    assert len(panel["layer"]) == 6  # two limits, mean, values, points and their tips: no target
    assert [point["words"] for point in drawn] == ["2017-01: 4", "2017-03: 6"]
    assert "Waits" in to_svg(chart)


def test_where_limits_start_again_their_lines_break_beside_an_upright_one():
    chart = control_charts([("Waits", "Common cause", points(4, 5, 6, 5, 4))], title="One")
    upright, lower, *_, values, _, _ = chart["concat"][0]["layer"]
    (start,) = upright["data"]["values"]
    assert (upright["mark"]["type"], start["period"]) == ("rule", "2017-04")
    assert lower["encoding"]["detail"]["field"] == "stretch"
    assert "detail" not in values["encoding"]


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match="No panel"):
        control_charts([], title="None")
