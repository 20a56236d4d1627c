"""The architecture `paper`: the published layers of ATSal (Dahou et al., arXiv 2011.10600).

The attention stream and the experts (SalEMA, Linardos et al., BMVC 2019) are made of VGG16 features (Simonyan and
Zisserman, ICLR 2015) and the decoder of SalGAN (Pan et al., "SalGAN: Visual saliency prediction with adversarial
networks", 2017). Modules are numbered as in the published checkpoints, so a state dict loads without renaming.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atsal.errors import ShapeError
from atsal.models.architecture import Architecture
from atsal.models.config import ModelConfig
from atsal.models.moving_average import exponential_average

# A layer: a number is a 3x3 convolution to that many channels and its ReLU, "Pn" an nxn max pool, "Un" an upsampling
# that repeats each pixel n times along both sides.
Layer = int | str
VGG: tuple[Layer, ...] = (64, 64, "P2", 128, 128, "P2", 256, 256, 256)
ATTENTION_ENCODER: tuple[Layer, ...] = (*VGG, "P4", 512, 512, 512, 512, 512, 512)
EXPERT_ENCODER: tuple[Layer, ...] = (*VGG, "P2", 512, 512, 512, "P2", 512, 512, 512)
MASK: tuple[Layer, ...] = ("P2", 64, 128, "P2", 64, 128)
DECODER: tuple[Layer, ...] = (512, 512, 512, "U2", 512, 512, 512, "U2", 256, 256, 256, "U2", 128, 128, "U2", 64, 64)
FEATURES = 512  # channels between encoder and decoder
AVERAGED = 30  # index of the expert's layer whose output is averaged: the decoder's first convolution, before its ReLU
PHOTO_STANDARD_DEVIATION = 64.0  # of grey levels


class AttentionStream(nn.Module):
    """Saliency of an equirectangular frame, in the published layout: 64 tensors, 32.30 M parameters.

    The published input is BGR in [0, 255] minus (103.939, 116.779, 123.68), 320 x 640. Any multiple of 32 from 64 on
    works. The mask equals the published one if both sides are multiples of 64; otherwise it is stretched a little to
    cover the features.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*_make_layers(ATTENTION_ENCODER, 3))
        self.attention_module = nn.Sequential(*_make_layers(MASK, FEATURES), nn.Conv2d(128, 1, 1), nn.Sigmoid())
        self.decoder = nn.Sequential(*_make_decoder())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W), sides multiples of 32, at least 64 -> saliency (B, 1, H, W) and mask (B, 1, H / 16, W / 16).

        Both are in [0, 1]. Raises `ShapeError` for an input of another shape.
        """
        _check_input(x, 32, 64)
        features = self.encoder(x)  # (B, 512, H / 16, W / 16)
        coarse = self.attention_module(features)  # (B, 1, H / 64, W / 64), rounded down
        mask = F.interpolate(coarse, size=features.shape[-2:], mode="nearest")
        return self.decoder(features + features * mask), mask


class SalEMA(nn.Module):
    """Saliency of one cube face, frame by frame, in the published layout: 55 tensors, 31.79 M parameters.

    A SalGAN whose bottleneck is averaged over time. The published input is BGR in [0, 255] minus
    (103.939, 116.779, 123.68), faces of 160 or 256 pixels.
    """

    def __init__(self, alpha: float = 0.25) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([alpha]))  # logit of the new frame's weight
        layers = [*_make_layers(EXPERT_ENCODER, 3), *_make_decoder()]
        layers[AVERAGED + 1] = nn.ReLU()  # not in place: its input is the state, which the next frame needs
        self.salgan = nn.Sequential(*layers)

    def forward(
        self, x: Tensor, state: Tensor | None = None, frames: int = 1, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W), sides multiples of 16, and the state of the previous frame (None at the start of a video).

        Returns the saliency (B, 1, H, W) in [0, 1] and the new state (B, 512, H / 16, W / 16). Each face of each video
        has its own state. For `frames` and `carry` see `exponential_average`. Raises `ShapeError` for an input or a
        state of another shape.
        """
        return self.decode(self.encode(x), state, frames, carry)

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return the features that are averaged over time, (B, 512, H / 16, W / 16) of (B, 3, H, W)."""
        _check_input(x, 16, 16)
        return [self.salgan[: AVERAGED + 1](x)]

    def decode(
        self, features: Sequence[Tensor], state: Tensor | None, frames: int = 1, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return saliency and state as `forward` does, from the features of `encode`."""
        (x,) = features
        state = exponential_average(x, state, self.alpha, frames, carry)
        return self.salgan[AVERAGED + 1 :](state), state


def _make_layers(layers: Iterable[Layer], channels: int) -> list[nn.Module]:
    """Build the modules of a table of layers on an input of `channels`, in the order of their state dict."""
    modules: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, int):
            modules += [nn.Conv2d(channels, layer, 3, padding=1), nn.ReLU(inplace=True)]
            channels = layer
        elif layer.startswith("P"):
            modules.append(nn.MaxPool2d(int(layer[1:])))
        else:
            modules.append(nn.Upsample(scale_factor=int(layer[1:]), mode="nearest"))
    return modules


def _make_decoder() -> list[nn.Module]:
    """Build the decoder: features (B, 512, H / 16, W / 16) -> saliency (B, 1, H, W) in [0, 1]."""
    return [*_make_layers(DECODER, FEATURES), nn.Conv2d(64, 1, 1), nn.Sigmoid()]


def _check_input(x: Tensor, multiple: int, smallest: int) -> None:
    """Raise `ShapeError` unless `x` is (B, 3, H, W), both sides multiples of `multiple` and at least `smallest`."""
    shape = tuple(x.shape)
    if len(shape) != 4 or shape[1] != 3 or min(shape[2:]) < smallest or any(side % multiple for side in shape[2:]):
        expected = f"(B, 3, H, W) with H and W multiples of {multiple}, at least {smallest}"
        raise ShapeError(f"network input of shape {shape}: expected {expected}; resize or pad the image first")


def _new_parts(config: ModelConfig) -> dict[str, nn.Module]:
    """Return the parts with random weights.

    The layers have no normalisation. Their convolutions are initialised for ReLUs (He et al., ICCV 2015). The first one
    is divided by the standard deviation of its input, which is in grey levels.
    """
    parts: dict[str, nn.Module] = {"attention": AttentionStream(), "poles": SalEMA(), "equator": SalEMA()}
    for module in (module for part in parts.values() for module in part.modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            if module.in_channels == 3:
                module.weight.data /= PHOTO_STANDARD_DEVIATION / config.scale
    return parts


PAPER = Architecture(
    name="paper",
    summary="the published layers; its weights are imported by `atsal weights import`",
    default_config=ModelConfig(
        "paper",
        erp_height=320,
        face_size=160,
        layout="published",
        channel_order="bgr",
        mean=(103.939, 116.779, 123.68),
        scale=1.0,
    ),
    new_parts=_new_parts,
    state_channels=FEATURES,
    weights_help=(
        "fetch them with `atsal weights download --all -o DIR`, "
        "then `atsal weights import --attention A.pth --poles P.pth --equator E.pth`"
    ),
    has_published_procedure=True,
    oldest_format=1,
    parameter_groups={"mask": ("attention_module.",), "average": ("alpha",), "decoder": ("decoder.",)},
)
