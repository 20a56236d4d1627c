"""Write to a hidden file or folder, then rename it: a result is either complete or does not exist."""

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
    errno.EFBIG: "the file exceeds the size limit of this system or process; write less, or elsewhere",
    errno.EACCES: "permission denied; choose another folder, or change its permissions",
    errno.EPERM: "permission denied; choose another folder, or change its permissions",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOENT: "its folder does not exist; create it, or run the same command again if something removed it",
    errno.EEXIST: "a file has this name; expected a folder, or a name that is free",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another path",
    errno.EISDIR: "a folder has this name; choose another name",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
}
_LONG_NAME = 200  # bytes, of the 255 that file systems allow
_LEFTOVER = re.compile(r"\.(.+)\.[0-9a-f]{8}\.atsal-(part|old)", re.DOTALL)  # no other program uses such names


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a new, empty, hidden file beside `path`; rename it to `path` on success, remove it on any exception.

    An existing file at `path` is replaced in one step. Raises `OSError`; see `output_errors`.
    """
    part = _hidden_path(path, "part")
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
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a new, empty, hidden folder beside `path`; rename it to `path` on success, remove it on any exception.

    An existing folder at `path` is replaced, with everything in it. Raises `OSError`; see `output_errors`.
    """
    part = _hidden_path(path, "part")
    try:
        part.mkdir(parents=True)
        yield part
        if path.exists():
            old = _hidden_path(path, "old")
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
def create_folder(path: Path) -> Iterator[None]:
    """Create a folder and its parents; at the end of the block, remove those that were created and are empty."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        with output_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for folder in missing:
            with suppress(OSError):  # something was written to it
                folder.rmdir()


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON file atomically; raise `OutputError` if that fails."""
    with output_errors(path), atomic_file(path) as part:
        part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


@contextmanager
def output_errors(path: Path, *, also: type[Exception] = OSError) -> Iterator[None]:
    """Turn an `OSError` in the block into an `OutputError` that says why `path` cannot be written, and what helps.

    `also` is another type of error with `errno` and `strerror`, as FFmpeg's. An error that names a file in an unrelated
    folder is not about `path` and passes unchanged.
    """
    try:
        yield
    except (OSError, also) as error:
        named = getattr(error, "filename", None)
        if isinstance(named, str) and not _is_related(Path(named).absolute(), path.absolute().parent):
            raise
        code = getattr(error, "errno", None) or _code_in_text(error)
        remedy = _REMEDIES.get(code) if code is not None else None
        if remedy is None:
            remedy = f"{getattr(error, 'strerror', None) or type(error).__name__}; check the folder, or write elsewhere"
        raise OutputError(f"{path}: cannot be written: {remedy}.") from error


def hidden_name(name: str, ending: str) -> str:
    """Return the name of the hidden file that belongs to a file: `.name.ending`; a checksum shortens a long name."""
    raw = os.fsencode(name)
    if len(raw) > _LONG_NAME:
        name = f"{name_start(name)}-{hashlib.sha256(raw).hexdigest()[:12]}"
    return f".{name}.{ending}"


def name_start(name: str) -> str:
    """Return the part of a name that hidden files keep: up to 100 bytes, because names are limited to 255 bytes."""
    return os.fsencode(name)[:100].decode("utf-8", "ignore")


def is_leftover(path: Path) -> bool:
    """Whether a killed process left this file or folder, incomplete."""
    return _LEFTOVER.fullmatch(path.name) is not None


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes left in a folder: of the file or folder `name`, or of all.

    A folder whose replacement was interrupted is restored. Call this only while no other process writes there.
    """
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        found = _LEFTOVER.fullmatch(path.name)
        if found is None or (name is not None and found[1] != name_start(name)):
            continue
        original = folder / (name or found[1])
        is_last_copy = found[2] == "old" and not original.exists()
        if is_last_copy and name is None and found[1] == name_start(found[1] + "?"):
            continue  # the name was cut: only a caller that knows it can restore the folder
        with output_errors(path):
            if is_last_copy:
                path.rename(original)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _hidden_path(path: Path, ending: str) -> Path:
    return path.with_name(f".{name_start(path.name)}.{secrets.token_hex(4)}.atsal-{ending}")


def _code_in_text(error: Exception) -> int | None:
    """Return the `errno` in the text of an error that is not an `OSError`, as safetensors writes it."""
    found = re.search(r"os error (\d+)", str(error))
    return int(found[1]) if found else None


def _is_related(path: Path, folder: Path) -> bool:
    """Whether a path lies in the folder, or above it (if a parent of the folder cannot be created)."""
    return path.is_relative_to(folder) or folder.is_relative_to(path)
