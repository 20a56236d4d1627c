"""SHA-256 of files, to detect whether a file is still the one that a result was made from."""

import hashlib
from functools import lru_cache
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; the file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cached_sha256(path: Path) -> str:
    """Return `file_sha256`, from a cache if size and times are unchanged: one log can hold the gaze on many items."""
    stat = path.stat()
    return _cached_sha256(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@lru_cache(maxsize=1 << 18)
def _cached_sha256(path: Path, _size: int, _mtime_ns: int, _ctime_ns: int) -> str:
    return file_sha256(path)
