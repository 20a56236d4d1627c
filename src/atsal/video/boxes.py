"""The boxes of an MP4 or MOV file (ISO/IEC 14496-12): found and measured without reading the media data."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_MOOV_BYTES = 1 << 28  # an hour at 60 frames per second needs a few megabytes

# Bytes of a box's own fields before its child boxes.
_VISUAL_SAMPLE_ENTRY_FIELDS = 78
_STSD_FIELDS = 8
_CONTAINERS = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"stsd": _STSD_FIELDS}


@dataclass(frozen=True)
class Box:
    """A box of type `kind` at `start`; its content is [start + header, start + size) of the file or buffer."""

    kind: bytes
    start: int
    size: int
    header: int

    @property
    def end(self) -> int:
        """Offset of the first byte after the box."""
        return self.start + self.size

    @property
    def body(self) -> int:
        """Offset of the first byte of the box's content."""
        return self.start + self.header


def file_boxes(file: BinaryIO) -> Iterator[Box]:
    """Yield the top-level boxes of an open file; ends quietly at the first that is not sound."""
    file_size = file.seek(0, 2)
    start = 0
    while True:
        file.seek(start)
        box = _parse(file.read(16), 0, file_size - start)
        if box is None:
            return
        yield Box(box.kind, start, box.size, box.header)
        start += box.size


def boxes_in(data: bytes | bytearray, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes in `data[start:end]`; ends quietly at the first that is not sound."""
    while True:
        box = _parse(data[start : min(start + 16, end)], start, end - start)
        if box is None:
            return
        yield box
        start = box.end


def children(data: bytes | bytearray, parent: Box) -> Iterator[Box]:
    """Yield the boxes within `parent`, one of the containers from `moov` to the sample descriptions of `stsd`."""
    return boxes_in(data, parent.body + _CONTAINERS[parent.kind], parent.end)


def sample_entry_children(data: bytes | bytearray, entry: Box) -> Iterator[Box]:
    """Yield the boxes after the fixed fields of a visual sample entry such as `avc1`."""
    return boxes_in(data, entry.body + _VISUAL_SAMPLE_ENTRY_FIELDS, entry.end)


def descend(data: bytes | bytearray, parent: Box, *kinds: bytes) -> Iterator[Box]:
    """Yield every box reached from `parent` by the path `kinds`."""
    for box in children(data, parent):
        if box.kind == kinds[0]:
            if len(kinds) == 1:
                yield box
            else:
                yield from descend(data, box, *kinds[1:])


def is_video_track(data: bytes | bytearray, trak: Box) -> bool:
    """Tell whether the track's handler is `vide`."""
    return any(data[h.body + 8 : h.body + 12] == b"vide" for h in descend(data, trak, b"mdia", b"hdlr"))


def track_number(data: bytes | bytearray, trak: Box) -> int | None:
    """The ID of a track, by which FFmpeg names its stream; None where its header is damaged."""
    for header in descend(data, trak, b"tkhd"):
        place = header.body + (20 if data[header.body : header.body + 1] == b"\1" else 12)  # version 1 has longer times
        if place + 4 <= header.end:
            return int.from_bytes(data[place : place + 4], "big")
    return None


def read_moov(path: Path) -> tuple[bytearray, Box] | None:
    """Read the `moov` box (header included, at offset 0) and its place in the file; None where there is none."""
    with path.open("rb") as file:
        for box in file_boxes(file):
            if box.kind == b"moov" and box.size <= MAX_MOOV_BYTES:
                file.seek(box.start)
                return bytearray(file.read(box.size)), box
    return None


def _parse(head: bytes | bytearray, start: int, available: int) -> Box | None:
    if len(head) < 8 or available < 8:
        return None
    size, kind = struct.unpack_from(">I4s", head)
    header = 8
    if size == 1:  # the size follows in 64 bits
        if len(head) < 16:
            return None
        size, header = struct.unpack_from(">Q", head, 8)[0], 16
    elif size == 0:  # up to the end
        size = available
    return Box(kind, start, size, header) if header <= size <= available else None
