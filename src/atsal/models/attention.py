"""The attention stream of ATSal (Dahou et al., arXiv 2011.10600): whole frame, feature mask, decoder."""

from torch import Tensor, nn
from torch.nn import functional as F

from atsal.models.vgg import FEATURES, Step, check_input, decoder_layers, vgg_layers

ENCODER: tuple[Step, ...] = (64, 64, "P2", 128, 128, "P2", 256, 256, 256, "P4", 512, 512, 512, 512, 512, 512)
MASK: tuple[Step, ...] = ("P2", 64, 128, "P2", 64, 128)
INPUT_MULTIPLE = 32
SMALLEST_INPUT = 64  # one mask value


class AttentionStream(nn.Module):
    """Saliency of an equirectangular frame, in the published layout: 64 tensors, 32.30 M parameters.

    The published input is BGR in [0, 255] minus (103.939, 116.779, 123.68), 320 x 640; any multiple of 32 from 64 on
    works. The mask is the published one where both sides are multiples of 64; elsewhere it is stretched a little to
    cover the features.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*vgg_layers(ENCODER, 3))
        self.attention_module = nn.Sequential(*vgg_layers(MASK, FEATURES), nn.Conv2d(128, 1, 1), nn.Sigmoid())
        self.decoder = nn.Sequential(*decoder_layers())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W), sides multiples of 32, at least 64 -> saliency (B, 1, H, W) and mask (B, 1, H / 16, W / 16).

        Both are in [0, 1]. Raises `ShapeError` for an input of another shape.
        """
        check_input(tuple(x.shape), INPUT_MULTIPLE, SMALLEST_INPUT)
        features = self.encoder(x)  # (B, 512, H / 16, W / 16)
        coarse = self.attention_module(features)  # (B, 1, H / 64, W / 64), rounded down
        mask = F.interpolate(coarse, size=features.shape[-2:], mode="nearest")
        return self.decoder(features + features * mask), mask
