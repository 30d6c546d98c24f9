"""What people type into a cell, and what is made of it."""

from datetime import date, datetime, time, timedelta

import pytest

from llr_pipeline.cells import (
    Entries,
    Misread,
    agree,
    as_text,
    is_blank,
    listed,
    quoted,
    read_code,
    read_date,
    shown,
)
from llr_pipeline.numerals import LARGEST, is_figure, placeholder, read_number, refuse_placeholder

NBSP, NARROW, MINUS = "\u00a0", "\u202f", "\u2212"


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (1940.0, 1940),
        (1940, 1940),
        (0.0, 0),
        (-243.5, -243.5),
    ],
)
def test_numbers_are_numbers(cell, number):
    assert read_number(cell) == (number, False)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1940", 1940),
        ("1,940", 1940),
        ("1 940", 1940),
        (f"1{NBSP}940", 1940),
        (f"1{NARROW}940.5", 1940.5),
        ("1,234,567.8", 1234567.8),
        (f" -12.5{NBSP}", -12.5),
        (f"{MINUS}243", -243),
        ("+4", 4),
        (".5", 0.5),
        ("0", 0),
        ("(12.3)", -12.3),
        ("( 1,940 )", -1940),
        ("'1940", 1940),
        ("\u2019 7", 7),
    ],
)
def test_clear_text_is_a_number_and_says_so(cell, number):
    assert read_number(cell) == (number, True)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("see note", "“see note” stands where a number belongs"),
        ("(12", "“(12” stands where a number belongs"),
        ("12)", "“12)” stands where a number belongs"),
        ("(-12)", "“(-12)” stands where a number belongs"),
        ("-£-12", "“-£-12” stands where a number belongs"),
        ("12-", "“12-” stands where a number belongs"),
        ("c. 1,940", "“c. 1,940” stands where a number belongs"),
        ("<5", "“<5” stands where a number belongs"),
        ("12 beds", "“12 beds” stands where a number belongs"),
        ("1.2m", "“1.2m” stands where a number belongs"),
        ("9" * 400, f"“{'9' * 79}…” stands where a number belongs"),
        ("£1,940", "“£1,940” stands where a number belongs"),
        ("1,94", "“1,94” can be read in more than one way"),
        ("1,940 000", "“1,940 000” can be read in more than one way"),
        ("1.940,5", "“1.940,5” can be read in more than one way"),
        ("1e3", "“1e3” stands where a number belongs"),
        ("12%", "“12%” is a percentage typed as text, and a number belongs here"),
        ("85.5 %", "“85.5 %” is a percentage typed as text, and a number belongs here"),
        (True, "TRUE stands where a number belongs"),
        (float("inf"), "“inf” stands where a number belongs"),
        (float("nan"), "“nan” stands where a number belongs"),
        (datetime(2016, 4, 1), "the date 1 April 2016 stands where a number belongs"),
        (date(1905, 4, 23), "the date 23 April 1905 stands where a number belongs"),
        (time(6, 0), "the time 06:00:00 stands where a number belongs"),
        (timedelta(hours=36), "the time 1 day, 12:00:00 stands where a number belongs"),
    ],
)
def test_what_is_no_number_says_why(cell, message):
    with pytest.raises(Misread) as error:
        read_number(cell)
    assert (error.value.rule, str(error.value)) == ("not_a_number", message)


THOUSANDS = {"unit": "GBP 000", "symbol": "£"}


@pytest.mark.parametrize(
    ("cell", "about", "number"),
    [
        ("£1.2m", THOUSANDS, 1200),
        ("£1,200k", THOUSANDS, 1200),
        ("1.2 million", THOUSANDS, 1200),
        ("(£0.57m)", THOUSANDS, -570),
        ("-£1.23bn", THOUSANDS, -1_230_000),
        ("£ -3k", THOUSANDS, -3),
        ("£0", THOUSANDS, 0),
        ("1,200", THOUSANDS, 1200),
        ("£1,200", {"unit": "GBP", "symbol": "£"}, 1200),
        ("£1.1m", {"unit": "GBP", "symbol": "£"}, 1_100_000),
        ("12%", {"unit": "share"}, 0.12),
        ("85.5 %", {"unit": "share"}, 0.855),
        ("(3%)", {"unit": "share"}, -0.03),
        ("12 beds", {"unit": "beds"}, 12),
        (f"1{NBSP}BED", {"unit": "beds"}, 1),
        ("6months", {"unit": "months"}, 6),
        ("1,940 WTE", {"words": ["wte", "whole-time equivalents"]}, 1940),
        ("1,940 Whole-time  equivalents", {"words": ["wte", "whole-time equivalents"]}, 1940),
    ],
)
def test_a_unit_beside_the_number_counts_where_it_is_the_columns(cell, about, number):
    assert read_number(cell, **about) == (number, True)


@pytest.mark.parametrize(
    ("cell", "about", "message"),
    [
        ("£1,200", THOUSANDS, "“£1,200” may be in GBP 000 or not: enter the number of GBP 000 alone"),
        ("$1.2m", THOUSANDS, "“$1.2m” stands where a number belongs"),
        ("£1.2m", {"unit": "beds"}, "“£1.2m” stands where a number belongs"),
        ("12%", {"unit": "beds"}, "“12%” is a percentage typed as text, and a number belongs here"),
        ("12 nights", {"unit": "beds"}, "“12 nights” stands where a number belongs"),
        ("1,940 headcount", {"words": ["wte"]}, "“1,940 headcount” stands where a number belongs"),
    ],
)
def test_a_unit_that_is_not_the_columns_is_not_guessed_at(cell, about, message):
    with pytest.raises(Misread) as error:
        read_number(cell, **about)
    assert (error.value.rule, str(error.value)) == ("not_a_number", message)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("-", "“-” may stand for 0 or for no value: enter 0, or leave the cell empty"),
        (" \u2013 ", "“\u2013” may stand for 0 or for no value: enter 0, or leave the cell empty"),
        ("n/a", "“n/a” stands for no value: leave the cell empty"),
        ("TBC", "“TBC” stands for no value: leave the cell empty"),
        ("Not known", "“Not known” stands for no value: leave the cell empty"),
        (f"To{NBSP}be confirmed:", "“To be confirmed:” stands for no value: leave the cell empty"),
        ("nil", "“nil” stands for none: enter 0"),
        (-99999999.0, "-99999999 stands for no value: leave the cell empty"),
        ("-99999999", "-99999999 stands for no value: leave the cell empty"),
        ("-99,999,999", "-99999999 stands for no value: leave the cell empty"),
        ("(99999999)", "-99999999 stands for no value: leave the cell empty"),
    ],
)
def test_marks_and_words_for_no_value_say_what_to_enter(cell, message):
    with pytest.raises(Misread) as error:
        read_number(cell)
    assert (error.value.rule, str(error.value)) == ("placeholder", message)


@pytest.mark.parametrize("cell", [1e18, -1e18, 1e300, 1.7e308, "1,000,000,000,001", "9" * 300, "(2,000,000,000,000)"])
def test_a_number_beyond_any_figure_says_so(cell):
    with pytest.raises(Misread) as error:
        read_number(cell)
    assert error.value.rule == "out_of_range"
    assert str(error.value).endswith(" is too large: a figure is at most 1,000,000,000,000, plus or minus")
    assert len(str(error.value)) < 120


def test_the_largest_figure_fits_the_warehouse():
    assert read_number(LARGEST) == (LARGEST, False)
    assert read_number("£1,000bn", symbol="£") == (LARGEST, True)
    with pytest.raises(Misread, match="2e\\+15 is too large"):
        read_number("£2,000,000bn", symbol="£")
    assert LARGEST * 1_000 < 10 ** (18 - 2)  # thousands as decimal(18, 2)


@pytest.mark.parametrize(
    ("cell", "is_one"),
    [(5.0, True), (0.0, True), (True, True), (date(2017, 3, 31), True), ("1,940", True), ("tbc", True), ("-", True),
     ("1e400", False), (1e300, True), ("see note", False), ("12 or 13", False), ("Leicester", False)],
)  # fmt: skip
def test_a_figure_is_more_than_a_remark(cell, is_one):
    assert is_figure(cell) is is_one


def test_what_stands_for_a_value_is_no_placeholder():
    assert [placeholder(value) for value in ("", 0.0, "0", None, True, "all", "Nile", "x1")] == [None] * 8
    refuse_placeholder("0")
    with pytest.raises(Misread, match="and one is needed"):
        refuse_placeholder("TBC", is_number=False, is_needed=True)
    with pytest.raises(Misread, match="“-” stands for no value: leave the cell empty"):
        refuse_placeholder("-", is_number=False)


def test_a_long_text_costs_little():
    for text in ("1," * 16_000 + "x", "1 " * 16_000, "(" * 32_000, "9" * 32_000, "-" * 32_000):
        with pytest.raises(Misread):
            read_number(text)


@pytest.mark.parametrize(
    "cell",
    [
        datetime(2017, 3, 31),
        date(2017, 3, 31),
        42825.0,  # Excel's day 42,825: 42,826 is 1 April 2017
        "31/03/2017",
        "31/3/17",
        "2017-03-31",
        "2017-03-31 00:00:00",
        "31.03.2017",
        "31-Mar-2017",
        "31 March 2017",
        f" 31{NBSP}March 2017 ",
        "31st March 2017",
        "31 Mar 2017",
    ],
)
def test_dates_in_every_british_spelling(cell):
    assert read_date(cell) == date(2017, 3, 31)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("spring 2017", "“spring 2017” is not a date"),
        ("03/31/2017", "“03/31/2017” is not a date"),
        ("31/02/2017", "“31/02/2017” is not a date"),
        (2017.0, "2,017 is not a date"),
        (True, "TRUE is not a date"),
        (time(6, 0), "the time 06:00:00 is not a date"),
    ],
)
def test_what_is_no_date_says_why(cell, message):
    with pytest.raises(Misread) as error:
        read_date(cell)
    assert (error.value.rule, str(error.value)) == ("not_a_date", message)


SITES = Entries(
    spellings={"rweaa": "RWEAA", "leicester royal infirmary": "RWEAA", "lri": "RWEAA", "rweak": "RWEAK"},
    labels={"RWEAA": "Leicester Royal Infirmary", "RWEAK": "Leicester General Hospital"},
    elsewhere={"loughborough hospital": "RT5-LOU"},
)


@pytest.mark.parametrize("cell", ["Leicester Royal Infirmary", "RWEAA", f"LEICESTER{NBSP}royal  infirmary ", "lri"])
def test_codes_in_every_spelling(cell):
    assert read_code(cell, SITES) == "RWEAA"


def test_a_number_may_be_a_code():
    assert read_code(1.0, Entries({"1": "1"}, {"1": "1 Urgent and emergency care"})) == "1"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("Leicester Royal Infirmry", "“Leicester Royal Infirmry” is not on the list; did you mean "
         "“Leicester Royal Infirmary”?"),
        ("xyz", "“xyz” is not on the list, which has “Leicester Royal Infirmary” and “Leicester General Hospital”"),
        ("Loughborough Hospital", "“Loughborough Hospital” belongs to another organisation"),
        (7.0, "7 is not on the list, which has “Leicester Royal Infirmary” and “Leicester General Hospital”"),
    ],
)  # fmt: skip
def test_what_is_not_on_the_list_names_what_is(cell, message):
    with pytest.raises(Misread) as error:
        read_code(cell, SITES)
    assert (error.value.rule, str(error.value)) == ("unknown_code", message)


def test_a_long_list_is_not_recited():
    many = {str(n): f"Entry number {n}" for n in range(9)}
    with pytest.raises(Misread, match=r"^“xyz” is not on the list$"):
        read_code("xyz", Entries({}, many))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("", None),
        (None, None),
        ("  ", "  "),
        (12.0, "12"),
        (12.5, "12.5"),
        (-0.1, "-0.1"),
        (1e16, "1e+16"),
        (7, "7"),
        (True, "TRUE"),
        (datetime(2017, 3, 31), "2017-03-31"),
        (datetime(2017, 3, 31, 9, 30), "2017-03-31 09:30:00"),
        (date(2017, 3, 31), "2017-03-31"),
    ],
)
def test_what_was_received_is_kept_as_text(cell, text):
    assert as_text(cell) == text


@pytest.mark.parametrize("cell", ["", None, "  ", NBSP, f"\t{NARROW}\n"])
def test_blank_cells(cell):
    assert is_blank(cell)


@pytest.mark.parametrize("cell", [0.0, False, "-", "0", date(2017, 3, 31)])
def test_cells_that_are_not_blank(cell):
    assert not is_blank(cell)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1940.0, "1,940"),
        (1453.67, "1,453.67"),
        (0.1 + 0.2, "0.3"),
        (-243.0, "-243"),
        (2121000000.5, "2,121,000,000.5"),
        (2121000000.0, "2,121,000,000"),
        (0.0, "0"),
        (999_999_999_999_999.0, "999,999,999,999,999"),
        (1e15, "1e+15"),
        (-1.23456789e300, "-1.23457e+300"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_are_shown_as_people_read_them(number, text):
    assert shown(number) == text


def test_sentences_are_kept_short_and_on_one_line():
    assert quoted("two\nlines") == "“two lines”"
    assert quoted("x" * 500) == f"“{'x' * 79}…”"
    assert [listed(list(words)) for words in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("stated", "total"),
    [
        (1697.0, 1697.0),
        (0.3, 0.1 + 0.2),
        (12.5, 12.4999999999),
        (13.0, 12.5),  # a half goes up, as Excel rounds it
        (12.0, 12.4),
        (12.3, 12.34),
        (399300.0, 399300.4),
    ],
)
def test_a_total_agrees_to_the_last_digit_written(stated, total):
    assert agree(stated, total)


@pytest.mark.parametrize(
    ("stated", "total"), [(1697.0, 1698.0), (12.0, 12.6), (12.3, 12.4), (12.34, 12.35), (0.0, 1.0)]
)
def test_a_total_that_differs(stated, total):
    assert not agree(stated, total)
