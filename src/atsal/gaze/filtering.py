"""A direction of gaze as a signal on the sphere: short gaps filled, long gaps kept, noise averaged, angular velocity.

All computations use unit vectors, so that the poles and the ±180° border need no special care, and real time stamps, so
that uneven steps count as they are. Nothing reaches across a long gap.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from atsal.errors import ConfigError, DataError
from atsal.gaze.directions import Floats, Integers, Mask, angle_rad
from atsal.gaze.records import Direction, GazeSamples

Smoothing = Literal["mean", "quadratic"]

LOST = -1  # the segment of a lost sample

_TIME_TOLERANCE_S = 1e-9  # rounding
_GAP_STEPS = 2.5  # median steps; a longer step is a gap if the sampling is slower than the longest gap


@dataclass(frozen=True, eq=False)
class Signal:
    """A direction over time. The samples of a segment follow each other without a long gap."""

    timestamp_s: Floats  # (N,)
    vectors: Floats  # (N, 3); NaN where lost
    segment: Integers  # (N,) from 0, ascending; LOST where there is no direction
    measured: Mask  # (N,); False where lost, and where a short gap was filled

    def __len__(self) -> int:
        return len(self.timestamp_s)

    def bounds(self) -> tuple[Integers, Integers]:
        """Return the first and last index (inclusive) of the segment of each sample, (N,) each."""
        edges = np.flatnonzero(np.diff(self.segment)) + 1
        starts = np.concatenate([[0], edges]).astype(np.int64)[: len(self)]
        lengths = np.diff(np.append(starts, len(self)))
        return np.repeat(starts, lengths), np.repeat(starts + lengths - 1, lengths)


def continuous_signal(
    samples: GazeSamples, direction: Direction, *, maximum_gap_ms: float = 75.0, padding_ms: float = 0.0
) -> Signal:
    """Return one direction of a log, with short gaps filled and long gaps as borders between segments.

    A gap is a run of lost samples (not valid, or not finite) or of missing rows. The lost samples of a gap of at most
    `maximum_gap_ms` are placed on the great circle between its neighbours, evenly in time. A longer gap, such as a
    blink, ends a segment, and the samples within `padding_ms` of it are lost too, because the eyelid moves the measured
    gaze. With fewer than 1000 / maximum_gap_ms samples per second, only a step of more than 2.5 median steps is a gap.

    Raises `DataError` if the log lacks that direction or has no times, `ConfigError` for a negative time.
    """
    if not (maximum_gap_ms >= 0 and padding_ms >= 0):
        raise ConfigError(f"maximum_gap_ms {maximum_gap_ms}, padding_ms {padding_ms}: expected 0 or more")
    vectors = direction_vectors(samples, direction)
    if samples.timestamp_s is None:
        raise DataError(
            f"observer {samples.observer}: the log has frames but no times, which event detection needs; set "
            "timestamp_s to frame_index divided by the frame rate of the video"
        )
    times = np.asarray(samples.timestamp_s, np.float64)
    good = samples.is_valid & np.isfinite(vectors).all(1)
    rate_hz = samples.sampling_rate_hz()
    limit_s = max(maximum_gap_ms / 1000, _GAP_STEPS / rate_hz if rate_hz > 0 else 0.0)  # NaN is not > 0
    measured = good & ~_near_gaps(times, good, limit_s, padding_ms / 1000)
    segment = _segments(times, measured, limit_s)
    return _fill_gaps(Signal(times, np.where(measured[:, None], _normalise(vectors), np.nan), segment, measured))


def direction_vectors(samples: GazeSamples, direction: Direction) -> Floats:
    """Return `samples.vectors(direction)`; if `eye` is missing, the error says why it cannot be derived."""
    if direction == "eye" and samples.eye is None and {"head", "head_eye"} <= set(samples.directions):
        raise DataError(
            f"observer {samples.observer}: the log has no eye direction, and it cannot be derived from head and "
            "head_eye because the roll of the head is not known; choose head or head_eye"
        )
    return samples.vectors(direction)


def smooth(signal: Signal, window_ms: float, kind: Smoothing = "mean") -> Signal:
    """Return the signal averaged over a time window centred on each sample, within its segment, on the unit sphere.

    `mean` is the moving average. `quadratic` is the value at the sample of the parabola that fits the window best: the
    filter of Savitzky and Golay (1964), fitted in time instead of samples, which preserves the height of fast
    movements. A sample without neighbours in its window stays as it is. Takes one pass per sample of the window.
    """
    if kind not in ("mean", "quadratic"):
        raise ConfigError(f"smoothing {kind!r}: expected 'mean' or 'quadratic'")
    if not window_ms >= 0:
        raise ConfigError(f"smoothing window of {window_ms} ms: expected 0 or more")
    half_s = window_ms / 2000
    if half_s == 0 or not len(signal):
        return signal
    weights, moments = _window_moments(signal, half_s, 0 if kind == "mean" else 4)
    averaged = moments[0] if kind == "mean" else _parabola_at_zero(weights, moments, signal.vectors)
    return replace(signal, vectors=_normalise(averaged))


def angular_velocity(signal: Signal, window_ms: float = 20.0) -> Floats:
    """Return the speed of each sample in degrees per second (N,), NaN where lost.

    It is the angle between the first and the last sample of a window centred on the sample, divided by the time between
    them (Olsen 2012), within the segment; the window reaches at least from one neighbour to the other. A movement
    within no time is infinitely fast; a sample without neighbours has speed 0.
    """
    if not window_ms >= 0:
        raise ConfigError(f"velocity window of {window_ms} ms: expected 0 or more")
    times, half_s = signal.timestamp_s, window_ms / 2000 + _TIME_TOLERANCE_S
    lowest, highest = signal.bounds()
    index = np.arange(len(signal))
    first = np.minimum(np.searchsorted(times, times - half_s), index - 1)
    last = np.maximum(np.searchsorted(times, times + half_s, side="right") - 1, index + 1)
    first, last = np.maximum(first, lowest), np.minimum(last, highest)
    angle = np.rad2deg(angle_rad(signal.vectors[first], signal.vectors[last]))
    step = times[last] - times[first]
    speed = np.divide(angle, step, out=np.where(angle > 0, math.inf, 0.0), where=step > 0)
    speed[signal.segment == LOST] = np.nan
    return speed


def _normalise(vectors: Floats) -> Floats:
    """Return vectors (N, 3) of length 1; those of length 0 stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.where(length > 0, length, 1)
    return unit


def _near_gaps(times: Floats, good: Mask, limit_s: float, padding_s: float) -> Mask:
    """Return which samples are less than `padding_s` from a gap over `limit_s`, or from lost samples at either end."""
    found = np.flatnonzero(good)
    near = np.zeros(len(good) + 1, np.int64)
    if padding_s == 0 or not len(found):
        return near[:-1] > 0
    long = np.diff(times[found]) > limit_s + _TIME_TOLERANCE_S
    before = times[found[np.append(long, found[-1] < len(good) - 1)]]
    after = times[found[np.insert(long, 0, found[0] > 0)]]
    inside_s = padding_s - _TIME_TOLERANCE_S
    np.add.at(near, np.searchsorted(times, before - inside_s), 1)
    np.add.at(near, np.searchsorted(times, before, side="right"), -1)
    np.add.at(near, np.searchsorted(times, after), 1)
    np.add.at(near, np.searchsorted(times, after + inside_s), -1)
    return np.cumsum(near)[:-1] > 0


def _segments(times: Floats, measured: Mask, limit_s: float) -> Integers:
    """Return the segment of each sample; lost samples inside a short gap belong to the segment around them."""
    found = np.flatnonzero(measured)
    if not len(found):
        return np.full(len(times), LOST, np.int64)
    long = np.diff(times[found]) > limit_s + _TIME_TOLERANCE_S
    firsts, lasts = found[np.insert(long, 0, True)], found[np.append(long, True)]
    index = np.arange(len(times))
    number = np.searchsorted(firsts, index, side="right") - 1  # -1, which is LOST, before the first
    return np.where(index <= lasts[number], number, LOST)


def _fill_gaps(signal: Signal) -> Signal:
    """Place the lost samples inside a segment on the great circle between the measured ones beside them."""
    missing = np.flatnonzero((signal.segment != LOST) & ~signal.measured)
    if not len(missing):
        return signal
    found = np.flatnonzero(signal.measured)
    place = np.searchsorted(found, missing)
    before, after = found[place - 1], found[place]
    times = signal.timestamp_s
    step = times[after] - times[before]
    fraction = np.divide(times[missing] - times[before], step, out=np.zeros(len(step)), where=step > 0)
    vectors = signal.vectors.copy()
    vectors[missing] = _interpolate(vectors[before], vectors[after], fraction)
    return replace(signal, vectors=vectors)


def _interpolate(first: Floats, second: Floats, fraction: Floats) -> Floats:
    """Return unit vectors a fraction of the way along the great circle; between opposite ends, the nearer end."""
    angle = angle_rad(first, second)[:, None]
    part, sine = fraction[:, None], np.sin(angle)
    straight = sine < 1e-9
    divisor = np.where(straight, 1, sine)
    curved = (np.sin((1 - part) * angle) * first + np.sin(part * angle) * second) / divisor
    return np.where(straight, np.where(part < 0.5, first, second), curved)


def _window_moments(signal: Signal, half_s: float, powers: int) -> tuple[list[Floats], list[Floats]]:
    """Return sums over each sample's window: of tau^0 … tau^powers, and of tau^0 … tau^(powers/2) times the vectors.

    tau is the time from the sample in half windows. Times are subtracted before they are raised to a power, so that no
    digits are lost far from 0.
    """
    times, vectors, segment = signal.timestamp_s, signal.vectors, signal.segment
    weights = [np.full(len(signal), 1.0 if k == 0 else 0.0) for k in range(powers + 1)]
    moments = [vectors.copy() if k == 0 else np.zeros_like(vectors) for k in range(powers // 2 + 1)]
    for lag in range(1, len(signal)):
        step = times[lag:] - times[:-lag]
        near = np.flatnonzero((step <= half_s + _TIME_TOLERANCE_S) & (segment[lag:] == segment[:-lag]))
        if not len(near):
            break
        tau = step[near] / half_s
        for here, there, sign in ((near, near + lag, 1.0), (near + lag, near, -1.0)):
            for k, total in enumerate(weights):
                total[here] += (sign * tau) ** k
            for k, moment in enumerate(moments):
                moment[here] += ((sign * tau) ** k)[:, None] * vectors[there]
    return weights, moments


def _parabola_at_zero(weights: list[Floats], moments: list[Floats], vectors: Floats) -> Floats:
    """Return the least-squares parabola at tau = 0; the vector itself if the window holds too few times."""
    s0, s1, s2, s3, s4 = weights
    a, b, c = s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2
    determinant = s0 * a + s1 * b + s2 * c
    enough = determinant > 1e-9
    divisor = np.where(enough, determinant, 1)[:, None]
    fitted = (a[:, None] * moments[0] + b[:, None] * moments[1] + c[:, None] * moments[2]) / divisor
    return np.where(enough[:, None], fitted, vectors)
