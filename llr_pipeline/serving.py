"""The servers, on loopback alone: the engineer's interface with its daemon, the managers' read-only one, the reports.

One code server loads the code for all of them, at a socket that this user alone can reach. There is no sign-in here:
`docs/nginx.conf` puts one in front of the managers' interface and the reports.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from llr_pipeline.paths import Home
from llr_pipeline.report_server import serve_reports

ADDRESS = "127.0.0.1"
LAST_LINES = 8
"""Of the log, shown when a server ended."""
WORKSPACE = """\
load_from:
  - grpc_server:
      socket: {socket}
      location_name: llr_pipeline
"""


@dataclass(frozen=True)
class Ports:
    """Where each listens."""

    engineer: int = 3000
    managers: int = 3001
    reports: int = 3002


@dataclass
class Child:
    """A server that runs as a process of its own, and the page at which it says that it is well, if it has one."""

    name: str
    process: subprocess.Popen
    page: str | None = None


def serve_all(home: Home, ports: Ports) -> int:
    """Run the servers until one ends or the user stops them; returns the exit code."""
    taken = [port for port in (ports.engineer, ports.managers, ports.reports) if _is_taken(port)]
    if taken:
        many = ", ".join(map(str, taken))
        print(f"In use: port {many}. Stop what uses it, or choose others: --port, --managers-port, --reports-port.")
        return 1
    log = home.dagster / "serve.log"
    reports = serve_reports(home, address=ADDRESS, port=ports.reports)
    print(f"{'Reports':<24} http://{ADDRESS}:{ports.reports}", flush=True)
    _when_told_to_stop(signal.default_int_handler)  # a script's background job, and what it starts, would ignore it
    children: list[Child] = []
    with TemporaryDirectory(prefix="llr-") as folder:
        try:
            for child in _started(home, ports, log, Path(folder)):
                children.append(child)
            return _watch(children, log)
        except KeyboardInterrupt:
            return 0
        finally:
            _when_told_to_stop(signal.SIG_IGN)  # a second time must not leave servers behind
            reports.shutdown()
            _end(children[1:])
            _end(children[:1])  # the code server last: it waits for those that ask it


def _started(home: Home, ports: Ports, log: Path, folder: Path) -> Iterator[Child]:
    """The code server, and when it has loaded the code, who asks it."""
    programs, socket_path, workspace = Path(sys.executable).parent, folder / "code.socket", folder / "workspace.yaml"
    workspace.write_text(WORKSPACE.format(socket=socket_path), encoding="utf-8")
    code = [programs / "dagster", "code-server", "start", "-m", "llr_pipeline.definitions", "-s", socket_path]
    web = [programs / "dagster-webserver", "-h", ADDRESS, "-w", workspace, "-p"]
    daemon = [programs / "dagster-daemon", "run", "-w", workspace]
    environment = {**os.environ, "DAGSTER_HOME": str(home.dagster), "LLR_HOME": str(home.root)}

    def started(name: str, command: Sequence[object], port: int | None = None) -> Child:
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [str(part) for part in command], env=environment, cwd=home.dagster, stdout=sink, stderr=sink
            )
        return Child(name, process, f"http://{ADDRESS}:{port}" if port else None)

    loading = started("Code server", [*code, "--location-name", "llr_pipeline"])
    yield loading
    while not socket_path.exists() and loading.process.poll() is None:
        time.sleep(0.1)
    yield started("Engineer's interface", [*web, ports.engineer], ports.engineer)
    yield started("Managers' interface", [*web, ports.managers, "--read-only"], ports.managers)
    yield started("Schedule and sensors", daemon)


def _watch(children: Sequence[Child], log: Path) -> int:
    """Say when each answers, until one ends: which, how, and what it said last."""
    waiting = [child for child in children if child.page]
    while True:
        for child in children:
            if (code := child.process.poll()) is not None:
                said = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])
                print(f"{child.name} ended by itself with {code}, so all end. The last lines of {log}:\n{said}")
                return 1
        for child in [child for child in waiting if _answers(child.page)]:
            waiting.remove(child)
            print(f"{child.name:<24} {child.page}", flush=True)
            if not waiting:
                print(f"All answer. Log: {log}. Ctrl-C ends them.", flush=True)
        time.sleep(0.5)


def _answers(page: str) -> bool:
    try:
        with urlopen(f"{page}/server_info", timeout=2) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def _end(children: Sequence[Child]) -> None:
    for child in children:
        child.process.send_signal(signal.SIGINT)
    for child in children:
        try:
            child.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.process.kill()


def _when_told_to_stop(handler: Any) -> None:
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, handler)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((ADDRESS, port)) == 0
