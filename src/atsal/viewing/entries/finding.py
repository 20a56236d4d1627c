"""The entries in files and folders."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from atsal.errors import ConfigError
from atsal.viewing.entries.entry import Choices, Entry, Found
from atsal.viewing.entries.recorded import RecordedEntry, find_recorded_entries
from atsal.viewing.entries.result import ResultEntry, find_result_entries
from atsal.viewing.entries.source import find_source_entries

FINDERS: tuple[Callable[[Path, Choices], Found | None], ...] = (
    find_result_entries,
    find_recorded_entries,
    find_source_entries,
)
"""For each kind of entry, what returns those at a path. The first that does not return None has the path."""


def find_entries(paths: Iterable[Path], choices: Choices) -> Found:
    """Return the entries at the paths, in order and each once; what cannot be shown is a `BrokenEntry`.

    Raises `ConfigError` where `choices.media`, `choices.plan` or `choices.item` does not fit them.
    """
    entries: dict[str, Entry] = {}
    remarks: list[str] = []
    for path in paths:
        found = next(found for find in FINDERS if (found := find(path, choices)) is not None)
        remarks += found.remarks
        for entry in found.entries:
            entries.setdefault(os.path.realpath(entry.path), entry)
    if choices.plan is not None and len(entries) > 1:
        raise ConfigError(f"--plan {choices.plan}: is for one video, and there are {len(entries)} inputs; name its own")
    if choices.media is not None:
        _check_media(choices.media, list(entries.values()))
    if choices.item is not None and not any(isinstance(entry, RecordedEntry) for entry in entries.values()):
        raise ConfigError(f"--item {choices.item}: belongs to a prepared set, and none is given; leave it out")
    return Found(list(entries.values()), remarks)


def _check_media(media: Path, entries: list[Entry]) -> None:
    count = sum(isinstance(entry, ResultEntry) for entry in entries)
    if not count and not any(isinstance(entry, RecordedEntry) for entry in entries):
        raise ConfigError(f"--media {media}: belongs to a manifest (.json), and none is given; leave it out")
    if count > 1 and not media.is_dir():
        raise ConfigError(
            f"--media {media}: is one file, and there are {count} results; name the folder of their sources"
        )
