"""Reports: a `Document` as one HTML page and its chart images, and as an asset that shows them in the web interface.

What a report says is in `assets/`; how a chart is drawn in `charts.py`. Nothing here knows a subject.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb

from llr_pipeline.charts import to_png, to_svg
from llr_pipeline.contracts import contracts
from llr_pipeline.paths import PROJECT, Home, current_home
from llr_pipeline.tables import reads as reads_of
from llr_pipeline.tables import select_of, table
from llr_pipeline.warehouse import build_of, folder_fingerprint, inputs_of, record_build

if TYPE_CHECKING:
    import pandas as pd

LATEST = "latest"
ABOUT = "about.json"
DOCUMENT = "reports/"
"""Before its name, in the record of what was built from what: a document is behind as a table is."""
INLINE = 1000
"""The asset page shows Markdown shorter than this; longer text hides behind a button."""
NAME = re.compile(r"[a-z][a-z0-9_]*")
MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
NUMERIC = re.compile(rf"{MISSING}|{MINUS}?£?[\d,]+(\.\d+)?[%mk]?")
"""A cell that is a number: a column of nothing else is set to the right."""


@dataclass(frozen=True)
class Chart:
    """An Altair chart, the name of its image, and what it shows in words, for those who cannot see it."""

    name: str
    chart: Any
    alt: str


@dataclass(frozen=True)
class Table:
    """A table as people read it: the frame's columns are its headings. Notes give units and how to read it."""

    title: str
    frame: pd.DataFrame
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Document:
    """What a report says, in one page.

    `summary`: paragraphs and `- ` lists with `**bold**`, the finding first, under 1,000 characters.
    `headlines` are plotted over the runs: keep their names. A headline that is None is left out. The first sentence of
    each note is shown with the summary.
    """

    title: str
    summary: str
    headlines: Mapping[str, float | int | None] = field(default_factory=dict)
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    credits: Sequence[str] = ()

    def __post_init__(self) -> None:
        if wrong := [n for n in (*self.headlines, *(c.name for c in self.charts)) if not NAME.fullmatch(n)]:
            raise ValueError(f"Names are lower case letters, digits and underscores, not {', '.join(wrong)}")


def report(
    name: str, build: Callable[[duckdb.DuckDBPyConnection], Document], *, reads: Sequence[str] = ()
) -> dg.AssetsDefinition:
    """The asset of one report: its SQL table, and the document that `build` makes of it.

    `build` reads the report's own table, what its SELECT reads and what `reads` names: the asset's dependencies.
    A document that the same code made from tables that hold the same rows stays as it is, under the run that made it.
    A table that breaks its contract gets no document, so that the latest good one stays.
    """
    short = name.split(".")[1]

    def document(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Any]:
        home, key = current_home(), DOCUMENT + short
        inputs = [*inputs_of(connection, {name, *reads_of(select_of(contracts()[name])), *reads}), code()]
        made = build_of(connection, key, inputs)
        if made is None or not (home.reports / made / short / ABOUT).exists():
            made = run_id
            write_document(home, run_id, short, build(connection))
            record_build(connection, key, inputs, run_id, is_sound=True)
        shown = json.loads((home.reports / made / short / ABOUT).read_text(encoding="utf-8"))
        return document_metadata(made, short, shown)

    latest = f"[The latest report]({reports_url()}/{LATEST}/{short}/index.html)"
    return table(name, then=document, kinds=("html",), about=latest, reads_too=reads)


def reports_url() -> str:
    """Where a web server shows the home's reports folder."""
    return (os.environ.get("LLR_REPORTS_URL") or "http://127.0.0.1:3002").rstrip("/")


@cache
def code() -> str:
    """The fingerprint of the code that documents are made by: all of it, rather than a list that somebody must keep."""
    paths = [*PROJECT.glob("llr_pipeline/*.py"), *PROJECT.glob("llr_pipeline/*.jinja"), *PROJECT.glob("assets/**/*.py")]
    return folder_fingerprint("code", paths)


def about(document: Document) -> dict[str, Any]:
    """What the asset page shows of a document, kept beside it: a later run that leaves it as it is shows it again."""
    numbers = {key: plain_number(value) for key, value in document.headlines.items()}
    return {
        "title": document.title,
        "summary": document.summary,
        "notes": [f"{note.split('. ')[0].rstrip('.')}." for note in document.notes],
        "charts": [chart.name for chart in document.charts],
        "headlines": {key: value for key, value in numbers.items() if value is not None},
    }


def document_metadata(run_id: str, name: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The asset page: the summary with notes and first chart, a link to the whole report, the numbers; see `about`."""
    address = f"{reports_url()}/{run_id}/{name}"
    page = f"{address}/index.html"
    notes = [f"> {note}" for note in shown["notes"]]
    images = [f"![{shown['title']}]({address}/{chart}.svg)" for chart in shown["charts"][:1]]
    return {
        "summary": dg.MetadataValue.md(
            shortened(shown["summary"], ends=[*notes, *images, f"[The whole report]({page})"])
        ),
        "report": dg.MetadataValue.url(page),
        **shown["headlines"],
    }


def shortened(text: str, *, ends: Sequence[str], most: int = INLINE - 1) -> str:
    """Markdown and its ends in at most `most` characters: whole paragraphs are dropped, the last ones first."""
    paragraphs = text.split("\n\n")
    while len(short := "\n\n".join([*paragraphs, *ends])) > most and len(paragraphs) > 1:
        paragraphs.pop()
    return short


def plain_number(value: Any) -> float | int | None:
    """A number as Dagster keeps it; None for a missing one or one that is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if value == int(value) else round(float(value), 6)


def write_document(home: Home, run_id: str, name: str, document: Document) -> Path:
    """Write `reports/<run_id>/<name>/`, all of it or nothing; returns the page.

    It has index.html, each chart as .png and .svg, and in about.json what the asset page shows.
    """
    folder = home.reports / run_id / name
    fresh = folder.with_name(f".{name}-{uuid4().hex[:8]}")
    fresh.mkdir(parents=True)
    try:
        drawn = [(chart, to_svg(chart.chart)) for chart in document.charts]
        for chart, svg in drawn:
            (fresh / f"{chart.name}.png").write_bytes(to_png(svg))
            (fresh / f"{chart.name}.svg").write_text(_as_wide_as_there_is_room(svg), encoding="utf-8")
        text = html(document, run_id=run_id, drawn=drawn)
        (fresh / "index.html").write_text(text, encoding="utf-8")
        (fresh / ABOUT).write_text(json.dumps(about(document)), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder / "index.html"


def made_in(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The run that made each document, by the document's name."""
    made = "select table_name, run_id from raw.table_builds where starts_with(table_name, ?)"
    return {key.removeprefix(DOCUMENT): run_id for key, run_id in connection.execute(made, [DOCUMENT]).fetchall()}


def show_latest(home: Home, runs: Mapping[str, str]) -> None:
    """Make the documents of these runs, by name, those of `reports/latest/<name>/index.html`, once published."""
    for name, run_id in runs.items():
        latest = home.reports / LATEST / name
        latest.mkdir(parents=True, exist_ok=True)
        written = latest / f".index-{uuid4().hex[:8]}.html"
        shutil.copyfile(home.reports / run_id / name / "index.html", written)
        os.replace(written, latest / "index.html")


def html(document: Document, *, run_id: str, drawn: Sequence[tuple[Chart, str]]) -> str:
    """The document as one page that needs no other file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    now = datetime.now(ZoneInfo("Europe/London"))
    return environment.get_template("report.html.jinja").render(
        document=document,
        summary=_blocks(document.summary),
        charts=[{"alt": chart.alt, "svg": _own_ids(svg, chart.name)} for chart, svg in drawn],
        tables=[_table(table) for table in document.tables],
        run_id=run_id,
        written=f"{now.day} {now:%B %Y, %H:%M}",
    )


def rows_of(
    connection: duckdb.DuckDBPyConnection, select: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[dict[str, Any]]:
    """A query's rows by column name: what charts are made of, and the words around them."""
    cursor = connection.execute(select, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def number(value: float | int | None, *, decimals: int | None = None) -> str:
    """A number as people read it: 1,940; 12.5; a real minus; a dash where there is none. One decimal unless whole."""
    if value is None or math.isnan(value):
        return MISSING
    if decimals is None:
        decimals = 0 if float(value).is_integer() else 1
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def _table(table: Table) -> dict[str, Any]:
    """The table's columns and its cells as text; a column of numbers is set to the right."""
    names = list(table.frame.columns)
    cells = [[_cell(value) for value in row] for row in table.frame.itertuples(index=False)]
    numeric = [all(NUMERIC.fullmatch(row[i]) for row in cells) for i in range(len(names))]
    columns = [{"title": name, "is_number": is_number} for name, is_number in zip(names, numeric, strict=True)]
    return {"title": table.title, "notes": table.notes, "columns": columns, "rows": cells}


def _cell(value: Any) -> str:
    is_number = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    return number(value) if is_number else str(value)


def _blocks(markdown: str) -> list[dict[str, Any]]:
    """Paragraphs and lists; each item is split at `**`, so that every second part is bold."""
    blocks = []
    for text in filter(None, (part.strip() for part in markdown.split("\n\n"))):
        lines = text.splitlines()
        is_list = all(line.startswith("- ") for line in lines)
        items = [line[2:] for line in lines] if is_list else [" ".join(lines)]
        blocks.append({"is_list": is_list, "parts": [item.split("**") for item in items]})
    return blocks


def _as_wide_as_there_is_room(svg: str) -> str:
    """The SVG without a size of its own: the asset page shows an image at full size and cuts off what is too wide."""
    return re.sub(r' width="[\d.]+" height="[\d.]+"', "", svg, count=1)


def _own_ids(svg: str, name: str) -> str:
    """The SVG with its identifiers made its own: two drawings on one page both call their first clip `clip0`."""
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
