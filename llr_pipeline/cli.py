"""The command `llr`. With `definitions.py` the only module that imports `assets`."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape

from llr_pipeline import backups, keeping, paper
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.findings import presentable
from llr_pipeline.paths import Home, current_home
from llr_pipeline.repair import Request
from llr_pipeline.terminal import Example, console


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="llr-pipeline", prog_name="llr")
def main() -> None:
    """NHS planning returns in; a DuckDB warehouse and readable reports out.

    Everything is kept in one folder, the home: LLR_HOME, or data/ in the checkout.
    """


@main.command(
    cls=Example,
    examples=(
        "llr template activity --round 2016-11 --org RWE -o activity.xlsx",
        "llr template monitoring --round 2017-04 --org RT5 -o april.xlsx",
    ),
)
@click.argument("name", type=click.Choice(list(templates())))
@click.option("--round", "period", required=True, metavar="R", help="Round, such as 2016-11; for monitoring the month.")
@click.option(
    "--org", "organisation_code", required=True, metavar="CODE", help="Your organisation's code, such as RWE."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def template(name: str, period: str, organisation_code: str, output: Path, force: bool) -> None:
    """Write the blank workbook of template NAME for one organisation and round."""
    from llr_pipeline.templates import Cover, write_workbook

    if output.exists() and not force:
        raise click.ClickException(f"{output} is there already. Choose another name, or replace it with --force.")
    if output.suffix.lower() != ".xlsx":
        raise click.ClickException(f"{output} must end in .xlsx.")
    try:
        write_workbook(output, templates()[name], Cover(organisation_code, period), read_reference())
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}.") from None
    console.print(f"Wrote {output}: the {templates()[name].title} of {organisation_code} for {period}.", markup=False)


@main.command(cls=Example, examples=("llr check activity.xlsx finance.xlsx", "llr check --format json activity.xlsx"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check(files: tuple[Path, ...], form: str) -> None:
    """Check workbooks without loading them.

    Ends with 0 when nothing is wrong, 1 when there are findings of severity error, 2 when a file cannot be used at all.
    """
    from llr_pipeline.archive import PERSONAL_NAME, is_personal
    from llr_pipeline.reading import read_all

    missing = [path for path in files if not path.is_file()]
    if missing:
        raise click.UsageError(f"There is no file {missing[0]}.")
    code, found = 0, []
    for path, reading in read_all(files):
        if is_personal(path.name):
            reading.findings.add("personal_data", PERSONAL_NAME)
        if reading.is_refused:
            code = 2
        elif reading.findings.count("error"):
            code = max(code, 1)
        found += [{"file": str(path), **finding.as_dict()} for finding in reading.findings]
        if form == "text":
            _print_findings(path, reading)
    if form == "json":
        keys = {"value_received": "value"}
        click.echo(json.dumps([{keys.get(k, k): v for k, v in f.items()} for f in found], indent=2, default=str))
    sys.exit(code)


def _print_findings(path: Path, reading) -> None:
    who = reading.identity
    about = " ".join(filter(None, [who.template, who.organisation_code, who.period]))
    verdict = "cannot be used" if reading.is_refused else f"{reading.value_count:,} values read"
    name = presentable(path.name)
    console.print(f"[bold]{escape(name)}[/bold] {escape(about)}: {verdict}, {_counts(reading.findings)}", markup=True)
    for finding in reading.findings:
        place = "!".join(filter(None, [finding.sheet, finding.cell])) or name
        console.print(f"  {finding.severity:<7} {place}: {finding.message}. {finding.remedy}", markup=False)


def _counts(findings) -> str:
    counts = [(findings.count(severity), severity) for severity in ("error", "warning", "note")]
    said = [f"{n} {severity}{'s' if n > 1 else ''}" for n, severity in counts if n]
    return ", ".join(said) or "no findings"


@main.command(cls=Example, examples=("llr sample sample-system",))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def sample(folder: Path) -> None:
    """Write the sample system's workbooks into FOLDER.

    Two rounds of nine organisations and a year of monthly returns. Its totals are the published ones; everything below
    them is illustrative. FOLDER/planted_disagreements.csv lists what was made to disagree on purpose.
    """
    paths = _write_sample(folder)
    told = f"Wrote {len(paths)} workbooks to {folder / 'returns'}. Copy them into an inbox to take them in."
    console.print(told, markup=False)


def _write_sample(folder: Path) -> list[Path]:
    from rich.progress import Progress

    from assets.sample.writer import write_sample

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("Writing the sample", total=None)
        return write_sample(folder, progress=lambda done, total, name: bar.update(task, completed=done, total=total))


@main.command(cls=Example, examples=("llr run", "llr run --as-at 2016-10-31 --into october"))
@click.option("--sample", "with_sample", is_flag=True, help="Put the sample into the inbox if the home is empty.")
@click.option("--rebuild", is_flag=True, help="Set the warehouse aside and build it anew from the archive.")
@click.option("--as-at", metavar="WHEN", help="Instead, what was known then: a manifest, an edition, or a day (UTC).")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="With --as-at: the new home to make.")
def run(with_sample: bool, rebuild: bool, as_at: str | None, into: Path | None) -> None:
    """Run the whole pipeline once: take in the inbox, build every table and report, publish.

    A warehouse that is found damaged is set aside and built anew from the archive without being told.

    Ends with 0 when the warehouse was published, 1 when something failed (the last published file stays), 3 when
    another run holds the home. With --as-at the home is only read; 1 also means that figures are not the manifest's.
    """
    if bool(as_at) != bool(into) or (as_at and (with_sample or rebuild)):
        raise click.UsageError("--as-at and --into go together, and without --sample and --rebuild.")
    if as_at and into:
        from llr_pipeline.as_at import AsAtError, gather, verdict

        try:
            made, known = gather(current_home(), as_at, into.resolve())
        except AsAtError as error:
            raise click.ClickException(str(error)) from None
        _run(made, then=lambda: verdict(made, known))
    home = current_home().create()
    if with_sample:
        _put_sample(home)
    _run(home, rebuild=rebuild)


ACTION = (
    click.argument("returns", nargs=-1, required=True),
    click.option("--reason", required=True, help="Why; kept in the register."),
    click.option("--by", default=getpass.getuser, show_default="your user name", help="Who asks for it; kept too."),
)


def action(command):
    """The argument and options that reread and withdraw share."""
    for decorate in reversed(ACTION):
        command = decorate(command)
    return command


@main.command(
    cls=Example,
    examples=(
        'llr reread 500d9d2a26a6 --reason "the contract reads brackets now"',
        'llr reread 2016-11 --reason "new code list"',
    ),
)
@action
def reread(returns: tuple[str, ...], reason: str, by: str) -> None:
    """Read returns again from the archive, say which values changed, and rebuild.

    RETURNS: a submission_id of raw.submissions, a round, a month, a template, an organisation's code, or all.
    """
    _run(current_home().create(), Request(reread=returns, by=by, reason=reason))


@main.command(cls=Example, examples=('llr withdraw 500d9d2a26a6 --reason "sent by mistake"',))
@action
def withdraw(returns: tuple[str, ...], reason: str, by: str) -> None:
    """Take returns out of use, and rebuild what stood on them.

    Their history is kept; the newest of what is left of the same organisation, template and period is in use again.
    RETURNS: as for llr reread.
    """
    _run(current_home().create(), Request(withdraw=returns, by=by, reason=reason))


def _run(
    home: Home,
    request: Request | None = None,
    *,
    rebuild: bool = False,
    then: Callable[[], tuple[bool, list[str]]] = lambda: (True, []),
) -> None:
    """Run and say how it went; `then` judges what was published: whether it is right, and sentences."""

    from llr_pipeline.housekeeping import low_disk
    from llr_pipeline.running import run_everything
    from llr_pipeline.warehouse import HomeLocked, WarehouseError

    if said := low_disk(home):
        console.print(said, markup=False)
    try:
        with _Progress() as progress:
            outcome = run_everything(home, report=progress, request=request, rebuild=rebuild)
    except HomeLocked as error:
        console.print(str(error), markup=False)
        sys.exit(3)
    except WarehouseError as error:
        raise click.ClickException(str(error)) from None
    _print_summary(home, outcome)
    is_right, said = then() if outcome.succeeded else (False, [])
    for sentence in said:
        console.print(f"\n{sentence}", markup=False)
    sys.exit(0 if is_right else 1)


def _put_sample(home: Home) -> None:
    """The sample goes into the inbox of an empty home only, so that it never mixes with someone's own returns."""
    if not backups.is_empty(home):
        console.print(f"{home.root} is not empty: the sample is left out, what is there is used.", markup=False)
        return
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(dir=home.root) as folder:
        paths = _write_sample(Path(folder))
        for path in paths:
            shutil.move(path, home.inbox / path.name)
        shutil.move(Path(folder) / "planted_disagreements.csv", home.root / "planted_disagreements.csv")
    console.print(
        f"{home.root} was empty: put the sample system's {len(paths)} workbooks into its inbox (illustrative figures).",
        markup=False,
    )


class _Progress:
    """A bar on a terminal; a line now and then elsewhere."""

    def __enter__(self) -> _Progress:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.bar.start()
        self.task = self.bar.add_task("Starting", total=None)
        return self

    def __exit__(self, *_) -> None:
        self.bar.stop()

    def __call__(self, message: str, done: int, steps: int) -> None:
        self.bar.update(self.task, completed=done, total=steps, **({"description": message[:60]} if message else {}))
        if message and not console.is_terminal and not self._is_one_of_many(message):
            console.print(f"  {done + 1:>3}/{steps} {message}", markup=False)

    @staticmethod
    def _is_one_of_many(message: str) -> bool:
        """Whether it is one of the intake's messages that a log does without: all but each twentieth and the last."""
        words = message.split()
        counted = words[0] == "intake" and words[2:3] == ["of"]
        return counted and int(words[1]) % 20 != 0 and words[1] != words[3].rstrip(":")


def _print_summary(home: Home, outcome) -> None:
    took = outcome.intake
    if took:
        parts = [
            f"{took[k]} {k.replace('_', ' ')}"
            for k in ("accepted", "superseded", "duplicate", "refused", "withdrawn", "read_again", "values_changed")
            if took.get(k)
        ]
        console.print(
            f"\n[bold]Intake[/bold]    {', '.join(parts) or 'nothing new'}; {took['workbooks_opened']} workbooks opened"
        )
    if outcome.failures:
        console.print("\n[bold]Failed[/bold]    nothing was published; the last published file stays as it was")
        for step, why in outcome.failures:
            console.print(f"  {step}: {why}", markup=False)
    if outcome.warnings:
        console.print("\n[bold]Warnings[/bold]  nothing was stopped by them")
        for sentence in outcome.warnings:
            console.print(f"  {sentence}", markup=False)
    if took or outcome.succeeded:
        import duckdb

        with duckdb.connect(str(home.warehouse), read_only=True) as connection:
            _print_refused(connection, outcome.started_at)
            _print_errors(connection, outcome.started_at)
            if outcome.succeeded:
                _print_headlines(connection)
    if outcome.succeeded:
        _print_places(home)


def _print_refused(connection, started_at: datetime) -> None:
    rows = connection.execute(
        """
        select file_name, string_agg(message || '. ' || remedy, ' ' order by finding_number)
        from raw.findings join raw.submissions using (submission_id, file_name)
        where status = 'refused' and severity = 'error' and received_at >= ? group by all order by all
        """,
        [started_at],
    ).fetchall()
    if rows:
        console.print(f"\n[bold]Refused[/bold]   {len(rows)}, kept in the archive; nothing of them is loaded")
        for name, why in rows:
            console.print(f"  {presentable(name)}: {why}", markup=False)


def _print_errors(connection, started_at: datetime) -> None:
    rows = connection.execute(
        """
        select file_name, error_count from raw.submissions
        where status in ('accepted', 'superseded') and error_count > 0 and received_at >= ? order by all
        """,
        [started_at],
    ).fetchall()
    if rows:
        console.print(
            f"\n[bold]Errors[/bold]    in {len(rows)} accepted files: these values are kept back, the rest is used"
        )
        for name, count in rows:
            errors = "errors" if count > 1 else "error"
            console.print(f"  {presentable(name)}: {count} {errors}; llr check says where", markup=False)


def _print_headlines(connection) -> None:
    rows = connection.execute(
        "select figure, unit, headline, round, verdict, is_illustrative, is_complete from report.headlines "
        "order by report, position"
    ).fetchall()
    console.print("\n[bold]Headlines[/bold]")
    for figure, unit, headline, period, verdict, is_illustrative, is_complete in rows:
        mark = "; illustrative" * is_illustrative + "; not complete, may be too low" * (not is_complete)
        shown = "-" if figure is None else f"{figure:,.1f}".removesuffix(".0")
        if unit == "percent" and figure is not None:
            shown, unit = f"{shown}%", ""
        console.print(f"  {shown:>7} {unit:<5} {headline} ({period}; {verdict}{mark})", markup=False)


def _print_places(home: Home) -> None:
    console.print("\n[bold]Where[/bold]")
    for what, place in (
        ("warehouse", home.published),
        ("reports", home.reports / "latest"),
        ("UI", "make ui, or: llr serve"),
    ):
        console.print(f"  {what:<10} {place}", markup=False)


@main.command(cls=Example, examples=("llr serve", "llr serve --port 3100 --managers-port 3101 --reports-port 3102"))
@click.option("--port", default=3000, show_default=True, help="Port of the engineer's web interface.")
@click.option("--managers-port", default=3001, show_default=True, help="Port of the managers', which is read-only.")
@click.option("--reports-port", default=3002, show_default=True, help="Port of the reports.")
def serve(port: int, managers_port: int, reports_port: int) -> None:
    """Start both web interfaces, the daemon (schedule, sensors, queue) and the reports, on this machine only.

    Says when each answers, and which ended if one does. Ctrl-C ends them.
    """
    from llr_pipeline.running import end_dead_runs, prepare_instance
    from llr_pipeline.serving import Ports, serve_all
    from llr_pipeline.warehouse import HomeLocked, locked

    home = current_home()
    prepare_instance(home)
    os.environ.setdefault("LLR_REPORTS_URL", f"http://127.0.0.1:{reports_port}")
    with suppress(HomeLocked), locked(home, who="llr serve"):
        end_dead_runs()
    sys.exit(serve_all(home, Ports(port, managers_port, reports_port)))


for command in (keeping.backup, keeping.restore, keeping.status, paper.pdf):
    main.add_command(command)


if __name__ == "__main__":
    main()
