import sys
from pathlib import Path

import pytest

TESTS = str(Path(__file__).resolve().parents[1])
if TESTS not in sys.path:  # the fakes are imported as `fakes`, also when only this folder is run
    sys.path.insert(0, TESTS)


@pytest.fixture(scope="session")
def attention_network():
    from fakes.published import synthetic_attention

    return synthetic_attention()


@pytest.fixture(scope="session")
def expert_networks():
    from fakes.published import synthetic_expert

    return {name: synthetic_expert(name) for name in ("poles", "equator")}
