"""The tiles of an equirectangular frame, in pixels, and exact sums of maps over them."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError

MOST_TILES = 4096
Floats = NDArray[np.float64]


class Tile(NamedTuple):
    """A tile in pixels of the view, as `object_x, object_y, object_width, object_height` of a DASH-SRD."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class TileGrid:
    """`columns` x `rows` tiles of a view of `width` x `height` pixels; borders are at even pixels.

    Tiles are in the order of reading: from the upper left one to the right, then the next row. Raises `ConfigError`
    for more tiles than the view has room for.
    """

    columns: int
    rows: int
    width: int
    height: int

    def __post_init__(self) -> None:
        """Check that each tile has at least 2 x 2 pixels."""
        if min(self.columns, self.rows) < 1 or self.columns * self.rows > MOST_TILES:
            raise ConfigError(
                f"a grid of {self.columns}x{self.rows} tiles: expected at least 1x1, and at most {MOST_TILES} tiles"
            )
        if 2 * self.columns > self.width or 2 * self.rows > self.height:
            raise ConfigError(
                f"a grid of {self.columns}x{self.rows} tiles on a view of {self.width}x{self.height} pixels: expected "
                "tiles of at least 2x2 pixels"
            )

    def __len__(self) -> int:
        return self.columns * self.rows

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """All tiles; they cover the view without gaps and overlaps."""
        x, y = _borders(self.width, self.columns), _borders(self.height, self.rows)
        return tuple(
            Tile(x[c], y[r], x[c + 1] - x[c], y[r + 1] - y[r]) for r in range(self.rows) for c in range(self.columns)
        )

    @cached_property
    def solid_angles(self) -> Floats:
        """The solid angle of each tile in steradians, (tiles,); the sum is 4π."""
        return self.integrate(np.ones((1, 2)))

    def integrate(self, density: NDArray[np.floating[Any]]) -> Floats:
        """Return the integral over each tile, (tiles,), of a density per solid angle on the pixels of (h, 2h).

        A pixel on a border counts for both tiles, by the solid angle that lies in each.
        """
        height, width = density.shape
        found: Floats = self.row_parts(height) @ np.asarray(density, np.float64) @ self.column_parts(width).T
        return found.ravel()

    def row_parts(self, height: int) -> Floats:
        """Return for each row of tiles and each of `height` rows of a map the common part of the sphere's height."""
        borders = -np.sin((0.5 - np.array(_borders(self.height, self.rows)) / self.height) * math.pi)
        return _overlaps(borders, -np.sin((0.5 - np.arange(height + 1) / height) * math.pi))

    def column_parts(self, width: int) -> Floats:
        """Return for each column of tiles and each of `width` columns of a map the common angle, in radians."""
        borders = np.array(_borders(self.width, self.columns)) / self.width * 2 * math.pi
        return _overlaps(borders, np.arange(width + 1) / width * 2 * math.pi)


def _borders(length: int, parts: int) -> list[int]:
    """Return `parts` + 1 borders from 0 to `length`, even between them: encoders halve the resolution of colour."""
    return [0, *(2 * round(length * part / parts / 2) for part in range(1, parts)), length]


def _overlaps(first: Floats, second: Floats) -> Floats:
    """Return the lengths that the intervals between two ascending lists of borders have in common."""
    begin = np.maximum(first[:-1, None], second[None, :-1])
    end = np.minimum(first[1:, None], second[None, 1:])
    common: Floats = np.maximum(end - begin, 0.0)
    return common
