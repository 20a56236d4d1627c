"""Decoding: every good frame up to the first damage, from the file's start or from a key frame before some time."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from atsal.video.opening import StreamFacts, open_video


class GoodFrames(Iterator[VideoFrame]):
    """The frames of `stream`, each decoded once, in the order of presentation, up to the first damage.

    Afterwards `damage` says what was wrong, or is None at the file's regular end.
    What fails before the first good frame is passed over: a recording may begin within a group of pictures.

    Where a file is cut, the frames presented after a lost one are left out, since they would be numbered wrongly.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, facts: StreamFacts) -> None:
        self.damage: str | None = None
        self._stream = stream
        self._facts = facts
        self._last_dts: int | None = None
        self._last_pts: int | None = None
        self._packets = container.demux(stream)
        self._frames = self._decode()

    def __next__(self) -> VideoFrame:
        return next(self._frames)

    def _decode(self) -> Iterator[VideoFrame]:
        started = False
        for batch in self._batches():
            for frame in batch:
                if not frame.is_corrupt:
                    started = True
                    self._last_pts = frame.pts
                    yield frame
                elif started:
                    self.damage = "a frame is damaged"
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
                if packet.is_corrupt:
                    self.damage = "a packet is incomplete"
                    yield self._drain_before(packet.dts)
                elif packet.size == 0 and packet.dts is None:  # the file's end
                    yield list(self._unbroken(packet.decode()))
                else:
                    self._last_dts = packet.dts
                    yield packet.decode()
            except av.FFmpegError as error:
                self.damage = error.strerror or type(error).__name__
                yield []

    def _drain_before(self, lost_dts: int | None) -> list[VideoFrame]:
        """Take from the decoder the frames that come before a lost packet, and before all that would follow it.

        Nothing is presented before it is decoded, so whatever is lost is presented at `lost_dts` or later.
        """
        if self._facts.without_times:
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


def frame_number(path: Path, facts: StreamFacts, first_pts: int, pts: int) -> int:
    """Give the number, from 0, of the frame presented at `pts` in a file whose first is presented at `first_pts`.

    By arithmetic where the frames fill the grid of one rate, else by counting the packets before it, undecoded.
    """
    if facts.grid_is_certain and facts.frame_rate is not None:
        return round((pts - first_pts) * facts.time_base * (facts.base_rate or facts.frame_rate))
    with open_video(path) as (container, stream):
        return sum(1 for packet in _packets_before(container.demux(stream), pts) if _is_between(packet, first_pts, pts))


def step_pts(facts: StreamFacts) -> Fraction:
    """Give the ticks from one frame to the next at the average rate; 1/25 s where no rate is stated."""
    return 1 / ((facts.frame_rate or Fraction(25)) * facts.time_base)


def _packets_before(packets: "Iterator[Packet[VideoStream]]", pts: int) -> "Iterator[Packet[VideoStream]]":
    for packet in packets:
        if packet.dts is not None and packet.dts >= pts:
            return  # packets come in decoding order, and nothing is presented before it is decoded
        yield packet


def _is_between(packet: "Packet[VideoStream]", first_pts: int, pts: int) -> bool:
    return packet.pts is not None and first_pts <= packet.pts < pts
