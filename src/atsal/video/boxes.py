"""Find the boxes of an MP4 or MOV file (ISO/IEC 14496-12) without reading the media data."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_MOOV_BYTES = 1 << 28  # an hour at 60 frames per second needs a few megabytes
CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"})
# Bytes of a box's own fields before its child boxes.
STSD_FIELDS = 8
SAMPLE_ENTRY_FIELDS = 78  # of a visual sample entry such as `avc1`


@dataclass(frozen=True)
class Box:
    """A box of type `kind` that fills [start, end) of a buffer; its content begins at `body`."""

    kind: bytes
    start: int
    body: int
    end: int


def read_moov(path: Path) -> tuple[bytes, Box, int] | None:
    """Return the `moov` box as bytes, as a `Box` at offset 0, and its offset in the file; None where there is none."""
    with path.open("rb") as file:
        file_size, offset = file.seek(0, 2), 0
        while True:
            file.seek(offset)
            box = _parse_box(file.read(16), 0, file_size - offset)
            if box is None:
                return None
            if box.kind == b"moov" and box.end <= MAX_MOOV_BYTES:
                file.seek(offset)
                return file.read(box.end), box, offset
            offset += box.end


def children(data: bytes, parent: Box, fields: int = 0) -> Iterator[Box]:
    """Yield the boxes within `parent` after `fields` bytes of its own; stop at the first that is damaged."""
    start = parent.body + (STSD_FIELDS if parent.kind == b"stsd" else fields)
    while (box := _parse_box(data[start : min(start + 16, parent.end)], start, parent.end - start)) is not None:
        yield box
        start = box.end


def descend(data: bytes, parent: Box, *kinds: bytes) -> Iterator[Box]:
    """Yield every box that the path `kinds` leads to from `parent`."""
    for box in children(data, parent):
        if box.kind == kinds[0]:
            if len(kinds) == 1:
                yield box
            else:
                yield from descend(data, box, *kinds[1:])


def is_video_track(data: bytes, trak: Box) -> bool:
    """Return whether the track's handler is `vide`."""
    return any(data[hdlr.body + 8 : hdlr.body + 12] == b"vide" for hdlr in descend(data, trak, b"mdia", b"hdlr"))


def track_id(data: bytes, trak: Box) -> int | None:
    """Return the track's ID, which is also FFmpeg's ID of the stream; None where the header is damaged."""
    for header in descend(data, trak, b"tkhd"):
        start = header.body + (20 if data[header.body : header.body + 1] == b"\1" else 12)  # version 1 has longer times
        if start + 4 <= header.end:
            return int.from_bytes(data[start : start + 4], "big")
    return None


def _parse_box(head: bytes, start: int, available: int) -> Box | None:
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
    return Box(kind, start, start + header, start + size) if header <= size <= available else None
