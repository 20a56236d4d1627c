"""The maps of a whole video in little memory: a few rows, a few times a second, smooth over time."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.projection.resize import resize_erp
from atsal.projection.sphere import solid_angle_weights

STEP_S = 0.2
_ROWS = 45  # 4° each: models smooth by more
_SMOOTHED_STEPS = 5  # one second
Map = NDArray[np.floating[Any]]
Density = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class MapTrack:
    """Densities of attention over time, 40 kB for each second of video.

    `times_s` (T,) are ascending; each density holds until the next. `densities` (T, h, 2h) float16 are per solid angle
    and have the mean 1 on the sphere.
    """

    times_s: NDArray[np.float64]
    densities: Density

    def index_at(self, timestamp_s: float) -> int:
        """Return which density holds at a time."""
        return max(0, int(np.searchsorted(self.times_s, timestamp_s + 1e-3, "right")) - 1)

    def at(self, timestamp_s: float) -> NDArray[np.float32]:
        """Return the density (h, 2h) float32 that holds at a time."""
        density: NDArray[np.float32] = self.densities[self.index_at(timestamp_s)].astype(np.float32)
        return density


def track_maps(maps: Iterable[tuple[float, Map]]) -> MapTrack:
    """Gather the maps (h, 2h) >= 0 of a video, with their times in ascending order.

    Maps within 0.2 s become one. Each density is the mean over about a second around it, so that it changes slowly.
    Raises `DataError` if there is no map, or one that is zero everywhere.
    """
    times, steps = [], []
    for time_s, density in _smooth_over_time(_average_steps(maps)):
        times.append(time_s)
        steps.append(density.astype(np.float16))
    if not steps:
        raise DataError("no map to follow; expected the maps of a video")
    return MapTrack(np.array(times), np.stack(steps))


def _average_steps(maps: Iterable[tuple[float, Map]]) -> Iterator[tuple[float, Map]]:
    """Yield the mean density of each step of 0.2 s that has maps, and when the step begins."""
    own: list[Map] = []
    step = 0
    for time_s, saliency in maps:
        number = int((time_s + 1e-3) / STEP_S)
        if own and number != step:
            yield step * STEP_S, np.mean(own, axis=0)
            own = []
        step = number
        own.append(_reduce(saliency, time_s))
    if own:
        yield step * STEP_S, np.mean(own, axis=0)


def _reduce(saliency: Map, time_s: float) -> Map:
    """Return the density with mean 1 on the sphere, at few rows."""
    values = torch.from_numpy(np.array(saliency, np.float32))[None, None]
    values = resize_erp(values, min(_ROWS, values.shape[2]))[0, 0]
    weights = solid_angle_weights(len(values)).float()
    mean = float((values * weights).sum() / (weights.sum() * values.shape[1]))
    if not mean > 0:
        raise DataError(f"the map at {time_s:.2f} s is zero everywhere; expected some attention")
    reduced: Map = (values / mean).numpy()
    return reduced


def _smooth_over_time(steps: Iterable[tuple[float, Map]]) -> Iterator[tuple[float, Map]]:
    """Yield each step's time with the mean of the densities around it; at both ends, of fewer."""
    around: deque[Map] = deque(maxlen=_SMOOTHED_STEPS)
    waiting: deque[float] = deque()
    half = _SMOOTHED_STEPS // 2
    for time_s, density in steps:
        around.append(density)
        waiting.append(time_s)
        if len(waiting) > half:
            yield waiting.popleft(), np.mean(around, axis=0)
    while waiting:
        if len(around) > half + 1:
            around.popleft()
        yield waiting.popleft(), np.mean(around, axis=0)
