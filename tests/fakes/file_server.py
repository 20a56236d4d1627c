"""An HTTP server for files, which counts what it sends and misbehaves on demand."""

import hashlib
import re
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Request:
    """A request, and how many bytes of content were sent."""

    method: str
    path: str
    byte_range: str | None
    headers: dict[str, str]
    sent: int = 0


class FileServer(ThreadingHTTPServer):
    """Serves `files`, by the path of their URLs.

    `faults` are what happens to the next requests, one each: a status as 503, "stall", "cut", or "ok".
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.faults: deque[int | str] = deque()
        self.always: int | str = "ok"
        self.has_ranges = True
        self.has_etags = True
        self.has_dates = True
        self.states_length = True
        self.redirects: dict[str, str] = {}
        self.released = threading.Event()  # ends a stall

    def url(self, name: str) -> str:
        """Return the URL of a file."""
        return f"http://127.0.0.1:{self.server_port}/{name}"

    @property
    def sent(self) -> int:
        """How many bytes of content were sent in all."""
        return sum(request.sent for request in self.requests)


class _Handler(BaseHTTPRequestHandler):
    server: FileServer
    protocol_version = "HTTP/1.1"  # which answers "Expect: 100-continue"

    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        server, path = self.server, self.path.partition("?")[0].lstrip("/")
        request = Request(self.command, self.path.lstrip("/"), self.headers.get("Range"), dict(self.headers))
        server.requests.append(request)
        fault = server.faults.popleft() if server.faults else server.always
        if path in server.redirects:
            self._answer(request, 302, {"Location": server.redirects[path]})
        elif fault == "stall":
            server.released.wait(10)
            self.close_connection = True
        elif isinstance(fault, int):
            self._answer(request, fault, {})
        elif path not in server.files:
            self._answer(request, 404, {})
        else:
            self._send_file(request, server.files[path], is_cut=fault == "cut")

    def do_HEAD(self) -> None:
        """Answer as to GET, without the content."""
        self.do_GET()

    def do_PUT(self) -> None:
        """Keep a file."""
        request = Request(self.command, self.path.lstrip("/"), None, dict(self.headers))
        self.server.requests.append(request)
        content = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.faults.popleft() if self.server.faults else self.server.always
        if isinstance(fault, int):
            self._answer(request, fault, {})
        else:
            self.server.files[request.path.partition("?")[0]] = content
            self._answer(request, 200, {})

    def _send_file(self, request: Request, content: bytes, is_cut: bool) -> None:
        headers = {"ETag": f'"{hashlib.md5(content).hexdigest()}"'} if self.server.has_etags else {}
        if self.server.has_dates:
            headers["Last-Modified"] = "Mon, 01 Jun 2026 10:00:00 GMT"
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.byte_range or "")
        if found and self.server.has_ranges:
            start, end = int(found[1]), min(int(found[2]) + 1, len(content))
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}" if content else "bytes */0"
            self._answer(request, 206 if content else 416, headers, content[start:end], is_cut)
        else:
            self._answer(request, 200, headers, content, is_cut)

    def _answer(
        self, request: Request, status: int, headers: dict[str, str], content: bytes = b"", is_cut: bool = False
    ) -> None:
        stated = len(content)
        content = b"" if self.command == "HEAD" else content[: stated // 2] if is_cut else content
        request.sent = len(content)
        self.send_response(status)
        self.send_header("Connection", "close")
        if status != 200 or self.server.states_length:
            self.send_header("Content-Length", str(stated))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True
