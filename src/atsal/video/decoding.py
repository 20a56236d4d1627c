"""Decoding: every good frame up to the first damage, from the file's start or from a key frame before some time."""

from collections import deque
from collections.abc import Iterator
from itertools import islice, pairwise

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from atsal.video.stream_timing import StreamFacts, step_pts

TIMES_JUMP = "its times start again, as where recordings were joined as they are"


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
        self._previous_dts: int | None = None  # of all packets that are shown
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
                jumps = self._jumps(packet) and self._last_pts is not None
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

    def _jumps(self, packet: "Packet[VideoStream]") -> bool:
        """Whether times start again at this packet; those that an edit list hides lie beside the others' times."""
        if packet.is_discard:
            return False
        before, self._previous_dts = self._previous_dts, packet.dts
        return self._facts.jumps(before, packet.dts)

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


def _is_before(pts: int | None, last: int | None) -> bool:
    return pts is not None and last is not None and pts < last
