"""Decode every good frame up to the first damage, from the file's start or from a key frame before some time."""

from collections import deque
from collections.abc import Generator, Iterator
from itertools import islice, pairwise

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from atsal.video.container import read_packets
from atsal.video.stream_timing import StreamTiming

TIMES_RESTART = "its times start again, as where recordings were joined as they are"


class GoodFrames(Iterator[VideoFrame]):
    """The frames of `stream`, each decoded once, in the order of presentation, up to the first damage.

    At the end, `damage` tells what was wrong; it is None at the file's regular end. What fails before the first good
    frame is skipped: a recording may begin within a group of pictures. Frames presented after a lost one are left out,
    since their numbers would be wrong. In an AVI, the `pts` of a frame is the number of its packet in the order of
    presentation.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, timing: StreamTiming) -> None:
        self.damage: str | None = None
        self.first_position: int | None = None  # of the first packet in the file, in bytes
        self._stream = stream
        self._timing = timing
        self._previous_dts: int | None = None  # of all packets that are shown
        self._last_good_dts: int | None = None
        self._last_pts: int | None = None
        self._packet_numbers: deque[int] = deque()  # of the packets whose frames are not out yet
        self._packets = read_packets(container, stream)
        self._frames = self._decode()

    def __next__(self) -> VideoFrame:
        return next(self._frames)

    def close(self) -> None:
        """Let go of the decoder, whose threads and memory would else stay until the next garbage collection."""
        self._frames.close()

    def _decode(self) -> Generator[VideoFrame]:
        started = False
        for frames in self._decode_packets():
            for frame in frames:
                is_earlier = frame.pts is not None and self._last_pts is not None and frame.pts < self._last_pts
                if started and is_earlier and self._timing.time_source == "timestamps":
                    self.damage = TIMES_RESTART
                    return
                if not frame.is_corrupt:
                    started = True
                    self._last_pts = frame.pts
                    yield frame
                elif started:
                    self.damage = self.damage or "a frame is damaged"
                    return
            if self.damage is not None:
                if started:
                    return
                self.damage = None

    def _decode_packets(self) -> Iterator[Iterator[VideoFrame] | list[VideoFrame]]:
        """Yield the frames that each packet completes; set `damage` with the batch at which decoding failed."""
        while True:
            try:
                packet = next(self._packets, None)
                if packet is None:
                    return
                if self.first_position is None:
                    self.first_position = packet.pos
                if self._restarts(packet) and self._last_pts is not None:
                    self.damage = TIMES_RESTART
                    yield self._stream.decode(None)
                elif packet.is_corrupt:
                    self.damage = TIMES_RESTART if self._is_before_restart(packet) else "a packet is incomplete"
                    yield self._drain_before(packet.dts)
                elif packet.size == 0 and packet.dts is None:  # the file's end
                    yield self._up_to_gap(self._with_packet_numbers(packet.decode()))
                else:
                    self._last_good_dts = packet.dts
                    self._packet_numbers.append(packet.dts or 0)
                    yield self._with_packet_numbers(packet.decode())
            except av.FFmpegError as error:
                self.damage = error.strerror or type(error).__name__
                yield []

    def _restarts(self, packet: "Packet[VideoStream]") -> bool:
        if packet.is_discard:
            return False  # an edit list hides it; its time is unrelated to those of the others
        before, self._previous_dts = self._previous_dts, packet.dts
        return self._timing.restarts(before, packet.dts)

    def _is_before_restart(self, packet: "Packet[VideoStream]") -> bool:
        """Return whether times restart soon: one of the last packets before a joint is marked as incomplete."""
        near = [packet, *islice(self._packets, 3)] if self._timing.is_joinable else []
        return any(self._timing.restarts(one.dts, other.dts) for one, other in pairwise(near))

    def _with_packet_numbers(self, frames: list[VideoFrame]) -> list[VideoFrame]:
        """Set the times of an AVI's frames, which have none but the numbers of their packets."""
        if self._timing.time_source != "packet numbers":
            self._packet_numbers.clear()
        for frame in frames[: len(self._packet_numbers)]:
            frame.pts = self._packet_numbers.popleft()
        return frames

    def _drain_before(self, lost_dts: int | None) -> list[VideoFrame]:
        """Take from the decoder the frames that are presented before the lost packet's.

        Nothing is presented before it is decoded, so what is lost is presented at `lost_dts` or later.
        """
        if self._timing.time_source != "timestamps":
            return []
        try:
            held = self._stream.decode(None)
        except av.FFmpegError:
            return []
        return [frame for frame in held if frame.pts is not None and lost_dts is not None and frame.pts < lost_dts]

    def _up_to_gap(self, held: list[VideoFrame]) -> Iterator[VideoFrame]:
        """Yield the last frames of a file; where it was cut between two packets, only those before the first gap."""
        timing = self._timing
        last = max((frame.pts for frame in held if frame.pts is not None), default=None)
        is_cut = last is not None and timing.ends_early(float((last - (timing.start_pts or 0)) * timing.time_base))
        for frame in held:
            if is_cut and frame.pts is not None and self._last_pts is not None:
                is_after_gap = frame.pts - self._last_pts > timing.step_pts * 3 / 2
                if is_after_gap and self._last_good_dts is not None and frame.pts > self._last_good_dts:
                    self.damage = "the file ends early"
                    return
            yield frame


def seek(
    container: InputContainer, stream: VideoStream, timing: StreamTiming, first_pts: int, target_pts: int
) -> tuple[VideoFrame, GoodFrames] | None:
    """Decode from a key frame at or before `target_pts`; return the frame there and those after it.

    Return None where the file must be decoded from its start: near the start, and where seeking fails.
    """
    back = 0
    while target_pts - back > first_pts:
        try:
            container.seek(target_pts - back, stream=stream)
        except av.FFmpegError:
            return None
        frames = GoodFrames(container, stream, timing)
        frame = next(frames, None)
        # After an open group of pictures, the first frame out can be later than asked for: start further back.
        if frame is not None and frame.pts is not None and frame.pts <= target_pts:
            return frame, frames
        frames.close()
        back = max(2 * back, round(1 / timing.time_base))
    return None
