"""The table of frames of a run, held as text: a film of ten hours has a million frames."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from atsal.jobs.atomic_write import atomic_file, output_errors

Entry = dict[str, Any]  # the `index` of a frame, its `timestamp_s`, its `files` and the `peaks` of its maps
_LINE = re.compile(rb"[^\n]+")


class FrameTable:
    """The entries of consecutive frames. Each is one line of JSON, 0.1 kB; as an object of Python it takes 0.6 kB."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._text = bytearray()
        self._count = 0
        self.last_index = -1  # of the last frame; -1 where there is none
        for entry in entries:
            self.add(entry)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry]:
        for line in _LINE.finditer(self._text):
            yield json.loads(line[0])

    def add(self, entry: Entry) -> None:
        """Add the next frame."""
        self._text += json.dumps(entry).encode() + b"\n"
        self._count += 1
        self.last_index = entry["index"]

    @property
    def size(self) -> int:
        """The bytes of its text."""
        return len(self._text)

    def text(self, size: int) -> bytes:
        """Return its first `size` bytes, as they were after an earlier `add`."""
        return bytes(memoryview(self._text)[:size])

    def files(self) -> Iterator[str]:
        """Yield the names of the files of all frames."""
        return (name for entry in self for name in entry["files"])

    def write(self, path: Path, document: dict[str, Any]) -> None:
        """Write `document` with the table as its last value, `frames`; raise `OutputError` if that fails."""
        with output_errors(path), atomic_file(path) as part, part.open("wb") as file:
            file.write(json.dumps(document, indent=1).encode().removesuffix(b"\n}") + b',\n "frames": [')
            for number, line in enumerate(_LINE.finditer(self._text)):
                file.write((b",\n  " if number else b"\n  ") + line[0])
            file.write(b"\n ]\n}\n")


def table_entries(text: bytes) -> bytes:
    """Return the JSON array of the entries of `FrameTable.text`."""
    return b"[" + text.rstrip(b"\n").replace(b"\n", b",") + b"]"
