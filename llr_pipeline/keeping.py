"""The commands that keep a home: `llr backup`, `llr restore`, `llr status`. See `backups.py` and `health.py`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llr_pipeline.paths import current_home
from llr_pipeline.terminal import Example, console

if TYPE_CHECKING:
    from llr_pipeline.health import Health


@click.command(cls=Example, examples=("llr backup /backups/llr-2026-11-22.tar",))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def backup(file: Path, force: bool) -> None:
    """Write what nothing can rebuild into one FILE: the archive, its notes and the record of actions.

    It may be done while a run goes on. The file is read again and proved before it gets its name. Ends with 0, or with
    1 when it could not be written, the archive is empty or a file of it is damaged.
    """
    from llr_pipeline.archive import waiting
    from llr_pipeline.backups import BackupError, back_up

    home = current_home()
    if file.exists() and not force:
        raise click.ClickException(f"{file} is there already. Choose another name, or replace it with --force.")
    try:
        made = back_up(home, file)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    console.print(
        f"Backed up {made.files:,} files, {made.size_bytes:,} bytes, to {file}; read again: whole.", markup=False
    )
    if left_out := len(waiting(home)):
        console.print(f"Waiting in the inbox, and not in it: {left_out:,} files. Run first to take them in.")
    for name in made.damaged:
        console.print(f"Damaged in the archive: {name}. Take it from an older back-up.", markup=False)
    sys.exit(1 if made.damaged else 0)


@click.command(cls=Example, examples=("llr restore /backups/llr-2026-11-22.tar",))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(file: Path) -> None:
    """Put a back-up FILE into an empty home. Then `llr run` makes every table and report anew.

    Ends with 0; 1 when the back-up is damaged or the home holds anything; 3 when the home is in use.
    """
    from llr_pipeline.backups import BackupError
    from llr_pipeline.backups import restore as put_back
    from llr_pipeline.warehouse import HomeLocked

    home = current_home()
    try:
        found = put_back(home, file)
    except HomeLocked as error:
        console.print(str(error), markup=False)
        sys.exit(3)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    console.print(f"Restored {found.files:,} files of {found.made_at} into {home.root}. Now: llr run", markup=False)


@click.command(cls=Example, examples=("llr status", "llr status --json"))
@click.option("--json", "as_json", is_flag=True, help="As JSON, for monitoring.")
def status(as_json: bool) -> None:
    """Say how the home is: what was published when, what waits, the last run, the daemon, and the disk.

    Ends with 0 when all is well, 1 when there is a problem, each in a sentence with what to do.
    """
    from llr_pipeline.health import examine

    health = examine(current_home())
    if as_json:
        click.echo(health.as_json())
    else:
        for what, said in _told(health):
            console.print(f"{what:<10} {said}", markup=False)
        for problem in health.problems:
            console.print(f"Problem    {problem}", markup=False)
    sys.exit(1 if health.problems else 0)


def _told(health: Health) -> list[tuple[str, str]]:
    """A heading and a sentence for each thing that was looked at."""
    published = (
        f"{health.published_at} UTC, {health.published_days_ago:.1f} days ago" if health.published_at else "never"
    )
    run, held = health.last_run, health.held_by
    sizes = [f"{name} {size / 1e6:,.1f}" for name, size in health.disk_bytes.items()]
    return [
        ("Home", health.home),
        ("Published", f"{published}; schema version {health.schema_version or 'not known'}"),
        ("Returns", ", ".join(f"{count:,} {name}" for name, count in health.returns.items()) or "none"),
        ("Last run", f"{run['run_id'][:8]} {run['status']}, ended {run['ended_at']} UTC" if run else "none has ended"),
        ("Held by", f"{held['who']} (process {held['pid']}, since {held['since']})" if held else "nobody"),
        ("Inbox", f"{health.waiting_files:,} files wait, {health.left_files:,} cannot be taken in"),
        ("Daemon", "; ".join(f"{name} {said}" for name, said in health.daemons.items()) or "none has run here"),
        ("Disk, MB", f"{', '.join(sizes)}; free {(health.free_bytes or 0) / 1e6:,.0f}"),
    ]
