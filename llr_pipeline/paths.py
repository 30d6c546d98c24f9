"""Where things are: the project's folders and a home's folders. Imports nothing of ours."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SQL = PROJECT / "sql"


@dataclass(frozen=True)
class Home:
    """A home: the folder that holds everything a system sends, keeps and publishes."""

    root: Path

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def returned(self) -> Path:
        return self.root / "returned"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse" / "llr.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published" / "llr.duckdb"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"

    def create(self) -> Home:
        """Make the folders that are missing."""
        for folder in (
            self.inbox,
            self.archive,
            self.quarantine,
            self.returned,
            self.warehouse.parent,
            self.published.parent,
            self.reports,
            self.dagster,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        return self


def current_home() -> Home:
    """The home named by LLR_HOME, else `data/` in the checkout."""
    return Home(Path(os.environ.get("LLR_HOME") or PROJECT / "data").expanduser().resolve())
