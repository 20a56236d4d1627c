"""The architecture `lite`: the design of ATSal at a small fraction of its cost.

Both streams have an encoder (`efficientnet`), pretrained on ImageNet, and a decoder of the same design: a feature
pyramid (Lin et al., CVPR 2017) of separable convolutions, with the saliency map at a quarter of the input's resolution.
The experts share their encoder's weights. Input images are RGB in [0, 1].
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from atsal.models.architecture import Architecture
from atsal.models.config import ModelConfig
from atsal.models.efficientnet import BOTTOM, EIGHTH, QUARTER, SIXTEENTH, ConvNorm, Encoder
from atsal.models.moving_average import ExponentialAverage

PYRAMID = 96  # channels of each level
OUTPUT_STRIDE = 4
STRIDE = 32


class Separable(nn.Sequential):
    """A depthwise 5x5 and a pointwise convolution."""

    def __init__(self, channels_in: int, channels_out: int, *, activation: bool = True) -> None:
        super().__init__(
            ConvNorm(channels_in, channels_in, 5, groups=channels_in),
            ConvNorm(channels_in, channels_out, activation=activation),
        )


class Pyramid(nn.Module):
    """The 1/16 level: the bottom features upsampled, added to the lateral ones and filtered (no activation)."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral_bottom = ConvNorm(BOTTOM, PYRAMID, activation=False)
        self.lateral_sixteenth = ConvNorm(SIXTEENTH, PYRAMID, activation=False)
        self.smooth = Separable(PYRAMID, PYRAMID, activation=False)

    def forward(self, sixteenth: Tensor, bottom: Tensor) -> Tensor:
        """Features at 1/16 and 1/32 -> (B, 96, H / 16, W / 16)."""
        level: Tensor = self.smooth(self.lateral_sixteenth(sixteenth) + _upsample(self.lateral_bottom(bottom)))
        return level


class Decoder(nn.Module):
    """From the 1/16 level of the pyramid up to one logit at 1/4."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral_eighth = ConvNorm(EIGHTH, PYRAMID, activation=False)
        self.smooth_eighth = Separable(PYRAMID, PYRAMID)
        self.lateral_quarter = ConvNorm(QUARTER, PYRAMID, activation=False)
        self.smooth_quarter = Separable(PYRAMID, PYRAMID)
        self.head = nn.Conv2d(PYRAMID, 1, 1)

    def forward(self, quarter: Tensor, eighth: Tensor, pyramid: Tensor) -> Tensor:
        """Features at 1/4, 1/8 and the pyramid level at 1/16 -> logits (B, 1, H / 4, W / 4)."""
        x = self.smooth_eighth(self.lateral_eighth(eighth) + _upsample(F.relu(pyramid)))
        x = self.smooth_quarter(self.lateral_quarter(quarter) + _upsample(x))
        logits: Tensor = self.head(x)
        return logits


class LiteExpert(nn.Module):
    """Recurrent expert on one cube face; the compact counterpart of `SalEMA`, with the same call."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.pyramid = Pyramid()
        self.average = ExponentialAverage()
        self.decoder = Decoder()

    def forward(
        self, x: Tensor, state: Tensor | None = None, frames: int = 1, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) RGB in [0, 1], and the state of the previous frame (None at the start of a video).

        Returns the saliency (B, 1, S / 4, S / 4) in [0, 1] and the new state (B, 96, S / 16, S / 16), with S rounded up
        to a multiple of 32 inside. For `frames` and `carry` see `exponential_average`.
        """
        saliency, state = self.decode(self.encode(x), state, frames, carry)
        height, width = -(-x.shape[-2] // OUTPUT_STRIDE), -(-x.shape[-1] // OUTPUT_STRIDE)
        return saliency[..., :height, :width], state

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return features at 1/4, 1/8, 1/16 and 1/32 of (B, 3, S, S), S rounded up to a multiple of 32.

        The last row and column are repeated to reach it.
        """
        bottom, right = -x.shape[-2] % STRIDE, -x.shape[-1] % STRIDE
        x = F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x
        features: list[Tensor] = self.encoder(x)
        return features

    def decode(
        self, features: Sequence[Tensor], state: Tensor | None, frames: int = 1, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return saliency and state as `forward` does, from the features of `encode`; not cropped to S / 4."""
        quarter, eighth, sixteenth, bottom = features
        state = self.average(self.pyramid(sixteenth, bottom), state, frames, carry)
        return torch.sigmoid(self.decoder(quarter, eighth, state)), state


class LiteAttention(nn.Module):
    """Attention stream on the whole ERP frame; the compact counterpart of `AttentionStream`.

    Before the first layer, the frame is padded across the ±180° border, so the border has the same surroundings as the
    rest.
    """

    MARGIN = 16  # columns of the opposite side, added on each side

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.mask = nn.Sequential(nn.MaxPool2d(2), Separable(SIXTEENTH, PYRAMID), Separable(PYRAMID, PYRAMID))
        self.mask_logits = nn.Conv2d(PYRAMID, 1, 1)
        self.pyramid = Pyramid()
        self.decoder = Decoder()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (B, 3, H, 2H) RGB in [0, 1], H a multiple of 32 -> maps at 1/4 and masks at 1/16 of the size."""
        margin = self.MARGIN
        wrapped = torch.cat([x[..., -margin:], x, x[..., :margin]], dim=-1)
        quarter, eighth, sixteenth, bottom = self.encoder(wrapped)
        mask = _upsample(torch.sigmoid(self.mask_logits(self.mask(sixteenth))))
        pyramid = self.pyramid(sixteenth * (1 + mask), bottom)
        logits = self.decoder(quarter, eighth, pyramid)
        cut, cut_mask = margin // OUTPUT_STRIDE, margin // 16
        return torch.sigmoid(logits)[..., cut:-cut], mask[..., cut_mask:-cut_mask]


def _upsample(x: Tensor) -> Tensor:
    """Double the height and width, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _prepare_for_inference(parts: Mapping[str, nn.Module]) -> None:
    """Share the experts' encoder if both have the same weights, and fold all normalisation, in place."""
    equator, poles = parts["equator"], parts["poles"]
    if isinstance(equator, LiteExpert) and isinstance(poles, LiteExpert):
        weights, other = equator.encoder.state_dict(), poles.encoder.state_dict()
        if all(torch.equal(value, other[name]) for name, value in weights.items()):
            poles.encoder = equator.encoder
    for part in parts.values():
        fold_normalisation(part)


def fold_normalisation(module: nn.Module) -> None:
    """Merge each batch normalisation of a module in eval mode into the convolution before it, in place.

    Kernels are then rounded to half precision, so that a graph may store them in half precision without loss.
    """
    for child in module.modules():
        if isinstance(child, ConvNorm):
            convolution, normalisation = child[0], child[1]
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                folded = fuse_conv_bn_eval(convolution, normalisation)
                with torch.no_grad():
                    folded.weight.copy_(folded.weight.half())
                child[0], child[1] = folded, nn.Identity()


def _new_parts(_config: ModelConfig) -> dict[str, nn.Module]:
    return {"attention": LiteAttention(), "poles": LiteExpert(), "equator": LiteExpert()}


LITE = Architecture(
    name="lite",
    summary="compact two-stream network, weights in the package",
    default_config=ModelConfig(
        "lite",
        erp_height=160,
        face_size=64,
        map_height=80,
        face_fov_deg=100.0,
        attention_exponent=0.6,
        experts_exponent=0.4,
    ),
    new_parts=_new_parts,
    state_channels=PYRAMID,
    prepare_for_inference=_prepare_for_inference,
    weights=Path(__file__).parent / "weights" / "lite",
    frames_on_cpu=4,  # they share the cost of starting a layer, and the streams wait less often
    frames_on_gpu=32,
    is_small=True,
    has_front_prior=True,
    parameter_groups={
        "mask": ("mask.", "mask_logits."),
        "average": ("average.alpha",),
        "decoder": ("pyramid.", "decoder.", "average."),
    },
)
