"""Zip archives from others: members are read one at a time, each up to a limit, whatever the archive claims."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atsal.errors import AtsalError
from atsal.untrusted.files import MIB, ErrorFactory
from atsal.untrusted.text import error_reason, short_repr

MAX_MEMBER_BYTES = 1024 * MIB
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # other methods take much memory to unpack
_ENCRYPTED = 0x1
_MAX_DIRECTORY_BYTES = 32 * MIB  # about 300,000 members
_END, _END_BYTES, _MAX_COMMENT_BYTES = b"PK\5\6", 22, 2**16
_END_64, _SIZE_IN_END_64 = b"PK\6\6", 0xFFFFFFFF  # the second record holds the size of large directories


class Archive:
    """An open zip archive. Each method raises the error of `make_error`."""

    def __init__(self, path: Path, make_error: ErrorFactory) -> None:
        self._make_error = make_error
        try:
            if not path.is_file():
                raise make_error("no such file")
            _check_directory(path)
            self._bytes = path.stat().st_size
            self._zip = zipfile.ZipFile(path)
        except AtsalError:
            raise
        except Exception as error:  # a damaged directory raises errors of many types
            raise make_error.unreadable(error, "not a zip archive, or a damaged one") from error

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the members as the archive states them: not safe as paths to write to."""
        return tuple(self._zip.namelist())

    def check_stored(self) -> None:
        """Refuse compressed, encrypted, duplicate or overlapping members."""
        members = self._zip.infolist()
        if len({member.filename for member in members}) < len(members):
            raise self._make_error("holds two members of one name")
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED:
                raise self._make_error(f"its member {short_repr(member.filename)} is compressed or encrypted")
        size = sum(max(member.file_size, member.compress_size) for member in members)
        if size > self._bytes:
            raise self._make_error(f"its members claim {size} bytes together; the file has {self._bytes}")

    def read(self, name: str, limit: int = MAX_MEMBER_BYTES) -> bytes:
        """Return the content of a member of at most `limit` bytes."""
        try:
            member = self._zip.getinfo(name)
            if member.flag_bits & _ENCRYPTED:
                raise ValueError("it is encrypted; unpack it with its password")
            if member.compress_type not in _METHODS:
                raise ValueError("its compression method is not supported; pack it again with deflate")
            if member.file_size > limit:
                raise ValueError(f"its header claims {member.file_size} bytes; expected {limit} at most")
            return self._zip.read(member)  # never more than the header claims
        except Exception as error:  # a damaged member raises errors of many types
            reason = "no such member" if isinstance(error, KeyError) else error_reason(error)
            raise self._make_error(f"its member {short_repr(name)} cannot be read ({reason})") from error


def _check_directory(path: Path) -> None:
    """Refuse a directory of millions of members, which take a few bytes each in the file and 500 in memory."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_BYTES - _MAX_COMMENT_BYTES))
        tail = file.read()
    end, end_64 = tail[tail.rfind(_END) :], tail[tail.rfind(_END_64) :]
    size = int.from_bytes(end[12:16], "little") if len(end) >= _END_BYTES else 0
    if size == _SIZE_IN_END_64 and tail.rfind(_END_64) >= 0:
        size = int.from_bytes(end_64[40:48], "little")
    if size > _MAX_DIRECTORY_BYTES:
        raise ValueError("lists too many members")


@contextmanager
def open_archive(path: Path, make_error: ErrorFactory) -> Iterator[Archive]:
    """Open an archive, and close it at the end of the block."""
    archive = Archive(path, make_error)
    try:
        yield archive
    finally:
        archive.close()
