"""Small pictures of a video with the map over it, on one sheet, for a pointer on the time line."""

from pathlib import Path

import numpy as np
from PIL import Image

from atsal.prediction.overlay import DEFAULT_OVERLAY
from atsal.video.render import PeakTracker, Picture, resize, tile
from atsal.viewing.frame_maps import FrameMaps
from atsal.viewing.scene import Previews

MOST = 100  # pictures
COLUMNS = 10
SIZE = (160, 80)
_LEAST_APART_S = 0.2
_ROUNDING = 1e-4  # of times, in slots
_JPEG_QUALITY = 80


class PreviewSheet:
    """Keeps pictures of `MOST` frames or fewer, evenly apart, however long the video is."""

    def __init__(self) -> None:
        self._peak = PeakTracker()
        self._apart_s = _LEAST_APART_S
        self._times_s: list[float] = []
        self._pictures: list[Picture] = []

    def add(self, frame: FrameMaps, stream: str) -> None:
        """Take in the next frame. Without its picture, the map is drawn over black."""
        peak = self._peak.update(frame.maps[stream])
        if not self._times_s or self._slot(frame.timestamp_s) > self._slot(self._times_s[-1]):
            image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8) if frame.image is None else resize(frame.image, SIZE)
            self._times_s.append(round(frame.timestamp_s, 6))
            self._pictures.append(DEFAULT_OVERLAY.draw(image, frame.maps[stream], peak))
        while len(self._pictures) > MOST:
            self._thin_out()

    def _slot(self, time_s: float) -> int:
        return int(time_s / self._apart_s + _ROUNDING)

    def _thin_out(self) -> None:
        """Keep the first picture of each slot of twice the time."""
        self._apart_s *= 2
        slots = [self._slot(time_s) for time_s in self._times_s]
        kept = [place for place, slot in enumerate(slots) if place == 0 or slot > slots[place - 1]]
        self._times_s = [self._times_s[place] for place in kept]
        self._pictures = [self._pictures[place] for place in kept]

    def finish(self, folder: Path) -> Previews:
        """Write the sheet, row by row from the top, and return what the page needs to know."""
        blanks = [np.zeros_like(self._pictures[0])] * (-len(self._pictures) % COLUMNS)
        name = "previews.jpg"
        Image.fromarray(tile([*self._pictures, *blanks], COLUMNS)).save(folder / name, quality=_JPEG_QUALITY)
        return Previews(name, COLUMNS, *SIZE, tuple(self._times_s))
