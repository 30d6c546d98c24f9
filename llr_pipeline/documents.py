"""What a report says: a `Document` of text, charts and tables, and the numbers in it as people read them.

How a document looks as a page is in `pages.py`, as a workbook in `books.py`; how it becomes an asset in `reports.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

NAME = re.compile(r"[a-z][a-z0-9_]*")
MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
NUMERIC = re.compile(rf"{MISSING}|{MINUS}?£?[\d,]+(\.\d+)?[%mk]?")
"""A cell that is a number: a column of nothing else is set to the right."""


@dataclass(frozen=True)
class Chart:
    """A chart as Vega-Lite reads it, the name of its image, what it shows in words, and the figures that it draws.

    The words are for those who cannot see it, the figures (see `frame_of`) for those who want to count on.
    """

    name: str
    chart: Mapping[str, Any]
    alt: str
    figures: pd.DataFrame

    @property
    def title(self) -> str:
        return " ".join(self.chart["title"]["text"])

    @property
    def subtitle(self) -> str:
        """What stands under the title, its lines as one paragraph; empty where there is nothing."""
        return " ".join(self.chart["title"]["subtitle"])


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


def rows_of(
    connection: duckdb.DuckDBPyConnection, select: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[dict[str, Any]]:
    """A query's rows by column name: what charts are made of, and the words around them."""
    cursor = connection.execute(select, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def frame_of(rows: Iterable[Mapping[str, Any]], headings: Mapping[str, str]) -> pd.DataFrame:
    """A chart's figures: its rows' fields under headings for people, `{"mean_days": "Mean, days"}`."""
    import pandas as pd  # takes 0.3 s: not when the definitions are loaded

    cells = [[row.get(name) for name in headings] for row in rows]
    return pd.DataFrame(cells, columns=list(headings.values()), dtype=object)


def number(value: float | int | None, *, decimals: int | None = None) -> str:
    """A number as people read it: 1,940; 12.5; a real minus; a dash where there is none. One decimal unless whole."""
    if value is None or math.isnan(value):
        return MISSING
    if decimals is None:
        decimals = 0 if float(value).is_integer() else 1
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def texts_of(frame: pd.DataFrame) -> list[list[str]]:
    """The frame's cells as people read them, row by row."""
    return [[_text(value) for value in row] for row in frame.itertuples(index=False)]


def numeric_columns(texts: Sequence[Sequence[str]], count: int) -> list[bool]:
    """Which of so many columns hold nothing but numbers and dashes."""
    return [all(NUMERIC.fullmatch(row[i]) for row in texts) for i in range(count)]


def _text(value: Any) -> str:
    is_number = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    return number(value) if is_number else str(value)
