import pytest
import torch

from atsal.errors import ShapeError
from atsal.models.paper import AttentionStream, SalEMA


def frames(count, side=32, seed=0):
    return 50 * torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def test_parameter_counts(attention_network, expert_networks):
    assert sum(p.numel() for p in attention_network.parameters()) == 32_303_618
    assert sum(p.numel() for p in expert_networks["poles"].parameters()) == 31_787_010


@pytest.mark.parametrize("size", [(64, 128), (96, 192)])
def test_attention_shapes_and_ranges(attention_network, size):
    height, width = size
    with torch.inference_mode():
        saliency, mask = attention_network(50 * torch.randn(2, 3, height, width))
    assert saliency.shape == (2, 1, height, width)
    assert mask.shape == (2, 1, height // 16, width // 16)
    assert all(value.min() >= 0 and value.max() <= 1 for value in (saliency, mask))


@pytest.mark.parametrize("shape", [(1, 3, 32, 64), (1, 3, 100, 200), (3, 64, 128), (1, 1, 64, 128), (1, 3, 0, 64)])
def test_attention_refuses_other_shapes(shape):
    with torch.device("meta"):
        network = AttentionStream()
    with pytest.raises(ShapeError, match="multiples of 32, at least 64"):
        network(torch.zeros(shape))


def test_expert_refuses_other_shapes_and_another_batch_of_states(expert_networks):
    expert = expert_networks["equator"]
    with pytest.raises(ShapeError, match="multiples of 16"):
        expert(torch.zeros(1, 3, 40, 40))
    with pytest.raises(ShapeError, match=r"state of shape \(1, 512, 2, 2\): expected \(2, 512, 2, 2\)"):
        expert(frames(2), torch.zeros(1, 512, 2, 2))
    with pytest.raises(ShapeError, match=r"carry of shape \(2,\): expected \(2, 1, 1, 1\), or a scalar"):
        expert(frames(2), torch.zeros(2, 512, 2, 2), 1, torch.ones(2))


def test_state_is_the_averaged_convolution_before_its_relu(expert_networks):
    expert = expert_networks["equator"]
    first, second = frames(1, seed=1), frames(1, seed=2)
    with torch.inference_mode():
        _, state = expert(first)
        _, alone = expert(second)
        kept = state.clone()
        _, averaged = expert(second, state)
    share = 1 / (1 + torch.exp(torch.tensor(-0.25)))
    assert state.shape == (1, 512, 2, 2)
    assert state.min() < 0  # a ReLU before the average would have cut this
    assert torch.equal(state, kept)  # the caller's state is not changed
    torch.testing.assert_close(averaged, share * alone + (1 - share) * kept)


def test_faces_of_a_batch_do_not_mix(expert_networks):
    expert = expert_networks["poles"]
    with torch.inference_mode():
        _, state = expert(frames(2))
        together, _ = expert(frames(2, seed=3), state)
        _, state_1 = expert(frames(2)[1:])
        alone, _ = expert(frames(2, seed=3)[1:], state_1)
    torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=1e-4)


def test_gradients_reach_every_parameter():
    for network in (SalEMA(), AttentionStream()):
        if isinstance(network, SalEMA):
            loss = network(frames(1, side=16), torch.ones(1, 512, 1, 1))[0].mean()
        else:
            loss = network(frames(1, side=64))[0].mean()
        loss.backward()
        assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []
