"""Perspective views whose camera moves from frame to frame, rendered fast.

The positions of `erp_to_viewport` are computed for every 4th pixel and interpolated between them, which is exact to
0.02 of a pixel. Where a pole is in the frame, or near it, they are computed for every pixel.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from atsal.errors import ShapeError
from atsal.projection.perspective import Perspective

_STEP = 4  # pixels between exact positions
_POLE_MARGIN = 1.3  # times the half height of the frame
Picture = NDArray[np.uint8]


class _Window(NamedTuple):
    """A part of an ERP frame: rows from `top` to before `bottom`, and columns, which may wrap around."""

    top: int
    bottom: int
    columns: NDArray[np.int64]


class MovingViewport:
    """Renders views of `width` x `height` pixels, without roll. A camera that stands still costs less."""

    def __init__(self, width: int, height: int) -> None:
        if width < 2 or height < 2:
            raise ShapeError(f"a view of {width}x{height}: expected at least 2x2 pixels")
        self.width, self.height = width, height
        self._aimed: tuple[float, ...] = ()
        self._window = _Window(0, 0, np.zeros(0, np.int64))
        self._grid = torch.empty(0)

    def render(self, image: Picture, yaw_deg: float, pitch_deg: float, fov_deg: float) -> Picture:
        """Render the view of a camera in an ERP frame, (H, 2H, 3) uint8 -> (height, width, 3) uint8, bilinear.

        `fov_deg` is along the longer side. Raises `ShapeError` for another frame, `ConfigError` for a field of view
        out of range.
        """
        if image.ndim != 3 or image.shape[1] != 2 * image.shape[0]:
            raise ShapeError(f"a frame of shape {image.shape}: expected (H, W, 3) with W = 2H")
        aim = (yaw_deg, pitch_deg, fov_deg, len(image))
        if aim != self._aimed:
            self._window, self._grid = self._aim(*aim)
            self._aimed = aim
        window = self._window
        patch = torch.from_numpy(image[window.top : window.bottom].take(window.columns, axis=1))
        planes = patch.permute(2, 0, 1)[None].float()
        view = F.grid_sample(planes, self._grid, padding_mode="border", align_corners=False)
        found: Picture = view[0].permute(1, 2, 0).add_(0.5).to(torch.uint8).numpy()
        return found

    def _aim(self, yaw_deg: float, pitch_deg: float, fov_deg: float, erp_height: int) -> "tuple[_Window, Tensor]":
        """Return the part of the frame that a camera sees, and the positions of its pixels in there."""
        row, column = self._positions(Perspective(fov_deg, self.width / self.height), pitch_deg, erp_height)
        column += (yaw_deg / 360 + 0.5) * (2 * erp_height) - 0.5
        top, left = max(0, math.floor(float(row.min()))), math.floor(float(column.min()))
        bottom, right = min(erp_height, math.ceil(float(row.max())) + 2), math.ceil(float(column.max())) + 2
        grid = torch.stack([(column - left + 0.5) * 2 / (right - left) - 1, (row - top + 0.5) * 2 / (bottom - top) - 1])
        grid = F.interpolate(grid[None], (self.height, self.width), mode="bilinear", align_corners=True)
        return _Window(top, bottom, np.arange(left, right) % (2 * erp_height)), grid.permute(0, 2, 3, 1)

    def _positions(self, perspective: Perspective, pitch_deg: float, erp_height: int) -> tuple[Tensor, Tensor]:
        """Return the ERP rows, and the columns from the camera's meridian, of a lattice over the view."""
        half_width, half_height = perspective.half_extents
        step = 1 if sees_pole(perspective, pitch_deg) else _STEP
        right = _line(self.width, step) * half_width
        up = -_line(self.height, step)[:, None] * half_height
        sine, cosine = math.sin(math.radians(pitch_deg)), math.cos(math.radians(pitch_deg))
        height, depth = up * cosine + sine, cosine - up * sine
        row = (0.5 - torch.atan2(height, torch.hypot(right, depth)) / math.pi) * erp_height - 0.5
        return row, torch.atan2(right, depth) / math.pi * erp_height


def sees_pole(perspective: Perspective, pitch_deg: float) -> bool:
    """Whether a pole is in the frame of a camera with this pitch, or close to its border."""
    to_pole = math.radians(90 - abs(pitch_deg))
    return math.tan(min(to_pole, 1.55)) < _POLE_MARGIN * perspective.half_extents[1]


def _line(pixels: int, step: int) -> Tensor:
    """Return positions from the first pixel's centre to the last one's, where ±1 are the borders of the view."""
    last = 1 - 1 / pixels
    return torch.linspace(-last, last, -(-(pixels - 1) // step) + 1, dtype=torch.float32)
