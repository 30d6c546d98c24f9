"""Published tables that come as text (CSV): one sheet, every cell text. Returns never come so."""

from __future__ import annotations

import csv
from pathlib import Path

from llr_pipeline.preflight import MAXIMUM_BYTES, MAXIMUM_CELLS, Unreadable, preflight
from llr_pipeline.workbooks import Grid, Workbook

SHEET = "CSV"
_HEAD_BYTES = 512


def is_text_file(path: Path) -> bool:
    """Whether a file is named .csv and begins like text; a workbook under that name is none."""
    if path.suffix.lower() != ".csv":
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return bool(head) and b"\0" not in head and not head.startswith((b"PK", b"%PDF", b"{\\rtf")) and b"," in head


def read_text_file(path: Path) -> Workbook:
    """The rows of a text file, each as long as the longest. Raises Unreadable with the reason."""
    if path.stat().st_size > MAXIMUM_BYTES:
        preflight(path)  # says why
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Excel writes
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
    except csv.Error as error:
        raise Unreadable("corrupt", f"The text file is damaged and cannot be read ({error})") from None
    width = max(map(len, rows), default=0)
    if width * len(rows) > MAXIMUM_CELLS:
        most = f"{MAXIMUM_CELLS / 1e6:,.0f} million cells"
        raise Unreadable("too_large", f"The file has {len(rows):,} rows of {width:,} columns; the most is {most}")
    return Workbook((Grid(SHEET, [row if len(row) == width else row + [""] * (width - len(row)) for row in rows]),))
