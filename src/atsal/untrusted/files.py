"""Is this a file that can be read? Asked before anything is opened: to open a pipe would wait for ever."""

import os
import re
import stat
from pathlib import Path

from atsal.errors import AtsalError, MediaError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # of "https://…"; a Path makes one slash of two
_NO_FILES = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_readable(path: Path, kind: str, error: type[AtsalError] = MediaError) -> None:
    """Raise `error` unless `path` is a regular file with something in it that may be read.

    `kind` says in the message what was expected, as "video" or "gaze log".
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as problem:  # ValueError: a zero byte in the name
        raise error(_missing(path, kind, problem)) from None
    mode = stat.S_IFMT(status.st_mode)
    if mode == stat.S_IFDIR:
        raise error(f"{path}: is a folder; expected one {kind} file. Name a file inside it.")
    if mode != stat.S_IFREG:
        raise error(
            f"{path}: is {_NO_FILES.get(mode, 'no regular file')}; expected {_an(kind)} in a regular file, "
            "which can be read twice and from any place. Save it to a file first."
        )
    if not os.access(path, os.R_OK):
        raise error(f"{path}: may not be read; expected a readable {kind}. Change its permissions.")
    if status.st_size == 0:
        raise error(f"{path}: is empty (0 bytes); expected {_an(kind)}. Copy or download it again.")


def _missing(path: Path, kind: str, problem: Exception) -> str:
    if str(path) == "-":
        return f"-: standard input is not read; expected {_an(kind)} in a file. Save it to a file and name that."
    if _ADDRESS.match(str(path)):
        return f"{path}: is an address, and nothing is fetched from a network; expected a file. Download it first."
    if isinstance(problem, FileNotFoundError | NotADirectoryError):
        return f"{path}: no such file; expected {_an(kind)}. Check the path{_seen_from(path)}."
    reason = problem.strerror if isinstance(problem, OSError) else str(problem)
    return f"{path}: cannot be looked at ({reason}); expected {_an(kind)}. Check the path and its permissions."


def _seen_from(path: Path) -> str:
    if path.is_absolute():
        return ""
    try:
        return f" (seen from {Path.cwd()})"
    except OSError:
        return " (the working folder is gone: change to another)"


def _an(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
