"""Faults, each by name, planted one at a time into a clean return of every template; and what was made of each.

Shared by `test_fault_corpus.py`, which takes each kind once, and `tests.benchmarks.fault_corpus`, which takes them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import openpyxl
from openpyxl.workbook import Workbook

from llr_pipeline.codes import Reference, read_reference
from llr_pipeline.contracts import Column, Sheet, templates
from llr_pipeline.findings import Finding
from llr_pipeline.reading import read_file
from llr_pipeline.templates import Cover, write_workbook
from llr_pipeline.workbooks import column_letter
from tests.unit.test_returns import MONTH, RETURNS, ROUND, sample_lines

HEADINGS = 4  # the row of the headings
RULES = {row["rule"] for row in read_reference().rows("finding_rules")}
COVER = {"template": "B5", "version": "B6", "organisation": "B7", "period": "B9", "prepared_on": "B11"}
ANYWHERE = "*"  # a fault of several cells: any of them may be named


@dataclass(frozen=True)
class Place:
    """A sheet of a clean return: where its columns, lines and totals are."""

    sheet: Sheet
    attributes: dict[str, str]
    periods: dict[str, str]
    rows: list[int]
    totals: list[int]

    @property
    def title(self) -> str:
        return self.sheet.title

    @property
    def value(self) -> str:
        """The second period's cell of the first line: it holds 1."""
        return f"{list(self.periods.values())[1]}{self.rows[0]}"

    @property
    def beyond(self) -> str:
        """The first column that the template does not use."""
        return column_letter(len(self.attributes) + len(self.periods))


@dataclass(frozen=True)
class Clean:
    template: str
    path: Path
    places: list[Place]


@dataclass(frozen=True)
class Fault:
    """One fault in one return. `rules` are those that may name it, `cell` where (None: the sheet as a whole)."""

    name: str
    kind: str
    clean: Clean
    plant: Callable[[Workbook], object]
    rules: frozenset[str]
    sheet: str | None
    cell: str | None


@dataclass
class Tally:
    """What became of the faults."""

    tried: int = 0
    found: int = 0
    mislocated: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    false_alarms: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = (len(self.mislocated), len(self.missed), len(self.false_alarms))
        return f"{self.tried} tried, {self.found} found, %d mislocated, %d missed, %d false alarms" % counts


def write_clean(folder: Path) -> list[Clean]:
    """A return of every template, each sheet with lines of different keys."""
    reference, found = read_reference(), []
    for name, organisation in RETURNS:
        template, period = templates()[name], MONTH if name == "monitoring" else ROUND
        periods = {s.table: reference.periods(s.period, period) if s.period else () for s in template.sheets}
        lines = {s.table: sample_lines(s, reference, organisation, periods[s.table])[:8] for s in template.sheets}
        path = folder / f"{name}-{organisation}.xlsx"
        about = Cover(organisation, period, "Planning team", date(2016, 11, 1))
        write_workbook(path, template, about, reference, lines)
        book = openpyxl.load_workbook(path, data_only=True)
        found.append(Clean(path.stem, path, [_place(book, s, periods[s.table], reference) for s in template.sheets]))
        book.save(path)  # totals as values: openpyxl forgets what formulas came to
    return found


def _place(book: Workbook, sheet: Sheet, periods: tuple[str, ...], reference: Reference) -> Place:
    names = [column.name for column in sheet.attributes]
    letters = [column_letter(n) for n in range(len(names) + len(periods))]
    rows, totals = [], []
    for row in range(HEADINGS + 1, book[sheet.title].max_row + 1):
        entries = [book[sheet.title][f"{letter}{row}"].value for letter in letters]
        if sum(entry is not None for entry in entries[: len(names)]) > 1:
            rows.append(row)
        elif any(entry is not None for entry in entries[len(names) :]):
            totals.append(row)
    return Place(
        sheet, dict(zip(names, letters, strict=False)), dict(zip(periods, letters[len(names) :], strict=True)),
        rows, totals,
    )  # fmt: skip


# -- the faults


def faults(cleans: list[Clean]) -> Iterator[Fault]:
    """Every fault that each return can have."""
    for clean in cleans:
        for kind, plant, rules, sheet, cell in _on_the_cover(clean):
            yield Fault(f"{clean.template}: {kind}", kind, clean, plant, frozenset(rules.split()), sheet, cell)
        for place in clean.places:
            for kind, plant, rules, cell in _on_a_sheet(place):
                name = f"{clean.template}, {place.title}: {kind}"
                yield Fault(name, kind, clean, plant, frozenset(rules.split()), place.title, cell)


def put(sheet: str, cell: str, entry: object) -> Callable[[Workbook], object]:
    def plant(book: Workbook) -> None:
        book[sheet][cell] = entry

    return plant


def _on_the_cover(clean: Clean) -> Iterator[tuple]:
    at = COVER
    for what in at:
        yield f"no {what} on the cover", put("Cover", at[what], None), "cover_incomplete", "Cover", at[what]
    for kind, what, entry, rule in (
        ("template unknown", "template", "Parking plan", "unknown_template"),
        ("template an error", "template", "#NAME?", "cover_incomplete"),
        ("version of another year", "version", 99, "wrong_version"),
        ("version in words", "version", "latest", "wrong_version"),
        ("organisation unknown", "organisation", "RXX", "unknown_organisation"),
        ("organisation a formula", "organisation", "=A1", "cover_incomplete"),
        ("period unknown", "period", "next spring", "unknown_period"),
        ("date in words", "prepared_on", "last week", "cover_incomplete"),
        ("date that there is not", "prepared_on", "31/02/2017", "cover_incomplete"),
        ("date to come", "prepared_on", date(9999, 12, 31), "implausible_date"),
        ("date long past", "prepared_on", date(1916, 11, 1), "implausible_date"),
    ):
        yield kind, put("Cover", at[what], entry), rule, "Cover", at[what]

    yield "status unknown", put("Cover", "B12", "draft"), "unknown_code", "Cover", "B12"
    yield "status an error", put("Cover", "B12", "#REF!"), "error_value", "Cover", "B12"

    def another_time(book: Workbook) -> None:
        book["Cover"][at["organisation"]], book["Cover"][at["period"]] = "04C", "2023-06"

    if clean.template.startswith("monitoring"):
        yield "organisation after its end", another_time, "organisation_outside_dates", "Cover", at["organisation"]
    yield "sheet added", lambda book: book.create_sheet("Workings"), "sheet_not_read", "Workings", None
    yield "NHS number on the cover", put("Cover", "B30", "see 943 476 5919"), "personal_data", "Cover", "B30"

    def hidden_sheet(book: Workbook) -> None:
        book.create_sheet("Workings")["B2"] = 5
        book["Workings"].sheet_state = "hidden"

    yield "hidden sheet with values", hidden_sheet, "hidden_values", "Workings", "B2"


def _on_a_sheet(place: Place) -> Iterator[tuple]:
    title, row = place.title, place.rows[0]
    for column in place.sheet.attributes:
        yield from _in_an_attribute(place, column, f"{place.attributes[column.name]}{row}")
    if place.sheet.value:
        yield from _in_a_value(place, place.sheet.value)
    if len(place.rows) > 1:
        key = f"{place.attributes[place.sheet.key[0]]}{place.rows[1]}"
        yield "line twice", _repeated(place), "duplicate_line", key

    yield from _in_the_layout(place)
    first = next(iter(place.attributes.values()))
    last, last_heading = column_letter(len(place.attributes) - 1), f"{place.beyond}{HEADINGS}"
    heading = place.sheet.attributes[0].header
    yield "heading unknown", put(title, f"{last}{HEADINGS}", "Zebra"), "missing_column", "A4"
    yield "heading empty", put(title, f"{first}{HEADINGS}", None), "missing_column", "A4"
    yield "heading an error", put(title, f"{first}{HEADINGS}", "#REF!"), "missing_column", "A4"
    yield "heading twice", put(title, last_heading, heading), "column_twice", last_heading
    yield "column added", put(title, last_heading, "Checked by"), "unknown_column", last_heading
    yield "sheet lost", lambda book: book.remove(book[title]), "missing_sheet", None
    unheaded = f"{place.beyond}{row}"
    for kind, entry, rule in (
        ("number", 5, "unheaded_values"),
        ("number as text", "1,940", "unheaded_values"),
        ("date", date(2017, 4, 1), "unheaded_values"),
        ("error", "#N/A", "unheaded_values"),
        ("words", "see note", "unknown_column"),
    ):
        yield f"{kind} in a column without heading", put(title, unheaded, entry), rule, unheaded
    for kind, entry in (("words alone", "Source: board paper"), ("an error alone", "#N/A")):
        yield f"{kind} in a row", put(title, f"{first}200", entry), "row_not_read", f"{first}200"


def _in_the_layout(place: Place) -> Iterator[tuple]:
    """Hidden and merged cells; the cell named is the first one concerned, or none."""
    title, row, letters = place.title, place.rows[0], list(place.attributes.values())

    def hide_row(book: Workbook) -> None:
        book[title].row_dimensions[row].hidden = True

    def hide_column(book: Workbook) -> None:
        book[title].column_dimensions[letters[0]].hidden = True

    def hide_column_beyond(book: Workbook) -> None:
        book[title][f"{place.beyond}{row}"] = 5
        book[title].column_dimensions[place.beyond].hidden = True

    yield "hidden row", hide_row, "hidden_values", ANYWHERE
    yield "hidden column", hide_column, "hidden_values", ANYWHERE
    yield "hidden column beyond the template", hide_column_beyond, "hidden_values", ANYWHERE
    if len(place.rows) > 1 and place.rows[1] == row + 1:
        cell = f"{letters[-1]}{row}:{letters[-1]}{row + 1}"
        yield "merged down", lambda book: book[title].merge_cells(cell), "merged_values missing_value", ANYWHERE
    for kind, text in (("NHS number in a line", "943 476 5919 to call back"), ("NHS number bare", "9434765919")):
        yield kind, put(title, f"{place.beyond}{row}", text), "personal_data", f"{place.beyond}{row}"


def _in_an_attribute(place: Place, column: Column, cell: str) -> Iterator[tuple]:
    name, title = column.header or column.name, place.title
    if column.required:
        yield f"no {name}", put(title, cell, None), "missing_value", cell
        yield f"spaces as {name}", put(title, cell, "  \u00a0"), "missing_value", cell
    yield f"an error as {name}", put(title, cell, "#N/A"), "error_value", cell
    yield f"a formula as {name}", put(title, cell, "=A1"), "formula_without_value", cell
    if column.list:
        yield f"unknown {name}", put(title, cell, "Zebra crossing"), "unknown_code", cell
        yield f"a number as {name}", put(title, cell, 4711), "unknown_code", cell
    if column.type == "date":
        yield f"a date as text as {name}", put(title, cell, "1 April 2017"), "date_as_text", cell
        for entry in ("in due course", "31/02/2017", "2017", True):
            yield f"{entry} as {name}", put(title, cell, entry), "not_a_date", cell
        yield "a date of 1900", put(title, cell, date(1900, 1, 17)), " ".join(RULES), cell
    if column.type == "double":
        yield f"words as {name}", put(title, cell, "most of it"), "not_a_number", cell
        yield f"a date as {name}", put(title, cell, date(2017, 4, 1)), "not_a_number", cell
        yield f"{name} too large", put(title, cell, 1e18), "out_of_range", cell
        yield f"to be confirmed as {name}", put(title, cell, "tbc"), "placeholder not_a_number", cell
        if column.minimum is not None:
            yield f"{name} below zero", put(title, cell, column.minimum - 1), "out_of_range", cell
        if column.maximum is not None:
            yield f"{name} in per cent", put(title, cell, 70), "out_of_range", cell


def _in_a_value(place: Place, column: Column) -> Iterator[tuple]:
    title, cell = place.title, place.value
    for kind, entry, rules in (
        ("words as value", "see note", "not_a_number"),
        ("to be confirmed as value", "TBC", "placeholder not_a_number"),
        ("not applicable as value", "n/a", "placeholder not_a_number"),
        ("none as value", "nil", "placeholder not_a_number"),
        ("dash as value", "-", "dash_read" if column.dash != "error" else "placeholder not_a_number"),
        ("the mark for no value", -99999999, "placeholder not_a_number"),
        ("the mark for no value as text", "-99999999", "placeholder not_a_number"),
        ("yes as value", True, "not_a_number"),
        ("a date as value", date(2017, 4, 1), "not_a_number"),
        ("#REF! as value", "#REF!", "error_value"),
        ("#DIV/0! as value", "#DIV/0!", "error_value"),
        ("#N/A as value", "#N/A", "error_value"),
        ("formula without result", "=SUM(A1:A2)", "formula_without_value"),
        ("per cent as value", "12%", "number_as_text" if column.unit == "share" else "not_a_number"),
        ("decimal comma", "1.234,5", "not_a_number"),
        ("two numbers", "12 or 13", "not_a_number"),
        ("a range", "12-13", "not_a_number"),
        ("approximately", "c. 12", "not_a_number"),
        ("number as text", "1", "number_as_text"),
        ("number as text with a space", "1\u00a0234", "number_as_text"),
        ("number as text with a comma", "1,234.5", "number_as_text"),
        ("number with an apostrophe", "'12", "number_as_text"),
        ("infinity", "1e400", "not_a_number"),
        ("too large", 1e18, "out_of_range"),
        ("too large by far", -1e300, "out_of_range"),
        ("too large as text", "2,000,000,000,000", "out_of_range"),
    ):
        yield kind, valued(place, cell, entry), rules, cell
    if column.symbol:
        yield "pounds and pence", valued(place, cell, "£1.50"), "not_a_number number_as_text", cell
        yield "millions", valued(place, cell, "£1.2m"), "number_as_text", cell
        yield "dollars", valued(place, cell, "$5"), "not_a_number", cell
    if column.minimum is None:
        yield "brackets for minus", valued(place, cell, "(12.3)"), "number_as_text", cell
    else:
        yield "below the least", valued(place, cell, column.minimum - 5), "out_of_range", cell
        yield "brackets below the least", valued(place, cell, "(12.3)"), "out_of_range", cell
    yield (
        "formula that refers to itself",
        valued(place, cell, f"={cell}+1"),
        "circular_formula formula_without_value",
        cell,
    )
    letter = cell.rstrip("0123456789")
    for kind, entry, rule in (
        ("number", 12, "missing_value"),
        ("number as text", "1,940", "missing_value"),
        ("to be confirmed", "tbc", "missing_value"),
        ("date", date(2017, 4, 1), "missing_value"),
        ("error", "#N/A", "missing_value"),
        ("formula without result", "=SUM(A1:A2)", "missing_value"),
        ("words", "see note", "row_not_read"),
    ):
        yield f"{kind} in a row of nothing", put(title, f"{letter}200", entry), rule, f"{letter}200"

    after = f"{place.beyond}{HEADINGS}"
    period = "Mar 2030" if place.sheet.period == "month" else "2030/31"
    yield "period that does not belong", put(title, after, period), "unexpected_period", after
    yield "period missing", put(title, f"{letter}{HEADINGS}", None), "missing_period", "A4"
    yield "period twice", put(title, after, next(iter(place.periods))), "column_twice", after
    if place.totals:
        total = f"{letter}{place.totals[0]}"
        yield "total too large", put(title, total, 1e300), "out_of_range", total
        yield "total that differs", put(title, total, 4711), "total_differs", total
        yield "total with its sign turned", _turned(title, total), "total_differs", total
        yield "total in words", put(title, total, "see above"), "not_a_number", total
        yield "total to be confirmed", put(title, total, "tbc"), "placeholder not_a_number", total
        yield "total an error", put(title, total, "#REF!"), " ".join(RULES), total
        yield "total a formula without result", put(title, total, "=SUM(A1:A2)"), " ".join(RULES), total


def valued(place: Place, cell: str, entry: object) -> Callable[[Workbook], object]:
    """An entry whose number may differ from what stood there: the totals of the sheet are left empty."""

    def plant(book: Workbook) -> None:
        book[place.title][cell] = entry
        clear_totals(book, place)

    return plant


def clear_totals(book: Workbook, place: Place) -> None:
    for row in place.totals:
        for letter in place.periods.values():
            book[place.title][f"{letter}{row}"] = None


def _repeated(place: Place) -> Callable[[Workbook], object]:
    """The second line's attributes made the first one's."""

    def plant(book: Workbook) -> None:
        for letter in place.attributes.values():
            book[place.title][f"{letter}{place.rows[1]}"] = book[place.title][f"{letter}{place.rows[0]}"].value
        clear_totals(book, place)

    return plant


def _turned(title: str, cell: str) -> Callable[[Workbook], object]:
    def plant(book: Workbook) -> None:
        book[title][cell] = -book[title][cell].value

    return plant


# -- what becomes of them


def findings_of(fault: Fault, path: Path) -> list[Finding]:
    """What is found in the clean return with this fault in it."""
    book = openpyxl.load_workbook(fault.clean.path)
    fault.plant(book)
    book.save(path)
    return list(read_file(path).findings)


def judge(fault: Fault, findings: list[Finding], tally: Tally) -> None:
    """Count it as found at its cell, at another or not at all; whatever else is said of the file is a false alarm."""
    tally.tried += 1
    said = [(f.rule, f.sheet, f.cell) for f in findings]
    cells = {cell for *_, cell in said} if fault.cell == ANYWHERE else {fault.cell}
    right = [s for s in said if s[0] in fault.rules and s[1] == fault.sheet and s[2] in cells]
    rule_alone = [s for s in said if s[0] in fault.rules and s not in right]
    tally.found += bool(right)
    if not right and rule_alone and len(fault.rules) < len(RULES):
        tally.mislocated.append(f"{fault.name}: wanted {fault.cell}, found {rule_alone}")
    elif not right:
        tally.missed.append(
            f"{fault.name}: wanted {' or '.join(sorted(fault.rules)[:2])} at {fault.cell}, found {said}"
        )
    others = [s for s in said if s not in right and s not in rule_alone]
    if others or (right and rule_alone):
        tally.false_alarms.append(f"{fault.name}: {said}")


def one_of_each_kind(every: list[Fault]) -> list[Fault]:
    """Each kind once, the returns taking turns."""
    by_kind: dict[str, list[Fault]] = {}
    for fault in every:
        by_kind.setdefault(fault.kind, []).append(fault)
    return [some[n % len(some)] for n, some in enumerate(by_kind.values())]
