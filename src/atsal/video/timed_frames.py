"""The frames of a video with their true numbers and times, decoded one by one or listed from undecoded packets."""

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from atsal.errors import MediaError, TruncatedMediaError
from atsal.video.container import open_video, read_packets
from atsal.video.decoding import TIMES_RESTART, GoodFrames, seek
from atsal.video.isolation import isolatable
from atsal.video.plain_picture import PlainPicture
from atsal.video.stream_timing import StreamTiming, read_timing

MAX_ROUNDING_S = 1e-3  # of a frame's time: far less than a frame lasts
_MATROSKA_ROUNDING_S = 0.001
_STEP_TOLERANCE = 0.05  # of a frame
_RESTART_REMEDY = (
    "Join the recordings with FFmpeg's concat demuxer, or write this file with one run of times: "
    "ffmpeg -i FILE -vf setpts=N/FR/TB -an NEW.mp4"
)


@dataclass(frozen=True, eq=False)
class TimedFrame:
    """A decoded picture, its number in the file and its time since the file's first frame.

    It can be sent to another process, without what the file states beside the picture (closed captions).
    """

    index: int
    timestamp_s: float
    picture: VideoFrame

    def __reduce__(self) -> tuple[Any, ...]:
        """Take the picture apart for pickle, which cannot do that with FFmpeg's."""
        return _put_together, (self.index, self.timestamp_s, PlainPicture.of(self.picture))


def _put_together(index: int, timestamp_s: float, picture: PlainPicture) -> TimedFrame:
    return TimedFrame(index, timestamp_s, picture.frame())


class FrameSource:
    """Iterate once over the good frames of a video with `start_s` <= time < `end_s`.

    Numbers and times count from the file's first frame, wherever reading starts. After the last frame,
    `check_complete` raises if the file broke before its end.
    """

    def __init__(self, path: Path, start_s: float = 0.0, end_s: float | None = None) -> None:
        self._path = path
        self.start_s = start_s
        self._end_s = end_s
        self._timing: StreamTiming | None = None
        self._damage: str | None = None
        self._stopped_early = False
        self._good = 0
        self._last_s = 0.0

    def __iter__(self) -> Iterator[TimedFrame]:
        for frame, rounding_s in self._decode():
            if self._end_s is not None and frame.timestamp_s >= self._end_s - rounding_s:
                self._stopped_early = True
                return
            self._good = frame.index + 1
            self._last_s = frame.timestamp_s
            if frame.timestamp_s >= self.start_s - rounding_s:
                yield frame

    def check_complete(self) -> None:
        """Raise TruncatedMediaError if the file broke, or ended clearly before the length its container states."""
        timing = self._timing
        if timing is None or self._stopped_early:
            return
        expected = timing.expected_frames
        reason = self._damage or ("the file ends early" if timing.ends_early(self._last_s, self._good) else None)
        if reason is not None:
            of_expected = f" of {expected} expected" if expected and reason != TIMES_RESTART else ""
            remedy = _RESTART_REMEDY if reason == TIMES_RESTART else "Copy or download the file again for the rest."
            raise TruncatedMediaError(
                f"{self._path}: breaks after {self._good} good frames{of_expected}, at {self._last_s:.2f} s: {reason}. "
                f"{remedy}"
            )

    def _decode(self) -> Iterator[tuple[TimedFrame, float]]:
        """Yield frames from at or before `start_s`, each with the rounding of its time in seconds."""
        with open_video(self._path, threaded=True) as (container, stream):
            timing = self._timing = read_timing(self._path, container, stream)
            frames = GoodFrames(container, stream, timing)
            first = next(frames, None)
            if first is None:
                self._damage = frames.damage
                return
            origin = None if timing.time_source == "none" else first.pts
            target = round(self.start_s / timing.time_base)
            if origin is None or target <= 0 or not timing.is_seekable:
                yield from self._number(0, first, frames, timing, origin)
                return
            frames.close()
            found = seek(container, stream, timing, origin, origin + target)
            if found is not None:
                index = _frame_number(self._path, timing, origin, found[0].pts or 0, found[1].first_position)
                yield from self._number(index, *found, timing, origin)
                return
        with open_video(self._path, threaded=True) as (container, stream):
            frames = GoodFrames(container, stream, timing)
            yield from self._number(0, next(frames), frames, timing, origin)

    def _number(
        self, index: int, first: VideoFrame, rest: GoodFrames, timing: StreamTiming, origin: int | None
    ) -> Iterator[tuple[TimedFrame, float]]:
        rounding_s = _rounding_s(timing)
        with closing(rest):
            for number, picture in enumerate(chain([first], rest), start=index):
                pts = picture.pts
                ticks = number * timing.step_pts if origin is None or pts is None else pts - origin
                yield TimedFrame(number, float(ticks * timing.time_base), picture), rounding_s
            self._damage = rest.damage


@isolatable
def read_pictures(path: Path) -> Iterator[TimedFrame]:
    """Yield every good frame of a video as it was decoded.

    Raises MediaError for a file that is no video, and TruncatedMediaError after the last good frame of a broken one.
    """
    source = FrameSource(path)
    yield from source
    source.check_complete()


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The shown frames of a video, known from its packets: where each is, and at which of them decoding can begin."""

    times_s: NDArray[np.float64]  # (F,) ascending, since the first frame: those that `read_frames` gives
    is_key: NDArray[np.bool_]  # (F,)
    rounding_s: float  # of the times, half a tick
    is_seekable: bool  # whether reading can begin in the middle; else everything before is decoded


def frame_times(path: Path) -> NDArray[np.float64]:
    """Return the `times_s` of `index_frames`, and raise what it raises."""
    return index_frames(path).times_s


@isolatable
def index_frames(path: Path) -> FrameIndex:
    """List the frames of a video.

    The file is read to its end, but only the first frame is decoded. Raises MediaError as `probe_video` does, and for
    a file whose times restart or that has none.
    """
    with open_video(path) as (container, stream):
        timing = read_timing(path, container, stream)
        with closing(GoodFrames(container, stream, timing)) as frames:
            first = next(frames, None)
    with open_video(path) as (container, stream):
        shown = _shown_packets(path, container, stream, timing)
        packets = [(packet.dts, packet.pts, packet.is_keyframe) for packet in shown]
    if timing.time_source == "none":
        keyed = [(number * float(timing.step_pts), is_key) for number, (_, _, is_key) in enumerate(packets)]
    else:
        by_number = timing.time_source == "packet numbers"
        stated = [(dts if by_number else pts, is_key) for dts, pts, is_key in packets]
        first_pts = math.inf if first is None else first.pts or 0
        keyed = [(time, is_key) for time, is_key in stated if time is not None and time >= first_pts]
    if not keyed:
        raise MediaError(f"{path}: its frames have no times; write it again at a constant rate")
    keyed.sort()
    ticks = np.array([time for time, _ in keyed], np.float64)
    is_key = np.array([is_key for _, is_key in keyed], np.bool_)
    times_s = (ticks - ticks[0]) * float(timing.time_base)
    return FrameIndex(times_s, is_key, _rounding_s(timing), timing.is_seekable)


def count_frames(path: Path, timing: StreamTiming) -> StreamTiming:
    """Read a file without an index to its end; return its timing with count, rate and length from its packets.

    Raises what `frame_times` raises.
    """
    times = frame_times(path)
    is_even = are_evenly_spaced(times, float(timing.frame_rate or 0))
    # Where no length is stated, the last frame is shown for as long as the one before it.
    duration_s = timing.duration_s or (float(2 * times[-1] - times[-2]) if len(times) > 1 else None)
    rate = timing.frame_rate
    if not is_even:
        average = len(times) / duration_s if duration_s else float(rate or 0)
        rate = Fraction(average).limit_denominator(100_000) or None
    return replace(
        timing,
        shown_frames=len(times),
        frame_rate=rate,
        duration_s=duration_s,
        is_indexed=True,
        even_step=timing.step_pts if is_even else None,
    )


def are_evenly_spaced(times_s: NDArray[np.float64], rate: float) -> bool:
    """Return whether each frame is where the rate puts it, except for the rounding of timestamps."""
    if not rate:
        return False
    error_s = np.abs(times_s - np.arange(len(times_s)) / rate).max()
    return bool(error_s <= max(_MATROSKA_ROUNDING_S, _STEP_TOLERANCE / rate))


def _rounding_s(timing: StreamTiming) -> float:
    """Return by how much a time may be off: times are rounded to ticks, unless a tick is as long as a frame (AVI)."""
    return min(float(timing.time_base) / 2, MAX_ROUNDING_S)


def _frame_number(path: Path, timing: StreamTiming, first_pts: int, pts: int, position: int | None) -> int:
    """Return the number of the frame presented at `pts` in a file whose first is presented at `first_pts`.

    It is computed where all frames have one rate; else the undecoded packets before it are counted. `position` is the
    byte that was sought to. Raises MediaError where another packet with the time `pts` lies before that place.
    """
    if timing.even_step is not None:
        return round((pts - first_pts) / timing.even_step)
    count = passed = 0
    with open_video(path) as (container, stream):
        for packet in _shown_packets(path, container, stream, timing):
            passed = max(passed, packet.pos or 0)
            if packet.dts is not None and packet.dts >= pts:
                break  # packets come in decoding order, and nothing is presented before it is decoded
            count += packet.pts is not None and first_pts <= packet.pts < pts
    if timing.is_joinable and position is not None and position > passed:
        raise MediaError(f"{path}: {TIMES_RESTART}; no part of it can be found by its time. {_RESTART_REMEDY}")
    return count


def _shown_packets(
    path: Path, container: InputContainer, stream: VideoStream, timing: StreamTiming
) -> "Iterator[Packet[VideoStream]]":
    """Yield the packets whose frames are shown; raise MediaError where times restart or the file breaks."""
    before: int | None = None
    try:
        for number, packet in enumerate(read_packets(container, stream)):
            if packet.is_discard:
                continue  # an edit list hides it; its time is unrelated to those of the others
            if timing.restarts(before, packet.dts):
                raise MediaError(f"{path}: {TIMES_RESTART}, after {number} frames. {_RESTART_REMEDY}")
            before = packet.dts
            if packet.size:
                yield packet
    except av.FFmpegError as error:
        raise MediaError(f"{path}: breaks before its end ({error.strerror}); copy or download it again") from error
