"""Winograd's convolutions against the direct ones in float64."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from atsal.errors import PredictionError
from atsal.models.config import ModelConfig
from atsal.models.loading import new_parts
from atsal.models.paper import AVERAGED
from atsal.models.two_stream import ATSal
from atsal.prediction.runtimes import start_session, winograd
from atsal.prediction.runtimes.winograd import Winograd, use_winograd
from atsal.prediction.streams import STREAMS

SHARE = 1e-4  # of the largest value; F(4 x 4) rounds to about 2e-5


def layers(*found: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*copy.deepcopy(found)).eval().requires_grad_(False)


def difference(sequence: nn.Sequential, x: torch.Tensor) -> float:
    """Of the replaced layers from what they were, as a share of the largest value."""
    expected = copy.deepcopy(sequence).double()(x.double())
    use_winograd(sequence)
    assert any(isinstance(layer, Winograd) for layer in sequence)
    found = sequence(x.contiguous(memory_format=torch.channels_last))
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("tiles", [1, 7, 512], ids=lambda tiles: f"{tiles} tiles at once")
@pytest.mark.parametrize("shape", [(4, 128, 12, 8), (1, 130, 16, 32), (3, 128, 7, 13), (2, 128, 1, 1)], ids=str)
@torch.inference_mode()
def test_it_is_the_convolution(monkeypatch, shape, tiles):
    monkeypatch.setattr(winograd, "TILES", tiles)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    assert difference(layers(nn.Conv2d(shape[1], 136, 3, padding=1)), x) < SHARE


@pytest.mark.parametrize("width", [32, 128, 160], ids="{} channels out".format)
@torch.inference_mode()
def test_doubling_and_relu_are_done_on_the_way(width):
    x = torch.randn((2, 128, 6, 10), generator=torch.Generator().manual_seed(1))
    sequence = layers(nn.Upsample(scale_factor=2), nn.Conv2d(128, width, 3, padding=1), nn.ReLU(inplace=True))
    assert difference(sequence, x) < SHARE
    assert isinstance(sequence[2], nn.Identity)
    assert isinstance(sequence[0], nn.Identity) == (width <= 128)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(64, 128, 3, padding=1),
        nn.Conv2d(128, 64, 3, padding=1),
        nn.Conv2d(128, 128, 1),
        nn.Conv2d(128, 128, 3),
        nn.Conv2d(128, 128, 3, padding=1, stride=2),
        nn.Conv2d(128, 128, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(128, 128, 3, padding=1, dtype=torch.float64),
        nn.Conv2d(128, 128, 3, padding=2, dilation=2),
        nn.Conv2d(256, 256, 3, padding=1, groups=2),
    ],
    ids=str,
)
def test_other_layers_stay(layer):
    sequence = layers(layer, nn.ReLU(inplace=True))
    use_winograd(sequence)
    assert isinstance(sequence[0], nn.Conv2d)
    assert isinstance(sequence[1], nn.ReLU)


def test_memory_between_two_calls_leaves_no_trace():
    sequence = layers(nn.Conv2d(128, 128, 3, padding=1))
    use_winograd(sequence)
    large, small = torch.randn(1, 128, 40, 40), torch.randn(1, 128, 9, 9)
    with torch.inference_mode():
        fresh = sequence(small).clone()
    sequence(large)
    assert torch.equal(sequence(small), fresh)


def test_threads_do_not_disturb_each_other():
    sequence = layers(nn.Conv2d(128, 128, 3, padding=1))
    use_winograd(sequence)
    pictures = [torch.full((1, 128, 40, 40), float(number)) for number in range(1, 5)]
    expected = [sequence(picture).clone() for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for found, alone in zip(pool.map(sequence, pictures), expected, strict=True):
                assert torch.equal(found, alone)


def test_gradients_are_refused_and_leave_no_trace():
    sequence = layers(nn.Conv2d(128, 128, 3, padding=1))
    use_winograd(sequence)
    picture = torch.ones(1, 128, 8, 8)
    with pytest.raises(PredictionError, match="no gradients: take one from `build_network`"):
        sequence(picture.requires_grad_())
    sequence(picture.detach())


@pytest.fixture(scope="module")
def large() -> ATSal:
    """The published layers, random, on small frames."""
    torch.manual_seed(0)
    config = ModelConfig("paper", 64, 32, map_height=64, channel_order="bgr", scale=1.0)
    return ATSal(config, **new_parts(config)).eval().requires_grad_(False)


@pytest.mark.slow
@torch.inference_mode()
def test_the_large_network_equals_float64_over_a_video(large):
    exact = copy.deepcopy(large).compute_in(torch.float64)
    session = start_session("auto", copy.deepcopy(large), torch.device("cpu"))
    assert session.runtime.name == "torch"  # the fastest for it, whatever is installed
    half = start_session("auto", copy.deepcopy(large), torch.device("cpu"), "half")
    assert half.runtime.name == "openvino"  # torch has none
    assert isinstance(session.network.equator.salgan[AVERAGED], Winograd)
    assert isinstance(session.network.equator.salgan[AVERAGED + 1], nn.ReLU)  # after the moving average, not before
    frames = np.random.default_rng(0).integers(0, 256, (3, 64, 128, 3), dtype=np.uint8)
    state, states = None, None
    for frame in frames:
        expected = exact(torch.from_numpy(frame).permute(2, 0, 1)[None].double(), state)
        found = session.run(frame[None], None if states is None else states[-1], STREAMS, 64, np.zeros(1, np.float32))
        state, states = expected.state, found.states
        for stream in STREAMS:
            assert np.abs(found.streams[stream][0] - getattr(expected, stream)[0, 0].numpy()).max() < SHARE, stream
        assert np.abs(states - state.numpy()).max() < SHARE * state.abs().max()


def test_the_published_procedure_keeps_its_layers(large):
    network = ATSal(
        large.config,
        *(copy.deepcopy(part) for part in (large.attention, large.poles, large.equator)),
        procedure="published",
    )
    assert not any(
        isinstance(m, Winograd) for m in start_session("auto", network, torch.device("cpu")).network.modules()
    )


@torch.inference_mode()
def test_without_onednn_it_is_the_same(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    x = torch.randn((1, 128, 8, 8), generator=torch.Generator().manual_seed(1))
    assert difference(layers(nn.Conv2d(128, 128, 3, padding=1)), x) < SHARE
