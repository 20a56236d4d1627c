"""Times and numbers of the frames that a file shows, from its packets, undecoded."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from atsal.errors import MediaError
from atsal.video.container import open_video
from atsal.video.decoding import TIMES_JUMP, GoodFrames
from atsal.video.stream_timing import StreamFacts, step_pts, stream_facts

_ROUNDING_S = 0.001  # of Matroska's time stamps
_SLACK = 0.05  # of a frame
ONE_RUN_OF_TIMES = (
    "Join the recordings with FFmpeg's concat demuxer, or write this file with one run of times: "
    "ffmpeg -i FILE -vf setpts=N/FR/TB -an NEW.mp4"
)


def frame_number(path: Path, facts: StreamFacts, first_pts: int, pts: int, position: int | None) -> int:
    """Give the number, from 0, of the frame presented at `pts` in a file whose first is presented at `first_pts`.

    By arithmetic where the frames fill the grid of one rate, else by counting the packets before it, undecoded.
    `position` is where the file was sought to: `MediaError` where its times came to `pts` before that place.
    """
    if facts.even_step is not None:
        return round((pts - first_pts) / facts.even_step)
    count = passed = 0
    with open_video(path) as (container, stream):
        for packet in _shown(path, container, stream, facts):
            passed = max(passed, packet.pos or 0)
            if packet.dts is not None and packet.dts >= pts:
                break  # packets come in decoding order, and nothing is presented before it is decoded
            count += packet.pts is not None and first_pts <= packet.pts < pts
    if facts.joinable and position is not None and position > passed:
        raise MediaError(f"{path}: {TIMES_JUMP}; no part of it can be found by its time. {ONE_RUN_OF_TIMES}")
    return count


def frame_times(path: Path | str) -> NDArray[np.float64]:
    """Seconds of every shown frame since the first, (F,) ascending: those that `read_frames` gives.

    The file is read to its end, but only the first frame is decoded. Raises `MediaError` as `probe_video`, and for a
    file whose times start again or that has none.
    """
    path = Path(path)
    with open_video(path) as (container, stream):
        facts = stream_facts(container, stream)
        first = next(GoodFrames(container, stream, facts), None)
    with open_video(path) as (container, stream):
        packets = list(_times(path, container, stream, facts))
    if facts.clock == "none":
        ticks = np.arange(len(packets)) * float(step_pts(facts))
    else:
        known = [time for time in packets if time is not None and first is not None and time >= (first.pts or 0)]
        ticks = np.sort(np.array(known, np.float64))
    if not len(ticks):
        raise MediaError(f"{path}: its frames have no times; write it again at a constant rate")
    times: NDArray[np.float64] = (ticks - ticks[0]) * float(facts.time_base)
    return times


def counted(path: Path, facts: StreamFacts) -> StreamFacts:
    """The facts of a file without an index, with what its packets tell of count, rate and length; read to its end.

    Raises what `frame_times` raises.
    """
    times = frame_times(path)
    rate = float(facts.frame_rate or 0)
    even = are_even(times, rate)
    length_s = facts.duration_s or _length_s(times)
    if not even and length_s:
        rate = len(times) / length_s
    return replace(
        facts,
        shown_frames=len(times),
        frame_rate=facts.frame_rate if even else Fraction(rate).limit_denominator(100_000) or None,
        duration_s=length_s,
        indexed=True,
        even_step=step_pts(facts) if even else None,
    )


def are_even(times_s: NDArray[np.float64], rate: float) -> bool:
    """Whether each frame is where the rate puts it, but for the rounding of time stamps."""
    if not rate:
        return False
    off_s = np.abs(times_s - np.arange(len(times_s)) / rate)
    return bool(off_s.max() <= max(_ROUNDING_S, _SLACK / rate))


def _length_s(times_s: NDArray[np.float64]) -> float | None:
    """Seconds of a video that does not state them: the last frame stands for as long as the one before it did."""
    return float(2 * times_s[-1] - times_s[-2]) if len(times_s) > 1 else None


def _times(path: Path, container: InputContainer, stream: VideoStream, facts: StreamFacts) -> Iterator[int | None]:
    for packet in _shown(path, container, stream, facts):
        yield packet.dts if facts.clock == "numbers" else packet.pts


def _shown(
    path: Path, container: InputContainer, stream: VideoStream, facts: StreamFacts
) -> "Iterator[Packet[VideoStream]]":
    """Yield the packets whose frames are shown; `MediaError` where times start again, or the file breaks."""
    before: int | None = None
    for number, packet in enumerate(_readable(path, container, stream)):
        if packet.is_discard:
            continue  # hidden by an edit list; its time lies beside those of the others
        if facts.jumps(before, packet.dts):
            raise MediaError(f"{path}: {TIMES_JUMP}, after {number} frames. {ONE_RUN_OF_TIMES}")
        before = packet.dts
        if packet.size:
            yield packet


def _readable(path: Path, container: InputContainer, stream: VideoStream) -> "Iterator[Packet[VideoStream]]":
    try:
        yield from container.demux(stream)
    except av.FFmpegError as error:
        raise MediaError(f"{path}: breaks before its end ({error.strerror}); copy or download it again") from error
