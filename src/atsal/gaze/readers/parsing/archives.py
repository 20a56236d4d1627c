"""Logs inside tar and zip archives, read one at a time into memory and never written anywhere.

An archive is bounded however well it is packed: each file, their sum, and all that must be unpacked to come by them.
Links, devices and folders are passed over, and the names of files lead nowhere: they are only looked at.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from atsal.errors import DataError
from atsal.untrusted.text import escape_controls, short_repr

_LARGEST = 16 * 2**20  # bytes of a log; the real ones have 0.5 MB
_MOST_BYTES = 256 * 2**20  # of all that is unpacked
_MOST_FILES = 10_000
_OPENERS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}


def archived_files(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name (with that of the archive) and content of each wanted file; raises `DataError` for a damaged or huge one."""
    members = _zip_members if zipfile.is_zipfile(path) else _tar_members
    try:
        yield from members(path, is_wanted)
    except DataError:
        raise
    except Exception as error:  # whatever the archive modules stumble over in a damaged file
        raise DataError(
            f"{path}: not a tar or zip archive, or a damaged one ({short_repr(str(error), 200)}); copy or download it "
            "again"
        ) from error


def check_size(name: str, size: int) -> None:
    """`DataError` for a log that is larger than any."""
    if size > _LARGEST:
        raise DataError(f"{name}: {size:,} bytes; expected the log of one viewer, at most {_LARGEST:,}")


def _tar_members(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as raw:
        start = raw.read(6)
    opener = next((open_ for magic, open_ in _OPENERS.items() if start.startswith(magic)), lambda file: file.open("rb"))
    with opener(path) as unpacked, tarfile.open(fileobj=_Bounded(path, unpacked), mode="r:") as archive:
        for count, member in enumerate(archive):
            _check_count(path, count)
            if member.isfile() and is_wanted(member.name):
                name = f"{path}:{escape_controls(member.name)}"
                check_size(name, member.size)
                content = archive.extractfile(member)
                yield name, content.read() if content else b""


def _zip_members(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    if path.stat().st_size > _MOST_BYTES:
        raise _too_large(path)
    total = 0
    with zipfile.ZipFile(path) as archive:
        _check_count(path, len(archive.infolist()))
        for member in archive.infolist():
            if not member.is_dir() and is_wanted(member.filename):
                name = f"{path}:{escape_controls(member.filename)}"
                check_size(name, member.file_size)
                total += member.file_size
                if total > _MOST_BYTES:
                    raise _too_large(path)
                yield name, archive.read(member)  # no more than its stated size


def _check_count(path: Path, count: int) -> None:
    if count > _MOST_FILES:
        raise DataError(f"{path}: more than {_MOST_FILES:,} files; expected an archive of the viewers' logs alone")


def _too_large(path: Path) -> DataError:
    return DataError(
        f"{path}: more than {_MOST_BYTES // 2**20} MiB when unpacked; expected an archive of the viewers' logs alone"
    )


class _Bounded(io.RawIOBase):
    """An unpacked archive of which tarfile reads little at a time and not beyond a limit, whatever its headers say."""

    def __init__(self, path: Path, unpacked: Any) -> None:
        super().__init__()
        self._path, self._unpacked = path, unpacked

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST + tarfile.RECORDSIZE or self.tell() + size > _MOST_BYTES + tarfile.RECORDSIZE:
            raise _too_large(self._path)
        content: bytes = self._unpacked.read(size)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset > _MOST_BYTES:
            raise _too_large(self._path)
        place: int = self._unpacked.seek(offset)
        return place

    def tell(self) -> int:
        place: int = self._unpacked.tell()
        return place
