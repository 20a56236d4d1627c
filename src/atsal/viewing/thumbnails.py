"""Small pictures of items, for the list of them."""

from pathlib import Path

import numpy as np
from PIL import Image

from atsal.errors import AtsalError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Source
from atsal.video.probe import probe_video
from atsal.video.render import Picture, resize
from atsal.viewing.entries.entry import Entry

SIZE = (96, 48)
_BLANK = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
_JPEG_QUALITY = 80


def write_thumbnail(entry: Entry, path: Path) -> None:
    """Write a picture of a photo, or of the middle of a clip; grey where the source cannot be read."""
    try:
        found = entry.find_source()
        picture = _BLANK if found is None else _read(*found)
    except (AtsalError, OSError):
        picture = _BLANK
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, quality=_JPEG_QUALITY)


def _read(source: Source, reading: ReadOptions) -> Picture:
    middle_s = _duration_s(source) / 2
    frames = source.frames(ReadOptions(stereo=reading.stereo, start_s=middle_s, max_frames=1), SIZE)
    return resize(next(frames).image, SIZE)


def _duration_s(source: Source) -> float:
    return probe_video(source.path).duration_s or 0.0 if source.kind == "video" else 0.0
