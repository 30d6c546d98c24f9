"""Marking a workbook: a fill and a comment on every cell that is listed, and the list of findings in front.

`python -m llr_pipeline.marking` is the worker that does it, with a limit on its memory: a job a line on standard input,
as JSON, answered by a line that says why not, or nothing. What goes back to whom is decided in `returned.py`.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import openpyxl
from openpyxl.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Color, PatternFill

from llr_pipeline.findings import visible
from llr_pipeline.findings_list import COLUMNS, FILLS, INK, SHEET, TITLE, Row, put_list
from llr_pipeline.losses import complete, examine

MEMORY_BYTES = 1024**3  # address space of a worker
BLOCK = re.compile(r"(?:ERROR|WARNING|NOTE) \(finding (\d+)\): .*\n.*\nWhat to do: .*(?:\n\n)?")
ADDRESS = re.compile(r"[A-Z]{1,3}[1-9]\d{0,6}")


def serve(jobs: Iterable[str]) -> None:
    """The worker: one job after another, until there are no more. Out of memory, it dies."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for line in jobs:
        job = json.loads(line)
        source, target = job["source"], Path(job["target"])
        try:
            if source:
                why_not = mark(Path(source), job["rows"], target, about=job["about"])
            else:
                why_not = write_list(job["rows"], target, about=job["about"])
        except MemoryError:
            raise
        except Exception as error:
            why_not = f"It cannot be taken apart and put together again ({type(error).__name__})"
        print(json.dumps(why_not), flush=True)


def write_list(rows: Sequence[Row], target: Path, *, about: Mapping[str, str]) -> str:
    """Write the list as a workbook of its own."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    put_list(book, rows, about)
    book.save(target)
    return ""


def mark(source: Path, rows: Sequence[Row], target: Path, *, about: Mapping[str, str]) -> str:
    """Write the source with the list in front and its cells marked, or answer why not: what would be lost."""
    content = BytesIO(source.read_bytes())
    if not is_zipfile(content):
        return "It is a workbook of the old kind, .xls"
    with ZipFile(content) as archive:
        lost, carried, results = examine(archive)
    if lost:
        return f"It holds what marking its cells would lose: {', '.join(lost)}"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        book = openpyxl.load_workbook(content, rich_text=True)
    if said := [text for warning in said if "Unknown extension" not in (text := str(warning.message))]:
        return f"Marking its cells would lose something: {said[0].rstrip('.')}"
    _unmark(book)
    _mark_cells(book, rows, about)
    book.template = False
    book.save(saved := BytesIO())
    results = {sheet.path[1:]: results.get(sheet.title, {}) for sheet in book.worksheets}
    with ZipFile(saved) as before, ZipFile(content) as archive:
        complete(before, archive, target, carried, results)
    return ""


def _mark_cells(book: openpyxl.Workbook, rows: Sequence[Row], about: Mapping[str, str]) -> None:
    """Fill and comment on each cell of the rows, and put the list with links to them in front."""
    marked: dict[tuple[str, str], list[Row]] = {}
    for row in (row for row in rows if row["sheet"] in book.sheetnames):
        other = book[row["sheet"]]
        row["is_linked"] = other.sheet_state == "visible"
        if ADDRESS.fullmatch(row["cell"] or ""):
            whole = (cells.coord for cells in other.merged_cells.ranges if row["cell"] in cells)
            address = next(whole, row["cell"]).partition(":")[0]  # of merged cells the first alone holds anything
            marked.setdefault((other.title, address), []).append(row)
    sheet, header = put_list(book, rows, about)
    for (name, address), findings in marked.items():
        cell = book[name][address]
        for row in findings:
            sheet.cell(header + row["number"], len(COLUMNS))._style = copy(cell._style)
        font = copy(cell.font)
        font.color = Color(f"FF{INK}")
        cell.font, cell.fill = font, PatternFill("solid", fgColor=FILLS[findings[0]["severity"]])
        said = [cell.comment.text] if cell.comment else []
        for row in findings:
            said.append(f"{row['severity'].upper()} (finding {row['number']}): {row['title']}\n"
                        f"{visible(row['message'])}.\nWhat to do: {visible(row['remedy'])}")  # fmt: skip
        cell.comment = Comment("\n\n".join(said), cell.comment.author if cell.comment else SHEET)
    for cell in _commented(book):
        lines = sum(1 + len(line) // 56 for line in cell.comment.text.split("\n"))
        cell.comment.width, cell.comment.height = 380, min(500, 24 + 17 * lines)
    for view in (view for other in book.worksheets for view in other.views.sheetView):
        view.tabSelected = view is sheet.sheet_view  # two selected sheets would be edited together
    book.active = 0


def _commented(book: openpyxl.Workbook) -> list[Cell]:
    return [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.comment]


def _unmark(book: openpyxl.Workbook) -> None:
    """Take off the marks of an earlier list, from a workbook that was corrected and sent again."""
    for earlier in [sheet for sheet in book.worksheets if sheet["A1"].value == TITLE]:
        before = {cell.value: earlier.cell(cell.row, len(COLUMNS)) for (cell,) in earlier.iter_rows(max_col=1)}
        for cell in _commented(book):
            if found := BLOCK.search(cell.comment.text):
                rest = BLOCK.sub("", cell.comment.text).strip()
                cell.comment = Comment(rest, cell.comment.author) if rest else None
                cell._style = copy(before.get(int(found[1]), cell)._style)
        book.remove(earlier)


if __name__ == "__main__":
    serve(sys.stdin)
