"""Zip archives that others made: members are read one at a time, each within a bound, whatever the archive says."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atsal.errors import AtsalError
from atsal.untrusted.reading import MIB, Blame
from atsal.untrusted.text import reason, shown

MEMBER_LIMIT = 1024 * MIB
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others take much memory to unpack
_ENCRYPTED = 0x1
_DIRECTORY_LIMIT = 32 * MIB  # some 300,000 members
_END, _END_BYTES, _COMMENT_BYTES = b"PK\5\6", 22, 2**16
_END_64, _IN_END_64 = b"PK\6\6", 0xFFFFFFFF  # large archives say it there


class Archive:
    """An open zip archive. Each method raises the error of `blame`."""

    def __init__(self, path: Path, blame: Blame) -> None:
        self._blame = blame
        try:
            if not path.is_file():
                raise blame("no such file")
            _check_directory(path)
            self._bytes = path.stat().st_size
            self._zip = zipfile.ZipFile(path)
        except AtsalError:
            raise
        except Exception as error:  # a damaged directory ends in many kinds
            raise blame(f"not a zip archive, or a damaged one ({reason(error)})") from error

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, as the archive has them; they are no paths to write to."""
        return tuple(self._zip.namelist())

    def check_stored(self) -> None:
        """Refuse compressed, encrypted, duplicate or overlapping members."""
        members = self._zip.infolist()
        if len({member.filename for member in members}) < len(members):
            raise self._blame("holds a member twice")
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED:
                raise self._blame(f"its member {shown(member.filename)} is packed or encrypted")
        size = sum(max(member.file_size, member.compress_size) for member in members)
        if size > self._bytes:
            raise self._blame(f"its members claim {size} bytes together; the file has {self._bytes}")

    def read(self, name: str, limit: int = MEMBER_LIMIT) -> bytes:
        """The content of a member of at most `limit` bytes."""
        try:
            member = self._zip.getinfo(name)
            if member.flag_bits & _ENCRYPTED:
                raise ValueError("it is encrypted; unpack it with its password")
            if member.compress_type not in _METHODS:
                raise ValueError("it is packed by an unusual method; pack it anew, by the ordinary one")
            if member.file_size > limit:
                raise ValueError(f"its header claims {member.file_size} bytes; expected {limit} at most")
            return self._zip.read(member)  # no more than it says
        except Exception as error:  # a damaged member ends in many kinds
            told = "there is none" if isinstance(error, KeyError) else reason(error)
            raise self._blame(f"its member {shown(name)} cannot be read ({told})") from error


def _check_directory(path: Path) -> None:
    """An archive may list millions of members in a few bytes each, and each takes half a kilobyte of memory."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_BYTES - _COMMENT_BYTES))
        tail = file.read()
    end, end_64 = tail[tail.rfind(_END) :], tail[tail.rfind(_END_64) :]
    size = int.from_bytes(end[12:16], "little") if len(end) >= _END_BYTES else 0
    if size == _IN_END_64 and tail.rfind(_END_64) >= 0:
        size = int.from_bytes(end_64[40:48], "little")
    if size > _DIRECTORY_LIMIT:
        raise ValueError("lists too many members")


@contextmanager
def open_archive(path: Path, blame: Blame) -> Iterator[Archive]:
    """Open an archive for a while."""
    archive = Archive(path, blame)
    try:
        yield archive
    finally:
        archive.close()
