"""The compact two-stream network: the design of ATSal at a small part of its cost.

Both streams have an encoder (`efficientnet`), pretrained on ImageNet, and a decoder of the same design: a feature
pyramid (Lin et al., CVPR 2017) of separable convolutions, with the saliency map at a quarter of the input's resolution.
The experts share their encoder's weights.

Images enter as RGB in [0, 1].
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from atsal.models.blocks import ExponentialAverage, replicate_pad_to_multiple
from atsal.models.efficientnet import BOTTOM, EIGHTH, QUARTER, SIXTEENTH, ConvNorm, Encoder

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
    """The 1/16 level: the bottom features doubled, joined with the lateral ones, filtered (no activation)."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral_bottom = ConvNorm(BOTTOM, PYRAMID, activation=False)
        self.lateral_sixteenth = ConvNorm(SIXTEENTH, PYRAMID, activation=False)
        self.smooth = Separable(PYRAMID, PYRAMID, activation=False)

    def forward(self, sixteenth: Tensor, bottom: Tensor) -> Tensor:
        """Features at 1/16 and 1/32 -> (B, 96, H / 16, W / 16)."""
        level: Tensor = self.smooth(self.lateral_sixteenth(sixteenth) + double(self.lateral_bottom(bottom)))
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
        x = self.smooth_eighth(self.lateral_eighth(eighth) + double(F.relu(pyramid)))
        x = self.smooth_quarter(self.lateral_quarter(quarter) + double(x))
        logits: Tensor = self.head(x)
        return logits


def double(x: Tensor) -> Tensor:
    """Twice the height and width, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


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
        """(B, 3, S, S) RGB in [0, 1], and the state of the frame before (None at the start of a video).

        `frames` consecutive frames may come at once, and for `carry` see `exponential_average`.

        Returns the saliency (B, 1, S / 4, S / 4) in [0, 1] and the new state (B, 96, S / 16, S / 16), S rounded up to
        a multiple of 32 inside.
        """
        saliency, state = self.decode(self.encode(x), state, frames, carry)
        height, width = -(-x.shape[-2] // OUTPUT_STRIDE), -(-x.shape[-1] // OUTPUT_STRIDE)
        return saliency[..., :height, :width], state

    def encode(self, x: Tensor) -> list[Tensor]:
        """The encoder's features of (B, 3, S, S), S rounded up to a multiple of 32: at 1/4, 1/8, 1/16 and 1/32."""
        features: list[Tensor] = self.encoder(replicate_pad_to_multiple(x, STRIDE))
        return features

    def decode(
        self, features: Sequence[Tensor], state: Tensor | None, frames: int = 1, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, from what `encode` makes of the input; the saliency is of the rounded size."""
        quarter, eighth, sixteenth, bottom = features
        state = self.average(self.pyramid(sixteenth, bottom), state, frames, carry)
        return torch.sigmoid(self.decoder(quarter, eighth, state)), state


class LiteAttention(nn.Module):
    """Attention stream on the whole ERP frame; the compact counterpart of `AttentionStream`.

    The frame is extended across the ±180° border before the first layer, so the border sees the same surroundings
    as the rest.
    """

    MARGIN = 16  # pixels added on each side, columns of the opposite side

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.mask = nn.Sequential(nn.MaxPool2d(2), Separable(SIXTEENTH, PYRAMID), Separable(PYRAMID, PYRAMID))
        self.mask_logits = nn.Conv2d(PYRAMID, 1, 1)
        self.pyramid = Pyramid()
        self.decoder = Decoder()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, 1, H / 4, W / 4) and masks (B, 1, H / 16, W / 16) of frames (B, 3, H, W = 2H), RGB in [0, 1].

        H is a multiple of 32.
        """
        margin = self.MARGIN
        wrapped = torch.cat([x[..., -margin:], x, x[..., :margin]], dim=-1)
        quarter, eighth, sixteenth, bottom = self.encoder(wrapped)
        mask = double(torch.sigmoid(self.mask_logits(self.mask(sixteenth))))
        pyramid = self.pyramid(sixteenth * (1 + mask), bottom)
        logits = self.decoder(quarter, eighth, pyramid)
        cut, cut_mask = margin // OUTPUT_STRIDE, margin // 16
        return torch.sigmoid(logits)[..., cut:-cut], mask[..., cut_mask:-cut_mask]


def share_encoder(equator: nn.Module, poles: nn.Module) -> None:
    """Give both experts one encoder if their encoders have the same weights, so that it runs once for all faces."""
    if not isinstance(equator, LiteExpert) or not isinstance(poles, LiteExpert):
        return
    own, other = equator.encoder.state_dict(), poles.encoder.state_dict()
    if all(torch.equal(value, other[name]) for name, value in own.items()):
        poles.encoder = equator.encoder


def fold_normalisation(module: nn.Module) -> None:
    """Merge each batch normalisation of a module in eval mode into the convolution before it, in place.

    The kernels are then rounded to what half precision holds, so that a graph may store them so and lose nothing.
    """
    for child in module.modules():
        if isinstance(child, ConvNorm):
            convolution, normalisation = child[0], child[1]
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                folded = fuse_conv_bn_eval(convolution, normalisation)
                with torch.no_grad():
                    folded.weight.copy_(folded.weight.half())
                child[0], child[1] = folded, nn.Identity()
