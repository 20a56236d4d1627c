"""What a perspective camera inside the sphere sees: which directions are in its frame, and where its border runs."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.projection.sphere import rotation_matrix

MAX_FOV_DEG = 140.0  # a wider perspective view is stretched beyond recognition at its border
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Perspective:
    """The frame of a pinhole camera with square pixels.

    Args:
        fov_deg: the field of view along the longer side, more than 0 and at most 140 degrees.
        aspect: width divided by height.

    Raises:
        ConfigError: a value is out of range.

    """

    fov_deg: float
    aspect: float = 16 / 9

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 < self.fov_deg <= MAX_FOV_DEG:
            raise ConfigError(
                f"a field of view of {self.fov_deg:g}°: expected more than 0 and at most {MAX_FOV_DEG:g} degrees along "
                "the longer side of the frame"
            )
        if not (math.isfinite(self.aspect) and self.aspect > 0):
            raise ConfigError(f"an aspect ratio of {self.aspect:g}: expected width / height, more than 0")

    @property
    def half_extents(self) -> tuple[float, float]:
        """Half the width and half the height of the frame on the image plane at distance 1."""
        longer = math.tan(math.radians(self.fov_deg / 2))
        return (longer, longer / self.aspect) if self.aspect >= 1 else (longer * self.aspect, longer)

    def frame_position(self, vectors: Floats, yaw_deg: float, pitch_deg: float) -> tuple[Floats, Floats]:
        """Return where directions (..., 3) fall in the frame: right and up, ±1 at its border; infinite behind it."""
        seen: Floats = vectors @ rotation_matrix(yaw_deg, pitch_deg).numpy()
        is_ahead = seen[..., 2] > 1e-9
        depth = np.where(is_ahead, seen[..., 2], 1.0)
        half_width, half_height = self.half_extents
        right, up = seen[..., 0] / depth / half_width, seen[..., 1] / depth / half_height
        return np.where(is_ahead, right, np.inf), np.where(is_ahead, up, np.inf)

    def contains(self, vectors: Floats, yaw_deg: float, pitch_deg: float) -> NDArray[np.bool_]:
        """Return which directions (..., 3) are in the frame of a camera with this yaw and pitch, without roll."""
        right, up = self.frame_position(vectors, yaw_deg, pitch_deg)
        return (np.abs(right) <= 1) & (np.abs(up) <= 1)

    def border(self, yaw_deg: float, pitch_deg: float, points: int = 40) -> Floats:
        """Return unit vectors (4 * points, 3) along the border of the frame, clockwise from the upper left corner."""
        along = np.linspace(-1, 1, points, endpoint=False)
        ones = np.ones(points)
        half_width, half_height = self.half_extents
        right = half_width * np.concatenate([along, ones, -along, -ones])
        up = half_height * np.concatenate([ones, -along, -ones, along])
        rays = np.stack([right, up, np.ones_like(up)], -1) @ rotation_matrix(yaw_deg, pitch_deg).numpy().T
        unit: Floats = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
        return unit
