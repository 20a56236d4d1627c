"""Cut a video into chunks of consecutive frames, which are predicted independently and then joined.

A chunk begins with frames for the warm-up (`warm_up.py`). Where a key frame is near, the warm-up begins there, so that
nothing before it is decoded. The cut depends on the file and the settings alone: a run that is started again has the
same chunks, on any number of processes.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from atsal.errors import MediaError
from atsal.prediction.options import ReadOptions
from atsal.prediction.sources import Size, Source
from atsal.video.reader import Frame, keep_frames, read_frames
from atsal.video.timed_frames import FrameIndex, index_frames

MIN_CHUNK_FRAMES = 600
WARM_UPS_PER_CHUNK = 10  # so a warm-up costs at most a tenth more decoding and network
_MOVED_SHARE = 0.25  # of a chunk: how far its start moves to suit a key frame


@dataclass(frozen=True)
class Chunk:
    """Consecutive frames of those that are read of a video."""

    number: int  # of the chunk, from 0
    frames: tuple[int, ...]  # their numbers in the file; those of the warm-up come first
    warm_up: int  # how many frames are predicted and thrown away
    start_s: float  # what is decoded: times in [start_s, end_s); None: to the end
    end_s: float | None

    @property
    def own_frames(self) -> tuple[int, ...]:
        """The frames whose results are kept."""
        return self.frames[self.warm_up :]


@dataclass(frozen=True)
class ChunkPlan:
    """The chunks of a video."""

    chunks: tuple[Chunk, ...]
    warm_up_frames: int

    def record(self) -> dict[str, Any]:
        """Return what the manifest says of it: how many chunks, the warm-up, the first own frame of each."""
        first = [chunk.own_frames[0] for chunk in self.chunks]
        return {"count": len(self.chunks), "warm_up_frames": self.warm_up_frames, "first_frames": first}


@dataclass(frozen=True, slots=True)
class _ListedFrame:
    number: int
    timestamp_s: float


def may_be_cut(source: Source, reading: ReadOptions) -> bool:
    """Whether a source is a video that may be long enough for two chunks, by its header."""
    if source.kind != "video":
        return False
    expected = source.expected_frames(reading)
    return expected is None or expected > MIN_CHUNK_FRAMES


def plan_chunks(source: Source, reading: ReadOptions, warm_up_frames: int) -> ChunkPlan | None:
    """Cut what is read of a source; None for what stays in one piece.

    These are images, folders of frames, videos of one chunk, and files in which decoding cannot begin in the middle, or
    which break on the way: reading them finds what is wrong.
    """
    if not may_be_cut(source, reading):
        return None
    try:
        index = index_frames(source.path)
    except MediaError:
        return None
    kept = list(_kept_frames(index, reading))
    length = max(MIN_CHUNK_FRAMES, WARM_UPS_PER_CHUNK * warm_up_frames)
    count = -(-min(len(kept), reading.max_frames or len(kept)) // length)
    if count < 2 or not index.is_seekable:
        return None
    return ChunkPlan(tuple(_cut(kept, index, reading, count, warm_up_frames)), warm_up_frames)


def read_chunk(source: Source, reading: ReadOptions, chunk: Chunk, size: Size | None) -> Iterator[Frame]:
    """Read the frames of a chunk, those of its warm-up first, as `Source.frames` reads those of a video.

    Raises:
        MediaError: as `read_frames` does, and for a frame that is missing without any damage.

    """
    found = None
    frames = read_frames(
        source.path,
        size=size,
        stereo=reading.stereo,
        start_s=chunk.start_s,
        duration_s=None if chunk.end_s is None else chunk.end_s - chunk.start_s,
        numbers=frozenset(chunk.frames),
    )
    for position, found in enumerate(frames):
        if found.index != chunk.frames[position]:
            raise _missing_error(source, chunk.frames[position])
        yield found
    if chunk.end_s is not None and (found is None or found.index != chunk.frames[-1]):
        raise _missing_error(source, chunk.frames[-1])


def _kept_frames(index: FrameIndex, reading: ReadOptions) -> Iterator[_ListedFrame]:
    """Yield the frames that `read_frames` keeps, as `FrameSource` chooses them."""
    first_s = reading.start_s - index.rounding_s
    end_s = math.inf if reading.duration_s is None else reading.start_s + reading.duration_s - index.rounding_s
    listed = (_ListedFrame(number, float(time_s)) for number, time_s in enumerate(index.times_s))
    inside = (frame for frame in listed if first_s <= frame.timestamp_s < end_s)
    return keep_frames(inside, reading.start_s, reading.stride, reading.fps)


def _cut(
    kept: Sequence[_ListedFrame], index: FrameIndex, reading: ReadOptions, count: int, warm_up: int
) -> Iterator[Chunk]:
    """Yield `count` chunks of about the same length."""
    total = min(len(kept), reading.max_frames or len(kept))
    numbers = [frame.number for frame in kept]
    keys = [bisect_left(numbers, int(key)) for key in np.flatnonzero(index.is_key)]  # the first kept frame after each
    starts = [0, *(_suit_key(keys, part * total // count, warm_up, total / count) for part in range(1, count)), total]
    reading_end_s = None if reading.duration_s is None else reading.start_s + reading.duration_s
    for part, (start, end) in enumerate(pairwise(starts)):
        first = max(0, start - warm_up)
        start_s = kept[first].timestamp_s if first else reading.start_s
        end_s = kept[end].timestamp_s if end < len(kept) else reading_end_s
        yield Chunk(part, tuple(numbers[first:end]), start - first, start_s, end_s)


def _suit_key(keys: Sequence[int], start: int, warm_up: int, length: float) -> int:
    """Move the start of a chunk so that its warm-up begins at the nearest key frame, unless that is far."""
    nearest = min(keys, key=lambda key: abs(key + warm_up - start), default=0) + warm_up
    return nearest if abs(nearest - start) <= _MOVED_SHARE * length else start


def _missing_error(source: Source, number: int) -> MediaError:
    return MediaError(
        f"{source.path}: frame {number} cannot be found when reading begins in the middle; "
        "convert it to H.264 in MP4, or give --workers 1 and another output folder"
    )
