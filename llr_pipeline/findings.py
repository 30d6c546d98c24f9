"""What is found in a file: a breach of a rule of `reference.finding_rules`, at a cell, with what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from llr_pipeline.codes import Reference


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
    """The findings about one file, in the order found."""

    def __init__(self, reference: Reference) -> None:
        super().__init__()
        self._rules = {row["rule"]: row for row in reference.rows("finding_rules")}

    def add(self, rule: str, message: str, *, value: object = None, **where: object) -> None:
        """Note a breach; severity and remedy are the rule's."""
        about = self._rules[rule]
        received = None if value in (None, "") else str(value)
        self.append(
            Finding(rule, about["severity"], message, value_received=received, remedy=about["remedy"], **where)  # type: ignore[arg-type]
        )

    def count(self, severity: str) -> int:  # type: ignore[override]
        return sum(finding.severity == severity for finding in self)

    @property
    def refuse(self) -> bool:
        """Whether one of them refuses the whole file."""
        return any(self._rules[finding.rule]["is_refusal"] == "true" for finding in self)
