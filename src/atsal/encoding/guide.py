"""The QP offsets of a video over time, and the rectangles that tell FFmpeg's encoders."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np

from atsal.encoding.offsets import BlockGrid, OffsetMaker, Offsets
from atsal.prediction.map_track import MapTrack

Rectangle = tuple[int, int, int, int, int]  # x, y, width, height in pixels, and the offset in QP


class Guide:
    """Which offsets hold at each time of a video. They change five times a second at most, and slowly."""

    def __init__(self, track: MapTrack, grid: BlockGrid, *, strength: float = 1.0, step_qp: int = 1) -> None:
        self.grid = grid
        self.track = track
        self._make = OffsetMaker(grid, track.densities.shape[1], strength=strength, step_qp=step_qp)
        self._offsets = lru_cache(maxsize=2)(self._compute)

    def at(self, timestamp_s: float) -> Offsets:
        """Return the offsets (rows, columns) of the frame at a time; the same object while they stay the same."""
        return self._offsets(self.track.index_at(timestamp_s))

    def _compute(self, index: int) -> Offsets:
        return self._make(self.track.densities[index])


def rectangles(offsets: Offsets, grid: BlockGrid) -> Iterator[Rectangle]:
    """Yield rectangles of blocks with the same offset, which together cover the frame once, without offsets of 0."""
    width, height = grid.size
    growing: dict[tuple[int, int, int], int] = {}  # runs of columns and their offset: the row where each began
    for row in range(len(offsets) + 1):
        runs = _runs(offsets[row]) if row < len(offsets) else []
        for run, first in list(growing.items()):
            if run not in runs:
                x, y, offset = run[0] * grid.block, first * grid.block, run[2]
                if offset:
                    yield x, y, min(run[1] * grid.block, width) - x, min(row * grid.block, height) - y, offset
                del growing[run]
        for run in runs:
            growing.setdefault(run, row)


def _runs(row: Offsets) -> list[tuple[int, int, int]]:
    """Return the runs of equal offsets in a row: first column, column after the last, offset."""
    edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
    return [(first, end, int(row[first])) for first, end in pairwise(edges)]
