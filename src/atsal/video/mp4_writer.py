"""Write frames of FFmpeg to an MP4 with their own times and the audio of a source, complete or not at all."""

import math
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from atsal.errors import ConfigError, EncoderError, OutputError
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.video.audio import AudioTrack
from atsal.video.spherical_tags import SphericalTags, tag_spherical

TICKS_PER_S = 90000
TIME_BASE = Fraction(1, TICKS_PER_S)
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


@dataclass(frozen=True)
class AudioSource:
    """The audio of `path`: what is heard from `start_s` on is heard from the start of the file that is written."""

    path: Path
    start_s: float = 0.0
    duration_s: float = math.inf  # at most that of the pictures


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
        self._target = path
        self._path = shown_as or path or Path("the first pass")  # in messages
        self._settings = settings
        self._rate = _round_rate(settings.frame_rate)
        self._audio_source = audio
        self._tags = tags
        self.video_bytes = 0  # of the pictures, without audio and index
        self._first_dts: int | None = None
        self._first_s: float | None = None
        self._last_ticks = -1
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with output_errors(self._path, also=av.FFmpegError), ExitStack() as stack:
            self._container = self._open(stack)
            stack.callback(_close_quietly, self._container)
            self._stream = self._add_stream()
            self._audio: AudioTrack | None = None
            if self._audio_source is not None:
                self._audio = AudioTrack(self._audio_source.path, self._container, self._audio_source.start_s)
                stack.callback(self._audio.close)
            self._stack = stack.pop_all()
        return self

    def _open(self, stack: ExitStack) -> OutputContainer:
        if self._target is None:
            return av.open("-", "w", format="null")
        self._part = stack.enter_context(atomic_file(self._target))
        return av.open(str(self._part), "w", format="mp4", options={"movflags": "faststart"})

    def write(self, frame: VideoFrame, timestamp_s: float) -> None:
        """Append a frame of the size and pixel format of the settings, shown from `timestamp_s` on.

        Raises ConfigError for a time that is not after the one before, and OutputError where the file cannot be
        written.
        """
        if self._first_s is None:
            self._first_s = timestamp_s
        ticks = round((timestamp_s - self._first_s) / TIME_BASE)
        if ticks <= self._last_ticks:
            previous_s = self._first_s + self._last_ticks / TICKS_PER_S
            raise ConfigError(f"the frame's time {timestamp_s} s is not after the one before, {previous_s} s")
        self._last_ticks = ticks
        frame.pts, frame.time_base = ticks, TIME_BASE
        with output_errors(self._path, also=av.FFmpegError):
            self._encode(frame)
            self._mux_audio(ticks / TICKS_PER_S)

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
            self._mux_audio(float(self._last_ticks * TIME_BASE + 1 / self._rate))
            self._container.close()
            if self._target is not None and self._tags is not None:
                tag_spherical(self._part, self._tags)

    def _mux_audio(self, time_s: float) -> None:
        if self._audio is not None and self._audio_source is not None:
            self._audio.mux_until(min(time_s, self._audio_source.duration_s))

    def _add_stream(self) -> VideoStream:
        settings = self._settings
        if settings.encoder not in av.codecs_available:
            raise OutputError(
                f"{self._path}: this build of PyAV has no encoder {settings.encoder}; install av from PyPI."
            )
        stream: VideoStream = self._container.add_stream(settings.encoder, rate=self._rate)  # type: ignore[assignment]
        stream.width, stream.height = settings.size
        stream.pix_fmt = settings.pixel_format
        stream.options = dict(settings.options)
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

    def _encode(self, frame: VideoFrame | None) -> None:
        try:
            packets = self._stream.encode(frame)
        except av.FFmpegError as error:
            reason = str(error.strerror)
            raise EncoderError(
                f"{self._path}: {self._settings.encoder} does not encode these pictures (FFmpeg says: {reason})", reason
            ) from error
        step = round(1 / (self._rate * TIME_BASE))
        for packet in packets:
            packet.duration = packet.duration or step
            self.video_bytes += packet.size
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
