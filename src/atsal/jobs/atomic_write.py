"""Write aside, then rename: a result is either complete or not there."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from atsal.errors import OutputError

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space, or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space, or write elsewhere",
    errno.EFBIG: "the file grew beyond the size allowed here; write elsewhere, or less",
    errno.EACCES: "writing is not permitted there; choose another folder, or change its permissions",
    errno.EPERM: "writing is not permitted there; choose another folder, or change its permissions",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOENT: "its folder does not exist; create it, or run the same command again if something removed it",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another path",
    errno.EISDIR: "there is a folder of this name; choose another name",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
}


_LONG_NAME = 200  # bytes, of the 255 that a name may have
_LEFTOVER = re.compile(r"\.(.+)\.[0-9a-f]{8}\.atsal-(part|old)", re.DOTALL)  # no other program has such names


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f".{name_start(path.name)}.{secrets.token_hex(4)}.atsal-{ending}")


def hidden_name(name: str, ending: str) -> str:
    """The name of the one hidden file that goes with a file: `.name.ending`, where that is too long with a checksum."""
    raw = os.fsencode(name)
    if len(raw) > _LONG_NAME:
        name = f"{name_start(name)}-{hashlib.sha256(raw).hexdigest()[:12]}"
    return f".{name}.{ending}"


def name_start(name: str) -> str:
    """What hidden files beside keep of a name: up to 100 bytes, for the limit of names, 255, is in bytes."""
    return os.fsencode(name)[:100].decode("utf-8", "ignore")


def is_leftover(path: Path) -> bool:
    """Whether a killed process left it half-written."""
    return _LEFTOVER.fullmatch(path.name) is not None


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes left half-written in a folder, of the file or folder `name` or of all.

    Call it only where no other process writes. A folder that was about to be replaced is put back.
    """
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        found = _LEFTOVER.fullmatch(path.name)
        if found is None or (name is not None and found[1] != name_start(name)):
            continue
        replaced = folder / (name or found[1])
        is_lost = found[2] == "old" and not replaced.exists()
        if is_lost and name is None and found[1] == name_start(found[1] + "?"):
            continue  # its name was cut: only who knows it can put it back
        with reported(path):
            if is_lost:
                path.rename(replaced)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Give a new, empty, hidden file beside `path`; renamed to `path` on success, removed on any exception.

    An existing file at `path` is replaced, in one step. Errors come as they are: see `reported`.
    """
    part = _beside(path, "part")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        part.open("xb").close()
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """Give a new, empty, hidden folder beside `path`; renamed to `path` on success, removed on any exception.

    A folder at `path` is replaced, all that it holds is removed. Errors come as they are: see `reported`.
    """
    part = _beside(path, "part")
    try:
        part.mkdir(parents=True)
        yield part
        if path.exists():
            old = _beside(path, "old")
            path.rename(old)
            try:
                part.rename(path)
            except OSError:
                old.rename(path)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def made_folder(path: Path) -> Iterator[None]:
    """Make a folder, and those above it, for the block; those that are made and stay empty are removed at its end."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        with reported(path):
            path.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for folder in missing:
            with suppress(OSError):  # something was written to it
                folder.rmdir()


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write the file aside and rename it; raises OutputError."""
    with reported(path), write_aside(path) as part:
        part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


@contextmanager
def reported(path: Path, *, also: type[Exception] = OSError) -> Iterator[None]:
    """Raise OutputError, with the remedy, where the system fails within the block to write `path`.

    `also` is another kind of error that stands for such a failure, as FFmpeg's, with `errno` and `strerror`. An error
    that names a file elsewhere is not about `path`: it comes as it is.
    """
    try:
        yield
    except (OSError, also) as error:
        about = getattr(error, "filename", None)
        if isinstance(about, str) and not _concerns(Path(about).absolute(), path.absolute().parent):
            raise
        code = getattr(error, "errno", None) or _stated_code(error)
        remedy = _REMEDIES.get(code) if code is not None else None
        if remedy is None:
            remedy = f"{getattr(error, 'strerror', None) or type(error).__name__}; check the folder, or write elsewhere"
        raise OutputError(f"{path}: cannot be written: {remedy}.") from error


def _stated_code(error: Exception) -> int | None:
    """The system's number of an error that is no `OSError`, as safetensors writes it."""
    found = re.search(r"os error (\d+)", str(error))
    return int(found[1]) if found else None


def _concerns(about: Path, folder: Path) -> bool:
    """Whether a file lies in the folder, or the folder in it, as where a folder above cannot be made."""
    return about.is_relative_to(folder) or folder.is_relative_to(about)
