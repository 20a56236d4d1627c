"""Resize maps and frames: exact area means when they shrink, bilinear interpolation when they grow."""

import math
from functools import cache, lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from atsal.errors import ConfigError
from atsal.projection.sampling import ConstantTensor, run_in_float32, wrap_pad
from atsal.projection.sphere import check_erp


def resize_erp(maps: Tensor, height: int) -> Tensor:
    """Resize (B, C, H, 2H) to `height` rows: by area means, or bilinear across the ±180° border and the poles.

    An area mean weights each old pixel by the solid angle of it that the new pixel covers. So the mass on the sphere,
    the sum of `maps * solid_angle_weights(H)`, does not change.
    """
    old_height = check_erp(maps)
    if height < 1:
        raise ConfigError(f"height {height}: expected at least 1 row")
    if height == old_height:
        return maps
    if height < old_height:
        return run_in_float32(lambda x: _area_means(x, *_erp_area_weights(old_height, height)), maps)
    return run_in_float32(lambda x: _enlarge(x, height), maps)


def resize_flat(maps: Tensor, height: int, width: int) -> Tensor:
    """Resize flat pictures or maps (B, C, H, W): area means along a side that shrinks, bilinear along one that grows.

    If both sides shrink, the mean of all pixels does not change. Raises `ConfigError` for a size below 1x1.
    """
    if height < 1 or width < 1:
        raise ConfigError(f"size {width}x{height}: expected at least 1x1")
    rows, columns = maps.shape[-2:]
    weights = _flat_area_weights(rows, min(rows, height)), _flat_area_weights(columns, min(columns, width))
    means = run_in_float32(lambda x: _area_means(x, *weights), maps)
    if means.shape[-2:] == (height, width):
        return means
    return run_in_float32(lambda x: F.interpolate(x, (height, width), mode="bilinear"), means)


def _area_means(maps: Tensor, row_weights: ConstantTensor, column_weights: ConstantTensor) -> Tensor:
    """Return weighted means (B, C, h, w) of the pixels of (B, C, H, W), first along rows, then along columns."""
    by_row, by_column = row_weights.like(maps), column_weights.like(maps)
    *batch, _, width = maps.shape
    means = by_row @ maps.reshape(*batch, -1, by_row.shape[-1], width)  # (B, C, groups, new, W)
    means = means.reshape(*batch, -1, width // by_column.shape[-1], by_column.shape[-1])
    return (means @ by_column.mT).flatten(-2)  # of (B, C, h, groups, new)


@cache  # unbounded: captured CUDA graphs read these tensors
def _erp_area_weights(old: int, new: int) -> tuple[ConstantTensor, ConstantTensor]:
    """Return the weights of rows and of columns to resize an ERP frame from `old` to `new` rows."""
    return ConstantTensor(_area_weights(old, new, on_meridian=True)), ConstantTensor(_area_weights(old, new))


@lru_cache(maxsize=8)  # photos have many sizes
def _flat_area_weights(old: int, new: int) -> ConstantTensor:
    return ConstantTensor(_area_weights(old, new))


def _area_weights(old: int, new: int, *, on_meridian: bool = False) -> Tensor:
    """Return the weight of each of `old` pixels in each of `new` pixels on the same line, float64.

    The borders of old and new pixels coincide at `gcd(old, new)` places, so the line splits into that many groups, and
    small matrices are enough: (groups, new, old). A weight is the part of the new pixel that lies in the old one. It is
    measured by length (then one group, (new, old), stands for all), or by solid angle if the line is a meridian from
    pole to pole.
    """
    groups = math.gcd(old, new)
    # where pixels begin on the line, in units in which it is old * new long
    old_begin = torch.arange(old, dtype=torch.float64).reshape(groups, 1, -1) * new
    new_begin = torch.arange(new, dtype=torch.float64).reshape(groups, -1, 1) * old
    begin = torch.maximum(old_begin, new_begin)
    end = torch.maximum(begin, torch.minimum(old_begin + new, new_begin + old))
    covered = end - begin
    if on_meridian:  # cos(begin) - cos(end), without cancellation
        half = math.pi / (2 * old * new)
        covered = ((end + begin) * half).sin() * (covered * half).sin()
    weights = covered / covered.sum(-1, keepdim=True)
    return weights if on_meridian else weights[0]


def _enlarge(maps: Tensor, height: int) -> Tensor:
    """Interpolate along the columns' direction, then along the rows'; no sampling grid of the output's size is held."""
    enlarged = wrap_pad(maps)
    for axis, old, new in ((-2, maps.shape[-2], height), (-1, maps.shape[-1], 2 * height)):
        first, weight = (constant.like(maps) for constant in _neighbours(old, new))
        weight = weight[:, None] if axis == -2 else weight
        enlarged = torch.lerp(enlarged.index_select(axis, first), enlarged.index_select(axis, first + 1), weight)
    return enlarged


@cache  # unbounded: captured CUDA graphs read these tensors
def _neighbours(old: int, new: int) -> tuple[ConstantTensor, ConstantTensor]:
    """Return, for each of `new` pixels, the first of its two neighbours on the padded line, and the second's weight."""
    position = (torch.arange(new, dtype=torch.float64) + 0.5) * old / new + 0.5
    first = position.floor()
    return ConstantTensor(first.long()), ConstantTensor(position - first)
