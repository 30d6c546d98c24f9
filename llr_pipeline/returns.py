"""A planning workbook and its contract -> rows with the cell of every value, the totals written in it, and findings.

Headers are found by content, wherever they stand. A structural fault refuses the workbook; a faulty cell keeps its row
back and the rest is read. Opening the file belongs to `workbooks.py`, loading the rows to `intake.py`.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from llr_pipeline.cells import Misread, as_text, did_you_mean, is_blank, read_code, read_date, read_number
from llr_pipeline.codes import Reference, normalise
from llr_pipeline.contracts import Column, Contract, Sheet, Template, read_contract
from llr_pipeline.findings import Findings
from llr_pipeline.paths import SQL
from llr_pipeline.periods import read_financial_year, read_month
from llr_pipeline.workbooks import Grid, Unvalued, Workbook, column_letter

ARROW_TYPES = {
    "varchar": pa.string(),
    "double": pa.float64(),
    "integer": pa.int32(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
PERIOD_READERS = {"financial_year": read_financial_year, "month": read_month}
COVER_LABELS = {
    "template": "template", "template version": "template_version", "version": "template_version",
    "organisation code": "organisation_code", "org code": "organisation_code", "ods code": "organisation_code",
    "period": "period", "round": "period", "month": "period", "prepared by": "prepared_by",
    "prepared on": "prepared_on", "date prepared": "prepared_on", "data status": "data_status",
}  # fmt: skip
HEADER_SEARCH_ROWS = 200


def arrow_schema(contract: Contract) -> pa.Schema:
    """A raw table's columns, submission apart, as Arrow has them."""
    return pa.schema([(c.name, ARROW_TYPES[c.type]) for c in contract.columns if c.name != "submission_id"])


TOTALS = arrow_schema(read_contract(SQL / "raw" / "totals.toml"))


@dataclass(frozen=True)
class Identity:
    """Who sent what: from the Cover sheet, never from the file's name."""

    template: str | None = None
    template_version: int | None = None
    organisation_code: str | None = None
    period: str | None = None
    prepared_by: str | None = None
    prepared_on: date | None = None
    data_status: str | None = None


@dataclass
class Reading:
    """What one file holds: identity, raw tables (rows as received and as read), totals, findings."""

    identity: Identity
    findings: Findings
    tables: dict[str, pa.Table] = field(default_factory=dict)
    value_count: int = 0

    @property
    def is_refused(self) -> bool:
        return self.findings.refuse


def raw_schema(sheet: Sheet) -> pa.Schema:
    """The columns of a sheet's raw table, submission apart."""
    period = [(sheet.period, pa.string())] if sheet.period else []
    return pa.schema(
        [
            ("sheet", pa.string()), ("row_number", pa.int32()), *period,
            *((c.name, pa.string()) for c in sheet.columns),
            ("reading", pa.struct([(c.name, ARROW_TYPES[c.type]) for c in sheet.columns])),
            ("cell", pa.struct([(c.name, pa.string()) for c in sheet.columns])),
            ("is_quarantined", pa.bool_()),
        ]
    )  # fmt: skip


def read_return(book: Workbook, reference: Reference, templates: Mapping[str, Template]) -> Reading:
    """Read a planning return: shapes as `raw_schema`, one row per line and period. Never raises for what a file holds."""
    findings = Findings(reference)
    identity = read_cover(book, reference, templates, findings)
    reading = Reading(identity, findings)
    if findings.refuse:
        return reading
    template = templates[identity.template or ""]
    totals: list[dict[str, Any]] = []
    for sheet in template.sheets:
        grid = _find_sheet(book, sheet, findings)
        if grid is None:
            continue
        unvalued = {u.cell: u for u in book.unvalued if u.sheet == grid.name}
        reader = _SheetReader(sheet, grid, identity, reference, findings, unvalued)
        if reader.find_columns():
            reading.tables[sheet.table] = reader.read_rows()
            reading.value_count += reader.value_count
            totals += reader.totals
    if findings.refuse:
        reading.tables.clear()
        reading.value_count = 0
    else:
        reading.tables["totals"] = pa.Table.from_pylist(totals, TOTALS)
    return reading


def is_return(book: Workbook) -> bool:
    """Whether the workbook has a Cover that names a template."""
    return _cover(book) is not None


def _cover(book: Workbook) -> tuple[Grid, dict[str, tuple[str, Any]]] | None:
    """The Cover sheet and, by field, the cell and value beside each label."""
    ranked = sorted(book.sheets, key=lambda grid: normalise(grid.name) != "cover")
    for grid in ranked[:12]:
        fields: dict[str, tuple[str, Any]] = {}
        for number, row in enumerate(grid.rows[:HEADER_SEARCH_ROWS], 1):
            filled = [(i, v) for i, v in enumerate(row[:40]) if not is_blank(v)]
            for place, (i, label) in enumerate(filled):
                name = COVER_LABELS.get(normalise(label)) if isinstance(label, str) else None
                if name and name not in fields:
                    beside = filled[place + 1] if place + 1 < len(filled) else (i + 1, None)
                    fields[name] = (f"{column_letter(beside[0])}{number}", beside[1])
        if {"template", "organisation_code"} <= fields.keys():
            return grid, fields
    return None


def read_cover(book: Workbook, reference: Reference, templates: Mapping[str, Template], findings: Findings) -> Identity:
    """The identity on the Cover sheet, with a finding for everything about it that is wrong."""
    found = _cover(book)
    if found is None:
        findings.add("not_a_return", "No sheet has a Cover that names a template and an organisation code")
        return Identity()
    grid, fields = found

    def value(name: str, what: str, rule: str = "cover_incomplete") -> str | None:
        cell, content = fields.get(name, (None, None))
        if is_blank(content):
            findings.add(rule, f"The Cover does not say the {what}", sheet=grid.name, cell=cell)
            return None
        return (as_text(content) or "").strip()

    def wrong(name: str, rule: str, message: str) -> None:
        cell, content = fields[name]
        findings.add(rule, message, sheet=grid.name, cell=cell, value=as_text(content))

    name = value("template", "template")
    template = templates.get(normalise(name or ""))
    if name and not template:
        wrong("template", "unknown_template", f"There is no template “{name}”{did_you_mean(name, list(templates))}; "
              f"there are {', '.join(templates)}")  # fmt: skip
    version_text = value("template_version", "template version")
    version = int(version_text) if version_text and version_text.isdigit() else None
    if template and version_text and version != template.version:
        wrong("template_version", "wrong_version", f"The workbook is version {version_text} of the {template.title}; "
              f"version {template.version} is in use")  # fmt: skip
    code = value("organisation_code", "organisation code")
    organisation = code and reference.find("organisations", organisation_code=code.upper())
    if code and not organisation:
        known = {normalise(r[k]): r["organisation_code"] for r in reference.rows("organisations")
                 for k in ("organisation_code", "organisation_name")}  # fmt: skip
        wrong("organisation_code", "unknown_organisation", f"“{code}” is not an organisation of the system"
              f"{did_you_mean(code, known)}")  # fmt: skip
    period = _read_period(value("period", "period"), fields, template, reference, wrong)
    prepared_on = None
    if value("prepared_on", "date it was prepared on (Prepared on)"):
        try:
            prepared_on = read_date(fields["prepared_on"][1])
        except Misread as error:
            wrong("prepared_on", "cover_incomplete", f"Prepared on: {error}")
    status = normalise(as_text(fields.get("data_status", ("", ""))[1]) or "")
    identity = Identity(
        template=template and template.name,
        template_version=version,
        organisation_code=organisation["organisation_code"] if organisation else None,
        period=period,
        prepared_by=as_text(fields.get("prepared_by", ("", None))[1]),
        prepared_on=prepared_on,
        data_status="illustrative" if status in ("illustrative", "sample") else "returned",
    )
    if template and organisation and period:
        _check_role(identity, reference, wrong)
    return identity


def _read_period(
    text: str | None, fields: Mapping, template: Template | None, reference: Reference, wrong
) -> str | None:
    if text is None or template is None:
        return text
    if template.period == "month":
        if month := read_month(fields["period"][1]):
            return month
        wrong(
            "period", "unknown_period", f"“{text}” is not a month; the {template.title} is for a month such as 2017-04"
        )
        return None
    rounds = [row["round"] for row in reference.rows("rounds")]
    period = read_month(fields["period"][1]) or text
    if period not in rounds:
        wrong("period", "unknown_period", f"There is no round “{text}”{did_you_mean(text, rounds)}; "
              f"the rounds are {', '.join(rounds)}")  # fmt: skip
        return None
    return period


def _check_role(identity: Identity, reference: Reference, wrong) -> None:
    """The organisation owes this template, in a role that it held when the period was due."""
    code, period = identity.organisation_code, identity.period
    owed = [r for r in reference.rows("expected_returns")
            if r["organisation_code"] == code and r["template"] == identity.template]  # fmt: skip
    roles = [r for r in reference.rows("organisation_roles")
             if r["organisation_code"] == code and (not owed or r["role"] in {o["role"] for o in owed})]  # fmt: skip
    day = f"{period}-01"
    if not any(r["starts_on"] <= day and (not r["ends_on"] or day <= r["ends_on"]) for r in roles):
        spans = "; ".join(f"{r['role']} from {r['starts_on']} to {r['ends_on'] or 'now'}" for r in roles) or "no role"
        wrong(
            "organisation_code",
            "organisation_outside_dates",
            f"{code} cannot send a return for {period}: it is {spans}",
        )
    elif not owed:
        wrong("organisation_code", "unexpected_return", f"{code} is not asked for the template {identity.template}")


def _find_sheet(book: Workbook, sheet: Sheet, findings: Findings) -> Grid | None:
    """The sheet by its name, else the one sheet that holds the contract's headings."""
    by_name = {normalise(grid.name): grid for grid in book.sheets}
    if grid := by_name.get(normalise(sheet.title)):
        return grid
    wanted = {normalise(c.header) for c in sheet.attributes if c.header}
    holding = [g for g in book.sheets if any(wanted <= {normalise(v) for v in row if isinstance(v, str)}
               for row in g.rows[:HEADER_SEARCH_ROWS])]  # fmt: skip
    if len(holding) == 1:
        return holding[0]
    names = ", ".join(grid.name for grid in book.sheets)
    findings.add("missing_sheet", f"There is no sheet “{sheet.title}”; the workbook has: {names}"
                 f"{did_you_mean(sheet.title, list(by_name))}", sheet=sheet.title)  # fmt: skip
    return None


class _SheetReader:
    """Reads one sheet: first where its columns are, then its rows."""

    def __init__(
        self, sheet: Sheet, grid: Grid, identity: Identity, reference: Reference, findings: Findings,
        unvalued: Mapping[str, Unvalued],
    ) -> None:  # fmt: skip
        self.sheet, self.grid, self.findings, self.unvalued = sheet, grid, findings, unvalued
        self.spellings = {
            c.name: reference.spellings(c.list, identity.organisation_code) for c in sheet.columns if c.list
        }
        self.expected_periods = reference.periods(sheet.period, identity.period or "") if sheet.period else ()
        self.read_period = PERIOD_READERS.get(sheet.period or "")
        self.place: dict[str, int] = {}
        self.periods: dict[str, int] = {}
        self.header_row = 0
        self.value_count = 0
        self.totals: list[dict[str, Any]] = []

    # -- headings

    def find_columns(self) -> bool:
        """Find the heading row by content and the column of each heading. False when something needed is missing."""
        known = {normalise(h): c.name for c in self.sheet.attributes for h in (c.header or c.name, *c.headers)}

        def named(value: object) -> str | None:
            text = normalise(value) if isinstance(value, str) else ""
            return known.get(text) or known.get(re.sub(r"\s*\([^)]*\)$", "", text))

        rows = self.grid.rows[:HEADER_SEARCH_ROWS]
        scores = [len({named(value) for value in row} - {None}) for row in rows]
        best = max(range(len(rows)), key=scores.__getitem__, default=0)
        if not rows or scores[best] < max(1, len(self.sheet.attributes) // 3):
            self._add("missing_column", f"No row holds the headings of {self.sheet.title} "
                      f"({', '.join(c.header or c.name for c in self.sheet.attributes)})")  # fmt: skip
            return False
        self.header_row = best
        complete = True
        unknown: dict[str, str] = {}
        for i, value in enumerate(rows[best]):
            if is_blank(value):
                continue
            cell = self._cell(i, best)
            period = self.read_period(value) if self.read_period else None
            name = None if period else named(value)
            seen = self.periods if period else self.place
            key = period or name
            if key is None:
                unknown[cell] = as_text(value) or ""
            elif key in seen:
                self._add("column_twice", f"“{as_text(value)}” heads two columns, {self._cell(seen[key], best)} and {cell}",
                          cell=cell, value=value)  # fmt: skip
                complete = False
            elif period and period not in self.expected_periods:
                self._add("unexpected_period", f"{period} does not belong to this return; its column is not read",
                          cell=cell, value=value, period=period)  # fmt: skip
            else:
                seen[key] = i
        spelt = {normalise(v): v for v in unknown.values()}
        for column in self.sheet.attributes:
            if column.name not in self.place:
                complete = False
                found = ", ".join(as_text(v) or "" for v in rows[best] if not is_blank(v))
                self._add("missing_column", f"No column is headed “{column.header}”"
                          f"{did_you_mean(column.header or '', list(spelt))} Found: {found}", cell=self._cell(0, best))  # fmt: skip
        for period in self.expected_periods:
            if period not in self.periods:
                complete = False
                self._add("missing_period", f"No column is headed {period}", cell=self._cell(0, best), period=period)
        for cell, text in unknown.items():
            self._add("unknown_column", f"The column “{text}” is not part of the template and is not read",
                      cell=cell, value=text)  # fmt: skip
        return complete

    # -- rows

    def read_rows(self) -> pa.Table:
        """Every line below the headings, one row per line and period."""
        columns = self.sheet.attributes
        lines: list[_Line] = []
        first_seen: dict[tuple, int] = {}
        parts: dict[str, list[float]] = defaultdict(list)
        grand: dict[str, list[float]] = defaultdict(list)
        unreadable: set[str] = set()
        rows_since_total = 0  # a total straight below a total is a grand total
        for index in range(self.header_row + 1, len(self.grid.rows)):
            row = self.grid.rows[index]
            texts = [as_text(row[self.place[c.name]]) if self.place[c.name] < len(row) else None for c in columns]
            values = {p: row[i] if i < len(row) else "" for p, i in self.periods.items()}
            kind = self._kind(texts, values, index)
            if kind == "total":
                self._check_total(index, texts, values, parts if rows_since_total else grand, unreadable)
                parts.clear()
                unreadable.clear()
                rows_since_total = 0
                continue
            rows_since_total += any(texts)
            if kind != "line":
                continue
            line = self._read_line(index, row, values)
            lines.append(line)
            key = tuple(line.readings.get(name) for name in self.sheet.key)
            if not line.is_faulty and key in first_seen:
                cells = [f"row {first_seen[key] + 1}", f"row {index + 1}"]
                self._add("duplicate_line", f"Rows {first_seen[key] + 1} and {index + 1} are the same line "
                          f"({', '.join(filter(None, texts))})", cell=self._cell(self.place[self.sheet.key[0]], index),
                          line=index + 1, value=" = ".join(cells))  # fmt: skip
                line.is_faulty = True
            first_seen.setdefault(key, index)
            for period, number in line.values.items():
                if number is not None:
                    parts[period].append(number)
                    grand[period].append(number)
            unreadable |= line.faulty_periods
        return self._table(lines)

    def _kind(self, texts: Sequence[str | None], values: Mapping[str, Any], index: int) -> str:
        """line, total, or other (empty, a section heading, a prepared line that nobody filled in)."""
        filled = [t for t in texts if t]
        first = normalise(filled[0]) if filled else ""
        has_values = any(not is_blank(v) for v in values.values()) or any(
            self._cell(i, index) in self.unvalued for i in self.periods.values()
        )
        if len(filled) <= 2 and re.match(r"(grand |sub[- ]?)?total\b", first):
            return "total"
        prepared = [
            t for c, t in zip(self.sheet.attributes, texts, strict=True) if t and c.name not in self.sheet.sections
        ]
        if has_values or (len(filled) > 1 and prepared):
            return "line"
        return "other"

    def _read_line(self, index: int, row: Sequence[Any], values: Mapping[str, Any]) -> _Line:
        line = _Line(index)
        for column in self.sheet.attributes:
            place = self.place[column.name]
            value = row[place] if place < len(row) else ""
            line.received.append(as_text(value))
            reading = self._read_cell(column, value, place, index, line=index + 1)
            line.readings[column.name] = None if reading is _FAULTY else reading
            line.is_faulty |= reading is _FAULTY
        for period, value in values.items():
            reading = self._read_cell(
                self.sheet.columns[-1], value, self.periods[period], index, line=index + 1, period=period
            )
            line.values[period] = None if reading is _FAULTY else reading
            line.values_received[period] = as_text(value)
            if reading is _FAULTY:
                line.faulty_periods.add(period)
            self.value_count += line.values[period] is not None
        if self.periods and not line.faulty_periods and all(v is None for v in line.values.values()):
            self._add(
                "no_values",
                "The line has no values",
                line=index + 1,
                cell=self._cell(min(self.periods.values()), index),
            )
        if not self.periods:
            self.value_count += sum(v is not None for v in line.readings.values())
        return line

    def _read_cell(self, column: Column, value: Any, place: int, index: int, **where: Any) -> Any:
        """The cell's value, None where it is empty, or _FAULTY after adding a finding."""
        cell = self._cell(place, index)
        header = column.header or where.get("period") or column.name
        if is_blank(value):
            if unvalued := self.unvalued.get(cell):
                rule = "error_value" if unvalued.is_error else "formula_without_value"
                what = "holds the error" if unvalued.is_error else "has no result stored for"
                self._add(rule, f"{header}: the cell {what} {unvalued.text}", cell=cell, value=unvalued.text, **where)
                return _FAULTY
            if column.required:
                self._add("missing_value", f"{header} is empty", cell=cell, **where)
                return _FAULTY
            return None
        try:
            if column.list:
                code = read_code(value, self.spellings[column.name], header)
                return code == "yes" if column.type == "boolean" else code
            if column.type == "double":
                number, was_text = read_number(value)
                if was_text:
                    self._add(
                        "number_as_text",
                        f"{header}: “{value}” is text; read as {number:,}",
                        cell=cell,
                        value=value,
                        **where,
                    )
                _check_range(column, number, header)
                return number
            if column.type == "date":
                return read_date(value)
        except Misread as error:
            self._add(error.rule, f"{header}: {error}", cell=cell, value=as_text(value), **where)
            return _FAULTY
        return (as_text(value) or "").strip()

    def _check_total(
        self, index: int, texts: Sequence[str | None], values: Mapping[str, Any], parts: Mapping[str, list[float]],
        unreadable: set[str],
    ) -> None:  # fmt: skip
        label = next(t for t in texts if t)
        for period, value in values.items():
            if is_blank(value) or period in unreadable or not self.sheet.totals:
                continue
            cell = self._cell(self.periods[period], index)
            try:
                stated, _ = read_number(value)
            except Misread as error:
                self._add(
                    "not_a_number", f"{label}, {period}: {error}", cell=cell, value=value, line=index + 1, period=period
                )
                continue
            total = math.fsum(parts.get(period, ()))
            self.totals.append(
                {"table_name": self.sheet.table, "sheet": self.grid.name, "row_number": index + 1, "label": label,
                 "period": period, "value": stated, "cell": cell, "parts_sum": total}
            )  # fmt: skip
            if not agree(stated, total):
                self._add("total_differs", f"{label}, {period}: the total says {_shown(stated)}, its lines add up to "
                          f"{_shown(total)}, a difference of {_shown(stated - total)}",
                          cell=cell, value=value, line=index + 1, period=period)  # fmt: skip

    def _table(self, lines: Sequence[_Line]) -> pa.Table:
        """The lines as the raw table: attributes repeated for each period by index, so the cost is per line."""
        schema, sheet = raw_schema(self.sheet), self.sheet
        periods = list(self.periods) or [None]
        repeat = np.repeat(np.arange(len(lines)), len(periods))
        numbers = [line.index + 1 for line in lines]

        def spread(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
            return pa.array(values, kind).take(pa.array(repeat))

        received, readings, cells = [], [], []
        for i, column in enumerate(sheet.attributes):
            letter = column_letter(self.place[column.name])
            received.append(spread([line.received[i] for line in lines], pa.string()))
            readings.append(spread([line.readings[column.name] for line in lines], ARROW_TYPES[column.type]))
            cells.append(spread([f"{letter}{n}" for n in numbers], pa.string()))
        faulty = [line.is_faulty for line in lines for _ in periods]
        if sheet.value:
            letters = {p: column_letter(i) for p, i in self.periods.items()}
            received.append(pa.array([line.values_received[p] for line in lines for p in periods], pa.string()))
            readings.append(pa.array([line.values[p] for line in lines for p in periods], pa.float64()))
            cells.append(pa.array([f"{letters[p]}{line.index + 1}" for line in lines for p in periods], pa.string()))
            faulty = [line.is_faulty or p in line.faulty_periods for line in lines for p in periods]
        arrays = [
            pa.array([self.grid.name] * len(repeat), pa.string()),
            spread(numbers, pa.int32()),
            *([pa.array(periods * len(lines), pa.string())] if sheet.period else []),
            *received,
            pa.StructArray.from_arrays(readings, fields=list(schema.field("reading").type)),
            pa.StructArray.from_arrays(cells, fields=list(schema.field("cell").type)),
            pa.array(faulty, pa.bool_()),
        ]
        return pa.Table.from_arrays(arrays, schema=schema)

    def _cell(self, column: int, row: int) -> str:
        return f"{column_letter(column)}{row + 1}"

    def _add(self, rule: str, message: str, **where: Any) -> None:
        self.findings.add(rule, message, sheet=self.grid.name, **where)


_FAULTY = object()


@dataclass
class _Line:
    index: int
    received: list[str | None] = field(default_factory=list)
    readings: dict[str, Any] = field(default_factory=dict)
    values: dict[str, float | None] = field(default_factory=dict)
    values_received: dict[str, str | None] = field(default_factory=dict)
    faulty_periods: set[str] = field(default_factory=set)
    is_faulty: bool = False


def _check_range(column: Column, number: float, header: str) -> None:
    if column.minimum is not None and number < column.minimum:
        raise Misread("out_of_range", f"{_shown(number)} is below {_shown(column.minimum)}, the least there can be")
    if column.maximum is not None and number > column.maximum:
        raise Misread("out_of_range", f"{_shown(number)} is above {_shown(column.maximum)}, the most there can be")


def agree(stated: float, total: float) -> bool:
    """Whether a stated total is its parts' sum, to the last digit that was written."""
    if math.isclose(stated, total, rel_tol=1e-9, abs_tol=1e-6):
        return True
    decimals = max(0, -Decimal(repr(stated)).normalize().as_tuple().exponent)  # type: ignore[operator]
    return decimals < 6 and stated == round(total, decimals)


def _shown(number: float) -> str:
    return f"{number:,.10g}" if abs(number) < 1e6 else f"{number:,.2f}".rstrip("0").rstrip(".")
