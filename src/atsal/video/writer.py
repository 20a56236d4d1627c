"""Write 360° video from RGB images with the source's times and audio, complete or not at all."""

import math
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

from atsal.errors import ConfigError, ShapeError
from atsal.video.image_writer import check_rgb
from atsal.video.mp4_file import AudioSource
from atsal.video.mp4_writer import MAX_RATE, MIN_RATE, EncoderSettings, Mp4Writer
from atsal.video.spherical_tags import SphericalTags

__all__ = ["MAX_RATE", "MIN_RATE", "VideoWriter"]

_SMALL_PIXELS = 640 * 320  # up to which threads of libx264 cost more time than they save
# Frames that libx264 holds to plan ahead, some 7 MB each at 1920 x 960. With the preset's 10 and a crf of 20 instead of
# 18, files are as large and 0.4 dB better.
_LOOKAHEAD = "4"


class VideoWriter:
    """Write an H.264 MP4 (yuv420p, BT.709, index in front), frame by frame::

        with VideoWriter("out.mp4", (1280, 640), 30) as writer:
            writer.write(image, timestamp_s)

    The file appears at `path`, replacing any other, when the block ends without an exception; otherwise nothing is
    left behind.

    Args:
        path: where to write.
        size: (width, height) of the frames in pixels, both even.
        frame_rate: the nominal rate; it sets how long the last frame is shown. Frames keep their own times.
        audio_from: a video whose audio to carry over, copied where MP4 takes its codec, else as AAC.
        audio_start_s: the `timestamp_s` in that video that is heard with the first frame written.
        audio_duration_s: the length of the audio; by default, and at most, that of the pictures.
        spherical: tag the file as 360° for players.
        crf: quality of libx264, 0 (lossless) to 51 (worst).

    Raises:
        ShapeError: a side of `size` is odd or less than 2.
        ConfigError: `frame_rate`, `crf` or a time is out of range.
        MediaError: the audio of `audio_from` cannot be read.
        OutputError: the file cannot be written.

    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        frame_rate: Fraction | float,
        *,
        audio_from: Path | None = None,
        audio_start_s: float = 0.0,
        audio_duration_s: float | None = None,
        spherical: bool = True,
        crf: int = 18,
    ) -> None:
        _check_arguments(size, audio_start_s, crf)
        self._size = size
        self._reformatter = VideoReformatter()
        settings = EncoderSettings(
            "libx264",
            size,
            frame_rate,
            options={"crf": str(crf), "preset": "veryfast", "rc-lookahead": _LOOKAHEAD},
            threads=1 if size[0] * size[1] <= _SMALL_PIXELS else 0,
        )
        length_s = math.inf if audio_duration_s is None else audio_duration_s
        audio = None if audio_from is None else AudioSource(audio_from, audio_start_s, length_s)
        self._file = Mp4Writer(Path(path), settings, audio, SphericalTags() if spherical else None)

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def write(self, image: NDArray[np.uint8], timestamp_s: float) -> None:
        """Append a frame: (H, W, 3) uint8 RGB of the writer's size, shown from `timestamp_s` on.

        Raises ShapeError for an image of another type or size, and what `Mp4Writer.write` raises.
        """
        check_rgb(image)
        width, height = self._size
        if image.shape[:2] != (height, width):
            raise ShapeError(
                f"the frame is {image.shape[1]}x{image.shape[0]}; expected {width}x{height}, the size of the writer"
            )
        frame = self._reformatter.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range="MPEG",
        )
        self._file.write(frame, timestamp_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)


def _check_arguments(size: tuple[int, int], audio_start_s: float, crf: int) -> None:
    if len(size) != 2 or min(size) < 2 or size[0] % 2 or size[1] % 2:
        raise ShapeError(f"the video's size is {size}; expected (width, height), both even: H.264 halves its colour")
    if not 0 <= crf <= 51:
        raise ConfigError(f"crf is {crf}; expected 0 (lossless) to 51 (worst)")
    if not (math.isfinite(audio_start_s) and audio_start_s >= 0):
        raise ConfigError(f"audio_start_s is {audio_start_s}; expected seconds, 0 or more")
