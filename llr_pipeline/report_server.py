"""The reports as static files, read-only: nothing outside their folder, no listing of it, and no script runs."""

from __future__ import annotations

import functools
import http.server
import threading
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from llr_pipeline.paths import Home

FRONT = "/latest/index.html"
HEADERS = {
    # style-src: each page narrows it to its own two stylesheets by hash, and what either policy forbids is forbidden
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}


class ReportHandler(http.server.SimpleHTTPRequestHandler):
    """GET and HEAD of a file in the folder; all else is not found."""

    extensions_map = {  # noqa: RUF012
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".html": "text/html; charset=utf-8",
        ".svg": "image/svg+xml",
        ".json": "application/json",
        ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
    server_version, sys_version = "reports", ""

    def send_head(self):  # the one way to a file, of GET and HEAD both
        if urlsplit(self.path).path == "/":
            return self._moved()
        folder = Path(self.directory).resolve()
        try:
            path = Path(self.translate_path(self.path)).resolve()
        except (ValueError, OSError):  # a name that no file can have
            return self.send_error(HTTPStatus.NOT_FOUND)
        if not path.is_relative_to(folder) or any(part.startswith(".") for part in path.relative_to(folder).parts):
            return self.send_error(HTTPStatus.NOT_FOUND)
        return super().send_head()

    def _moved(self) -> None:
        """To the front page, by a relative address: a proxy may show the reports below a folder."""
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", FRONT.lstrip("/"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def list_directory(self, path):
        return self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing for each request."""


def serve_reports(home: Home, *, address: str, port: int) -> http.server.ThreadingHTTPServer:
    """A static server of the home's reports, running in a thread."""
    handler = functools.partial(ReportHandler, directory=str(home.reports))
    server = http.server.ThreadingHTTPServer((address, port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
