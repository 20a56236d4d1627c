"""Transforms that move an ERP frame, its saliency map and its fixations together.

A transform maps the sphere onto itself. `fixations` moves directions exactly. `erp` samples a frame or map of any
height at the pixels' centres (`docs/coordinates.md`).

* A **fixation map** (counts) is never interpolated: move the fixations and count them again (`gaze.maps`). For shifts
  and mirroring this equals moving the counts, unless a fixation lies exactly on the border of two pixels.
* A **saliency map** moves like a picture, as in the published augmentation. Shifts and mirroring are symmetries of the
  sphere, so the moved map is the map of the moved fixations. `Stretch` changes areas, so its map is close, not equal
  (on head data with σ = 3.34° and 9.35°: CC >= .998).
"""

import math
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

_TOLERANCE = 1e-6  # of a pixel: rounding error of a shift by whole pixels


class Transform(Protocol):
    """A movement of frames, maps and fixations."""

    @property
    def name(self) -> str:
        """A name of letters, digits, hyphens and dots, for file names."""
        ...

    def erp(self, erp: Tensor) -> Tensor:
        """Move frames or maps (B, C, H, 2H), differentiably. `Stretch` needs floating-point values."""
        ...

    def fixations(self, fixations: Fixations) -> Fixations:
        """Move fixations. Times, frames and observers stay."""
        ...


@dataclass(frozen=True)
class Shift:
    """Turn the sphere about its vertical axis: longitude 0 moves to `yaw_deg` (+ to the right).

    Frames are rolled by whole pixels, without interpolation. A width for which the turn is no whole number of pixels
    raises `ShapeError`: pictures and maps of different sizes would move by different angles.
    """

    yaw_deg: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.yaw_deg):
            raise ConfigError(f"a shift by {self.yaw_deg} degrees: expected a number")

    @property
    def name(self) -> str:
        """`shift-45`. A turn to the left has the name of the same turn to the right."""
        return f"shift-{self.yaw_deg % 360:g}"

    def erp(self, erp: Tensor) -> Tensor:
        """Roll (B, C, H, 2H) by `yaw_deg` / 360 of its width, a whole number of pixels."""
        width = 2 * check_erp_shape(erp)
        pixels = self.yaw_deg / 360 * width
        if abs(pixels - round(pixels)) > _TOLERANCE:
            raise ShapeError(
                f"a shift by {self.yaw_deg:g}° moves a frame {width} pixels wide by {pixels:.3f} pixels, expected a "
                "whole number: resize the frame first (for eighths of a turn: to a height that is a multiple of 4)"
            )
        return erp.roll(round(pixels), -1)

    def fixations(self, fixations: Fixations) -> Fixations:
        """Add `yaw_deg` to the longitudes, in [-π, π)."""
        return replace(fixations, lon_rad=wrap_longitude(fixations.lon_rad + math.radians(self.yaw_deg)))


@dataclass(frozen=True)
class Flip:
    """Mirror left and right: negate the longitude."""

    @property
    def name(self) -> str:
        """Return `flip`."""
        return "flip"

    def erp(self, erp: Tensor) -> Tensor:
        """Mirror the columns of (B, C, H, 2H)."""
        check_erp_shape(erp)
        return erp.flip(-1)

    def fixations(self, fixations: Fixations) -> Fixations:
        """Negate the longitudes."""
        return replace(fixations, lon_rad=-fixations.lon_rad)


@dataclass(frozen=True)
class Stretch:
    """Pull the picture away from one pole: the published stretch of the top or bottom band.

    With "top" the uppermost `band` of the rows (4 %) grows to 1.5 times its height (6 %), the lowest shrinks to half
    (2 %), and the rows between (92 %) move down by half a band. "bottom" is the reverse. The poles stay. Rows are
    sampled bilinearly.
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
        """`stretch-top` or `stretch-bottom`, with the band in per cent if it is not 4 %."""
        return f"stretch-{self.end}" + ("" if self.band == 0.04 else f"-{100 * self.band:g}")

    def erp(self, erp: Tensor) -> Tensor:
        """Move the rows of (B, C, H, 2H)."""
        return run_in_float32(_stretch_sampler(self, check_erp(erp)), erp)

    def fixations(self, fixations: Fixations) -> Fixations:
        """Move the latitudes by the same piecewise linear rule."""
        moved = self.move_rows(0.5 - fixations.lat_rad / math.pi)
        return replace(fixations, lat_rad=(0.5 - moved) * math.pi)

    def move_rows(self, v: Floats, *, back: bool = False) -> Floats:
        """Return the new places of heights v in [0, 1] from the top, or their old places (`back`)."""
        before, after = self._knots()
        return np.interp(v, after, before) if back else np.interp(v, before, after)

    def _knots(self) -> tuple[list[float], list[float]]:
        top, bottom = (1.5, 0.5) if self.end == "top" else (0.5, 1.5)
        return [0, self.band, 1 - self.band, 1], [0, top * self.band, 1 - bottom * self.band, 1]


@dataclass(frozen=True)
class Chain:
    """Transforms one after another. An empty chain changes nothing."""

    steps: tuple[Transform, ...] = ()

    @property
    def name(self) -> str:
        """The names of its steps, joined by hyphens, or `original`."""
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
    """Return the steps of a chain; for another transform, the transform itself."""
    return transform.steps if isinstance(transform, Chain) else (transform,)


def published_variants() -> tuple[Transform, ...]:
    """Return the 20 variants of an image that ATSal's attention stream was trained on (Dahou et al. 2020).

    The original, the top and the bottom band stretched, and 7 longitude shifts by eighths of the width, each plain and
    mirrored: `original`, `flip`, `stretch-top`, `stretch-top-flip`, …, `shift-315`, `shift-315-flip`. 107 images
    become 2140. The height of a frame must be a multiple of 4.
    """
    plain: list[Transform] = [Chain(), Stretch("top"), Stretch("bottom"), *(Shift(45 * n) for n in range(1, 8))]
    return tuple(variant for one in plain for variant in (one, Chain((*steps_of(one), Flip()))))


def random_yaw_flip(rng: torch.Generator, map_width: int) -> Transform:
    """Draw a turn by a whole number of pixels of a map `map_width` wide, and mirror in half of the draws.

    A frame moves by whole pixels too if its width is a multiple of `map_width`.
    """
    if map_width < 1:
        raise ConfigError(f"map_width {map_width}: expected at least 1")
    pixels = int(torch.randint(map_width, (), generator=rng))
    shift = Shift(360 * pixels / map_width)
    return Chain((shift, Flip())) if torch.rand((), generator=rng) < 0.5 else shift


def transform_frames(frames: Tensor, transform: Transform) -> Tensor:
    """Move frames (T, 3, H, 2H) uint8. Only a stretch interpolates, and rounds."""
    if not any(isinstance(step, Stretch) for step in steps_of(transform)):
        return transform.erp(frames)
    return transform.erp(frames.float()).round().clamp(0, 255).to(torch.uint8)


@lru_cache(maxsize=8)
def _stretch_sampler(stretch: Stretch, erp_height: int) -> ErpSampler:
    centres = (np.arange(erp_height) + 0.5) / erp_height
    row = torch.from_numpy(stretch.move_rows(centres, back=True) * erp_height - 0.5)
    column = torch.arange(2 * erp_height, dtype=torch.float64)
    row, column = torch.meshgrid(row, column, indexing="ij")
    return ErpSampler(row, column, erp_height)
