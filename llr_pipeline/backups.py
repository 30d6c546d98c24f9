"""A back-up of a home in one file, and its restoring: what nothing else can rebuild, each file with its hash.

That is the archive: the files, their notes and the record of actions. The next run makes everything else from it. Not
here: what waits in the inbox, which its senders have, and the quarantine, whose files are to be deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tarfile
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from llr_pipeline.paths import Home
from llr_pipeline.repair import JOURNAL
from llr_pipeline.warehouse import locked, now

MANIFEST = "manifest.json"
KIND = "llr back-up 1"
KEPT = re.compile(rf"archive/(?:{re.escape(JOURNAL)}|[0-9a-f]{{2}}/([0-9a-f]{{64}})(\.[a-z0-9]+|\.arrival\.json)?)")
PART = 1024 * 1024
NAMED_AT_MOST = 5


class BackupError(RuntimeError):
    """A back-up that was not made or not restored: a sentence saying why, and what to do."""


@dataclass(frozen=True)
class Backup:
    """A back-up that was read and found whole. `damaged` are files that no longer are what their names, a hash, say."""

    path: Path
    size_bytes: int
    made_at: str
    files: int
    damaged: tuple[str, ...] = ()


def back_up(home: Home, target: Path) -> Backup:
    """Write the archive into one file, then read that and prove it. May be done while a run goes on.

    The target is there whole or not at all, and its user's alone. Raises BackupError where it cannot be written, and
    for an empty archive: a wrong LLR_HOME must not make an empty back-up every night.
    """
    if not any(home.archive.glob("??/*")):
        raise BackupError(f"The archive of {home.root} is empty: there is nothing to back up. Is LLR_HOME right?")
    copy = target.with_name(f".{target.name}.part")
    try:
        with open(os.open(copy, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                _write(home, tar)
            file.flush()
            os.fsync(file.fileno())
        found = verify(copy)
        os.replace(copy, target)
    except OSError as error:
        raise BackupError(
            f"{target} cannot be written ({error.strerror or error}): check its folder and the free space."
        ) from error
    finally:
        copy.unlink(missing_ok=True)
    return Backup(target, found.size_bytes, found.made_at, found.files, found.damaged)


def verify(path: Path) -> Backup:
    """Read a back-up to its end. Raises BackupError, naming what is wrong, unless it is whole."""
    hashes: dict[str, str] = {}
    manifest = None
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.name == MANIFEST and member.isreg():
                    manifest = json.loads(tar.extractfile(member).read())
                elif member.isreg() and KEPT.fullmatch(member.name) and member.name not in hashes:
                    hashes[member.name] = hashlib.file_digest(tar.extractfile(member), "sha256").hexdigest()
                else:
                    raise BackupError(f"{path} is no back-up of a home: it holds {member.name!r}. Nothing was done.")
    except FileNotFoundError:
        raise BackupError(f"There is no file {path}.") from None
    except (tarfile.TarError, OSError, ValueError) as error:
        raise BackupError(f"{path} is damaged or no back-up ({error}). Take an older one. Nothing was done.") from error
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise BackupError(f"{path} is cut off or no back-up: it has no manifest. Take an older one. Nothing was done.")
    listed = manifest["sha256"]
    if wrong := sorted(name for name in {*listed, *hashes} if listed.get(name) != hashes.get(name)):
        named = ", ".join(wrong[:NAMED_AT_MOST]) + f" and {len(wrong) - NAMED_AT_MOST} more" * (
            len(wrong) > NAMED_AT_MOST
        )
        raise BackupError(f"{path} is damaged: {named} is not what was backed up. Take an older one. Nothing was done.")
    damaged = tuple(
        name for name, sha256 in hashes.items() if (meant := _content_of(name)) is not None and meant != sha256
    )
    return Backup(path, path.stat().st_size, manifest["made_at"], len(hashes), damaged)


def restore(home: Home, source: Path) -> Backup:
    """Put a back-up's archive into an empty home, once all of it is proved. The next run makes the rest.

    Raises BackupError for a damaged back-up and for a home that holds anything, HomeLocked for one that is in use.
    """
    with locked(home, who="llr restore"):
        if not is_empty(home):
            raise BackupError(
                f"{home.root} is not empty: restore into a new folder (LLR_HOME), so that nothing is lost."
            )
        found = verify(source)
        part = home.root / ".restoring"
        shutil.rmtree(part, ignore_errors=True)  # of a restoring that was stopped
        try:
            with tarfile.open(source, "r:") as tar:
                for member in tar:
                    if member.name != MANIFEST:
                        _extract(tar, member, part)
            (part / "archive").mkdir(parents=True, exist_ok=True)
            shutil.rmtree(home.archive)  # empty folders at most
            os.replace(part / "archive", home.archive)
        except OSError as error:
            raise BackupError(
                f"{home.root} cannot be written ({error.strerror or error}): nothing is restored."
            ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return found


def is_empty(home: Home) -> bool:
    """Whether nothing has arrived yet, and nothing was made."""
    made = (home.inbox, home.archive, home.quarantine, home.returned, home.reports)
    files = (path for folder in (*made, home.warehouse.parent, home.published.parent) for path in folder.rglob("*"))
    return not any(path.is_file() or path.is_symlink() for path in files)


def _write(home: Home, tar: tarfile.TarFile) -> None:
    """The files as they stand in the archive, then the manifest: a back-up without one was cut off."""
    hashes = {}
    for path in sorted(home.archive.rglob("*")):
        name = f"archive/{path.relative_to(home.archive)}"
        if not KEPT.fullmatch(name):
            continue  # half a copy, of a run that goes on or was stopped
        content = path.read_bytes()
        hashes[name] = hashlib.sha256(content).hexdigest()
        _add(tar, name, content, modified=path.stat().st_mtime)
    manifest = {"kind": KIND, "made_at": f"{now():%Y-%m-%d %H:%M:%S} UTC", "sha256": hashes}
    _add(tar, MANIFEST, json.dumps(manifest, indent=0).encode(), modified=time.time())


def _add(tar: tarfile.TarFile, name: str, content: bytes, *, modified: float) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(content), int(modified), 0o444
    tar.addfile(member, BytesIO(content))


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one file whose name `verify` has looked at."""
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(tar.extractfile(member), file, PART)
        file.flush()
        os.fsync(file.fileno())
    os.utime(target, (member.mtime, member.mtime))
    target.chmod(0o644 if target.name == JOURNAL else 0o444)


def _content_of(name: str) -> str | None:
    """The hash that a file of the archive has for its name; none for its note and for the record of actions."""
    found = KEPT.fullmatch(name)
    return found[1] if found and found[1] and found[2] != ".arrival.json" else None
