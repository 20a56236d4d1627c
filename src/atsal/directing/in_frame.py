"""How much of the attention is in the frame of the directed camera, a fixed one, and one that jumps to each peak."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from atsal.gaze.directions import Floats
from atsal.gaze.records import GazeSamples
from atsal.gaze.shares import gaze_shares
from atsal.projection import erp_directions
from atsal.projection.perspective import Perspective

_ROWS = 45  # of the maps that are kept: cells of 4°
CameraPath = Callable[[Floats], Floats]  # times (N,) -> yaw, pitch, field of view (N, 3)


@dataclass(frozen=True)
class InFrame:
    """Shares of the attention in frame, 0 to 1, averaged over time (and viewers)."""

    directed: float
    forward: float  # a camera that always looks at the front
    peaks: float | None  # a camera that looks at the peak of each map, however much it jumps; None without maps


class GazeLog:
    """The predicted gaze at each step, kept in a temporary file, because a long film has many steps::

    with GazeLog() as gaze:
        gaze.add(timestamp_s, saliency)
    """

    def __init__(self) -> None:
        self.times_s: list[float] = []

    def __enter__(self) -> Self:
        self._file = tempfile.TemporaryFile()
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def add(self, timestamp_s: float, saliency: NDArray[np.floating]) -> None:
        """Keep the map of one step, reduced."""
        self.times_s.append(timestamp_s)
        self._file.write(gaze_shares(saliency, _ROWS).astype(np.float32).tobytes())

    def __iter__(self) -> Iterator[tuple[float, Floats]]:
        size = _ROWS * 2 * _ROWS
        for number, time_s in enumerate(self.times_s):
            self._file.seek(4 * size * number)
            yield time_s, np.frombuffer(self._file.read(4 * size), np.float32).astype(np.float64)


def predicted_in_frame(log: GazeLog, camera: CameraPath, aspect: float, front_deg: float) -> InFrame:
    """Return how much of the predicted gaze is in frame."""
    vectors = erp_directions(_ROWS).numpy().reshape(-1, 3)
    poses = camera(np.array(log.times_s))
    shares = []
    for (_, gaze), (yaw, pitch, fov) in zip(log, poses, strict=True):
        frame = Perspective(float(fov), aspect)
        views = ((yaw, pitch), (front_deg, 0.0), _direction_deg(vectors[int(gaze.argmax())]))
        shares.append([gaze[frame.contains(vectors, *view)].sum() for view in views])
    return InFrame(*(float(share) for share in np.mean(shares, axis=0)))


def recorded_in_frame(
    viewers: Sequence[GazeSamples],
    camera: CameraPath,
    aspect: float,
    front_deg: float,
    span_s: tuple[float, float],
    log: GazeLog | None = None,
) -> InFrame | None:
    """Return how many of the recorded directions from `span_s[0]` to `span_s[1]` are in frame; None without any.

    Each viewer counts the same. `log` is for the camera that looks at peaks.
    """
    peaks = _peaks(log) if log is not None else None
    shares = [
        found for viewer in viewers if (found := _viewer_in_frame(viewer, camera, aspect, front_deg, span_s, peaks))
    ]
    if not shares:
        return None
    directed, forward, at_peaks = np.mean(shares, axis=0)
    return InFrame(float(directed), float(forward), float(at_peaks) if peaks is not None else None)


def _viewer_in_frame(
    viewer: GazeSamples,
    camera: CameraPath,
    aspect: float,
    front_deg: float,
    span_s: tuple[float, float],
    peaks: tuple[Floats, Floats] | None,
) -> tuple[float, float, float] | None:
    if viewer.timestamp_s is None:
        return None
    used = viewer.is_valid & (viewer.timestamp_s >= span_s[0]) & (viewer.timestamp_s <= span_s[1])
    if not used.any():
        return None
    times, directions = viewer.timestamp_s[used], viewer.vectors(viewer.directions[0])[used]
    seen = []
    for time_s, direction, (yaw, pitch, fov) in zip(times, directions, camera(times), strict=True):
        frame = Perspective(float(fov), aspect)
        peak = (0.0, 0.0) if peaks is None else peaks[1][max(0, np.searchsorted(peaks[0], time_s, "right") - 1)]
        views = ((yaw, pitch), (front_deg, 0.0), (float(peak[0]), float(peak[1])))
        seen.append([frame.contains(direction, *view) for view in views])
    directed, forward, at_peaks = np.mean(seen, axis=0)
    return float(directed), float(forward), float(at_peaks)


def _peaks(log: GazeLog) -> tuple[Floats, Floats]:
    """Return the times of the steps, and the yaw and pitch of the peak at each, (N, 2)."""
    vectors = erp_directions(_ROWS).numpy().reshape(-1, 3)
    return np.array(log.times_s), np.array([_direction_deg(vectors[int(gaze.argmax())]) for _, gaze in log])


def _direction_deg(vector: Floats) -> tuple[float, float]:
    yaw = np.degrees(np.arctan2(vector[0], vector[2]))
    return float(yaw), float(np.degrees(np.arcsin(np.clip(vector[1], -1, 1))))
