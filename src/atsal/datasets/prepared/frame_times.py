"""When an item's frames are shown, since the start of their video: what viewers look at first depends on it."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.prepared.prepared_set import PreparedSet
from atsal.video.timed_frames import frame_times

LATE_S = 30.0  # of frames whose rate nothing tells: later than viewers keep to where they start


def seconds_of(prepared: PreparedSet, item: str, frames: Sequence[float]) -> list[float] | None:
    """When frames of an item are shown, in seconds since its start; None for a photo, which has no time.

    A still of a video has the data set's `still_s`. The frames of a video have their own times, by its rate, or where
    that is uneven by the time stamps of its file (by the mean rate where the file is gone). A folder of pictures, and
    gaze without a video, tell no rate: their frames are at `LATE_S`.

    Args:
        prepared: the set.
        item: the name of one of its items.
        frames: numbers from 0; a half stands for the middle between two frames.

    """
    if is_still(prepared, item):
        still_s = prepared.dataset.still_s
        return None if still_s is None else [still_s] * len(frames)
    stimulus = prepared.stimulus(item)
    if stimulus.frames_per_s is None:
        return [LATE_S] * len(frames)
    if stimulus.uneven_rate:
        path = prepared.source / prepared.record(item)["stimulus"]["file"]
        if path.is_file():
            times = _times_of(path, path.stat().st_mtime_ns)
            return [float(time) for time in np.interp(frames, np.arange(len(times)), times)]
    return [number / stimulus.frames_per_s for number in frames]


def is_still(prepared: PreparedSet, item: str) -> bool:
    """Whether an item is one picture; where its file is not there, whether the set is of such."""
    kind, dataset = prepared.stimulus(item).kind, prepared.dataset
    if kind is None:
        return dataset.stimuli in ("images", "photos") or dataset.still_s is not None
    return kind in ("image", "photo")


@lru_cache(maxsize=64)
def _times_of(path: Path, _changed_ns: int) -> NDArray[np.float64]:
    """To read them takes the whole file: of one item they are asked for again and again."""
    return frame_times(path)
