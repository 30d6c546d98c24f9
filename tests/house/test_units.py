"""Contracts: every column is described, and a column whose name ends in a unit has that unit."""

from __future__ import annotations

import re

import pytest

from llr_pipeline.contracts import Column, contracts, templates
from llr_pipeline.publications import publications

# The last words of a name -> the unit; the longest that fits counts.
UNITS = {
    "bed_days": "bed days", "beds": "beds", "days": "days", "nights": "nights", "months": "months", "wte": "WTE",
    "gbp": "GBP", "share": "share", "pct": "percent", "bytes": "bytes", "spells": "spells", "hours": "hours",
}  # fmt: skip
NUMBERS = ("double", "decimal", "integer", "bigint", "smallint", "float")
BASE_LAYERS = ("core", "mart", "report")


def every_column() -> list[tuple[str, Column]]:
    found = [(f"sql/{c.layer}/{c.table}.toml", column) for c in contracts().values() for column in c.columns]
    found += [
        (f"sql/raw/{t.name}.toml:{s.table}", c) for t in templates().values() for s in t.sheets for c in s.columns
    ]
    found += [(f"sql/raw/{p.name}.toml", column) for p in publications().values() for column in p.columns]
    return found


def suffix_of(name: str) -> str | None:
    """The longest unit that the name ends in, or is."""
    fits = [suffix for suffix in UNITS if name == suffix or name.endswith(f"_{suffix}")]
    return max(fits, key=len, default=None)


def is_number(column: Column) -> bool:
    return column.type.startswith(NUMBERS)


def test_every_table_and_column_is_described():
    lacking = [f"{where}: {column.name}" for where, column in every_column() if len(column.description.strip()) < 4]
    lacking += [name for name, contract in contracts().items() if not contract.description.startswith("One row per")]
    assert not lacking, "describe what it holds; a table's description begins “One row per …”:\n" + "\n".join(lacking)


def test_a_unit_in_the_name_is_the_unit():
    wrong = [
        f"{where}: {column.name} has unit {column.unit!r}, its name says {UNITS[suffix]!r}"
        for where, column in every_column()
        if is_number(column) and (suffix := suffix_of(column.name)) and column.unit != UNITS[suffix]
    ]
    assert not wrong, "\n".join(wrong)


def test_a_unit_is_in_the_name():
    """From core on. The sheets of a return are in the sender's units."""
    known = {unit: suffix for suffix, unit in UNITS.items()}
    wrong = [
        f"{where}: {column.name} is in {column.unit}; end its name in _{known[column.unit]}"
        for where, column in every_column()
        if where.split("/")[1] in BASE_LAYERS and column.unit in known
        and not re.search(rf"(^|_){known[column.unit]}(_|$)", column.name)
    ]  # fmt: skip
    assert not wrong, "\n".join(wrong)


def test_base_units_are_used_from_core_on():
    wrong = [
        f"{where}: {column.name} is in {column.unit}" for where, column in every_column()
        if where.split("/")[1] in BASE_LAYERS and re.search(r"000|thousand|million|\bm\b", column.unit or "")
    ]  # fmt: skip
    assert not wrong, "pounds, beds and people: convert in core, once:\n" + "\n".join(wrong)


def test_money_is_decimal():
    """Sums of doubles differ from run to run."""
    wrong = [
        f"{where}: {column.name} is {column.type}" for where, column in every_column()
        if where.split("/")[1] in BASE_LAYERS and column.name.endswith("_gbp") and column.type != "decimal(18,2)"
    ]  # fmt: skip
    assert not wrong, "money is decimal(18,2):\n" + "\n".join(wrong)


@pytest.mark.parametrize(("suffix", "highest"), [("share", 1), ("pct", 100)])
def test_shares_and_percentages_keep_to_their_scale(suffix: str, highest: int):
    """A share is 0 to 1, a percentage 0 to 100. One that may go below 0 or above the top says so in its description."""
    wrong = []
    for where, column in every_column():
        if suffix_of(column.name) != suffix or not is_number(column):
            continue
        if column.minimum is None and not re.search(r"negative|minus|below 0|signed", column.description):
            wrong.append(f"{where}: {column.name} has no minimum, and its description does not say it may be negative")
        if column.maximum is None and not re.search(r"above|more than|may exceed", column.description):
            wrong.append(
                f"{where}: {column.name} has no maximum, and its description does not say it may be above {highest}"
            )
        if column.maximum is not None and column.maximum > highest:
            wrong.append(f"{where}: {column.name} may be {column.maximum:g}: a _{suffix} is at most {highest}")
    assert not wrong, "\n".join(wrong)


def test_a_truth_value_is_named_as_one():
    wrong = [
        f"{where}: {column.name}" for where, column in every_column()
        if column.type == "boolean" and where.split("/")[1] != "raw" and not column.name.startswith(("is_", "has_"))
    ]  # fmt: skip
    assert not wrong, "name a boolean is_… or has_…:\n" + "\n".join(wrong)


def test_names_are_snake_case():
    wrong = [
        f"{where}: {c.name}" for where, c in every_column() if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", c.name)
    ]
    assert not wrong, "\n".join(wrong)
