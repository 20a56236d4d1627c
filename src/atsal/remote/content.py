"""The bytes of one version of a remote file, in blocks that are kept for the next reader of the same file."""

import io
import os
import threading
import weakref
from collections.abc import Callable
from functools import lru_cache, partial
from typing import IO, Any

from atsal.remote import http, store
from atsal.remote.facts import Facts
from atsal.remote.retry import retried
from atsal.remote.urls import HTTP, shown_url, url_scheme

BLOCK_BYTES = 1 << 20
MOST_BLOCKS = 32  # of a file
_MOST_FILES = 4  # whose blocks are kept: a run opens a video several times, for its pictures, sound and tags

Ranges = Callable[[int, int], bytes]


def look(url: str) -> Facts:
    """Return the facts of a remote file. Raises FileNotFoundError, `MediaError` and `MissingDependencyError`."""
    ask = http.look if url_scheme(url) in HTTP else store.look
    return retried(partial(ask, url), shown_url(url))


def open_content(url: str, facts: Facts) -> IO[bytes]:
    """Open the version of a file that `facts` describes; it is read in blocks, as they are needed.

    Reading raises `MediaError`: if the network fails repeatedly, and if the file has changed.
    """
    if url_scheme(url) in HTTP and not facts.has_ranges:
        ranges = _downloaded(url, facts, os.getpid()).read
    else:
        ranges = _blocks(url, facts, os.getpid())._fetch
    return io.BufferedReader(_RemoteFile(ranges, facts.size))


@lru_cache(maxsize=_MOST_FILES)
def _blocks(url: str, facts: Facts, _process: int) -> Any:  # connections end at a fork
    from fsspec.caching import BlockCache  # noqa: PLC0415 - optional

    shown = shown_url(url)
    if url_scheme(url) in HTTP:
        ranges: Ranges = partial(http.read_range, url, facts)
    else:
        ranges = retried(partial(store.open_ranges, url, facts), shown)

    def fetch(start: int, end: int) -> bytes:
        return retried(partial(ranges, start, min(end, facts.size)), shown)

    return BlockCache(BLOCK_BYTES, fetch, facts.size, MOST_BLOCKS)


@lru_cache(maxsize=_MOST_FILES)
def _downloaded(url: str, facts: Facts, _process: int) -> "_Download":
    return _Download(retried(partial(http.download, url, facts), shown_url(url)))


class _Download:
    """A temporary file that several threads read; it is closed, and so removed, when nobody has it any more."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()
        weakref.finalize(self, file.close)

    def read(self, start: int, end: int) -> bytes:
        with self._lock:
            self._file.seek(start)
            return self._file.read(end - start)


class _RemoteFile(io.RawIOBase):
    """A position in a file whose bytes a function returns."""

    def __init__(self, ranges: Ranges, size: int) -> None:
        self._ranges = ranges
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size)
        content = self._ranges(self._position, end) if end > self._position else b""
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
