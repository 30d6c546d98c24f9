"""A rule begins on its day, and a message cannot garble what is around it."""

from datetime import date

import pytest

from llr_pipeline.codes import Reference
from llr_pipeline.findings import Findings, presentable
from llr_pipeline.reading import read_file

RULE = {"rule": "r", "applies_from": "2017-04-01", "title": "t", "remedy": "Do it."}


def found(severity: str, day: date, *, is_refusal: bool = False) -> Findings:
    rule = RULE | {"severity": severity, "is_refusal": str(is_refusal).lower()}
    findings = Findings(Reference({"finding_rules": (rule,)}), day)
    findings.add("r", "m")
    return findings


@pytest.mark.parametrize(
    ("severity", "before"), [("error", "warning"), ("warning", "note"), ("note", "note")]
)  # fmt: skip
def test_a_rule_is_milder_before_its_day(severity, before):
    assert found(severity, date(2017, 3, 31))[0].severity == before
    assert found(severity, date(2017, 4, 1))[0].severity == severity
    assert found(severity, date(2030, 1, 1))[0].severity == severity


def test_a_refusal_refuses_from_its_day():
    assert not found("error", date(2017, 3, 31), is_refusal=True).refuse
    assert found("error", date(2017, 4, 1), is_refusal=True).refuse
    assert not found("error", date(2017, 4, 1)).refuse


def test_a_file_of_which_nothing_is_read_is_refused_whatever_the_day(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"")
    reading = read_file(tmp_path / "a.xlsx", today=date(2015, 1, 1))
    assert [f.severity for f in reading.findings] == ["warning"]
    assert reading.is_refused


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("plain “text” £1.2m déjà", "plain “text” £1.2m déjà"),
        ("a\x00b\x1b[31mc\r\nd", "a\ufffdb\ufffd[31mc\ufffd\ufffdd"),
        ("\u202eexe.xslx\u202c", "\ufffdexe.xslx\ufffd"),
        ("\u2066a\u200fb\u200bc\ufeff", "\ufffda\ufffdb\ufffdc\ufffd"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 299 + "…"),
        ("", ""),
    ],
)
def test_messages_carry_nothing_unseen_and_end(message, shown):
    assert presentable(message) == shown
