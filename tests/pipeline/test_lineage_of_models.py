"""What the macros of sql/lineage.sql say that a model reads, held against the model itself.

Every cell that is not listed is changed at once, and the figure stays; one that is listed is changed, and it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from assets.finance.projection import project as project_funding
from assets.workforce.projection import project as project_staff
from llr_pipeline.paths import SQL, Home

ROUND, RUNS, TRIED = "2016-11", 4, 3
MONEY, FIGURE, SHARE = "{0} * 1.1 + 1000", "{0} * 1.5 + 2", "{0} * 0.9 + 0.001"
LOW, CENTRAL, HIGH = "{0} - 0.1 * abs({0}) - 0.01", "{0} + 0.02 * abs({0}) + 0.01", "{0} + 0.1 * abs({0}) + 0.01"
CHANGES: Mapping[str, Mapping[str, tuple[str, str]]] = {  # of each cell: its column, and another value that can be
    "core.activity_current": {f"{name}_cell": (name, FIGURE) for name in ("spells", "attendances", "contacts")},
    "core.assumptions_current": {
        "low_cell": ("low_value", LOW), "high_cell": ("high_value", HIGH),
        "central_cell": ("central_value", f"if(subject = 'simulation', {{0}} + 1, {CENTRAL})"),
    },
    "core.income_expenditure_current": {"cell": ("amount_gbp", MONEY)},
    "core.savings_current": {f"{name}_cell": (f"{name}_gbp", MONEY) for name in ("gross_saving", "investment")},
    "core.savings_schemes_current": {
        "start_date_cell": ("start_date", "{0} + interval 400 days"),
        "confidence_share_cell": ("confidence_share", SHARE),
        "full_year_effect_cell": ("full_year_effect_gbp", MONEY),
    },
    "core.scenarios_current": {
        "slip_months_cell": ("slip_months", "{0} + 2"), "delivered_share_cell": ("delivered_share", SHARE),
    },
    "core.workforce_current": {"wte_cell": ("wte", FIGURE), "headcount_cell": ("headcount", FIGURE)},
    "core.workforce_flows_current": {
        f"{name}_cell": (column, how)
        for column, how in (
            ("leaver_rate_share", SHARE), ("retirement_rate_share", SHARE), ("joiners_newly_qualified_wte", FIGURE),
            ("joiners_other_nhs_wte", FIGURE), ("joiners_overseas_wte", FIGURE), ("joiners_other_wte", FIGURE),
            ("transfers_in_wte", FIGURE), ("transfers_out_wte", FIGURE),
        )
        for name in [column.removesuffix("_share").removesuffix("_wte")]
    },
}  # fmt: skip
FUNDING = (
    "core.assumptions_current", "core.income_expenditure_current", "core.savings_current",
    "core.savings_schemes_current", "core.scenarios_current", "mart.funding_base_activity",
    "reference.expected_returns", "reference.financial_years", "reference.rounds",
)  # fmt: skip
STAFF = (
    "core.assumptions_current", "core.scenarios_current", "core.workforce_current", "core.workforce_flows_current",
    "mart.bed_census_runs", "mart.bed_transfer_ledger", "mart.community_contacts", "reference.financial_years",
    "reference.quarters", "reference.rounds", "reference.sectors",
)  # fmt: skip
MADE = ("mart.funding_base_activity", "mart.community_contacts")
"""Of the activity returned, by their SELECTs."""
Cells = Iterable[Sequence[Any]]
"""Submission, sheet and cell of each, and whatever follows."""
Project = Callable[[Mapping[str, pd.DataFrame]], Mapping[str, pd.DataFrame]]


class Model:
    """A model, and in memory what it reads: one round, and few runs."""

    def __init__(self, path: Path, project: Project, reads: Sequence[str]) -> None:
        self.project, self.reads = project, reads
        self.connection = connection = duckdb.connect(config={"threads": 1})
        connection.execute((SQL / "macros.sql").read_text(encoding="utf-8"))
        connection.execute(f"attach '{path}' as sample (read_only)")
        for layer in ("core", "mart", "reference"):
            connection.execute(f"create schema {layer}")
        for name in {*reads, "core.activity_current"} - {*MADE}:
            frame = connection.execute(f"select * from sample.{name} limit 0").df()
            where = f"where round = '{ROUND}'" if "round" in frame and name != "reference.rounds" else ""
            connection.execute(f"create table {name} as from sample.{name} {where}")
        connection.execute(f"update core.assumptions_current set central_value = {RUNS} where parameter = 'runs'")

    def row(self, table: str, keys: Mapping[str, str], changed: Cells = ()) -> dict[str, Any]:
        """The row of the model's table, with these cells changed."""
        self.connection.execute("begin")
        self.connection.execute(
            "delete from core.scenarios_current where scenario not in ('plan', ?)", [keys["scenario"]]
        )  # which stands on the plan, and no other on it
        self._change(changed)
        for name in {*MADE} & {*self.reads}:
            select = (SQL / f"{name.replace('.', '/')}.sql").read_text(encoding="utf-8")
            self.connection.execute(f"create table {name} as {select}")
        read = {name: self.connection.execute(f"select * from {name} order by all").df() for name in self.reads}
        self.connection.execute("rollback")
        found = self.project(read)[table]
        for name, value in keys.items():
            found = found[found[name] == value]
        (row,) = found.astype(object).where(found.notna(), None).to_dict("records")
        return row

    def _change(self, cells: Cells) -> None:
        chosen = pd.DataFrame([cell[:3] for cell in cells], columns=["submission_id", "sheet", "cell"], dtype=str)
        self.connection.register("chosen", chosen)
        for name, columns in CHANGES.items():
            for cell, (column, how) in columns.items() if name in (*self.reads, "core.activity_current") else ():
                self.connection.execute(
                    f"update {name} set {column} = {how.format(column)} "
                    f"where {column} is not null and (submission_id, sheet, {cell}) in (from chosen)"
                )


def listed(published: duckdb.DuckDBPyConnection, macro: str, keys: Sequence[str]) -> list[tuple[Any, ...]]:
    places = ", ".join("?" * len(keys))
    return published.execute(
        f"select submission_id, sheet, cell, subject, measure, line from {macro}({places}) order by hash(cell, line)",
        list(keys),
    ).fetchall()


def others(published: duckdb.DuckDBPyConnection, found: Cells) -> list[tuple[Any, ...]]:
    """Every other cell of the round's planning returns."""
    cells = published.execute(
        "select distinct submission_id, sheet, cell from mart.figures where period = ?", [ROUND]
    ).fetchall()
    return [*{*cells} - {row[:3] for row in found}]


def is_same(one: Any, other: Any) -> bool:
    """To the last bits of a sum."""
    return one == (pytest.approx(other, rel=1e-9, abs=1e-6) if isinstance(one, float) else other)


def of_kinds(found: Sequence[tuple[Any, ...]], kinds: Sequence[str]) -> Mapping[str, list[tuple[Any, ...]]]:
    """Cells by measure, those of assumptions by parameter."""
    taken: dict[str, list[tuple[Any, ...]]] = {kind: [] for kind in kinds}
    for row in found:
        kind = row[5].split(", ")[1] if row[3] == "assumptions" else row[4]
        if kind in taken:
            taken[kind].append(row)
    return taken


@pytest.fixture(scope="module")
def funding(sample_home: Home) -> Model:
    return Model(sample_home.published, project_funding, FUNDING)


@pytest.fixture(scope="module")
def staff(sample_home: Home) -> Model:
    return Model(sample_home.published, project_staff, STAFF)


@pytest.mark.parametrize(
    ("scenario", "area", "year"),
    [("plan", "RWE", "2018/19"), ("plan_six_months_late", "local_authority", "2020/21")],
)
def test_no_other_cell_changes_a_modelled_gap(published, funding: Model, scenario: str, area: str, year: str):
    keys = {"scenario": scenario, "area": area, "financial_year": year}
    found = listed(published, "funding_sources", [ROUND, scenario, "modelled", area, year])
    before = funding.row("mart.funding_modelled_totals", keys)
    after = funding.row("mart.funding_modelled_totals", keys, others(published, found))
    assert [name for name in before if not is_same(before[name], after[name])] == []


@pytest.mark.parametrize(
    ("scenario", "area", "year"),
    [("do_nothing", "RWE", "2018/19"), ("plan_six_months_late", "community", "2020/21")],
)
def test_no_other_cell_changes_modelled_staff(published, staff: Model, scenario: str, area: str, year: str):
    keys = {"scenario": scenario, "area": area, "financial_year": year}
    found = listed(published, "staff_sources", [ROUND, scenario, area, year])
    before = staff.row("mart.workforce_totals", keys)
    after = staff.row("mart.workforce_totals", keys, others(published, found))
    assert [name for name in before if not is_same(before[name], after[name])] == []


def unmoved(model: Model, table: str, keys: Mapping[str, str], kinds: Mapping[str, Cells]) -> list[str]:
    """Kinds of which none of the first cells changes the row alone."""
    before = model.row(table, keys)
    return [
        kind
        for kind, cells in kinds.items()
        if all(before == model.row(table, keys, [cell]) for cell in [*cells][:TRIED])
    ]


def test_cells_that_are_read_narrowly_change_a_modelled_gap(published, funding: Model):
    keys = {"scenario": "plan_eighty_percent", "area": "RWE", "financial_year": "2020/21"}
    found = listed(published, "funding_sources", [ROUND, "plan_eighty_percent", "modelled", "RWE", "2020/21"])
    kinds = of_kinds(found, ("start", "confidence", "slip_months", "marginal_cost_share", "activity_weight"))
    assert unmoved(funding, "mart.funding_modelled_totals", keys, kinds) == []


def test_cells_that_are_read_narrowly_change_modelled_staff(published, staff: Model):
    keys = {"scenario": "plan", "area": "system", "financial_year": "2020/21"}
    kinds = of_kinds(
        listed(published, "staff_sources", [ROUND, *keys.values()]),
        ("replacement_share", "leaver_rate", "premium_share", "contacts_per_wte", "contacts"),
    )
    assert unmoved(staff, "mart.workforce_totals", keys, kinds) == []
