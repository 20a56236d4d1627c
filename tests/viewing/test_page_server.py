"""The server of the page: what it gives, and what it refuses."""

import http.client
import json
import socket
import time

import pytest

from atsal.viewing.scene import Progress

PROGRESS = Progress("Predicting", 0.5, failed=False)
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def server(tmp_path, serve):
    (tmp_path / "index.html").write_text("<p>page</p>")
    (tmp_path / "media.mp4").write_bytes(CONTENT)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "x.worker.js").write_text("0")
    site = {name: tmp_path / name for name in ("index.html", "media.mp4", "gone.js", "x.worker.js")}
    with serve(site, {"items/1/scene.json": PROGRESS}.get) as server:
        yield server


def ask(server, path, *, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_a_worker_may_compile_webassembly_and_nothing_else_may(server):
    """With the other two headers the page is cross-origin isolated, so that its WebAssembly has threads."""
    for path, allowed in [("/", False), ("/x.worker.js", True)]:
        answer, _ = ask(server, path)
        assert ("'wasm-unsafe-eval'" in answer.getheader("Content-Security-Policy")) == allowed
        assert answer.getheader("Cross-Origin-Opener-Policy") == "same-origin"
        assert answer.getheader("Cross-Origin-Embedder-Policy") == "require-corp"


def test_the_page_is_at_the_address(server):
    answer, body = ask(server, "/")
    assert (answer.status, body) == (200, b"<p>page</p>")
    assert answer.getheader("Content-Type").startswith("text/html")
    assert "default-src 'self'" in answer.getheader("Content-Security-Policy")
    assert server.address == f"http://127.0.0.1:{server.server_port}/"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-", 0, 10240),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-99999", 10000, 10240),
        ("bytes=-5", 10235, 10240),
    ],
)
def test_a_part_of_a_file(server, asked, start, stop):
    answer, body = ask(server, "/media.mp4", Range=asked)
    assert (answer.status, body) == (206, CONTENT[start:stop])
    assert answer.getheader("Content-Range") == f"bytes {start}-{stop - 1}/10240"
    assert answer.getheader("Content-Type") == "video/mp4"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=-", "bytes=x", "lines=1-2", f"bytes={'9' * 5000}-"])
def test_other_ranges_give_the_whole_file(server, asked):
    answer, body = ask(server, "/media.mp4", Range=asked)
    assert (answer.status, body) == (200, CONTENT)


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=20000-30000", "bytes=5-2"])
def test_a_range_without_bytes(server, asked):
    answer, body = ask(server, "/media.mp4", Range=asked)
    assert (answer.status, body, answer.getheader("Content-Range")) == (416, b"", "bytes */10240")


def test_a_file_has_the_type_of_its_name_on_the_page(tmp_path, serve):
    """A video that is called page.html is no page of this server."""
    (tmp_path / "page.html").write_bytes(CONTENT)
    with serve({"items/1/media.mp4": tmp_path / "page.html"}) as server:
        answer, body = ask(server, "/items/1/media.mp4")
    assert (answer.getheader("Content-Type"), body) == ("video/mp4", CONTENT)


def test_a_file_that_is_being_made_gives_the_progress(server):
    answer, body = ask(server, "/items/1/scene.json")
    assert (answer.status, json.loads(body)) == (202, {"text": "Predicting", "share": 0.5, "failed": False})
    assert answer.getheader("Content-Type") == "application/json"


def test_head_gives_the_length_alone(server):
    answer, body = ask(server, "/media.mp4", method="HEAD")
    assert (answer.status, body, answer.getheader("Content-Length")) == (200, b"", "10240")


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "//etc/passwd",
        "/maps/",
        "/./secret.txt",
        "/gone.js",
        "/\\x",
    ],
)
def test_nothing_else_is_served(server, path):
    answer, body = ask(server, path)
    assert answer.status == 404
    assert b"secret" not in body.replace(b"secret.txt", b"")


@pytest.mark.parametrize("host", ["attacker.example", "attacker.example:{port}", "127.0.0.1", "localhost:1", ""])
def test_another_host_name_is_refused(server, host):
    """A page elsewhere whose name was made to lead here (DNS rebinding) asks by its own name."""
    answer, _ = ask(server, "/", Host=host.format(port=server.server_port))
    assert answer.status == 403


def test_localhost_is_this_machine(server):
    assert ask(server, "/", Host=f"localhost:{server.server_port}")[0].status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_possible(server, method):
    assert ask(server, "/", method=method)[0].status == 501


def test_only_this_machine_is_served(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_browser_that_hangs_up_does_no_harm(server, tmp_path, capfd):
    (tmp_path / "media.mp4").write_bytes(CONTENT * 400)  # more than the system buffers
    with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
        connection.sendall(f"GET /media.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode())
        connection.recv(100)
    assert ask(server, "/")[0].status == 200
    time.sleep(0.1)  # the thread of the first request ends
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("path", ["http://[x/", "//[", "\\\\host\\share", "/%00", "/?[/../"])
def test_an_address_that_is_none_is_answered(server, capfd, path):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
        lines = f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{server.server_port}", "Connection: close", "", ""
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(12) == (b"HTTP/1.1 200" if "?" in path else b"HTTP/1.1 404")
    assert capfd.readouterr().err == ""
