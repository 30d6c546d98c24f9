"""The inbox and the archive: every file kept unchanged under its SHA-256, with a note of how it arrived beside it.

The notes make the archive enough to build everything else anew: what it holds and the register does not know is taken
in again. What a file says is not looked at here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from llr_pipeline.paths import Home
from llr_pipeline.personal_data import nhs_numbers
from llr_pipeline.warehouse import now

NOTE = ".arrival.json"
NO_NAME = "(name not kept: personal data)"
PERSONAL_NAME = "The file's name holds a valid NHS number"
READABLE = "let the pipeline's user read it, then run again"
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
    """The files in the inbox, by name. Hidden and half-copied ones are left."""
    return [path for path in _in_the_inbox(home) if _is_regular(path)]


def left(home: Home) -> list[tuple[str, str]]:
    """What lies in the inbox and is not taken in, as it is no file: its name, and why, with what to do.

    It is neither opened nor followed.
    """
    return [(kept_name(path), why) for path in _in_the_inbox(home) if (why := _why_left(path))]


def kept_name(path: Path) -> str:
    """A file's name as it is kept and shown: in UTF-8, as DuckDB takes no other, and not where it is personal data."""
    name = path.name.encode("utf-8", "replace").decode()
    return NO_NAME if is_personal(name) else name


def is_personal(name: str) -> bool:
    """Whether a file's name holds an NHS number: what sets words apart in names sets its groups apart too."""
    return bool(nhs_numbers(re.sub(r"[_.]+", " ", name)))


def _in_the_inbox(home: Home) -> list[Path]:
    """All that lies in the inbox, by name: files, what is no file, and folders that may not be opened."""
    found: list[Path] = []
    shut: list[OSError] = []
    for folder, folders, names in os.walk(home.inbox, onerror=shut.append):
        found += [Path(folder, name) for name in names]
        found += [path for name in folders if os.path.islink(path := Path(folder, name))]  # walk passes over it
    found += [Path(error.filename) for error in shut]
    return sorted(
        path
        for path in found
        if not path.name.startswith(IGNORED_NAMES) and path.suffix.lower() not in IGNORED_SUFFIXES
    )


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _why_left(path: Path) -> str | None:
    """Why a path of the inbox cannot be taken in; None for a file, and for what has gone meanwhile."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"cannot be looked at ({error.strerror}): {READABLE}"
    if stat.S_ISLNK(mode):
        return "is a link: copy the file itself into the inbox"
    if stat.S_ISDIR(mode):
        return f"is a folder that may not be opened: {READABLE}"
    if not stat.S_ISREG(mode):
        return "is a pipe, a socket or a device: copy the workbook itself into the inbox"
    return None


def look_at(path: Path) -> Arrival:
    """A waiting file's name, size, time and hash. Raises OSError for one that may not be read."""
    about = path.stat()
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Arrival(path.name.encode("utf-8", "replace").decode(), sha256, about.st_size, about.st_mtime_ns, now(), path)


def archived(home: Home, sha256: str, file_name: str) -> Path:
    """Where the file with this content is kept."""
    return home.archive / sha256[:2] / f"{sha256}{_suffix(file_name)}"


def _suffix(file_name: str) -> str:
    """The name's ending where it is one that programs give; anything else could be too long, or no ending at all."""
    suffix = Path(file_name).suffix.lower()
    return suffix if len(suffix) <= 6 and suffix[1:].isalnum() and suffix.isascii() else ""


def settled(paths: list[Path], *, young_seconds: float = 5, wait_seconds: float = 0.5) -> list[Path]:
    """The files that are not being written: one that changed a moment ago is looked at twice."""
    before = {path: path.stat() for path in paths if _is_regular(path)}
    if any(time.time() - about.st_mtime < young_seconds for about in before.values()):
        time.sleep(wait_seconds)
    return [path for path, about in before.items() if _is_regular(path) and _same(about, path.stat())]


def keep(home: Home, arrival: Arrival) -> bool:
    """Copy a waiting file into the archive, so that it is there whole, with its note, or not at all.

    False where its content is no longer the one that was looked at: somebody is still writing it.
    """
    target = archived(home, arrival.sha256, arrival.file_name)
    if target.exists() or arrival.inbox is None:
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    copy = target.with_name(f".{target.name}.tmp")
    copy.unlink(missing_ok=True)  # of a stopped run: read-only, it could not be written
    note = {
        "file_name": arrival.file_name,
        "size_bytes": arrival.size_bytes,
        "modified_ns": arrival.modified_ns,
        "received_at": arrival.received_at.isoformat(),
    }
    copy.write_text(json.dumps(note), encoding="utf-8")
    _put(copy, target.with_name(arrival.sha256 + NOTE))
    shutil.copyfile(arrival.inbox, copy)
    with copy.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != arrival.sha256:
            copy.unlink()
            return False
    _put(copy, target)
    return True


def quarantine(home: Home, arrival: Arrival) -> None:
    """Move a file with personal data to where only the pipeline's user can read it: out of the inbox, or of an archive
    that an earlier release kept it in.
    """
    home.quarantine.chmod(0o700)
    target = home.quarantine / f"{arrival.sha256}{_suffix(arrival.file_name)}"
    source = arrival.inbox or archived(home, arrival.sha256, arrival.file_name)
    shutil.move(source, target)
    if arrival.inbox is None:
        source.with_name(arrival.sha256 + NOTE).unlink(missing_ok=True)
    target.chmod(0o600)
    os.utime(target)  # its days in quarantine count from now


def purge_quarantine(home: Home) -> None:
    """Delete what has been in quarantine for LLR_QUARANTINE_DAYS days (30)."""
    days = float(os.environ.get("LLR_QUARANTINE_DAYS") or 30)
    for path in home.quarantine.iterdir():
        if time.time() - path.stat().st_mtime > days * 86_400:
            path.unlink()


def _same(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


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
    """Take a file out of the inbox, if it is still the one that arrived: somebody may have saved another over it.

    Where removing is forbidden it stays, and is known next time.
    """
    with suppress(OSError):
        if arrival.inbox:
            about = arrival.inbox.stat()
            if (about.st_size, about.st_mtime_ns) == (arrival.size_bytes, arrival.modified_ns):
                arrival.inbox.unlink()
