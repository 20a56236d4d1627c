"""Raw files of a data set, wherever an archive put them, and what to say of those that are not there."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from atsal.errors import DataError

_BLANK_BYTES = 1000  # a log of blank lines only is not longer


def files_below(source: Path, pattern: str) -> list[Path]:
    """The files of a pattern in `source` or up to three folders deeper, the nearest first, each depth in order.

    Capitals do not count: files are also found as `.TXT`.
    """
    if not source.is_dir():
        raise DataError(f"{source}: no such folder; expected the unpacked data set")
    parts = re.split(r"(\[[^]]*\])", pattern)
    anycase = "".join(p if p.startswith("[") else re.sub("[A-Za-z]", _both_cases, p) for p in parts)
    return [file for above in ("", "*/", "*/*/", "*/*/*/") for file in sorted(source.glob(above + anycase))]


def _both_cases(letter: re.Match[str]) -> str:
    return f"[{letter[0].lower()}{letter[0].upper()}]"


def is_blank(log: Path) -> bool:
    """Whether a log holds nothing, as of a viewer never recorded; `DataError` where it cannot be read."""
    try:
        return log.is_file() and log.stat().st_size < _BLANK_BYTES and not log.read_bytes().strip()
    except OSError as error:
        raise DataError(f"{log}: cannot be opened ({error.strerror or error})") from error


def collect(files: Iterable[Path], key: Callable[[str], int | None]) -> dict[int, Path]:
    """The first file of each key; a name whose key is None is none of the set's."""
    found: dict[int, Path] = {}
    for file in files:
        number = key(file.name)
        if number is not None:
            found.setdefault(number, file)
    return found


def missing_files(source: Path, ids: Sequence[str], where: str) -> list[str]:
    """One line on the items that lack a file, or none."""
    if not ids:
        return []
    some = ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
    return [f"{where} for {some}: not below {source}"]


def nothing_found(source: Path, what: str, tree: str, url: str) -> DataError:
    """The error where nothing of a set is found; `what` as in "gaze of D-SAV360"."""
    return DataError(
        f"{source}: no {what} here or up to three folders deeper; expected\n{tree}\n"
        f"Get the set at {url} and give the folder it is unpacked in"
    )
