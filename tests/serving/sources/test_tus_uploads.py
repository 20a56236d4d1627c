"""Uploads in parts: what comes is kept, what lies is refused, and nothing is left of what failed."""

import errno
import os
import socket
import threading
import time

import pytest
from serving_tools import PART, TUS, begin_upload, send_upload, serving, wait_for

from atsal.serving.sources import uploads as routes
from atsal.serving.sources.settings import SourceSettings


def _size(client, address):
    return int(client.head(address, headers=TUS).headers["upload-offset"])


def _send(client, address, offset, content, **more):
    return client.patch(address, headers=PART | {"Upload-Offset": str(offset)} | more, content=content)


def test_an_upload_goes_on_and_becomes_the_source_of_jobs(client, service):
    address = begin_upload(client, 9, "../../films/a b\x07.TXT")
    assert _send(client, address, 0, b"one ").headers["upload-offset"] == "4"
    assert _size(client, address) == 4
    early = client.post("/v1/jobs", json={"kind": "count", "source": {"upload": address[-32:]}})
    assert (early.status_code, early.json()["type"]) == (409, "/problems/conflict")
    assert _send(client, address, 4, b"two t").headers["upload-offset"] == "9"
    source = {"upload": address[-32:]}
    jobs = [
        wait_for(client, client.post("/v1/jobs", json={"kind": "count", "source": source}).json()) for _ in range(2)
    ]
    assert [(job["state"], job["name"]) for job in jobs] == [("done", r"a b\x07.TXT")] * 2
    assert client.get(f"/v1/jobs/{jobs[0]['id']}/results/lines.txt").text == "0 one two t\n"
    assert client.delete(address, headers=TUS).status_code == 204
    assert not (service.data.uploads / address[-32:]).exists()
    assert client.head(address, headers=TUS).status_code == 404


def test_a_part_that_is_too_long_changes_nothing(client):
    address, half = begin_upload(client, 8 << 20), b"x" * (4 << 20)
    assert _send(client, address, 0, half).status_code == 204
    assert _send(client, address, 4 << 20, half + b"x").status_code == 413
    assert _send(client, address, 4 << 20, iter([half[: 1 << 20]] * 5)).status_code == 413  # without a stated length
    assert _size(client, address) == 4 << 20
    assert _send(client, address, 4 << 20, half).status_code == 204


@pytest.mark.parametrize("offset", ["0", "4", "6", "10"])
def test_a_part_begins_where_the_upload_ends(client, offset):
    address = begin_upload(client, 10)
    _send(client, address, 0, b"12345")
    assert _send(client, address, offset, b"x").status_code == 409
    assert _size(client, address) == 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Content-Type": "application/octet-stream"}, 415),
        ({"Upload-Offset": "-0"}, 400),
        ({"Upload-Offset": "0x0"}, 400),
        ({"Upload-Offset": "\u0661".encode()}, 400),
        ({"Upload-Offset": "0_0"}, 400),
        ({"Upload-Offset": ""}, 400),
        ({"X-HTTP-Method-Override": "DELETE"}, 400),
    ],
)
def test_a_part_with_wrong_headers_is_refused_before_it_is_written(client, headers, status):
    address = begin_upload(client, 10)
    assert client.patch(address, headers=PART | {"Upload-Offset": "0"} | headers, content=b"x").status_code == status
    assert _size(client, address) == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"Upload-Length": "0"}, 400),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "1e3"}, 400),
        ({"Upload-Length": "9" * 30}, 400),
        ({"Upload-Length": str(10**15)}, 413),
        ({"Upload-Length": "5", "Upload-Defer-Length": "1"}, 400),
        ({"Upload-Length": "5", "Upload-Concat": "partial"}, 400),
        ({"Upload-Concat": "final;/v1/uploads/a /v1/uploads/b"}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "filename ???"}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "filename /w=="}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "filename YQ==,filename Yg=="}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "a YQ==," * 700}, 400),
    ],
)
def test_an_upload_that_is_not_well_formed_is_not_begun(client, service, headers, status):
    before = sorted(service.data.uploads.iterdir())
    assert client.post("/v1/uploads", headers=TUS | headers).status_code == status
    assert sorted(service.data.uploads.iterdir()) == before


def test_a_new_upload_has_no_body(client):
    assert client.post("/v1/uploads", headers=TUS | {"Upload-Length": "5"}, content=b"12345").status_code in (400, 415)


@pytest.mark.parametrize("name", ["..", "%2e%2e", "a" * 32, "0" * 31, "0" * 33, "0" * 32 + ".part", "0" * 32 + "%00"])
def test_only_ids_name_uploads(client, name):
    assert client.head(f"/v1/uploads/{name}", headers=TUS).status_code in (404, 405)


def test_what_came_before_a_break_is_kept(client):
    address = begin_upload(client, 1000)
    _break_off(client, address, b"x" * 300, 1000)
    for _ in range(100):
        if _size(client, address) == 300:
            break
        time.sleep(0.05)
    assert _send(client, address, 300, b"y" * 700).status_code == 204


def _break_off(client, address, content, stated):
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(_head(address, stated) + content)
        time.sleep(0.2)


def _head(address, length):
    lines = [f"PATCH {address} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", "Upload-Offset: 0"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in PART.items()), "", ""]).encode()


def test_while_one_request_writes_others_are_told_to_wait_and_the_service_answers(client):
    address = begin_upload(client, 10)
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(_head(address, 10) + b"12")
        time.sleep(0.2)
        busy = _send(client, address, 0, b"1234567890")
        assert (busy.status_code, busy.headers["retry-after"]) == (423, "1")
        assert client.delete(address, headers=TUS).status_code == 423
        assert client.get("/v1/jobs").status_code == 200
        connection.sendall(b"34567890")
        assert b" 204 " in connection.recv(1000)
    assert _size(client, address) == 10


def test_of_many_at_once_one_writes(client, service):
    address = begin_upload(client, 4000)
    answers = []

    def send(letter):
        answers.append((_send(client, address, 0, letter * 4000).status_code, letter))

    threads = [threading.Thread(target=send, args=(bytes([65 + i]),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [letter for status, letter in answers if status == 204]
    assert len(won) == 1
    assert {status for status, _ in answers} <= {204, 409, 423}
    assert (service.data.uploads / address[-32:] / "file").read_bytes() == won[0] * 4000


def test_on_a_full_disk_the_upload_is_removed(client, service, monkeypatch):
    def write(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/a/secret/path")

    address = begin_upload(client, 10)
    monkeypatch.setattr(routes, "_write_all", write)
    answer = _send(client, address, 0, b"1234567890")
    assert (answer.status_code, answer.json()["type"]) == (507, "/problems/disk-full")
    assert "path" not in answer.text
    assert not (service.data.uploads / address[-32:]).exists()
    assert client.head(address, headers=TUS).status_code == 404


def test_a_disk_that_fails_is_in_the_log_and_the_upload_stays(client, monkeypatch, caplog):
    def write(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO), "/a/secret/path")

    address = begin_upload(client, 10)
    with monkeypatch.context() as broken:
        broken.setattr(routes, "_write_all", write)
        answer = _send(client, address, 0, b"1234567890")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/disk-unavailable")
    assert "path" not in answer.text
    assert "/a/secret/path" in caplog.text
    assert _send(client, address, 0, b"1234567890").status_code == 204


def test_uploads_have_limits_of_bytes_and_number(tmp_path):
    with serving(tmp_path, sources=SourceSettings(file_bytes=100, stored_bytes=150, uploads=2)) as (_, client):
        first = begin_upload(client, 100)
        over = client.post("/v1/uploads", headers=TUS | {"Upload-Length": "51"})
        assert (over.status_code, over.json()["type"]) == (413, "/problems/quota")
        begin_upload(client, 10)
        assert client.post("/v1/uploads", headers=TUS | {"Upload-Length": "1"}).status_code == 413
        client.delete(first, headers=TUS)
        begin_upload(client, 90)


@pytest.mark.slow
def test_a_file_that_jobs_have_taken_counts_after_its_upload_is_removed(tmp_path):
    with serving(tmp_path, sources=SourceSettings(stored_bytes=150)) as (_, client):
        source = send_upload(client, b"x" * 100)
        job = client.post("/v1/jobs", json={"kind": "count", "source": source}).json()
        client.delete(f"/v1/uploads/{source['upload']}", headers=TUS)
        wait_for(client, job)
        assert client.post("/v1/uploads", headers=TUS | {"Upload-Length": "100"}).status_code == 413
        client.delete(f"/v1/jobs/{job['id']}")
        begin_upload(client, 100)


def test_an_upload_expires(tmp_path):
    with serving(tmp_path, keep_days=1e-6) as (service, client):
        address = begin_upload(client, 10)
        time.sleep(0.2)
        assert client.head(address, headers=TUS).status_code == 410
        service.sweeper.remove_expired()
        assert list(service.data.uploads.iterdir()) == []
        assert client.head(address, headers=TUS).status_code == 404
