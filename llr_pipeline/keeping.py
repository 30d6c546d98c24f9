"""The commands that keep a home: `llr backup`, `llr restore`. What they do is in `backups.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from llr_pipeline.paths import current_home
from llr_pipeline.terminal import Example, console


@click.command(cls=Example, examples=("llr backup /backups/llr-2026-11-22.tar",))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def backup(file: Path, force: bool) -> None:
    """Write what nothing can rebuild into one FILE: the archive, its notes and the record of actions.

    It may be done while a run goes on. The file is read again and proved before it gets its name. Ends with 0, or with
    1 when it could not be written or when a file of the archive is damaged.
    """
    from llr_pipeline.archive import waiting
    from llr_pipeline.backups import BackupError, back_up

    home = current_home().create()
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
        console.print(f"{left_out:,} files that wait in the inbox are not in it: run first to take them in.")
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
