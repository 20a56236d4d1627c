"""Join MP4s of one encoder without decoding them: the packets stay, and get the times of the whole video."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from atsal.errors import OutputError
from atsal.video.container import open_container
from atsal.video.mp4_file import TIME_BASE, AudioSource, Mp4File
from atsal.video.mp4_writer import end_ticks, round_rate, to_ticks
from atsal.video.spherical_tags import SphericalTags

_REMEDY = "run the same command again with --overwrite"


def join_videos(
    parts: Sequence[Path],
    times_s: Sequence[float],
    frame_rate: float,
    path: Path,
    *,
    audio: AudioSource | None = None,
) -> None:
    """Join parts that `VideoWriter` wrote into the file that one writer would have written, with 360° tags.

    The pictures are not encoded again. Each part begins with a key frame and refers to no frame of another part, since
    its encoder knew none. Memory does not grow with the length, but for one number a frame.

    Args:
        parts: MP4s in order, all of one encoder with the same settings.
        times_s: the time of each frame of all parts, ascending. The first is shown at the start of the file.
        frame_rate: the nominal rate; it sets how long the last frame is shown.
        path: where to write; the file appears when it is complete.
        audio: whose audio to carry over.

    Raises:
        OutputError: parts of other encoder settings, or with another number of frames than there are times; also if the
            file cannot be written.
        MediaError: the audio cannot be read.

    """
    shown = [to_ticks(time_s, times_s[0]) for time_s in times_s]
    decoded = _decoding_times(shown, _reordering_delay(parts[0]))
    step = end_ticks(0, round_rate(frame_rate))
    end, last = shown[-1] + step, len(shown) - 1
    with Mp4File(path, path, partial(_add_copy, parts[0]), audio, SphericalTags()) as file:
        for number, (rank, packet) in enumerate(_ranked_packets(parts, len(shown))):
            packet.pts, packet.dts, packet.time_base = shown[rank], decoded[number], TIME_BASE
            packet.stream, packet.duration = file.pictures, step
            file.mux([packet], end if number == last else None)
            file.mux_audio(shown[rank])
        file.mux_audio(end)


def _ranked_packets(parts: Sequence[Path], count: int) -> "Iterator[tuple[int, Packet[VideoStream]]]":
    """Yield the packets in the order of decoding, each with the number of its frame in the order of presentation."""
    settings = _encoder_settings(parts[0])
    first = 0
    for part in parts:
        if _encoder_settings(part) != settings:
            raise OutputError(f"{part}: comes from another encoder, or other settings, than {parts[0]}; {_REMEDY}")
        ranks = {pts: rank for rank, pts in enumerate(sorted(packet.pts or 0 for packet in _packets(part)), first)}
        first += len(ranks)
        if first > count:
            break
        for packet in _packets(part):
            yield ranks[packet.pts or 0], packet
    if first != count:
        raise OutputError(f"{parts[0].parent}: its parts hold another number of frames than {count}; {_REMEDY}")


def _packets(part: Path) -> "Iterator[Packet[VideoStream]]":
    with open_container(part) as container:
        yield from (packet for packet in container.demux(container.streams.video[0]) if packet.size)


def _encoder_settings(part: Path) -> bytes | None:
    """Return the parameter sets of H.264, which hold all that a decoder must know beforehand."""
    with open_container(part) as container:
        return container.streams.video[0].codec_context.extradata


def _add_copy(part: Path, container: OutputContainer) -> VideoStream:
    """Add a stream for packets of this part."""
    with open_container(part) as source:
        stream = container.add_stream_from_template(source.streams.video[0])
    stream.time_base = TIME_BASE
    return stream


def _reordering_delay(part: Path) -> int:
    """Return by how many frames decoding is ahead of presentation: 2 with B-frames that refer to B-frames."""
    packets = [(packet.pts or 0, packet.dts or 0) for packet in _packets(part)]
    shown = sorted(pts for pts, _ in packets)
    ahead = shown[0] - packets[0][1]
    return sum(time - shown[0] < ahead for time in shown)


def _decoding_times(shown: Sequence[int], delay: int) -> list[int]:
    """Return the decoding times as libx264 sets them: those of presentation, `delay` frames later.

    The first ones are before 0, by the time between the first frame and the one after the delay.
    """
    lead = shown[min(delay, len(shown) - 1)] - shown[0]
    return [time - lead for time in shown[:delay]] + list(shown[: len(shown) - delay])
