"""SHA-256 of files: what tells that a file is still the one that a result was made of."""

import hashlib
from functools import lru_cache
from pathlib import Path


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_sha256(path: Path) -> str:
    """As `file_sha256`, without reading a file again that did not change since: one log may tell of many items."""
    stat = path.stat()
    return _known_sha256(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@lru_cache(maxsize=1 << 18)
def _known_sha256(path: Path, _size: int, _mtime_ns: int, _ctime_ns: int) -> str:
    return file_sha256(path)
