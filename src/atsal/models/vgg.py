"""What both published networks are made of: VGG16 features (Simonyan and Zisserman, ICLR 2015) and SalGAN's decoder.

The decoder is the one of Pan et al., "SalGAN: Visual saliency prediction with adversarial networks", 2017. Modules are
numbered as in the published checkpoints, so a state dict loads without renaming.
"""

from collections.abc import Iterable

from torch import nn

from atsal.errors import ShapeError

Step = (
    int | str
)  # a number: 3x3 convolution to that many channels and its ReLU; "Pn": nxn max pool; "Un": n times repeated

DECODER: tuple[Step, ...] = (512, 512, 512, "U2", 512, 512, 512, "U2", 256, 256, 256, "U2", 128, 128, "U2", 64, 64)
FEATURES = 512  # channels between encoder and decoder
STRIDE = 16  # pixels of the input per feature


def vgg_layers(steps: Iterable[Step], channels: int) -> list[nn.Module]:
    """Build the layers of a table like `DECODER` on an input of `channels`, in the order of their state dict."""
    layers: list[nn.Module] = []
    for step in steps:
        if isinstance(step, int):
            layers += [nn.Conv2d(channels, step, 3, padding=1), nn.ReLU(inplace=True)]
            channels = step
        elif step.startswith("P"):
            layers.append(nn.MaxPool2d(int(step[1:])))
        else:
            layers.append(nn.Upsample(scale_factor=int(step[1:]), mode="nearest"))
    return layers


def decoder_layers() -> list[nn.Module]:
    """(B, 512, H / 16, W / 16) features -> (B, 1, H, W) saliency in [0, 1]."""
    return [*vgg_layers(DECODER, FEATURES), nn.Conv2d(64, 1, 1), nn.Sigmoid()]


def check_input(shape: tuple[int, ...], multiple: int, smallest: int) -> None:
    """Raise `ShapeError` unless `shape` is (B, 3, H, W), both sides multiples of `multiple` and at least `smallest`."""
    if len(shape) != 4 or shape[1] != 3 or min(shape[2:]) < smallest or any(side % multiple for side in shape[2:]):
        expected = f"(B, 3, H, W) with H and W multiples of {multiple}, at least {smallest}"
        raise ShapeError(f"network input of shape {tuple(shape)}: expected {expected}; resize or pad the image first")
