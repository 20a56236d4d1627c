"""Bytes behind URLs: what is asked for, and what happens when servers misbehave."""

import pickle
import socket
import sys
from dataclasses import replace

import pytest

from atsal.errors import MediaError, MissingDependencyError
from atsal.jobs.checksums import cached_sha256
from atsal.remote import filesystems
from atsal.remote.content import BLOCK_BYTES
from atsal.remote.facts import Facts
from atsal.remote.path import RemotePath, as_path
from atsal.untrusted.files import check_readable

CONTENT = bytes(range(256)) * (5 * 2**12) + b"end"  # five blocks, and three bytes


def read(path, start=0, size=-1):
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


def test_an_empty_file_is_refused(server):
    server.files["a.mp4"] = b""
    with pytest.raises(MediaError, match=r"a\.mp4: is empty"):
        check_readable(as_path(server.url("a.mp4")), "video")


def test_another_process_reads_the_same_url(server):
    server.files["a.bin"] = CONTENT
    path = pickle.loads(pickle.dumps(as_path(server.url("a.bin?sig=hush"))))
    assert path == as_path(server.url("a.bin?sig=hush"))
    assert read(path, 5, 5) == CONTENT[5:10]


def test_files_in_memory_are_files():
    fsspec = pytest.importorskip("fsspec", reason="the extra `cloud` is not installed")
    fsspec.filesystem("memory").pipe_file("/clips/a.bin", CONTENT)
    assert read(as_path("memory://clips/a.bin"), 5, 5) == CONTENT[5:10]
    assert list(as_path("memory://clips").iterdir()) == [as_path("memory://clips/a.bin")]
    fsspec.filesystem("memory").rm("/clips", recursive=True)


def test_a_version_is_known_by_its_etag_before_its_date():
    listed = Facts(5, '"a"', "10:00:00.123")
    assert listed.is_same_version(Facts(5, '"a"', "10:00:00"))
    assert not listed.is_same_version(Facts(5, '"b"', "10:00:00.123"))
    assert not listed.is_same_version(Facts(5, None, "11:00:00"))
    assert not listed.is_same_version(Facts(6))


def test_a_part_is_read_with_its_blocks_alone_and_once(server):
    server.files["a.bin"] = CONTENT
    path = as_path(server.url("a.bin"))
    assert read(path, 3 * BLOCK_BYTES - 5, 10) == CONTENT[3 * BLOCK_BYTES - 5 :][:10]
    assert read(path, 3 * BLOCK_BYTES, 10) == CONTENT[3 * BLOCK_BYTES :][:10]
    assert [request.byte_range for request in server.requests] == [
        "bytes=0-0",
        "bytes=2097152-3145727",
        "bytes=3145728-4194303",
    ]
    assert read(path) == CONTENT


@pytest.mark.parametrize("faults", [[500], [503, 429], ["cut", "cut"]])
def test_a_server_that_fails_for_a_moment_is_asked_again(server, faults):
    server.files["a.bin"] = CONTENT
    path = as_path(server.url("a.bin"))
    path.stat()
    server.faults.extend(faults)
    assert read(path) == CONTENT


def test_a_server_that_stalls_is_asked_again_and_then_named(server, monkeypatch, fresh_connections):
    monkeypatch.setattr(filesystems, "STALL_TIMEOUT_S", 0.1)
    server.files["a.bin"] = CONTENT
    path = as_path(server.url("a.bin?token=hush"))
    path.stat()
    server.faults.append("stall")
    assert read(path, 0, 5) == CONTENT[:5]
    server.always = "stall"
    with pytest.raises(MediaError, match=r"a\.bin\?token=…: cannot be read \(no answer .*; tried 4 times\)"):
        read(path, 2 * BLOCK_BYTES, 5)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (500, "500 Internal Server Error; tried 4 times"),
        (403, "may not be read .*HTTP 403"),
        (418, "HTTP 418"),
        ("cut", "connection was cut; tried 4"),
    ],
)
def test_a_server_that_keeps_failing_is_named_with_its_answer(server, fault, reason):
    server.files["a.bin"] = CONTENT
    path = as_path(server.url("a.bin"))
    path.stat()
    server.always = fault
    with pytest.raises(MediaError, match=reason):
        read(path)


def test_nobody_listens(server):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        path = as_path(f"http://127.0.0.1:{unused.getsockname()[1]}/a.mp4")
        with pytest.raises(MediaError, match=r"cannot be read \(.*; tried 4 times\)"):
            check_readable(path, "video")


def test_a_missing_file_is_missing(server):
    path = as_path(server.url("nothing.mp4"))
    assert not path.exists()
    with pytest.raises(MediaError, match=r"nothing\.mp4: no such file"):
        check_readable(path, "video")
    assert len(server.requests) == 1


@pytest.mark.parametrize("has_etags", [True, False])
def test_a_file_that_changes_is_refused_and_read_anew_by_the_next_run(server, has_etags):
    server.has_etags = has_etags
    server.files["a.bin"] = CONTENT
    path = as_path(server.url("a.bin"))
    read(path, 0, 5)
    server.files["a.bin"] = CONTENT[::-1] + b"!"
    with pytest.raises(MediaError, match="changed while it was read"):
        read(path, 2 * BLOCK_BYTES, 5)
    assert read(as_path(server.url("a.bin"))) == CONTENT[::-1] + b"!"


def test_without_ranges_a_file_is_downloaded_once(server):
    server.has_ranges = False
    server.files["a.bin"] = CONTENT
    path = as_path(server.url("a.bin"))
    server.faults.extend(["ok", "cut"])
    assert read(path, 3 * BLOCK_BYTES, 9) == CONTENT[3 * BLOCK_BYTES :][:9]
    assert read(path) == CONTENT
    assert len(server.requests) == 3
    server.files["a.bin"] = CONTENT + b"!"
    with pytest.raises(MediaError, match="changed while it was read"):
        read(RemotePath(path.url, replace(path.facts, modified=None)))


def test_a_file_of_unknown_length_is_refused(server):
    server.has_ranges = server.states_length = False
    server.files["a.bin"] = CONTENT
    with pytest.raises(MediaError, match="does not say how long the file is"):
        as_path(server.url("a.bin")).stat()


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a"])
def test_a_redirect_to_another_protocol_is_not_followed(server, target):
    server.redirects["a.mp4"] = target
    with pytest.raises(MediaError, match="leads to no file on an HTTP server"):
        as_path(server.url("a.mp4")).stat()


def test_a_redirect_is_followed(server):
    server.files["b.bin"] = CONTENT
    server.redirects["a.bin"] = server.url("b.bin?signature=hush")
    assert read(as_path(server.url("a.bin")), 9, 9) == CONTENT[9:18]


def test_password_and_query_are_sent_and_not_shown(server):
    server.files["a.bin"] = CONTENT
    path = as_path(server.url("a.bin?sig=h%2Bush%3D").replace("//", "//user:word@"))
    assert read(path, 0, 5) == CONTENT[:5]
    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    assert server.requests[0].path == "a.bin?sig=h%2Bush%3D"
    for text in (str(path), repr(path), path.version, path.name):
        assert "word" not in text
        assert "ush" not in text


def test_a_version_is_known_without_reading(server):
    server.files["a.bin"] = CONTENT
    etag, date = as_path(server.url("a.bin")), as_path(server.url("a.bin"))
    assert etag.version.startswith('ETag "')
    server.has_etags = False
    assert date.version == f"last modified Mon, 01 Jun 2026 10:00:00 GMT, {server.url('a.bin')}"
    assert server.sent == 2
    server.has_dates = False
    unknown = as_path(server.url("a.bin"))
    assert unknown.version is None
    assert len(cached_sha256(unknown)) == 64
    assert server.sent > len(CONTENT)


def test_an_object_is_read_like_a_file(s3):
    s3.pipe_file("videos/clips/a?b#c.bin", CONTENT)
    path = as_path("s3://videos/clips/a?b#c.bin")
    assert read(path, 3 * BLOCK_BYTES - 5, 10) == CONTENT[3 * BLOCK_BYTES - 5 :][:10]
    assert path.version.startswith('ETag "')
    s3.pipe_file("videos/clips/a?b#c.bin", CONTENT[::-1])
    with pytest.raises(MediaError, match="changed while it was read"):
        read(path, 0, 5)


def test_a_prefix_is_a_folder(s3):
    for name in ("clips/b.mp4", "clips/a.mp4", "clips/deep/c.mp4", "other.mp4"):
        s3.pipe_file(f"videos/{name}", b"x")
    folder = as_path("s3://videos/clips")
    assert folder.is_dir()
    assert sorted(str(path) for path in folder.iterdir()) == [
        "s3://videos/clips/a.mp4",
        "s3://videos/clips/b.mp4",
        "s3://videos/clips/deep",
    ]
    assert [path.is_file() for path in sorted(folder.iterdir(), key=str)] == [True, True, False]


@pytest.mark.parametrize("url", ["s3://videos/nothing.mp4", "s3://no-such-bucket/a.mp4"])
def test_a_missing_object_is_missing(s3, url):
    with pytest.raises(MediaError, match=f"{url}: no such file"):
        check_readable(as_path(url), "video")


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ([500] * 9, "tried 4 times"),
        (["stall"] * 9, "tried 4 times"),
        ([403], "with these credentials"),
        ([500, "cut"], None),
    ],
)
def test_a_store_that_fails_is_asked_again_and_then_named(failing_s3, monkeypatch, faults, reason):
    monkeypatch.setattr(filesystems, "STALL_TIMEOUT_S", 0.1)
    failing_s3.files["videos/a.bin"] = CONTENT
    path = as_path("s3://videos/a.bin")
    path.stat()
    read(path, 0, 5)
    failing_s3.faults.extend(faults)
    if reason is None:
        assert read(path) == CONTENT
        return
    with pytest.raises(MediaError, match=rf"s3://videos/a\.bin: .*{reason}"):
        read(path, 2 * BLOCK_BYTES, 5)


def test_no_credentials(server, monkeypatch, tmp_path, fresh_connections):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url(""))
    with pytest.raises(MediaError, match="no credentials were found"):
        check_readable(as_path("s3://videos/a.mp4"), "video")


@pytest.mark.parametrize(("module", "url"), [("s3fs", "s3://videos/a.mp4"), ("aiohttp", "https://host/a.mp4")])
def test_the_extra_is_named_where_it_is_missing(monkeypatch, module, url, fresh_connections):
    pytest.importorskip("fsspec.registry")
    loaded = {}
    monkeypatch.setattr(sys.modules["fsspec.registry"], "_registry", loaded)
    monkeypatch.setattr(sys.modules["fsspec.registry"], "registry", loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=r'pip install "atsal\[cloud\]"'):
        as_path(url).stat()


def test_local_files_stay_local(tmp_path):
    assert as_path(f"file://{tmp_path}/a%20b.mp4") == tmp_path / "a b.mp4"
    assert as_path("clip.mp4").name == "clip.mp4"
