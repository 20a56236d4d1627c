"""3 x 3 convolutions with a quarter of the multiplications, for the large network in PyTorch on a CPU.

This is Winograd's F(4 x 4, 3 x 3) after Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR
2016. A tile of 4 x 4 results needs 36 products of channels instead of 144. Its 6 x 6 pixels are transformed (`BT d B`).
Each of the 36 places is one matrix product over the channels, with weights that were transformed before (`G g GT`). The
products are transformed back (`AT m A`). Rounding grows to about 2e-5 of a layer's largest value.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atsal.errors import PredictionError

TILE = 4  # side of the results of a tile
PLACES = 6  # side of the pixels that it depends on
TILES = 512  # at once: enough for matrix products at full speed, few enough for all values to stay in the cache
WIDE = 128  # channels in and out; with fewer, the transforms cost more than the products save

# The transform of a kernel, for the points 0, 1, -1, 2, -2 and infinity.
G = torch.tensor([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float32).div(24)
# Turns a kernel on doubled pixels into one on the pixels before doubling, for the first and second of each pair.
HALVES = torch.tensor([[[1, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 1]]], dtype=torch.float32)

Multiply = Callable[[Tensor], Tensor]


def use_winograd(network: nn.Module) -> None:
    """Replace the wide 3 x 3 convolutions in the `nn.Sequential`s of a network, in place. It has no gradients then.

    The replacement includes an in-place ReLU after the layer. It also includes a doubling before it, unless the layer
    is so wide that four times its weights would need too much memory.
    """
    workspace = Workspace()
    for layers in (module for module in network.modules() if isinstance(module, nn.Sequential)):
        for number in range(len(layers)):
            layer = layers[number]
            if not isinstance(layer, nn.Conv2d):
                continue
            doubled = number > 0 and _is_doubling(layers[number - 1]) and layer.out_channels <= WIDE
            if not _is_suited(layer, doubled=doubled):
                continue
            relu = number + 1 < len(layers) and _is_in_place_relu(layers[number + 1])
            layers[number] = Winograd(layer, workspace, doubled=doubled, relu=relu)
            if doubled:
                layers[number - 1] = nn.Identity()
            if relu:
                layers[number + 1] = nn.Identity()


def _is_suited(layer: nn.Conv2d, *, doubled: bool) -> bool:
    plain = (layer.kernel_size, layer.stride, layer.padding) == ((3, 3), (1, 1), (1, 1))
    made = layer.out_channels * (4 if doubled else 1)
    plain = plain and layer.dilation == (1, 1) and layer.groups == 1 and layer.padding_mode == "zeros"
    return plain and layer.weight.dtype == torch.float32 and min(layer.in_channels, made) >= WIDE


def _is_doubling(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Upsample) and layer.mode == "nearest" and layer.scale_factor == 2


def _is_in_place_relu(layer: nn.Module) -> bool:
    return isinstance(layer, nn.ReLU) and layer.inplace  # so nothing else reads its input


class Workspace(threading.local):
    """Memory for intermediate values that all layers share, one for each thread: new memory is slow at first use."""

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def __deepcopy__(self, _memo: object) -> "Workspace":
        return Workspace()

    def take(self, name: str, *shape: int) -> Tensor:
        """Return a tensor of this shape, with any content, in the memory of that name."""
        count = torch.Size(shape).numel()
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < count:
            with torch.inference_mode(False):  # an inference tensor could not be written outside of that mode
                buffer = self._buffers[name] = torch.empty(count, dtype=torch.float32)
        return buffer[:count].view(shape)


class Winograd(nn.Module):
    """A 3 x 3 convolution with padding 1; optionally of pixels `doubled` in both directions, and with a ReLU.

    The doubled picture is never made. A kernel on pairs of equal pixels is a kernel on the pixels themselves, a
    different one for each of the four results.
    """

    def __init__(self, layer: nn.Conv2d, workspace: Workspace, *, doubled: bool = False, relu: bool = False) -> None:
        super().__init__()
        self.workspace, self.relu, self.channels = workspace, relu, layer.out_channels
        self.times = 2 if doubled else 1
        kernels = layer.weight.detach()
        if doubled:
            kernels = torch.einsum("pyi,ocij,qxj->pqocyx", HALVES, kernels, HALVES).flatten(0, 2)
        both = torch.einsum("xj,yi->xyij", G, G).reshape(PLACES**2, 9)  # columns first, as in `_convolve`
        places = (both @ kernels.flatten(2).reshape(-1, 9).T).view(PLACES**2, *kernels.shape[:2])
        self.multiply = [_multiply_by(place) for place in places]
        self.bias = None if layer.bias is None else layer.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) float32 -> (B, C', h, w), or twice the sides, channels last. `PredictionError` for gradients."""
        if torch.is_grad_enabled() and x.requires_grad:
            raise PredictionError(
                "a network whose convolutions were replaced for speed has no gradients: take one from `build_network`"
            )
        batch, _, height, width = x.shape
        rows, columns = -(-height // TILE), -(-width // TILE)
        high, wide = TILE * self.times * rows, TILE * self.times * columns
        found = x.new_empty(batch, high, wide, self.channels)
        images = min(batch, max(1, TILES // (rows * columns)))  # small ones together, large ones in strips
        strip = rows if images > 1 else min(rows, max(1, TILES // columns))
        for images_now in (slice(first, first + images) for first in range(0, batch, images)):
            for top in range(0, rows, strip):
                tiles = min(strip, rows - top)
                padded = self._pad(x[images_now], TILE * top - 1, TILE * tiles + 2, TILE * columns + 2)
                results = found[images_now, TILE * self.times * top : TILE * self.times * (top + tiles)]
                self._convolve(padded, results)
                if self.bias is not None:
                    results += self.bias
                if self.relu:
                    results.clamp_(min=0)
        return found[:, : self.times * height, : self.times * width].permute(0, 3, 1, 2)

    def _pad(self, x: Tensor, top: int, height: int, width: int) -> Tensor:
        """Return rows `top` to `top + height` of x (B, C, h, w) as (B, height, width, C), padded with zeros."""
        batch, channels, h, w = x.shape
        padded = self.workspace.take("padded", batch, height, width, channels)
        first, last = max(top, 0), min(top + height, h)
        for outside in (padded[:, : first - top], padded[:, last - top :], padded[:, :, 0], padded[:, :, w + 1 :]):
            outside.zero_()
        padded[:, first - top : last - top, 1 : w + 1] = x[:, :, first:last].permute(0, 2, 3, 1)
        return padded

    def _convolve(self, padded: Tensor, results: Tensor) -> None:
        """Fill `results` (B, 4r, 4c, C'), or twice the sides, from `padded` (B, 4r + 2, 4c + 2, C)."""
        batch, height, width, channels = padded.shape
        rows, columns = height // TILE, width // TILE
        take, times = self.workspace.take, self.times
        half = take("half", PLACES, batch, rows, width, channels)
        self._transform([padded[:, i : i + height - 5 : TILE] for i in range(PLACES)], half)
        places = take("places", PLACES, PLACES, batch, rows, columns, channels)
        self._transform([half[:, :, :, i : i + width - 5 : TILE] for i in range(PLACES)], places)
        products = [
            multiply(place).view(batch, rows, columns, times, times, self.channels)
            for multiply, place in zip(self.multiply, places.view(PLACES**2, -1, channels), strict=True)
        ]
        half_back = take("half_back", PLACES, TILE, *products[0].shape)
        for column in range(PLACES):
            self._transform_back(products[PLACES * column : PLACES * (column + 1)], half_back[column])
        tiles = results.view(batch, rows, TILE, times, columns, TILE, times, self.channels)
        self._transform_back(half_back, tiles.permute(5, 2, 0, 1, 4, 3, 6, 7))

    def _transform(self, d: Sequence[Tensor], out: Tensor) -> None:
        """`out = BT d`: 6 tensors -> 6."""
        a, b = (self.workspace.take(name, *d[0].shape) for name in "ab")
        torch.sub(d[4], d[2], alpha=4, out=a)
        torch.sub(d[3], d[1], alpha=4, out=b)
        torch.add(a, b, out=out[1])
        torch.sub(a, b, out=out[2])
        torch.sub(d[4], d[2], out=a)
        torch.sub(d[3], d[1], out=b)
        torch.add(a, b, alpha=2, out=out[3])
        torch.sub(a, b, alpha=2, out=out[4])
        torch.sub(d[0], d[2], out=b)
        torch.add(a, b, alpha=4, out=out[0])  # 4 d0 - 5 d2 + d4
        torch.sub(d[5], d[3], out=a)
        torch.sub(d[1], d[3], out=b)
        torch.add(a, b, alpha=4, out=out[5])  # 4 d1 - 5 d3 + d5

    def _transform_back(self, m: Sequence[Tensor] | Tensor, out: Tensor) -> None:
        """`out = AT m`: 6 tensors -> 4."""
        a, b, c, d = (self.workspace.take(name, *m[0].shape) for name in "abcd")
        torch.add(m[1], m[2], out=a)
        torch.sub(m[1], m[2], out=b)
        torch.add(m[3], m[4], out=c)
        torch.sub(m[3], m[4], out=d)
        torch.add(b, d, alpha=2, out=out[1])
        torch.add(a, c, alpha=4, out=out[2])
        torch.add(b, d, alpha=8, out=b)
        torch.add(b, m[5], out=out[3])
        torch.add(a, c, out=a)
        torch.add(a, m[0], out=out[0])


def _multiply_by(weight: Tensor) -> Multiply:
    """Return a function `x @ weight.T` of x (T, C), for weight (C', C).

    It runs in oneDNN with packed weights, where this build of PyTorch has it. PyTorch's own products run in MKL, which
    uses only half of AVX-512 on processors of other makers than Intel.
    """
    packed_linear: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if packed_linear is None or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return lambda x: F.linear(x, weight)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, TILES)
    return lambda x: packed_linear(x, packed, None, "none", [], "")
