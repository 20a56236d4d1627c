"""Clients that do harm by what they do over time: slowness, races, replays, and media that are poison."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from raw_http import JSON, PART, TOKEN, TUS, read_answer, request
from serving_tools import PART as PART_HEADERS
from serving_tools import TUS as TUS_HEADERS
from serving_tools import begin_upload, send_upload, wait_for

from fakes.hostile import write_hostile_files

pytestmark = pytest.mark.slow
_MEDIA = ("size.png", "size.jpg", "size.tif", "size.mp4", "large index.mp4", "times.mp4", "png inside.mkv", "raw.mkv")
_HARMLESS = "times.mp4"  # its times are wild, and its pictures good


@pytest.fixture
def client(target):
    """The client of a token, which has nothing at the beginning and at the end."""
    target.client.headers["Authorization"] = f"Bearer {target.names['TOKEN']}"
    return target.client


def test_slow_clients_are_ended_while_others_are_served(target, client):
    post = target.fill(request("POST", "/v1/jobs", TOKEN, JSON, "Content-Length: 5000"))
    address = begin_upload(client, 1000)
    patch = request("PATCH", address, TOKEN, TUS, PART, "Upload-Offset: 0", "Content-Length: 1000")
    begins = [
        b"",
        b"GET",
        b"GET / HTTP/1.1\r\nHost: local",
        post[:-10],
        post,
        post + b"{",
        target.fill(patch) + b"x" * 10,
    ]
    connections = [socket.create_connection(target.address, timeout=45) for _ in range(5) for _ in begins]
    for connection, begin in zip(connections, begins * 5, strict=True):
        connection.sendall(begin)
    for _ in range(20):
        assert client.get("/v1/jobs").elapsed.total_seconds() < 5
    for connection, begin in zip(connections, begins * 5, strict=True):
        answer = read_answer(connection)
        assert answer.status in ((408, 423) if begin.startswith(b"PATCH") else (408,)), begin
        answer.problem()
        connection.close()
    assert client.head(address, headers=TUS_HEADERS).headers["upload-offset"] == "10"
    assert client.delete(address, headers=TUS_HEADERS).status_code == 204


def test_one_of_many_at_the_same_upload_writes_and_none_after_it_is_removed(target, client):
    address, size = begin_upload(client, 300_000), 300_000
    letters = [bytes([65 + number]) for number in range(16)]

    def send(letter):
        headers = PART_HEADERS | {"Upload-Offset": "0"}
        return client.patch(address, headers=headers, content=letter * size).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(send, letters))
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 423}
    stored = (target.folder / "uploads" / address[-32:] / "file").read_bytes()
    assert stored == letters[statuses.index(204)] * size
    with ThreadPoolExecutor(8) as pool:
        removed = list(pool.map(lambda _: client.delete(address, headers=TUS_HEADERS).status_code, range(8)))
    assert removed.count(204) >= 1
    assert set(removed) <= {204, 404, 423}
    assert client.patch(address, headers=PART_HEADERS | {"Upload-Offset": "0"}, content=b"x").status_code == 404
    assert not (target.folder / "uploads" / address[-32:]).exists()


def test_removing_and_writing_at_the_same_time_leaves_nothing(target, client):
    for _ in range(10):
        address = begin_upload(client, 200_000)
        headers = PART_HEADERS | {"Upload-Offset": "0"}
        writer = threading.Thread(
            target=client.patch, args=(address,), kwargs={"headers": headers, "content": b"x" * 200_000}
        )
        writer.start()
        while client.delete(address, headers=TUS_HEADERS).status_code == 423:
            time.sleep(0.01)
        writer.join()
        assert client.head(address, headers=TUS_HEADERS).status_code == 404
        assert not (target.folder / "uploads" / address[-32:]).exists()


def test_a_truncated_upload_is_no_source(target, client):
    address = begin_upload(client, 100_000)
    with socket.create_connection(target.address) as connection:
        head = request("PATCH", address, TOKEN, TUS, PART, "Upload-Offset: 0", "Content-Length: 100000")
        connection.sendall(target.fill(head) + b"x" * 5000)
        time.sleep(0.3)
    job = {"kind": "predict", "source": {"upload": address[-32:]}}
    assert client.post("/v1/jobs", json=job).status_code == 409
    while client.delete(address, headers=TUS_HEADERS).status_code == 423:
        time.sleep(0.05)


def test_a_request_that_is_replayed_makes_one_job(target, client):
    source = {"upload": target.names["UPLOAD"]}
    new, key = {"kind": "predict", "source": source, "options": {"start": 0}}, {"Idempotency-Key": "a-key"}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/jobs", json=new, headers=key), range(32)))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = client.post("/v1/jobs", json=new | {"options": {}}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-used")
    assert client.delete(f"/v1/jobs/{answers[0].json()['id']}").status_code == 204


def test_poisoned_media_end_with_a_reason_and_leave_nothing(target, client, tmp_path):
    written = write_hostile_files(tmp_path / "files")
    files = {name: written[name].read_bytes() for name in _MEDIA}
    files |= {"text.mp4": b"no film " * 100, "zip.mp4": b"PK\3\4" + bytes(5000)}
    files |= {
        "list.m3u8": b"#EXTM3U\nfile:///etc/passwd\n",
        "list.ffconcat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    }
    files |= {"entity.svg": b'<svg><image href="file:///etc/passwd"/></svg>', "page.html": b"<script>alert(1)</script>"}
    jobs = {}
    for name, content in files.items():
        new = {"kind": "predict", "source": send_upload(client, content, name)}
        jobs[name] = client.post("/v1/jobs", json=new).json()
    for name, job in jobs.items():
        ended = wait_for(client, job)
        assert ended["state"] == ("done" if name == _HARMLESS else "failed"), (name, ended)
        assert name == _HARMLESS or len(ended["reason"]) > 10
        assert [secret for secret in target.secrets() if secret in str(ended)] == [], (name, ended)
        assert name == _HARMLESS or not (target.folder / "jobs" / job["id"]).exists()
        assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
        assert client.delete(f"/v1/uploads/{job['source']['upload']}", headers=TUS_HEADERS).status_code == 204
        assert not (target.folder / "jobs" / job["id"]).exists()
    assert client.get("/readyz").status_code == 200
