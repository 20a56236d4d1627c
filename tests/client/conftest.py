"""A service in a process of its own, for the tests of its clients."""

import sys
from urllib.parse import urlsplit

import pytest

from atsal.client import Client
from fakes.cutting_proxy import cutting_proxy
from fakes.service_process import listening

SERVE = """
import logging, sys
from pathlib import Path
from atsal.serving.server import run_server
from atsal.serving.service import open_service
from atsal.serving.settings import Settings
from fakes.small_kinds import COUNT

logging.basicConfig(level=logging.INFO)
if __name__ == "__main__":
    run_server(open_service(Settings(Path(sys.argv[1]), port=0, least_free_bytes=0), COUNT))
"""


@pytest.fixture(scope="session")
def address(tmp_path_factory, pytestconfig):
    """The address of a service whose jobs only count."""
    folder = tmp_path_factory.mktemp("service")
    with listening([sys.executable, "-c", SERVE, str(folder)], cwd=pytestconfig.rootpath / "tests") as address:
        yield address


@pytest.fixture
def client(address):
    with Client(address) as client:
        yield client


@pytest.fixture
def proxy(address):
    """A proxy before the service that can cut connections."""
    with cutting_proxy(urlsplit(address).port) as proxy:
        yield proxy


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a film.txt"
    path.write_text("text")
    return path
