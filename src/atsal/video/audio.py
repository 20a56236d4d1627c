"""Carry the audio of a source over to a new MP4: copied where MP4 takes its codec, else encoded as AAC."""

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
from atsal.video.container import open_container, picture_stream, read_packets

AudioPacket: TypeAlias = "Packet[AudioStream]"
TimedPackets: TypeAlias = Iterator[tuple[float, AudioPacket]]  # each with its time in the output, in seconds
PacketOrFrame = TypeVar("PacketOrFrame", AudioPacket, AudioFrame)

_MP4_CODECS = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"})
_AAC_LAYOUTS = frozenset({"mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1"})


class AudioTrack:
    """The first audio stream of `source` from `start_s` on, muxed packet by packet into `output`.

    `start_s` counts from the source's first picture, in seconds, and is heard at the output's start. A source without
    audio adds no track.
    """

    def __init__(self, source: Path, output: OutputContainer, start_s: float) -> None:
        check_readable(source, "video or sound file")
        self._stack = ExitStack()
        self._output = output
        try:
            container = self._stack.enter_context(open_container(source))
        except av.FFmpegError as error:
            raise MediaError(f"{source}: its sound cannot be read (FFmpeg says: {error.strerror})") from error
        self._packets: TimedPackets = iter(())
        self._waiting: tuple[float, AudioPacket] | None = None
        if container.streams.audio:
            if container.streams.audio[0].codec_context is None:
                raise MediaError(
                    f"{source}: its sound is in a codec that this FFmpeg build does not know; convert it to AAC first: "
                    "ffmpeg -i IN -c:v copy -c:a aac OUT.mp4"
                )
            self._packets = self._read(container, container.streams.audio[0], start_s)

    def mux_until(self, time_s: float) -> None:
        """Mux what is heard before `time_s` of the output; call it between pictures, to interleave both."""
        while True:
            self._waiting = self._waiting or next(self._packets, None)
            if self._waiting is None or self._waiting[0] >= time_s:
                return
            self._output.mux(self._waiting[1])
            self._waiting = None

    def close(self) -> None:
        """Close the source."""
        self._packets = iter(())
        self._stack.close()

    def _read(self, container: InputContainer, stream: AudioStream, start_s: float) -> TimedPackets:
        pictures = picture_stream(container)
        if pictures is not None and pictures.start_time is not None and pictures.time_base:
            start_s += float(pictures.start_time * pictures.time_base)
        if start_s > 0 and stream.time_base:
            container.seek(max(round((start_s - 0.5) / stream.time_base), stream.start_time or 0), stream=stream)
        if stream.codec_context.codec.canonical_name in _MP4_CODECS:
            return _copy(container, stream, self._output.add_stream_from_template(stream), start_s)
        layout = stream.layout.name if stream.layout.name in _AAC_LAYOUTS else "stereo"
        encoder = self._output.add_stream("aac", rate=stream.rate, layout=layout)
        return _encode(container, stream, encoder, start_s)


def _copy(container: InputContainer, stream: AudioStream, target: AudioStream, start_s: float) -> TimedPackets:
    packets = (packet for packet in read_packets(container, stream) if packet.dts is not None)
    for time_s, packet in _from_start(packets, start_s):
        packet.dts = (packet.dts or 0) - round(start_s / packet.time_base)
        packet.stream = target
        yield time_s, packet


def _encode(container: InputContainer, stream: AudioStream, encoder: AudioStream, start_s: float) -> TimedPackets:
    # The resampler also cuts the audio into frames of the size that the encoder takes.
    resampler = AudioResampler(format="fltp", layout=encoder.layout, rate=encoder.rate, frame_size=1024)
    samples: int | None = None
    frames = (frame for _, frame in _from_start(container.decode(stream), start_s))
    for frame in chain(frames, [None]):
        if frame is not None and samples is None:
            samples = round((frame.time or 0) * encoder.rate)
        pieces: list[AudioFrame | None] = [*resampler.resample(frame)]
        for piece in pieces if frame is not None else [*pieces, None]:
            if piece is not None:
                # Counted from the first, since a decoder may shorten a frame without moving the next one's time.
                piece.pts, piece.time_base = samples, Fraction(1, encoder.rate)
                samples = (samples or 0) + piece.samples
            for packet in encoder.encode(piece):
                yield float((packet.pts or 0) * packet.time_base), packet


def _from_start(pieces: Iterable[PacketOrFrame], start_s: float) -> Iterator[tuple[float, PacketOrFrame]]:
    """Yield packets or frames from `start_s` on with their new times, up to the first that cannot be read."""
    with suppress(av.FFmpegError):
        for piece in pieces:
            if piece.pts is None or not piece.time_base:
                continue
            time_s = float(piece.pts * piece.time_base) - start_s
            if time_s >= 0:
                piece.pts -= round(start_s / piece.time_base)
                yield time_s, piece
