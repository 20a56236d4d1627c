"""Refuse MP4s whose index promises more frames than the file can hold: FFmpeg takes 70 bytes of memory for each.

A few bytes can promise 10^9 frames: where all have one size (`stsz`), in a fragment that says nothing of each (`trun`),
in an index that is compressed (`cmov`), and where many edits (`elst`) repeat the same frames. ISO/IEC 14496-12.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from atsal.errors import MediaError
from atsal.remote.path import RemotePath

MAX_FRAMES = 5_000_000  # of all tracks but plain sound, edits included: 23 hours at 60 frames a second
_PARENTS = frozenset(b"moov trak mdia minf stbl edts dinf udta wave mvex moof traf".split())
_MAX_DEPTH = 10  # FFmpeg goes no deeper
_MAX_BOXES = 1_000_000  # 140,000 fragments; to look at more takes long
_REMEDY = "expected a complete video. Copy or download it again."


@dataclass
class _Track:
    """What the boxes of a track say."""

    frames: int = 0  # packets, of sound too
    edits: int = 1
    is_sound: bool = False
    has_one_size: bool = False
    counts_samples: bool = False  # each lasts one tick: plain sound, of which FFmpeg keeps chunks only

    @property
    def entries(self) -> int:
        """What FFmpeg keeps in memory."""
        is_plain = self.is_sound and self.has_one_size and self.counts_samples
        return 0 if is_plain else self.frames * self.edits


def refuse_huge_index(path: Path, file: IO[bytes]) -> None:
    """Raise MediaError if the index of `path`, open as `file`, is too large; files other than MP4 pass.

    The fragments of remote files are not looked at, because each would be a request.
    """
    tracks = [_Track()]
    boxes = _boxes(file, 0, file.seek(0, 2), follow=not isinstance(path, RemotePath))
    for number, (kind, body, end) in enumerate(boxes):
        if number > _MAX_BOXES:
            raise MediaError(f"{path}: consists of more than {_MAX_BOXES:,} boxes; {_REMEDY}")
        if kind == b"cmov":
            raise MediaError(f"{path}: has a compressed index ('cmov'), which is not read; {_REMEDY}")
        if kind in (b"trak", b"traf"):
            tracks.append(_Track())
        file.seek(body)
        _note(tracks[-1], kind, file.read(min(20, end - body)))
    entries = sum(track.entries for track in tracks)
    if entries > MAX_FRAMES:
        raise MediaError(
            f"{path}: its index lists {entries:,} frames, counting again those that edits repeat; at most "
            f"{MAX_FRAMES:,} are supported; {_REMEDY}"
        )


def _note(track: _Track, kind: bytes, head: bytes) -> None:
    """Add what a box says, by its first 20 bytes; each begins with its version and flags."""
    _, first, second, third, _ = (int.from_bytes(head[place : place + 4], "big") for place in range(0, 20, 4))
    if kind in (b"stsz", b"stz2"):
        track.frames += second
        track.has_one_size = kind == b"stsz" and first > 0
    elif kind == b"stts":
        track.counts_samples = (first, third) == (1, 1)
    elif kind == b"trun":
        track.frames += first
    elif kind == b"elst":
        track.edits = max(track.edits, first)
    elif kind == b"hdlr":
        track.is_sound |= head[8:12] == b"soun"


def _boxes(file: IO[bytes], start: int, end: int, *, follow: bool, depth: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, the start of the content and the end of the boxes in a part of a file, outer ones first."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        length, body, kind = int.from_bytes(head[:4], "big"), start + 8, head[4:8]
        if length == 1:  # the length follows in 64 bits
            length, body = int.from_bytes(head[8:16], "big"), start + 16
        stop = min(end, start + length) if length else end  # 0: up to the end
        if stop < body:
            return
        yield kind, body, stop
        if kind in _PARENTS and depth < _MAX_DEPTH and (follow or kind != b"moof"):
            yield from _boxes(file, body, stop, follow=follow, depth=depth + 1)
        start = stop
        if kind == b"moov" and not follow:
            return
