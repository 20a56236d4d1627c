"""Fixations out of gaze samples: by velocity (I-VT) and by dispersion (I-DT), on the sphere.

After Salvucci & Goldberg (2000). Angles are angles between directions, never differences of longitude and latitude, so
that a fixation at a pole or across the ±180° border is one like any other: rotating all gaze rotates the fixations and
changes nothing else. Both find periods in which the direction stays: following a slow object is part of them.

The defaults depend on the direction (`gaze/thresholds.py`): `head_eye` hardly moves during a fixation, because the eyes
counter the head; `eye` does, by just that; `head` is slow and never quite still.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.gaze.directions import Floats, angle_rad, lonlat_from_vectors
from atsal.gaze.filtering import LOST, Signal, angular_velocity, continuous_signal, smooth
from atsal.gaze.records import Direction, Fixations, GazeSamples, Integers
from atsal.gaze.thresholds import IDT, IVT, Idt, Ivt, Parameters

Method = Literal["ivt", "idt"]

_SLACK_S = 1e-9  # of time: what rounding explains


class Label(IntEnum):
    """What a sample is part of. `SACCADE` is every movement between fixations, however slow."""

    LOST = 0
    FIXATION = 1
    SACCADE = 2


@dataclass(frozen=True, eq=False)
class Detection:
    """What was found in one observer's samples."""

    fixations: Fixations
    labels: NDArray[np.int8]  # (N,) a `Label` for each sample
    velocity_deg_s: Floats | None = None  # (N,) of I-VT; NaN where lost


def detect_ivt(samples: GazeSamples, direction: Direction, parameters: Ivt | None = None) -> Detection:
    """Fixations as runs of samples slower than a threshold (I-VT); None takes `IVT[direction]`.

    A run never crosses a gap longer than `maximum_gap_ms`. Runs shorter than the velocity's window are nothing; the
    others are merged where close in time and direction, and then the short ones dropped (Olsen 2012). A fixation lasts
    from its first to its last sample (`onset_s`, `duration_ms`), lies at the mean of their vectors, and carries frames
    if the log does. Raises `DataError` for a log without that direction or without times.
    """
    chosen = IVT[direction] if parameters is None else parameters
    signal = _prepare(samples, direction, chosen)
    velocity = angular_velocity(signal, chosen.velocity_window_ms)
    with np.errstate(invalid="ignore"):
        slow = velocity <= chosen.velocity_threshold_deg_s
    starts, stops = _runs(slow, signal.segment)
    # a run shorter than the window is what the window sees of a movement's turning point
    lasting = signal.timestamp_s[stops] - signal.timestamp_s[starts] >= chosen.velocity_window_ms / 1000 - _SLACK_S
    starts, stops = starts[lasting], stops[lasting]
    return _detection(samples, signal, starts, stops, chosen, velocity)


def detect_idt(samples: GazeSamples, direction: Direction, parameters: Idt | None = None) -> Detection:
    """Fixations as periods in which the direction stays together (I-DT); None takes `IDT[direction]`.

    The dispersion of a period is the **largest angle between any two of its samples**. From each sample on, the
    shortest period of at least `minimum_duration_ms` is tried; if it stays within `dispersion_deg` it grows until it
    does not any more, and the search goes on behind it; if not, its first sample is left. Else as in `detect_ivt`.
    """
    chosen = IDT[direction] if parameters is None else parameters
    signal = _prepare(samples, direction, chosen)
    starts, stops = _compact_periods(signal, np.deg2rad(chosen.dispersion_deg), chosen.minimum_duration_ms / 1000)
    return _detection(samples, signal, starts, stops, chosen, None)


def detect_fixations(
    samples: Iterable[GazeSamples],
    direction: Direction,
    *,
    method: Method = "ivt",
    parameters: Ivt | Idt | None = None,
) -> Fixations:
    """The fixations of any number of observers, by either method; None takes the defaults of the direction."""
    if method == "ivt" and (parameters is None or isinstance(parameters, Ivt)):
        return Fixations.concatenate([detect_ivt(track, direction, parameters).fixations for track in samples])
    if method == "idt" and (parameters is None or isinstance(parameters, Idt)):
        return Fixations.concatenate([detect_idt(track, direction, parameters).fixations for track in samples])
    raise ConfigError(f"method {method!r} with parameters {parameters}: expected 'ivt' with Ivt or 'idt' with Idt")


def _prepare(samples: GazeSamples, direction: Direction, chosen: Parameters) -> Signal:
    signal = continuous_signal(samples, direction, maximum_gap_ms=chosen.maximum_gap_ms, padding_ms=chosen.padding_ms)
    return smooth(signal, chosen.smoothing_ms, chosen.smoothing)


def _runs(chosen: NDArray[np.bool_], segment: Integers) -> tuple[Integers, Integers]:
    """First and last index (inclusive) of each run of chosen samples in one segment."""
    new = np.ones(len(chosen), bool)
    new[1:] = (chosen[1:] != chosen[:-1]) | (segment[1:] != segment[:-1])
    starts = np.flatnonzero(new)
    stops = np.append(starts[1:], len(chosen)) - 1
    return starts[chosen[starts]], stops[chosen[starts]]


def _compact_periods(signal: Signal, dispersion_rad: float, minimum_s: float) -> tuple[Integers, Integers]:
    """First and last index (inclusive) of each period that I-DT finds."""
    earliest = _earliest_compact(signal, dispersion_rad)
    shortest = np.searchsorted(signal.timestamp_s, signal.timestamp_s + minimum_s - _SLACK_S)
    starts, stops = [], []
    start = 0
    while start < len(signal) and shortest[start] < len(signal):
        last = max(int(shortest[start]), start)
        if earliest[last] > start:
            start = int(earliest[last])  # all starts before fail at the same sample
            continue
        stop = int(np.searchsorted(earliest, start, side="right")) - 1
        starts.append(start)
        stops.append(stop)
        start = stop + 1
    return np.array(starts, np.int64), np.array(stops, np.int64)


def _earliest_compact(signal: Signal, dispersion_rad: float) -> Integers:
    """For each sample, the earliest one from which on all up to it are close together, (N,), never decreasing.

    Right behind the sample where it is lost.
    """
    limit, vectors, lost = np.cos(dispersion_rad) - 1e-15, signal.vectors, signal.segment == LOST
    lowest = signal.bounds()[0] if len(signal) else np.zeros(0, np.int64)
    earliest = np.empty(len(signal), np.int64)
    first = 0
    for index in range(len(signal)):
        first = index + 1 if lost[index] else max(first, int(lowest[index]))
        apart = np.flatnonzero(vectors[first:index] @ vectors[index] < limit)
        first += int(apart[-1]) + 1 if len(apart) else 0
        earliest[index] = first
    return earliest


def _detection(
    samples: GazeSamples,
    signal: Signal,
    starts: Integers,
    stops: Integers,
    chosen: Parameters,
    velocity: Floats | None,
) -> Detection:
    starts, stops = _merge(signal, starts, stops, chosen)
    long = signal.timestamp_s[stops] - signal.timestamp_s[starts] >= chosen.minimum_duration_ms / 1000 - _SLACK_S
    starts, stops = starts[long], stops[long]
    border = np.zeros(len(signal) + 1, np.int64)
    border[starts] += 1
    border[stops + 1] -= 1
    fixed = np.cumsum(border)[:-1] > 0
    labels = np.where(fixed, Label.FIXATION, np.where(signal.segment == LOST, Label.LOST, Label.SACCADE))
    return Detection(_fixations(samples, signal, starts, stops), labels.astype(np.int8), velocity)


def _fixations(samples: GazeSamples, signal: Signal, starts: Integers, stops: Integers) -> Fixations:
    lon, lat = lonlat_from_vectors(_sums(signal, starts, stops))
    times, frame = signal.timestamp_s, samples.frame_index
    return Fixations(
        observer=np.full(len(starts), samples.observer),
        lon_rad=lon,
        lat_rad=lat,
        onset_s=times[starts],
        duration_ms=(times[stops] - times[starts]) * 1000,
        first_frame=None if frame is None else frame[starts],
        last_frame=None if frame is None else np.maximum(frame[starts], frame[stops]),
    )


def _sums(signal: Signal, starts: Integers, stops: Integers) -> Floats:
    """Sum of the measured vectors of each period, (periods, 3)."""
    vectors = np.where(signal.measured[:, None], signal.vectors, 0.0)
    # one more row: a period that ends with the last sample needs a place behind it
    edges = np.stack([starts, stops + 1], 1).ravel()
    return np.add.reduceat(np.vstack([vectors, np.zeros(3)]), edges, axis=0)[::2]


def _merge(signal: Signal, starts: Integers, stops: Integers, chosen: Parameters) -> tuple[Integers, Integers]:
    """Neighbours that are close in time and direction as one, in order; a merged one may take in the next."""
    if len(starts) < 2 or chosen.merge_angle_deg == 0:
        return starts, stops
    sums = _sums(signal, starts, stops)
    gap_s = signal.timestamp_s[starts[1:]] - signal.timestamp_s[stops[:-1]]
    near = (gap_s <= chosen.merge_gap_ms / 1000 + _SLACK_S) & (signal.segment[starts[1:]] == signal.segment[stops[:-1]])
    limit = np.deg2rad(chosen.merge_angle_deg)
    kept = np.ones(len(starts), bool)
    current = sums[0]
    for index in range(1, len(starts)):
        if near[index - 1] and angle_rad(current, sums[index]) <= limit:
            current = current + sums[index]
            kept[index] = False
        else:
            current = sums[index]
    firsts = np.flatnonzero(kept)
    return starts[firsts], stops[np.append(firsts[1:], len(starts)) - 1]
