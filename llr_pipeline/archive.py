"""The inbox and the archive: every file kept unchanged under its SHA-256, with a note of how it arrived beside it.

The notes make the archive enough to build everything else anew: what it holds and the register does not know is taken
in again. What a file says is not looked at here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from llr_pipeline.paths import Home

NOTE = ".arrival.json"
IGNORED_NAMES = (".", "~$")
IGNORED_SUFFIXES = {".tmp", ".part", ".partial", ".crdownload"}


@dataclass(frozen=True)
class Arrival:
    """A file as it arrived. `inbox` is where it lies there; None when only the archive has it."""

    file_name: str
    sha256: str
    size_bytes: int
    modified_ns: int
    received_at: datetime
    inbox: Path | None = None


def waiting(home: Home) -> list[Path]:
    """The files in the inbox, by name; hidden and half-copied ones are left."""
    return sorted(
        path
        for path in home.inbox.rglob("*")
        if path.is_file() and not path.name.startswith(IGNORED_NAMES) and path.suffix.lower() not in IGNORED_SUFFIXES
    )


def look_at(path: Path) -> Arrival:
    """A waiting file's name, size, time and hash."""
    about = path.stat()
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Arrival(path.name, sha256, about.st_size, about.st_mtime_ns, _now(), path)


def archived(home: Home, sha256: str, file_name: str) -> Path:
    """Where the file with this content is kept."""
    return home.archive / sha256[:2] / f"{sha256}{Path(file_name).suffix.lower()}"


def keep(home: Home, arrival: Arrival) -> None:
    """Copy a waiting file into the archive, so that it is there whole, with its note, or not at all."""
    target = archived(home, arrival.sha256, arrival.file_name)
    if target.exists() or arrival.inbox is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    note = {
        "file_name": arrival.file_name,
        "size_bytes": arrival.size_bytes,
        "modified_ns": arrival.modified_ns,
        "received_at": arrival.received_at.isoformat(),
    }
    copy = target.with_name(f".{target.name}.tmp")
    copy.write_text(json.dumps(note), encoding="utf-8")
    _put(copy, target.with_name(arrival.sha256 + NOTE))
    shutil.copyfile(arrival.inbox, copy)
    _put(copy, target)


def _put(copy: Path, target: Path) -> None:
    """Give a finished copy its name, so that the target is whole or absent whenever the machine stops."""
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    copy.chmod(0o444)
    os.replace(copy, target)


def unknown(home: Home, known: set[str]) -> list[Arrival]:
    """What the archive holds and the register does not know, in the order in which it arrived.

    A file whose note is lost or damaged has its name in the archive and its time for them.
    """
    found = []
    for path in home.archive.glob("*/*"):
        if path.stem in known or path.name.endswith(NOTE) or path.name.startswith("."):
            continue
        about = path.stat()
        note = {
            "file_name": path.name,
            "size_bytes": about.st_size,
            "modified_ns": about.st_mtime_ns,
            "received_at": datetime.fromtimestamp(about.st_mtime, UTC).replace(tzinfo=None).isoformat(),
        }
        with suppress(OSError, ValueError):
            note |= json.loads((path.parent / (path.stem + NOTE)).read_text(encoding="utf-8"))
        received_at = datetime.fromisoformat(note.pop("received_at"))
        found.append(Arrival(sha256=path.stem, received_at=received_at, **note))
    return sorted(found, key=lambda arrival: (arrival.received_at, arrival.file_name))


def remove(arrival: Arrival) -> None:
    """Take a file out of the inbox; where that is forbidden it stays, and is known next time."""
    with suppress(OSError):
        if arrival.inbox:
            arrival.inbox.unlink()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
