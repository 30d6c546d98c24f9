"""The look that charts share: numbers and words, labels moved apart, and lines over an ordered x."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llr_pipeline.charts import End, end_labels, spread
from llr_pipeline.look import as_text, balanced, domain_of, known, wide, wrapped

texts = st.lists(st.text("abcdefWi", min_size=1, max_size=12), max_size=12).map(" ".join)


# numbers and words


def test_a_number_is_written_as_people_read_it():
    assert [as_text(n) for n in (1857.6, -31.2, 0, 1234567)] == ["1,858", "\N{MINUS SIGN}31", "0", "1,234,567"]
    assert [as_text(n, signed=True) for n in (81, -31)] == ["+81", "\N{MINUS SIGN}31"]
    assert as_text(-4.25, decimals=1, signed=True) == "\N{MINUS SIGN}4.2"


def test_what_rounds_to_nought_has_no_sign():
    assert [as_text(n, signed=True) for n in (0, 0.4, -0.4, -0.0)] == ["0"] * 4
    assert as_text(-0.4, decimals=1) == "\N{MINUS SIGN}0.4"


def test_what_is_missing_is_no_number():
    assert [known(n) for n in (None, math.nan, Decimal("1.5"), 0)] == [None, None, 1.5, 0.0]


@given(texts, st.integers(30, 300))
def test_words_are_wrapped_and_none_is_lost(text, pixels):
    for lines in (wrapped(text, pixels=pixels), balanced(text, pixels=pixels)):
        assert " ".join(lines) == text
        assert all(wide(line) <= pixels or " " not in line for line in lines)
    assert len(balanced(text, pixels=pixels)) == len(wrapped(text, pixels=pixels))


def test_no_line_is_one_short_word():
    assert wrapped("Target share, from 95% to 93%", pixels=150) == ["Target share, from 95% to", "93%"]
    assert balanced("Target share, from 95% to 93%", pixels=150) == ["Target share,", "from 95% to 93%"]


def test_widths_are_those_of_the_typeface():
    """Measured in Liberation Sans, which has Arial's widths."""
    assert wide("First shortfall under the plan: 2018/19 Q4") == pytest.approx(218, rel=0.05)
    assert wide("If nothing is done: 2,058", size=13, bold=True) == pytest.approx(149, rel=0.05)


# labels


def test_labels_of_different_heights_are_moved_apart():
    assert spread([0, 5, 100], gap=[10, 30, 10], most=200) == [0, 20, 100]
    assert spread([190, 195], gap=[20, 10], most=200) == [185, 200]


@given(st.lists(st.floats(0, 200), min_size=1, max_size=6).map(sorted), st.data())
def test_no_label_lies_on_another(places, data):
    gaps = data.draw(st.lists(st.sampled_from([17, 34]), min_size=len(places), max_size=len(places)))
    moved = spread(places, gap=gaps, most=200)
    assert all(b - a >= (g + h) / 2 - 1e-9 for (a, g), (b, h) in pairwise(zip(moved, gaps, strict=True)))
    assert moved[-1] <= 200


def test_end_labels_keep_the_order_of_the_values_and_stand_at_them():
    ends = [End(100, 20, "low", "under", "#000000"), End(100, 80, "high", "", "#000000")]
    charts = list(end_labels(ends, domain=(0, 100), height=200))
    found = {row["label"]: row["y_px"] for chart in charts for row in chart["data"]["values"]}
    assert found["high"] == 40
    assert (found["low"] + found["under"]) / 2 == 160
    assert found["under"] - found["low"] >= 15


# lines


@given(st.lists(st.floats(-1e6, 1e6)))
def test_an_axis_holds_its_values(values):
    low, high = domain_of(values)
    assert low < high
    assert all(low <= value <= high for value in values)
    assert low >= 0 or any(value < 0 for value in values)
