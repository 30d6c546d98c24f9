"""One file -> one Reading, and the worker process that does it with limits on memory and time.

`python -m llr_pipeline.reading 60` is the worker: it reads paths from standard input and answers with Arrow tables and
JSON, so that nothing a file holds can run code in the pipeline's own process. `read_all` keeps two workers busy; a
worker that dies, takes too long or answers too much is a finding about that file, and a new one takes its place.
"""

from __future__ import annotations

import io
import json
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from itertools import zip_longest
from math import ceil
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

import pyarrow as pa

from llr_pipeline import personal_data
from llr_pipeline.cells import listed, quoted
from llr_pipeline.codes import read_reference
from llr_pipeline.contracts import templates
from llr_pipeline.cover import Identity, is_return
from llr_pipeline.findings import Finding, Findings
from llr_pipeline.parquet_files import PARQUET_KIND, is_parquet, read_parquet_file
from llr_pipeline.paths import PROJECT
from llr_pipeline.preflight import TEXT_KIND, Unreadable
from llr_pipeline.publications import publications, read_publication, recognise
from llr_pipeline.returns import Reading, read_return
from llr_pipeline.text_files import is_text_file, read_text_file
from llr_pipeline.workbooks import Workbook, read_workbook

MEMORY_BYTES = 3 * 1024**3  # address space of a worker; it reads the largest published workbook in less
SECONDS = 60.0  # of the processor, for one file: how busy the machine is must not decide what is refused
WAITS = 10  # times as long by the clock, for one that does not even compute
START_SECONDS = 120.0  # and for a worker to start
# Of an answer: 180,000 values, as a value takes 363 bytes. The largest return of the sample has 22,000, in 8 MB.
ANSWER_BYTES = 64 * 1024**2
HEADINGS_NAMED = 6
PLACES_AT_MOST = 20  # that hold personal data, named one by one
WORKERS = min(2, os.cpu_count() or 1)
_LENGTH = struct.Struct(">Q")
_READY = b"ready"


def read_file(path: Path, *, today: date | None = None) -> Reading:
    """Read a planning return or a publication, in this process. Never raises for what the file holds.

    The rules are those of `today`, or of the day that it is.
    """
    reference = read_reference()
    try:
        read, kind = _how(path)
        book = read(path)
    except Unreadable as error:
        return _not_read(error.rule, str(error), today)
    if places := personal_data.find(book):
        return _with_personal_data(places, today)
    if not is_return(book) and (publication := recognise(book, publications())):
        return read_publication(book, publication, reference, today=today, file_name=path.name)
    if kind:
        headings = [quoted(value) for value in book.sheets[0].rows[0][:HEADINGS_NAMED]] if book.sheets[0].rows else []
        named = f": its headings are {listed(headings)}" if headings else ""
        message = f"The file is {kind}, and no publication that is known{named}"
        return _not_read("not_a_publication", message, today)
    if path.suffix.lower() == ".xls":
        message = "The file is a workbook of the old kind (.xls), in which a return cannot be checked"
        return _not_read("not_a_workbook", message, today)
    return read_return(book, reference, templates(), today=today)


def _how(path: Path) -> tuple[Callable[[Path], Workbook], str]:
    """What reads a file; and what it is, where only a publication comes so."""
    if is_text_file(path):
        return read_text_file, TEXT_KIND
    if is_parquet(path):
        return read_parquet_file, PARQUET_KIND
    return read_workbook, ""


def read_all(paths: Sequence[Path], *, seconds: float = SECONDS) -> Iterator[tuple[Path, Reading]]:
    """Read files in worker processes, in the order given, each in at most so many seconds of the processor.

    No more readings wait for the caller than there are workers. Raises RuntimeError where a worker cannot start at all,
    which is no file's fault.
    """
    if not paths:
        return
    idle: SimpleQueue[_Worker] = SimpleQueue()
    workers = min(WORKERS, len(paths))
    for _ in range(workers):
        idle.put(_Worker(seconds))

    def read(path: Path) -> Reading:
        worker = idle.get()
        try:
            return worker.read(path)
        finally:
            idle.put(worker)

    try:
        with ThreadPoolExecutor(workers) as pool:
            ahead = deque(pool.submit(read, path) for path in paths[:workers])
            for path, later in zip_longest(paths, paths[workers:]):
                reading = ahead.popleft().result()
                if later:
                    ahead.append(pool.submit(read, later))
                yield path, reading
    finally:
        while not idle.empty():
            idle.get().stop()


class _Worker:
    """A process that reads files one after another; started when first needed and again after it died."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.process: subprocess.Popen[bytes] | None = None

    def read(self, path: Path) -> Reading:
        if self.process is None or self.process.poll() is not None:
            self.stop()
            self._start()
        try:
            _send(self.process.stdin, os.fsencode(path.resolve()))
            return _decode(self._answer(WAITS * self.seconds))
        except TimeoutError:
            why = f"it took more than {WAITS * self.seconds:,.10g} seconds"
        except ValueError as error:
            why = str(error)
        except (EOFError, OSError):
            why = "the reader ran out of memory or crashed"
            if self.process.wait() == -signal.SIGXCPU:
                why = f"it took more than {self.seconds:,.10g} seconds of the processor"
        self.stop()
        return _not_read("reader_stopped", f"Reading the file was stopped: {why}")

    def _start(self) -> None:
        command = [sys.executable, "-m", "llr_pipeline.reading", str(self.seconds)]
        self.process = subprocess.Popen(command, bufsize=0, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            if self._answer(START_SECONDS) == _READY:
                return
        except (ValueError, EOFError, OSError):
            pass
        self.stop()
        raise RuntimeError("the process that reads workbooks does not start: python -m llr_pipeline.reading 60")

    def _answer(self, seconds: float) -> bytearray:
        until = time.monotonic() + seconds
        (length,) = _LENGTH.unpack(self._take(_LENGTH.size, until))
        if length > ANSWER_BYTES:
            most = f"the most is {ANSWER_BYTES / 1e6:,.0f} MB"
            raise ValueError(f"what was read of it fills {length / 1e6:,.0f} MB, and {most}")
        return self._take(length, until)

    def _take(self, length: int, until: float) -> bytearray:
        """So many bytes of what the worker says."""
        taken, count = bytearray(length), 0
        while count < length:
            if not select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError
            if not (more := self.process.stdout.readinto(memoryview(taken)[count:])):
                raise EOFError
            count += more
        return taken

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def serve(source: BinaryIO, sink: BinaryIO, *, seconds: float = SECONDS) -> None:
    """The worker: a path in, a reading out, until the source ends. It is stopped at a file that takes more seconds."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    _send(sink, _READY)
    while True:
        try:
            path = Path(os.fsdecode(_receive(source)))
        except EOFError:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (ceil(used.ru_utime + used.ru_stime + seconds), most))
        try:
            reading = read_file(path)
        except MemoryError:
            reading = _not_read("reader_stopped", "Reading the file was stopped: the reader ran out of memory")
        except Exception as error:
            traceback.print_exc()
            reading = _not_read("reader_failed", f"The reader failed on this file ({type(error).__name__}: {error})")
        _send(sink, _encode(reading))


def _not_read(rule: str, message: str, today: date | None = None) -> Reading:
    findings = Findings(read_reference(), today)
    findings.add(rule, message)
    return Reading(Identity(), findings)


def _with_personal_data(places: Sequence[personal_data.Place], today: date | None) -> Reading:
    """A refusal that says where, and nothing of what the file holds: not even whose it is."""
    findings = Findings(read_reference(), today)
    count = f"{len(places):,} places" if len(places) > 1 else "one place"
    for sheet, cell in places[:PLACES_AT_MOST]:
        where = "The cell" if cell else "The sheet, outside its cells," if sheet else "The workbook, outside its cells,"
        message = f"{where} holds a valid NHS number; the workbook does in {count}"
        findings.add("personal_data", message, sheet=sheet, cell=cell)
    return Reading(Identity(), findings)


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
    """The tables, as Arrow streams, and what else there is, as JSON; each after its length."""
    head = {
        "identity": asdict(reading.identity),
        "findings": [finding.as_dict() for finding in reading.findings],
        "value_count": reading.value_count,
        "tables": list(reading.tables),
    }
    sink = io.BytesIO()
    for table in reading.tables.values():
        part = io.BytesIO()
        with pa.ipc.new_stream(part, table.schema) as stream:
            stream.write_table(table)
        _send(sink, part.getvalue())
    _send(sink, json.dumps(head, default=str).encode())
    return sink.getvalue()


def _decode(message: bytearray) -> Reading:
    """The reading; its tables are not copied out of the message."""
    rest, parts = memoryview(message), []
    while rest:
        (length,) = _LENGTH.unpack_from(rest)
        rest = rest[_LENGTH.size :]
        parts.append(rest[:length])
        rest = rest[length:]
    *streams, last = parts
    head = json.loads(bytes(last))
    findings = Findings(read_reference())
    findings.extend(Finding(**finding) for finding in head["findings"])
    identity = head["identity"]
    if identity["prepared_on"]:
        identity["prepared_on"] = date.fromisoformat(identity["prepared_on"])
    tables = {name: pa.ipc.open_stream(part).read_all() for name, part in zip(head["tables"], streams, strict=True)}
    return Reading(Identity(**identity), findings, tables, head["value_count"])


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, seconds=float(sys.argv[1]))
