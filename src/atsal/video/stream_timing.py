"""What a container states about the times of its frames: rate, length, how many are shown, and when.

| container | times of its frames | how many are shown |
|---|---|---|
| MP4, MOV | each frame's own timestamp; an edit list hides some | its index without the hidden ones |
| AVI | the number of each packet: a dropped frame leaves a gap | its index, if the file is complete |
| Matroska, transport streams, … | each frame's own timestamp | length times rate, or counted (`timed_frames.py`) |
| raw streams | none: frames follow one another at one rate | counted, or unknown |
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

_RAW_FORMATS = ("h264", "hevc", "vvc", "av1", "obu", "m4v", "mpegvideo", "mjpeg")
_JOINABLE_FORMATS = ("mpegts", "mpeg")  # can be joined byte by byte: their times may restart without a mark
_PROGRAM_STREAM = "mpeg"  # has times for some frames only; after a seek, FFmpeg guesses the others wrongly
_MAX_INDEX_ENTRIES = 2_000_000  # nine hours at 60 frames a second; more are a damaged number
_CLOCK = re.compile(r"(\d{1,6}):(\d{1,6}):(\d{1,6}(?:\.\d*)?)", re.ASCII)
_STEP_TOLERANCE = 0.05  # of a step from frame to frame; less is rounding
_RESTART_S = 3600  # a longer step in a joinable file is a recording with an earlier clock: FFmpeg adds 26 hours


@dataclass(frozen=True)
class StreamTiming:
    """What the container states; None where it states nothing."""

    time_base: Fraction  # seconds of a tick
    start_pts: int | None
    frame_rate: Fraction | None  # average
    base_rate: Fraction | None  # the rate of the finest grid that all timestamps lie on
    shown_frames: int | None  # without those that an edit list hides
    duration_s: float | None
    time_source: Literal["timestamps", "packet numbers", "none"]
    is_indexed: bool  # whether an index states where each frame is
    even_step: Fraction | None  # ticks from frame to frame by the index, if one rate explains all of it
    is_complete: bool  # the file is as long as it states
    is_joinable: bool  # a transport or program stream
    is_seekable: bool  # whether frames can be found by seeking to their time

    @property
    def variable_rate(self) -> bool:
        """Whether frames are missing from the grid of the base rate: half a frame or more over the whole clip."""
        if self.is_indexed:
            return self.even_step is None
        if self.frame_rate is None or self.base_rate is None:
            return False
        return abs(float(self.base_rate - self.frame_rate)) * (self.duration_s or 1.0) >= 0.5

    @property
    def expected_frames(self) -> int | None:
        """The stated number of frames or, where none is stated, length times rate."""
        if self.shown_frames is None and self.duration_s and self.frame_rate:
            return round(self.duration_s * float(self.frame_rate))
        return self.shown_frames

    @property
    def step_pts(self) -> Fraction:
        """Ticks from one frame to the next at the average rate; those of 1/25 s where no rate is stated."""
        return 1 / ((self.frame_rate or Fraction(25)) * self.time_base)

    @property
    def start_s(self) -> float:
        """The container's time of the first frame."""
        return float((self.start_pts or 0) * self.time_base)

    def ends_early(self, last_s: float, frames: int | None = None) -> bool:
        """Return whether a last frame at `last_s`, seconds after the first, is clearly before the stated end.

        Where `frames`, the number of frames found, is given, it must be too small as well: a last frame may stand for
        long.
        """
        expected = self.expected_frames
        if self.is_complete or not expected or not self.duration_s:
            return False
        if frames is not None and expected - frames <= max(2, expected // 100):
            return False
        frame_s = self.duration_s / expected
        # Without a stated count, the length can include silence or a still end: allow half a second.
        slack_s = max(2 * frame_s, self.duration_s / 100, 0.0 if self.shown_frames else 0.5)
        return last_s + frame_s + slack_s < self.duration_s

    def restarts(self, before: int | None, after: int | None) -> bool:
        """Return whether times restart between two consecutive packets with these decoding times."""
        if before is None or after is None or self.time_source != "timestamps":
            return False
        return after < before or (self.is_joinable and (after - before) * self.time_base > _RESTART_S)


def read_timing(path: Path, container: InputContainer, stream: VideoStream) -> StreamTiming:
    """Collect what the container of the file `path` states about `stream`."""
    time_base = stream.time_base or Fraction(1, 90000)  # PyAV 19 gives zero for what is not stated, earlier ones None
    name = container.format.name
    is_complete = name == "avi" and _is_complete_avi(path)
    index = _read_index(stream) if "mp4" in name or is_complete else None
    shown = None if index is None else index[~index["hidden"]]["tick"]
    even_step = None if index is None else _even_step(index["tick"])
    duration_s = _duration_s(container, stream, time_base)
    if shown is not None and len(shown) and duration_s and (stream.start_time or 0) > 0:
        # Where an edit list both delays and cuts, FFmpeg's length includes the delay.
        shorter_s = duration_s - float((stream.start_time or 0) * time_base)
        duration_s = shorter_s if shorter_s >= float(int(shown[-1] - shown[0]) * time_base) else duration_s
    rate = stream.average_rate or stream.guessed_rate or None
    if shown is not None and len(shown) and even_step is None and duration_s:
        rate = Fraction(len(shown) / duration_s).limit_denominator(100_000)  # of the frames that are shown
    return StreamTiming(
        time_base=time_base,
        start_pts=stream.start_time,
        frame_rate=rate,
        base_rate=stream.base_rate or None,
        shown_frames=(stream.frames or None) if shown is None else len(shown),
        duration_s=duration_s,
        time_source="packet numbers" if name == "avi" else "none" if name in _RAW_FORMATS else "timestamps",
        is_indexed=index is not None,
        even_step=even_step,
        is_complete=is_complete,
        is_joinable=name in _JOINABLE_FORMATS,
        is_seekable=name not in ("avi", _PROGRAM_STREAM, *_RAW_FORMATS),
    )


def _read_index(stream: VideoStream) -> NDArray[np.void] | None:
    """Return the decoding time of each packet and whether it is hidden; None for a file in fragments."""
    entries = stream.index_entries
    if not stream.frames or not 0 < len(entries) <= _MAX_INDEX_ENTRIES:
        return None
    rows = ((entry.timestamp, entry.is_discard) for entry in entries if entry.size)
    index = np.fromiter(rows, dtype=[("tick", np.int64), ("hidden", np.bool_)])
    return index if len(index) else None


def _even_step(ticks: NDArray[np.int64]) -> Fraction | None:
    """Return the ticks from frame to frame; None where a frame is not where one rate puts it, except for rounding."""
    if len(ticks) == 1:
        return Fraction(1)
    step = Fraction(int(ticks[-1] - ticks[0]), len(ticks) - 1)
    error = np.abs(ticks - np.linspace(ticks[0], ticks[-1], len(ticks))).max()
    return step if step > 0 and error <= max(1, _STEP_TOLERANCE * step) else None


def _duration_s(container: InputContainer, stream: VideoStream, time_base: Fraction) -> float | None:
    if container.format.name == _PROGRAM_STREAM:
        return None  # FFmpeg takes it from the last time that it finds, which may be long before the end
    if stream.duration:
        return float(stream.duration * time_base)
    # Matroska states it per stream as H:MM:SS.fraction, from time zero and not from the first frame.
    stated = _CLOCK.fullmatch(stream.metadata.get("DURATION", "").strip("\0 "))
    start_s = float((stream.start_time or 0) * time_base) if "matroska" in container.format.name else 0.0
    if stated:
        return int(stated[1]) * 3600 + int(stated[2]) * 60 + float(stated[3]) - start_s
    # The container's length includes the audio, so it is that of the pictures only where no other stream is.
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base - start_s
    return None


def _is_complete_avi(path: Path) -> bool:
    """Return whether all parts of an AVI and its index lie within the file: a copy cut short has no index."""
    with path.open("rb") as file:
        file_size = file.seek(0, 2)
        parts = [(start, end) for kind, start, end in _riff_chunks(file, 0, file_size) if kind == b"RIFF"]
        if not parts or any(end > file_size for _, end in parts):
            return False
        start, end = parts[0]
        chunks = _riff_chunks(file, start + len(b"AVI "), end)
        return any(kind == b"idx1" and chunk_end <= end for kind, _, chunk_end in chunks)


def _riff_chunks(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, the content's offset and the end of the RIFF chunks in a part of a file."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(8)
        if len(head) < 8:
            return
        kind, size = struct.unpack("<4sI", head)
        yield kind, start + 8, start + 8 + size
        start += 8 + size + size % 2
