"""The reference tables as whoever writes or reads a workbook needs them: code lists, spellings, what a period covers.

Read straight from `sql/reference/*.csv`, so that a return can be checked without a warehouse. Loading them into the
warehouse belongs to `tables.py`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from llr_pipeline.contracts import CodeList
from llr_pipeline.paths import SQL
from llr_pipeline.periods import financial_years, months_to

Rows = tuple[Mapping[str, str], ...]


@lru_cache(maxsize=65_536, typed=True)  # a long table says the same thing in thousands of cells
def normalise(text: object) -> str:
    """Text as it is compared: case, spaces of every kind and a trailing colon or asterisk do not count."""
    return re.sub(r"\s+", " ", str(text).replace("\u00a0", " ")).strip().rstrip(":*").strip().casefold()


@dataclass(frozen=True)
class Reference:
    """The reference tables as text, by name without the layer."""

    tables: Mapping[str, Rows]

    def rows(self, table: str) -> Rows:
        return self.tables[table.removeprefix("reference.")]

    def find(self, table: str, **key: str) -> Mapping[str, str] | None:
        """The first row that has these values."""
        return next((row for row in self.rows(table) if all(row[k] == v for k, v in key.items())), None)

    def labels(self, codes: CodeList, organisation_code: str | None = None) -> dict[str, str]:
        """Code -> label, in drop-down order; where the list is `within` an organisation, that organisation's alone."""
        return {
            row[codes.code]: row[codes.label]
            for row in self.rows(codes.table)
            if (codes.name is None or row["list_name"] == codes.name)
            and (codes.within is None or organisation_code in (None, row[codes.within]))
        }

    def spellings(self, codes: CodeList, organisation_code: str | None = None) -> dict[str, str]:
        """Normalised spelling -> code: the code itself, its label and its aliases."""
        known: dict[str, str] = {}
        allowed = self.labels(codes, organisation_code)
        for row in self.rows(codes.table):
            code = row[codes.code]
            if code not in allowed or (codes.name is not None and row["list_name"] != codes.name):
                continue
            for spelling in (code, row[codes.label], *filter(None, row.get("aliases", "").split("|"))):
                known.setdefault(normalise(spelling), code)
        return known

    def periods(self, kind: str, period: str) -> tuple[str, ...]:
        """What a sheet's period columns are: the round's financial years, or the year's months up to the month."""
        if kind == "month":
            return months_to(period)
        about = self.find("rounds", round=period)
        return financial_years(about["base_year"], about["horizon_year"]) if about else ()


@cache
def read_reference(folder: Path = SQL / "reference") -> Reference:
    """Every CSV of the folder."""

    def rows(path: Path) -> Rows:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(csv.DictReader(file))

    return Reference({path.stem: rows(path) for path in sorted(folder.glob("*.csv"))})
