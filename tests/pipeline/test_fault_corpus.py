"""A corpus of faults, each planted alone in a clean return and found at its cell; and contents at random, none dropped.

The makers are in `faults.py`; `python -m tests.benchmarks.fault_corpus` plants every fault in every return.
"""

from __future__ import annotations

import re
import tempfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llr_pipeline.cells import is_blank
from llr_pipeline.findings import Finding
from llr_pipeline.reading import read_file
from tests.pipeline.faults import HEADINGS, Clean, Tally, faults, findings_of, judge, one_of_each_kind, write_clean

KINDS_AT_LEAST = 60
SHORT = 72  # kinds planted here, besides those below; the benchmark plants them all
OUTSIDE = ("in a row of nothing", "in a column without heading", "alone in a row")  # where silence comes easily


@pytest.fixture(scope="module")
def cleans(tmp_path_factory) -> list[Clean]:
    return write_clean(tmp_path_factory.mktemp("clean"))


def test_the_clean_returns_have_no_findings(cleans):
    assert {clean.template: list(read_file(clean.path).findings) for clean in cleans} == {
        c.template: [] for c in cleans
    }


def test_every_kind_of_fault_is_found_at_its_cell_and_nothing_else_is(cleans, tmp_path):
    kinds = one_of_each_kind(list(faults(cleans)))
    assert len(kinds) >= KINDS_AT_LEAST
    outside = [fault for fault in kinds if fault.kind.endswith(OUTSIDE)]
    assert len(outside) > 2 * len(OUTSIDE)
    tally = Tally()
    step = len(kinds) / SHORT
    for fault in [*outside, *(kinds[int(n * step)] for n in range(SHORT))]:
        judge(fault, findings_of(fault, tmp_path / "altered.xlsx"), tally)
    assert (tally.mislocated, tally.missed, tally.false_alarms) == ([], [], []), str(tally)
    assert tally.found == tally.tried >= KINDS_AT_LEAST


# -- anything anywhere


ENTRIES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.floats(-1e15, 1e15),
    st.dates(date(1900, 3, 1), date(9999, 12, 31)),
    st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)),
    st.times().map(lambda t: time(t.hour, t.minute, t.second)),
    st.sampled_from(["#REF!", "#N/A", "=A1", "-", "n/a", "tbc", " ", "\u00a0", "1,940", "12%", "(12.3)", "'", "1e400"]),
    st.sampled_from(["Total", "Grand total", "Leicester Royal Infirmary", "Available", "Occupied", "total 2", "0"]),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=30),
)
CHANGES = st.dictionaries(st.tuples(st.integers(5, 16), st.integers(1, 12)), ENTRIES, min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES)
def test_whatever_stands_in_the_cells_is_read_or_found_or_a_heading(cleans, changes):
    """Of a line every cell is received. Any other row with an entry has a finding, or says itself what it is."""
    clean = next(clean for clean in cleans if clean.template == "beds-RT5")
    place = next(place for place in clean.places if place.title == "Beds")
    book = openpyxl.load_workbook(clean.path)
    sheet = book["Beds"]
    for (row, column), entry in changes.items():
        cell = sheet.cell(row, column)
        if isinstance(entry, str):
            entry = openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", entry)
        cell.value = entry
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "altered.xlsx")
        book.save(path)
        reading = read_file(path)
    if reading.is_refused:
        assert list(reading.findings)
        return
    rows = {row["row_number"] for row in reading.tables["beds"].to_pylist()}
    rows |= {total["row_number"] for total in reading.tables["totals"].to_pylist()} | named_rows(reading.findings)
    for row in range(HEADINGS + 1, sheet.max_row + 1):
        entries = [sheet[f"{letter}{row}"].value for letter in (*place.attributes.values(), *place.periods.values())]
        if not all(is_blank(entry) for entry in entries):
            assert row in rows or says_what_it_is(entries), (row, entries)
    beyond = [cell.value for row in sheet.iter_rows(HEADINGS + 1, min_col=11) for cell in row]
    if not all(is_blank(value) for value in beyond):
        assert {f.rule for f in reading.findings} & {"unheaded_values", "unknown_column"}, beyond
    by_cell = {(r["row_number"], r["cell"]["beds"]): r for r in reading.tables["beds"].to_pylist()}
    at = {(finding.line, finding.cell) for finding in reading.findings}
    for (row, cell), line in by_cell.items():
        if line["beds"] and not is_blank(line["beds"]) and line["reading"]["beds"] is None:
            assert (row, cell) in at, "a value that was received and not read has a finding"


def named_rows(findings: list[Finding]) -> set[int]:
    """The rows that findings are about, one by one or as a run."""
    rows = {finding.line for finding in findings if finding.line}
    for finding in findings:
        if run := re.match(r"Rows (\d+) to (\d+) ", finding.message):
            rows |= set(range(int(run[1]), int(run[2]) + 1))
    return rows


def says_what_it_is(entries: list[object]) -> bool:
    """A section's heading, a total without values, or a line with nothing but what a template enters in it."""
    *attributes, _, _, _, _, _, _ = entries
    text = next((str(entry).strip() for entry in attributes if not is_blank(entry)), "")
    is_heading = " - " in text and sum(not is_blank(entry) for entry in entries) == 1
    is_prepared = all(is_blank(entry) for entry in (*attributes[:2], *entries[4:]))
    return is_heading or is_prepared or bool(re.match(r"(grand )?total\b", text, re.IGNORECASE))
