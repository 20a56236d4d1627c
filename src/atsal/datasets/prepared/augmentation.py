"""Transforms that move an ERP frame, its saliency map and its fixations together.

A transform is a map of the sphere onto itself, said once as positions: `fixations` moves directions exactly, `erp`
samples a frame at the pixels' centres (`docs/coordinates.md`). One transform serves a frame and a map of any height.

* A **fixation map** (counts) is never interpolated: move the fixations and count them again (`gaze.maps`). Under
  shifts and mirroring this equals moving the counts, unless a fixation lies exactly on the border of two pixels.
* A **saliency map** is moved like a picture: each value goes where its place goes, as in the published augmentation.
  A shift or a mirror is a symmetry of the sphere, so the moved map is the map of the moved fixations. `Stretch` is
  none: it changes areas, so that map is close, not equal (on head data with σ = 3.34° and 9.35°: CC >= .998).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from atsal.errors import ConfigError, ShapeError
from atsal.gaze.directions import Floats, wrap_longitude
from atsal.gaze.records import Fixations
from atsal.projection.sampling import ErpSampler, run_in_float32
from atsal.projection.sphere import check_erp, check_erp_shape

_WHOLE = 1e-6  # of a pixel: how far from a whole number rounding may bring a shift


class Transform(Protocol):
    """Moves frames, maps and fixations in the same way."""

    @property
    def name(self) -> str:
        """Letters, digits, hyphens and dots: it can be part of a file name."""
        ...

    def erp(self, erp: Tensor) -> Tensor:
        """Move frames or maps (B, C, H, 2H), floating for what interpolates; the same shape, differentiable."""
        ...

    def fixations(self, fixations: Fixations) -> Fixations:
        """Move fixations; times, frames and observers stay."""
        ...


@dataclass(frozen=True)
class Shift:
    """Turn the sphere about its vertical axis: what was at longitude 0 comes to `yaw_deg` (+ to the right).

    Frames are rolled by whole pixels, exactly: nothing is interpolated. A width that the turn does not take by whole
    pixels is refused with a `ShapeError`, for a picture and a map of other sizes would then part by a fraction.
    """

    yaw_deg: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.yaw_deg):
            raise ConfigError(f"a shift by {self.yaw_deg} degrees: expected a number")

    @property
    def name(self) -> str:
        """`shift-45`; turns to the left are named by the same turn to the right."""
        return f"shift-{self.yaw_deg % 360:g}"

    def erp(self, erp: Tensor) -> Tensor:
        """Roll (B, C, H, 2H) by `yaw_deg` / 360 of its width, a whole number of pixels."""
        width = 2 * check_erp_shape(erp)
        pixels = self.yaw_deg / 360 * width
        if abs(pixels - round(pixels)) > _WHOLE:
            raise ShapeError(
                f"a shift by {self.yaw_deg:g}° moves a frame {width} pixels wide by {pixels:.3f} pixels, expected a "
                "whole number: resize the frame first (for eighths of a turn: to a height that is a multiple of 4)"
            )
        return erp.roll(round(pixels), -1)

    def fixations(self, fixations: Fixations) -> Fixations:
        """Longitudes + `yaw_deg`, in [-π, π)."""
        return replace(fixations, lon_rad=wrap_longitude(fixations.lon_rad + math.radians(self.yaw_deg)))


@dataclass(frozen=True)
class Flip:
    """Mirror left and right: longitude becomes its negative."""

    @property
    def name(self) -> str:
        """`flip`."""
        return "flip"

    def erp(self, erp: Tensor) -> Tensor:
        """Mirror the columns of (B, C, H, 2H)."""
        check_erp_shape(erp)
        return erp.flip(-1)

    def fixations(self, fixations: Fixations) -> Fixations:
        """Longitudes negated."""
        return replace(fixations, lon_rad=-fixations.lon_rad)


@dataclass(frozen=True)
class Stretch:
    """Pull the picture away from one pole: the published stretch of the top or bottom band.

    With "top" the uppermost `band` of the rows (4 %) grows to 1.5 times its height (6 %), the lowest shrinks to half
    (2 %), and all between (92 %) moves down by half a band and keeps its height. "bottom" is the reverse. The poles
    stay. Rows are sampled bilinearly, without a border over the poles.
    """

    end: Literal["top", "bottom"]
    band: float = 0.04

    def __post_init__(self) -> None:
        if self.end not in ("top", "bottom"):
            raise ConfigError(f"a stretch at {self.end!r}: expected 'top' or 'bottom'")
        if not 0 < self.band <= 0.5:
            raise ConfigError(f"a stretched band of {self.band}: expected a share of the rows in 0 (exclusive) to 0.5")

    @property
    def name(self) -> str:
        """`stretch-top` or `stretch-bottom`; with a band other than 4 %, that in per cent."""
        return f"stretch-{self.end}" + ("" if self.band == 0.04 else f"-{100 * self.band:g}")

    def erp(self, erp: Tensor) -> Tensor:
        """Move the rows of (B, C, H, 2H)."""
        return run_in_float32(_stretch_sampler(self, check_erp(erp)), erp)

    def fixations(self, fixations: Fixations) -> Fixations:
        """Latitudes moved by the same piecewise linear rule."""
        moved = self.moved_rows(0.5 - fixations.lat_rad / math.pi)
        return replace(fixations, lat_rad=(0.5 - moved) * math.pi)

    def moved_rows(self, v: Floats, *, back: bool = False) -> Floats:
        """Where heights v in [0, 1] from the top go, or (`back`) where they came from."""
        before, after = self._knots()
        return np.interp(v, after, before) if back else np.interp(v, before, after)

    def _knots(self) -> tuple[list[float], list[float]]:
        top, bottom = (1.5, 0.5) if self.end == "top" else (0.5, 1.5)
        return [0, self.band, 1 - self.band, 1], [0, top * self.band, 1 - bottom * self.band, 1]


@dataclass(frozen=True)
class Chain:
    """Transforms one after another, the first one first; without any, the frame as it is."""

    steps: tuple[Transform, ...] = ()

    @property
    def name(self) -> str:
        """The names of its steps in order, joined by hyphens, or `original`."""
        return "-".join(step.name for step in self.steps) or "original"

    def erp(self, erp: Tensor) -> Tensor:
        """Move (B, C, H, 2H) by each step."""
        check_erp_shape(erp)
        for step in self.steps:
            erp = step.erp(erp)
        return erp

    def fixations(self, fixations: Fixations) -> Fixations:
        """Move by each step."""
        for step in self.steps:
            fixations = step.fixations(fixations)
        return fixations


def steps_of(transform: Transform) -> tuple[Transform, ...]:
    """The steps of a chain; of any other transform, itself."""
    return transform.steps if isinstance(transform, Chain) else (transform,)


def published_variants() -> tuple[Transform, ...]:
    """The 20 variants of an image that ATSal's attention stream was trained on (Dahou et al. 2020).

    {original, top band stretched, bottom band stretched} and 7 longitude shifts of an eighth of the width, each as it
    is and mirrored: `original`, `flip`, `stretch-top`, `stretch-top-flip`, …, `shift-315`, `shift-315-flip`. 107 images
    become 2140. The height of a frame must be a multiple of 4.
    """
    return tuple(_with_mirrored([Chain(), Stretch("top"), Stretch("bottom"), *(Shift(45 * n) for n in range(1, 8))]))


def random_yaw_flip(rng: torch.Generator, map_width: int) -> Transform:
    """Draw a turn by any whole number of pixels of a map `map_width` wide, mirrored in half of the draws.

    Frames whose width is a multiple of `map_width` are moved by whole pixels too.
    """
    if map_width < 1:
        raise ConfigError(f"map_width {map_width}: expected at least 1")
    pixels = int(torch.randint(map_width, (), generator=rng))
    shift = Shift(360 * pixels / map_width)
    return Chain((shift, Flip())) if torch.rand((), generator=rng) < 0.5 else shift


def _with_mirrored(transforms: list[Transform]) -> Iterator[Transform]:
    for transform in transforms:
        yield transform
        yield Chain((*steps_of(transform), Flip()))


@lru_cache(maxsize=8)
def _stretch_sampler(stretch: Stretch, erp_height: int) -> ErpSampler:
    centres = (np.arange(erp_height) + 0.5) / erp_height
    row = torch.from_numpy(stretch.moved_rows(centres, back=True) * erp_height - 0.5)
    column = torch.arange(2 * erp_height, dtype=torch.float64)
    row, column = torch.meshgrid(row, column, indexing="ij")
    return ErpSampler(row, column, erp_height)
