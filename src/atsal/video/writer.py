"""Writing results: maps and pictures, and 360° video with the source's times and sound. Aside first, then renamed."""

import math
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from atsal.errors import ConfigError, OutputError, ShapeError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.video.audio import SoundTrack
from atsal.video.image_writer import check_rgb, write_map_npy, write_map_png, write_rgb_png
from atsal.video.spherical_tags import tag_spherical

__all__ = ["HIGHEST_RATE", "VideoWriter", "write_map_npy", "write_map_png", "write_rgb_png"]

TIME_BASE = Fraction(1, 90000)
LOWEST_RATE = Fraction(1, 3600)  # frames per second
HIGHEST_RATE = 1000  # frames per second
_BT709 = 1  # ITU-T H.273: primaries, transfer and matrix
_LIMITED_RANGE = 1
_SMALL = 640 * 320  # pixels up to which threads of libx264 cost more than they bring
# Frames that libx264 holds to plan ahead, some 7 MB each at 1920 x 960. With the preset's 10 and a crf of 20 instead of
# 18, files are as large and 0.4 dB better.
_LOOKAHEAD = "4"


class VideoWriter:
    """Write an H.264 MP4 (yuv420p, BT.709, index in front), frame by frame::

        with VideoWriter("out.mp4", (1280, 640), 30) as writer:
            writer.write(image, timestamp_s)

    The file appears at `path`, replacing any other, when the block ends without an exception; otherwise nothing stays.

    Args:
        path: where to write.
        size: (width, height) of the frames in pixels, both even.
        frame_rate: the nominal rate; it sets how long the last frame stands. Frames keep their own times.
        audio_from: a video whose sound to carry over, copied where MP4 takes its codec, else as AAC.
        audio_start_s: the time in that video, in seconds since its first frame, that is heard with the first frame
            written: the `timestamp_s` of the frame it shows.
        audio_duration_s: the length of sound; by default, and at most, that of the pictures.
        spherical: mark the file as 360° for players.
        crf: quality of libx264, 0 (lossless) to 51 (worst).

    Raises:
        ShapeError: a side of `size` is odd or less than 2.
        ConfigError: `frame_rate`, `crf` or a time is out of range.
        MediaError: the sound of `audio_from` cannot be read.
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
        _check_arguments(size, frame_rate, crf)
        if not (math.isfinite(audio_start_s) and audio_start_s >= 0):
            raise ConfigError(f"audio_start_s is {audio_start_s}; expected seconds, 0 or more")
        self._path = Path(path)
        self._size = size
        self._rate = _rate(frame_rate)
        self._crf = crf
        self._audio = (Path(audio_from), audio_start_s) if audio_from is not None else None
        self._audio_duration_s = math.inf if audio_duration_s is None else audio_duration_s
        self._spherical = spherical
        self._reformatter = VideoReformatter()
        self._first_dts: int | None = None
        self._first_s: float | None = None
        self._last_ticks = -1
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with output_errors(self._path, also=av.FFmpegError), ExitStack() as stack:
            self._part = stack.enter_context(atomic_file(self._path))
            self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "faststart"})
            stack.callback(_close_quietly, self._container)
            self._stream = self._add_stream()
            self._sound: SoundTrack | None = None
            if self._audio is not None:
                self._sound = SoundTrack(self._audio[0], self._container, self._audio[1], None)
                stack.callback(self._sound.close)
            self._stack = stack.pop_all()
        return self

    def write(self, image: NDArray[np.uint8], timestamp_s: float) -> None:
        """Append a frame: (H, W, 3) uint8 RGB of the writer's size, shown from `timestamp_s` on.

        The first frame is shown at the file's start, the others as long after it as their times say; to 1/90000 s.

        Raises:
            ShapeError: an image of another kind or size.
            ConfigError: a time not after the one before.
            OutputError: the file cannot be written.

        """
        check_rgb(image)
        if (image.shape[1], image.shape[0]) != self._size:
            raise ShapeError(
                f"the frame is {image.shape[1]}x{image.shape[0]}; expected {self._size[0]}x{self._size[1]}, the size "
                "of the writer"
            )
        first_s = self._first_s = timestamp_s if self._first_s is None else self._first_s
        ticks = round((timestamp_s - first_s) / TIME_BASE)
        if ticks <= self._last_ticks:
            raise ConfigError(
                f"the frame's time {timestamp_s} s is not after the one before, {first_s + self._last_ticks / 90000} s"
            )
        self._last_ticks = ticks
        with output_errors(self._path, also=av.FFmpegError):
            self._encode(self._picture(image, ticks))
            if self._sound is not None:
                self._sound.mux_until(min(float(ticks * TIME_BASE), self._audio_duration_s))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with output_errors(self._path, also=av.FFmpegError), self._stack:
            if self._first_s is None:
                raise OutputError(f"{self._path}: not one frame was given to write, so there is no video.")
            self._encode(None)
            if self._sound is not None:
                end_s = float(self._last_ticks * TIME_BASE + 1 / self._rate)
                self._sound.mux_until(min(end_s, self._audio_duration_s))
            self._container.close()
            if self._spherical:
                tag_spherical(self._part)

    def _add_stream(self) -> VideoStream:
        if "libx264" not in av.codecs_available:
            raise OutputError(f"{self._path}: this build of PyAV has no H.264 encoder (libx264); install av from PyPI.")
        stream = self._container.add_stream("libx264", rate=self._rate)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(self._crf), "preset": "veryfast", "rc-lookahead": _LOOKAHEAD}
        context = stream.codec_context
        if self._size[0] * self._size[1] <= _SMALL:
            context.thread_count = 1
        context.time_base = TIME_BASE
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED_RANGE
        return stream

    def _picture(self, image: NDArray[np.uint8], ticks: int) -> VideoFrame:
        frame = self._reformatter.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range="MPEG",
        )
        frame.pts, frame.time_base = ticks, TIME_BASE
        return frame

    def _encode(self, frame: VideoFrame | None) -> None:
        packets = self._stream.encode(frame)
        step = round(1 / (self._rate * TIME_BASE))
        for packet in packets:
            packet.duration = packet.duration or step
            self._first_dts = packet.dts if self._first_dts is None else self._first_dts
        if frame is None and packets and packets[-1].dts is not None and self._first_dts is not None:
            # An MP4 track lasts from its first to its last decoding time and as long as its last packet; with uneven
            # times that is not the length shown, unless the last packet makes up for the difference.
            shown = self._last_ticks + step
            packets[-1].duration = max(1, shown - (packets[-1].dts - self._first_dts))
        self._container.mux(packets)


def _close_quietly(container: OutputContainer) -> None:
    # After a failure FFmpeg fails again at the end of the file; the first error is the one to show.
    with suppress(av.FFmpegError):
        container.close()


def _rate(frame_rate: Fraction | float) -> Fraction:
    """As a fraction of small numbers; below 1, one of the seconds that a frame stands."""
    exact = Fraction(frame_rate)
    return exact.limit_denominator(1001) if exact >= 1 else 1 / (1 / exact).limit_denominator(1001)


def _check_arguments(size: tuple[int, int], frame_rate: Fraction | float, crf: int) -> None:
    if len(size) != 2 or min(size) < 2 or size[0] % 2 or size[1] % 2:
        raise ShapeError(f"the video's size is {size}; expected (width, height), both even: H.264 halves its colour")
    if not (math.isfinite(frame_rate) and LOWEST_RATE <= frame_rate <= HIGHEST_RATE):
        raise ConfigError(
            f"frame_rate is {frame_rate}; expected frames per second between {float(LOWEST_RATE):.2g}, one an hour, "
            f"and {HIGHEST_RATE}"
        )
    if not 0 <= crf <= 51:
        raise ConfigError(f"crf is {crf}; expected 0 (lossless) to 51 (worst)")
