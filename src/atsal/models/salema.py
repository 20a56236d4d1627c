"""SalEMA (Linardos et al., BMVC 2019), ATSal's expert on a cube face: a SalGAN with a bottleneck averaged in time."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from atsal.models.blocks import exponential_average
from atsal.models.vgg import STRIDE, Step, check_input, decoder_layers, vgg_layers

ENCODER: tuple[Step, ...] = (64, 64, "P2", 128, 128, "P2", 256, 256, 256, "P2", 512, 512, 512, "P2", 512, 512, 512)
AVERAGED = 30  # index of the layer whose output is averaged: the decoder's first convolution, before its ReLU


class SalEMA(nn.Module):
    """Saliency of one view, frame by frame, in the published layout: 55 tensors, 31.79 M parameters.

    The published input is BGR in [0, 255] minus (103.939, 116.779, 123.68), faces of 160 or 256 pixels.
    """

    def __init__(self, alpha: float = 0.25) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([alpha]))  # logit of the present frame's share
        layers = [*vgg_layers(ENCODER, 3), *decoder_layers()]
        layers[AVERAGED + 1] = nn.ReLU()  # not in place: its input is the state handed to the next frame
        self.salgan = nn.Sequential(*layers)

    def forward(
        self, x: Tensor, state: Tensor | None = None, frames: int = 1, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W), sides multiples of 16, and the state of the frame before (None at the start of a video).

        `frames` consecutive frames may come at once, and for `carry` see `exponential_average`.

        Returns the saliency (B, 1, H, W) in [0, 1] and the new state (B, 512, H / 16, W / 16). Each face, each video
        has its own state. Raises `ShapeError` for an input or a state of another shape.
        """
        return self.decode(self.encode(x), state, frames, carry)

    def encode(self, x: Tensor) -> list[Tensor]:
        """What is averaged in time: (B, 512, H / 16, W / 16) of (B, 3, H, W)."""
        check_input(tuple(x.shape), STRIDE, STRIDE)
        return [self.salgan[: AVERAGED + 1](x)]

    def decode(
        self, features: Sequence[Tensor], state: Tensor | None, frames: int = 1, carry: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, from what `encode` makes of the input."""
        (x,) = features
        state = exponential_average(x, state, self.alpha, frames, carry)
        return self.salgan[AVERAGED + 1 :](state), state
