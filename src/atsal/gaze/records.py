"""What was recorded: samples of gaze, fixations and scanpaths, in one set of conventions whatever the source.

Directions are unit vectors (x right, y up, z forward) or `lon_rad` in [-π, π], + to the right, 0 at the frame's
centre, and `lat_rad` in [-π/2, π/2], + up (`docs/coordinates.md`). Frames are counted from 0. Times are seconds from
the start of the stimulus; durations are milliseconds. A field is None where the format does not carry it.

`head` is where the head points, `head_eye` where the eyes look (both in the world), `eye` where the eyes look seen from
the head.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, Self, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError, ShapeError
from atsal.gaze.directions import Floats, angle_rad, lonlat_from_vectors, unit_vectors
from atsal.untrusted.text import short_repr

Direction = Literal["head", "head_eye", "eye"]
Integers = NDArray[np.int64]
T = TypeVar("T")
P = TypeVar("P", bound="Fixations | PlanarFixations")

MOST_FRAMES = 10_000_000  # of a video: 46 hours at 60 frames a second

_SLACK = 1e-9  # radians beyond the range that rounding explains
_ROUNDING_S = 0.0006  # of times that logs give in whole milliseconds
_UNIT_SLACK = 1e-4  # of a unit vector's length: logs carry 7 digits


@dataclass(frozen=True, eq=False)
class GazeSamples:
    """The samples of one observer on one stimulus, in order of time.

    At least one of `timestamp_s` and `frame_index`, and one of the directions, is there. Where `valid` is False the
    directions are without meaning (a blink, a lost track); they are unit vectors or NaN there.
    """

    observer: str
    timestamp_s: Floats | None = None  # (N,) finite, not decreasing
    frame_index: Integers | None = None  # (N,) from 0
    head: Floats | None = None  # (N, 3)
    head_eye: Floats | None = None  # (N, 3)
    eye: Floats | None = None  # (N, 3)
    valid: NDArray[np.bool_] | None = None  # (N,); None: all are

    def __post_init__(self) -> None:
        _check_observer(self.observer)
        what = f"gaze samples of observer {self.observer}"
        given = [name for name in get_args(Direction) if getattr(self, name) is not None]
        if not given:
            raise ShapeError(f"{what}: no direction given; expected head, head_eye or eye")
        if self.timestamp_s is None and self.frame_index is None:
            raise ShapeError(f"{what}: neither timestamp_s nor frame_index given; expected at least one")
        count = len(getattr(self, given[0]))
        valid = np.ones(count, bool) if self.valid is None else np.asarray(self.valid, bool)
        object.__setattr__(self, "valid", valid)
        _check_lengths(what, self, count)
        for name in given:
            vectors = np.asarray(getattr(self, name), np.float64)
            if vectors.shape != (count, 3):
                raise ShapeError(f"{what}: {name} of shape {vectors.shape}, expected ({count}, 3)")
            length = np.linalg.norm(vectors[valid], axis=1)
            if not np.all(np.abs(length - 1) < _UNIT_SLACK):  # NaN fails too
                raise ShapeError(f"{what}: {name} has valid samples that are no unit vectors")
            object.__setattr__(self, name, vectors)
        if self.timestamp_s is not None:
            _check_times(what, self.timestamp_s)
        if self.frame_index is not None and count and self.frame_index.min() < 0:
            raise ShapeError(f"{what}: frame {self.frame_index.min()}; frames are counted from 0")

    def __len__(self) -> int:
        return len(self.is_valid)

    @property
    def is_valid(self) -> NDArray[np.bool_]:
        """(N,) bool."""
        if self.valid is None:  # never after construction; said for the type checker
            raise ShapeError("no validity")
        return self.valid

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Which directions the log has."""
        return tuple(name for name in get_args(Direction) if getattr(self, name) is not None)

    def vectors(self, direction: Direction) -> Floats:
        """The unit vectors (N, 3) of one direction; `DataError` names those there are if it is not among them."""
        found: Floats | None = getattr(self, direction)
        if found is None:
            there = " and ".join(self.directions)
            raise DataError(f"observer {self.observer}: the log has no {direction} direction; it has {there}")
        return found

    def lonlat(self, direction: Direction) -> tuple[Floats, Floats]:
        """Longitudes and latitudes (N,) of one direction; NaN where a lost sample has none."""
        return lonlat_from_vectors(self.vectors(direction))

    def sampling_rate_hz(self) -> float:
        """Samples a second, from the median step of time; NaN with fewer than two samples or without times."""
        if self.timestamp_s is None or len(self) < 2:
            return math.nan
        steps = np.diff(self.timestamp_s)
        steps = steps[steps > 0]
        return float(1 / np.median(steps)) if len(steps) else math.nan

    def select(self, chosen: NDArray[np.bool_] | Integers | slice) -> Self:
        """The samples of a mask, index or slice."""
        return _select(self, chosen)


@dataclass(frozen=True, eq=False)
class Fixations:
    """The fixations of any number of observers on one 360° stimulus; each observer's are together and in order."""

    observer: NDArray[np.str_]  # (N,)
    lon_rad: Floats  # (N,)
    lat_rad: Floats  # (N,)
    onset_s: Floats | None = None  # (N,)
    duration_ms: Floats | None = None  # (N,)
    first_frame: Integers | None = None  # (N,) from 0
    last_frame: Integers | None = None  # (N,) inclusive

    def __post_init__(self) -> None:
        _check_points(self, "fixations")
        _check_range("longitude", self.lon_rad, math.pi)
        _check_range("latitude", self.lat_rad, math.pi / 2)

    def __len__(self) -> int:
        return len(self.lon_rad)

    @classmethod
    def empty(cls) -> Self:
        """No fixation at all."""
        return cls(np.array([], np.str_), np.array([]), np.array([]))

    @property
    def observers(self) -> list[str]:
        """Whose they are, each once, in order of appearance."""
        return list(dict.fromkeys(self.observer.tolist()))

    def select(self, chosen: NDArray[np.bool_] | Integers | slice) -> Self:
        """The fixations of a mask, index or slice."""
        return _select(self, chosen)

    def in_frames(self, first_frame: int, last_frame: int) -> Self:
        """Those that go on during any of the frames `first_frame` … `last_frame` (inclusive)."""
        if not len(self):
            return self
        if self.first_frame is None or self.last_frame is None:
            raise DataError("these fixations carry no frames: give the rate of the video with with_frames")
        return self.select((self.first_frame <= last_frame) & (self.last_frame >= first_frame))

    def with_frames(self, frames_per_s: float) -> Self:
        """The same, with the frames during which each goes on, from its times and the video's constant rate.

        A time that lies less than a millisecond's rounding (0.6 ms) before a frame belongs to that frame. Frames end at
        `MOST_FRAMES`.
        """
        if not (math.isfinite(frames_per_s) and frames_per_s > 0):
            raise ShapeError(f"frames_per_s {frames_per_s}: expected a positive number")
        start, end = self._span_s()
        first = np.clip(np.floor(start * frames_per_s), None, MOST_FRAMES).astype(np.int64)
        last = np.clip(np.ceil(end * frames_per_s) - 1, first, MOST_FRAMES).astype(np.int64)
        return replace(self, first_frame=first, last_frame=last)

    def with_frame_times(self, frame_times_s: Floats) -> Self:
        """The same for a video of uneven rate: `frame_times_s` (F,) are its frames' times, ascending from 0.

        What begins after the last frame's time is in the last frame.
        """
        start, end = self._span_s()
        first = np.maximum(np.searchsorted(frame_times_s, start, "right") - 1, 0)
        last = np.maximum(first, np.searchsorted(frame_times_s, end, "left") - 1)
        return replace(self, first_frame=first, last_frame=last)

    def _span_s(self) -> tuple[Floats, Floats]:
        """Start and end of each, so that rounded times fall into the frame that they were taken from.

        A fixation that ends where a frame begins is not seen in it.
        """
        if self.onset_s is None:
            raise DataError("these fixations carry no times: their frames cannot be told")
        duration_s = 0.0 if self.duration_ms is None else self.duration_ms / 1000
        return self.onset_s + _ROUNDING_S, self.onset_s + duration_s - _ROUNDING_S

    def scanpaths(self) -> "list[Scanpath]":
        """One scanpath an observer, in order of appearance."""
        found = []
        for name in self.observers:
            own = self.select(self.observer == name)
            found.append(Scanpath(name, own.lon_rad, own.lat_rad, own.onset_s, own.duration_ms))
        return found

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """All of them after one another; a field that one part lacks is dropped. Empty parts do not count."""
        return _concatenate(cls, [part for part in parts if len(part)])


@dataclass(frozen=True, eq=False)
class PlanarFixations:
    """Fixations on a flat photo: u to the right, v **down**, both in [0, 1] of the photo."""

    observer: NDArray[np.str_]  # (N,)
    u: Floats  # (N,)
    v: Floats  # (N,)
    onset_s: Floats | None = None
    duration_ms: Floats | None = None

    def __post_init__(self) -> None:
        _check_points(self, "fixations on a photo")
        for name, values in (("u", self.u), ("v", self.v)):
            if len(values) and not (np.all(values >= 0) and np.all(values <= 1)):
                raise ShapeError(f"{name} outside [0, 1] of the photo: {values.min():.4g} … {values.max():.4g}")

    def __len__(self) -> int:
        return len(self.u)

    @property
    def observers(self) -> list[str]:
        """Whose they are, each once, in order of appearance."""
        return list(dict.fromkeys(self.observer.tolist()))

    def select(self, chosen: NDArray[np.bool_] | Integers | slice) -> Self:
        """The fixations of a mask, index or slice."""
        return _select(self, chosen)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """All of them after one another; a field that one part lacks is dropped. Empty parts do not count."""
        return _concatenate(cls, [part for part in parts if len(part)])


@dataclass(frozen=True, eq=False)
class Scanpath:
    """The fixations of one observer on one stimulus, in order."""

    observer: str
    lon_rad: Floats
    lat_rad: Floats
    onset_s: Floats | None = None
    duration_ms: Floats | None = None

    def __post_init__(self) -> None:
        _check_observer(self.observer)
        _check_lengths(f"scanpath of {self.observer}", self, len(self.lon_rad))
        _check_range("longitude", self.lon_rad, math.pi)
        _check_range("latitude", self.lat_rad, math.pi / 2)

    def __len__(self) -> int:
        return len(self.lon_rad)

    def amplitudes_rad(self) -> Floats:
        """Angle between each fixation and the next, (N - 1,)."""
        return angle_rad(*(unit_vectors(self.lon_rad, self.lat_rad)[part] for part in (slice(-1), slice(1, None))))


def fixations_from_samples(samples: Iterable[GazeSamples], direction: Direction) -> Fixations:
    """Every valid sample as a fixation of its own, for sets whose maps are made of samples (VR-EyeTracking).

    A sample without a frame lasts for one period of its log, so that every frame of a faster video sees one.
    """
    return Fixations.concatenate([_points(track, direction) for track in samples])


def by_observer(fixations: P) -> P:
    """The same fixations, each observer's together and, where there are times, in order."""
    parts: list[Integers] = list(rows_of_each(fixations.observer).values())
    if fixations.onset_s is not None:
        parts = [rows[np.argsort(fixations.onset_s[rows], kind="stable")] for rows in parts]
    return _select(fixations, np.concatenate([np.zeros(0, np.int64), *parts]))


def rows_of_each(names: NDArray[np.str_]) -> dict[str, Integers]:
    """The rows of each name, in order; names in order of their first row."""
    found, first, group = np.unique(names, return_index=True, return_inverse=True)
    parts = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    return {str(found[index]): parts[index] for index in np.argsort(first)}


def _points(track: GazeSamples, direction: Direction) -> Fixations:
    valid = track.select(track.is_valid)
    lon, lat = valid.lonlat(direction)
    duration_ms, rate_hz = None, track.sampling_rate_hz()
    if valid.frame_index is None:
        duration_ms = np.full(len(valid), 1000 / rate_hz if math.isfinite(rate_hz) else 0.0)
    observer, frame = np.full(len(valid), track.observer), valid.frame_index
    return Fixations(observer, lon, lat, valid.timestamp_s, duration_ms, frame, frame)


def _select(record: T, chosen: NDArray[np.bool_] | Integers | slice) -> T:
    values = {f.name: getattr(record, f.name) for f in fields(record)}  # type: ignore[arg-type]
    return type(record)(**{k: v[chosen] if isinstance(v, np.ndarray) else v for k, v in values.items()})


def _concatenate(kind: Callable[..., T], parts: Sequence[T]) -> T:
    if not parts:
        return kind.empty() if hasattr(kind, "empty") else kind(*(np.array([], t) for t in (np.str_, float, float)))
    columns = {}
    for f in fields(parts[0]):  # type: ignore[arg-type]
        values = [getattr(part, f.name) for part in parts]
        columns[f.name] = None if any(value is None for value in values) else np.concatenate(values)
    return kind(**columns)


def _check_observer(observer: str) -> None:
    if not observer:
        raise ShapeError("an observer without a name")
    if not observer.isascii() and any("\ud800" <= letter <= "\udfff" for letter in observer):
        raise ShapeError(f"observer {short_repr(observer)}: a name that is no text in Unicode; rename it")


def _check_lengths(what: str, record: object, count: int) -> None:
    for f in fields(record):  # type: ignore[arg-type]
        value = getattr(record, f.name)
        if isinstance(value, np.ndarray) and len(value) != count:
            raise ShapeError(f"{what}: {f.name} has {len(value)} entries, expected {count}")


def _check_times(what: str, timestamp_s: Floats) -> None:
    if not np.isfinite(timestamp_s).all():
        raise ShapeError(f"{what}: a time is not a number")
    if len(timestamp_s) > 1 and np.diff(timestamp_s).min() < 0:
        at = int(np.argmin(np.diff(timestamp_s)))
        raise ShapeError(f"{what}: time goes back after {timestamp_s[at]:.3f} s; expected it in order")


def _check_points(record: Fixations | PlanarFixations, what: str) -> None:
    observer = np.asarray(record.observer, np.str_)
    object.__setattr__(record, "observer", observer)
    _check_lengths(what, record, len(observer))
    if (observer == "").any():
        raise ShapeError(f"{what}: an observer without a name")
    for name in ("onset_s", "duration_ms"):
        values = getattr(record, name)
        if values is not None and not np.isfinite(values).all():
            raise ShapeError(f"{what}: {name} has values that are no numbers")
    if record.duration_ms is not None and len(observer) and record.duration_ms.min() < 0:
        raise ShapeError(f"{what}: a duration of {record.duration_ms.min()} ms")
    if isinstance(record, Fixations):
        first, last = record.first_frame, record.last_frame
        if (first is None) != (last is None):
            raise ShapeError(f"{what}: first_frame and last_frame go together")
        if first is not None and last is not None and len(first) and (first.min() < 0 or (last < first).any()):
            raise ShapeError(f"{what}: frame ranges below 0 or reversed")


def _check_range(name: str, values: Floats, limit: float) -> None:
    # NaN fails the comparison
    if len(values) and not np.all(np.abs(values) <= limit + _SLACK):
        lowest, highest = math.degrees(np.nanmin(values)), math.degrees(np.nanmax(values))
        expected = f"expected numbers within ±{math.degrees(limit):.0f}°"
        raise ShapeError(f"{name} {lowest:.4g}° … {highest:.4g}°: {expected}")
