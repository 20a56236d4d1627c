"""Decoding: every good frame up to the first damage, from the file's start or from a key frame before some time."""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from atsal.errors import MediaError
from atsal.video.facts import StreamFacts, stream_facts
from atsal.video.opening import open_video

TIMES_JUMP = "its times start again, as where recordings were joined as they are"
ONE_RUN_OF_TIMES = (
    "Join the recordings with FFmpeg's concat demuxer, or write this file with one run of times: "
    "ffmpeg -i FILE -vf setpts=N/FR/TB -an NEW.mp4"
)


class GoodFrames(Iterator[VideoFrame]):
    """The frames of `stream`, each decoded once, in the order of presentation, up to the first damage.

    Afterwards `damage` says what was wrong, or is None at the file's regular end.
    What fails before the first good frame is passed over: a recording may begin within a group of pictures.

    Where a file is cut, the frames presented after a lost one are left out, since they would be numbered wrongly.
    In an AVI, the `pts` of a frame is the number of its packet in the order of presentation.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, facts: StreamFacts) -> None:
        self.damage: str | None = None
        self.first_position: int | None = None  # of a packet in the file
        self._stream = stream
        self._facts = facts
        self._previous_dts: int | None = None  # of all packets
        self._last_dts: int | None = None  # of the good ones
        self._last_pts: int | None = None
        self._numbers: deque[int] = deque()  # of the packets whose frames are to come
        self._packets = container.demux(stream)
        self._frames = self._decode()

    def __next__(self) -> VideoFrame:
        return next(self._frames)

    def _decode(self) -> Iterator[VideoFrame]:
        started = False
        last: int | None = None
        for batch in self._batches():
            for frame in batch:
                if started and self._facts.clock == "stamps" and _is_before(frame.pts, last):
                    self.damage = TIMES_JUMP
                    return
                if not frame.is_corrupt:
                    started = True
                    last = self._last_pts = frame.pts
                    yield frame
                elif started:
                    self.damage = self.damage or "a frame is damaged"
                    return
            if self.damage is not None:
                if started:
                    return
                self.damage = None

    def _batches(self) -> Iterator[list[VideoFrame]]:
        """Yield the frames that each packet completes; `damage` is set with the batch at which decoding failed."""
        while True:
            try:
                packet = next(self._packets, None)
                if packet is None:
                    return
                if self.first_position is None:
                    self.first_position = packet.pos
                jumps = self._last_pts is not None and self._facts.jumps(self._previous_dts, packet.dts)
                self._previous_dts = packet.dts
                if jumps:
                    self.damage = TIMES_JUMP
                    yield self._stream.decode(None)
                elif packet.is_corrupt:
                    self.damage = TIMES_JUMP if self._is_before_jump(packet) else "a packet is incomplete"
                    yield self._drain_before(packet.dts)
                elif packet.size == 0 and packet.dts is None:  # the file's end
                    yield list(self._unbroken(self._numbered(packet.decode())))
                else:
                    self._last_dts = packet.dts
                    self._numbers.append(packet.dts or 0)
                    yield self._numbered(packet.decode())
            except av.FFmpegError as error:
                self.damage = error.strerror or type(error).__name__
                yield []

    def _is_before_jump(self, packet: "Packet[VideoStream]") -> bool:
        """One of the last packets before a joint counts as incomplete, for what comes next does not continue it."""
        near = [packet, *islice(self._packets, 3)] if self._facts.joinable else []
        return any(self._facts.jumps(one.dts, other.dts) for one, other in pairwise(near))

    def _numbered(self, frames: list[VideoFrame]) -> list[VideoFrame]:
        """Frames of an AVI have no times but the numbers of their packets, in the order of presentation."""
        if self._facts.clock != "numbers":
            self._numbers.clear()
        for frame in frames[: len(self._numbers)]:
            frame.pts = self._numbers.popleft()
        return frames

    def _drain_before(self, lost_dts: int | None) -> list[VideoFrame]:
        """Take from the decoder the frames that come before a lost packet, and before all that would follow it.

        Nothing is presented before it is decoded, so whatever is lost is presented at `lost_dts` or later.
        """
        if self._facts.clock != "stamps":
            return []
        try:
            held = self._stream.decode(None)
        except av.FFmpegError:
            return []
        return [frame for frame in held if frame.pts is not None and lost_dts is not None and frame.pts < lost_dts]

    def _unbroken(self, held: list[VideoFrame]) -> Iterator[VideoFrame]:
        """Yield the last frames of a file; of one that was cut between two packets, only those before the first gap."""
        start = self._facts.start_pts or 0
        last = max((frame.pts for frame in held if frame.pts is not None), default=None)
        cut = last is not None and self._facts.ends_early(float((last - start) * self._facts.time_base))
        for frame in held:
            if cut and frame.pts is not None and self._last_pts is not None:
                after_gap = frame.pts - self._last_pts > step_pts(self._facts) * 3 / 2
                if after_gap and self._last_dts is not None and frame.pts > self._last_dts:
                    self.damage = "the file ends early"
                    return
            self._last_pts = frame.pts
            yield frame


def seek(
    container: InputContainer, stream: VideoStream, facts: StreamFacts, first_pts: int, target_pts: int
) -> tuple[VideoFrame, GoodFrames] | None:
    """Decode from a key frame at or before `target_pts`: the frame there, and those after it.

    None where only decoding from the file's start will do: near the start, and in files without times to seek by.
    """
    back = 0
    while target_pts - back > first_pts:
        try:
            container.seek(target_pts - back, stream=stream)
        except av.FFmpegError:
            return None
        frames = GoodFrames(container, stream, facts)
        frame = next(frames, None)
        # After an open group of pictures the first frame out can be later than asked for: start further back.
        if frame is not None and frame.pts is not None and frame.pts <= target_pts:
            return frame, frames
        back = max(2 * back, round(1 / facts.time_base))
    return None


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


def _times(path: Path, container: InputContainer, stream: VideoStream, facts: StreamFacts) -> Iterator[int | None]:
    for packet in _shown(path, container, stream, facts):
        yield packet.dts if facts.clock == "numbers" else packet.pts


def _shown(
    path: Path, container: InputContainer, stream: VideoStream, facts: StreamFacts
) -> "Iterator[Packet[VideoStream]]":
    """Yield the packets whose frames are shown; `MediaError` where times start again."""
    before: int | None = None
    for number, packet in enumerate(container.demux(stream)):
        if facts.jumps(before, packet.dts):
            raise MediaError(f"{path}: {TIMES_JUMP}, after {number} frames. {ONE_RUN_OF_TIMES}")
        before = packet.dts
        if packet.size and not packet.is_discard:
            yield packet


def step_pts(facts: StreamFacts) -> Fraction:
    """Give the ticks from one frame to the next at the average rate; 1/25 s where no rate is stated."""
    return 1 / ((facts.frame_rate or Fraction(25)) * facts.time_base)


def _is_before(pts: int | None, last: int | None) -> bool:
    return pts is not None and last is not None and pts < last
