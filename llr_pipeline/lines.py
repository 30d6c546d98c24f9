"""What stands below a sheet's headings -> its lines as read, the totals written among them, and findings.

A faulty attribute keeps its line out, a faulty value that value alone; the rest is read. Empty rows, section headings
and prepared lines that nobody filled in are passed over; any other row that is no line is said to be not read. Making
tables belongs to `returns.py`.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Any

from llr_pipeline.cells import (
    Entries,
    Misread,
    agree,
    as_text,
    date_note,
    day_in_words,
    is_blank,
    listed,
    quoted,
    read_code,
    read_date,
    shortened,
    shown,
)
from llr_pipeline.codes import Reference, normalise
from llr_pipeline.contracts import Column, Sheet
from llr_pipeline.findings import Findings
from llr_pipeline.headings import Headings
from llr_pipeline.numerals import (
    EMPTY_PLACEHOLDER,
    check_range,
    limits,
    placeholder,
    read_number,
    refuse_placeholder,
)
from llr_pipeline.periods import period_label
from llr_pipeline.unseen import Unvalued
from llr_pipeline.workbooks import Grid, cell_name

_TOTAL = re.compile(r"\s*(grand |sub[- ]?)?total\b", re.IGNORECASE)
_FAULTY = object()
FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(slots=True)
class Line:
    """A line: what its attributes and its periods' cells hold, as received and as read (None: empty or faulty)."""

    index: int
    received: list[str | None]
    readings: list[Any]
    values_received: list[str | None] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    faulty_values: set[int] = field(default_factory=set)
    is_faulty: bool = False


class LineReader:
    """Reads the rows of one sheet. Afterwards `lines`, `totals` and `value_count` say what it holds."""

    def __init__(
        self,
        grid: Grid,
        sheet: Sheet,
        headings: Headings,
        *,
        organisation_code: str | None,
        reference: Reference,
        unvalued: Mapping[str, Unvalued],
        findings: Findings,
    ) -> None:
        self.grid, self.sheet, self.headings = grid, sheet, headings
        self.unvalued, self.findings = unvalued, findings
        self.places = list(headings.places.values())
        self.periods = list(headings.periods)
        self.period_places = list(headings.periods.values())
        names = list(headings.places)
        self.indices = {name: i for i, name in enumerate(names)}
        self.key_indices = [names.index(name) for name in sheet.key]
        self.section_indices = [names.index(name) for name in sheet.sections]
        self.titles = _section_titles(sheet, reference)
        self.entries = {c.name: _entries(c, organisation_code, reference) for c in sheet.attributes if c.list}
        self.known: list[dict[str, Any]] = [{} for _ in names]  # by attribute: text -> reading
        self.misread: dict[tuple[str, Any], Misread] = {}
        self.least, self.most = limits(sheet.value)
        self.first_lines: dict[tuple, Line] = {}
        self.sections: dict[tuple, list[Line]] = defaultdict(list)  # by codes
        self.above: list[Line] = []  # since the last total or section heading
        self.lines: list[Line] = []
        self.reading: Line | None = None  # the line that is being read
        self.totals: list[dict[str, Any]] = []
        self.total_rows: set[int] = set()
        self.uncalculated: list[str] = []  # cells of totals without a result
        self.unread_rows: list[int] = []  # neither empty nor prepared, and no line
        self.value_count = 0

    def read(self) -> None:
        """Every row below the headings."""
        for index in range(self.headings.row + 1, len(self.grid.rows)):
            row = self.grid.rows[index]
            attributes = [row[i] for i in self.places]
            values = [row[i] for i in self.period_places]
            kind = self._kind(index, attributes, values)
            if kind == "line":
                line = self._read_line(index, attributes, values)
                self._check_duplicate(line)
                self.sections[tuple(line.readings[i] for i in self.section_indices)].append(line)
                self.above.append(line)
                self.lines.append(line)
            elif kind == "total":
                self._check_total(index, values)
                self.above = []
            elif kind == "section":
                self.above = []
            if kind == "unread" or (kind == "section" and self._holds((), self.places, index)):
                self.unread_rows.append(index)
        if self.uncalculated:
            cells = self.uncalculated
            named = f"{cells[0]} has" if len(cells) == 1 else f"{len(cells):,} totals, {cells[0]} the first, have"
            message = f"{named} no result stored and cannot be held against the lines"
            self.findings.add("total_without_value", message, sheet=self.grid.name, cell=cells[0])

    def _kind(self, index: int, attributes: Sequence[Any], values: Sequence[Any]) -> str:
        """line, total, section (its heading), empty or unread (anything else that somebody entered)."""
        filled = [value for value in attributes if not is_blank(value)]
        has_values = self._holds(values, self.period_places, index)
        if not filled and has_values:
            is_total = any(isinstance(v, str) and _TOTAL.match(v) for v in self.grid.rows[index])
            return "total" if is_total else "unread"
        if filled and len(filled) <= 2 and isinstance(filled[0], str) and _TOTAL.match(filled[0]):
            return "total"
        if has_values:
            return "line"
        if len(filled) == 1 and self.sheet.sections and normalise(filled[0]) in self.titles:
            return "section"
        if self.periods:  # without values a row counts once most of what it needs is there
            columns = self.sheet.attributes
            needed = [is_blank(v) for c, v in zip(columns, attributes, strict=True) if c.required]
            if 2 * sum(needed) < len(needed):
                return "line"
        elif len(filled) > 1:
            return "line"
        return "unread" if self._holds(self._unprepared(attributes), self.places, index) else "empty"

    def _holds(self, values: Sequence[Any], places: Sequence[int], index: int) -> bool:
        """Whether one of these cells has a value, an error or a formula."""
        return any(not is_blank(value) for value in values) or (
            bool(self.unvalued) and any(cell_name(i, index) in self.unvalued for i in places)
        )

    def _unprepared(self, attributes: Sequence[Any]) -> list[Any]:
        """The attributes without the codes of its section, which a template enters in each of its lines."""
        prepared = {
            i for i in self.section_indices
            if normalise(attributes[i]) in self.entries[self.sheet.attributes[i].name].spellings
        }  # fmt: skip
        return [None if i in prepared else value for i, value in enumerate(attributes)]

    def _read_line(self, index: int, attributes: Sequence[Any], values: Sequence[Any]) -> Line:
        line = self.reading = Line(index, [as_text(value) for value in attributes], [])
        for i, value in enumerate(attributes):
            reading = self.known[i].get(value) if type(value) is str else None
            if reading is None:
                column = self.sheet.attributes[i]
                reading = self._read_cell(column, column.header or column.name, value, self.places[i], index)
                if reading is _FAULTY:
                    line.is_faulty = True
                    reading = None
                elif reading is not None and type(value) is str and column.type in ("varchar", "boolean"):
                    self.known[i][value] = reading
            line.readings.append(reading)
        if not self.sheet.value:
            self.value_count += sum(reading is not None for reading in line.readings)
            return line
        line.values_received = [as_text(value) for value in values]
        for n, value in enumerate(values):
            reading = value
            if type(value) is not float or not self.least <= value <= self.most or value == EMPTY_PLACEHOLDER:
                period = self.periods[n]
                heading = period_label(period)
                reading = self._read_cell(self.sheet.value, heading, value, self.period_places[n], index, period=period)
                if reading is _FAULTY:
                    line.faulty_values.add(n)
                    reading = None
            line.values.append(reading)
        count = len(values) - line.values.count(None)
        self.value_count += count
        if not count and not line.faulty_values:
            self._add("no_values", "The line has no values", min(self.period_places), index)
        return line

    def _read_cell(self, column: Column, heading: str, value: Any, place: int, index: int, **where: Any) -> Any:
        """The cell's value, None where it is empty, or _FAULTY after adding a finding."""
        if is_blank(value):
            return self._read_blank(column, heading, place, index, **where)
        try:
            if type(value) is str and column.dash != "error" and placeholder(value) == "dash":
                return self._read_dash(column, heading, value, place, index, **where)
            if column.list:
                code = self._read_code(column, value)
                return code == "yes" if column.type == "boolean" else code
            if column.type == "date":
                refuse_placeholder(value, is_number=False, is_needed=column.required)
                day = read_date(value)
                _check_year(day)
                if note := date_note(value, day):
                    self._add("date_as_text", f"{heading}: {note}", place, index, value=value, **where)
                return day
            if column.type == "varchar":
                if column.required and placeholder(value) in ("dash", "unknown"):
                    refuse_placeholder(value, is_number=False, is_needed=True)
                return (as_text(value) or "").strip()
            number, was_text = read_number(
                value, unit=column.unit, symbol=column.symbol, words=self._words(column, value)
            )
            check_range(column, number)
        except Misread as error:
            self._add(error.rule, f"{heading}: {error}", place, index, value=value, **where)
            return _FAULTY
        if was_text:
            message = f"{heading}: {quoted(value)} is text and is read as {shown(number)}"
            self._add("number_as_text", message, place, index, value=value, **where)
        return number

    def _read_dash(self, column: Column, heading: str, value: str, place: int, index: int, **where: Any) -> Any:
        """What the column's contract says that a dash stands for."""
        if column.dash == "missing" and column.required:
            return self._read_blank(column, heading, place, index, **where)
        meaning = "0" if column.dash == "zero" else "empty"
        self._add("dash_read", f"{heading}: {quoted(value)} is read as {meaning}", place, index, value=value, **where)
        return 0.0 if column.dash == "zero" else None

    def _words(self, column: Column, value: Any) -> Collection[str]:
        """The words that name the value's unit on this line, where lines differ in it."""
        if type(value) is not str or column.unit_from is None or self.reading is None:
            return ()
        entry = self.reading.readings[self.indices[column.unit_from]]
        if column.unit_from in self.entries:
            return [word for word, code in self.entries[column.unit_from].spellings.items() if code == entry]
        return [normalise(entry)]

    def _read_blank(self, column: Column, heading: str, place: int, index: int, **where: Any) -> Any:
        """A cell without a value: an error, a formula, something forgotten, or rightly empty."""
        if self.unvalued and (unvalued := self.unvalued.get(cell_name(place, index))):
            self._add(unvalued.rule, f"{heading}: the cell {unvalued}", place, index, value=unvalued.text, **where)
            return _FAULTY
        if column.required:
            self._add("missing_value", f"{heading} is empty", place, index, **where)
            return _FAULTY
        return None

    def _read_code(self, column: Column, value: Any) -> str:
        """The code; the nearest entry to one that is not on the list is searched for once."""
        key = (column.name, as_text(value))
        if key in self.misread:
            raise self.misread[key]
        try:
            return read_code(value, self.entries[column.name])
        except Misread as error:
            self.misread[key] = error
            if not column.required:
                refuse_placeholder(value, is_number=False)
            raise

    def _check_duplicate(self, line: Line) -> None:
        """A second line with the key of an earlier one is kept out."""
        if line.is_faulty:
            return
        first = self.first_lines.setdefault(tuple(line.readings[i] for i in self.key_indices), line)
        if first is not line:
            place = self.headings.places[self.sheet.key[0]]
            key = [shortened(text) for i in self.key_indices if (text := line.received[i])]
            cells = listed([cell_name(place, first.index), cell_name(place, line.index)])
            message = f"{cells} begin the same line ({', '.join(key)}); only the first is used"
            self._add("duplicate_line", message, place, line.index, value=line.received[self.key_indices[0]])
            line.is_faulty = True

    def _check_total(self, index: int, values: Sequence[Any]) -> None:
        """Record a total and hold it against its lines.

        These are the lines of the section that its label names or, as people insert and delete rows, those above it as
        far as the last total or section heading; of the whole sheet where there are none.
        """
        self.total_rows.add(index)
        if not self.sheet.totals:
            return
        label = next(str(v).strip() for v in self.grid.rows[index] if isinstance(v, str) and _TOTAL.match(v))
        named_by = shortened(label)
        named = self.titles.get(normalise(_TOTAL.sub("", label)))
        parts = [self.above] if self.above else [[], self.lines]
        if named is not None:
            parts.insert(0, self.sections[named])
        for n, (period, place, value) in enumerate(zip(self.periods, self.period_places, values, strict=True)):
            heading = f"{named_by}, {period_label(period)}"
            if is_blank(value):
                unvalued = self.unvalued.get(cell_name(place, index))
                if unvalued and unvalued.is_error:
                    message = f"{heading}: the cell {unvalued}"
                    self._add(unvalued.rule, message, place, index, value=unvalued.text, period=period)
                elif unvalued:
                    self.uncalculated.append(cell_name(place, index))
                continue
            try:
                column = self.sheet.value
                is_nought = column.dash == "zero" and placeholder(value) == "dash"
                stated = 0.0 if is_nought else read_number(value, unit=column.unit, symbol=column.symbol)[0]
            except Misread as error:
                self._add(error.rule, f"{heading}: {error}", place, index, value=value, period=period)
                continue
            if any(n in line.faulty_values for lines in parts for line in lines):
                continue
            totals = [math.fsum(line.values[n] or 0.0 for line in lines) for lines in parts]
            total = next((total for total in totals if agree(stated, total)), totals[0 if named is not None else -1])
            about = {"table_name": self.sheet.table, "sheet": self.grid.name, "row_number": index + 1, "label": label}
            about |= {"period": period, "value": stated, "cell": cell_name(place, index), "parts_sum": total}
            self.totals.append(about)
            if not agree(stated, total):
                message = (
                    f"{heading}: the total says {shown(stated)} and its lines add up to {shown(total)}, "
                    f"a difference of {shown(stated - total)}"
                )
                self._add("total_differs", message, place, index, value=value, period=period)

    def _add(self, rule: str, message: str, place: int, index: int, *, value: Any = None, **where: Any) -> None:
        at = {"sheet": self.grid.name, "cell": cell_name(place, index), "line": index + 1}
        self.findings.add(rule, message, value=as_text(value), **at, **where)


def _section_titles(sheet: Sheet, reference: Reference) -> dict[str, tuple]:
    """Normalised heading of a section -> its codes."""
    columns = {column.name: column for column in sheet.attributes}
    lists = [reference.labels(columns[name].list).items() for name in sheet.sections]
    return {
        normalise(" - ".join(label for _, label in some)): tuple(code for code, _ in some) for some in product(*lists)
    }


def _entries(column: Column, organisation_code: str | None, reference: Reference) -> Entries:
    elsewhere = reference.spellings(column.list) if column.list.within else {}
    return Entries(
        reference.spellings(column.list, organisation_code), reference.labels(column.list, organisation_code), elsewhere
    )


def _check_year(day: date) -> None:
    """A day out of all proportion is a number that was formatted as a date, or a slip in the year."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = f"{day_in_words(day)} is not between {FIRST_YEAR} and {LAST_YEAR}"
        raise Misread("out_of_range", message)
