"""Gaze samples, fixations and scanpaths. All readers of logs return them with the same units and signs.

Directions are unit vectors (x right, y up, z forward) or `lon_rad` in [-π, π], + to the right, 0 at the frame's
centre, and `lat_rad` in [-π/2, π/2], + up (`docs/coordinates.md`). Frames count from 0. Times are seconds from the
start of the stimulus; durations are milliseconds. A field is None where the format does not have it.

`head` is where the head points, `head_eye` where the eyes look (both in the world), `eye` where the eyes look relative
to the head.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError, ShapeError
from atsal.gaze.directions import Floats, Integers, Mask, angle_rad, lonlat_from_vectors, unit_vectors
from atsal.gaze.record_columns import Columns, FixationColumns, check_lonlat, check_observer, check_times

Direction = Literal["head", "head_eye", "eye"]
AnyFixations = TypeVar("AnyFixations", bound=FixationColumns)

MOST_FRAMES = 10_000_000  # of a video: 46 hours at 60 frames a second

_ROUNDING_S = 0.0006  # of times that logs give in whole milliseconds
_LENGTH_TOLERANCE = 1e-4  # of a unit vector: logs carry 7 digits


@dataclass(frozen=True, eq=False)
class GazeSamples(Columns):
    """The samples of one observer on one stimulus, in order of time.

    At least one of `timestamp_s` and `frame_index` is given, and at least one direction. Where `valid` is False (a
    blink, a lost track) the directions mean nothing; they are unit vectors or NaN.
    """

    observer: str
    timestamp_s: Floats | None = None  # (N,) finite, not decreasing
    frame_index: Integers | None = None  # (N,) from 0
    head: Floats | None = None  # (N, 3)
    head_eye: Floats | None = None  # (N, 3)
    eye: Floats | None = None  # (N, 3)
    valid: Mask | None = None  # (N,); None: all are valid

    def __post_init__(self) -> None:
        check_observer(self.observer)
        label = f"gaze samples of observer {self.observer}"
        if not self.directions:
            raise ShapeError(f"{label}: no direction given; expected head, head_eye or eye")
        if self.timestamp_s is None and self.frame_index is None:
            raise ShapeError(f"{label}: neither timestamp_s nor frame_index given; expected at least one")
        count = len(self.vectors(self.directions[0]))
        valid = np.ones(count, bool) if self.valid is None else np.asarray(self.valid, bool)
        object.__setattr__(self, "valid", valid)
        self.check_lengths(label, count)
        for name in self.directions:
            vectors = np.asarray(self.vectors(name), np.float64)
            if vectors.shape != (count, 3):
                raise ShapeError(f"{label}: {name} has shape {vectors.shape}, expected ({count}, 3)")
            length = np.linalg.norm(vectors[valid], axis=1)
            if not np.all(np.abs(length - 1) < _LENGTH_TOLERANCE):  # NaN fails too
                raise ShapeError(f"{label}: {name} has valid samples that are not unit vectors")
            object.__setattr__(self, name, vectors)
        if self.timestamp_s is not None:
            check_times(label, self.timestamp_s)
        if self.frame_index is not None and count and self.frame_index.min() < 0:
            raise ShapeError(f"{label}: frame {self.frame_index.min()}; frames count from 0")

    def __len__(self) -> int:
        return len(self.is_valid)

    @property
    def is_valid(self) -> Mask:
        """(N,) bool."""
        if self.valid is None:  # never after construction; only for the type checker
            raise ShapeError("no validity")
        return self.valid

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions that the log has."""
        return tuple(name for name in get_args(Direction) if getattr(self, name) is not None)

    def vectors(self, direction: Direction) -> Floats:
        """Return the unit vectors (N, 3) of a direction; raise `DataError` if the log does not have it."""
        found: Floats | None = getattr(self, direction)
        if found is None:
            there = " and ".join(self.directions)
            raise DataError(f"observer {self.observer}: the log has no {direction} direction; it has {there}")
        return found

    def lonlat(self, direction: Direction) -> tuple[Floats, Floats]:
        """Return longitudes and latitudes (N,) of a direction; NaN where a lost sample has none."""
        return lonlat_from_vectors(self.vectors(direction))

    def sampling_rate_hz(self) -> float:
        """Return samples per second from the median time step; NaN without times or with fewer than two samples."""
        if self.timestamp_s is None or len(self) < 2:
            return math.nan
        steps = np.diff(self.timestamp_s)
        steps = steps[steps > 0]
        return float(1 / np.median(steps)) if len(steps) else math.nan


@dataclass(frozen=True, eq=False)
class Fixations(FixationColumns):
    """The fixations of any number of observers on one 360° stimulus, grouped by observer, each group in order."""

    observer: NDArray[np.str_]  # (N,)
    lon_rad: Floats  # (N,)
    lat_rad: Floats  # (N,)
    onset_s: Floats | None = None  # (N,)
    duration_ms: Floats | None = None  # (N,)
    first_frame: Integers | None = None  # (N,) from 0
    last_frame: Integers | None = None  # (N,) inclusive

    def __post_init__(self) -> None:
        self.check_columns("fixations")
        first, last = self.first_frame, self.last_frame
        if (first is None) != (last is None):
            raise ShapeError("fixations: only one of first_frame and last_frame is given; expected both")
        if first is not None and last is not None and len(first) and (first.min() < 0 or (last < first).any()):
            raise ShapeError("fixations: a frame range starts below 0 or is reversed")
        check_lonlat(self.lon_rad, self.lat_rad)

    def in_frames(self, first_frame: int, last_frame: int) -> Self:
        """Return the fixations that overlap the frames `first_frame` … `last_frame` (inclusive)."""
        if not len(self):
            return self
        if self.first_frame is None or self.last_frame is None:
            raise DataError("these fixations have no frames; add them with with_frames and the video's rate")
        return self.select((self.first_frame <= last_frame) & (self.last_frame >= first_frame))

    def with_frames(self, frames_per_s: float) -> Self:
        """Return the same fixations with frames, computed from their times and a constant frame rate.

        A time up to 0.6 ms before a frame belongs to that frame, because logs round to milliseconds. Frame numbers are
        limited to `MOST_FRAMES`.
        """
        if not (math.isfinite(frames_per_s) and frames_per_s > 0):
            raise ShapeError(f"frames_per_s {frames_per_s}: expected a positive number")
        start, end = self._span_s()
        first = np.clip(np.floor(start * frames_per_s), None, MOST_FRAMES).astype(np.int64)
        last = np.clip(np.ceil(end * frames_per_s) - 1, first, MOST_FRAMES).astype(np.int64)
        return replace(self, first_frame=first, last_frame=last)

    def with_frame_times(self, frame_times_s: Floats) -> Self:
        """Return the same fixations with frames, for a video of uneven rate.

        `frame_times_s` (F,) are the times of its frames, ascending from 0. A fixation that begins after the last of
        them is in the last frame.
        """
        start, end = self._span_s()
        first = np.maximum(np.searchsorted(frame_times_s, start, "right") - 1, 0)
        last = np.maximum(first, np.searchsorted(frame_times_s, end, "left") - 1)
        return replace(self, first_frame=first, last_frame=last)

    def _span_s(self) -> tuple[Floats, Floats]:
        """Return start and end, moved inwards by the rounding, so that they fall into the right frames.

        A fixation that ends where a frame begins is not in that frame.
        """
        if self.onset_s is None:
            raise DataError("these fixations have no times, so their frames are unknown")
        duration_s = 0.0 if self.duration_ms is None else self.duration_ms / 1000
        return self.onset_s + _ROUNDING_S, self.onset_s + duration_s - _ROUNDING_S

    def scanpaths(self) -> "list[Scanpath]":
        """Return one scanpath per observer, in order of appearance."""
        parts = {name: self.select(self.observer == name) for name in self.observers}
        return [Scanpath(name, p.lon_rad, p.lat_rad, p.onset_s, p.duration_ms) for name, p in parts.items()]


@dataclass(frozen=True, eq=False)
class PlanarFixations(FixationColumns):
    """Fixations on a flat photo: u to the right, v **down**, both in [0, 1] of the photo."""

    observer: NDArray[np.str_]  # (N,)
    u: Floats  # (N,)
    v: Floats  # (N,)
    onset_s: Floats | None = None
    duration_ms: Floats | None = None

    def __post_init__(self) -> None:
        self.check_columns("fixations on a photo")
        for name, values in (("u", self.u), ("v", self.v)):
            if len(values) and not (np.all(values >= 0) and np.all(values <= 1)):
                raise ShapeError(f"{name} outside [0, 1] of the photo: {values.min():.4g} … {values.max():.4g}")


@dataclass(frozen=True, eq=False)
class Scanpath(Columns):
    """The fixations of one observer on one stimulus, in order."""

    observer: str
    lon_rad: Floats
    lat_rad: Floats
    onset_s: Floats | None = None
    duration_ms: Floats | None = None

    def __post_init__(self) -> None:
        check_observer(self.observer)
        self.check_lengths(f"scanpath of {self.observer}", len(self))
        check_lonlat(self.lon_rad, self.lat_rad)

    def __len__(self) -> int:
        return len(self.lon_rad)

    def amplitudes_rad(self) -> Floats:
        """Return the angle between each fixation and the next, (N - 1,)."""
        vectors = unit_vectors(self.lon_rad, self.lat_rad)
        return angle_rad(vectors[:-1], vectors[1:])


Gaze = Fixations | PlanarFixations | tuple[GazeSamples, ...]  # on one stimulus


def fixations_from_samples(samples: Iterable[GazeSamples], direction: Direction) -> Fixations:
    """Return every valid sample as a fixation, for data sets whose maps are made of samples (VR-EyeTracking).

    A sample without a frame lasts for one period of its log, so that every frame of a faster video sees one.
    """
    return Fixations.concatenate([_fixation_per_sample(track, direction) for track in samples])


def _fixation_per_sample(track: GazeSamples, direction: Direction) -> Fixations:
    valid = track.select(track.is_valid)
    lon, lat = valid.lonlat(direction)
    duration_ms, rate_hz = None, track.sampling_rate_hz()
    if valid.frame_index is None:
        duration_ms = np.full(len(valid), 1000 / rate_hz if math.isfinite(rate_hz) else 0.0)
    observer, frame = np.full(len(valid), track.observer), valid.frame_index
    return Fixations(observer, lon, lat, valid.timestamp_s, duration_ms, frame, frame)


def by_observer(fixations: AnyFixations) -> AnyFixations:
    """Return the fixations grouped by observer, each group in order of time where there are times."""
    groups: list[Integers] = list(rows_of_each(fixations.observer).values())
    if fixations.onset_s is not None:
        groups = [rows[np.argsort(fixations.onset_s[rows], kind="stable")] for rows in groups]
    return fixations.select(np.concatenate([np.zeros(0, np.int64), *groups]))


def rows_of_each(names: NDArray[np.str_]) -> dict[str, Integers]:
    """Return the rows of each name, in order; names are in order of their first row."""
    found, first, group = np.unique(names, return_index=True, return_inverse=True)
    parts = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    return {str(found[index]): parts[index] for index in np.argsort(first)}
