"""The compact two-stream network: the design of ATSal at 1/800 of its cost.

One backbone serves both streams: dense convolutions where the maps are large (depthwise ones are bound by memory
there), inverted residuals (Sandler et al., CVPR 2018) below, and a small feature pyramid (Lin et al., CVPR 2017) as
decoder, with the saliency map at a quarter of the input's resolution.

Images enter as RGB in [0, 1]; the encoder shifts and scales them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from atsal.models.blocks import ExponentialAverage, replicate_pad_to_multiple

STAGES = (16, 24, 40, 112, 192)  # channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input; at width 1
PYRAMID = 64
OUTPUT_STRIDE = 4
STRIDE = 32


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation and, unless `activation` is false, a ReLU."""

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
            nn.BatchNorm2d(channels_out),
        ]
        if activation:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes allow."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1, expansion: int = 4) -> None:
        super().__init__()
        hidden = channels_in * expansion
        self.layers = nn.Sequential(
            ConvNorm(channels_in, hidden),
            ConvNorm(hidden, hidden, 3, stride=stride, groups=hidden),
            ConvNorm(hidden, channels_out, activation=False),
        )
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride)."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class Separable(nn.Sequential):
    """A depthwise 3x3 and a pointwise convolution."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(ConvNorm(channels_in, channels_in, 3, groups=channels_in), ConvNorm(channels_in, channels_out))


class Encoder(nn.Module):
    """Features at 1/4, 1/8, 1/16 and 1/32 of the input."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = (width * channels for channels in STAGES)
        self.quarter = nn.Sequential(ConvNorm(3, c2, 3, stride=2), ConvNorm(c2, c4, 3, stride=2))
        self.eighth = nn.Sequential(InvertedResidual(c4, c8, stride=2), InvertedResidual(c8, c8))
        self.sixteenth = nn.Sequential(
            InvertedResidual(c8, c16, stride=2), InvertedResidual(c16, c16), InvertedResidual(c16, c16)
        )
        self.bottom = nn.Sequential(InvertedResidual(c16, c32, stride=2), InvertedResidual(c32, c32))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, 3, H, W) in [0, 1], sides multiples of 32 -> four feature maps, finest first."""
        quarter = self.quarter((x - 0.45) / 0.25)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        return quarter, eighth, sixteenth, self.bottom(sixteenth)


class Decoder(nn.Module):
    """From the 1/16 pyramid level (its first convolution is the caller's) up to one logit at 1/4."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        _, c4, c8, _, _ = (width * channels for channels in STAGES)
        level = width * PYRAMID
        self.lateral_eighth = ConvNorm(c8, level, activation=False)
        self.smooth_eighth = Separable(level, level // 2)
        self.lateral_quarter = ConvNorm(c4, level // 2, activation=False)
        self.smooth_quarter = Separable(level // 2, level // 2)
        self.head = nn.Conv2d(level // 2, 1, 1)

    def forward(self, quarter: Tensor, eighth: Tensor, pyramid: Tensor) -> Tensor:
        """Features at 1/4, 1/8 and the pyramid level at 1/16 -> logits (B, 1, H / 4, W / 4)."""
        x = self.smooth_eighth(self.lateral_eighth(eighth) + double(F.relu(pyramid)))
        x = self.smooth_quarter(self.lateral_quarter(quarter) + double(x))
        logits: Tensor = self.head(x)
        return logits


class Pyramid(nn.Module):
    """The 1/16 level: the bottom features doubled, joined with the lateral ones, filtered (no activation)."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        _, _, _, c16, c32 = (width * channels for channels in STAGES)
        level = width * PYRAMID
        self.lateral_bottom = ConvNorm(c32, level, activation=False)
        self.lateral_sixteenth = ConvNorm(c16, level, activation=False)
        self.convolution = nn.Conv2d(level, level, 3, padding=1)

    def forward(self, sixteenth: Tensor, bottom: Tensor) -> Tensor:
        """Features at 1/16 and 1/32 -> (B, 64 width, H / 16, W / 16)."""
        joined = self.lateral_sixteenth(sixteenth) + double(self.lateral_bottom(bottom))
        level: Tensor = self.convolution(F.relu(joined))
        return level


def double(x: Tensor) -> Tensor:
    """Twice the height and width, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class LiteExpert(nn.Module):
    """Recurrent expert on one cube face; the compact counterpart of `SalEMA`, with the same call."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        self.encoder = Encoder(width)
        self.pyramid = Pyramid(width)
        self.average = ExponentialAverage()
        self.decoder = Decoder(width)

    def forward(
        self, x: Tensor, state: Tensor | None = None, frames: int = 1, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) RGB in [0, 1], and the state of the frame before (None at the start of a video).

        `frames` consecutive frames may come at once, and for `carry` see `exponential_average`.

        Returns the saliency (B, 1, S / 4, S / 4) in [0, 1] and the new state (B, 64 width, S / 16, S / 16), S rounded
        up to a multiple of 32 inside.
        """
        padded = replicate_pad_to_multiple(x, STRIDE)
        quarter, eighth, sixteenth, bottom = self.encoder(padded)
        state = self.average(self.pyramid(sixteenth, bottom), state, frames, carry)
        logits = self.decoder(quarter, eighth, state)
        height, width = -(-x.shape[-2] // OUTPUT_STRIDE), -(-x.shape[-1] // OUTPUT_STRIDE)
        return torch.sigmoid(logits)[..., :height, :width], state


class LiteAttention(nn.Module):
    """Attention stream on the whole ERP frame; the compact counterpart of `AttentionStream`.

    The frame is extended across the ±180° border before the first layer, so the border sees the same surroundings
    as the rest, and `latitude_logits` (one a row) carries the equator prior.
    """

    MARGIN = 32  # pixels added on each side, columns of the opposite side

    def __init__(self, erp_height: int = 160, width: int = 1) -> None:
        super().__init__()
        level = width * PYRAMID
        self.encoder = Encoder(width)
        self.mask = nn.Sequential(nn.MaxPool2d(2), Separable(width * STAGES[3], level), Separable(level, level))
        self.mask_logits = nn.Conv2d(level, 1, 1)
        self.pyramid = Pyramid(width)
        self.decoder = Decoder(width)
        self.latitude_logits = nn.Parameter(torch.zeros(erp_height // OUTPUT_STRIDE))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, 1, H / 4, W / 4) and masks (B, 1, H / 16, W / 16) of frames (B, 3, H, W = 2H), RGB in [0, 1].

        H is the height of construction.
        """
        margin = self.MARGIN
        wrapped = torch.cat([x[..., -margin:], x, x[..., :margin]], dim=-1)
        quarter, eighth, sixteenth, bottom = self.encoder(wrapped)
        mask = double(torch.sigmoid(self.mask_logits(self.mask(sixteenth))))
        pyramid = self.pyramid(sixteenth * (1 + mask), bottom)
        logits = self.decoder(quarter, eighth, pyramid) + self.latitude_logits[:, None]
        cut, cut_mask = margin // OUTPUT_STRIDE, margin // 16
        return torch.sigmoid(logits)[..., cut:-cut], mask[..., cut_mask:-cut_mask]


def fold_normalisation(module: nn.Module) -> None:
    """Merge each batch normalisation of a module in eval mode into the convolution before it, in place."""
    for child in module.modules():
        if isinstance(child, ConvNorm):
            convolution, normalisation = child[0], child[1]
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                child[0] = fuse_conv_bn_eval(convolution, normalisation)
                child[1] = nn.Identity()
