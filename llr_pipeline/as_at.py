"""A publication again: a home of its own with what was known then, run from the start and compared with the manifest.

What was known is what a manifest lists, or what had arrived by a moment: the archive keeps every file with its note of
arrival, and the journal every withdrawal. The live home is only read.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import duckdb

from llr_pipeline import archive, editions
from llr_pipeline.manifests import code_fingerprint
from llr_pipeline.paths import Home
from llr_pipeline.repair import JOURNAL

RELATIONS = """
select schema_name, table_name from duckdb_tables() union all select schema_name, view_name from duckdb_views()
"""


class AsAtError(ValueError):
    """Nothing can be regenerated: a sentence saying why, and what to do."""


@dataclass(frozen=True)
class Known:
    """What was known: until a moment (UTC), or just what the manifest of an edition lists."""

    until: datetime
    manifest: Mapping[str, Any] | None = None

    def has(self, arrival: archive.Arrival) -> bool:
        if self.manifest is None:
            return arrival.received_at <= self.until
        return arrival.sha256 in {line["sha256"] for line in self.manifest["inputs"]}


def known_at(home: Home, words: str) -> Known:
    """What was known, by a manifest's path, an edition's name, a day (its end) or a moment (UTC).

    Raises AsAtError for words that are none of these, and for a manifest whose files the archive no longer has.
    """
    for path in (Path(words), home.published.parent / editions.MANIFESTS / f"{words}.json"):
        if path.is_file():
            return _of_manifest(home, path)
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        raise AsAtError(
            f"{words} is no manifest, no edition in {home.published.parent / editions.MANIFESTS} and no day; "
            "write a day as 2016-10-31, a moment as 2016-10-31T12:00 (UTC)."
        ) from None
    if len(words) == len("2016-10-31"):
        moment = datetime.combine(moment.date(), time.max)
    return Known(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)


def _of_manifest(home: Home, path: Path) -> Known:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        known = Known(datetime.fromisoformat(manifest["published_at"]), manifest)
        names = {line["sha256"]: line["file_name"] for line in manifest["inputs"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise AsAtError(f"{path} is no manifest of a publication: it cannot be read, or lacks its inputs.") from None
    there = {arrival.sha256 for arrival in archive.unknown(home, set())}
    if lost := sorted(name for sha256, name in names.items() if sha256 not in there and name != archive.NO_NAME):
        raise AsAtError(f"The archive of {home.root} no longer has {', '.join(lost)}: restore it from a backup.")
    return known


def gather(home: Home, words: str, into: Path) -> tuple[Home, Known]:
    """A new home in the empty folder `into`, with what was known in its archive; for the words see `known_at`.

    Raises AsAtError where the folder is in use, or nothing was known.
    """
    known = known_at(home, words)
    there = into.exists() and (not into.is_dir() or any(into.iterdir()))
    if there or into.is_relative_to(home.root):
        raise AsAtError(f"{into} is not empty, or is in the live home: name a new folder outside {home.root}.")
    arrivals = [arrival for arrival in archive.unknown(home, set()) if known.has(arrival)]
    if not arrivals:
        raise AsAtError(f"Nothing had arrived in {home.root} by {known.until:%Y-%m-%d %H:%M} UTC.")
    made = Home(into).create()
    for arrival in arrivals:
        source = archive.archived(home, arrival.sha256, arrival.file_name)
        target = archive.archived(made, arrival.sha256, arrival.file_name)
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(source, target)
        with suppress(FileNotFoundError):  # a lost note: the file's own name and time stand for it
            shutil.copy2(source.with_name(arrival.sha256 + archive.NOTE), target.parent)
    journal = home.archive / JOURNAL
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True) if journal.exists() else []
    then = [line for line in lines if datetime.fromisoformat(json.loads(line)[3]) <= known.until]
    (made.archive / JOURNAL).write_text("".join(then), encoding="utf-8")
    return made, known


def verdict(made: Home, known: Known) -> tuple[bool, list[str]]:
    """Whether the figures are those that were published then, and sentences that say so."""
    if known.manifest is None:
        return True, [f"As at {known.until:%Y-%m-%d %H:%M} UTC: see {made.published}"]
    edition, code, said = known.manifest["edition"], known.manifest["code"], []
    if code["fingerprint"] != code_fingerprint():
        own = f"commit {code['commit']}" if code["commit"] else f"release {code['version']}"
        said.append(f"Edition {edition} was made by other code: for its own figures, run its {own}.")
    if known.manifest["duckdb_version"] != duckdb.__version__:
        said.append(f"It was made with DuckDB {known.manifest['duckdb_version']}, whose hashes may be others.")
    if different := differences(made, known.manifest["tables"]):
        return False, [*said, f"Not as edition {edition} published them: {', '.join(different)}"]
    return True, [*said, f"Every figure is as edition {edition} published it: see {made.published}"]


def differences(made: Home, tables: Mapping[str, Any]) -> list[str]:
    """The tables that do not hold what the manifest says, doubles to six decimals; raw and the dictionary apart.

    Raw knows of files that came twice, which the archive keeps once; the dictionary shows examples of that.
    """
    published = {
        name: rows
        for name, rows in tables.items()
        if name.split(".")[0] in editions.LAYERS and name != "reference.dictionary"
    }
    with duckdb.connect(str(made.published), read_only=True) as connection:
        there = {f"{schema}.{name}" for schema, name in connection.execute(RELATIONS).fetchall()}
        now = editions.golden(connection, sorted(there & set(published)))
    return sorted(name for name, rows in published.items() if now.get(name) != rows)
