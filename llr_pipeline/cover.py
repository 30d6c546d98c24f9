"""The Cover sheet of a planning return -> whose it is, of what and for when, and findings about what is wrong there.

Identity comes from here, never from the file's name. The other sheets belong to `returns.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any

from llr_pipeline.cells import (
    Entries,
    Misread,
    as_text,
    date_note,
    day_in_words,
    did_you_mean,
    implausible,
    is_blank,
    listed,
    quoted,
    read_code,
    read_date,
)
from llr_pipeline.codes import Reference, normalise
from llr_pipeline.contracts import CodeList, Template
from llr_pipeline.findings import Findings
from llr_pipeline.periods import read_month
from llr_pipeline.unseen import Unvalued
from llr_pipeline.workbooks import Grid, Workbook, cell_name

TITLES = {
    "template": "Template",
    "template_version": "Template version",
    "organisation_code": "Organisation code",
    "period": "Period",
    "prepared_by": "Prepared by",
    "prepared_on": "Prepared on",
    "data_status": "Data status",
}
LABELS = {normalise(title): name for name, title in TITLES.items()} | {
    "version": "template_version",
    "org code": "organisation_code",
    "ods code": "organisation_code",
    "round": "period",
    "month": "period",
    "date prepared": "prepared_on",
}
LABELS_AT_LEAST = 3  # a sheet with fewer of them is no Cover
SEARCHED_SHEETS, SEARCHED_ROWS, SEARCHED_COLUMNS = 12, 200, 40
DATA_STATUS = CodeList(table="reference.code_lists", name="data_status")


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


@dataclass(frozen=True)
class Entry:
    """What stands beside a label, and where."""

    cell: str
    value: Any


@dataclass(frozen=True)
class Cover:
    """The Cover sheet as found: field -> the entry beside its label. What is wrong goes to `findings`."""

    sheet: str
    entries: Mapping[str, Entry]
    unvalued: Mapping[str, Unvalued]
    findings: Findings

    def text(self, name: str) -> str | None:
        """The entry as text; None, with a finding, where there is none."""
        entry = self.entries.get(name)
        if entry is None:
            self.findings.add("cover_incomplete", f"The Cover has no line “{TITLES[name]}”", sheet=self.sheet)
        elif entry.cell in self.unvalued:
            self.find(name, "cover_incomplete", f"“{TITLES[name]}” on the Cover {self.unvalued[entry.cell]}")
        elif is_blank(entry.value):
            self.find(name, "cover_incomplete", f"“{TITLES[name]}” on the Cover is empty")
        else:
            return (as_text(entry.value) or "").strip()
        return None

    def find(self, name: str, rule: str, message: str) -> None:
        """A finding at the entry."""
        entry = self.entries[name]
        self.findings.add(rule, message, sheet=self.sheet, cell=entry.cell, value=as_text(entry.value))


def is_return(book: Workbook) -> bool:
    """Whether one of the sheets is the Cover of a planning return."""
    return _find_cover(book) is not None


def read_cover(
    book: Workbook, reference: Reference, templates: Mapping[str, Template], findings: Findings, *, today: date
) -> Identity:
    """The identity on the Cover sheet, with a finding for everything about it that is wrong on the day of reading."""
    found = _find_cover(book)
    if found is None:
        findings.add("not_a_return", "No sheet is the Cover of a planning return, with a template and an organisation")
        return Identity()
    grid, entries = found
    unvalued = {u.cell: u for u in book.unseen.unvalued if u.sheet == grid.name}
    cover = Cover(grid.name, entries, unvalued, findings)
    template = _read_template(cover, templates)
    organisation = _read_organisation(cover, reference)
    identity = Identity(
        template=template and template.name,
        template_version=template and _read_version(cover, template),
        organisation_code=organisation and organisation["organisation_code"],
        period=_read_period(cover, template, reference, today),
        prepared_by=as_text(cover.entries["prepared_by"].value) if "prepared_by" in cover.entries else None,
        prepared_on=_read_prepared_on(cover, today),
        data_status=_read_status(cover, reference),
    )
    if template and organisation and identity.period:
        _check_role(cover, template, organisation, identity.period, reference)
    return identity


def _find_cover(book: Workbook) -> tuple[Grid, dict[str, Entry]] | None:
    """The Cover sheet and the entry beside each label: the sheet of that name first, then whichever has the labels."""
    ranked = sorted(book.sheets, key=lambda grid: normalise(grid.name) != "cover")
    for grid in ranked[:SEARCHED_SHEETS]:
        entries: dict[str, Entry] = {}
        for index, row in enumerate(grid.rows[:SEARCHED_ROWS]):
            filled = [(i, value) for i, value in enumerate(row[:SEARCHED_COLUMNS]) if not is_blank(value)]
            for (i, label), beside in zip_longest(filled, filled[1:]):
                name = _label(label)
                if name and name not in entries:
                    place, value = beside if beside and not _label(beside[1]) else (i + 1, None)
                    entries[name] = Entry(cell_name(place, index), value)
        if len(entries) >= LABELS_AT_LEAST:
            return grid, entries
    return None


def _label(value: Any) -> str | None:
    return LABELS.get(normalise(value)) if isinstance(value, str) else None


def _read_template(cover: Cover, templates: Mapping[str, Template]) -> Template | None:
    name = cover.text("template")
    if name is None:
        return None
    by_spelling = {normalise(t.title): t for t in templates.values()} | dict(templates)
    template = by_spelling.get(normalise(name))
    if template is None:
        near = did_you_mean(name, {spelling: t.name for spelling, t in by_spelling.items()})
        hint = near or f"; the templates are {listed(list(templates))}"
        cover.find("template", "unknown_template", f"There is no template {quoted(name)}{hint}")
    return template


def _read_version(cover: Cover, template: Template) -> int | None:
    text = cover.text("template_version")
    if text is None:
        return None
    written = text.lower().removeprefix("v").strip()
    if known := [version for version in template.versions if str(version) == written]:
        return known[0]
    cover.find(
        "template_version",
        "wrong_version",
        f"{quoted(text)} is not the version of “{template.title}” in use, which is {template.version}",
    )
    return None


def _read_organisation(cover: Cover, reference: Reference) -> Mapping[str, str] | None:
    """The organisation by its code, its ONS code or its name."""
    text = cover.text("organisation_code")
    if text is None:
        return None
    rows = reference.rows("organisations")
    by_spelling = {
        normalise(row[column]): row
        for column in ("organisation_name", "ons_code", "organisation_code")
        for row in rows
        if row[column]
    }
    organisation = by_spelling.get(normalise(text))
    if organisation is None:
        shown = {k: f"{row['organisation_code']}, {row['organisation_name']}" for k, row in by_spelling.items()}
        near = did_you_mean(text, shown)
        hint = near or f"; the codes are {listed([row['organisation_code'] for row in rows])}"
        cover.find(
            "organisation_code", "unknown_organisation", f"{quoted(text)} is not an organisation of the system{hint}"
        )
    return organisation


def _read_period(cover: Cover, template: Template | None, reference: Reference, today: date) -> str | None:
    text = cover.text("period")
    if text is None or template is None:
        return text
    month = read_month(cover.entries["period"].value)
    if template.period == "month":
        if month is None:
            message = f"{quoted(text)} is not a month; “{template.title}” is for a month, such as 2017-04"
            cover.find("period", "unknown_period", message)
        elif month > f"{today:%Y-%m}":
            cover.find("period", "unknown_period", f"The month {month} has not begun")
        return month
    rounds = [row["round"] for row in reference.rows("rounds")]
    if month not in rounds:
        message = f"There is no round {quoted(month or text)}; the rounds are {listed(rounds)}"
        cover.find("period", "unknown_period", message)
        return None
    return month


def _read_prepared_on(cover: Cover, today: date) -> date | None:
    """The day."""
    if cover.text("prepared_on") is None:
        return None
    value = cover.entries["prepared_on"].value
    try:
        day = read_date(value)
    except Misread as error:
        cover.find("prepared_on", "cover_incomplete", f"Prepared on: {error}")
        return None
    if why := implausible(day, today):
        cover.find("prepared_on", "implausible_date", f"Prepared on: {day_in_words(day)} {why}")
        return None
    if note := date_note(value, day):
        cover.find("prepared_on", "date_as_text", f"Prepared on: {note}")
    return day


def _read_status(cover: Cover, reference: Reference) -> str:
    """The data status; what is not marked otherwise is as the organisation returned it."""
    entry = cover.entries.get("data_status")
    if entry and entry.cell in cover.unvalued:
        unvalued = cover.unvalued[entry.cell]
        cover.find("data_status", unvalued.rule, f"“{TITLES['data_status']}” on the Cover {unvalued}")
    elif entry and not is_blank(entry.value):
        known = Entries(reference.spellings(DATA_STATUS), reference.labels(DATA_STATUS))
        try:
            return read_code(entry.value, known)
        except Misread as error:
            cover.find("data_status", error.rule, f"{TITLES['data_status']}: {error}")
    return "returned"


def _check_role(
    cover: Cover, template: Template, organisation: Mapping[str, str], period: str, reference: Reference
) -> None:
    """The organisation owes this template, in a role that it held when the period was due."""
    code = organisation["organisation_code"]
    held = [row for row in reference.rows("organisation_roles") if row["organisation_code"] == code]
    owed = {
        row["role"]
        for row in reference.rows("expected_returns")
        if (row["organisation_code"], row["template"]) == (code, template.name)
    }
    day = f"{period}-01"
    roles = [row for row in held if not owed or row["role"] in owed]
    who = f"{organisation['organisation_name']} ({code})"
    if not any(row["starts_on"] <= day and (not row["ends_on"] or day <= row["ends_on"]) for row in roles):
        spans = listed([_span(row) for row in roles]) or "in no role"
        message = f"{who} cannot send a return for {period}: it is known as {spans}"
        cover.find("organisation_code", "organisation_outside_dates", message)
    elif not owed:
        cover.find("organisation_code", "unexpected_return", f"{who} is not asked for “{template.title}”")


def _span(role: Mapping[str, str]) -> str:
    """commissioner from 1 April 2013 to 30 June 2022."""
    until = f" to {day_in_words(date.fromisoformat(role['ends_on']))}" if role["ends_on"] else " on"
    return f"{role['role'].replace('_', ' ')} from {day_in_words(date.fromisoformat(role['starts_on']))}{until}"
