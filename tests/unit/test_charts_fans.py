"""Fans: what is drawn is what the rows say, gaps are gaps, and no words lie on others."""

from __future__ import annotations

import json
import math
import random
import re
from itertools import combinations

import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llr_pipeline.charts import to_svg
from llr_pipeline.fans import Mark, fan, flags_of
from llr_pipeline.look import wide

QUARTERS = [f"20{15 + n // 4}/{16 + n // 4} Q{n % 4 + 1}" for n in range(24)]
WIDTH, HEIGHT = 390, 190


def rows(*, panels=("Large", "Small"), series=("Plan", "Nothing")) -> list[dict]:
    made = []
    for size, panel in zip((1000, 100), panels, strict=False):
        for slope, one in zip((-2, 3), series, strict=False):
            for n, quarter in enumerate(QUARTERS):
                middle = size + slope * n
                made.append({"panel": panel, "series": one, "quarter": quarter, "p50": middle, "mean": middle + 0.5,
                             "p10": middle - n / 2, "p90": middle + n, "planned": size - 5 * (n // 4)})  # fmt: skip
    return made


def drawn(made: list[dict], **changes) -> list[dict]:
    """The panels of the specification."""
    columns = {"x": "quarter", "central": "p50", "low": "p10", "high": "p90", "plan": "planned", "series": "series"}
    chart = fan(made, **{**columns, "panel": "panel", "title": "Title", "y_title": "Things", **changes})
    for panel in chart["vconcat"]:
        for layer in panel["layer"]:
            layer["rows"] = layer["data"]["values"]
    return chart["vconcat"]


def one(made: list[dict], **changes) -> list[dict]:
    """The layers of a chart of one panel and one series."""
    (panel,) = drawn(made, **{"series": None, "panel": None, "name": "Needed", **changes})
    return panel["layer"]


def of(layers: list[dict], kind: str, **marked) -> list[list[dict]]:
    return [layer["rows"] for layer in layers
            if {"type": kind, **marked}.items() <= layer["mark"].items()]  # fmt: skip


SINGLE = rows(panels=["Large"], series=["Plan"])


def changed(places: dict[int, dict]) -> list[dict]:
    return [{**row, **places.get(n, {})} for n, row in enumerate(SINGLE)]


# what is drawn


def test_band_line_and_plan_are_the_rows():
    layers = one(random.Random(1).sample(SINGLE, len(SINGLE)))
    (band,) = of(layers, "area")
    assert [(row["x"], row["value"], row["high"]) for row in band] == [
        (r["quarter"], r["p10"], r["p90"]) for r in SINGLE
    ]
    (plan,) = of(layers, "line", interpolate="step")
    assert [row["value"] for row in plan] == [row["planned"] for row in SINGLE]
    (line,) = [values for values in of(layers, "line") if values != plan]
    assert [(row["at"], row["value"]) for row in line] == [(n, row["p50"]) for n, row in enumerate(SINGLE)]


def test_each_panel_has_an_axis_of_its_own_that_holds_all_it_shows():
    panels = drawn(rows())
    assert [panel["title"]["text"] for panel in panels] == ["Large", "Small"]
    for panel in panels:
        low, high = next(layer["encoding"]["y"]["scale"]["domain"] for layer in panel["layer"] if "Q" not in layer)
        shown = [row for row in rows() if row["panel"] == panel["title"]["text"]]
        lowest, highest = min(row["p10"] for row in shown), max(row["p90"] for row in shown)
        assert lowest - 0.15 * (highest - lowest) < low < lowest
        assert highest < high < highest + 0.15 * (highest - lowest)


def test_years_are_written_once_and_quarters_ticked():
    axis = one(SINGLE)[0]["encoding"]["x"]["axis"]
    named = json.loads(re.search(r"\{.*\}", axis["labelExpr"])[0])
    assert named == {f"{1.5 + 4 * n:g}": f"20{15 + n}/{16 + n}" for n in range(6)}
    assert set(range(24)) | {float(middle) for middle in named} | {3.5 + 4 * n for n in range(5)} == set(axis["values"])


def test_years_alone_are_all_labelled():
    yearly = [{**row, "quarter": row["quarter"][:7]} for row in SINGLE[::4]]
    axis = one(yearly)[0]["encoding"]["x"]["axis"]
    assert axis["values"] == [0, 1, 2, 3, 4, 5]
    assert '{"0": "2015/16", "1": "2016/17"' in axis["labelExpr"]


def test_a_missing_value_is_a_gap_and_never_zero():
    layers = one(changed({5: {"p50": None, "p10": None}, 7: {"p50": math.nan, "p10": math.nan}, 9: {"planned": None}}))
    (band,), (line, plan) = of(layers, "area"), of(layers, "line")
    (alone,) = of(layers, "point")
    assert [(row["at"], row["value"]) for row in alone] == [(6, SINGLE[6]["p50"])]
    assert {row["at"]: row["run"] for row in line} == {n: (n > 5) + (n > 7) for n in range(24) if n not in (5, 7)}
    assert {row["at"]: row["run"] for row in plan} == {n: int(n > 9) for n in range(24) if n != 9}
    assert {row["at"] for row in band} == set(range(24)) - {5, 6, 7}
    assert min(row["value"] for values in (band, line, plan) for row in values) > 900
    assert [(row["at"], row["value"], row["high"]) for row in of(layers, "rule")[0]] == [
        (6, SINGLE[6]["p10"], SINGLE[6]["p90"])
    ]


def test_an_x_that_a_series_has_no_row_for_is_a_gap():
    made = [row for row in rows() if (row["series"], row["quarter"]) != ("Plan", "2017/18 Q1")]
    for panel in drawn(made):
        line = next(layer for layer in panel["layer"] if layer["mark"].get("strokeDash") == [7, 4])["rows"]
        assert {row["at"]: row["run"] for row in line} == {n: int(n > 8) for n in range(24) if n != 8}


def test_series_differ_by_dash_and_band_by_outline():
    layers = drawn(rows())[0]["layer"]
    dashes = [tuple(layer["mark"].get("strokeDash", ())) for layer in layers
              if layer["mark"]["type"] == "line" and layer["mark"]["strokeWidth"] > 1]  # fmt: skip
    assert len(set(dashes)) == len(dashes) == 3
    assert len(of(layers, "area")) == 2
    (edges,) = of(layers, "line", strokeWidth=1)
    nothing = [row for row in rows() if (row["panel"], row["series"]) == ("Large", "Nothing")]
    assert [row["value"] for row in edges] == [row["p10"] for row in nothing] + [row["p90"] for row in nothing]


# what is refused


def test_what_would_be_drawn_wrongly_is_refused():
    with pytest.raises(ValueError, match="2 series apart, not 3: a, b, c"):
        drawn([{**SINGLE[0], "series": name} for name in "abc"])
    with pytest.raises(ValueError, match="25 rows of a series have 24 values of quarter"):
        one([*SINGLE, SINGLE[0]])
    with pytest.raises(ValueError, match=r"Two plans at 2015/16 Q1: 1000\.0 and 7"):
        drawn([{**row, "planned": 7} if row["series"] == "Nothing" else row for row in rows()])
    with pytest.raises(ValueError, match="in no row"):
        one(SINGLE, marks=[Mark("2030/31 Q1", "Later")])
    with pytest.raises(ValueError, match="in no row"):
        drawn(rows(), marks=[Mark("2015/16 Q1", "Elsewhere", "Middling")])
    with pytest.raises(ValueError, match="No row"):
        drawn([])


# words


def labels(layers: list[dict]) -> dict[str, tuple[float, float]]:
    """What is written at the right of the plot, and where it begins and ends, downwards."""
    return {row["label"]: (row["y_px"] - 7, row["y_px"] + 7) for values in of(layers, "text") for row in values
            if "label" in row}  # fmt: skip


def test_lines_are_named_at_their_ends_with_value_and_band():
    found = labels(drawn(rows(), inner="mean", inner_name="Mean")[0]["layer"])
    assert set(found) == {"Plan: 954", "942 to 977", "Nothing: 1,069", "1,058 to 1,092", "Planned: 975", "Mean: 954",
                          "Mean: 1,070"}  # fmt: skip


@pytest.mark.parametrize("half", [0, 1, 60])
def test_no_label_covers_another(half):
    made = [{**row, "p50": 1000, "p10": 1000 - half, "p90": 1000 + half, "planned": 1000} for row in rows()]
    for panel in drawn(made):
        found = [row["y_px"] for values in of(panel["layer"], "text") for row in values]
        assert len(found) == 5
        assert all(abs(one - other) >= 15 for one, other in combinations(found, 2))


def test_a_line_that_ends_early_says_where():
    found = labels(one(changed({n: {"planned": None} for n in range(20, 24)})))
    assert "Planned, 2019/20 Q4: 980" in found
    assert "Needed: 954" in found


@given(st.lists(st.tuples(st.integers(0, 23), st.text("aeimW ", min_size=1, max_size=60)), min_size=1, max_size=6))
def test_words_above_the_plot_cover_no_others_and_no_rule_crosses_them(marks):
    flags = flags_of(marks, count=24, width=WIDTH)
    assert sorted(flag["x_px"] for flag in flags) == sorted((step + 0.5) / 24 * WIDTH for step, _ in marks)
    boxes = []
    for flag in flags:
        lines = flag["words"].split("\n")
        left = flag["x_px"] + 4
        boxes.append((left, flag["top"], left + max(map(wide, lines)), flag["top"] + 15 * len(lines)))
    assert all(foot <= 0 for _, _, _, foot in boxes)  # above the plot
    for (left, top, right, foot), (left_2, top_2, right_2, foot_2) in combinations(boxes, 2):
        assert right <= left_2 or right_2 <= left or foot <= top_2 or foot_2 <= top
    for flag in flags:
        assert not any(left < flag["x_px"] < right and flag["top"] < foot for left, _, right, foot in boxes)


def test_a_rule_goes_from_its_words_to_the_foot_of_the_plot():
    layers = one(SINGLE, marks=[Mark("2018/19 Q4", "First shortfall")])
    (rule,), (words,) = of(layers, "rule")[0], next(rows for rows in of(layers, "text") if "words" in rows[0])
    assert (rule["x_px"], rule["foot"]) == (pytest.approx(15.5 / 24 * WIDTH), HEIGHT)
    assert rule["y_px"] < words["y_px"] < 0


def test_a_mark_of_a_panel_is_in_no_other():
    large, small = drawn(rows(), marks=[Mark("2018/19 Q4", "First shortfall", "Large"), Mark("2016/17 Q1", "Both")])
    assert [sorted(row["words"] for row in of(panel["layer"], "rule")[0]) for panel in (large, small)] == [
        ["Both", "First shortfall"],
        ["Both"],
    ]


def test_a_fan_is_drawn():
    chart = fan(rows(), x="quarter", central="p50", low="p10", high="p90", plan="planned", series="series",
                panel="panel", title="Title", y_title="Things", x_title="Year", subtitle="Band: P10 to P90",
                marks=[Mark("2018/19 Q4", "First shortfall", "Large")])  # fmt: skip
    alt.VConcatChart.from_dict(chart)  # a valid specification
    svg = to_svg(chart)
    for words in ("Title", "Band: P10 to P90", "Large", "Small", "Year", "2020/21", "First shortfall", "Plan: 954"):
        assert f">{words}<" in svg
    assert svg.count(">2020/21<") == 2
    assert ">2020/21 Q4<" not in svg
