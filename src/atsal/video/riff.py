"""The chunks of an AVI file (RIFF): is it as long as it says, with the index at its end?"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_HEADER = 8  # kind and size
_FORM = 4  # "AVI " or "AVIX", the first bytes of a RIFF chunk


def is_whole_avi(path: Path) -> bool:
    """Tell whether every part of an AVI lies within the file, and its index too: a copy cut short has no index."""
    with path.open("rb") as file:
        file_size = file.seek(0, 2)
        parts = [chunk for chunk in _chunks(file, 0, file_size) if chunk[0] == b"RIFF"]
        if not parts or any(end > file_size for _, _, end in parts):
            return False
        _, start, end = parts[0]
        return any(kind == b"idx1" and last <= end for kind, _, last in _chunks(file, start + _FORM, end))


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, offset of the content and offset after it, of the chunks in a part of the file."""
    while start + _HEADER <= end:
        file.seek(start)
        head = file.read(_HEADER)
        if len(head) < _HEADER:
            return
        kind, size = struct.unpack("<4sI", head)
        yield kind, start + _HEADER, start + _HEADER + size
        start += _HEADER + size + size % 2
