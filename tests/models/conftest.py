import pytest


@pytest.fixture(scope="session")
def attention_network():
    from fakes.published import synthetic_attention

    return synthetic_attention()


@pytest.fixture(scope="session")
def expert_networks():
    from fakes.published import synthetic_expert

    return {name: synthetic_expert(name) for name in ("poles", "equator")}
