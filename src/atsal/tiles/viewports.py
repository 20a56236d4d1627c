"""Which tiles a viewer sees who looks in a direction, for all directions on a grid of 5°."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from atsal.gaze.directions import Floats, lonlat_from_vectors
from atsal.projection import erp_directions, erp_latitudes
from atsal.projection.perspective import Perspective
from atsal.tiles.grid import TileGrid

ROWS = 36  # of the grid of directions
SEEN_PART = 0.1  # a tile is in a viewport that shows at least this part of its solid angle
_FINE = 5  # fine rows and columns for each of the grid: 1°
_Table = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ViewportTable:
    """For each direction (36 x 72, in the order of reading) and each tile."""

    seen: _Table  # (directions, tiles) 1 where the viewport shows at least a tenth of the tile, else 0
    parts: _Table  # (directions, tiles) the part of the viewport that is in the tile; sums to 1

    def chances(self, shares: Floats) -> Floats:
        """Return the chance that each tile is in a viewport, (tiles,), from the shares of the directions (36, 72)."""
        return np.asarray(shares.ravel() @ self.seen, np.float64)

    def expected_parts(self, shares: Floats) -> Floats:
        """Return the part of a viewport that each tile fills on average, (tiles,); the sum is 1."""
        return np.asarray(shares.ravel() @ self.parts, np.float64)


def nearest_direction(vectors: Floats) -> NDArray[np.int64]:
    """Return the row of the table for directions (N, 3)."""
    lon, lat = lonlat_from_vectors(vectors)
    row = np.clip((0.5 - lat / np.pi) * ROWS, 0, ROWS - 1).astype(np.int64)
    column = ((lon / (2 * np.pi) + 0.5) * 2 * ROWS).astype(np.int64) % (2 * ROWS)
    return row * 2 * ROWS + column


@lru_cache(maxsize=2)
def viewport_table(grid: TileGrid, perspective: Perspective) -> ViewportTable:
    """Compute the table from directions 1° apart."""
    vectors = erp_directions(ROWS * _FINE).numpy()
    heights, angles = grid.row_parts(ROWS * _FINE), grid.column_parts(2 * ROWS * _FINE)
    turn = np.arange(2 * ROWS)[:, None] * _FINE
    turned = (np.arange(2 * ROWS * _FINE) - turn) % (2 * ROWS * _FINE)  # columns, for each yaw of the viewer
    common = []
    for pitch_deg in np.degrees(erp_latitudes(ROWS).numpy()):
        inside = perspective.contains(vectors, -180 + 90 / ROWS, float(pitch_deg))
        by_row = heights @ inside  # (rows, fine columns)
        common.append(np.einsum("ryf,cf->yrc", by_row[:, turned], angles).reshape(2 * ROWS, -1))
    found = np.concatenate(common)
    parts = found / found.sum(1, keepdims=True)
    seen = found >= SEEN_PART * grid.solid_angles - 1e-12
    return ViewportTable(seen.astype(np.float32), parts.astype(np.float32))
