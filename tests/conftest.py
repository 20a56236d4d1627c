"""What all tests share."""

import pytest
import torch
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("no deadline")


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory):
    """Nothing is written to the user's cache."""
    home = tmp_path_factory.mktemp("home")
    (home / "graphs").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATSAL_HOME", str(home))
        yield home


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # small networks and maps: threads that wait for a busy core cost more than they bring
    yield
    torch.set_num_threads(before)
