"""URLs: which are allowed, which addresses are public, and what a server may answer."""

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from atsal.errors import ConfigError, MediaError
from atsal.remote import http
from atsal.remote.retry import TransientError
from atsal.serving.kinds import Work
from atsal.serving.sources import url_download
from atsal.serving.sources.allowed_urls import allowed_url, parse_prefix
from atsal.serving.sources.public_addresses import is_public
from atsal.serving.sources.settings import SourceSettings
from atsal.serving.sources.url_download import download, fetch_source, resolves_publicly

PREFIXES = (parse_prefix("https://media.example/films/"), parse_prefix("http://other.example:8080/"))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("https://media.example/films/a.mp4", "https://media.example:443/films/a.mp4"),
        (
            "HTTPS://MEDIA.example:443/films/sub/a%20b.mp4?sig=x%2Fy",
            "https://media.example:443/films/sub/a%20b.mp4?sig=x%2Fy",
        ),
        ("https://media.example/%66ilms/a.mp4", "https://media.example:443/%66ilms/a.mp4"),
        ("http://other.example:8080/a", "http://other.example:8080/a"),
    ],
)
def test_a_url_below_a_prefix_is_allowed(text, asked):
    assert str(allowed_url(text, PREFIXES)) == asked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.mp4",
        "file:///etc/passwd",
        "ftp://media.example/films/a.mp4",
        "s3://media.example/films/a.mp4",
        "http://media.example/films/a.mp4",
        "https://media.example/films",
        "https://media.example/films/",
        "https://media.example/filmsx/a.mp4",
        "https://media.example/Films/a.mp4",
        "https://media.example:8443/films/a.mp4",
        "https://media.example./films/a.mp4",
        "https://evil.example/films/a.mp4",
        "https://media.example.evil.example/films/a.mp4",
        "https://media.example@evil.example/films/a.mp4",
        "https://user:password@media.example/films/a.mp4",
        "https://media.example\\@evil.example/films/a.mp4",
        "https://media.example/films/../secret.mp4",
        "https://media.example/films/%2e%2e/secret.mp4",
        "https://media.example/films/%2E./secret.mp4",
        "https://media.example/films/..%2fsecret.mp4",
        "https://media.example/films/..%5csecret.mp4",
        "https://media.example/films/%252e%252e/secret.mp4",
        "https://media.example/films/..;/secret.mp4",
        "https://media.example/films//a.mp4",
        "https://media.example//films/a.mp4",
        "https://media.example/films/a.mp4#x",
        "https://media.example/films/a.mp4\r\nX-A: b",
        "https://media.example/films/\ta.mp4",
        " https://media.example/films/a.mp4",
        "https://media.example/films/a%00.mp4",
        "https://media.example/films/%ff.mp4",
        "https://media.example/films/\u00e4.mp4",
        "https://\uff4dedia.example/films/a.mp4",
        "https://media.example:99999/films/a.mp4",
        "https://[::1/films/a.mp4",
        "https:///films/a.mp4",
        "https:/media.example/films/a.mp4",
        "//media.example/films/a.mp4",
    ],
)
def test_any_other_url_is_refused(text):
    with pytest.raises(ConfigError, match="does not read this URL"):
        allowed_url(text, PREFIXES)


@pytest.mark.parametrize(
    "text", ["https://media.example", "media.example/", "https://u@media.example/", "https://a/?b=/", "s3://a/"]
)
def test_a_prefix_is_a_host_and_folders(text):
    with pytest.raises(ConfigError, match="is no beginning of URLs"):
        parse_prefix(text)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_public(address):
    assert is_public(address)


_NEAR = """127.0.0.1 127.8.8.8 0.0.0.0 0.1.2.3 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1
192.0.0.1 192.88.99.1 198.18.0.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 fc00::1
fd00:ec2::254 fec0::1 ff02::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
64:ff9b:1::1 2002:7f00:1:: 2001:0:1::1 2001:db8::1 3fff::1 100::1 localhost 127.1 0x7f000001 2130706433"""


@pytest.mark.parametrize("address", _NEAR.split())
def test_what_is_near_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_a_name_of_this_machine_does_not_resolve_publicly(host):
    assert not resolves_publicly(host, 80)


class _Files(BaseHTTPRequestHandler):
    asked = []  # noqa: RUF012 - one server has one list

    def do_GET(self):
        self.asked.append(self.path)
        length, moved = self.path.rpartition("=")[2], self.path.partition("?to=")[2]
        if moved:
            self.send_response(302)
            self.send_header("Location", moved)
        elif self.path.startswith("/films/missing"):
            self.send_response(404)
        else:
            self.send_response(200)
            self.send_header("Content-Length", length if length.isdecimal() else "4")
        self.end_headers()
        with suppress(OSError):  # the client has gone
            for byte in b"film" if not moved else b"":
                self.wfile.write(bytes([byte]))
                time.sleep(0.15 * self.path.startswith("/films/slow"))

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


@pytest.fixture
def copy(server, tmp_path, monkeypatch):
    """Copy a URL below /films/ of the server with a limit of 100 bytes, and return the content."""
    monkeypatch.setattr(url_download, "retried", lambda action, _: action())
    _Files.asked.clear()

    def run(path, may_connect=lambda _: True):
        target = tmp_path / "source.mp4"
        try:
            download(server + path, [parse_prefix(f"{server}/films/")], target, 100, lambda: None, may_connect)
            return target.read_bytes()
        finally:
            target.unlink(missing_ok=True)
            assert list(tmp_path.iterdir()) == []

    return run


def test_a_file_is_copied_also_by_way_of_allowed_redirects(copy):
    assert copy("/films/a.mp4") == b"film"
    assert copy("/films/b?to=/films/c?to=d.mp4") == b"film"


def test_no_connection_is_made_to_an_address_that_is_not_public(copy):
    with pytest.raises((MediaError, TransientError)):
        copy("/films/a.mp4", is_public)
    assert _Files.asked == []


@pytest.mark.parametrize(
    "target",
    ["/secret.mp4", "http://localhost/films/a.mp4", "file:///etc/passwd", "//evil.example/films/a", "/films/../x"],
)
def test_a_redirect_to_a_url_that_is_not_allowed_is_not_followed(copy, target):
    with pytest.raises(ConfigError, match="does not read this URL"):
        copy(f"/films/a?to={target}")
    assert len(_Files.asked) == 1


def test_a_server_may_not_redirect_forever_or_send_more_than_the_limit(copy):
    with pytest.raises(MediaError, match="more than 5 redirects"):
        copy("/films/a?to=/films/a" + "?to=/films/a" * 8)
    with pytest.raises(MediaError, match="HTTP 404"):
        copy("/films/missing")


def test_a_file_beyond_the_limit_is_not_kept(server, tmp_path):
    with pytest.raises(MediaError, match="larger than the limit of 3 bytes"):
        download(
            server + "/films/a", [parse_prefix(f"{server}/films/")], tmp_path / "a", 3, lambda: None, lambda _: True
        )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_the_disk_cannot_take_is_not_begun(server, tmp_path):
    url, target = f"{server}/films/a={10**15}", tmp_path / "a"
    with pytest.raises(MediaError, match=r"has 10{15} bytes, more than there is space"):
        download(url, [parse_prefix(f"{server}/films/")], target, 1 << 60, lambda: None, lambda _: True)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_sends_a_byte_now_and_then_is_left(copy, monkeypatch):
    for module in (url_download, http):
        monkeypatch.setattr(module, "STALL_TIMEOUT_S", 0.3)
    with pytest.raises(TransientError, match="in that time"):
        copy("/films/slow")


def test_what_a_killed_process_left_of_a_copy_is_removed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".source.mp4.0123abcd.atsal-part").write_text("the begin")
    with pytest.raises(ConfigError):  # the rest is not of this test
        fetch_source(
            Work("", "predict", {}, "source.mp4", "https://other.example/a.mp4"), SourceSettings(), lambda: None
        )
    assert list(tmp_path.iterdir()) == []
