"""Requests as bytes, so that they can be wrong in every way, and the answers to them."""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from atsal.serving.problem_types import PROBLEM_TYPES

TOKEN = "Authorization: Bearer <TOKEN>"
TUS = "Tus-Resumable: 1.0.0"
JSON = "Content-Type: application/json"
PART = "Content-Type: application/offset+octet-stream"


class Case(NamedTuple):
    """A request, and the statuses that are a clear refusal of it.

    `<JOB>`, `<UPLOAD>`, `<TOKEN>` and others of the fixture's names stand for what is known only when the service runs.
    """

    name: str
    content: bytes
    statuses: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self):
        """The problem in it, which has the status of the answer."""
        assert self.headers["content-type"] == "application/problem+json", self
        found = json.loads(self.body)
        assert found["status"] == self.status
        assert found["type"].removeprefix("/problems/") in PROBLEM_TYPES
        assert found["request_id"] == self.headers["x-request-id"]
        return found


def request(method, path, *headers, body=b"", host="localhost"):
    """The bytes of a request; its length is stated unless the headers say something about it."""
    lines = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host is not None else []), *headers]
    stated = any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers)
    if body and not stated:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "surrogateescape") + body


def get(path, *headers):
    return request("GET", path, TOKEN, *headers)


def post_job(content, *headers):
    """The bytes of a new job; `content` is text, bytes, or what becomes JSON."""
    if isinstance(content, dict | list):
        content = json.dumps(content)
    body = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return request("POST", "/v1/jobs", TOKEN, JSON, *headers, body=body)


def exchange(address, content, timeout=120.0):
    """Send a request and read one answer; None if the connection ends without one."""
    with socket.create_connection(address, timeout=timeout) as connection:
        with suppress(ConnectionError):  # it may have answered before it closed
            connection.sendall(content)
        return read_answer(connection, is_head=content.startswith(b"HEAD"))


def read_answer(connection, is_head=False):
    """Read one answer; None if the connection ends without one."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += (piece := _receive(connection))
        if not piece:
            return None
    head, _, body = found.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    length = 0 if is_head else int(headers.get("content-length", 0))
    while len(body) < length and (piece := _receive(connection)):
        body += piece
    return Answer(int(lines[0].split()[1]), headers, body[:length])


def _receive(connection):
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""
