"""A page that is served while a test runs."""

import threading
from contextlib import contextmanager

import pytest

from atsal.viewing.server import SiteServer


@contextmanager
def serving(site):
    with SiteServer(site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def serve():
    return serving
