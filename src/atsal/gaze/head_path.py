"""Where the head of a recorded viewer points at any time, between the samples of a log."""

import numpy as np

from atsal.errors import DataError
from atsal.gaze.directions import Floats, lonlat_from_vectors
from atsal.gaze.records import GazeSamples


class HeadPath:
    """The head of one viewer. Between two samples it turns evenly; before the first and after the last it stands.

    Raises `DataError` for a viewer without a valid sample that has a time.
    """

    def __init__(self, viewer: GazeSamples) -> None:
        valid = viewer.select(viewer.is_valid)
        if valid.timestamp_s is None or not len(valid):
            raise DataError(f"viewer {viewer.observer}: no valid sample with a time; choose another viewer")
        self.name = viewer.observer
        self.times_s, first = np.unique(valid.timestamp_s, return_index=True)
        self._vectors = valid.vectors(valid.directions[0])[first]

    def at(self, times_s: Floats) -> Floats:
        """Return yaw in [-180, 180] and pitch in [-90, 90] in degrees at times (N,): (N, 2)."""
        vectors = np.stack([np.interp(times_s, self.times_s, column) for column in self._vectors.T], -1)
        return np.degrees(np.stack(lonlat_from_vectors(vectors), -1))
