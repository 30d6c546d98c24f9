"""The servers: the Dagster web server and its daemon as child processes, and the reports as static files, on loopback.

There is no sign-in here; `docs/operations.md` says what to put in front.
"""

from __future__ import annotations

import functools
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from llr_pipeline.paths import PROJECT, Home

ADDRESS = "127.0.0.1"
POLICY = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; script-src 'self' 'unsafe-inline'"


class ReportHandler(http.server.SimpleHTTPRequestHandler):
    """Files of the reports folder, read-only, with a strict content policy."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing for each request."""


def serve_reports(home: Home, port: int) -> http.server.ThreadingHTTPServer:
    """A static server of the home's reports, running in a thread."""
    handler = functools.partial(ReportHandler, directory=str(home.reports))
    server = http.server.ThreadingHTTPServer((ADDRESS, port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def serve_all(home: Home, *, port: int, reports_port: int) -> int:
    """Run the servers until one ends or the user stops them; returns the exit code."""
    for wanted in (port, reports_port):
        if _is_taken(wanted):
            print(f"Port {wanted} is in use. Stop what uses it, or choose another with --port or --reports-port.")
            return 1
    workspace = str(PROJECT / "workspace.yaml")
    environment = {**os.environ, "DAGSTER_HOME": str(home.dagster), "LLR_HOME": str(home.root)}
    programs = Path(sys.executable).parent
    web = [str(programs / "dagster-webserver"), "-h", ADDRESS, "-p", str(port), "-w", workspace]
    daemon = [str(programs / "dagster-daemon"), "run", "-w", workspace]
    reports = serve_reports(home, reports_port)
    log = home.dagster / "serve.log"
    with log.open("ab") as sink:
        children = [
            subprocess.Popen(command, env=environment, cwd=home.dagster, stdout=sink, stderr=sink)
            for command in (web, daemon)
        ]
    print(f"Dagster UI  http://{ADDRESS}:{port}   (a few seconds after this line)")
    print(f"Reports     http://{ADDRESS}:{reports_port}\nLog         {log}\nCtrl-C ends them all.", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    try:
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
        print(f"A server ended by itself; the last lines of {log} say why.")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        reports.shutdown()
        for child in children:
            child.send_signal(signal.SIGINT)
        for child in children:
            try:
                child.wait(timeout=15)
            except subprocess.TimeoutExpired:
                child.kill()


def _interrupt() -> None:
    raise KeyboardInterrupt


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((ADDRESS, port)) == 0
