"""A rule begins on its day, what is found often is counted, and a message cannot garble what is around it."""

from datetime import date

import pytest

from llr_pipeline.codes import Reference
from llr_pipeline.findings import LISTED_AT_MOST, SHEETS_AT_MOST, VALUE_LENGTH, Findings, presentable, visible
from llr_pipeline.reading import read_file

RULE = {"rule": "r", "applies_from": "2017-04-01", "title": "t", "remedy": "Do it."}


def many(*places: tuple[str | None, str | None]) -> Findings:
    """A finding of the rule at each sheet and cell."""
    findings = Findings(Reference({"finding_rules": (RULE | {"severity": "error", "is_refusal": "true"},)}))
    for line, (sheet, cell) in enumerate(places, 1):
        findings.add("r", "m", sheet=sheet, cell=cell, line=line, period="p", value="v")
    return findings


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


def test_what_is_found_often_is_listed_up_to_a_limit_and_then_counted():
    cells = [("A", f"B{n}") for n in range(1, LISTED_AT_MOST + 2)]
    findings = many(*cells)
    assert [(f.sheet, f.cell, f.message) for f in findings] == [(*place, "m") for place in cells]
    for n in range(500):
        findings.add("r", "m", sheet="A", cell=f"C{n}")
    *listed, rest = findings
    assert [(f.sheet, f.cell) for f in listed] == cells[:-1]
    assert rest.message == "t: 501 more cells of this kind, from B201 to C499"
    assert (rest.rule, rest.severity, rest.remedy, rest.breach_count) == ("r", "error", "Do it.", 501)
    assert (rest.sheet, rest.cell, rest.line, rest.period, rest.value_received) == ("A", "B201", 201, None, None)
    assert findings.count("error") == LISTED_AT_MOST + 501
    assert findings.refuse


def test_each_sheet_and_each_rule_has_its_own_limit():
    findings = many(*[(sheet, f"A{n}") for n in range(1, 301) for sheet in ("A", "B")])
    assert [f.message for f in findings if f.breach_count > 1] == [
        "t: 100 more cells of this kind, from A201 to A300"
    ] * 2
    assert len(findings) == 2 * (LISTED_AT_MOST + 1)
    reference = Reference({"finding_rules": tuple(RULE | {"rule": r, "severity": "note"} for r in "rs")})
    findings = Findings(reference)
    for rule in "rs" * LISTED_AT_MOST:
        findings.add(rule, "m", sheet="A", cell="A1")
    assert len(findings) == findings.count("note") == 2 * LISTED_AT_MOST


def test_however_many_sheets_there_are_the_findings_end():
    findings = many(*[(f"S{n}", None) for n in range(5_000)])
    assert len(findings) == SHEETS_AT_MOST + LISTED_AT_MOST + 1
    assert findings[-1].message == f"t: 4,780 more of this kind, from S{SHEETS_AT_MOST + LISTED_AT_MOST} to S4999"
    assert findings.count("error") == 5_000
    findings = many(*[(f"S{n}", "A1") for n in range(5_000)])
    assert findings[-1].message == "t: 4,780 more cells of this kind, from S220!A1 to S4999!A1"
    assert many(*[(None, None)] * 1_000)[-1].message == "t: 800 more of this kind"


def test_a_value_is_kept_as_far_as_a_cell_of_excel_goes():
    findings = many()
    findings.add("r", "m", value="x" * 1_000_000)
    assert findings[0].value_received == "x" * VALUE_LENGTH


@pytest.mark.parametrize(
    ("text", "shown"), [("a\n b\tc", "a b c"), ("plan\u202excod\x00", "planxcod"), ("=1+1", "=1+1"), (None, "")]
)
def test_what_no_program_shows_is_left_out(text, shown):
    assert visible(text) == shown
