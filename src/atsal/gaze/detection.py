"""Fixations from gaze samples: by velocity (I-VT) and by dispersion (I-DT), on the sphere.

After Salvucci & Goldberg (2000). Angles are angles between directions, never differences of longitude and latitude, so
that fixations at the poles and across the ±180° border need no special care: rotating all gaze only rotates the
fixations. Both methods find periods in which the direction stays, which includes following a slow object.

The defaults depend on the direction (`gaze/detection_parameters.py`): `head_eye` hardly moves during a fixation,
because the eyes compensate for the head; `eye` moves by just that compensation; `head` is slow and never quite still.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.gaze.detection_parameters import (
    IDT_DEFAULTS,
    IVT_DEFAULTS,
    DetectionParameters,
    IdtParameters,
    IvtParameters,
)
from atsal.gaze.directions import Floats, Integers, Mask, angle_rad, lonlat_from_vectors
from atsal.gaze.filtering import LOST, Signal, angular_velocity, continuous_signal, smooth
from atsal.gaze.records import Direction, Fixations, GazeSamples

Method = Literal["ivt", "idt"]

_TIME_TOLERANCE_S = 1e-9  # rounding


class Label(IntEnum):
    """What a sample belongs to. `SACCADE` is every movement between fixations, however slow."""

    LOST = 0
    FIXATION = 1
    SACCADE = 2


@dataclass(frozen=True, eq=False)
class Detection:
    """The events in one observer's samples."""

    fixations: Fixations
    labels: NDArray[np.int8]  # (N,) a `Label` for each sample
    velocity_deg_s: Floats | None = None  # (N,) of I-VT; NaN where lost


def detect_ivt(samples: GazeSamples, direction: Direction, parameters: IvtParameters | None = None) -> Detection:
    """Detect fixations as runs of samples slower than a threshold (I-VT); None takes `IVT_DEFAULTS[direction]`.

    A run never crosses a gap longer than `maximum_gap_ms`. Runs shorter than the velocity's window are ignored; the
    others are merged where close in time and direction, and then short ones are dropped (Olsen 2012). A fixation lasts
    from its first to its last sample (`onset_s`, `duration_ms`), is at the mean of their vectors, and has frames if the
    log has. Raises `DataError` for a log without that direction or without times.
    """
    chosen = IVT_DEFAULTS[direction] if parameters is None else parameters
    signal = _prepare_signal(samples, direction, chosen)
    velocity = angular_velocity(signal, chosen.velocity_window_ms)
    with np.errstate(invalid="ignore"):
        slow = velocity <= chosen.velocity_threshold_deg_s
    starts, stops = _runs(slow, signal.segment)
    # a shorter run is how the window sees the turning point of a movement
    starts, stops = _drop_short(signal, starts, stops, chosen.velocity_window_ms)
    return _make_detection(samples, signal, starts, stops, chosen, velocity)


def detect_idt(samples: GazeSamples, direction: Direction, parameters: IdtParameters | None = None) -> Detection:
    """Detect fixations as periods in which the direction stays together (I-DT); None takes `IDT_DEFAULTS[direction]`.

    The dispersion of a period is the **largest angle between any two of its samples**. From each sample on, the
    shortest period of at least `minimum_duration_ms` is tried. If it stays within `dispersion_deg`, it grows as long as
    it does, and the search continues after it; if not, its first sample is skipped. Otherwise as `detect_ivt`.
    """
    chosen = IDT_DEFAULTS[direction] if parameters is None else parameters
    signal = _prepare_signal(samples, direction, chosen)
    starts, stops = _compact_periods(signal, np.deg2rad(chosen.dispersion_deg), chosen.minimum_duration_ms / 1000)
    return _make_detection(samples, signal, starts, stops, chosen, None)


def detect_fixations(
    samples: Iterable[GazeSamples],
    direction: Direction,
    *,
    method: Method = "ivt",
    parameters: IvtParameters | IdtParameters | None = None,
) -> Fixations:
    """Return the fixations of any number of observers, by either method; None takes the defaults of the direction."""
    if method == "ivt" and (parameters is None or isinstance(parameters, IvtParameters)):
        return Fixations.concatenate([detect_ivt(track, direction, parameters).fixations for track in samples])
    if method == "idt" and (parameters is None or isinstance(parameters, IdtParameters)):
        return Fixations.concatenate([detect_idt(track, direction, parameters).fixations for track in samples])
    raise ConfigError(
        f"method {method!r} with parameters {parameters}: expected 'ivt' with IvtParameters or 'idt' with IdtParameters"
    )


def _prepare_signal(samples: GazeSamples, direction: Direction, chosen: DetectionParameters) -> Signal:
    signal = continuous_signal(samples, direction, maximum_gap_ms=chosen.maximum_gap_ms, padding_ms=chosen.padding_ms)
    return smooth(signal, chosen.smoothing_ms, chosen.smoothing)


def _runs(chosen: Mask, segment: Integers) -> tuple[Integers, Integers]:
    """Return the first and last index (inclusive) of each run of chosen samples in one segment."""
    new = np.ones(len(chosen), bool)
    new[1:] = (chosen[1:] != chosen[:-1]) | (segment[1:] != segment[:-1])
    starts = np.flatnonzero(new)
    stops = np.append(starts[1:], len(chosen)) - 1
    return starts[chosen[starts]], stops[chosen[starts]]


def _drop_short(signal: Signal, starts: Integers, stops: Integers, minimum_ms: float) -> tuple[Integers, Integers]:
    long = signal.timestamp_s[stops] - signal.timestamp_s[starts] >= minimum_ms / 1000 - _TIME_TOLERANCE_S
    return starts[long], stops[long]


def _compact_periods(signal: Signal, dispersion_rad: float, minimum_s: float) -> tuple[Integers, Integers]:
    """Return the first and last index (inclusive) of each period that I-DT finds."""
    earliest = _earliest_compact(signal, dispersion_rad)
    shortest = np.searchsorted(signal.timestamp_s, signal.timestamp_s + minimum_s - _TIME_TOLERANCE_S)
    starts, stops = [], []
    start = 0
    while start < len(signal) and shortest[start] < len(signal):
        last = max(int(shortest[start]), start)
        if earliest[last] > start:
            start = int(earliest[last])  # all earlier starts fail at the same sample
            continue
        stop = int(np.searchsorted(earliest, start, side="right")) - 1
        starts.append(start)
        stops.append(stop)
        start = stop + 1
    return np.array(starts, np.int64), np.array(stops, np.int64)


def _earliest_compact(signal: Signal, dispersion_rad: float) -> Integers:
    """Return, for each sample, the earliest sample from which all up to it are close together, (N,), never decreasing.

    For a lost sample it is the next sample.
    """
    limit, vectors, lost = np.cos(dispersion_rad) - 1e-15, signal.vectors, signal.segment == LOST
    lowest = signal.bounds()[0]
    earliest = np.empty(len(signal), np.int64)
    first = 0
    for index in range(len(signal)):
        first = index + 1 if lost[index] else max(first, int(lowest[index]))
        apart = np.flatnonzero(vectors[first:index] @ vectors[index] < limit)
        first += int(apart[-1]) + 1 if len(apart) else 0
        earliest[index] = first
    return earliest


def _make_detection(
    samples: GazeSamples,
    signal: Signal,
    starts: Integers,
    stops: Integers,
    chosen: DetectionParameters,
    velocity: Floats | None,
) -> Detection:
    starts, stops = _merge(signal, starts, stops, chosen)
    starts, stops = _drop_short(signal, starts, stops, chosen.minimum_duration_ms)
    border = np.zeros(len(signal) + 1, np.int64)
    border[starts] += 1
    border[stops + 1] -= 1
    fixated = np.cumsum(border)[:-1] > 0
    labels = np.where(fixated, Label.FIXATION, np.where(signal.segment == LOST, Label.LOST, Label.SACCADE))
    lon, lat = lonlat_from_vectors(_sum_vectors(signal, starts, stops))
    times, frame = signal.timestamp_s, samples.frame_index
    fixations = Fixations(
        observer=np.full(len(starts), samples.observer),
        lon_rad=lon,
        lat_rad=lat,
        onset_s=times[starts],
        duration_ms=(times[stops] - times[starts]) * 1000,
        first_frame=None if frame is None else frame[starts],
        last_frame=None if frame is None else np.maximum(frame[starts], frame[stops]),
    )
    return Detection(fixations, labels.astype(np.int8), velocity)


def _sum_vectors(signal: Signal, starts: Integers, stops: Integers) -> Floats:
    """Return the sum of the measured vectors of each period, (periods, 3)."""
    vectors = np.where(signal.measured[:, None], signal.vectors, 0.0)
    # one more row, because a period that ends with the last sample needs an index after it
    edges = np.stack([starts, stops + 1], 1).ravel()
    return np.add.reduceat(np.vstack([vectors, np.zeros(3)]), edges, axis=0)[::2]


def _merge(signal: Signal, starts: Integers, stops: Integers, chosen: DetectionParameters) -> tuple[Integers, Integers]:
    """Join neighbours that are close in time and direction, in order; a joined period may take in the next."""
    if len(starts) < 2 or chosen.merge_angle_deg == 0:
        return starts, stops
    sums = _sum_vectors(signal, starts, stops)
    gap_s = signal.timestamp_s[starts[1:]] - signal.timestamp_s[stops[:-1]]
    near = gap_s <= chosen.merge_gap_ms / 1000 + _TIME_TOLERANCE_S
    near &= signal.segment[starts[1:]] == signal.segment[stops[:-1]]
    limit = np.deg2rad(chosen.merge_angle_deg)
    begins = np.ones(len(starts), bool)
    current = sums[0]
    for index in range(1, len(starts)):
        if near[index - 1] and angle_rad(current, sums[index]) <= limit:
            current = current + sums[index]
            begins[index] = False
        else:
            current = sums[index]
    firsts = np.flatnonzero(begins)
    return starts[firsts], stops[np.append(firsts[1:], len(starts)) - 1]
