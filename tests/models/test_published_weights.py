import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from atsal.errors import ConfigError, MissingDependencyError, OutputError, WeightsError
from atsal.models.published_weights import MIB, PUBLISHED, PublishedCheckpoint, download, find_published

CONTENT = bytes(range(256)) * 8000
ENTRY = PublishedCheckpoint("small", "expert", "none", (len(CONTENT),), "nothing")
PAGE = b"<!DOCTYPE html><html>Google Drive - Quota exceeded</html>"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        if self.path == "/absent":
            self.send_error(404)
        elif self.path == "/page":
            self.answer(200, PAGE, "text/html")
        elif self.path == "/cut" and "Range" not in self.headers and len(self.server.ranges) == 1:
            self.answer(200, CONTENT, length=len(CONTENT) // 2)  # the connection breaks half way, once
            self.close_connection = True
        else:
            self.file()

    def file(self):
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        extra = {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if start else {}
        self.answer(206 if start else 200, CONTENT[start:], **extra)

    def answer(self, status, body, kind="application/octet-stream", *, length=None, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), "ETag": '"1"', **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:length])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    pytest.importorskip("gdown")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.ranges = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(server, folder, path="/file", entry=ENTRY):
    return download(entry, folder, url=server.url + path, quiet=True)


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_the_five_published_checkpoints():
    assert [entry.name for entry in PUBLISHED] == [
        "attention-initial",
        "attention-images",
        "attention-video",
        "expert-poles",
        "expert-equator",
    ]
    assert len({entry.file_id for entry in PUBLISHED}) == 5
    for entry in PUBLISHED:
        assert entry.kind == entry.name.split("-")[0]
        assert entry.sizes[0] == (374 if entry.kind == "attention" else 364) * MIB
        assert entry.url == f"https://drive.google.com/uc?id={entry.file_id}"
        assert len(entry.file_id) == 33


def test_unknown_names_get_the_nearest_one():
    assert find_published("expert-poles") is PUBLISHED[3]
    with pytest.raises(ConfigError, match="did you mean 'expert-poles'"):
        find_published("experts-pole")
    with pytest.raises(ConfigError, match="expected one of attention-initial, "):
        find_published("xyz")


def test_full_download(server, tmp_path):
    file = fetch(server, tmp_path / "new" / "folder")
    assert file == tmp_path / "new" / "folder" / "small.pth"
    assert file.read_bytes() == CONTENT
    record = json.loads((file.parent / "small.pth.json").read_text())
    assert (record["sha256"], record["bytes"]) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert names(file.parent) == ["small.pth", "small.pth.json"]
    fetch(server, file.parent)
    assert len(server.ranges) == 1  # the second call found the file


def test_a_broken_download_is_resumed(server, tmp_path):
    with pytest.raises(WeightsError, match=r"download failed .*run it again to resume"):
        fetch(server, tmp_path, "/cut")
    assert not (tmp_path / "small.pth").exists()
    assert fetch(server, tmp_path, "/cut").read_bytes() == CONTENT
    resumed = [int(header.removeprefix("bytes=").rstrip("-")) for header in server.ranges if header]
    assert len(resumed) == 1
    assert 0 < resumed[0] <= len(CONTENT) // 2
    assert names(tmp_path) == ["small.pth", "small.pth.json"]


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    known = PublishedCheckpoint("small", "expert", "none", (len(CONTENT),), "nothing", sha256="0" * 64)
    with pytest.raises(WeightsError, match=r"sha256 \w{64}, expected 0{64}"):
        fetch(server, tmp_path, entry=known)
    assert names(tmp_path) == []


def test_a_right_checksum_passes(server, tmp_path):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    known = PublishedCheckpoint("small", "expert", "none", (len(CONTENT),), "nothing", sha256=sha256)
    assert fetch(server, tmp_path, entry=known).is_file()


@pytest.mark.parametrize(
    ("path", "message"),
    [("/page", "a web page came instead.*in a browser"), ("/absent", "download failed .*404.*in a browser")],
)
def test_pages_instead_of_files(server, tmp_path, path, message):
    with pytest.raises(WeightsError, match=message):
        fetch(server, tmp_path, path)
    assert names(tmp_path) == []


def test_no_server(tmp_path, monkeypatch):
    pytest.importorskip("gdown")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(WeightsError, match="download failed"):
        download(ENTRY, tmp_path, url="http://127.0.0.1:9/file", quiet=True)


def test_an_implausible_size_is_refused(server, tmp_path):
    large = PublishedCheckpoint("large", "expert", "none", (374 * MIB, 123 * MIB), "nothing")
    with pytest.raises(WeightsError, match=r"2048000 bytes \(2\.0 MiB\), expected 374\.0 MiB or 123\.0 MiB ± 3 %"):
        fetch(server, tmp_path, entry=large)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("size", "accepted"), [(0.972, True), (1.028, True), (0.968, False), (1.032, False)])
def test_three_percent(tmp_path, size, accepted):
    entry = PublishedCheckpoint("hand", "expert", "none", (100_000,), "nothing")
    (tmp_path / "hand.pth").write_bytes(bytes(int(100_000 * size)))
    if accepted:
        assert download(entry, tmp_path) == tmp_path / "hand.pth"
    else:
        with pytest.raises(WeightsError, match="± 3 %"):
            download(entry, tmp_path)
    assert (tmp_path / "hand.pth").exists()  # a file put there by hand is not deleted


def test_a_file_changed_after_its_download_is_noticed(server, tmp_path):
    file = fetch(server, tmp_path)
    file.write_bytes(b"x" + CONTENT[1:])
    with pytest.raises(WeightsError, match=r"expected .*: delete it and small\.pth\.json"):
        fetch(server, tmp_path)


def test_without_gdown(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "atsal\[download\]"'):
        download(ENTRY, tmp_path)


def test_a_folder_that_cannot_be(tmp_path):
    pytest.importorskip("gdown")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written: a part of its path is a file"):
        download(ENTRY, tmp_path / "file" / "folder")
