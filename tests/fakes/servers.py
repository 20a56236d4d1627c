"""Fixtures: servers on this machine."""

import threading

import pytest

from atsal.remote import content, filesystems, retry
from fakes.file_server import FileServer


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing is kept from the test before; tries follow one another at once."""
    monkeypatch.setattr(retry, "WAITS_S", (0.01, 0.01, 0.01))
    yield
    content._blocks.cache_clear()
    content._downloaded.cache_clear()


@pytest.fixture
def fresh_connections():
    """Connections with the settings of this test. Others share theirs: to make one to S3 takes a while."""
    filesystems._filesystem.cache_clear()
    yield
    filesystems._filesystem.cache_clear()


@pytest.fixture
def server():
    """A `FileServer`."""
    pytest.importorskip("aiohttp", reason="the extra `cloud` is not installed")
    server = FileServer()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def s3_server():
    """The URL of an S3 server."""
    pytest.importorskip("s3fs", reason="the extra `cloud` is not installed")
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def aws(monkeypatch):
    """Set credentials as users do; return a function that sets the address of the server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-the-test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return lambda url: monkeypatch.setenv("AWS_ENDPOINT_URL", url)


@pytest.fixture
def s3(s3_server, aws):
    """An empty bucket called `videos`, and the file system of fsspec to look at it."""
    aws(s3_server)
    system = filesystems.filesystem("s3")
    system.mkdir("videos")
    yield system
    system.rm("videos", recursive=True)


@pytest.fixture
def failing_s3(server, aws, fresh_connections):
    """A `FileServer` that is taken for a store: its file `videos/a` is the object s3://videos/a."""
    pytest.importorskip("s3fs", reason="the extra `cloud` is not installed")
    aws(server.url("").rstrip("/"))
    return server
