"""A published statistics workbook and its contract -> rows with the cell of every value, and findings.

A publication is recognised by a sentence in its title block; its headings are found by content; its period and its
dates come from the title block, or from the days of its figures. Which publications there are is said in
`sql/raw/*.toml`. Two kinds of sheet are read: groups of like-named headings (`[sheet]`, `published_groups.py`), and one
value a heading and day (`[grid]`, `published_grids.py`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from llr_pipeline.cells import Misread, as_text, day_in_words, implausible, is_blank, listed, quoted, read_date
from llr_pipeline.codes import Reference, normalise
from llr_pipeline.contracts import Column, build, read_columns, read_contract
from llr_pipeline.cover import Identity
from llr_pipeline.findings import Findings
from llr_pipeline.paths import SQL
from llr_pipeline.periods import financial_year_of
from llr_pipeline.published_grids import grid_schema, note_period, read_grids
from llr_pipeline.published_groups import PublishedSheet, find_columns, find_groups, groups_schema, read_rows
from llr_pipeline.published_layouts import GridSheet, PublishedGrid
from llr_pipeline.published_values import Days, days_in, month_in
from llr_pipeline.returns import Reading, arrow_schema
from llr_pipeline.workbooks import Grid, Workbook

PUBLICATIONS = arrow_schema(read_contract(SQL / "raw" / "publications.toml"))
TITLE_ROWS = 30
_QUARTER = re.compile(
    r"(?P<first>[a-z]{3,9})\s*(?:20\d\d)?\s*(?:to|-|\u2013)\s*(?P<last>[a-z]{3,9})\s*(?P<year>20\d\d)", re.IGNORECASE
)
_YEAR = re.compile(r"(?:19|20|21)\d\d")


@dataclass(frozen=True)
class Publication:
    """A published file: how it is recognised, where its period and dates stand, the sheets that are read.

    It has a sheet with groups of headings, or sheets with a value a heading and day, or both.
    `recognise` is a sentence of the title block, or the beginning of what stands beside `recognise_label`; or it is
    `recognise_headings`, which all stand in one row.
    """

    name: str
    title: str
    version: int
    period: str
    publisher: str
    licence: str
    address: str
    description: str
    recognise: str = ""
    recognise_label: str = ""
    recognise_headings: tuple[str, ...] = ()
    period_label: str = "period"
    published_label: str = "published"
    revised_label: str = "revised"
    sheet: PublishedSheet | None = None
    grid: PublishedGrid | None = None
    columns: tuple[Column, ...] = field(default=())

    @property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """The raw tables that it fills, and their columns, submission apart."""
        groups = {self.sheet.table: groups_schema(self.sheet)} if self.sheet else {}
        return groups | ({self.grid.table: grid_schema(self.grid)} if self.grid else {})

    @property
    def figures(self) -> Mapping[str, tuple[str, ...]]:
        """By raw table, which fields of a reading tell one figure from another: whose it is first, what it is last."""
        found = {}
        if self.sheet:
            code = next(iter(self.sheet.keys))
            found[self.sheet.table] = (code, self.sheet.group_reading, self.sheet.heading_column)
        if self.grid:
            describing = {*self.grid.labels, self.grid.days}
            keys = sorted(set(self.grid.keys) - describing, key=lambda key: (key != self.grid.code, key))
            days = () if self.grid.days == "none" else ("first_day", "last_day")
            found[self.grid.table] = (*keys, *days, "measure")
        return found


@cache
def publications(folder: Path = SQL / "raw") -> Mapping[str, Publication]:
    """Every publication by name."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        about = _read_contract(path)
        if "publication" in about:
            where = f"sql/raw/{path.name}"
            found[path.stem] = build(
                Publication,
                about["publication"],
                where,
                name=path.stem,
                description=about["description"],
                sheet=build(PublishedSheet, about["sheet"], where) if "sheet" in about else None,
                grid=_read_grid(about["grid"], where) if "grid" in about else None,
                columns=read_columns(about["columns"], where),
            )
    return found


def _read_contract(path: Path) -> dict[str, Any]:
    """A contract; one that is `like` another says only what differs, section by section."""
    about = tomllib.loads(path.read_text(encoding="utf-8"))
    if not (other := about.pop("like", None)):
        return about
    base = _read_contract(path.with_stem(other))
    return base | {k: base.get(k, {}) | v if isinstance(v, dict) else v for k, v in about.items()}


def _read_grid(given: Mapping[str, Any], where: str) -> PublishedGrid:
    sheets = tuple(build(GridSheet, sheet, where) for sheet in given["sheets"])
    return build(PublishedGrid, {k: v for k, v in given.items() if k != "sheets"}, where, sheets=sheets)


def recognise(book: Workbook, known: Mapping[str, Publication]) -> Publication | None:
    """The publication whose sentence stands in the title block of one of the sheets, or whose headings in a row."""
    for grid in book.sheets:
        rows = [[normalise(v) for v in row if isinstance(v, str) and v] for row in grid.rows[:TITLE_ROWS]]
        block = {text for row in rows for text in row}
        for publication in known.values():
            label, sentence = publication.recognise_label, publication.recognise
            if label:
                is_it = any(row[0] == label and row[1].startswith(sentence) for row in rows if len(row) > 1)
            elif sentence:
                is_it = sentence in block
            else:
                is_it = any(set(publication.recognise_headings) <= set(row) for row in rows)
            if is_it:
                return publication
    return None


def read_publication(
    book: Workbook, publication: Publication, reference: Reference, *, today: date | None = None, file_name: str = ""
) -> Reading:
    """Read a publication by the rules of `today`, or of the day that it is. Never raises for what a file holds."""
    findings = Findings(reference, today)
    read = _read_groups if publication.sheet else _read_grids
    identity, tables, names, count = read(book, publication, findings, today or date.today(), file_name)
    if names is None:
        return Reading(identity, findings)
    for other in book.sheets:
        if other.name not in names:
            kind = "sheet" if other.is_visible else "hidden sheet"
            message = f"The {kind} {quoted(other.name)} is not part of what is read from this publication"
            findings.add("sheet_not_read", message, sheet=other.name)
    return Reading(identity, findings) if findings.refuse else Reading(identity, findings, tables, count)


_Read = tuple[Identity, dict[str, pa.Table], Collection[str] | None, int]


def _read_groups(book: Workbook, publication: Publication, findings: Findings, today: date, file_name: str) -> _Read:
    """The one sheet with groups of headings, and those beside it. No names where it is not there."""
    sheet = publication.sheet
    grid, header_row = find_groups(book, sheet)
    if grid is None:
        wanted = listed([*sheet.keys.values(), *sheet.groups])
        message = f"No sheet has the headings of {publication.title}: {wanted}"
        findings.add("missing_column", message)
        return Identity(template=publication.name), {}, None, 0
    block = _title_block(grid, header_row)
    span = _stated_days(publication, grid, header_row, block, findings)
    identity, about = _who(publication, span, block, grid.name, findings, today)
    columns = find_columns(grid, header_row, sheet, findings)
    unvalued = {u.cell: u for u in book.unseen.unvalued if u.sheet == grid.name}
    rows = read_rows(grid, header_row, sheet, columns, unvalued, findings)
    tables = {sheet.table: pa.Table.from_pylist(rows, publication.schemas[sheet.table]), "publications": about}
    names, count = {grid.name}, sum(row["value"] is not None for row in rows)
    if publication.grid:
        values, _, more = read_grids(book, publication.grid, findings)
        if values is not None:
            tables[publication.grid.table] = values
            count += _count(values)
        names |= more
    return identity, tables, names, count


def _count(values: pa.Table) -> int:
    return pc.count(pc.struct_field(values["reading"], "value")).as_py()


def _stated_days(
    publication: Publication, grid: Grid, header_row: int, block: Mapping[str, Any], findings: Findings
) -> Days | None:
    """The quarter beside its label, or the day behind it in a title; None, with a finding, where there is none."""
    label = publication.period_label
    if publication.period == "quarter":
        text = block.get(label)
        span, wanted = _read_quarter(text), "quarter beside"
    else:
        above = (str(value) for row in grid.rows[:header_row] for value in row)
        text = next((behind for value in above if (behind := normalise(value).partition(label)[2])), None)
        span, wanted = days_in([text]), "day behind"
    if span is None:
        message = f"The title block gives no {wanted} “{label}”"
        findings.add("unknown_period", message, sheet=grid.name, value=as_text(text))
    return span


def _read_grids(book: Workbook, publication: Publication, findings: Findings, today: date, file_name: str) -> _Read:
    """Every sheet with a value a heading and day."""
    values, span, names = read_grids(book, publication.grid, findings)
    measures = pc.struct_field(values["reading"], "measure") if values else None
    if measures is None or measures.null_count == len(measures):
        blocks = listed([" with ".join(keys.values()) for keys in publication.grid.blocks.values()])
        findings.add("missing_column", f"No sheet has the headings of {publication.title}: {blocks}")
        return Identity(template=publication.name), {}, None, 0
    block: dict[str, Any] = {}
    for grid in book.sheets:
        block = {**_title_block(grid, TITLE_ROWS), **block}
    if publication.period == "years":
        span = _years(values)
    if span is None:
        findings.add("unknown_period", "No day, month or year of the figures can be read")
    named = month_in(file_name)
    if span and named and not (named[0] <= span[1] and span[0] <= named[1]):
        note_period(named, span, "The file's name", findings)
    identity, about = _who(publication, span, block, None, findings, today)
    return identity, {publication.grid.table: values, "publications": about}, names, _count(values)


def _years(values: pa.Table) -> Days | None:
    """From the first day of the first year of a column to the last of the last."""
    years = [int(year) for year in values["year"].unique().to_pylist() if year and _YEAR.fullmatch(year)]
    return (date(min(years), 1, 1), date(max(years), 12, 31)) if years else None


def _period(kind: str, span: Days) -> str:
    """The days as people name them: years, a quarter, months, or from a day to a day."""
    first, last = span
    if kind == "years":
        return f"{first.year} to {last.year}"
    if kind == "quarter":
        month = f"{first:%Y-%m}"
        return f"{financial_year_of(month)} Q{(first.month - 4) % 12 // 3 + 1}"
    named = [f"{day:%Y-%m-%d}" if kind == "days" else f"{day:%Y-%m}" for day in span]
    return " to ".join(dict.fromkeys(named))


def _who(
    publication: Publication,
    span: Days | None,
    block: Mapping[str, Any],
    sheet: str | None,
    findings: Findings,
    today: date,
) -> tuple[Identity, pa.Table]:
    """What the file is, and its line of raw.publications."""
    period = _period(publication.period, span) if span else None
    first, last = span or (None, None)
    published, revised = (
        _dated(block, label, sheet, findings, today)
        for label in (publication.published_label, publication.revised_label)
    )
    identity = Identity(
        template=publication.name,
        template_version=publication.version,
        period=period,
        prepared_by=publication.publisher,
        prepared_on=revised or published,
        data_status="published",
    )
    about = {
        "publication": publication.name,
        "period": period,
        "first_day": first,
        "last_day": last,
        "published_on": published,
        "revised_on": revised,
    }
    return identity, pa.Table.from_pylist([about], PUBLICATIONS)


def _title_block(grid: Grid, header_row: int) -> dict[str, Any]:
    """Label -> the next filled cell in its row, above the headings."""
    block: dict[str, Any] = {}
    for row in grid.rows[:header_row]:
        filled = [v for v in row if not is_blank(v)]
        if len(filled) > 1:
            block.setdefault(normalise(filled[0]), filled[1])
    return block


def _read_quarter(value: Any) -> Days | None:
    """The days from April to June 2020; None where the months are not a quarter of a financial year."""
    found = _QUARTER.search(str(value))
    if found is None:
        return None
    first, last = (month_in(f"{found[name]} {found['year']}") for name in ("first", "last"))
    if first is None or last is None:
        return None
    start, end = first[0].month, last[0].month
    return (first[0], last[1]) if start % 3 == 1 and end == start + 2 else None


def _dated(block: Mapping[str, Any], label: str, sheet: str | None, findings: Findings, today: date) -> date | None:
    """A day of the title block."""
    day = _read_date(block.get(label))
    if day and (why := implausible(day, today)):
        message = f"{label}: {day_in_words(day)} {why}"
        findings.add("implausible_date", message, sheet=sheet, value=as_text(block.get(label)))
    return day


def _read_date(value: Any) -> date | None:
    try:
        return read_date(value)
    except Misread:
        return None
