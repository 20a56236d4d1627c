"""The times of the frames of an item since the start of its video: gaze depends on them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.datasets.prepared.prepared_set import PreparedSet
from atsal.datasets.raw_files import cached_until_changed
from atsal.video.timed_frames import frame_times

LATE_S = 30.0  # of frames without a known rate: viewers have left the start position by then


def frame_seconds(prepared: PreparedSet, item: str, frames: Sequence[float]) -> list[float] | None:
    """Return the times of frames of an item, in seconds since its start; None for a photo, which has no time.

    A still of a video has the data set's `still_s`. The times of a video follow from its rate; for an uneven rate they
    are the time stamps of its file, or follow from the mean rate if the file is gone. Folders of pictures, and gaze
    without a video, have no rate: their frames get `LATE_S`.

    Args:
        prepared: the set.
        item: the name of one of its items.
        frames: numbers from 0; a half is the middle between two frames.

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
            times = _read_times(path)
            return [float(time) for time in np.interp(frames, np.arange(len(times)), times)]
    return [number / stimulus.frames_per_s for number in frames]


def is_still(prepared: PreparedSet, item: str) -> bool:
    """Return whether an item is one picture; without its file, whether the set holds single pictures."""
    kind, dataset = prepared.stimulus(item).kind, prepared.dataset
    if kind is None:
        return dataset.stimuli in ("images", "photos") or dataset.still_s is not None
    return kind in ("image", "photo")


@cached_until_changed(maxsize=64)  # to read them takes the whole file
def _read_times(path: Path) -> NDArray[np.float64]:
    return frame_times(path)
