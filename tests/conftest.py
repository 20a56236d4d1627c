"""What all tests share."""

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory):
    """Nothing is written to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATSAL_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # small networks and maps: threads that wait for a busy core cost more than they bring
    yield
    torch.set_num_threads(before)
