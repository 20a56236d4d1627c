"""The sound of a source, carried over to a new MP4: copied as it is where MP4 takes its codec, else made into AAC."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TypeAlias, TypeVar

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from atsal.errors import MediaError
from atsal.untrusted.files import check_readable
from atsal.video.container import open_container, picture_stream

AudioPacket: TypeAlias = "Packet[AudioStream]"
TimedPacket: TypeAlias = tuple[float, "Packet[AudioStream]"]  # seconds in the output
Piece = TypeVar("Piece")

MP4_CODECS = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"})
_AAC_LAYOUTS = frozenset({"mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1"})


class SoundTrack:
    """The first sound stream of `source` over a span of time, muxed piece by piece into `output`.

    Times are those of the source's pictures, in seconds since its first frame, so what was in step stays in step: the
    sound at `start_s` is heard at the output's start. A source without sound gives nothing.
    """

    def __init__(self, source: Path, output: OutputContainer, start_s: float, duration_s: float | None) -> None:
        check_readable(source, "video or sound file")
        self._closing = ExitStack()
        self._output = output
        try:
            container = self._closing.enter_context(open_container(source))
        except av.FFmpegError as error:
            raise MediaError(f"{source}: its sound cannot be read (FFmpeg says: {error.strerror})") from error
        stream = container.streams.audio[0] if container.streams.audio else None
        self._packets: Iterator[TimedPacket] = iter(())
        if stream is not None:
            end_s = None if duration_s is None else start_s + duration_s
            self._packets = self._prepare(container, stream, start_s, end_s)
        self._waiting: TimedPacket | None = None

    def mux_until(self, time_s: float) -> None:
        """Mux all that is heard before `time_s` of the output, so that sound and pictures stay interleaved."""
        while True:
            entry = self._waiting or next(self._packets, None)
            self._waiting = entry
            if entry is None or entry[0] >= time_s:
                return
            self._waiting = None
            self._output.mux(entry[1])

    def close(self) -> None:
        """Close the source."""
        self._packets = iter(())
        self._closing.close()

    def _prepare(
        self, container: InputContainer, stream: AudioStream, start_s: float, end_s: float | None
    ) -> Iterator[TimedPacket]:
        origin_s = _picture_start_s(container) + start_s
        length_s = None if end_s is None else end_s - start_s
        if stream.codec_context.codec.canonical_name in MP4_CODECS:
            target = self._output.add_stream_from_template(stream)
            return _copied(container, stream, target, origin_s, length_s)
        layout = stream.layout.name if stream.layout.name in _AAC_LAYOUTS else "stereo"
        encoder = self._output.add_stream("aac", rate=stream.rate, layout=layout)
        return _encoded(container, stream, encoder, origin_s, length_s)


def _picture_start_s(container: InputContainer) -> float:
    stream = picture_stream(container)
    if stream is None or stream.start_time is None or not stream.time_base:
        return 0.0
    return float(stream.start_time * stream.time_base)


def _copied(
    container: InputContainer, stream: AudioStream, target: AudioStream, origin_s: float, length_s: float | None
) -> Iterator[TimedPacket]:
    _seek(container, stream, origin_s)
    for packet in _until_damage(container.demux(stream)):
        if packet.pts is None or packet.dts is None:
            continue
        time_s = float(packet.pts * packet.time_base) - origin_s
        if length_s is not None and time_s >= length_s:
            return
        if time_s >= 0:
            offset = round(origin_s / packet.time_base)
            packet.pts -= offset
            packet.dts -= offset
            packet.stream = target
            yield time_s, packet


def _encoded(
    container: InputContainer, stream: AudioStream, encoder: AudioStream, origin_s: float, length_s: float | None
) -> Iterator[TimedPacket]:
    _seek(container, stream, origin_s)
    # The resampler also cuts the sound into frames of the size that the encoder takes.
    resampler = AudioResampler(format="fltp", layout=encoder.layout, rate=encoder.rate, frame_size=1024)
    samples: int | None = None
    for frame in chain(_heard(container, stream, origin_s, length_s), [None]):
        if frame is not None and samples is None:
            samples = round((frame.time or 0) * encoder.rate)
        for piece in resampler.resample(frame):
            # Counted on from the first, since a decoder may shorten a frame without moving the next one's time.
            piece.pts, piece.time_base = samples, Fraction(1, encoder.rate)
            samples = (samples or 0) + piece.samples
            yield from _timed(encoder.encode(piece))
    yield from _timed(encoder.encode(None))


def _heard(
    container: InputContainer, stream: AudioStream, origin_s: float, length_s: float | None
) -> Iterator[AudioFrame]:
    for frame in _until_damage(container.decode(stream)):
        if frame.pts is None or not frame.time_base:
            continue
        time_s = float(frame.pts * frame.time_base) - origin_s
        if length_s is not None and time_s >= length_s:
            return
        if time_s >= 0:
            frame.pts -= round(origin_s / frame.time_base)
            yield frame


def _timed(packets: list[AudioPacket]) -> Iterator[TimedPacket]:
    for packet in packets:
        yield float((packet.pts or 0) * packet.time_base), packet


def _until_damage(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield the pieces before the first that cannot be read: a source cut off keeps its sound up to there."""
    with suppress(av.FFmpegError):
        yield from pieces


def _seek(container: InputContainer, stream: AudioStream, time_s: float) -> None:
    if time_s > 0 and stream.time_base:
        container.seek(max(round((time_s - 0.5) / stream.time_base), stream.start_time or 0), stream=stream)
