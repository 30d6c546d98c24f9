"""From a cell's content to a value: dates and codes as people type them, and values as people read them.

Each reader returns the value, or raises `Misread` with the rule broken and a clause about what was found. Numbers have
a module of their own, `numerals.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches

from llr_pipeline.codes import normalise

LONGEST_TEXT = 32_767  # characters: what Excel allows in a cell
FIRST_YEAR = 2000  # nothing that arrives here was prepared or published before
EXCEL_EPOCH = date(1899, 12, 30)
QUOTED_LENGTH = 80
WRITTEN_OUT = 1e15  # numbers from here on are shown by their power of ten
LISTED_AT_MOST = 8

_SPACES = re.compile(r"\s+")
_ORDINAL = re.compile(r"(\d)(st|nd|rd|th)\b", re.IGNORECASE)
_DAY_OR_MONTH = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](?:\d\d)?\d\d")
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


@dataclass(frozen=True)
class Entries:
    """What a cell with a list may hold: normalised spelling -> code, code -> label.

    `elsewhere` are the spellings of the same list that only other organisations may use.
    """

    spellings: Mapping[str, str]
    labels: Mapping[str, str]
    elsewhere: Mapping[str, str] = field(default_factory=dict)


def as_text(value: object) -> str | None:
    """The cell as the warehouse keeps what was received: None where empty, 12 for 12.0, TRUE, ISO dates."""
    kind = type(value)
    if kind is str:
        return value[:LONGEST_TEXT] or None
    if kind is float:
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    if value is None:
        return None
    if kind is bool:
        return str(value).upper()
    if kind is datetime and value.time() == time():
        return f"{value:%Y-%m-%d}"
    return str(value)


def is_blank(value: object) -> bool:
    return value == "" or value is None or (isinstance(value, str) and not value.strip())


def quoted(value: object) -> str:
    """The cell's content as a sentence names it: text in quotation marks on one line, cut where it is long."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return shown(value)
    if isinstance(value, date):
        return f"the date {day_in_words(value)}"
    if isinstance(value, time | timedelta):
        return f"the time {value}"
    return f"“{shortened(str(value))}”"


def shortened(text: str) -> str:
    """The text on one line, cut where it is long."""
    text = _SPACES.sub(" ", text).strip()
    return text if len(text) <= QUOTED_LENGTH else text[: QUOTED_LENGTH - 1] + "…"


def shown(number: float) -> str:
    """A number as people read it: 1,940 or 1,453.67; 1e+300 where nobody would read its digits."""
    if abs(number) >= WRITTEN_OUT:
        return f"{number:.6g}"
    return f"{number:,.10g}" if abs(number) < 1e6 else f"{number:,.2f}".rstrip("0").rstrip(".")


def implausible(day: date, today: date) -> str | None:
    """What is wrong with the day on which something was prepared or published, if anything.

    One that is to come would be the newest for good. Tomorrow is accepted, as clocks differ.
    """
    if day > today + timedelta(days=1):
        return "has not come yet"
    return f"is before {FIRST_YEAR}" if day.year < FIRST_YEAR else None


def day_in_words(day: date) -> str:
    """30 June 2022."""
    return f"{day.day} {day:%B %Y}"


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def read_date(value: object) -> date:
    """A date from a date cell, an Excel serial number between 1982 and 2064, or text in a British or ISO form."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, float) and 30_000 <= value <= 60_000:
        return EXCEL_EPOCH + timedelta(days=int(value))
    if isinstance(value, str):
        text = _ORDINAL.sub(r"\1", _SPACES.sub(" ", value).strip().removesuffix(" 00:00:00"))
        for form in _DATE_FORMATS:
            try:
                return datetime.strptime(text, form).date()
            except ValueError:
                continue
    raise Misread("not_a_date", f"{quoted(value)} is not a date")


def date_note(value: object, day: date) -> str | None:
    """A clause about how an entry that is no date cell was read as a day; None for a date cell."""
    if isinstance(value, date):
        return None
    if not isinstance(value, str):
        return f"{quoted(value)} is Excel's number of a day and is read as {day_in_words(day)}"
    found = _DAY_OR_MONTH.fullmatch(value.strip())
    if found and int(found[1]) <= 12 and int(found[2]) <= 12 and found[1] != found[2]:
        return f"{quoted(value)} is text and is read with the day first, as {day_in_words(day)}"
    return f"{quoted(value)} is text and is read as {day_in_words(day)}"


def read_code(value: object, entries: Entries) -> str:
    """The code that the entry stands for. Raises Misread naming the nearest entry, or all of a short list."""
    spelling = normalise(as_text(value) or "")
    if code := entries.spellings.get(spelling):
        return code
    if spelling in entries.elsewhere:
        raise Misread("unknown_code", f"{quoted(value)} belongs to another organisation")
    hint = did_you_mean(spelling, {known: entries.labels[code] for known, code in entries.spellings.items()})
    if not hint and len(entries.labels) <= LISTED_AT_MOST:
        hint = f", which has {listed([f'“{label}”' for label in entries.labels.values()])}"
    raise Misread("unknown_code", f"{quoted(value)} is not on the list{hint}")


def nearest(text: str, known: Collection[str]) -> str | None:
    """The normalised spelling that comes nearest, if one comes near."""
    return next(iter(get_close_matches(normalise(text), list(known), n=1, cutoff=0.6)), None)


def did_you_mean(text: str, known: Mapping[str, str]) -> str:
    """A clause naming what the nearest of the normalised spellings stands for, or nothing."""
    near = nearest(text, known)
    return f"; did you mean “{known[near]}”?" if near else ""


def agree(stated: float, total: float) -> bool:
    """Whether a stated total is its parts' sum, to the last digit that was written."""
    if math.isclose(stated, total, rel_tol=1e-9, abs_tol=1e-6):
        return True
    exponent = Decimal(repr(stated)).normalize().as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    return decimals < 6 and abs(stated - total) <= 0.5 * 10**-decimals + 1e-9
