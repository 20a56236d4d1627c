"""Services for tests: real ones, with a kind of job that takes no time."""

import pytest
from serving_tools import serving, upload


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One service for the tests of a module."""
    with serving(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture(scope="module")
def service(served):
    return served[0]


@pytest.fixture(scope="module")
def client(served):
    return served[1]


@pytest.fixture
def submit(service, client):
    """Submit a job of the small kind, and return the answer as JSON."""

    def send(**options):
        new = {"kind": "count", "options": options, "source": upload(service)}
        answer = client.post("/v1/jobs", json=new)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return send
