"""Find the raw files of a data set wherever an archive put them, and report the missing ones."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from pathlib import Path
from stat import S_ISDIR
from typing import TypeVar, TypeVarTuple

from atsal.errors import DataError
from atsal.untrusted.text import shorten_list

T = TypeVar("T")
Rest = TypeVarTuple("Rest")

_BLANK_BYTES = 1000  # a log with more bytes than this is not blank


def find_files(source: Path, pattern: str) -> list[Path]:
    """Return the files of a glob pattern in `source` or up to three folders deeper: nearest first, then by name.

    Capitals do not count: `*.txt` also finds `.TXT`. Raises `DataError` if `source` is no folder.
    """
    if not source.is_dir():
        raise DataError(f"{source}: no such folder; expected the unpacked data set")
    parts = re.split(r"(\[[^]]*\])", pattern)
    any_case = "".join(p if p.startswith("[") else re.sub("[A-Za-z]", _both_cases, p) for p in parts)
    return [file for above in ("", "*/", "*/*/", "*/*/*/") for file in sorted(source.glob(above + any_case))]


def _both_cases(letter: re.Match[str]) -> str:
    return f"[{letter[0].lower()}{letter[0].upper()}]"


def group_by_name(files: Iterable[Path], name: str) -> dict[str, list[Path]]:
    """Group files by the first group of the regular expression `name`, in lower case; skip names that do not match."""
    groups: dict[str, list[Path]] = {}
    for file in files:
        if match := re.fullmatch(name, file.name, re.IGNORECASE):
            groups.setdefault(match[1].lower(), []).append(file)
    return groups


def first_by_name(files: Iterable[Path], name: str) -> dict[str, Path]:
    """Return the first file of each group of `group_by_name`."""
    return {key: group[0] for key, group in group_by_name(files, name).items()}


def is_blank(log: Path) -> bool:
    """Return whether a log is blank, as of a viewer never recorded. Raises `DataError` if it cannot be read."""
    try:
        return log.is_file() and log.stat().st_size < _BLANK_BYTES and not log.read_bytes().strip()
    except OSError as error:
        raise DataError(f"{log}: cannot be opened ({error.strerror or error})") from error


def report_missing(source: Path, ids: Iterable[str], what: str) -> list[str]:
    """Return one line about the items that lack a file, or no line."""
    ids = list(ids)
    return [f"{what} for {shorten_list(ids)}: not below {source}"] if ids else []


def nothing_found(source: Path, what: str, expected_files: str, url: str) -> DataError:
    """Return the error for a source without any item of a data set; `what` as in "gaze of D-SAV360"."""
    expected = "; ".join(" ".join(line.split()) for line in expected_files.strip().splitlines())
    return DataError(
        f"{source}: no {what} here or up to three folders deeper; expected {expected}. Get the set at {url} and pass "
        "the folder you unpacked it into"
    )


def cached_until_changed(
    maxsize: int,
) -> Callable[[Callable[[Path, *Rest], T]], Callable[[Path, *Rest], T]]:
    """Cache the results of a function of a path, and call it again once the file, or a file in the folder, changed.

    Other arguments of the function must be hashable.
    """

    def decorate(read: Callable[[Path, *Rest], T]) -> Callable[[Path, *Rest], T]:
        @lru_cache(maxsize)
        def cached(_state: object, path: Path, *rest: *Rest) -> T:
            return read(path, *rest)

        @wraps(read)
        def read_cached(path: Path, /, *rest: *Rest) -> T:
            return cached(_file_state(path), path, *rest)

        return read_cached

    return decorate


def _file_state(path: Path) -> tuple[object, ...] | None:
    """Return what changes when a file is written, or a file in a folder; None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    if S_ISDIR(status.st_mode):
        return tuple((file.name, _file_state(file)) for file in sorted(path.iterdir()) if not file.is_dir())
    return status.st_size, status.st_mtime_ns
