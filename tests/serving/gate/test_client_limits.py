"""Clients that send too much, too slowly, or nothing, over raw connections."""

import json
import socket
import time
from contextlib import ExitStack

import pytest
from serving_tools import PART, begin_upload, send_upload, serving, wait_for

from atsal.serving.gate.settings import GateSettings

LIMITS = GateSettings(
    head_s=0.4,
    idle_s=0.4,
    read_s=0.4,
    least_bytes_per_s=200,
    body_bytes=1000,
    head_bytes=4096,
    connections_per_address=5,
)


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("limited"), gate=LIMITS) as (_, client):
        yield client


def _connect(client):
    return socket.create_connection((client.base_url.host, client.base_url.port), timeout=10)


def _answer(connection):
    """Return status and problem of all that comes until the connection ends."""
    content = b""
    while piece := connection.recv(65536):
        content += piece
    head, _, body = content.partition(b"\r\n\r\n")
    return (int(head.split()[1]), json.loads(body)) if head else (None, None)


def _trickle(connection, seconds):
    began_s = time.monotonic()
    while time.monotonic() - began_s < seconds:
        connection.sendall(b"x" * 100)
        time.sleep(0.02)


def _post(*lines):
    return "\r\n".join(["POST /v1/jobs HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def test_a_body_beyond_its_limit_is_refused_by_its_header_and_in_the_middle(limited):
    stated = limited.post("/v1/jobs", content=b"x" * 1001, headers={"Content-Type": "application/json"})
    chunked = limited.post("/v1/jobs", content=iter([b"x" * 600] * 3), headers={"Content-Type": "application/json"})
    assert [answer.status_code for answer in (stated, chunked)] == [413, 413]
    assert [answer.json()["type"] for answer in (stated, chunked)] == ["/problems/too-large"] * 2
    assert "x-request-id" in stated.headers


@pytest.mark.slow
def test_who_goes_on_sending_after_the_answer_is_not_listened_to_for_long(limited):
    with _connect(limited) as connection:
        connection.sendall(_post("Content-Type: application/json", "Content-Length: 10000000"))
        with pytest.raises(ConnectionError):
            _trickle(connection, seconds=8)


def test_a_body_that_stops_coming_ends_with_408(limited):
    with _connect(limited) as connection:
        connection.sendall(_post("Content-Type: application/json", "Content-Length: 100") + b"{")
        assert _answer(connection)[0] == 408


def test_a_body_that_trickles_ends_with_408_though_it_never_stops(limited):
    with _connect(limited) as connection:
        connection.sendall(_post("Content-Type: application/json", "Content-Length: 900"))
        began_s, sent = time.monotonic(), 0
        connection.settimeout(0.1)
        while time.monotonic() - began_s < 8:
            connection.send(b"{")
            sent += 1
            try:
                assert b" 408 " in connection.recv(1000)
                break
            except TimeoutError:
                continue
        assert 1 < sent < 40


def test_an_upload_that_stops_keeps_what_came(limited):
    address = begin_upload(limited, 100)
    head = [f"PATCH {address} HTTP/1.1", "Host: localhost", "Content-Length: 100", "Upload-Offset: 0"]
    head += [f"{name}: {value}" for name, value in PART.items()]
    with _connect(limited) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + b"12345")
        assert _answer(connection)[0] == 408
    assert limited.head(address, headers={"Tus-Resumable": "1.0.0"}).headers["upload-offset"] == "5"


@pytest.mark.parametrize("begin", [b"", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "])
def test_a_head_that_does_not_come_ends_the_connection(limited, begin):
    with _connect(limited) as connection:
        connection.sendall(begin)
        assert _answer(connection)[0] == 408


def test_a_head_that_trickles_ends_the_connection(limited):
    with _connect(limited) as connection:
        for letter in b"GET / HTTP/1.1\r\nHost: localhost\r\n" * 3:
            time.sleep(0.05)
            try:
                connection.sendall(bytes([letter]))
            except OSError:
                return
        pytest.fail("still connected")


def test_a_head_beyond_its_limit_is_refused(limited):
    with _connect(limited) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: " + b"a" * 5000)
        status, problem = _answer(connection)
    assert (status, problem["status"]) == (431, 431)


def test_an_address_has_some_connections_and_gets_more_when_these_end(limited):
    with ExitStack() as stack:
        connections = [stack.enter_context(_connect(limited)) for _ in range(8)]
        found = []
        for connection in connections:
            try:
                found.append(_answer(connection)[0])
            except ConnectionError:
                found.append(503)
        assert found.count(503) >= 3
    assert limited.get("/v1/jobs").status_code == 200


def test_a_connection_is_kept_for_the_next_request(limited):
    with _connect(limited) as connection:
        for _ in range(3):
            connection.sendall(b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(0.3)
            assert b"HTTP/1.1 200" in connection.recv(65536)


@pytest.mark.slow
def test_who_does_not_read_an_answer_loses_it_and_others_get_theirs(limited):
    source = send_upload(limited, b"x" * 20_000_000)
    job = wait_for(limited, limited.post("/v1/jobs", json={"kind": "count", "source": source}).json())
    path = f"/v1/jobs/{job['id']}/results/lines.txt"
    with _connect(limited) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        time.sleep(5)  # the server may be slow to begin
        size = 0
        while piece := connection.recv(1 << 20):
            size += len(piece)
    assert 0 < size < 20_000_000
    assert len(limited.get(path).content) > 20_000_000
