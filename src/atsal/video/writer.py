"""Write 360° video with the source's times and audio, complete or not at all."""

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
from atsal.video.audio import AudioTrack
from atsal.video.image_writer import check_rgb
from atsal.video.spherical_tags import tag_spherical

_TICKS_PER_S = 90000
_TIME_BASE = Fraction(1, _TICKS_PER_S)
MIN_RATE = Fraction(1, 3600)  # frames per second
MAX_RATE = 1000  # frames per second
_BT709 = 1  # ITU-T H.273: primaries, transfer and matrix
_LIMITED_RANGE = 1
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
        _check_arguments(size, frame_rate, audio_start_s, crf)
        self._path = Path(path)
        self._size = size
        self._rate = _round_rate(frame_rate)
        self._crf = crf
        self._audio_from = audio_from
        self._audio_start_s = audio_start_s
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
            self._audio: AudioTrack | None = None
            if self._audio_from is not None:
                self._audio = AudioTrack(self._audio_from, self._container, self._audio_start_s)
                stack.callback(self._audio.close)
            self._stack = stack.pop_all()
        return self

    def write(self, image: NDArray[np.uint8], timestamp_s: float) -> None:
        """Append a frame: (H, W, 3) uint8 RGB of the writer's size, shown from `timestamp_s` on.

        The first frame is shown at the file's start, the others as long after it as their times say, to 1/90000 s.
        Raises ShapeError for an image of another type or size, ConfigError for a time that is not after the one before,
        and OutputError where the file cannot be written.
        """
        check_rgb(image)
        width, height = self._size
        if image.shape[:2] != (height, width):
            raise ShapeError(
                f"the frame is {image.shape[1]}x{image.shape[0]}; expected {width}x{height}, the size of the writer"
            )
        if self._first_s is None:
            self._first_s = timestamp_s
        ticks = round((timestamp_s - self._first_s) / _TIME_BASE)
        if ticks <= self._last_ticks:
            previous_s = self._first_s + self._last_ticks / _TICKS_PER_S
            raise ConfigError(f"the frame's time {timestamp_s} s is not after the one before, {previous_s} s")
        self._last_ticks = ticks
        with output_errors(self._path, also=av.FFmpegError):
            self._encode(self._convert(image, ticks))
            self._mux_audio(ticks / _TICKS_PER_S)

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
            self._mux_audio(float(self._last_ticks * _TIME_BASE + 1 / self._rate))
            self._container.close()
            if self._spherical:
                tag_spherical(self._part)

    def _mux_audio(self, time_s: float) -> None:
        if self._audio is not None:
            self._audio.mux_until(min(time_s, self._audio_duration_s))

    def _add_stream(self) -> VideoStream:
        if "libx264" not in av.codecs_available:
            raise OutputError(f"{self._path}: this build of PyAV has no H.264 encoder (libx264); install av from PyPI.")
        stream = self._container.add_stream("libx264", rate=self._rate)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(self._crf), "preset": "veryfast", "rc-lookahead": _LOOKAHEAD}
        context = stream.codec_context
        if self._size[0] * self._size[1] <= _SMALL_PIXELS:
            context.thread_count = 1
        context.time_base = _TIME_BASE
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED_RANGE
        return stream

    def _convert(self, image: NDArray[np.uint8], ticks: int) -> VideoFrame:
        frame = self._reformatter.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range="MPEG",
        )
        frame.pts, frame.time_base = ticks, _TIME_BASE
        return frame

    def _encode(self, frame: VideoFrame | None) -> None:
        packets = self._stream.encode(frame)
        step = round(1 / (self._rate * _TIME_BASE))
        for packet in packets:
            packet.duration = packet.duration or step
            self._first_dts = packet.dts if self._first_dts is None else self._first_dts
        if frame is None and packets and packets[-1].dts is not None and self._first_dts is not None:
            # An MP4 track lasts from its first to its last decoding time plus the length of its last packet. With
            # uneven times that is not the length shown, unless the last packet makes up for the difference.
            shown = self._last_ticks + step
            packets[-1].duration = max(1, shown - (packets[-1].dts - self._first_dts))
        self._container.mux(packets)


def _close_quietly(container: OutputContainer) -> None:
    # After a failure FFmpeg fails again at the end of the file; the first error is the one to show.
    with suppress(av.FFmpegError):
        container.close()


def _round_rate(frame_rate: Fraction | float) -> Fraction:
    """Round to a fraction of small numbers; below 1, round the seconds that a frame is shown."""
    exact = Fraction(frame_rate)
    return exact.limit_denominator(1001) if exact >= 1 else 1 / (1 / exact).limit_denominator(1001)


def _check_arguments(size: tuple[int, int], frame_rate: Fraction | float, audio_start_s: float, crf: int) -> None:
    if len(size) != 2 or min(size) < 2 or size[0] % 2 or size[1] % 2:
        raise ShapeError(f"the video's size is {size}; expected (width, height), both even: H.264 halves its colour")
    if not (math.isfinite(frame_rate) and MIN_RATE <= frame_rate <= MAX_RATE):
        raise ConfigError(
            f"frame_rate is {frame_rate}; expected frames per second between {float(MIN_RATE):.2g}, one an hour, and "
            f"{MAX_RATE}"
        )
    if not 0 <= crf <= 51:
        raise ConfigError(f"crf is {crf}; expected 0 (lossless) to 51 (worst)")
    if not (math.isfinite(audio_start_s) and audio_start_s >= 0):
        raise ConfigError(f"audio_start_s is {audio_start_s}; expected seconds, 0 or more")
