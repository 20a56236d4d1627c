"""A web server for one page, on this machine only.

It serves the files it was given by their names, and nothing else: there is no path to resolve. For a file that is still
being made it answers with status 202 and the progress. It answers only requests
that name it by a loopback address, so that a page elsewhere cannot read it by DNS rebinding.
"""

import dataclasses
import json
import os
import re
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from atsal.version import __version__
from atsal.viewing.scene import Progress
from atsal.viewing.site import Site

HOST = "127.0.0.1"
POLICY = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'"
_WORKER_POLICY = "default-src 'self' 'wasm-unsafe-eval'"  # of scripts of workers: they may compile WebAssembly
_WORKERS = ".worker.js"
_HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "no-store",
    "Cross-Origin-Embedder-Policy": "require-corp",  # with the next: WebAssembly may have threads
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",  # browsers refuse video/quicktime, though they play what is in it
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")  # more digits than any file needs are ignored
_BLOCK = 1 << 18


def page_headers(name: str) -> dict[str, str]:
    """Return the headers of a file of the page, but for its type and length."""
    return {"Content-Security-Policy": _WORKER_POLICY if name.endswith(_WORKERS) else POLICY, **_HEADERS}


def content_type(name: str) -> str:
    """Return the media type of a file of the page."""
    return _TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


class SiteServer(ThreadingHTTPServer):
    """Serves the files of a page at a free port. `serve_forever` runs it.

    `find_progress` returns how far a file is that is not in `site` yet; None for a name that it does not know.
    `make_file` returns a file that is made when it is asked for; None for other names.
    """

    daemon_threads = True  # a browser that keeps a connection open does not keep the program running

    def __init__(
        self,
        site: Site,
        find_progress: Callable[[str], Progress | None] = lambda _name: None,
        make_file: Callable[[str], Path | None] = lambda _name: None,
    ) -> None:
        super().__init__((HOST, 0), _Handler)
        self.site = site
        self.find_progress = find_progress
        self.make_file = make_file
        self.hosts = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that hangs up: it has enough, or the page was closed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: SiteServer
    protocol_version = "HTTP/1.1"
    server_version = f"atsal/{__version__}"

    def do_GET(self) -> None:
        """Answer with a file, or with the part of it that was asked for."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer as for GET, without the content."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def _answer(self, *, with_body: bool) -> None:
        name = self.path.partition("?")[0].removeprefix("/") or "index.html"
        if self.headers.get("Host") not in self.server.hosts:
            self.send_error(HTTPStatus.FORBIDDEN, explain="This server answers only on its own machine.")
        elif (path := self.server.site.get(name) or self.server.make_file(name)) is not None:
            self._send_file(name, path, with_body=with_body)
        elif (progress := self.server.find_progress(name)) is not None:
            self._send_progress(progress, with_body=with_body)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send_progress(self, progress: Progress, *, with_body: bool) -> None:
        content = json.dumps(dataclasses.asdict(progress)).encode()
        self.send_response(HTTPStatus.ACCEPTED)
        self._end_headers("progress.json", len(content))
        if with_body:
            self.wfile.write(content)

    def _send_file(self, name: str, path: Path, *, with_body: bool) -> None:
        try:
            file = path.open("rb")
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._send(name, file, with_body=with_body)

    def _send(self, name: str, file: BinaryIO, *, with_body: bool) -> None:
        size = file.seek(0, os.SEEK_END)
        span = _parse_range(self.headers.get("Range", ""), size)
        if span is not None and not span:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT)
        if span is not None:
            self.send_header("Content-Range", f"bytes {span.start}-{span.stop - 1}/{size}")
        wanted = span if span is not None else range(size)
        self._end_headers(name, len(wanted))
        if with_body:
            self._copy(file, wanted)

    def _end_headers(self, name: str, length: int) -> None:
        self.send_header("Content-Type", content_type(name))
        self.send_header("Content-Length", str(length))
        for header, value in page_headers(name).items():
            self.send_header(header, value)
        self.end_headers()

    def _copy(self, file: BinaryIO, wanted: range) -> None:
        file.seek(wanted.start)
        left = len(wanted)
        while left and (block := file.read(min(_BLOCK, left))):
            self.wfile.write(block)
            left -= len(block)
        self.close_connection = self.close_connection or left > 0  # the file became shorter


def _parse_range(text: str, size: int) -> range | None:
    """Return the bytes that a Range header asks for, empty if the file has none of them; None for the whole file.

    Several ranges at once, and other units, are ignored, as RFC 9110 allows.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    stop = min(int(last) + 1, size) if last else size
    return range(int(first), max(int(first), stop))
