"""Gaze whose events are obvious: a direction that stays, then jumps to the next."""

from collections.abc import Sequence

import numpy as np

from atsal.gaze.directions import unit_vectors
from atsal.gaze.records import Direction, GazeSamples


def gaze(vectors, times=None, *, rate_hz: float = 100.0, direction: Direction = "head_eye", valid=None) -> GazeSamples:
    """Samples of unit vectors (N, 3), evenly in time unless times are given."""
    vectors = np.asarray(vectors, np.float64)
    times = np.arange(len(vectors)) / rate_hz if times is None else np.asarray(times, np.float64)
    return GazeSamples("a", times, valid=valid, **{direction: vectors})


def directions(lonlat_deg: Sequence[tuple[float, float]]) -> np.ndarray:
    """Unit vectors (N, 3) of longitudes and latitudes in degrees."""
    return unit_vectors(*np.deg2rad(np.asarray(lonlat_deg, np.float64)).T)


def jumps(
    lonlat_deg: Sequence[tuple[float, float]],
    stay_ms: float = 300.0,
    *,
    rate_hz: float = 100.0,
    noise_deg: float = 0.0,
    jitter: float = 0.0,
    seed: int = 0,
) -> GazeSamples:
    """Gaze that stays at each direction for `stay_ms`; `jitter` is how far times are off, in steps."""
    rng = np.random.default_rng(seed)
    count = round(len(lonlat_deg) * stay_ms * rate_hz / 1000)
    times = (np.arange(count) + jitter * rng.uniform(-1, 1, count)) / rate_hz
    times = np.sort(times - times[0])
    place = np.minimum((times * 1000 / stay_ms + 1e-9).astype(int), len(lonlat_deg) - 1)
    return gaze(add_noise(directions(lonlat_deg)[place], noise_deg, rng), times)


def add_noise(vectors: np.ndarray, noise_deg: float, rng: np.random.Generator) -> np.ndarray:
    """Each vector turned by about `noise_deg` (standard deviation along each of two axes)."""
    moved = vectors + np.deg2rad(noise_deg) * rng.normal(size=vectors.shape)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def turned(samples: GazeSamples, matrix: np.ndarray, shift_s: float = 0.0) -> GazeSamples:
    """The same gaze in a world that is rotated, at another time."""
    return gaze(samples.vectors("head_eye") @ matrix.T, samples.timestamp_s + shift_s, valid=samples.valid)
