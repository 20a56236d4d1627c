"""Read the luma of a 360° video frame by frame, without a detour through RGB: what quality is measured on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import MediaError
from atsal.video.isolation import isolatable
from atsal.video.probe import probe_video
from atsal.video.stereo_layout import StereoChoice
from atsal.video.timed_frames import FrameSource
from atsal.video.view_scaler import ViewScaler

_FULL_RANGE = 2  # ITU-T H.273 and FFmpeg: black is 0, not 16


@dataclass(frozen=True, eq=False)
class LumaFrame:
    """The luma of one frame; index and time as in `reader.Frame`.

    `luma` is (H, 2H) float32 in [0, 255], whatever the bit depth of the video. `is_full_range` tells whether black is
    0 in the video's 8-bit code values, or 16.
    """

    index: int
    timestamp_s: float
    luma: NDArray[np.float32]
    is_full_range: bool


@isolatable
def read_luma(path: Path, *, height: int | None = None, stereo: StereoChoice = "auto") -> Iterator[LumaFrame]:
    """Read the luma of the left view of every frame, scaled to (height, 2 height); by default the view's own height.

    Raises MediaError for a file that is not a readable 360° video, and TruncatedMediaError after the last good frame
    of a damaged one.
    """
    info = probe_video(path, stereo)
    rows = height or info.eye_size[1]
    scaler = ViewScaler(info, (2 * rows, rows), "luma")
    source = FrameSource(path)
    frame = None
    for frame in source:
        picture = frame.picture
        is_full = picture.color_range == _FULL_RANGE or picture.format.name.startswith("yuvj")
        values = scaler.scale(picture, frame.index)
        bits = 8 if values.dtype == np.uint8 else picture.format.components[0].bits
        luma = values.astype(np.float32) / 2 ** (bits - 8)
        yield LumaFrame(frame.index, frame.timestamp_s, luma, is_full)
    source.check_complete()
    if frame is None:
        raise MediaError(f"{path}: holds no frame; expected a video")
