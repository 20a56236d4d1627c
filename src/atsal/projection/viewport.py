"""Perspective views of ERP frames, and rotations of whole frames."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from atsal.errors import ConfigError
from atsal.projection.sampling import ErpSampler, run_in_float32
from atsal.projection.sphere import check_erp, erp_directions, erp_position, rotation_matrix


def erp_to_viewport(
    erp: Tensor, yaw_deg: float, pitch_deg: float, fov_deg: float, size: int | tuple[int, int]
) -> Tensor:
    """Render the perspective view of a camera inside the sphere (pinhole, square pixels).

    `erp` is (B, C, H, 2H). `fov_deg` is the horizontal field of view, between 0 and 180 (exclusive). `size` is one
    side of a square, or (height, width). Returns (B, C, height, width), differentiable in `erp`.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if not 0 < fov_deg < 180:
        raise ConfigError(f"fov_deg {fov_deg}: expected more than 0 and less than 180 degrees")
    if height < 1 or width < 1:
        raise ConfigError(f"viewport size {height}x{width}: expected at least 1x1")
    sampler = _viewport_sampler(check_erp(erp), float(yaw_deg), float(pitch_deg), float(fov_deg), height, width)
    return run_in_float32(sampler, erp)


@lru_cache(maxsize=16)
def _viewport_sampler(
    erp_height: int, yaw_deg: float, pitch_deg: float, fov_deg: float, height: int, width: int
) -> ErpSampler:
    pixel_size = 2 * math.tan(math.radians(fov_deg / 2)) / width  # on the image plane at distance 1
    right = (torch.arange(width, dtype=torch.float64) - (width - 1) / 2) * pixel_size
    up = ((height - 1) / 2 - torch.arange(height, dtype=torch.float64)) * pixel_size
    up, right = torch.meshgrid(up, right, indexing="ij")
    rays = torch.stack([right, up, torch.ones_like(up)], dim=-1) @ rotation_matrix(yaw_deg, pitch_deg).T
    return ErpSampler(*erp_position(rays, erp_height), erp_height)


class RotateErp:
    """Rotate ERP frames: the point straight ahead of a viewer with this yaw, pitch and roll moves to the centre.

    `inverse=True` rotates them back.
    """

    def __init__(
        self, erp_height: int, yaw_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0, *, inverse: bool = False
    ) -> None:
        rotation = rotation_matrix(yaw_deg, pitch_deg, roll_deg)
        vectors = erp_directions(erp_height) @ (rotation if inverse else rotation.T)
        self.erp_height = erp_height
        self._sampler = ErpSampler(*erp_position(vectors, erp_height), erp_height)

    def __call__(self, erp: Tensor) -> Tensor:
        """(B, C, H, 2H) -> the same shape, rotated."""
        check_erp(erp, self.erp_height)
        return run_in_float32(self._sampler, erp)
