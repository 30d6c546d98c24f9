"""Waterfalls and tornadoes: bars that are the sums, in the right places, with words that can be read."""

from __future__ import annotations

import math
from itertools import pairwise

import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llr_pipeline.bars import GAP, Bar, axis_of
from llr_pipeline.charts import to_svg
from llr_pipeline.look import as_text, wide
from llr_pipeline.tornadoes import effect_bars, tornado
from llr_pipeline.waterfalls import change_bar, domain_of_totals, waterfall

WIDTH = 380
MINUS = "\N{MINUS SIGN}"
ROWS = [
    {"why": "Growth", "change": 100.0, "p10": 60.0, "p90": 150.0},
    {"why": "Shorter things (E1)", "change": -40.0, "p10": -70.0, "p90": -10.0},
    {"why": "Nothing to speak of", "change": 0.2, "p10": None, "p90": None},
]


def of(spec: dict, kind: str, *fields: str) -> list[dict]:
    """The rows of a specification's marks of a kind that have these fields; tips are no marks to be seen."""
    seen = [layer for layer in spec["vconcat"][0]["layer"] if layer["mark"].get("opacity") != 0]
    found = [layer["data"]["values"] for layer in seen if layer["mark"]["type"] == kind]
    return [row for rows in found for row in rows if set(fields) <= set(row)]


def axis(spec: dict) -> tuple[tuple[float, float], str]:
    """Its domain and its title."""
    x = spec["vconcat"][0]["layer"][0]["encoding"]["x"]
    return tuple(x["scale"]["domain"]), " ".join(x["axis"]["title"])


def bridge(rows=ROWS, **changes) -> dict:
    return bridge_chart(rows, **changes)


def bridge_chart(rows=ROWS, **changes):
    columns = {"label": "why", "change": "change", "low": "p10", "high": "p90"}
    totals = {"start": 1000, "end": 1060.2, "start_label": "Before", "end_label": "After"}
    return waterfall(rows, **{**columns, **totals, "title": "Title", "x_title": "Things", **changes})


# waterfalls


def test_bars_begin_where_the_last_ended():
    chart = bridge()
    bars, ((low, _), _) = of(chart, "rect"), axis(chart)
    ends = [(low, 1000), (1000, 1100), (1100, 1060), (1060, 1060.2), (low, 1060.2)]
    assert [(bar["start"], bar["end"]) for bar in bars] == [pytest.approx(pair) for pair in ends]
    assert [bar["words"] for bar in bars] == ["1,000", "+100", f"{MINUS}40", "0", "1,060"]
    links = of(chart, "rule", "start", "foot")[:4]
    assert [link["start"] for link in links] == [bar["end"] for bar in bars[:-1]]
    between = [(above["foot"], below["y_px"]) for above, below in pairwise(bars)]
    assert [(link["y_px"], link["foot"]) for link in links] == between


def test_rises_and_falls_differ_in_fill_and_outline():
    fills = {bar["words"]: (bar["fill"], bar["edge"]) for bar in of(bridge(), "rect")}
    rise, fall, total = fills["+100"], fills[f"{MINUS}40"], fills["1,000"]
    assert lightness(fall[0]) - lightness(rise[0]) > 0.5
    assert lightness(fall[0]) - lightness(fall[1]) > 0.4
    assert len({rise, fall, total}) == 3


def lightness(colour: str) -> float:
    red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_whisker_is_about_the_end_of_its_bar():
    chart = bridge(start_range=(950, 1050), end_range=(1000, 1120))
    found = {(row["start"], row["high"]) for row in of(chart, "rule", "high")}
    assert found == {(950, 1050), (1060, 1150), (1030, 1090), (1000, 1120)}
    words = {row["words"]: row["start"] for row in of(chart, "text", "start")}
    assert (words["+100"], words[f"{MINUS}40"], words["1,060"]) == (1150, 1030, 1120)  # beyond the whisker


def test_changes_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match=r"1,000.000000 and its changes come to 1,060.200000, not to 1,061"):
        bridge(end=1061)
    bridge(end=1060.2 + 1e-4)  # a ten-millionth
    with pytest.raises(ValueError, match="come to"):
        bridge(end=1060.2 + 2e-3)
    with pytest.raises(ValueError, match="come to nan"):
        bridge(start=math.nan)


def test_a_change_that_is_missing_has_a_dash_and_no_bar():
    for missing in (None, math.nan):
        chart = bridge([*ROWS, {"why": "Not known", "change": missing, "p10": 1, "p90": 2}])
        assert len(of(chart, "rect")) == 5
        assert {row["start"] for row in of(chart, "text", "words") if row["words"] == "\N{EN DASH}"} == {1060.2}
        assert "Not known" in [row["label"] for row in of(chart, "text", "label")]
        assert {row["high"] for row in of(chart, "rule", "high")} == {1150, 1090}  # no whisker of it
    with pytest.raises(ValueError, match="come to"):
        bridge([*ROWS[:2], {**ROWS[2], "change": None}])


def test_a_subtotal_is_what_has_been_reached():
    bars = of(bridge(subtotals={"Growth": "If nothing is done"}), "rect")
    assert [(bar["kind"], bar["end"]) for bar in bars[:3]] == [("total", 1000), ("dark", 1100), ("total", 1100)]
    assert bars[3]["start"] == 1100
    with pytest.raises(ValueError, match="after no row: Groth"):
        bridge(subtotals={"Groth": "If nothing is done"})


def test_an_axis_that_is_cut_says_so():
    chart = bridge()
    (low, high), title = axis(chart)
    assert title == f"Things (axis starts at {low:,.0f})"
    assert 900 < low < 1000
    assert low % 50 == 0
    strokes = of(chart, "rule", "x_end")
    assert len(strokes) == 4  # two through each total, left of all that is drawn
    assert max(row["x_px"] for row in strokes) < (1000 - low) / (high - low) * WIDTH
    whole = bridge([{**ROWS[1], "change": -80}], start=100, end=20, low=None, high=None)
    (low, _), title = axis(whole)
    assert (low, title, of(whole, "rule", "x_end")) == (0, "Things", [])


def test_long_labels_are_wrapped_and_their_rows_are_higher():
    chart = bridge([{**ROWS[0], "why": "Something that takes very many words to say (ABC01)"}, *ROWS[1:]])
    labels = {row["label"].replace("\n", " "): row for row in of(chart, "text", "label")}
    lines = labels["Something that takes very many words to say (ABC01)"]["label"].split("\n")
    assert len(lines) == 2
    assert max(map(wide, lines)) <= 190
    bars = of(chart, "rect")
    assert labels["Something that takes very many words to say (ABC01)"]["y_px"] == bars[1]["middle"] - 15 / 2
    assert labels["Before"]["y_px"] == bars[0]["middle"]
    assert bars[1]["y_px"] - bars[0]["foot"] > bars[4]["y_px"] - bars[3]["foot"]


numbers = st.floats(-1e6, 1e6).map(lambda value: round(value, 2))


@given(numbers, st.lists(numbers | st.none(), max_size=8), st.integers(0, 100_000))
def test_any_waterfall_fits_its_axis(start, changes, half):
    fits(start, changes, half)


@given(st.floats(1000, 3000), st.lists(st.floats(-100, 100), min_size=1, max_size=6))
def test_any_waterfall_of_small_changes_fits_its_axis(start, changes):
    fits(start, [round(value, 2) for value in changes], 10)


def fits(start: float, changes: list[float | None], half: float) -> None:
    bars, at = [Bar(0, "total", 0, start, as_text(start))], start
    for n, value in enumerate(changes, 1):
        ends = (None, None) if value is None else (value - half, value + half)
        bars.append(change_bar(n, at, value, ends, decimals=0))
        assert (bars[-1].start, bars[-1].end) == (at, at + (value or 0))
        at = bars[-1].end
    fit(bars, domain_of_totals(bars, width=WIDTH))


def fit(bars: list[Bar], domain: tuple[float, float]) -> None:
    """Bars, whiskers and the words beyond them are within the plot."""
    low, high = domain
    for bar in bars:
        at = (bar.reach - low) / (high - low) * WIDTH
        words = wide(bar.words, bold=bar.kind == "total")
        ends = [at, at - GAP - words if bar.side == "left" else at + GAP + words]
        assert min(ends) >= -1e-6
        assert max(ends) <= WIDTH + 1e-6


# tornadoes


def hangs_on(rows, **changes) -> dict:
    return tornado_chart(rows, **changes)


def tornado_chart(rows, **changes):
    return tornado(rows, **{"label": "what", "title": "Title", "x_title": "Difference", **changes})


EFFECTS = [{"what": name, "effect": value} for name, value in (("a", 3), ("b", -50.4), ("c", 20), ("d", 1.2), ("e", 2))]


def test_the_longest_bar_is_first_and_the_rest_is_said_in_words():
    chart = hangs_on(EFFECTS, effect="effect", most=2)
    bars = of(chart, "rect")
    assert [(bar["start"], bar["end"], bar["words"]) for bar in bars] == [(0, -50.4, f"{MINUS}50"), (0, 20, "+20")]
    assert bars[0]["fill"] != bars[1]["fill"]
    assert [row["label"] for row in of(chart, "text", "label")] == ["b", "c", "3 more, each under 4"]
    labels = [row["label"] for row in of(hangs_on(EFFECTS, effect="effect", most=4), "text", "label")]
    assert labels == ["b", "c", "a", "e", "1 more, under 2"]
    labels = [row["label"] for row in of(hangs_on(EFFECTS, effect="effect", most=3, decimals=1), "text", "label")]
    assert labels[-1] == "2 more, each under 2.1"


def test_what_lacks_a_number_is_counted_and_not_drawn():
    chart = hangs_on([*EFFECTS, {"what": "f", "effect": None}, {"what": "g", "effect": math.nan}], effect="effect")
    assert [row["label"] for row in of(chart, "text", "label")] == ["b", "c", "a", "e", "d", "2 not known"]
    assert len(of(chart, "rect")) == 5


def test_a_pair_is_low_and_high_and_longest_by_its_reach():
    rows = [
        {"what": "a", "p10": -5, "p90": 6},
        {"what": "b", "p10": 20, "p90": -30},
        {"what": "c", "p10": 4, "p90": 13},
    ]
    bars = of(hangs_on(rows, low="p10", high="p90"), "rect")
    assert [(bar["row"], bar["kind"], bar["end"]) for bar in bars] == [
        (0, "pale", 20), (0, "dark", -30), (1, "pale", 4), (1, "dark", 13), (2, "pale", -5), (2, "dark", 6),
    ]  # fmt: skip
    assert [bar["words"] for bar in bars[:3]] == ["at P10: +20", f"at P90: {MINUS}30", "+4"]


def test_bars_on_one_side_do_not_cover_each_other():
    rows = [{"what": "a", "p10": -50, "p90": 60}, {"what": "c", "p10": 4, "p90": 13}]
    bars = [bar for bar in of(hangs_on(rows, low="p10", high="p90"), "rect") if bar["row"] == 1]
    assert bars[0]["foot"] <= bars[1]["y_px"]
    assert bars[1]["middle"] - bars[0]["middle"] >= 14  # a line of words


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12))
def test_any_tornado_fits_its_axis(pairs):
    bars = effect_bars(pairs, names=("at P10", "at P90"), decimals=0)
    ends = [0, *(bar.end for bar in bars)]
    domain = axis_of(bars, lowest=min(ends), highest=max(ends), width=WIDTH)
    assert domain[0] <= 0 <= domain[1]
    fit(bars, domain)


def test_a_tornado_has_one_effect_or_two():
    for columns in ({}, {"low": "effect"}, {"effect": "effect", "low": "effect", "high": "effect"}):
        with pytest.raises(ValueError, match="one effect, or a low and a high one"):
            hangs_on(EFFECTS, **columns)
    with pytest.raises(ValueError, match="No row"):
        hangs_on([], effect="effect")


def test_they_are_drawn():
    for chart, words in (
        (
            bridge_chart(subtotals={"Growth": "If nothing is done"}),
            ("Before", "If nothing is done", "+100", f"{MINUS}40"),
        ),
        (tornado_chart(EFFECTS, effect="effect", most=4), ("b", f"{MINUS}50", "1 more, under 2", "Difference")),
    ):
        alt.VConcatChart.from_dict(chart)  # a valid specification
        svg = to_svg(chart)
        assert all(f">{text}<" in svg for text in ("Title", *words))
