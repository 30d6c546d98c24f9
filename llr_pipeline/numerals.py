"""Numbers as people type them, and the marks and words that they type where there is none.

What is clear is read, and said to have been text; what could mean two things is not guessed, and what is larger than
any figure, or outside what its column allows, is not read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from decimal import Decimal

from llr_pipeline.cells import Misread, quoted, shown
from llr_pipeline.codes import normalise
from llr_pipeline.contracts import Column

# The largest figure, as the cells of a template accept it. In a column of thousands it becomes 1e12 x 1,000 = 1e15,
# which decimal(18, 2) holds (it ends below 1e16); and the sum of any number of them is far below a float's 1.8e308.
LARGEST = 1e12
EMPTY_PLACEHOLDER = -99999999  # NHS England's "empty"
DASHES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212") | {"--", "---"}
UNKNOWN = frozenset(
    word
    for words in (
        "n/a, na, n.a., n.a, not applicable, not available, n/k, nk, not known, not yet known, unknown, no data",
        "tbc, t.b.c., to be confirmed, tba, to be agreed, tbd, pending, ?, ??, .., ..., x, xx, xxx",
    )
    for word in words.split(", ")
)
NONE = frozenset({"nil", "none", "zero", "nought", "null"})

_SPACES = re.compile(r"\s+")
_DIGITS = r"(?P<digits>(?:\d+|\d{1,3}(?P<mark>[, ])\d{3}(?:(?P=mark)\d{3})*)(?:\.\d+)?|\.\d+)"
_SIGNS = r"(?P<open>\()? ?(?P<sign>[-+])? ?(?P<symbol>[£$€])? ?(?P<inner>[-+])?"
_NUMERAL = re.compile(rf"{_SIGNS}{_DIGITS} ?(?P<rest>[^\d(),.]*?)(?P<close>\))?")
_SEVERAL_WAYS = re.compile(r"[-+(]?[£$€]?\d[\d.,' ]*[.,]\d+[\d.,' ]*\)?")
NUMBER_LENGTH = 40
_MULTIPLES = {"k": 3, "thousand": 3, "m": 6, "mn": 6, "million": 6, "bn": 9, "billion": 9}  # -> power of ten


def placeholder(value: object) -> str | None:
    """`dash`, `unknown` or `none` where the entry is a mark or a word for no value."""
    if type(value) is not str:
        return "unknown" if value == EMPTY_PLACEHOLDER else None
    text = normalise(value)
    if text in DASHES:
        return "dash"
    if text in UNKNOWN or text == str(EMPTY_PLACEHOLDER):
        return "unknown"
    return "none" if text in NONE else None


def refuse_placeholder(value: object, *, is_number: bool = True, is_needed: bool = False) -> None:
    """Raise Misread saying what to do instead where the entry is a mark or a word for no value."""
    kind = placeholder(value)
    if kind is None:
        return
    named = str(EMPTY_PLACEHOLDER) if "9999" in str(value) else quoted(value)
    if is_number and kind == "dash":
        clause = "may stand for 0 or for no value: enter 0, or leave the cell empty"
    elif is_number and kind == "none":
        clause = "stands for none: enter 0"
    else:
        clause = f"stands for no value{', and one is needed' if is_needed else ': leave the cell empty'}"
    raise Misread("placeholder", f"{named} {clause}")


def read_number(
    value: object, *, unit: str | None = None, symbol: str | None = None, words: Collection[str] = ()
) -> tuple[float, bool]:
    """The number, and whether it was text. Raises Misread for anything that is not clearly one.

    Text may have brackets for minus, the column's currency symbol with a multiple (1.2m in a column of thousands is
    1,200), a per cent sign where the unit is a share, and behind it the unit or one of the words that name it.
    """
    if type(value) is float or (isinstance(value, int) and not isinstance(value, bool)):
        if not math.isfinite(value):
            raise Misread("not_a_number", f"“{value}” stands where a number belongs")
        refuse_placeholder(value)
        return _possible(float(value)), False
    if not isinstance(value, str):
        raise Misread("not_a_number", f"{quoted(value)} stands where a number belongs")
    refuse_placeholder(value)
    text = _SPACES.sub(" ", value).strip().lstrip("'\u2018\u2019").replace("\u2212", "-").strip()
    found = _NUMERAL.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        raise Misread("not_a_number", f"{quoted(value)} {_why_not(text)}")
    signs = [sign for sign in (found["open"], found["sign"], found["inner"]) if sign]
    if len(signs) > 1 or (found["symbol"] and found["symbol"] != symbol):
        raise Misread("not_a_number", f"{quoted(value)} stands where a number belongs")
    number = Decimal(found["digits"].replace(",", "").replace(" ", ""))
    number *= _scale(value, number, found["symbol"], normalise(found["rest"]), unit=unit, symbol=symbol, words=words)
    read = float(-number if signs and signs[0] != "+" else number)
    refuse_placeholder(read)
    if not math.isfinite(read):
        raise Misread("not_a_number", f"{quoted(value)} stands where a number belongs")
    return _possible(read), True


def is_figure(value: object, column: Column | None = None) -> bool:
    """Whether an entry is more than a remark: a number, a date, an error, a mark for no value, or a number as text."""
    if not isinstance(value, str):
        return True
    try:
        read_number(value, unit=column and column.unit, symbol=column and column.symbol)
    except Misread as error:
        return error.rule != "not_a_number"
    return True


def limits(column: Column | None) -> tuple[float, float]:
    """The least and the most of a value column; what lies between needs no further look."""
    low = column.minimum if column and column.minimum is not None else -LARGEST
    high = column.maximum if column and column.maximum is not None else LARGEST
    return low, high


def check_range(column: Column, number: float) -> None:
    """Raise Misread where a number is outside what the column's contract says is possible."""
    low, high = column.minimum, column.maximum
    if low is not None and number < low:
        raise Misread("out_of_range", f"{shown(number)} is below {shown(low)}, the least that there can be")
    if high is not None and number > high:
        hint = f"; for {shown(number)} per cent enter {shown(number / 100)}" if high == 1 and number <= 100 else ""
        raise Misread("out_of_range", f"{shown(number)} is above {shown(high)}, the most that there can be{hint}")


def _possible(number: float) -> float:
    if abs(number) > LARGEST:
        message = f"{shown(number)} is too large: a figure is at most {shown(LARGEST)}, plus or minus"
        raise Misread("out_of_range", message)
    return number


def _why_not(text: str) -> str:
    if len(text) <= NUMBER_LENGTH and _SEVERAL_WAYS.fullmatch(text):
        return "can be read in more than one way"
    return "stands where a number belongs"


def _scale(
    value: object,
    number: Decimal,
    given: str | None,
    rest: str,
    *,
    unit: str | None,
    symbol: str | None,
    words: Collection[str],
) -> Decimal:
    """What the number typed is multiplied by to be in the column's unit; Misread where what stands beside it is not."""
    unit = unit or ""
    is_thousands = unit.endswith(" 000")
    if rest == "%":
        if unit == "share":
            return Decimal("0.01")
        raise Misread("not_a_number", f"{quoted(value)} is a percentage typed as text, and a number belongs here")
    if symbol and rest in _MULTIPLES:
        return Decimal(10) ** (_MULTIPLES[rest] - 3 * is_thousands)
    if given and is_thousands and number:
        raise Misread("not_a_number", f"{quoted(value)} may be in {unit} or not: enter the number of {unit} alone")
    if rest and rest not in {*words, normalise(unit), normalise(unit).removesuffix("s")}:
        raise Misread("not_a_number", f"{quoted(value)} stands where a number belongs")
    return Decimal(1)
