"""Files from others: check them before they are opened, read them up to a limit, and check recorded file names."""

import os
import re
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from atsal.errors import AtsalError, MediaError
from atsal.remote.path import RemotePath
from atsal.untrusted.text import error_reason, escape_controls

MIB = 2**20

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # `Path` turns the two slashes of "https://…" into one
_SPECIAL_FILES = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class ErrorFactory(NamedTuple):
    """Makes the error to raise when a source cannot be read: `raise make_error("is not a file")`."""

    error: type[AtsalError]  # as DataError
    source: Path | str  # the file, or another name of the source
    remedy: str  # as "copy it again"

    def __call__(self, problem: str) -> AtsalError:
        """Return the error. Quote content of the source in `problem` with `short_repr`."""
        return self.error(f"{escape_controls(str(self.source))}: {problem}; {self.remedy}")

    def unreadable(self, error: Exception, problem: str = "cannot be read") -> AtsalError:
        """Return the error for one that another library raised; a missing permission has its own remedy."""
        if isinstance(error, PermissionError):
            return self._replace(remedy="change its permissions")("may not be read")
        return self(f"{problem} ({error_reason(error)})")


def read_bytes(path: Path, make_error: ErrorFactory, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes; raise the error of `make_error` otherwise."""
    try:
        if path.exists() and not path.is_file():
            raise make_error("is not a file")  # opening a pipe would block
        with path.open("rb") as file:
            content = file.read(min(limit, path.stat().st_size or limit) + 1)  # memory for as many is taken at once
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise make_error.unreadable(error) from error
    if len(content) > limit:
        raise make_error(f"is larger than the limit of {limit / MIB:g} MiB for such files")
    return content


def check_readable(path: Path, kind: str, error: type[AtsalError] = MediaError) -> None:
    """Raise `error` unless `path` is a regular, readable file that is not empty.

    `kind` is what the message says was expected, as "video" or "gaze log". Call this before opening a file, because
    opening a pipe would block.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as problem:  # ValueError: a null byte in the path
        raise error(_missing_message(path, kind, problem)) from None
    mode = stat.S_IFMT(status.st_mode)
    if mode == stat.S_IFDIR:
        raise error(f"{path}: is a folder; expected one {kind} file. Name a file inside it.")
    if mode != stat.S_IFREG:
        raise error(
            f"{path}: is {_SPECIAL_FILES.get(mode, 'not a regular file')}; expected {_with_article(kind)} in a regular "
            "file, which can be read twice and from any position. Save it to a file first."
        )
    if not isinstance(path, RemotePath) and not os.access(path, os.R_OK):
        raise error(f"{path}: may not be read; expected a readable {kind}. Change its permissions.")
    if status.st_size == 0:
        raise error(f"{path}: is empty (0 bytes); expected {_with_article(kind)}. Copy or download it again.")


def is_file_name(name: object) -> bool:
    """Whether a recorded value is the name of one file or folder, without any folder before it."""
    return isinstance(name, str) and is_inside(name) and len(PureWindowsPath(name).parts) == 1


def is_inside(name: object) -> bool:
    """Whether a recorded value is a relative path that stays below the folder it is relative to."""
    if not isinstance(name, str) or not name or "\0" in name:
        return False
    windows = PureWindowsPath(name)  # understands both kinds of slashes
    return not (PurePosixPath(name).is_absolute() or windows.drive or windows.root or ".." in windows.parts)


def _missing_message(path: Path, kind: str, problem: Exception) -> str:
    if str(path) == "-":
        return f"-: standard input is not read; expected {_with_article(kind)} in a file. Save it to a file first."
    if _URL.match(str(path)) and not isinstance(path, RemotePath):
        return f"{path}: is a URL; only videos and photos are read from URLs, of https, http and s3. Download it first."
    if isinstance(problem, FileNotFoundError | NotADirectoryError):
        return f"{path}: no such file; expected {_with_article(kind)}. Check the path{_relative_to(path)}."
    reason = problem.strerror if isinstance(problem, OSError) else str(problem)
    return f"{path}: cannot be accessed ({reason}); expected {_with_article(kind)}. Check the path and its permissions."


def _relative_to(path: Path) -> str:
    if path.is_absolute():
        return ""
    try:
        return f" (relative to {Path.cwd()})"
    except OSError:
        return " (the working folder no longer exists: change to another one)"


def _with_article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
