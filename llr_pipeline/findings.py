"""What is found in a file: a breach of a rule of `reference.finding_rules`, at a cell, with what to do about it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date

from llr_pipeline.codes import Reference

MESSAGE_LENGTH = 300
MILDER = {"error": "warning", "warning": "note", "note": "note"}  # before the day from which a rule applies
# Control characters, and those that are invisible or turn the direction of what follows.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_MARK = "\ufffd"


@dataclass(frozen=True)
class Finding:
    """One breach. `line` is the sheet's row number; cell and period are empty where the breach has none.

    The message is a sentence without its full stop; the remedy is one or more sentences with theirs.
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

    def as_dict(self) -> dict[str, str | int | None]:
        return asdict(self)


class Findings(list[Finding]):
    """The findings about one file, in the order found, as the rules stand on a day: the day of reading."""

    def __init__(self, reference: Reference, today: date | None = None) -> None:
        super().__init__()
        self._today = (today or date.today()).isoformat()
        self._rules = {row["rule"]: row for row in reference.rows("finding_rules")}

    def add(self, rule: str, message: str, *, value: object = None, **where: object) -> None:
        """Note a breach; severity and remedy are the rule's, one step milder before the day from which it applies."""
        about = self._rules[rule]
        severity = about["severity"] if about["applies_from"] <= self._today else MILDER[about["severity"]]
        received = None if value in (None, "") else str(value)
        self.append(
            Finding(rule, severity, presentable(message), value_received=received, remedy=about["remedy"], **where)  # type: ignore[arg-type]
        )

    def count(self, severity: str) -> int:  # type: ignore[override]
        return sum(finding.severity == severity for finding in self)

    @property
    def refuse(self) -> bool:
        """Whether one of them refuses the whole file."""
        return any(f.severity == "error" and self._rules[f.rule]["is_refusal"] == "true" for f in self)


def presentable(message: str) -> str:
    """A message that cannot garble what is around it: invisible characters marked, cut where it is too long."""
    if _UNSEEN.search(message):
        message = _UNSEEN.sub(_MARK, message)
    return message if len(message) <= MESSAGE_LENGTH else message[: MESSAGE_LENGTH - 1] + "…"
