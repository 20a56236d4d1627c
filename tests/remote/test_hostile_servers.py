"""A server that means harm is named; it can neither hold a run for ever, nor fill memory or disk."""

import gzip
import socketserver
import threading
import time
from contextlib import suppress

import pytest

from atsal.errors import MediaError
from atsal.remote import http
from atsal.remote.path import as_path
from atsal.video.probe import probe_video

pytest.importorskip("aiohttp", reason="the extra `cloud` is not installed")


class _Server(socketserver.ThreadingTCPServer):
    """Answers every request with `answer(request)`: bytes, piece by piece, each some time after the one before."""

    daemon_threads = allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.pause_s, self.asked, self.is_closed = None, 0.0, 0, threading.Event()


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += self.rfile.readline()
        self.server.asked += 1
        with suppress(OSError):
            for piece in self.server.answer(request.decode()):
                self.wfile.write(piece)
                if self.server.pause_s and self.server.is_closed.wait(self.server.pause_s):
                    return


@pytest.fixture
def server(fresh_connections):
    made = _Server()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    made.is_closed.set()
    made.shutdown()
    made.server_close()


def path_on(server, name="a.mp4"):
    return as_path(f"http://127.0.0.1:{server.server_address[1]}/{name}")


def part(content=b"\0", place="bytes 0-0/3000000", **headers):
    lines = {"Content-Range": place, "Content-Length": str(len(content)), "Connection": "close"} | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 206 Partial Content\r\n{head}\r\n".encode() + content


@pytest.mark.parametrize("what", ["header", "content"])
def test_one_that_sends_a_byte_now_and_then_is_given_up(server, monkeypatch, what):
    monkeypatch.setattr(http, "STALL_TIMEOUT_S", 0.3)
    head, _, _ = part(b"\0" * 3_000_000, "bytes 0-2999999/3000000").partition(b"\0")
    one = [b"HTTP/1.1 206 OK\r\n", *[b"X: y\r\n"] * 1000]
    server.answer = lambda request: (
        [part()]
        if "bytes=0-0" in request and what == "content"
        else one
        if what == "header"
        else [head, *[b"\0"] * 999]
    )
    server.pause_s = 0.02
    started_s = time.monotonic()
    with pytest.raises(MediaError, match=r"less than 256 KiB in that time; tried 4 times"):
        path_on(server).open().read(10)
    assert time.monotonic() - started_s < 8


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda _: [part(gzip.compress(b"\0" * 10**8), Content_Encoding="gzip")], r"sends it compressed \('gzip'\)"),
        (
            lambda r: [part() if "=0-0" in r else part(b"\0" * 10**6, "bytes 7-1000006/3000000")],
            "another part than was",
        ),
        (lambda _: [part(place=f"bytes 0-0/{'9' * 4000}")], "does not say how long the file is"),
        (lambda _: [part(place="bytes 0-0/9" + "0" * 14)], r"a\.mp4: "),
        (lambda _: [b"HTTP/1.1 200 OK\r\nContent-Length: 900000000000000\r\n\r\n"], "more than there is space"),
        (lambda _: [b"HTTP/1.1 302 Found\r\nLocation: /a.mp4\r\nContent-Length: 0\r\n\r\n"], "TooManyRedirects"),
        (
            lambda _: [b"HTTP/1.1 206 OK\r\n", *[b"X-%d: " % n + b"y" * 8000 + b"\r\n" for n in range(5000)]],
            r"a\.mp4: ",
        ),
        (lambda _: [b"HTTP/1.1 206 OK\r\nX: " + b"y" * 10**6], r"a\.mp4: "),
        (lambda _: [b"\0" * 1000], r"a\.mp4: "),
        (lambda _: [part(ETag=f'"{time.monotonic_ns()}"')], r"changed while it was read"),
    ],
)
def test_what_servers_make_up_is_refused_by_name(server, answer, message):
    server.answer = answer
    path = path_on(server)
    with pytest.raises(MediaError, match=message):
        probe_video(path)
    assert server.asked < 60
