"""Where the source itself cuts to another scene: a frame that differs much more from the one before than usual."""

from collections import deque
from collections.abc import Iterator
from statistics import median

import numpy as np
from numpy.typing import NDArray

from atsal.video.reader import Frame

LEAST_DIFFERENCE = 15.0  # mean over pixels and colours, of 255
TIMES_USUAL = 4.0  # a cut differs this many times as much as the frames before it, in the median
_MEMORY = 12  # frames
_GRID = 24  # rows that are compared


class FrameWatch:
    """Passes the frames of a clip on, and notes the times of the first, the last, and those that begin a scene."""

    def __init__(self) -> None:
        self.scene_starts_s: list[float] = []
        self.first_s: float | None = None
        self.last_s = 0.0
        self.longest_step_s = 0.0  # between two frames
        self._before: NDArray[np.int16] | None = None
        self._usual: deque[float] = deque(maxlen=_MEMORY)

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the frames, each after it was looked at."""
        for frame in frames:
            if self.first_s is None:
                self.first_s = self.last_s = frame.timestamp_s
            self.longest_step_s = max(self.longest_step_s, frame.timestamp_s - self.last_s)
            self.last_s = frame.timestamp_s
            if self._begins_scene(frame.image):
                self.scene_starts_s.append(frame.timestamp_s)
            yield frame

    def _begins_scene(self, image: NDArray[np.uint8]) -> bool:
        step = max(1, len(image) // _GRID)
        small = image[step // 2 :: step, step // 2 :: step].astype(np.int16)
        before, self._before = self._before, small
        if before is None:
            return False
        difference = float(np.abs(small - before).mean())
        usual = median(self._usual) if self._usual else 0.0
        self._usual.append(difference)
        return difference > max(LEAST_DIFFERENCE, TIMES_USUAL * usual)
