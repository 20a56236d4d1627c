"""Write frames of FFmpeg to an MP4 with their own times and the audio of a source, complete or not at all."""

import math
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from atsal.errors import ConfigError, EncoderError, OutputError
from atsal.jobs.atomic_write import output_errors
from atsal.video.mp4_file import TICKS_PER_S, TIME_BASE, AudioSource, Mp4File
from atsal.video.spherical_tags import SphericalTags
from atsal.video.x264 import repeatable

MIN_RATE = Fraction(1, 3600)  # frames per second
MAX_RATE = 1000  # frames per second


@dataclass(frozen=True)
class Colour:
    """Primaries, transfer curve, matrix and range, as numbers of ITU-T H.273 (range: 1 limited, 2 full)."""

    primaries: int = 1  # BT.709
    transfer: int = 1
    matrix: int = 1
    range: int = 1


@dataclass(frozen=True)
class EncoderSettings:
    """What FFmpeg's encoder is told; `options` are its own, by name."""

    encoder: str
    size: tuple[int, int]  # width and height in pixels, both even
    frame_rate: Fraction | float
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    colour: Colour = Colour()
    pixel_aspect: Fraction | None = None
    threads: int = 0  # 0: FFmpeg's choice
    bit_rate: int | None = None  # bits per second
    codec_tag: str | None = None  # of the track, where players expect another than FFmpeg's


class Mp4Writer:
    """Encode frames one by one; used as a context manager.

    The file appears at `path`, replacing any other, when the block ends without an exception; otherwise nothing is
    left behind. The first frame is shown at the file's start, the others as long after it as their times say, to
    1/90000 s.

    Args:
        path: where to write; None encodes and keeps nothing, as the first of two passes does.
        settings: the encoder.
        audio: whose audio to carry over, copied where MP4 takes its codec, else as AAC.
        tags: the 360° tags of the file; None: none.
        shown_as: the file that messages name, where `path` is a step on the way to it.

    Raises:
        ConfigError: a frame rate out of range.
        MediaError: the audio cannot be read.
        OutputError: the file cannot be written.

    """

    def __init__(
        self,
        path: Path | None,
        settings: EncoderSettings,
        audio: AudioSource | None = None,
        tags: SphericalTags | None = None,
        shown_as: Path | None = None,
    ) -> None:
        if not (math.isfinite(settings.frame_rate) and MIN_RATE <= settings.frame_rate <= MAX_RATE):
            raise ConfigError(
                f"frame_rate is {settings.frame_rate}; expected frames per second between {float(MIN_RATE):.2g}, one "
                f"an hour, and {MAX_RATE}"
            )
        self._settings = settings
        self._rate = round_rate(settings.frame_rate)
        self._path = shown_as or path or Path("the first pass")  # in messages
        self._file = Mp4File(path, self._path, partial(_add_stream, settings, self._path), audio, tags)
        self._first_s: float | None = None
        self._last_ticks = -1

    @property
    def video_bytes(self) -> int:
        """The bytes of the pictures, without audio and index."""
        return self._file.picture_bytes

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def write(self, frame: VideoFrame, timestamp_s: float) -> None:
        """Append a frame of the size and pixel format of the settings, shown from `timestamp_s` on.

        Raises ConfigError for a time that is not after the one before, and OutputError where the file cannot be
        written.
        """
        if self._first_s is None:
            self._first_s = timestamp_s
        ticks = to_ticks(timestamp_s, self._first_s)
        if ticks <= self._last_ticks:
            previous_s = self._first_s + self._last_ticks / TICKS_PER_S
            raise ConfigError(f"the frame's time {timestamp_s} s is not after the one before, {previous_s} s")
        self._last_ticks = ticks
        frame.pts, frame.time_base = ticks, TIME_BASE
        with output_errors(self._path, also=av.FFmpegError):
            self._encode(frame)
            self._file.mux_audio(ticks)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._file.__exit__(kind, error, trace)
            return
        with ExitStack() as stack:
            stack.push(self._file)
            with output_errors(self._path, also=av.FFmpegError):
                if self._first_s is None:
                    raise OutputError(f"{self._path}: not one frame was given to write, so there is no video.")
                self._encode(None)
                self._file.mux_audio(end_ticks(self._last_ticks, self._rate))

    def _encode(self, frame: VideoFrame | None) -> None:
        try:
            packets = self._file.pictures.encode(frame)
        except av.FFmpegError as error:
            reason = str(error.strerror)
            raise EncoderError(
                f"{self._path}: {self._settings.encoder} does not encode these pictures (FFmpeg says: {reason})", reason
            ) from error
        for packet in packets:
            packet.duration = packet.duration or end_ticks(0, self._rate)
        self._file.mux(packets, end_ticks(self._last_ticks, self._rate) if frame is None else None)


def _add_stream(settings: EncoderSettings, shown_as: Path, container: OutputContainer) -> VideoStream:
    if settings.encoder not in av.codecs_available:
        raise OutputError(f"{shown_as}: this build of PyAV has no encoder {settings.encoder}; install av from PyPI.")
    stream: VideoStream = container.add_stream(settings.encoder, rate=round_rate(settings.frame_rate))  # type: ignore[assignment]
    stream.width, stream.height = settings.size
    stream.pix_fmt = settings.pixel_format
    stream.options = dict(repeatable(settings.options) if settings.encoder == "libx264" else settings.options)
    context = stream.codec_context
    context.thread_count = settings.threads
    context.time_base = TIME_BASE
    context.color_primaries, context.color_trc = settings.colour.primaries, settings.colour.transfer
    context.colorspace, context.color_range = settings.colour.matrix, settings.colour.range
    if settings.pixel_aspect is not None:
        context.sample_aspect_ratio = settings.pixel_aspect
    if settings.bit_rate is not None:
        context.bit_rate = settings.bit_rate
    if settings.codec_tag is not None:
        context.codec_tag = settings.codec_tag
    return stream


def to_ticks(timestamp_s: float, first_s: float) -> int:
    """Return when a frame is shown, in ticks since the first one."""
    return round((timestamp_s - first_s) / TIME_BASE)


def end_ticks(last_ticks: int, frame_rate: Fraction) -> int:
    """Return when the last frame ends, which stands for as long as the rate says."""
    return last_ticks + round(1 / (frame_rate * TIME_BASE))


def round_rate(frame_rate: Fraction | float) -> Fraction:
    """Round to a fraction of small numbers; below 1, round the seconds that a frame is shown."""
    exact = Fraction(frame_rate)
    return exact.limit_denominator(1001) if exact >= 1 else 1 / (1 / exact).limit_denominator(1001)
