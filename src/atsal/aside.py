"""Write aside, then rename: a result is either complete or not there."""

import errno
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from atsal.errors import ConfigError, OutputError

if sys.platform != "win32":
    import fcntl

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space, or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space, or write elsewhere",
    errno.EFBIG: "the file grew beyond the size allowed here; write elsewhere, or less",
    errno.EACCES: "writing is not permitted there; choose another folder, or change its permissions",
    errno.EPERM: "writing is not permitted there; choose another folder, or change its permissions",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOENT: "its folder does not exist; create it first",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another path",
    errno.EISDIR: "there is a folder of this name; choose another name",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
}


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Give a new, empty, hidden file beside `path`; renamed to `path` on success, removed on any exception.

    An existing file at `path` is replaced, in one step. Errors come as they are: see `reported`.
    """
    part = path.with_name(f".{name_start(path.name)}.{secrets.token_hex(4)}.part")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        part.open("xb").close()
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def name_start(name: str) -> str:
    """What files aside keep of a name: up to 100 bytes, for the limit of names, 255, is in bytes."""
    return os.fsencode(name)[:100].decode("utf-8", "ignore")


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write the file aside and rename it; raises OutputError."""
    with reported(path), write_aside(path) as part:
        part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


@contextmanager
def reported(path: Path, *, also: type[Exception] = OSError) -> Iterator[None]:
    """Raise OutputError, with the remedy, where the system fails within the block to write `path`.

    `also` is another kind of error that stands for such a failure, as FFmpeg's, with `errno` and `strerror`.
    """
    try:
        yield
    except (OSError, also) as error:
        code = getattr(error, "errno", None)
        remedy = _REMEDIES.get(code) if code is not None else None
        if remedy is None:
            remedy = f"{getattr(error, 'strerror', None) or type(error).__name__}; check the folder, or write elsewhere"
        raise OutputError(f"{path}: cannot be written: {remedy}.") from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file of an output folder, so that two runs never write to it; given back when the process ends, however.

    Raises `ConfigError` where another run holds it.
    """
    if sys.platform == "win32":  # it knows no such locks
        yield
        return
    with reported(path), path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"{path.parent}: another run is writing to it; wait for its end") from error
        yield
