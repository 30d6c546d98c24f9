"""Rounds, financial years and months as text: reading the spellings people use, and listing what a return covers.

A financial year is `2016/17` (1 April to 31 March), a month `2017-04`, a round `2016-11`. Nothing here knows of tables.
"""

from __future__ import annotations

import re
from datetime import date, datetime

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
FINANCIAL_YEAR = re.compile(r"(?:fy\s*)?(20\d\d)\s*[/\-\u2010-\u2014_]\s*(?:20)?(\d\d)", re.IGNORECASE)
MONTH_ISO = re.compile(r"(20\d\d)-(\d\d)(?:-\d\d)?(?:[ T]00:00(?::00)?)?")
MONTH_NAME = re.compile(r"([a-z]{3,9})[\s\-']*(?:20)?(\d\d)", re.IGNORECASE)


def read_financial_year(text: object) -> str | None:
    """`2016/17` from 2016/17, 2016-17, FY2016/17, 2016/2017; None where it is no financial year."""
    found = FINANCIAL_YEAR.fullmatch(str(text).strip())
    if not found or (int(found[1]) + 1) % 100 != int(found[2]):
        return None
    return f"{found[1]}/{found[2]}"


def read_month(value: object) -> str | None:
    """`2017-04` from a date, 2017-04, Apr 2017, April-17; None where it is no month."""
    if isinstance(value, date | datetime):
        return f"{value:%Y-%m}"
    text = str(value).strip()
    if found := MONTH_ISO.fullmatch(text):
        return f"{found[1]}-{found[2]}" if 1 <= int(found[2]) <= 12 else None
    if found := MONTH_NAME.fullmatch(text):
        for number, name in enumerate(MONTHS, 1):
            if name.startswith(found[1].lower()):
                return f"20{found[2]}-{number:02}"
    return None


def month_label(month: str) -> str:
    """`Apr 2017` from `2017-04`."""
    year, number = month.split("-")
    return f"{MONTHS[int(number) - 1][:3].title()} {year}"


def period_label(period: str) -> str:
    """How a column is headed: `Apr 2017` for a month, `2016/17` as it is."""
    return month_label(period) if "-" in period else period


def financial_year_of(month: str) -> str:
    """`2017/18` from `2017-04`."""
    year, number = map(int, month.split("-"))
    start = year if number >= 4 else year - 1
    return f"{start}/{(start + 1) % 100:02}"


def financial_years(first: str, last: str) -> tuple[str, ...]:
    """Every financial year from first to last, both included."""
    return tuple(f"{year}/{(year + 1) % 100:02}" for year in range(int(first[:4]), int(last[:4]) + 1))


def months_to(month: str) -> tuple[str, ...]:
    """The months of the financial year up to and including this one."""
    start = int(financial_year_of(month)[:4])
    every = [f"{start}-{n:02}" for n in range(4, 13)] + [f"{start + 1}-{n:02}" for n in range(1, 4)]
    return tuple(every[: every.index(month) + 1])
