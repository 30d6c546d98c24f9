"""One file -> one Reading, and the worker process that does it with limits on memory and time.

`python -m llr_pipeline.reading` is the worker: it reads paths from standard input and answers with Arrow tables and JSON,
so that nothing a file holds can run code in the pipeline's own process. `read_all` keeps two workers busy; a worker that
dies or takes too long is a finding about that file, and a new one takes its place.
"""

from __future__ import annotations

import io
import json
import os
import resource
import select
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

import pyarrow as pa

from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.findings import Finding, Findings
from llr_pipeline.publications import publications, read_publication, recognise
from llr_pipeline.returns import Identity, Reading, is_return, read_return
from llr_pipeline.workbooks import Unreadable, read_workbook

MEMORY_BYTES = 3 * 1024**3  # address space of a worker; it reads the largest published workbook in less
SECONDS = 60.0  # wall-clock time for one file
WORKERS = min(2, os.cpu_count() or 1)
_LENGTH = struct.Struct(">Q")


def read_file(path: Path) -> Reading:
    """Read a planning return or a publication, in this process. Never raises for what the file holds."""
    reference = read_reference()
    try:
        book = read_workbook(path)
    except Unreadable as error:
        findings = Findings(reference)
        findings.add(error.rule, str(error))
        return Reading(Identity(), findings)
    if not is_return(book) and (publication := recognise(book, publications())):
        return read_publication(book, publication, reference)
    return read_return(book, reference, templates())


def read_all(paths: Sequence[Path]) -> Iterator[tuple[Path, Reading]]:
    """Read files in worker processes, in the order given."""
    if not paths:
        return
    idle: SimpleQueue[_Worker] = SimpleQueue()
    workers = min(WORKERS, len(paths))
    for _ in range(workers):
        idle.put(_Worker())

    def read(path: Path) -> Reading:
        worker = idle.get()
        try:
            return worker.read(path)
        finally:
            idle.put(worker)

    try:
        with ThreadPoolExecutor(workers) as pool:
            yield from zip(paths, pool.map(read, paths), strict=True)
    finally:
        while not idle.empty():
            idle.get().stop()


class _Worker:
    """A process that reads files one after another; started when first needed and again after it died."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def read(self, path: Path) -> Reading:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "llr_pipeline.reading"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            _send(self.process.stdin, os.fsencode(path.resolve()))
            ready, _, _ = select.select([self.process.stdout], [], [], SECONDS)
            if not ready:
                raise TimeoutError(f"it took more than {SECONDS:.0f} seconds")
            return _decode(_receive(self.process.stdout))
        except (TimeoutError, EOFError, OSError) as error:
            self.stop()
            why = str(error) if isinstance(error, TimeoutError) else "the reader ran out of memory or crashed"
            findings = Findings(read_reference())
            findings.add("reader_stopped", f"Reading the file was stopped: {why}")
            return Reading(Identity(), findings)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """The worker: a path in, a reading out, until the source ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    while True:
        try:
            path = Path(os.fsdecode(_receive(source)))
        except EOFError:
            return
        _send(sink, _encode(read_file(path)))


def _send(stream: BinaryIO, message: bytes) -> None:
    stream.write(_LENGTH.pack(len(message)) + message)
    stream.flush()


def _receive(stream: BinaryIO) -> bytes:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    message = stream.read(length)
    if len(message) < length:
        raise EOFError
    return message


def _encode(reading: Reading) -> bytes:
    head = {
        "identity": asdict(reading.identity),
        "findings": [finding.as_dict() for finding in reading.findings],
        "value_count": reading.value_count,
        "tables": list(reading.tables),
    }
    sink = io.BytesIO()
    _send(sink, json.dumps(head, default=str).encode())
    for table in reading.tables.values():
        part = io.BytesIO()
        with pa.ipc.new_stream(part, table.schema) as stream:
            stream.write_table(table)
        _send(sink, part.getvalue())
    return sink.getvalue()


def _decode(message: bytes) -> Reading:
    source = io.BytesIO(message)
    head = json.loads(_receive(source))
    findings = Findings(read_reference())
    findings.extend(Finding(**finding) for finding in head["findings"])
    identity = head["identity"]
    if identity["prepared_on"]:
        identity["prepared_on"] = date.fromisoformat(identity["prepared_on"])
    tables = {name: pa.ipc.open_stream(_receive(source)).read_all() for name in head["tables"]}
    return Reading(Identity(**identity), findings, tables, head["value_count"])


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
