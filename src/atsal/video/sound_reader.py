"""Read the sound of a file as packets that an MP4 takes: copied where it takes the codec, else encoded as AAC.

Packets are plain values, so that a child process can read them (`isolation`).
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TypeAlias, TypeVar

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.codec import UnknownCodecError
from av.codec.context import Flags
from av.container import InputContainer
from av.packet import Packet

from atsal.errors import MediaError
from atsal.untrusted.files import check_readable
from atsal.video.container import open_container, picture_stream, read_packets
from atsal.video.isolation import isolatable

PacketOrFrame = TypeVar("PacketOrFrame", "Packet[AudioStream]", AudioFrame)

_MP4_CODECS = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"})
_AAC_LAYOUTS = frozenset({"mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1"})


@dataclass(frozen=True)
class SoundFormat:
    """What a decoder must know of packets beforehand; names are those of FFmpeg."""

    codec: str
    rate: int  # samples per second
    layout: str  # of the channels
    sample_format: str
    bit_rate: int  # bits per second; 0: not known
    setup: bytes | None  # of the codec ("extradata")
    time_base: Fraction


@dataclass(frozen=True)
class SoundPacket:
    """Encoded sound that is heard from `time_s` of the output on; the other times count in `time_base`."""

    time_s: float
    content: bytes
    pts: int
    dts: int
    duration: int
    time_base: Fraction


SoundItems: TypeAlias = Generator[SoundFormat | SoundPacket, None, None]


@isolatable
def read_sound(path: Path, start_s: float) -> SoundItems:
    """Yield the format of the first sound track, then its packets from `start_s` on, up to the first unreadable one.

    `start_s` counts from the first picture, in seconds, and is time 0 of the packets. A file without sound yields
    nothing. Raises MediaError for a file that cannot be opened, and for a codec that this FFmpeg does not know.
    """
    check_readable(path, "video or sound file")
    try:
        with open_container(path) as container:
            if container.streams.audio:
                yield from _read_track(path, container, container.streams.audio[0], start_s)
    except av.FFmpegError as error:
        raise MediaError(f"{path}: its sound cannot be read (FFmpeg says: {error.strerror})") from error


def _read_track(path: Path, container: InputContainer, stream: AudioStream, start_s: float) -> SoundItems:
    if stream.codec_context is None:
        raise MediaError(
            f"{path}: its sound is in a codec that this FFmpeg build does not know; convert it to AAC first: "
            "ffmpeg -i IN -c:v copy -c:a aac OUT.mp4"
        )
    if not _has_format(stream):
        raise MediaError(
            f"{path}: its sound has {stream.rate or 0} samples a second and the channels {stream.layout.name!r}; "
            "expected sound that plays. Remove it: ffmpeg -i IN -c copy -an OUT.mp4"
        )
    pictures = picture_stream(container)
    if pictures is not None and pictures.start_time is not None and pictures.time_base:
        start_s += float(pictures.start_time * pictures.time_base)
    if start_s > 0 and stream.time_base:
        container.seek(max(round((start_s - 0.5) / stream.time_base), stream.start_time or 0), stream=stream)
    return _copy(container, stream, start_s) if _is_copied(stream) else _encode(container, stream, start_s)


def _has_format(stream: AudioStream) -> bool:
    with suppress(ValueError):
        return bool(stream.rate) and AudioLayout(stream.layout.name).nb_channels > 0
    return False


def _is_copied(stream: AudioStream) -> bool:
    name = stream.codec_context.codec.canonical_name
    with suppress(UnknownCodecError):
        return name in _MP4_CODECS and av.Codec(name, "w") is not None
    return False


def _copy(container: InputContainer, stream: AudioStream, start_s: float) -> SoundItems:
    yield _describe(stream.codec_context, stream.time_base or Fraction(1, stream.rate))
    packets = (packet for packet in read_packets(container, stream) if packet.dts is not None)
    last: int | None = None
    for time_s, packet in _from_start(packets, start_s):
        if last is not None and (packet.dts or 0) <= last:
            continue  # times went back, which MP4 cannot hold
        last = packet.dts
        shift = round(start_s / packet.time_base)
        yield _plain(packet, time_s, (packet.pts or 0) - shift, (packet.dts or 0) - shift)


def _encode(container: InputContainer, stream: AudioStream, start_s: float) -> SoundItems:
    encoder = _aac_encoder(stream)
    yield _describe(encoder, Fraction(1, encoder.rate))
    samples: int | None = None
    for time_s, piece in chain(_resampled(container, stream, start_s, encoder), [(0.0, None)]):
        if piece is not None:
            # Counted from the first, since a decoder may shorten a frame without moving the next one's time.
            samples = round(time_s * encoder.rate) if samples is None else samples
            piece.pts, piece.time_base = samples, Fraction(1, encoder.rate)
            samples += piece.samples
        for packet in encoder.encode(piece):
            pts = packet.pts or 0
            yield _plain(packet, float(pts * packet.time_base), pts, pts if packet.dts is None else packet.dts)


def _resampled(
    container: InputContainer, stream: AudioStream, start_s: float, encoder: AudioCodecContext
) -> Iterator[tuple[float, AudioFrame]]:
    """Yield decoded sound in frames of the format and size that the encoder takes, the last of which may be short.

    Each comes with the time of the first decoded one. Where the format changes, what waits for more is left out.
    """
    first_s = taken = resampler = None
    for time_s, frame in _from_start(container.decode(stream), start_s):
        first_s = time_s if first_s is None else first_s
        form = frame.format.name, frame.layout.name, frame.sample_rate
        if resampler is None or form != taken:
            taken = form
            resampler = AudioResampler(format="fltp", layout=encoder.layout, rate=encoder.rate, frame_size=1024)
        yield from ((first_s, piece) for piece in resampler.resample(frame))
    if resampler is not None and first_s is not None:
        yield from ((first_s, piece) for piece in resampler.resample(None))


def _aac_encoder(stream: AudioStream) -> AudioCodecContext:
    encoder = av.CodecContext.create("aac", "w")
    encoder.rate = stream.rate
    encoder.layout = stream.layout.name if stream.layout.name in _AAC_LAYOUTS else "stereo"
    encoder.format, encoder.time_base = "fltp", Fraction(1, stream.rate)
    encoder.flags |= Flags.global_header  # as MP4 wants it
    encoder.open()
    return encoder


def _describe(codec: AudioCodecContext, time_base: Fraction) -> SoundFormat:
    form = "fltp" if codec.format is None else codec.format.name  # not known where no packet has been decoded
    name, layout = codec.codec.canonical_name, codec.layout.name
    return SoundFormat(name, codec.rate, layout, form, codec.bit_rate or 0, codec.extradata, time_base)


def _plain(packet: "Packet[AudioStream]", time_s: float, pts: int, dts: int) -> SoundPacket:
    return SoundPacket(time_s, bytes(packet), pts, dts, packet.duration or 0, packet.time_base)


def _from_start(pieces: Iterable[PacketOrFrame], start_s: float) -> Iterator[tuple[float, PacketOrFrame]]:
    """Yield packets or frames from `start_s` on with their new times, up to the first that cannot be read."""
    with suppress(av.FFmpegError):
        for piece in pieces:
            if piece.pts is None or not piece.time_base:
                continue
            time_s = float(piece.pts * piece.time_base) - start_s
            if time_s >= 0:
                yield time_s, piece
