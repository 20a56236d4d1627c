"""Bilinear sampling of ERP frames and of stacked faces, continuous across their borders."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


class ConstantTensor:
    """A tensor that never changes, cached once per device and precision.

    It is never an inference tensor, even if it is first used in inference mode: later, gradients may pass through it.
    """

    def __init__(self, values: Tensor) -> None:
        with torch.inference_mode(False):
            self._values = values.clone()
        self._cache: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def like(self, x: Tensor) -> Tensor:
        """Return the tensor on the device of `x` and, if it is floating point, in the precision of `x`."""
        dtype = x.dtype if self._values.is_floating_point() else self._values.dtype
        key = (x.device, dtype)
        if key not in self._cache:
            with torch.inference_mode(False):
                self._cache[key] = self._values.to(dtype).to(x.device)
        return self._cache[key]


class SamplingGrid:
    """Fixed sampling positions in an image of (height, width) pixels.

    `row` and `column` are fractional pixel indices (0 = centre of the first pixel), both (h, w) float64.
    """

    def __init__(self, row: Tensor, column: Tensor, height: int, width: int) -> None:
        self._height, self._width = height, width
        # grid_sample(align_corners=False) maps -1 .. 1 to the outer edges of the first and last pixel
        self._grid = ConstantTensor(torch.stack([(column + 0.5) * 2 / width - 1, (row + 0.5) * 2 / height - 1], dim=-1))

    def positions(self) -> tuple[Tensor, Tensor]:
        """Return the rows and columns of the positions, (h, w) float64 each."""
        x, y = self._grid.like(torch.zeros((), dtype=torch.float64)).unbind(-1)
        return ((y + 1) * self._height - 1) / 2, ((x + 1) * self._width - 1) / 2

    def sample(self, image: Tensor) -> Tensor:
        """Sample (B, C, height, width) -> (B, C, h, w); differentiable in the image."""
        grid = self._grid.like(image).expand(image.shape[0], -1, -1, -1)
        return F.grid_sample(image, grid, padding_mode="border", align_corners=False)


def wrap_pad(erp: Tensor) -> Tensor:
    """Pad (B, C, H, W) by one pixel: across the ±180° border, and over the poles with the row half a turn away."""
    half = erp.shape[-1] // 2
    top, bottom = erp[..., :1, :].roll(half, -1), erp[..., -1:, :].roll(half, -1)
    tall = torch.cat([top, erp, bottom], dim=-2)
    return torch.cat([tall[..., -1:], tall, tall[..., :1]], dim=-1)


class ErpSampler:
    """Sample ERP frames at fixed fractional positions, interpolating across the ±180° border and the poles."""

    def __init__(self, row: Tensor, column: Tensor, erp_height: int) -> None:
        self._grid = SamplingGrid(row + 1, column + 1, erp_height + 2, 2 * erp_height + 2)

    def __call__(self, erp: Tensor) -> Tensor:
        """(B, C, H, 2H) -> (B, C, h, w)."""
        return self._grid.sample(wrap_pad(erp))


def run_in_float32(operation: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Run `operation` on half-precision `x` in float32, where positions are exact enough, and cast the result back.

    Autocast is disabled inside, so matrix products keep their precision.
    """
    with torch.autocast(x.device.type, enabled=False):
        if x.dtype in (torch.float16, torch.bfloat16):
            return operation(x.float()).to(x.dtype)
        return operation(x)
