"""The record of a prepared item: the files it was made of, the files written, and whether both are unchanged."""

import math
from pathlib import Path
from typing import Any

from atsal.datasets.dataset import RawItem
from atsal.errors import DataError
from atsal.jobs.checksums import cached_sha256, file_sha256
from atsal.jobs.output_folder import FolderKind
from atsal.untrusted.files import ErrorFactory, is_inside
from atsal.untrusted.json_text import read_object
from atsal.untrusted.pictures import MAX_PIXELS
from atsal.untrusted.text import short_repr

RECORD = "item.json"
STATISTICS = "statistics.json"
FIXATIONS = "fixations.csv"
WRITES = (FIXATIONS, STATISTICS, "saliency.npy", "saliency/??????.png", "image.png", "frames/??????.jpg")
Json = dict[str, Any]
_REQUIRED = {"id": str, "logs": list, "files": dict, "drops": list, "notes": list}
_COUNTS = ("fixations", "observers")
_LARGEST_COUNT = 2**53
_KINDS = (None, "image", "video", "frames", "photo")


def prepared_item(name: str) -> FolderKind:
    """Return the kind of the folder of an item. A single map, as that of a still, has the name of the item."""
    return FolderKind("a prepared item", "atsal prepared item", RECORD, (*WRITES, f"{name}.npy", f"{name}.png"))


def read_record(folder: Path) -> Json | None:
    """Return the record in the folder of an item; None if there is none or it cannot be read."""
    try:
        return open_record(folder)
    except DataError:
        return None


def open_record(folder: Path) -> Json:
    """Return the record in the folder of an item. Raises `DataError` if there is none, or `prepare` did not write it.

    A record may name files below the item's folder only and, for the stimulus, below the source of the set.
    """
    path = folder / RECORD
    make_error = ErrorFactory(DataError, path, "run the same `atsal prepare` again")
    record = read_object(path, make_error)
    files, stimulus = record.get("files"), record.get("stimulus")
    named = list(files) if isinstance(files, dict) else []
    named += [stimulus.get("file")] if isinstance(stimulus, dict) else []
    for file in named:
        if not is_inside(file):
            raise make_error(
                f"names the file {short_repr(file)}; expected a path below the folder of the item or of its source"
            )
    if not _is_record(record, folder.name):
        raise make_error("is no record of this item")
    return record


def _is_record(record: Json, name: str) -> bool:
    return (
        all(isinstance(record.get(key), kind) for key, kind in _REQUIRED.items())
        and all(_is_count(record.get(key)) for key in _COUNTS)
        and all(map(_is_drop, record["drops"]))
        and all(isinstance(note, str) for note in record["notes"])
        and all(isinstance(entry, dict) for entry in record["files"].values())
        and isinstance(record["files"].get(FIXATIONS, {}).get("sha256"), str)
        and isinstance(record.get("variant_of", ""), str)
        and "stimulus" in record
        and _is_stimulus(record["stimulus"])
        and record["id"] == name
    )


def _is_drop(drop: Any) -> bool:
    return isinstance(drop, dict) and isinstance(drop.get("reason"), str) and _is_count(drop.get("count"))


def _is_stimulus(stimulus: Any) -> bool:
    """Return whether the facts about a stimulus are possible."""
    if stimulus is None:
        return True
    return (
        isinstance(stimulus, dict)
        and isinstance(stimulus.get("member"), str | None)
        and stimulus.get("kind") in _KINDS
        and all(_is_count(stimulus.get(name, 1), 1) for name in ("width", "height", "frames"))
        and stimulus.get("width", 1) * stimulus.get("height", 1) <= MAX_PIXELS
        and all(_is_positive(stimulus.get(name, 1)) for name in ("frames_per_s", "duration_s"))
        and isinstance(stimulus.get("uneven_rate", False), bool)
    )


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and least <= value <= _LARGEST_COUNT


def _is_positive(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < math.inf


def is_up_to_date(folder: Path, raw: RawItem, source: Path) -> bool:
    """Return whether the folder of an item is complete, and made of the raw files as they are now.

    Compares logs and tables by checksum, stimuli, maps and pictures by size. False if a raw file cannot be read: to
    prepare the item again then raises the error.
    """
    try:
        return _is_up_to_date(folder, raw, source)
    except OSError:
        return False


def _is_up_to_date(folder: Path, raw: RawItem, source: Path) -> bool:
    record = read_record(folder)
    if record is None or len(record["logs"]) != len(raw.logs) or (record["stimulus"] is None) != (raw.stimulus is None):
        return False
    if any(describe_raw_file(log, source) != entry for log, entry in zip(raw.logs, record["logs"], strict=True)):
        return False
    if raw.stimulus is not None and raw.stimulus.is_file():
        size = raw.stimulus.stat().st_size
        if (_relative(raw.stimulus, source), size) != (record["stimulus"].get("file"), record["stimulus"].get("bytes")):
            return False
    return all(_is_unchanged(folder / name, entry) for name, entry in record["files"].items())


def _is_unchanged(path: Path, entry: object) -> bool:
    if not isinstance(entry, dict) or not path.is_file() or path.stat().st_size != entry.get("bytes"):
        return False
    return path.name not in (FIXATIONS, STATISTICS) or file_sha256(path) == entry.get("sha256")


def describe_written_file(path: Path) -> Json:
    """Return size and checksum of a file of a prepared item."""
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


def describe_raw_file(path: Path, source: Path) -> Json:
    """Return name, size and checksum of a raw file; name and number of pictures of a folder."""
    if path.is_dir():
        return {"file": _relative(path, source), "pictures": sum(1 for file in path.iterdir() if file.is_file())}
    return {"file": _relative(path, source), "bytes": path.stat().st_size, "sha256": cached_sha256(path)}


def _relative(path: Path, source: Path) -> str:
    return path.relative_to(source).as_posix() if path.is_relative_to(source) else str(path)
