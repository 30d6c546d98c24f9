"""From a cell's content to a value: numbers, dates and codes as people type them.

Each reader returns the value, or raises `Misread` with the rule broken and a sentence about what was found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from difflib import get_close_matches

from llr_pipeline.codes import normalise

EMPTY_PLACEHOLDER = -99999999  # NHS England's "empty"
EXCEL_EPOCH = date(1899, 12, 30)
_NUMBER_AS_TEXT = re.compile(r"^[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$|^[-+]?\.\d+$")
_DATE_FORMATS = (
    "%d/%m/%Y",
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%d %B %Y",
    "%d %b %Y",
    "%d/%m/%y",
    "%d-%b-%Y",
    "%d-%b-%y",
)


class Misread(ValueError):
    """A cell that cannot be read as its contract asks."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def as_text(value: object) -> str | None:
    """The cell as the warehouse keeps what was received: None where empty, 12 for 12.0, ISO dates."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and (value.hour, value.minute, value.second) == (0, 0, 0):
        return f"{value:%Y-%m-%d}"
    return str(value)


def is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.replace("\u00a0", " ").strip())


def read_number(value: object) -> tuple[float, bool]:
    """The number, and whether it was text. Raises Misread for anything that is not clearly one."""
    if isinstance(value, bool):
        raise Misread("not_a_number", f"{str(value).upper()} stands where a number belongs")
    if isinstance(value, int | float):
        number, was_text = float(value), False
    else:
        text = str(value).replace("\u00a0", " ").strip()
        if not _NUMBER_AS_TEXT.match(text):
            raise Misread("not_a_number", f"“{text}” stands where a number belongs")
        number, was_text = float(text.replace(",", "")), True
    if number == EMPTY_PLACEHOLDER:
        raise Misread("not_a_number", f"{EMPTY_PLACEHOLDER} stands for an empty cell")
    return number, was_text


def read_date(value: object) -> date:
    """A date from a date cell, an Excel serial number between 1982 and 2064, or text in a British or ISO form."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, float) and 30_000 <= value <= 60_000:
        return EXCEL_EPOCH + timedelta(days=int(value))
    text = str(value).strip()
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text.removesuffix(" 00:00:00"), form).date()
        except ValueError:
            continue
    raise Misread("not_a_date", f"“{as_text(value)}” is not a date")


def read_code(value: object, spellings: Mapping[str, str], what: str) -> str:
    """The code that the entry spells. Raises Misread naming the nearest entry."""
    spelling = normalise(as_text(value) or "")
    if code := spellings.get(spelling):
        return code
    raise Misread(
        "unknown_code", f"“{as_text(value)}” is not on the list for {what}{did_you_mean(spelling, spellings)}"
    )


def did_you_mean(spelling: str, known: Mapping[str, str] | list[str]) -> str:
    """A clause naming the nearest known spelling, or nothing."""
    near = get_close_matches(normalise(spelling), list(known), n=1, cutoff=0.6)
    return f"; did you mean “{near[0]}”?" if near else ""
