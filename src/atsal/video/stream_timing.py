"""What a container states of the time of its pictures: rate, length, how many frames are shown, and when.

| container | its frames' times | how many are shown |
|---|---|---|
| MP4, MOV | each frame's own time stamp; an edit list hides some | its index, less what is hidden |
| AVI | the number of each packet: what was dropped leaves a gap | its index, where the file is whole |
| Matroska, transport streams, … | each frame's own time stamp | length times rate, or counted (`timeline.py`) |
| raw streams | none: frames follow one another at one rate | counted, or not known |
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from atsal.video.riff import is_whole_avi

Clock = Literal["stamps", "numbers", "none"]

_RAW_FORMATS = ("h264", "hevc", "vvc", "av1", "obu", "m4v", "mpegvideo", "mjpeg")
_JOINABLE_FORMATS = ("mpegts", "mpeg")  # can be joined byte by byte: their times may jump, and nothing tells where
_LONGEST_INDEX = 2_000_000  # packets: nine hours at 60 frames a second; more are a damaged number
_SLACK = 0.05  # of a step: less is rounding
_JUMP_S = 3600  # a step of more within such a file is another recording, with an earlier clock: FFmpeg adds 26 hours
_GUESSED_TIMES = "mpeg"  # program streams time some frames only; after a seek, FFmpeg guesses the others wrongly


@dataclass(frozen=True)
class StreamFacts:
    """What the container says; every time is in seconds, every `None` means that it does not say."""

    time_base: Fraction
    start_pts: int | None
    frame_rate: Fraction | None  # average
    base_rate: Fraction | None  # the rate of the finest grid on which all timestamps lie
    shown_frames: int | None  # frames that an edit list hides do not count
    duration_s: float | None
    clock: Clock
    indexed: bool  # whether an index says where each frame is
    even_step: Fraction | None  # ticks from frame to frame by the index, where all are where one rate puts them
    whole: bool  # the file is as long as it says
    joinable: bool  # a transport or program stream
    sought: bool  # frames can be found by seeking to their time

    @property
    def variable_rate(self) -> bool:
        """Whether frames are missing from the grid of the base rate: half a frame or more over the whole clip."""
        if self.indexed:
            return self.even_step is None
        if self.frame_rate is None or self.base_rate is None:
            return False
        difference = abs(float(self.base_rate - self.frame_rate))
        return difference * (self.duration_s or 1.0) >= 0.5

    @property
    def expected_frames(self) -> int | None:
        """The number of frames that is stated or, failing that, that length and rate imply."""
        if self.shown_frames is None and self.duration_s and self.frame_rate:
            return round(self.duration_s * float(self.frame_rate))
        return self.shown_frames

    def ends_early(self, last_s: float, frames: int | None = None) -> bool:
        """Tell whether a last frame at `last_s`, seconds after the first, is clearly before the stated length.

        Where `frames`, the number of frames found, is given, it must fall short as well: a last frame may stand for
        long.
        """
        expected = self.expected_frames
        if self.whole or not expected or not self.duration_s:
            return False
        if frames is not None and expected - frames <= max(2, expected // 100):
            return False
        frame_s = self.duration_s / expected
        # Without a stated count, the length can include silence or a still end: allow half a second.
        slack_s = max(2 * frame_s, self.duration_s / 100, 0.0 if self.shown_frames else 0.5)
        return last_s + frame_s + slack_s < self.duration_s

    def jumps(self, before: int | None, after: int | None) -> bool:
        """Tell from the decoding times of two packets that follow one another whether the file's time starts again."""
        if before is None or after is None or self.clock != "stamps":
            return False
        return after < before or (self.joinable and (after - before) * self.time_base > _JUMP_S)


def stream_facts(container: InputContainer, stream: VideoStream) -> StreamFacts:
    """Collect what the container states about `stream`."""
    time_base = stream.time_base or Fraction(1, 90000)  # what is not stated is None, in PyAV 19 a zero
    name = container.format.name
    whole = name == "avi" and is_whole_avi(Path(container.name))
    index = _index(stream) if "mp4" in name or whole else None
    shown = None if index is None else index[~index["hidden"]]["tick"]
    even_step = None if index is None else _even_step(index["tick"])
    duration_s = _duration_s(container, stream, time_base)
    if shown is not None and len(shown) and duration_s and (stream.start_time or 0) > 0:
        duration_s = _without_delay(shown, duration_s, time_base, stream.start_time or 0)
    rate = stream.average_rate or stream.guessed_rate or None
    if shown is not None and len(shown) and even_step is None and duration_s:
        rate = Fraction(len(shown) / duration_s).limit_denominator(100_000)  # of the frames that are shown
    return StreamFacts(
        time_base=time_base,
        start_pts=stream.start_time,
        frame_rate=rate,
        base_rate=stream.base_rate or None,
        shown_frames=(stream.frames or None) if shown is None else len(shown),
        duration_s=duration_s,
        clock="numbers" if name == "avi" else "none" if name in _RAW_FORMATS else "stamps",
        indexed=index is not None,
        even_step=even_step,
        whole=whole,
        joinable=name in _JOINABLE_FORMATS,
        sought=name not in ("avi", _GUESSED_TIMES, *_RAW_FORMATS),
    )


def step_pts(facts: StreamFacts) -> Fraction:
    """Give the ticks from one frame to the next at the average rate; 1/25 s where no rate is stated."""
    return 1 / ((facts.frame_rate or Fraction(25)) * facts.time_base)


def _index(stream: VideoStream) -> NDArray[np.void] | None:
    """Decoding time of each packet by the file's index, and whether it is hidden; None for a file in fragments."""
    entries = stream.index_entries
    if not stream.frames or not 0 < len(entries) <= _LONGEST_INDEX:
        return None
    rows = ((entry.timestamp, entry.is_discard) for entry in entries if entry.size)
    index = np.fromiter(rows, dtype=[("tick", np.int64), ("hidden", np.bool_)])
    return index if len(index) else None


def _even_step(ticks: NDArray[np.int64]) -> Fraction | None:
    """Ticks from frame to frame; None where a frame is not where one rate would put it, but for rounding."""
    if len(ticks) == 1:
        return Fraction(1)
    step = Fraction(int(ticks[-1] - ticks[0]), len(ticks) - 1)
    off = np.abs(ticks - np.linspace(ticks[0], ticks[-1], len(ticks))).max()
    return step if step > 0 and off <= max(1, _SLACK * step) else None


def _without_delay(shown: NDArray[np.int64], duration_s: float, time_base: Fraction, start: int) -> float:
    """The length from the first frame on: where an edit list both delays and cuts, FFmpeg's counts the delay too."""
    shorter_s = duration_s - float(start * time_base)
    return shorter_s if shorter_s >= float(int(shown[-1] - shown[0]) * time_base) else duration_s


def _duration_s(container: InputContainer, stream: VideoStream, time_base: Fraction) -> float | None:
    if container.format.name == _GUESSED_TIMES:
        return None  # FFmpeg takes it from the last time that it finds, which may be long before the end
    if stream.duration:
        return float(stream.duration * time_base)
    tag = stream.metadata.get("DURATION", "")  # Matroska states it per stream as H:MM:SS.fraction
    parts = tag.strip("\0 ").split(":")
    # Matroska's lengths count from time zero, not from the first frame.
    start_s = float((stream.start_time or 0) * time_base) if "matroska" in container.format.name else 0.0
    if len(parts) == 3 and all(part.replace(".", "", 1).isdigit() for part in parts):
        return int(parts[0]) * 3600 + int(parts[1]) * 60 + float(parts[2]) - start_s
    # The container's length counts the sound too, so it speaks for the pictures only where no other stream is.
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base - start_s
    return None
