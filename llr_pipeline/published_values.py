"""The cells of a published table -> numbers, texts as received and days. Each spelling is read once, however often it
stands in the table. Where the cells stand is the business of `published_grids.py`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np

from llr_pipeline.cells import Misread, as_text, is_blank, read_date
from llr_pipeline.codes import normalise
from llr_pipeline.numerals import read_number
from llr_pipeline.periods import MONTHS

_MONTH = re.compile(r"(?<![a-z])(?P<month>[a-z]{3,9})[\s_-]*(?P<year>20\d\d)(?!\d)", re.IGNORECASE)
_MONTH_AFTER = re.compile(
    r"(?<!\d)(?P<year>20\d\d)[\s_-]?(?P<month>[a-z]{3,9}|(?:0[1-9]|1[0-2]))(?![a-z])", re.IGNORECASE
)
_RANGE = re.compile(
    r"(?P<first>\d{1,2})\s*(?P<month>[a-z]{3,9})?[\s-]*(?P<year>\d\d)?\s*(?:-|to|\u2013)\s*"
    r"(?P<last>\d{1,2})\s*(?P<end>[a-z]{3,9})[\s-]*(?P<end_year>(?:20)?\d\d)",
    re.IGNORECASE,
)
_DAY_FIRST = re.compile(r"\d{1,2}(?:st|nd|rd|th)?[\s-]*[a-z]{3,9}[\s-]*20\d\d", re.IGNORECASE)
_IN_TEXT = re.compile(r"\d{1,2}(?:st|nd|rd|th)?\s+[a-z]{3,9}\s+20\d\d", re.IGNORECASE)
CODE = re.compile(r"[A-Z0-9]{2,9}")  # of an organisation or an area

_WEEK = re.compile(r"w/c\s+(?P<day>\d{1,2}/\d{1,2}/\d{2,4}|.*?20\d\d)", re.IGNORECASE)

Days = tuple[date, date]


@dataclass(frozen=True)
class Cells:
    """Distinct contents, and for each cell, row by row, which of them it holds."""

    places: np.ndarray
    texts: list[str | None]
    numbers: np.ndarray  # nan where there is none
    faults: Mapping[int, Misread]  # by content
    errors: Mapping[str, int]  # errors that mean no value -> their place among the contents


def read_cells(
    rows: Sequence[Sequence[Any]], *, missing: Sequence[str], words: Mapping[str, float], errors: Sequence[str] = ()
) -> Cells:
    """Every cell of some rows. `words` stand for a number; `errors` for none, where calamine sees an empty cell."""
    flat = list(chain.from_iterable(rows))
    if bool in set(map(type, flat)):  # TRUE would be taken for 1
        flat = [str(value).upper() if type(value) is bool else value for value in flat]
    places = {value: n for n, value in enumerate(dict.fromkeys(flat))}
    texts, numbers, faults = [], np.full(len(places), np.nan), {}
    for n, value in enumerate(places):
        texts.append(as_text(value))
        if is_blank(value) or (type(value) is str and normalise(value) in missing):
            continue
        if type(value) is str and (number := words.get(normalise(value))) is not None:
            numbers[n] = number
            continue
        try:
            numbers[n] = read_number(value)[0]
        except Misread as error:
            faults[n] = error
    index = np.fromiter(map(places.__getitem__, flat), np.int32, len(flat))
    known = {text: len(places) + n for n, text in enumerate(errors)}
    return Cells(index, texts + list(errors), np.append(numbers, [np.nan] * len(errors)), faults, known)


def read_days(value: Any) -> Days | None:
    """First and last day that a heading or an entry names: a day, a range of days, a week or a month."""
    if isinstance(value, datetime):
        return value.date(), value.date()
    if isinstance(value, date):
        return value, value
    if not isinstance(value, str) or not value.strip():
        return None
    if week := _WEEK.match(value.strip()):
        begins = read_days(week["day"])
        return (begins[0], begins[0] + timedelta(days=6)) if begins and begins[0] == begins[1] else None
    try:
        day = read_date(value)
        return day, day
    except Misread:
        return _read_range(value) or (None if _DAY_FIRST.search(value) else month_in(value))


def _read_range(text: str) -> Days | None:
    found = _RANGE.search(text)
    if found is None:
        return None
    last_month = _month(found["end"])
    first_month = _month(found["month"]) if found["month"] else last_month
    if not (first_month and last_month):
        return None
    year = 2000 + int(found["end_year"]) % 100
    before = 2000 + int(found["year"]) if found["year"] else year - (first_month > last_month)
    try:
        first, last = date(before, first_month, int(found["first"])), date(year, last_month, int(found["last"]))
    except ValueError:
        return None
    return (first, last) if first <= last else None


def month_in(text: str) -> Days | None:
    """First and last day of the month that stands in a text, such as a file's name."""
    for pattern in (_MONTH, _MONTH_AFTER):
        for found in pattern.finditer(text):
            word = found["month"]
            if number := int(word) if word.isdigit() else _month(word):
                year = int(found["year"])
                return date(year, number, 1), date(year, number, monthrange(year, number)[1])
    return None


def days_in(values: Sequence[Any]) -> Days | None:
    """The first and the last day that stand in a row of a title block: two date cells, or a sentence."""
    days = []
    for value in values:
        if isinstance(value, datetime | date):
            days.append(value.date() if isinstance(value, datetime) else value)
        elif isinstance(value, str):
            days += [read_days(part)[0] for part in _IN_TEXT.findall(value) if read_days(part)]
    return (min(days), max(days)) if days else None


def _month(word: str) -> int | None:
    return next((n for n, name in enumerate(MONTHS, 1) if name.startswith(word.lower())), None)
