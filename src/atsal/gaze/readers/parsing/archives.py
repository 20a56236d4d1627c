"""Logs inside tar and zip archives, read one at a time into memory and never written to disk.

Each file, their sum, and everything that must be unpacked to reach them are limited. Links, devices and folders are
skipped. The names of files are only compared; they never become paths.
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
from atsal.untrusted.archives import open_archive
from atsal.untrusted.files import MIB, ErrorFactory
from atsal.untrusted.text import escape_controls, short_repr

LARGEST_LOG = 16 * MIB  # the real ones have 0.5 MiB

_MOST_BYTES = 256 * MIB  # of everything that is unpacked
_MOST_FILES = 10_000
_OPENERS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}


def archived_files(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield the name (with that of the archive) and the content of each wanted file.

    Raises `DataError` for an archive that is damaged, or larger than the limits above.
    """
    members = _zip_members if zipfile.is_zipfile(path) else _tar_members
    try:
        yield from members(path, is_wanted)
    except DataError:
        raise
    except Exception as error:  # the archive modules raise many kinds of errors for a damaged file
        raise DataError(
            f"{path}: not a tar or zip archive, or a damaged one ({short_repr(str(error), 200)}); copy or download it "
            "again"
        ) from error


def _tar_members(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as raw:
        start = raw.read(6)
    opener = next((open_ for magic, open_ in _OPENERS.items() if start.startswith(magic)), lambda file: file.open("rb"))
    with opener(path) as unpacked, tarfile.open(fileobj=_LimitedStream(path, unpacked), mode="r:") as archive:
        for count, member in enumerate(archive):
            _check_count(path, count)
            if member.isfile() and is_wanted(member.name):
                name = f"{path}:{escape_controls(member.name)}"
                if member.size > LARGEST_LOG:
                    raise DataError(
                        f"{name}: {member.size:,} bytes; expected the log of one viewer, at most {LARGEST_LOG:,}"
                    )
                content = archive.extractfile(member)
                yield name, content.read() if content else b""


def _zip_members(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    total = 0
    with open_archive(path, ErrorFactory(DataError, path, "copy or download it again")) as archive:
        _check_count(path, len(archive.names))
        for member in filter(is_wanted, archive.names):
            content = archive.read(member, LARGEST_LOG)
            total += len(content)
            if total > _MOST_BYTES:
                raise _too_large(path)
            yield f"{path}:{escape_controls(member)}", content


def _check_count(path: Path, count: int) -> None:
    if count > _MOST_FILES:
        raise DataError(f"{path}: more than {_MOST_FILES:,} files; expected an archive of the viewers' logs only")


def _too_large(path: Path) -> DataError:
    return DataError(
        f"{path}: more than {_MOST_BYTES // MIB} MiB when unpacked; expected an archive of the viewers' logs only"
    )


class _LimitedStream(io.RawIOBase):
    """An unpacked archive that tarfile can read only in small parts and up to a limit, whatever the headers say."""

    def __init__(self, path: Path, unpacked: Any) -> None:
        super().__init__()
        self._path, self._unpacked = path, unpacked

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_LOG + tarfile.RECORDSIZE or self.tell() + size > _MOST_BYTES + tarfile.RECORDSIZE:
            raise _too_large(self._path)
        content: bytes = self._unpacked.read(size)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset > _MOST_BYTES:
            raise _too_large(self._path)
        position: int = self._unpacked.seek(offset)
        return position

    def tell(self) -> int:
        position: int = self._unpacked.tell()
        return position
