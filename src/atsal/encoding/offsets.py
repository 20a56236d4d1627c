"""From a density of attention to QP offsets of blocks.

Where an error counts w times as much, the best encoding of given size has a Lagrange multiplier of 1 / w of the mean.
The multiplier grows as 2^(QP / 3) (Sullivan, Wiegand, IEEE Signal Processing Magazine 1998), so the offset is
-3 log2(w / mean). The weight of a block is its solid angle per pixel, which is small near the poles, times the
density of attention, as in Li, Xu, Wang et al., "Spherical domain rate-distortion optimization", IEEE TMM 2019.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.projection.sampling import ErpSampler
from atsal.projection.smoothing import SphericalGaussian
from atsal.video.probe import VideoInfo

LEAST_QP, MOST_QP = -8, 6  # so that what nobody looks at stays watchable
_VIEW_SIGMA_DEG = 25.0  # of the Gaussian that spreads a direction over what is seen: chosen on AVTrack360
_ANYWHERE = 0.2  # of the attention may be anywhere on the sphere
_QP_PER_OCTAVE = 3.0
_MACROBLOCK = 16
_BLOCK_ROWS = 30  # about as many blocks from pole to pole

Offsets = NDArray[np.int8]


@dataclass(frozen=True)
class BlockGrid:
    """The square blocks of an upright frame, row by row from the upper left. Those at the edges may be cut off.

    `view` is (left, top, width, height) of one 360° view; the frame is tiled with such views.
    """

    size: tuple[int, int]  # width and height of the frame in pixels
    view: tuple[int, int, int, int]
    block: int  # side in pixels

    @classmethod
    def of_video(cls, info: VideoInfo, block: int | None = None) -> "BlockGrid":
        """Return the grid of a video; by default of about 30 blocks from pole to pole, in multiples of 16 pixels."""
        size = (info.width, info.height)
        upright = size[::-1] if info.view.rotation.swaps_sides else size
        rows = info.view.crop[3] / _BLOCK_ROWS / _MACROBLOCK
        return cls(upright, info.view.crop, block or _MACROBLOCK * max(1, round(rows)))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        width, height = self.size
        return -(-height // self.block), -(-width // self.block)

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where the middle of each block lies in its view, from 0 to 1: rows (R, 1) and columns (1, C)."""
        left, top, width, height = self.view
        y, x = (
            (first + np.minimum(first + self.block, end)) / 2
            for first, end in zip((np.arange(count) * self.block for count in self.shape), self.size[::-1], strict=True)
        )
        return (((y - top) % height) / height)[:, None], (((x - left) % width) / width)[None, :]


class OffsetMaker:
    """Turns densities (h, 2h), with mean 1 on the sphere, into the QP offsets of a grid of blocks.

    `strength` scales the offsets: 1 is the best for the density if it is right, 0 is a plain encoding.
    """

    def __init__(self, grid: BlockGrid, erp_height: int, *, strength: float = 1.0, step_qp: int = 1) -> None:
        self._strength, self._step_qp = strength, step_qp
        self._smooth = SphericalGaussian(erp_height, _VIEW_SIGMA_DEG)
        rows, columns = (torch.from_numpy(axis) for axis in np.broadcast_arrays(*grid.centres()))
        self._sample = ErpSampler(rows * erp_height - 0.5, columns * 2 * erp_height - 0.5, erp_height)
        self._rows = rows.numpy()

    @cached_property
    def _solid_angle(self) -> NDArray[np.float64]:
        """Of a pixel in each block, up to a factor."""
        return np.maximum(np.sin(self._rows * math.pi), 1e-3)

    def __call__(self, density: NDArray[np.floating]) -> Offsets:
        """Return the offsets (rows, columns): multiples of the step, negative where more bits go."""
        attention = _ANYWHERE + (1 - _ANYWHERE) * torch.from_numpy(np.array(density, np.float32))[None, None]
        weights = self._sample(self._smooth(attention))[0, 0].double().numpy() * self._solid_angle
        offsets = -_QP_PER_OCTAVE * self._strength * np.log2(weights / weights.mean())
        steps = np.rint(offsets.clip(LEAST_QP, MOST_QP) / self._step_qp)
        return np.asarray(steps * self._step_qp, np.int8)
