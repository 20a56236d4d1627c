"""Both streams and their fusion, by their own rules; the published ones are in test_published_parity.py."""

import copy
import dataclasses

import pytest
import torch

from atsal.errors import ConfigError, ShapeError
from atsal.models.config import ModelConfig
from atsal.models.lite import PYRAMID, LiteAttention, LiteExpert, fold_normalisation
from atsal.models.loading import build_network, find_weights
from atsal.models.two_stream import ATSal
from atsal.models.weight_folder import PARTS, read_weight_folder, write_weight_folder
from atsal.projection import erp_directions

LITE = ModelConfig(architecture="lite", erp_height=160, face_size=128, map_height=80, face_fov_deg=110)


def test_published_procedure_needs_published_layers():
    parts = {"attention": LiteAttention(), "poles": LiteExpert(), "equator": LiteExpert()}
    with pytest.raises(ConfigError, match="paper"):
        ATSal(LITE, **parts, procedure="published")


class Constant(torch.nn.Module):
    """Stands for an expert: a map of one value, and a state that counts the frames."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def encode(self, x):
        return [x]

    def decode(self, features, state=None, frames=1, carry=None):
        (x,) = features
        saliency = torch.full((len(x), 1, x.shape[-1] // 4, x.shape[-1] // 4), self.value)
        return saliency, torch.zeros(len(x), 1, 1, 1) if state is None else state + 1


class Level(torch.nn.Module):
    """Stands for the attention stream: the mean of the frame everywhere."""

    def forward(self, x):
        level = x.mean((1, 2, 3), keepdim=True)
        return level.expand(-1, 1, x.shape[-2] // 4, x.shape[-1] // 4), level


def test_equator_and_poles_are_where_they_belong():
    model = ATSal(dataclasses.replace(LITE, face_fov_deg=90), Level(), Constant(0.9), Constant(0.2))
    prediction = model(torch.full((1, 3, 160, 320), 127.5))
    latitude_component = erp_directions(80)[..., 1].abs()
    experts = prediction.experts[0, 0]
    assert torch.allclose(experts[latitude_component > 0.83], torch.tensor(0.9)), "the caps come from the poles expert"
    assert torch.allclose(experts[latitude_component < 0.5], torch.tensor(0.2)), (
        "the belt comes from the equator expert"
    )
    assert torch.allclose(prediction.attention, torch.tensor(0.5))
    assert torch.allclose(prediction.fused, 0.5 * prediction.experts), "the fusion is the product"


def test_exponents_of_the_product():
    config = dataclasses.replace(LITE, attention_exponent=0.5, experts_exponent=2.0)
    model = ATSal(config, Level(), Constant(0.3), Constant(0.3))
    assert torch.allclose(model(torch.full((1, 3, 160, 320), 63.75)).fused, torch.tensor(0.5 * 0.09), atol=1e-5)


def test_state_is_one_a_face_and_passed_on():
    model = ATSal(LITE, Level(), Constant(0.9), Constant(0.2))
    frame = torch.rand(2, 3, 160, 320) * 255
    first = model(frame)
    assert first.state.shape == (2, 6, 1, 1, 1)
    assert torch.equal(model(frame, first.state).state, torch.ones(2, 6, 1, 1, 1))


def test_wrong_frames_are_refused():
    model = ATSal(LITE, Level(), Constant(0.9), Constant(0.2))
    with pytest.raises(ShapeError, match="160"):
        model(torch.rand(1, 3, 320, 640))
    with pytest.raises(ShapeError, match="channels"):
        model(torch.rand(1, 4, 160, 320))


@pytest.fixture(scope="module")
def lite():
    return build_network(find_weights("lite"))


@torch.inference_mode()
def test_batch_equals_one_by_one(lite):
    frames = torch.rand(2, 3, 160, 320, generator=torch.Generator().manual_seed(0)) * 255
    both = lite(frames)
    for i in range(2):
        one = lite(frames[i : i + 1])
        assert torch.allclose(both.fused[i], one.fused[0], atol=1e-5)
        assert torch.allclose(both.state[i], one.state[0], atol=1e-4)


@torch.inference_mode()
def test_average_runs_in_the_state(lite):
    """h_2 = s f(x_2) + (1 - s) h_1, against a first frame, where nothing is averaged."""
    frames = torch.rand(2, 1, 3, 160, 320, generator=torch.Generator().manual_seed(1)) * 255
    alone = [lite.run_experts(frame)[1] for frame in frames]
    _, averaged = lite.run_experts(frames[1], alone[0])
    share = torch.sigmoid(lite.equator.average.alpha)
    assert torch.allclose(averaged, share * alone[1] + (1 - share) * alone[0], atol=1e-4)


@torch.inference_mode()
def test_an_encoder_that_both_experts_have_is_one_module_and_runs_once(lite, monkeypatch):
    assert lite.poles.encoder is lite.equator.encoder
    frames = torch.rand(2, 1, 3, 160, 320, generator=torch.Generator().manual_seed(2)) * 255
    views = []
    monkeypatch.setattr(lite.equator.encoder, "forward", seen(views, lite.equator.encoder.forward))
    first = lite(frames[0])
    shared = lite(frames[1], first.state)
    assert views == [6, 6]
    two = copy.deepcopy(lite)
    two.poles.encoder = copy.deepcopy(two.equator.encoder)
    views.clear()
    apart = two(frames[1], two(frames[0]).state)
    assert views == [4, 2, 4, 2]
    for one, other in zip(shared, apart, strict=True):
        assert (one - other).abs().max() <= 1e-6 * max(1.0, float(other.abs().max()))


def seen(views, forward):
    """`forward`, which notes how many views it is given."""

    def noting(x):
        views.append(len(x))
        return forward(x)

    return noting


def test_different_encoders_stay_two(tmp_path):
    bundle = find_weights("lite")
    weights = {part: bundle.load(part) for part in PARTS}
    name = next(name for name, value in weights["poles"].items() if name.startswith("encoder.") and value.ndim == 4)
    weights["poles"][name] = weights["poles"][name].clone()
    weights["poles"][name].view(-1)[0] += 0.25
    network = build_network(read_weight_folder(write_weight_folder(tmp_path / "weights", bundle.config, weights, {})))
    assert network.poles.encoder is not network.equator.encoder
    ours, theirs = network.poles.encoder.state_dict(), network.equator.encoder.state_dict()
    assert any(not torch.equal(ours[key], theirs[key]) for key in ours)


@torch.inference_mode()
def test_folded_normalisation_changes_nothing():
    torch.manual_seed(3)
    expert = LiteExpert()
    for module in expert.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    expert.eval()
    x = torch.rand(1, 3, 96, 96)
    before, _ = expert(x)
    fold_normalisation(expert)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in expert.modules())
    assert torch.allclose(expert(x)[0], before, atol=1e-5)


def test_lite_keeps_its_budget(lite):
    """At most 12 MB of weights and 3 GFLOP a frame."""
    from torch.utils.flop_counter import FlopCounterMode

    bundle = find_weights("lite")
    assert sum(file.stat().st_size for file in bundle.folder.iterdir()) <= 12_000_000
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        lite(torch.zeros(1, 3, 160, 320))
    assert counter.get_total_flops() <= 3e9


@pytest.mark.parametrize("size", [96, 100, 128])
def test_expert_takes_any_face(size):
    saliency, state = LiteExpert().eval()(torch.rand(1, 3, size, size))
    assert saliency.shape[-1] == -(-size // 4)
    assert saliency.min() >= 0
    assert saliency.max() <= 1
    assert state.shape[1] == PYRAMID
