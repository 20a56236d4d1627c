"""The configuration of nginx in deploy/ lets everything through as it comes."""

import socket
import time
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from atsal.client import Client
from fakes.service_process import nginx_before

PARTS = 40
PART = b"x" * 100_000


@pytest.fixture(scope="module")
def proxy(address, tmp_path_factory):
    with nginx_before(address, tmp_path_factory.mktemp("nginx")) as found:
        yield found


@pytest.fixture
def client(proxy):
    with Client(proxy) as client:
        yield client


def test_an_upload_arrives_while_it_is_sent(client, proxy):
    """So what came before a cut is kept, and nothing is stored twice."""
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(PARTS * len(PART))}
    path = client._http.post("/v1/uploads", headers=headers).headers["Location"]
    with socket.create_connection((urlsplit(proxy).hostname, urlsplit(proxy).port)) as connection:
        head = {
            "Host": urlsplit(proxy).netloc,
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(PARTS * len(PART)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        connection.sendall(f"PATCH {path} HTTP/1.1\r\n{lines}\r\n".encode())
        for _ in range(PARTS // 2):
            connection.sendall(PART)
    for _ in range(100):
        answer = client._http.head(path, headers={"Tus-Resumable": "1.0.0"})
        if answer.headers.get("Upload-Offset", "0") != "0":
            break
        time.sleep(0.1)
    assert int(answer.headers["Upload-Offset"]) > PARTS // 4 * len(PART)


def test_a_large_part_is_taken(client, tmp_path):
    path = tmp_path / "large.txt"
    path.write_bytes(PART * 120)  # more than nginx takes by default, in several parts
    job = client.wait(client.submit("count", path))
    assert job.results[0].bytes == 120 * len(PART) + 3


def test_events_come_while_the_job_runs(client, source):
    seen = []
    job = client.submit("count", source, frames=4, seconds_each=0.5)
    done = client.wait(job, progress=lambda progress: seen.append((progress.done, time.monotonic())))
    assert done.state == "done"
    assert len({count for count, _ in seen}) > 1, "all events came at the end"
    assert seen[-1][1] - seen[0][1] > 0.3


def test_parts_of_results(client, source, tmp_path):
    job = client.wait(client.submit("count", source, frames=3))
    answer = client._http.get(f"/v1/jobs/{job.id}/results/lines.txt", headers={"Range": "bytes=2-5"})
    assert (answer.status_code, answer.content, answer.headers["Content-Range"]) == (206, b"text", "bytes 2-5/21")
    assert client.download(job, tmp_path)[0].read_text().startswith("0 text\n1 text")


def test_a_websocket_comes_through(proxy):
    """Up to the service, which refuses the parameter in a message of its own."""
    socket = connect(f"{proxy.replace('http', 'ws').rstrip('/')}/v1/live?stream=wrong")
    with socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=60)
    assert closed.value.rcvd.code == 4400
    assert "wrong" in closed.value.rcvd.reason
