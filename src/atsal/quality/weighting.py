"""Where errors count more: the density of attention over the sphere, predicted or recorded, at each time of a video."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.frame_times import is_still
from atsal.errors import DataError
from atsal.gaze.maps import saliency_map
from atsal.gaze.records import Fixations
from atsal.prediction.map_track import MapTrack
from atsal.prediction.saved_maps import SavedMaps

_POOLED_S = 1.0  # of the gaze that weights a frame: one frame alone has too little
_STEP_S = 0.2  # after which the pooled gaze is counted again
_ROWS = 90  # of the maps of gaze: 2°
Map = NDArray[np.floating]


class Weighting(Protocol):
    """Weights of a video's frames by attention."""

    name: str  # as tables show it

    def at(self, timestamp_s: float) -> Map | None:
        """Return a map (h, 2h) >= 0, a density per solid angle up to a factor; None where there is no attention.

        Times are asked for in ascending order. While the weights stay the same, so does the object.
        """


class MapWeighting:
    """The maps that `atsal predict --format npy` wrote: each holds until the next one."""

    def __init__(self, maps: SavedMaps) -> None:
        self.name = f"maps of {maps.manifest.name}"
        self._maps: Iterator[tuple[int, float, Map]] = iter(maps)
        self._now: Map | None = None
        self._next = next(self._maps, None)

    def at(self, timestamp_s: float) -> Map | None:
        """Return the map at a time; see `Weighting`."""
        while self._next is not None and (self._now is None or self._next[1] <= timestamp_s + 1e-3):
            self._now, self._next = self._next[2], next(self._maps, None)
        return self._now


class TrackWeighting:
    """The maps of a video that are held in memory."""

    def __init__(self, track: MapTrack) -> None:
        self.name = "predicted maps"
        self._track = track
        self._index = -1
        self._map: Map | None = None

    def at(self, timestamp_s: float) -> Map | None:
        """Return the map at a time; see `Weighting`."""
        index = self._track.index_at(timestamp_s)
        if index != self._index:
            self._index, self._map = index, self._track.at(timestamp_s)
        return self._map


class GazeWeighting:
    """Recorded gaze on an item of a prepared set: all of it on a still, that of the second around a frame on a video.

    The map of the gaze is a sum of Gaussians, as wide as those of the set's own maps. Raises `ConfigError` for an item
    that the set does not have, and `DataError` for gaze on a flat photo or without times.
    """

    def __init__(self, prepared: PreparedSet, item: str) -> None:
        self.name = f"gaze on {item} of {prepared.folder.name}"
        fixations = prepared.fixations(item)
        if not isinstance(fixations, Fixations):
            raise DataError(f"{prepared.folder}: {item} is a flat photo; expected gaze on a 360° video")
        if not is_still(prepared, item) and fixations.onset_s is None:
            raise DataError(f"{prepared.folder}: the gaze on {item} has no times; prepare it with times")
        self._fixations = fixations
        self._is_still = is_still(prepared, item)
        self._sigma_deg = prepared.preparation.sphere_sigma_deg
        self._step: int | None = None
        self._map: Map | None = None

    def at(self, timestamp_s: float) -> Map | None:
        """Return the map of the gaze around a time; see `Weighting`."""
        step = 0 if self._is_still else round(timestamp_s / _STEP_S)
        if step != self._step:
            chosen = self._fixations if self._is_still else self._around(step * _STEP_S)
            self._step, self._map = step, saliency_map(chosen, _ROWS, self._sigma_deg) if len(chosen) else None
        return self._map

    def _around(self, time_s: float) -> Fixations:
        onset = self._fixations.onset_s
        if onset is None:  # never: the constructor refuses it
            return self._fixations
        end = onset if self._fixations.duration_ms is None else onset + self._fixations.duration_ms / 1000
        return self._fixations.select((onset <= time_s + _POOLED_S / 2) & (end >= time_s - _POOLED_S / 2))
