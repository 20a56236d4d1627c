"""The one place where pixels become directions.

An equirectangular (ERP) frame has W = 2H. Pixel (row i, column j) stands for its centre, at
longitude `(j + 1/2) / W * 2π - π` (0 at the frame's centre, + to the right) and latitude `π/2 - (i + 1/2) / H * π`
(+ up). Unit vectors are x right, y up, z forward (towards longitude 0, latitude 0).

Geometry is computed in float64 on the CPU and cast once. Nothing here depends on a frame's content.
"""

import math

import torch
from torch import Tensor

from atsal.errors import ShapeError


def erp_longitudes(erp_width: int) -> Tensor:
    """Return the longitude of each column in radians, (W,) float64, ascending from -π + π/W."""
    return (torch.arange(erp_width, dtype=torch.float64) + 0.5) / erp_width * (2 * math.pi) - math.pi


def erp_latitudes(erp_height: int) -> Tensor:
    """Return the latitude of each row in radians, (H,) float64, descending from π/2 - π/(2H)."""
    return math.pi / 2 - (torch.arange(erp_height, dtype=torch.float64) + 0.5) / erp_height * math.pi


def unit_vectors(lon_rad: Tensor, lat_rad: Tensor) -> Tensor:
    """Return the unit vectors (..., 3) of longitudes and latitudes, which are broadcast together."""
    lon_rad, lat_rad = lon_rad + 0 * lat_rad, lat_rad + 0 * lon_rad
    horizontal = torch.cos(lat_rad)
    return torch.stack([horizontal * torch.sin(lon_rad), torch.sin(lat_rad), horizontal * torch.cos(lon_rad)], dim=-1)


def erp_directions(erp_height: int) -> Tensor:
    """Return the unit vector of every pixel of an ERP frame, (H, 2H, 3) float64."""
    return unit_vectors(erp_longitudes(2 * erp_height)[None, :], erp_latitudes(erp_height)[:, None])


def erp_position(vectors: Tensor, erp_height: int) -> tuple[Tensor, Tensor]:
    """Return the fractional ERP row and column (0 = centre of the first pixel) of vectors (..., 3) of any length.

    Rows are in [-1/2, H - 1/2], columns in [-1/2, 2H - 1/2]. The column of a pole is arbitrary.
    """
    x, y, z = vectors.unbind(-1)
    row = (0.5 - torch.atan2(y, torch.hypot(x, z)) / math.pi) * erp_height - 0.5
    column = (torch.atan2(x, z) / (2 * math.pi) + 0.5) * (2 * erp_height) - 0.5
    return row, column


def rotation_matrix(yaw_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Tensor:
    """Return the rotation (3, 3) float64 from a viewer's axes to the world's.

    Positive yaw turns right, positive pitch turns up, positive roll leans the head clockwise.
    """
    yaw, pitch, roll = (torch.deg2rad(torch.tensor(v, dtype=torch.float64)) for v in (yaw_deg, pitch_deg, roll_deg))
    cy, sy, cp, sp, cr, sr = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin(), roll.cos(), roll.sin()
    one, zero = torch.ones_like(cy), torch.zeros_like(cy)

    def matrix(*rows: list[Tensor]) -> Tensor:
        return torch.stack([torch.stack(row) for row in rows])

    about_up = matrix([cy, zero, sy], [zero, one, zero], [-sy, zero, cy])
    about_right = matrix([one, zero, zero], [zero, cp, sp], [zero, -sp, cp])
    about_forward = matrix([cr, sr, zero], [-sr, cr, zero], [zero, zero, one])
    return about_up @ about_right @ about_forward


def solid_angle_weights(erp_height: int) -> Tensor:
    """Return the solid angle of one pixel of each row in steradians, (H, 1) float64.

    The weights sum to 4π over all H x 2H pixels. They are proportional to the cosine of the latitude at the pixel's
    centre, so no row has weight 0.
    """
    if erp_height < 1:
        raise ShapeError(f"erp_height {erp_height}: expected at least 1 row")
    half_row = math.pi / (2 * erp_height)
    pixel_width = math.pi / erp_height
    return (2 * math.sin(half_row) * pixel_width * torch.cos(erp_latitudes(erp_height)))[:, None]


def check_erp_shape(erp: Tensor) -> int:
    """Raise `ShapeError` unless `erp` is (B, C, H, 2H), of any type. Return H."""
    if erp.ndim != 4 or erp.shape[3] != 2 * erp.shape[2]:
        raise ShapeError(f"an ERP batch of shape {tuple(erp.shape)}: expected (B, C, H, W) with W = 2H")
    return erp.shape[2]


def check_erp(erp: Tensor, erp_height: int | None = None) -> int:
    """Raise `ShapeError` unless `erp` is floating point and (B, C, H, 2H), with H = `erp_height` if given. Return H."""
    height = check_erp_shape(erp)
    if not erp.is_floating_point():
        raise ShapeError(f"an ERP batch of type {erp.dtype}: expected floating point; convert with .float()")
    if erp_height is not None and height != erp_height:
        raise ShapeError(f"an ERP batch of height {height}: this object was made for height {erp_height}")
    return height
