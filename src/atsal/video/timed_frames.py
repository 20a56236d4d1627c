"""Decoded frames with their true number and time, and whether the file was complete."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from av.video.frame import VideoFrame

from atsal.errors import TruncatedMediaError
from atsal.video.container import open_video
from atsal.video.decoding import TIMES_JUMP, GoodFrames, seek
from atsal.video.stream_timing import StreamFacts, step_pts, stream_facts
from atsal.video.timeline import ONE_RUN_OF_TIMES, frame_number

MOST_ROUNDING_S = 1e-3  # of a frame's time: far less than a frame lasts


@dataclass(frozen=True, eq=False)
class TimedFrame:
    """A decoded picture, its number in the file and its time since the file's first frame."""

    index: int
    timestamp_s: float
    picture: VideoFrame


class FrameSource:
    """Iterate once over the good frames of a video with `start_s` <= time < `end_s`.

    Numbers and times count from the file's first frame, wherever reading starts. After the last frame,
    `check_complete` raises if the file broke before its end.
    """

    def __init__(self, path: Path, start_s: float = 0.0, end_s: float | None = None) -> None:
        self._path = path
        self.start_s = start_s
        self._end_s = end_s
        self._facts: StreamFacts | None = None
        self._damage: str | None = None
        self._stopped_early = False
        self._good = 0
        self._last_s = 0.0

    def __iter__(self) -> Iterator[TimedFrame]:
        for frame, rounding_s in self._timed():
            if self._end_s is not None and frame.timestamp_s >= self._end_s - rounding_s:
                self._stopped_early = True
                return
            self._good = frame.index + 1
            self._last_s = frame.timestamp_s
            if frame.timestamp_s >= self.start_s - rounding_s:
                yield frame

    def check_complete(self) -> None:
        """Raise TruncatedMediaError if the file broke, or ended clearly before the length its container states."""
        facts = self._facts
        if facts is None or self._stopped_early:
            return
        expected = facts.expected_frames
        reason = self._damage or ("the file ends early" if facts.ends_early(self._last_s, self._good) else None)
        if reason is not None:
            of_expected = f" of {expected} expected" if expected and reason != TIMES_JUMP else ""
            remedy = ONE_RUN_OF_TIMES if reason == TIMES_JUMP else "Copy or download the file again for the rest."
            raise TruncatedMediaError(
                f"{self._path}: breaks after {self._good} good frames{of_expected}, at {self._last_s:.2f} s: {reason}. "
                f"Every frame before that was delivered. {remedy}"
            )

    def _timed(self) -> Iterator[tuple[TimedFrame, float]]:
        """Frames from at or before `start_s`, each with how far its time may be rounded."""
        with open_video(self._path, threaded=True) as (container, stream):
            facts = self._facts = stream_facts(container, stream)
            frames = GoodFrames(container, stream, facts)
            first = next(frames, None)
            if first is None:
                self._damage = frames.damage
                return
            origin = None if facts.clock == "none" else first.pts
            target = round(self.start_s / facts.time_base)
            if origin is None or target <= 0 or not facts.sought:
                yield from self._number(0, first, frames, facts, origin)
                return
            sought = seek(container, stream, facts, origin, origin + target)
            if sought is not None:
                position = sought[1].first_position
                index = frame_number(self._path, facts, origin, sought[0].pts or 0, position)
                yield from self._number(index, *sought, facts, origin)
                return
        with open_video(self._path, threaded=True) as (container, stream):
            frames = GoodFrames(container, stream, facts)
            yield from self._number(0, next(frames), frames, facts, origin)

    def _number(
        self, index: int, first: VideoFrame, rest: GoodFrames, facts: StreamFacts, origin: int | None
    ) -> Iterator[tuple[TimedFrame, float]]:
        # Times are rounded to ticks; but where a tick is as long as a frame, as in AVI, nothing was rounded.
        rounding_s = min(float(facts.time_base) / 2, MOST_ROUNDING_S)
        for number, picture in enumerate(chain([first], rest), start=index):
            ticks = picture.pts - origin if origin is not None and picture.pts is not None else number * step_pts(facts)
            yield TimedFrame(number, float(ticks * facts.time_base), picture), rounding_s
        self._damage = rest.damage
