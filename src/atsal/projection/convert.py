"""Whole-frame conversions: perspective viewports, rotations, sizes and smoothing on the sphere."""

import math
from functools import cache, lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from atsal.errors import ConfigError
from atsal.projection.sampling import ErpSampler, Fixed, in_float32, wrap_pad
from atsal.projection.sphere import (
    check_erp,
    erp_directions,
    erp_latitudes,
    erp_position,
    rotation_matrix,
    solid_angle_weights,
)

_NOTHING = 1e-9  # share of a wave that may be lost; float32 rounds by more


def erp_to_viewport(
    erp: Tensor, yaw_deg: float, pitch_deg: float, fov_deg: float, size: int | tuple[int, int]
) -> Tensor:
    """The perspective view of a camera inside the sphere (pinhole, square pixels).

    `erp` is (B, C, H, 2H); `fov_deg` is the horizontal field of view (0 to 180, exclusive); `size` is a side, or
    (height, width). Returns (B, C, height, width), differentiable in `erp`.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if not 0 < fov_deg < 180:
        raise ConfigError(f"fov_deg {fov_deg}: expected more than 0 and less than 180 degrees")
    if height < 1 or width < 1:
        raise ConfigError(f"viewport size {height}x{width}: expected at least 1x1")
    sampler = _viewport_sampler(check_erp(erp), float(yaw_deg), float(pitch_deg), float(fov_deg), height, width)
    return in_float32(sampler, erp)


@lru_cache(maxsize=16)
def _viewport_sampler(
    erp_height: int, yaw_deg: float, pitch_deg: float, fov_deg: float, height: int, width: int
) -> ErpSampler:
    pitch = 2 * math.tan(math.radians(fov_deg / 2)) / width
    right = (torch.arange(width, dtype=torch.float64) - (width - 1) / 2) * pitch
    up = ((height - 1) / 2 - torch.arange(height, dtype=torch.float64)) * pitch
    up, right = torch.meshgrid(up, right, indexing="ij")
    rays = torch.stack([right, up, torch.ones_like(up)], dim=-1) @ rotation_matrix(yaw_deg, pitch_deg).T
    return ErpSampler(*erp_position(rays, erp_height), erp_height)


class RotateErp:
    """Turn ERP frames: what lay straight ahead of a viewer with this yaw, pitch and roll comes to the centre.

    `inverse=True` turns them back.
    """

    def __init__(
        self, erp_height: int, yaw_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0, *, inverse: bool = False
    ) -> None:
        rotation = rotation_matrix(yaw_deg, pitch_deg, roll_deg)
        vectors = erp_directions(erp_height) @ (rotation if inverse else rotation.T)
        self.erp_height = erp_height
        self._sampler = ErpSampler(*erp_position(vectors, erp_height), erp_height)

    def __call__(self, erp: Tensor) -> Tensor:
        """(B, C, H, 2H) -> (B, C, H, 2H), turned."""
        check_erp(erp, self.erp_height)
        return in_float32(self._sampler, erp)


def resize_erp(maps: Tensor, height: int) -> Tensor:
    """Resize (B, C, H, 2H) to `height` rows: by area means, or bilinear across the ±180° border and the poles.

    An area mean weighs by solid angle what a new pixel covers, whole pixels and parts, so that the mass on the sphere,
    the sum of `maps * solid_angle_weights(H)`, stays the same.
    """
    own_height = check_erp(maps)
    if height < 1:
        raise ConfigError(f"height {height}: expected at least 1 row")
    if height == own_height:
        return maps
    if height < own_height:
        return in_float32(lambda x: _area_means(x, *_erp_shares(own_height, height)), maps)
    return in_float32(lambda x: _enlarge(x, height), maps)


def resize_flat(maps: Tensor, height: int, width: int) -> Tensor:
    """Resize flat pictures or maps (B, C, H, W): area means along a side that shrinks, bilinear along one that grows.

    The mean of all pixels stays the same where both sides shrink. Raises `ConfigError` for less than 1 pixel.
    """
    if height < 1 or width < 1:
        raise ConfigError(f"size {width}x{height}: expected at least 1x1")
    rows, columns = maps.shape[-2:]
    shares = _flat_shares(rows, min(rows, height)), _flat_shares(columns, min(columns, width))
    means = in_float32(lambda x: _area_means(x, *shares), maps)
    if means.shape[-2:] == (height, width):
        return means
    return in_float32(lambda x: F.interpolate(x, (height, width), mode="bilinear"), means)


def _area_means(maps: Tensor, rows: Fixed, columns: Fixed) -> Tensor:
    """Means (B, C, h, w) of the pixels of (B, C, H, W), each axis by its shares."""
    of_rows, of_columns = rows.like(maps), columns.like(maps)
    *batch, _, width = maps.shape
    means = of_rows @ maps.reshape(*batch, -1, of_rows.shape[-1], width)  # (B, C, groups, new, W)
    means = means.reshape(*batch, -1, width // of_columns.shape[-1], of_columns.shape[-1])
    return (means @ of_columns.mT).flatten(-2)  # of (B, C, h, groups, new)


@cache  # for ever: captured graphs of a GPU read these tensors
def _erp_shares(own: int, count: int) -> tuple[Fixed, Fixed]:
    """What rows and columns take when `own` rows of an ERP frame become `count`."""
    return Fixed(_shares(own, count, on_meridian=True)), Fixed(_shares(own, count)[0])


@lru_cache(maxsize=8)  # photos have many sizes
def _flat_shares(own: int, count: int) -> Fixed:
    return Fixed(_shares(own, count)[0])


def _shares(own: int, count: int, *, on_meridian: bool = False) -> Tensor:
    """What each of `count` equal pixels takes of the `own` ones on the same line, (groups, new, old) float64.

    The borders of old and new pixels coincide at `groups` places, and a new pixel takes nothing from beyond them: small
    matrices do. A share is the part of the new pixel that lies in the old one: by length, all groups alike, or by solid
    angle where the line is a meridian from pole to pole.
    """
    groups = math.gcd(own, count)
    old = torch.arange(own, dtype=torch.float64).reshape(groups, 1, -1) * count  # where pixels begin on the line, which
    new = torch.arange(count, dtype=torch.float64).reshape(groups, -1, 1) * own  # is own * count long
    begin = torch.maximum(old, new)
    end = torch.maximum(begin, torch.minimum(old + count, new + own))
    covered = end - begin
    if on_meridian:  # cos(begin) - cos(end), without cancelling
        half = math.pi / (2 * own * count)
        covered = ((end + begin) * half).sin() * (covered * half).sin()
    return covered / covered.sum(-1, keepdim=True)


def _enlarge(maps: Tensor, height: int) -> Tensor:
    """Bilinear along the rows, then along the columns: no grid of the output's size is held."""
    enlarged = wrap_pad(maps)
    for axis, own, count in ((-2, maps.shape[-2], height), (-1, maps.shape[-1], 2 * height)):
        first, share = (fixed.like(maps) for fixed in _neighbours(own, count))
        share = share[:, None] if axis == -2 else share
        enlarged = torch.lerp(enlarged.index_select(axis, first), enlarged.index_select(axis, first + 1), share)
    return enlarged


@cache  # for ever: captured graphs of a GPU read these tensors
def _neighbours(own: int, count: int) -> tuple[Fixed, Fixed]:
    """Of `count` pixels along a padded line of `own`: the first of the two each is made of, and the second's share."""
    position = (torch.arange(count, dtype=torch.float64) + 0.5) * own / count + 0.5
    first = position.floor()
    return Fixed(first.long()), Fixed(position - first)


class SphericalGaussian:
    """Smooth ERP maps by a Gaussian of the angular distance, exact at the poles and across the ±180° border.

    The kernel between two latitudes depends on the difference of longitudes alone, so along each pair of rows the
    smoothing is a circular convolution: a product of Fourier coefficients. North and south are alike, so what is even
    about the equator stays even, and what is odd stays odd: two products of half the rows. Each output is a weighted
    mean of the input (weights Gaussian times solid angle), so a constant map stays as it is. Costs H³ memory: use it
    at H <= 320. The transform is a product of matrices too: as fast at these sizes, and every runtime knows it.
    """

    def __init__(self, erp_height: int, sigma_deg: float) -> None:
        if not 0 < sigma_deg < 180:
            raise ConfigError(f"sigma_deg {sigma_deg}: expected more than 0 and less than 180 degrees")
        latitude = erp_latitudes(erp_height)
        step = torch.arange(2 * erp_height, dtype=torch.float64) * math.pi / erp_height
        cos_latitude, sin_latitude = latitude.cos(), latitude.sin()
        cosine = cos_latitude[:, None, None] * cos_latitude[None, :, None] * step.cos()
        cosine += sin_latitude[:, None, None] * sin_latitude[None, :, None]
        angle = torch.arccos(cosine.clamp(-1, 1))
        kernel = torch.exp(-0.5 * (angle / math.radians(sigma_deg)) ** 2) * solid_angle_weights(erp_height)
        kernel /= kernel.sum((1, 2), keepdim=True)
        # real, for the kernel is even in the longitude; (frequency, row out, row in)
        transfer = torch.fft.rfft(kernel).real.permute(2, 0, 1)
        passed = int((transfer.abs().amax((1, 2)) > _NOTHING).sum())  # higher frequencies are lost all the same
        half = (erp_height + 1) // 2
        north, south = transfer[:passed, :half, :half], transfer[:passed, :half].flip(2)[..., :half]
        both = torch.stack([north + south, north - south]) / 2
        if erp_height % 2:
            both[..., -1] /= 2  # the row on the equator is its own image
        self._transfer = Fixed(both)  # (even and odd, frequency, row out, row in)
        angles = step[:, None] * torch.arange(passed)
        self._waves = Fixed(torch.cat([angles.cos(), angles.sin()], 1))  # (column, cosines and sines)
        counted = torch.full((passed,), 2.0, dtype=torch.float64)
        counted[0] = 1  # all other frequencies stand for their negative ones, too
        if passed == erp_height + 1:
            counted[-1] = 1
        self._inverse = Fixed((torch.cat([angles.cos(), angles.sin()], 1) * counted.repeat(2) / (2 * erp_height)).mT)
        self.erp_height = erp_height

    def __call__(self, erp: Tensor) -> Tensor:
        """(B, C, H, 2H) -> the same shape, smoothed; differentiable."""
        check_erp(erp, self.erp_height)
        return in_float32(self._smooth, erp)

    def _smooth(self, erp: Tensor) -> Tensor:
        maps = erp.flatten(0, 1)
        half = (self.erp_height + 1) // 2
        north, south = maps[:, :half], maps.flip(1)[:, :half]
        waves = torch.stack([north + south, north - south]) @ self._waves.like(erp)  # (2, B C, half, 2 frequencies)
        waves = waves.reshape(*waves.shape[:3], 2, -1).permute(0, 4, 2, 1, 3)  # (2, frequency, half, B C, 2)
        waves = self._transfer.like(erp) @ waves.flatten(3)
        waves = waves.reshape(*waves.shape[:3], -1, 2).permute(0, 3, 2, 4, 1).flatten(3)  # as before
        even, odd = (waves @ self._inverse.like(erp)).unbind()
        smooth = torch.cat([even + odd, (even - odd)[:, : self.erp_height - half].flip(1)], 1).reshape(erp.shape)
        # a weighted mean stays within its input; Fourier sums stray from zero by a few millionths
        lowest, highest = erp.amin((-2, -1), keepdim=True), erp.amax((-2, -1), keepdim=True)
        smooth = torch.where(smooth < lowest, lowest, smooth)  # WebGPU has no minimum of two tensors
        return torch.where(smooth > highest, highest, smooth)
