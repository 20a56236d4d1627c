"""What a recorded viewer saw: a camera that follows the head."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from atsal.errors import ConfigError, DataError
from atsal.gaze.directions import Floats
from atsal.gaze.head_path import HeadPath
from atsal.gaze.records import GazeSamples
from atsal.untrusted.text import shorten_list


class HeadCamera:
    """The camera that shows what one viewer saw."""

    def __init__(self, viewer: GazeSamples, fov_deg: float) -> None:
        self._path = HeadPath(viewer)
        self._fov_deg = fov_deg

    def at(self, times_s: Floats) -> Floats:
        """Return yaw in [-180, 180], pitch and field of view in degrees at times (N,): (N, 3)."""
        yaw_pitch = self._path.at(times_s)
        return np.column_stack([yaw_pitch, np.full(len(yaw_pitch), self._fov_deg)])

    def check_covers(self, path: Path, start_s: float, end_s: float) -> str | None:
        """Return a remark if the log is shorter than the film; raise `DataError` if it has nothing of it."""
        first_s, last_s = float(self._path.times_s[0]), float(self._path.times_s[-1])
        if last_s < start_s or first_s > end_s:
            raise DataError(
                f"{path}: has samples from {first_s:.2f} to {last_s:.2f} s, but the film is from {start_s:.2f} to "
                f"{end_s:.2f} s; expected the log of this video"
            )
        if first_s > start_s + 1 or last_s < end_s - 1:
            return (
                f"{path}: has samples from {first_s:.2f} to {last_s:.2f} s only; the camera stands still in the rest "
                f"of the film, which is from {start_s:.2f} to {end_s:.2f} s"
            )
        return None


def choose_viewer(path: Path, viewers: Sequence[GazeSamples], name: str | None) -> GazeSamples:
    """Return the viewer of this name, or the only one; raise `ConfigError` where that is not clear."""
    names = [viewer.observer for viewer in viewers]
    if name is None and len(viewers) == 1:
        return viewers[0]
    if name is None:
        raise ConfigError(f"{path}: has {len(names)} viewers ({shorten_list(names)}); choose one with --viewer")
    if name not in names:
        raise ConfigError(f"{path}: has no viewer {name!r}; expected one of {shorten_list(names)}")
    return viewers[names.index(name)]
