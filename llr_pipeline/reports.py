"""Reports: a `Document` written as a page, a workbook and chart images, and shown as an asset in the web interface.

What a report says is in `assets/`, how a chart is drawn in `charts.py`, a page laid out in `pages.py`, a workbook in
`books.py`. Nothing here knows a subject.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb

from llr_pipeline.books import write_book
from llr_pipeline.charts import to_svg
from llr_pipeline.contracts import contracts
from llr_pipeline.documents import Document
from llr_pipeline.drawings import without_size
from llr_pipeline.pages import front_page, page
from llr_pipeline.paths import PROJECT, Home, current_home
from llr_pipeline.tables import reads as reads_of
from llr_pipeline.tables import select_of, table
from llr_pipeline.warehouse import build_of, folder_fingerprint, inputs_of, record_build

LATEST = "latest"
ABOUT = "about.json"
DOCUMENT = "reports/"
"""Before its name, in the record of what was built from what: a document is behind as a table is."""
INLINE = 1000
"""The asset page shows Markdown shorter than this; longer text hides behind a button."""


def report(
    name: str, build: Callable[[duckdb.DuckDBPyConnection], Document], *, asks: str, reads: Sequence[str] = ()
) -> dg.AssetsDefinition:
    """The asset of one report: its SQL table, and the document that `build` makes of it to answer what it `asks`.

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

    # a list of assets shows its first words as they stand: a sentence, no link and no mark
    return table(name, then=document, kinds=("html",), about=f"{asks}\n\nThe table behind the report:", reads_too=reads)


def reports_url() -> str:
    """Where a web server shows the home's reports folder."""
    return (os.environ.get("LLR_REPORTS_URL") or "http://127.0.0.1:3002").rstrip("/")


@cache
def code() -> str:
    """The fingerprint of the code that documents are made by: all of it, rather than a list that somebody must keep."""
    paths = [*(PROJECT / "llr_pipeline").glob("*.*"), *PROJECT.glob("assets/**/*.py")]
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
    address, latest = (f"{reports_url()}/{folder}/{name}" for folder in (run_id, LATEST))
    page = f"{address}/index.html"
    notes = [f"> {note}" for note in shown["notes"]]
    images = [f"![{shown['title']}]({address}/{chart}.svg)" for chart in shown["charts"][:1]]
    return {
        "summary": dg.MetadataValue.md(
            shortened(shown["summary"], ends=[*notes, *images, f"[The whole report]({page})"])
        ),
        "latest": dg.MetadataValue.md(
            f"[The latest report]({latest}/index.html), its [tables in Excel]({latest}/{name}.xlsx)"
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

    It has index.html, its tables as <name>.xlsx, each chart as .svg, and about.json for the asset page.
    """
    folder = home.reports / run_id / name
    fresh = folder.with_name(f".{name}-{uuid4().hex[:8]}")
    fresh.mkdir(parents=True)
    written, workbook = time_in_words(), f"{name}.xlsx"
    try:
        drawn = [(chart, to_svg(chart.chart)) for chart in document.charts]
        for chart, svg in drawn:
            (fresh / f"{chart.name}.svg").write_text(without_size(svg), encoding="utf-8")
        write_book(fresh / workbook, document, run_id=run_id, written=written)
        text = page(document, run_id=run_id, written=written, drawn=drawn, workbook=workbook)
        (fresh / "index.html").write_text(text, encoding="utf-8")
        (fresh / ABOUT).write_text(
            json.dumps({**about(document), "written": f"Run {run_id[:8]}, {written}"}), encoding="utf-8"
        )
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder / "index.html"


def time_in_words() -> str:
    """The time in London, `3 May 2026, 09:15`."""
    now = datetime.now(ZoneInfo("Europe/London"))
    return f"{now.day} {now:%B %Y, %H:%M}"


def made_in(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The run that made each document, by the document's name."""
    made = "select table_name, run_id from raw.table_builds where starts_with(table_name, ?)"
    return {key.removeprefix(DOCUMENT): run_id for key, run_id in connection.execute(made, [DOCUMENT]).fetchall()}


def show_latest(home: Home, runs: Mapping[str, str], *, title: str = "Reports") -> None:
    """Make the pages and workbooks of these runs, by name, those of `reports/latest/<name>/`, once published.

    `reports/latest/index.html` leads to them all, under this title.
    """
    shown = {}
    (home.reports / LATEST).mkdir(parents=True, exist_ok=True)
    for name, run_id in runs.items():
        made, latest = home.reports / run_id / name, home.reports / LATEST / name
        latest.mkdir(parents=True, exist_ok=True)
        for source in (made / f"{name}.xlsx", made / "index.html"):  # the page last: its link is to the workbook
            written = latest / f".{uuid4().hex[:8]}"
            shutil.copyfile(source, written)
            os.replace(written, latest / source.name)
        run = {"written": f"Run {run_id[:8]}"}  # all that is known of a document that an earlier release made
        shown[name] = run | json.loads((made / ABOUT).read_text(encoding="utf-8"))
    written = home.reports / LATEST / f".{uuid4().hex[:8]}"
    written.write_text(front_page(shown, title=title, written=time_in_words()), encoding="utf-8")
    os.replace(written, home.reports / LATEST / "index.html")
