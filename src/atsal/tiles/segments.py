"""Segments of a video: the mean of its maps over each, for every tile."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError, DataError
from atsal.gaze.shares import gaze_shares
from atsal.projection.perspective import Perspective
from atsal.tiles.grid import Floats, TileGrid
from atsal.tiles.viewports import ROWS, viewport_table

_ROUNDING_S = 1e-3  # of the times of frames
_SHORT_PART = 0.05  # a rest shorter than this part of a segment belongs to the last one
_Shares = tuple[Floats, Floats]  # of the tiles, and of the directions of viewers
TimedMap = tuple[int, float, NDArray[np.floating[Any]]]  # frame index, timestamp_s, (h, 2h)


@dataclass(frozen=True, eq=False)
class Segment:
    """A span of the video, and what is predicted for each tile in it, (tiles,) each."""

    start_s: float
    duration_s: float
    share: Floats  # of the gaze that falls in the tile; sums to 1
    viewport: Floats  # chance that a viewport shows at least a tenth of the tile
    expected_part: Floats  # of the viewport that the tile fills on average; sums to 1


@dataclass(frozen=True)
class Segmenter:
    """How a video is cut: into tiles, and into segments of `segment_s` seconds from `start_s` on.

    Raises `ConfigError` for segments that are not between 0.1 and 3600 s long.
    """

    grid: TileGrid
    perspective: Perspective  # of the viewers
    segment_s: float
    start_s: float = 0.0

    def __post_init__(self) -> None:
        """Check the length of a segment."""
        if not 0.1 <= self.segment_s <= 3600:
            raise ConfigError(f"segments of {self.segment_s:g} s: expected 0.1 to 3600 seconds")

    def segments(self, maps: Iterable[TimedMap], end_of: Callable[[float], float]) -> Iterator[Segment]:
        """Yield the segments, in which each map counts alike; one without a map has those of the one before.

        `end_of` returns the end of the video for the time of its last map. The last segment lasts until there. Raises
        `DataError` if there is no map in the first segment.
        """
        own: list[_Shares] = []
        held: list[_Shares] = []
        number, last_s = 0, self.start_s
        for _, time_s, saliency in maps:
            while time_s >= self.start_s + (number + 1) * self.segment_s - _ROUNDING_S:
                own, held = [], self._present(own or held)
                yield self._segment(number, held, self.segment_s)
                number += 1
            own.append((self._tile_shares(saliency), gaze_shares(saliency, ROWS)))
            last_s = time_s
        length_s = end_of(last_s) - self.start_s
        count = max(number + 1, math.ceil(length_s / self.segment_s - _SHORT_PART))
        while number < count:
            own, held = [], self._present(own or held)
            is_last = number + 1 == count
            yield self._segment(number, held, length_s - number * self.segment_s if is_last else self.segment_s)
            number += 1

    def _present(self, shares: list[_Shares]) -> list[_Shares]:
        if not shares:
            end_s = self.start_s + self.segment_s
            raise DataError(f"no map between {self.start_s:g} and {end_s:g} s; expected one in the first segment")
        return shares

    def _tile_shares(self, saliency: NDArray[np.floating[Any]]) -> Floats:
        found = self.grid.integrate(saliency)
        shares: Floats = found / found.sum()
        return shares

    def _segment(self, number: int, own: list[_Shares], duration_s: float) -> Segment:
        table = viewport_table(self.grid, self.perspective)
        share, directions = (np.mean(values, axis=0) for values in zip(*own, strict=True))
        return Segment(
            self.start_s + number * self.segment_s,
            duration_s,
            share,
            table.chances(directions),
            table.expected_parts(directions),
        )
