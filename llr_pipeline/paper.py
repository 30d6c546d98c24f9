"""The latest reports on paper: `llr pdf` has the browser chromium print their pages to PDF, as if to a printer."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from llr_pipeline.paths import Home, current_home
from llr_pipeline.terminal import Example, console

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 120
"""Seconds for one page, on a busy machine."""


class PaperError(RuntimeError):
    """A report was not printed: a sentence saying why, and what to do."""


@click.command(cls=Example, examples=("llr pdf", "llr pdf claims changes --into board-papers"))
@click.argument("reports", nargs=-1, metavar="[REPORT]...")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder; else this one.")
def pdf(reports: tuple[str, ...], into: Path) -> None:
    """Print the latest reports, or those named, to A4 PDF files. Needs chromium or Chrome.

    A file of that name is replaced. Ends with 0, or with 1 when one was not printed.
    """
    home = current_home()
    try:
        into.mkdir(parents=True, exist_ok=True)
        for name in reports or printable(home):
            made = print_report(home, name, into)
            console.print(f"{made}  {made.stat().st_size / 1000:,.0f} kB", markup=False)
    except (PaperError, OSError) as error:
        raise click.ClickException(str(error)) from None


def printable(home: Home) -> list[str]:
    """The names of the reports that are there. Raises PaperError where there are none."""
    found = sorted(page.parent.name for page in _latest(home).glob("*/index.html"))
    if not found:
        raise PaperError(f"There are no reports in {_latest(home)} yet: run `llr run` first.")
    return found


def print_report(home: Home, name: str, folder: Path) -> Path:
    """Print a report's page into `<folder>/<name>.pdf`, which is there whole or as it was before.

    Raises PaperError for a name that is no report's, a missing browser and one that prints nothing.
    """
    if name not in (there := printable(home)):
        raise PaperError(f"There is no report {name}: there are {', '.join(there)}.")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise PaperError("Neither chromium nor Chrome is installed: install one, or open the page and print it.")
    with TemporaryDirectory(prefix=".llr-pdf-", dir=folder) as aside:
        printed = Path(aside, "printed.pdf").resolve()
        command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={aside}/profile"]
        if os.getuid() == 0:
            command.append("--no-sandbox")  # as which alone root may run it; the page is ours, without a script
        page = (_latest(home) / name / "index.html").resolve().as_uri()
        try:
            ended = subprocess.run(
                [*command, f"--print-to-pdf={printed}", page], capture_output=True, text=True, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            raise PaperError(f"{name} was not printed: {browser} took more than {PATIENCE} seconds.") from None
        if not printed.exists():
            said = ended.stderr.strip().splitlines()[-1:] or [f"it ended with {ended.returncode}"]
            raise PaperError(f"{name} was not printed by {browser}: {said[0]}")
        return printed.replace(folder / f"{name}.pdf")


def _latest(home: Home) -> Path:
    from llr_pipeline.reports import LATEST  # which imports Dagster

    return home.reports / LATEST
