"""What goes back to a sender, and where it lies: the workbook with its cells marked, or the list of findings beside it.

A process of its own opens, marks and writes workbooks (`marking.py`), with limits on its time and memory: nothing that
a sender's workbook holds can end the run, or hold it up for long.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from llr_pipeline.archive import archived
from llr_pipeline.cells import day_in_words
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.findings import Finding, visible
from llr_pipeline.paths import PROJECT, Home

if TYPE_CHECKING:
    import duckdb

Row = Mapping[str, Any]

SECONDS = 20.0  # wall-clock time for marking one workbook, the start of the process included
LIST_SECONDS = 120.0  # and for a list alone, which is never long: what takes longer is no file's fault
WORKERS = min(2, os.cpu_count() or 1)
SEVERITIES = ("error", "warning", "note")
LISTED_AT_MOST = 5_000  # findings in a list; the gravest come first
NEVER_OPENED = re.compile(
    "hostile|too_large|not_a_(workbook|publication)|corrupt|password_protected|reader_stopped|empty_file"
)
MEANING = "An error is not used until it is corrected; a warning is used and questioned; a note is for information."
MARKED = "Every cell that is listed is coloured and has a comment. Its address below leads to it."
NOW = "Correct the cells in your workbook, enter a later date in Prepared on, and send the whole workbook again."
SUBMISSION = re.compile(r"_([0-9a-f]{12}(?:-\d+)?)_")


@dataclass(frozen=True)
class Returned:
    """The workbook to send back. Not annotated: the list of findings alone, and why."""

    path: Path
    is_annotated: bool
    why_not: str = ""


class Marker:
    """A process that marks workbooks one after another; started when first needed, and again after it died."""

    process: subprocess.Popen[bytes] | None = None

    def mark(self, target: Path, rows: Sequence[Row], about: Mapping[str, str], *, source: Path | None) -> str:
        """Write the source with its cells marked, or the list alone. Answers why that cannot be done, or nothing."""
        if self.process is None:
            self._start()
        places = {"source": source and str(source.resolve()), "target": str(target.resolve())}
        try:
            self.process.stdin.write(json.dumps({**places, "rows": rows, "about": about}).encode() + b"\n")
            self.process.stdin.flush()
            if select.select([self.process.stdout], [], [], SECONDS if source else LIST_SECONDS)[0]:
                return json.loads(self.process.stdout.readline())
            why = f"Marking its cells took more than {SECONDS:,.10g} seconds"
        except (ValueError, OSError):
            why = "Marking its cells took too much memory, or failed"
        self.close()
        return why

    def _start(self) -> None:
        self.folder = TemporaryDirectory()  # of what openpyxl leaves behind when it is stopped
        self.process = subprocess.Popen(
            [sys.executable, "-m", "llr_pipeline.marking"],
            cwd=PROJECT, env={**os.environ, "TMPDIR": self.folder.name}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.folder.cleanup()
            self.process = None


def annotate(
    source: Path, findings: Sequence[Finding], target: Path, *, about: Mapping[str, str], marker: Marker
) -> Returned:
    """Write the source with its findings marked to `target` (.xlsx), `about` (label -> text) at the top of the list.

    Where that would lose something: an untouched copy under the target's name, and `<target>.findings.xlsx` beside it;
    where the source must not be opened at all, the latter alone. Each file is whole or absent. Raises RuntimeError
    where not even the list can be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    rows, about = _listed(findings), {**about, "Severity": MEANING}
    if len(rows) < len(findings):
        about["Listed"] = f"the {LISTED_AT_MOST:,} gravest findings"
    why_not = "It could not be opened"
    part = target.with_name(f".{target.name}.tmp")
    if not any(NEVER_OPENED.fullmatch(finding.rule) for finding in findings):
        why_not = marker.mark(part, rows, {**about, "Marked": MARKED, "What now": NOW}, source=source)
        if not why_not:
            os.replace(part, target)
            return Returned(target, is_annotated=True)
        shutil.copyfile(source, part)
        os.replace(part, target.with_suffix(source.suffix))
    path = target.with_name(f"{target.stem}.findings.xlsx")
    failed = marker.mark(part, rows, {**about, "Not marked": f"{why_not}.", "What now": NOW}, source=None)
    if failed:
        raise RuntimeError(f"{path.name} cannot be written: {failed}")
    os.replace(part, path)
    return Returned(path, is_annotated=False, why_not=why_not)


def return_workbooks(connection: duckdb.DuckDBPyConnection, home: Home, submission_ids: Sequence[str]) -> list[Path]:
    """Write each of these returns that has an error or a warning into `returned/<period>/`; answers what was written.

    What an earlier reading of the same submissions left there is replaced, or removed where nothing is wrong any more.
    Publications are not sent back, nor what was withdrawn, nor a file with personal data or without its copy in the
    archive.
    """
    jobs: list[tuple[Path, list[Finding], Path, dict[str, str]]] = []
    submissions = (
        "select * from raw.submissions where submission_id in (select unnest(?::varchar[])) and status <> 'withdrawn' "
        "order by all"
    )
    for about in connection.execute(submissions, [list(submission_ids)]).to_arrow_table().to_pylist():
        columns = "* exclude (submission_id, finding_number, file_name)"
        findings = f"select {columns} from raw.findings where submission_id = ? order by finding_number"
        found = connection.execute(findings, [about["submission_id"]]).to_arrow_table().to_pylist()
        source = archived(home, about["sha256"], about["file_name"])
        is_return = about["template"] is None or about["template"] in templates()
        rules, severities = ({finding[name] for finding in found} for name in ("rule", "severity"))
        if is_return and severities - {"note"} and "personal_data" not in rules and source.exists():
            jobs.append((source, [Finding(**finding) for finding in found], *_place(home, about)))
    for path in [path for path in home.returned.rglob("*") if path.is_file()]:
        if (found := SUBMISSION.search(path.name)) and found[1] in submission_ids:
            path.unlink()
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = pool.map(_annotate_all, [jobs[n::WORKERS] for n in range(WORKERS)])
        return sorted(path for part in parts for path in part)


def _annotate_all(jobs: Sequence[tuple[Path, Sequence[Finding], Path, Mapping[str, str]]]) -> list[Path]:
    with closing(Marker()) as marker:
        return [
            annotate(source, findings, target, about=about, marker=marker).path
            for source, findings, target, about in jobs
        ]


def safe_name(text: str) -> str:
    """Text as a part of a file's name on any system: no control, direction or path characters, 100 at most."""
    kept = "".join(c for c in visible(text) if c not in '<>:"/\\|?*').strip(" .")[:100]
    return kept.encode()[:150].decode(errors="ignore").strip(" .")  # names are limited in bytes


def _place(home: Home, submission: Row) -> tuple[Path, dict[str, str]]:
    """Where a submission's workbook goes, and what stands at the top. A refused one's period may be any text."""
    template, code, period = (submission[name] or "" for name in ("template", "organisation_code", "period"))
    stem = SUBMISSION.split(Path(submission["file_name"]).stem)[-1]  # of a returned workbook that was sent again
    name = [code or "unknown", template or "unknown", submission["submission_id"], safe_name(stem) or "return"]
    organisation = read_reference().find("organisations", organisation_code=code)
    sender = organisation["organisation_name"] if organisation else "a sender who is not known"
    title = templates()[template].title if template else "A template that is not known"
    counts = [(submission[f"{severity}_count"], severity) for severity in SEVERITIES]
    found = [f"{submission['value_count']:,} values read"]
    found += [f"{count:,} {severity}{'s' if count > 1 else ''}" for count, severity in counts if count]
    return home.returned / (period if re.fullmatch(r"\d{4}-\d\d", period) else "unplaced") / f"{'_'.join(name)}.xlsx", {
        "Return": ", ".join(filter(None, [title, period, sender])),
        "File": f"{submission['file_name']}, received {day_in_words(submission['received_at'].date())}",
        "Outcome": f"{submission['status']}: {', '.join(found)}",
    }


def _listed(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as they are numbered and listed, the gravest first."""
    titles = {row["rule"]: row["title"] for row in read_reference().rows("finding_rules")}
    ranked = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))[:LISTED_AT_MOST]
    return [
        {**finding.as_dict(), "number": number, "title": titles.get(finding.rule, finding.rule),
         "value": (finding.value_received or "")[:2_000], "is_linked": False}
        for number, finding in enumerate(ranked, 1)
    ]  # fmt: skip
