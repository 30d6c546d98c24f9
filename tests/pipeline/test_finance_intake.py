"""What intake catches in a finance return, at its cell, while the rest of the return is loaded and nothing stops."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from llr_pipeline import intake
from llr_pipeline.checks import run_checks
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import contracts, templates
from llr_pipeline.paths import Home
from llr_pipeline.reading import read_file
from llr_pipeline.returns import Reading
from llr_pipeline.tables import build_table
from llr_pipeline.templates import Cover, Line, write_workbook
from tests.unit.bed_tables import YEARS

OF_OPENPYXL = "total_without_value"  # it stores no results of formulas
SCHEME = {
    "scheme": "Agency staff", "category": "cip", "owner": "Director of workforce", "cost_pool": "pay",
    "is_recurrent": True, "start_date": date(2016, 4, 1), "confidence_share": 0.65, "stated_as": "share",
    "full_year_effect": 0.04, "measure": "gross_saving",
}  # fmt: skip


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """A line of pay and two schemes that save from it: 40 thousand pounds a year of 1,000, and 10."""
    wages = {
        "line": "Wages", "category": "pay", "counterparty_code": "other", "scenario": "do_nothing",
        "is_recurrent": True, "support_basis": "without_support", "price_basis": "nominal",
    }  # fmt: skip
    lines = {
        "income_expenditure": [Line(wages, dict.fromkeys(YEARS, 1_000.0))],
        "savings": [
            Line(SCHEME | {"scheme_code": "S01"}, dict.fromkeys(YEARS, 40.0)),
            Line(SCHEME | {"scheme_code": "S02", "full_year_effect": 0.01}, dict.fromkeys(YEARS, 10.0)),
        ],
    }
    path = tmp_path_factory.mktemp("finance") / "finance.xlsx"
    about = Cover("RWE", "2016-11", "Planning team", date(2016, 11, 10))
    write_workbook(path, templates()["finance"], about, read_reference(), lines)
    return path


@pytest.fixture
def altered(clean: Path, tmp_path: Path) -> Callable[..., tuple[Path, list[str]]]:
    """The return with other entries, each of a scheme and a column: its path, and the cells."""

    def write(*changes: tuple[str, str, object]) -> tuple[Path, list[str]]:
        lines = read_file(clean).tables["savings"].to_pylist()
        of_scheme = {row["reading"]["scheme_code"]: row["cell"] for row in lines}
        book = openpyxl.load_workbook(clean)
        for code, column, entry in changes:
            book["Savings"][of_scheme[code][column]] = entry
        book.save(tmp_path / "altered.xlsx")
        return tmp_path / "altered.xlsx", [of_scheme[code][column] for code, column, _ in changes]

    return write


def found(reading: Reading) -> list[tuple]:
    return [(f.severity, f.rule, f.sheet, f.cell) for f in reading.findings if f.rule != OF_OPENPYXL]


def test_the_clean_return_has_no_finding(clean: Path) -> None:
    assert found(read_file(clean)) == []


@pytest.mark.parametrize(
    ("column", "entry", "rule", "words"),
    [
        ("cost_pool", None, "missing_value", "Cost pool"),
        ("cost_pool", "TBC", "unknown_code", "TBC"),
        ("cost_pool", "Catering", "unknown_code", "Catering"),
        ("confidence_share", 65, "out_of_range", "65 is above 1"),
        ("confidence_share", -0.1, "out_of_range", "-0.1 is below 0"),
        ("start_date", None, "missing_value", "Start date"),
    ],
)
def test_what_the_model_cannot_use_is_a_finding_at_its_cell(altered, column, entry, rule, words) -> None:
    path, (cell,) = altered(("S01", column, entry))
    reading = read_file(path)
    assert not reading.is_refused
    assert found(reading) == [("error", rule, "Savings", cell)]
    (finding,) = [f for f in reading.findings if f.rule == rule]
    assert words in finding.message


def core(connection, table: str) -> None:
    """The core table from what is loaded, as a run builds it; a check that fails would stop the run."""
    contract = contracts()[f"core.{table}"]
    build_table(connection, contract, run_id="test")
    assert [result.check_name for result in run_checks(connection, contract) if not result.passed] == []


def test_the_rest_of_the_return_is_loaded_and_breaks_no_contract(connection, home: Home, altered) -> None:
    """A confidence of 65 keeps its scheme back and no more. A share of 40 for 40% is loaded as it stands:
    `mart.funding_doubts` names it.
    """
    path, (kept_back, too_large) = altered(("S01", "confidence_share", 65), ("S02", "full_year_effect", 40))
    shutil.copy2(path, home.inbox / "finance.xlsx")
    assert intake.take_in(connection, home, run_id="test").accepted == ["finance.xlsx"]
    found = connection.execute("select cell from raw.findings where severity = 'error'").fetchall()
    assert found == [(kept_back,)]
    for table in ("savings", "savings_schemes", "income_expenditure"):
        core(connection, table)
    loaded = "select scheme_code, full_year_effect_share, full_year_effect_cell from core.savings_schemes"
    assert connection.execute(loaded).fetchall() == [("S02", 40, too_large)]
    saved = "select scheme_code, sum(gross_saving_gbp) from core.savings group by all"
    assert connection.execute(saved).fetchall() == [("S02", 60_000)]
    assert connection.execute("select sum(amount_gbp) from core.income_expenditure").fetchone() == (6_000_000,)
