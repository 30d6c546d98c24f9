"""A corpus of faults, each planted alone in a clean return and found at its cell; and contents at random, none dropped.

The makers are in `faults.py`; `python -m tests.benchmarks.fault_corpus` plants every fault in every return.
"""

from __future__ import annotations

import tempfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llr_pipeline.cells import is_blank
from llr_pipeline.reading import read_file
from tests.pipeline.faults import Clean, Tally, faults, findings_of, judge, one_of_each_kind, write_clean

# What is dropped without a finding today: a fault of these kinds is missed.
SILENT = {
    "number as text in a row of nothing",
    "words in a row of nothing",
    "error in a row of nothing",
    "value in a column without heading",
}
KINDS_AT_LEAST = 60
SHORT = 72  # kinds planted here; the benchmark plants them all


@pytest.fixture(scope="module")
def cleans(tmp_path_factory) -> list[Clean]:
    return write_clean(tmp_path_factory.mktemp("clean"))


def test_the_clean_returns_have_no_findings(cleans):
    assert {clean.template: list(read_file(clean.path).findings) for clean in cleans} == {
        c.template: [] for c in cleans
    }


def test_every_kind_of_fault_is_found_at_its_cell_and_nothing_else_is(cleans, tmp_path):
    kinds = [fault for fault in one_of_each_kind(list(faults(cleans))) if fault.kind not in SILENT]
    assert len(kinds) >= KINDS_AT_LEAST
    tally = Tally()
    step = len(kinds) / min(len(kinds), SHORT)
    for n in range(min(len(kinds), SHORT)):
        fault = kinds[int(n * step)]
        judge(fault, findings_of(fault, tmp_path / "altered.xlsx"), tally)
    assert (tally.mislocated, tally.missed, tally.false_alarms) == ([], [], []), str(tally)
    assert tally.found == tally.tried >= KINDS_AT_LEAST


@pytest.mark.xfail(reason="dropped without a finding", strict=True)
@pytest.mark.parametrize("kind", sorted(SILENT))
def test_nothing_is_dropped_in_silence(cleans, tmp_path, kind):
    fault = next(fault for fault in faults(cleans) if fault.kind == kind)
    tally = Tally()
    judge(fault, findings_of(fault, tmp_path / "altered.xlsx"), tally)
    assert tally.found, tally.missed


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
CHANGES = st.dictionaries(st.tuples(st.integers(5, 16), st.integers(1, 10)), ENTRIES, min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES)
def test_whatever_stands_in_the_cells_is_read_or_found_or_a_heading(cleans, changes):
    """Of a line every cell is received. Of any other row each filled cell has a finding, or the row says what it is."""
    clean = next(clean for clean in cleans if clean.template == "beds-RT5")
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
    totals = {(t["row_number"], t["cell"]) for t in reading.tables["totals"].to_pylist()}
    found = {finding.line for finding in reading.findings} | {row for row, _ in totals}
    values = next(place for place in clean.places if place.title == "Beds").periods.values()
    for row in range(5, sheet.max_row + 1):
        held = [sheet[f"{letter}{row}"].value for letter in values]
        numbers = [v for v in held if isinstance(v, int | float) and not isinstance(v, bool)]
        if numbers and not all(is_blank(v) for v in held):
            assert row in rows | found, (row, held)
    by_cell = {(r["row_number"], r["cell"]["beds"]): r for r in reading.tables["beds"].to_pylist()}
    at = {(finding.line, finding.cell) for finding in reading.findings}
    for (row, cell), line in by_cell.items():
        if line["beds"] and not is_blank(line["beds"]) and line["reading"]["beds"] is None:
            assert (row, cell) in at, "a value that was received and not read has a finding"
