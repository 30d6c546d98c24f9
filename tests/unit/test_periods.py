"""Financial years and months in the spellings people use."""

from datetime import date, datetime

import pytest

from llr_pipeline.periods import (
    financial_year_of,
    financial_years,
    month_label,
    months_to,
    period_label,
    read_financial_year,
    read_month,
)


@pytest.mark.parametrize(
    "text",
    [
        "2016/17",
        "2016-17",
        "2016\u201317",
        "2016/2017",
        "2016-2017",
        "FY2016/17",
        "fy 2016-17",
        " 2016 / 17 ",
        "2016_17",
    ],
)
def test_financial_years(text):
    assert read_financial_year(text) == "2016/17"


def test_the_century_turns():
    assert read_financial_year("2099/00") == "2099/00"


@pytest.mark.parametrize(
    "text", ["2016/18", "2016", "2016/17 plan", "16/17", "2016-04", "", None, date(2016, 4, 1), 2016.0]
)
def test_what_is_no_financial_year(text):
    assert read_financial_year(text) is None


@pytest.mark.parametrize(
    "value",
    [
        datetime(2017, 4, 1), date(2017, 4, 30), "2017-04", "2017-04-01", "2017-04-01 00:00:00",
        "Apr 2017", "April 2017", "apr-17", "Apr '17", "APRIL 17",
    ],
)  # fmt: skip
def test_months(value):
    assert read_month(value) == "2017-04"


@pytest.mark.parametrize(
    "value", ["2017-13", "2017-00", "2017", "Aprilis 2017", "Xyz 2017", "April", "", None, 4.0, "2016/17"]
)
def test_what_is_no_month(value):
    assert read_month(value) is None


def test_september_has_two_abbreviations():
    assert read_month("Sep 17") == read_month("Sept 2017") == "2017-09"


def test_labels():
    assert month_label("2018-01") == period_label("2018-01") == "Jan 2018"
    assert period_label("2016/17") == "2016/17"


@pytest.mark.parametrize(
    ("month", "year"), [("2017-04", "2017/18"), ("2018-03", "2017/18"), ("2018-04", "2018/19"), ("2000-03", "1999/00")]
)
def test_a_month_belongs_to_the_year_that_began_in_april(month, year):
    assert financial_year_of(month) == year


def test_spans():
    assert financial_years("2015/16", "2017/18") == ("2015/16", "2016/17", "2017/18")
    assert months_to("2017-06") == ("2017-04", "2017-05", "2017-06")
    assert months_to("2018-02")[-3:] == ("2017-12", "2018-01", "2018-02")
    assert len(months_to("2018-03")) == 12
