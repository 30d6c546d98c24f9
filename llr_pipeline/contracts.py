"""What a table promises: frozen dataclasses read from the `.toml` files under `sql/`.

Two kinds share one `Column`. A `Contract` (`sql/<layer>/<table>.toml`) describes a table of the warehouse. A `Template`
(`sql/raw/<template>.toml`) describes a planning workbook: its sheets, each of which becomes a raw table. How a table is
filled or a workbook read is not said here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from llr_pipeline.paths import SQL

DASHES = ("error", "missing", "zero")
LAYERS = ("reference", "raw", "core", "mart", "report")


class ContractError(ValueError):
    """A contract file says something that cannot be meant."""


@dataclass(frozen=True)
class CodeList:
    """Where a column's allowed values are: a list in `reference.code_lists`, or a reference table of its own.

    `within` names a column of that table which must equal the sender's organisation code.
    """

    table: str
    code: str = "code"
    label: str = "label"
    name: str | None = None
    within: str | None = None


@dataclass(frozen=True)
class Column:
    """One column: its type and unit, what it may hold, and, on a sheet, how people see it."""

    name: str
    description: str
    type: str = "varchar"
    unit: str | None = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    list: CodeList | None = None
    # on a sheet only
    header: str | None = None
    headers: tuple[str, ...] = ()
    width: int = 14
    default: str | None = None
    format: str | None = None
    dash: str = "error"  # what a dash stands for: `missing`, `zero`, or, as it could be either, an `error`
    symbol: str | None = None  # that may stand before a value
    unit_from: str | None = None  # the attribute whose entry names the unit, where lines differ in it


@dataclass(frozen=True)
class Total:
    """A sum that must equal the totals in the workbooks: an SQL expression over the table, and the raw table."""

    expression: str
    raw: str
    scale: int = 1


@dataclass(frozen=True)
class Contract:
    """A table of the warehouse: what a row is, its key, its columns in order."""

    layer: str
    table: str
    description: str
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    group: str = "reference"
    source: Mapping[str, str] = field(default_factory=dict, hash=False)
    total: Total | None = None
    made_by: tuple[str, ...] = ()  # the modules or folders that compute it, where no SELECT does
    newest_counts: bool = False  # of several files in use that hold one key, the newest counts, not all
    columns_of: str | None = None  # the table whose contract has its columns, where several tables have the same

    @property
    def name(self) -> str:
        return f"{self.layer}.{self.table}"

    @property
    def is_list(self) -> bool:
        """Whether it is a list that the project keeps, in a `.csv` beside the contract."""
        return self.layer == "reference" and not self.made_by


@dataclass(frozen=True)
class Comparison:
    """Two lines that differ in `column` alone: the value of code `left` must not exceed that of `right`.

    `message` says in the contract's words what is wrong where it does; `slack` is what rounding may add, in their unit.
    """

    column: str
    left: str
    right: str
    message: str
    slack: float = 0.0


@dataclass(frozen=True)
class Sheet:
    """A sheet of a template: a row per line; attributes first, then one value a period where `period` is set.

    `value` names the column that the period columns hold. Rows are grouped, and totalled where `totals`, by `sections`.
    `since` is the first version of the template that had the sheet as it is.
    """

    table: str
    title: str
    description: str
    help: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    period: str | None = None
    sections: tuple[str, ...] = ()
    totals: bool = True
    comparisons: tuple[Comparison, ...] = ()
    blank_rows: int = 8
    since: int = 1

    @property
    def attributes(self) -> tuple[Column, ...]:
        """The columns of a line that do not depend on the period."""
        return self.columns[:-1] if self.period else self.columns

    @property
    def value(self) -> Column | None:
        """The column that the period columns hold."""
        return self.columns[-1] if self.period else None


@dataclass(frozen=True)
class Template:
    """A workbook that an organisation fills in: one contract writes it, reads it back and documents its tables.

    An older version is read if nothing but sheets has come since. A sheet in another shape has a new `since`.
    """

    name: str
    title: str
    version: int
    period: str
    purpose: str
    sheets: tuple[Sheet, ...]

    @property
    def versions(self) -> range:
        """The versions that are read."""
        return range(min(sheet.since for sheet in self.sheets), self.version + 1)

    def sheets_of(self, version: int) -> tuple[Sheet, ...]:
        """The sheets that a workbook of that version has."""
        return tuple(sheet for sheet in self.sheets if sheet.since <= version)


def build(kind: type, given: Mapping[str, Any], where: str, **fixed: Any) -> Any:
    """A dataclass from a TOML table; an unknown key is an error that names the known ones."""
    known = {f.name for f in fields(kind)}
    if unknown := set(given) - known:
        raise ContractError(f"{where}: unknown key {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    try:
        return kind(**values, **fixed)
    except TypeError as error:
        raise ContractError(f"{where}: {error}") from None


def _code_list(given: str | Mapping[str, str] | None, where: str) -> CodeList | None:
    if given is None:
        return None
    if isinstance(given, str):
        return CodeList(table="reference.code_lists", name=given)
    return build(CodeList, given, where)


def read_columns(given: Mapping[str, Any], where: str) -> tuple[Column, ...]:
    columns = tuple(
        build(
            Column,
            {k: v for k, v in about.items() if k != "list"},
            f"{where}.{name}",
            name=name,
            list=_code_list(about.get("list"), f"{where}.{name}.list"),
        )
        for name, about in given.items()
    )
    for column in columns:
        if column.dash not in DASHES:
            raise ContractError(f"{where}.{column.name}: a dash is {column.dash}; known: {', '.join(DASHES)}")
        if column.unit_from and column.unit_from not in given:
            raise ContractError(f"{where}.{column.name}: unit_from names no column: {column.unit_from}")
    return columns


def read_contract(path: Path) -> Contract:
    """The contract in one `.toml` beside a table's `.sql` or `.csv`."""
    about = tomllib.loads(path.read_text(encoding="utf-8"))
    where = f"sql/{path.parent.name}/{path.name}"
    columns = read_columns(_columns_given(path, about), where)
    total = about.pop("total", None)
    contract = build(
        Contract,
        about,
        where,
        layer=path.parent.name,
        table=path.stem,
        columns=columns,
        total=total and build(Total, total, where),
    )
    if missing := set(contract.grain) - {c.name for c in columns}:
        raise ContractError(f"{where}: grain names no column: {', '.join(sorted(missing))}")
    return contract


def _columns_given(path: Path, about: dict[str, Any]) -> Mapping[str, Any]:
    """The columns of a contract, or of the one that it names to have the same: `columns_of = "layer.table"`."""
    if not (other := about.get("columns_of")):
        return about.pop("columns", {})
    beside = (path.parent.parent / other.replace(".", "/")).with_suffix(".toml")
    if "columns" in about or not beside.exists():
        raise ContractError(f"{path.name}: columns of its own and of {other}, or there is no {other}")
    return tomllib.loads(beside.read_text(encoding="utf-8")).get("columns", {})


def read_template(path: Path) -> Template:
    """The template in one `sql/raw/<template>.toml`."""
    about = tomllib.loads(path.read_text(encoding="utf-8"))
    where = f"sql/raw/{path.name}"
    sheets = tuple(
        build(
            Sheet,
            {k: v for k, v in sheet.items() if k not in ("columns", "comparisons")},
            f"{where}:{table}",
            table=table,
            comparisons=tuple(build(Comparison, c, f"{where}:{table}") for c in sheet.get("comparisons", ())),
            columns=read_columns(sheet["columns"], f"{where}:{table}"),
        )
        for table, sheet in about["sheets"].items()
    )
    return build(Template, about["template"], where, name=path.stem, sheets=sheets)


@cache
def templates(folder: Path = SQL / "raw") -> Mapping[str, Template]:
    """Every template by name."""
    return {path.stem: read_template(path) for path in sorted(folder.glob("*.toml")) if _kind(path) == "template"}


@cache
def contracts(folder: Path = SQL) -> Mapping[str, Contract]:
    """Every table's contract by `layer.table`. Templates and publications make raw tables of their own sheets."""
    paths = (path for layer in LAYERS for path in sorted((folder / layer).glob("*.toml")))
    return {contract.name: contract for contract in (read_contract(path) for path in paths if _kind(path) == "table")}


def _kind(path: Path) -> str:
    """template, publication or table."""
    if path.parent.name == "raw":
        about = tomllib.loads(path.read_text(encoding="utf-8"))
        return next((kind for kind in ("template", "publication") if kind in about), "table")
    return "table"
