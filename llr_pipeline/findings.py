"""What is found in a file: a breach of a rule of `reference.finding_rules`, at a cell, with what to do about it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace
from datetime import date

from llr_pipeline.codes import Reference

MESSAGE_LENGTH = 300
VALUE_LENGTH = 32_767  # of a cell, at most, in Excel
LISTED_AT_MOST = 200  # breaches of one rule on one sheet; all beyond are one finding more
SHEETS_AT_MOST = 20  # that one rule counts apart; all beyond count as one
MILDER = {"error": "warning", "warning": "note", "note": "note"}  # before the day from which a rule applies
# Control characters, and those that are invisible or turn the direction of what follows.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_MARK = "\ufffd"


@dataclass(frozen=True)
class Finding:
    """One breach, or the rest of many. `line` is the row number; cell and period are empty where the breach has none.

    The message is a sentence without its full stop; the remedy is one or more sentences with theirs. `breach_count`
    says how many it stands for: what is beyond LISTED_AT_MOST is one finding, at the first of their cells.
    """

    rule: str
    severity: str
    message: str
    sheet: str | None = None
    cell: str | None = None
    line: int | None = None
    period: str | None = None
    value_received: str | None = None
    remedy: str = ""
    breach_count: int = 1

    def as_dict(self) -> dict[str, str | int | None]:
        return asdict(self)


class Findings(list[Finding]):
    """The findings about one file, in the order found, as the rules stand on a day: the day of reading.

    However many cells break a rule, there are never more than rules and sheets allow: see `add`.
    """

    def __init__(self, reference: Reference, today: date | None = None) -> None:
        super().__init__()
        self._today = (today or date.today()).isoformat()
        self._rules = {row["rule"]: row for row in reference.rows("finding_rules")}
        self._sheets: dict[str, set[str | None]] = defaultdict(set)  # by rule
        self._listed: Counter[tuple[str, str | None]] = Counter()  # by rule and sheet
        self._rest: dict[tuple[str, str | None], int] = {}  # by rule and sheet: which finding is all those beyond

    def add(self, rule: str, message: str, *, value: object = None, sheet: str | None = None, **where: object) -> None:
        """Note a breach; severity and remedy are the rule's, one step milder before the day from which it applies.

        Beyond LISTED_AT_MOST of a rule on a sheet it is counted in one finding, which names the first and the last of
        their cells.
        """
        about, sheets = self._rules[rule], self._sheets[rule]
        kind = rule, sheet if sheet in sheets or len(sheets) < SHEETS_AT_MOST else None
        if (place := self._rest.get(kind)) is not None:
            at = sheet, where.get("cell")
            self[place] = _with_another(self[place], at, title=about["title"], is_one_sheet=kind[1] is not None)
            return
        severity = about["severity"] if about["applies_from"] <= self._today else MILDER[about["severity"]]
        received = None if value in (None, "") else str(value)[:VALUE_LENGTH]
        text = presentable(message)
        sheets.add(kind[1])
        self._listed[kind] += 1
        if self._listed[kind] > LISTED_AT_MOST:
            self._rest[kind] = len(self)
        self.append(
            Finding(rule, severity, text, sheet, value_received=received, remedy=about["remedy"], **where)  # type: ignore[arg-type]
        )

    def count(self, severity: str) -> int:  # type: ignore[override]
        """How many breaches of a severity, those that are not listed one by one included."""
        return sum(finding.breach_count for finding in self if finding.severity == severity)

    @property
    def refuse(self) -> bool:
        """Whether one of them refuses the whole file."""
        return any(f.severity == "error" and self._rules[f.rule]["is_refusal"] == "true" for f in self)


def _with_another(rest: Finding, at: tuple[str | None, object], *, title: str, is_one_sheet: bool) -> Finding:
    """The finding that stands for all those beyond what is listed, with one more of them."""
    first, last = rest.cell, at[1]
    if not is_one_sheet:
        first, last = ("!".join(filter(None, place)) for place in ((rest.sheet, rest.cell), at))
    cells, span = "cells " if rest.cell else "", f", from {first} to {last}" if first else ""
    count = rest.breach_count + 1
    message = presentable(f"{title}: {count:,} more {cells}of this kind{span}")
    return replace(rest, message=message, period=None, value_received=None, breach_count=count)


def presentable(message: str) -> str:
    """A message that cannot garble what is around it: invisible characters marked, cut where it is too long."""
    if _UNSEEN.search(message):
        message = _UNSEEN.sub(_MARK, message)
    return message if len(message) <= MESSAGE_LENGTH else message[: MESSAGE_LENGTH - 1] + "…"


def visible(text: str | None) -> str:
    """The text on one line, without the characters that no program shows, such as those that turn its direction."""
    spaced = " ".join(unicodedata.normalize("NFC", text or "").split())
    return "".join(c for c in spaced if unicodedata.category(c)[0] != "C")
