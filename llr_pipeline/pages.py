"""Pages: a `Document` as one HTML file that needs no other, for screen, keyboard, screen reader and paper.

It holds no script. Its own content policy, by hash, lets nothing act but its two stylesheets, wherever it is opened.
Why charts are drawings with tips and a table behind them is in `docs/decisions/0015-charts-without-scripts.md`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llr_pipeline.documents import Chart, Document, numeric_columns, texts_of
from llr_pipeline.drawings import drawing

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Template

HERE = Path(__file__).parent
FOOT = """
@page {{
  @bottom-left {{ content: {left}; font: 8pt Arial, "Liberation Sans", sans-serif; color: #425563; }}
  @bottom-right {{ content: "Page " counter(page) " of " counter(pages); font: 8pt Arial, "Liberation Sans", sans-serif;
    color: #425563; }}
}}
"""
"""Of every printed sheet: what it is of, so that one that has lost the others can be put back."""


def page(
    document: Document, *, run_id: str, written: str, drawn: Sequence[tuple[Chart, str]], workbook: str | None = None
) -> str:
    """The page of a document whose charts are drawn as these SVGs; `workbook` is a link to its tables."""
    style = (HERE / "report.css").read_text(encoding="utf-8")
    foot = FOOT.format(left=css_string(f"{document.title} · run {run_id[:8]}, {written}"))
    return _template("report.html.jinja").render(
        document=document,
        summary=blocks(document.summary),
        charts=[_chart(chart, svg) for chart, svg in drawn],
        tables=[{"title": table.title, "notes": table.notes, **_cells(table.frame)} for table in document.tables],
        run_id=run_id,
        written=written,
        workbook=workbook,
        styles=[style, foot],
        policy=policy(style, foot),
    )


def front_page(reports: Mapping[str, Mapping[str, Any]], *, title: str, written: str) -> str:
    """The page that leads to the reports, by name: the finding that the summary of each begins with, and its notes."""
    style = (HERE / "report.css").read_text(encoding="utf-8")
    shown = [
        {**report, "name": name, "parts": blocks(report["summary"])[0]["parts"][0]}
        for name, report in sorted(reports.items(), key=lambda one: one[1]["title"])
    ]
    has_notes = any(report["notes"] for report in shown)
    return _template("front.html.jinja").render(
        title=title, written=written, reports=shown, has_notes=has_notes, style=style, policy=policy(style)
    )


def policy(*styles: str) -> str:
    """The content policy of a page: nothing but these stylesheets, by their hashes."""
    hashes = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return f"default-src 'none'; img-src data:; style-src {allowed}; base-uri 'none'; form-action 'none'"


def css_string(text: str) -> str:
    """A text as a stylesheet quotes it; nothing in it can end the string or the stylesheet.

    The space that ends an escape is a part of it.
    """
    return '"' + "".join(c if c.isalnum() or c in " .,:/-" else f"\\{ord(c):06x} " for c in text) + '"'


def blocks(markdown: str) -> list[dict[str, Any]]:
    """Paragraphs and lists; each item is split at `**`, so that every second part is bold."""
    found = []
    for text in filter(None, (part.strip() for part in markdown.split("\n\n"))):
        lines = text.splitlines()
        is_list = all(line.startswith("- ") for line in lines)
        items = [line[2:] for line in lines] if is_list else [" ".join(lines)]
        found.append({"is_list": is_list, "parts": [item.split("**") for item in items]})
    return found


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


def _chart(chart: Chart, svg: str) -> Mapping[str, Any]:
    return {
        "name": chart.name,
        "title": chart.title,
        "subtitle": chart.subtitle,
        "alt": chart.alt,
        "svg": drawing(svg, chart.name),
        "figures": _cells(chart.figures),
    }


def _cells(frame: pd.DataFrame) -> dict[str, Any]:
    """The frame's columns and its cells as text; a column of numbers is set to the right."""
    texts = texts_of(frame)
    numeric = numeric_columns(texts, len(frame.columns))
    columns = [{"title": name, "is_number": is_number} for name, is_number in zip(frame.columns, numeric, strict=True)]
    return {"columns": columns, "rows": texts}
