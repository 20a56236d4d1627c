"""What all tests share."""

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # small networks and maps: threads that wait for a busy core cost more than they bring
    yield
    torch.set_num_threads(before)
