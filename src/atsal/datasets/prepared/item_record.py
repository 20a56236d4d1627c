"""The record of a prepared item: what it was made of and what was written, and whether that is still so."""

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
PREPARED_ITEM = FolderKind(
    description="a prepared item",
    format="atsal prepared item",
    record=RECORD,
    writes=(FIXATIONS, STATISTICS, "saliency.npy", "saliency/??????.png", "image.png", "frames/??????.jpg"),
)
Json = dict[str, Any]
_NEEDED = {"id": str, "logs": list, "files": dict, "drops": list, "notes": list}
_COUNTS = ("fixations", "observers")
_MOST = 2**53
_KINDS = (None, "image", "video", "frames", "photo")


def read_record(folder: Path) -> Json | None:
    """The record of an item's folder; None where there is none, or none that can be read."""
    try:
        return open_record(folder)
    except DataError:
        return None


def open_record(folder: Path) -> Json:
    """The record of an item's folder; `DataError` where there is none, and for one that `prepare` did not write.

    The files that a record names lie below the item's folder and, of the stimulus, below the set's source.
    """
    path = folder / RECORD
    make_error = ErrorFactory(DataError, path, "run the same `atsal prepare` again")
    record = read_object(path, make_error)
    for file in _files_of(record):
        if not is_inside(file):
            raise make_error(
                f"names the file {short_repr(file)}; expected a path below the folder of the item or of its source"
            )
    if not _is_record(record, folder.name):
        raise make_error("is no record of this item")
    return record


def _files_of(record: Json) -> list[Any]:
    """The files that may be read for it."""
    files, stimulus = record.get("files"), record.get("stimulus")
    own = list(files) if isinstance(files, dict) else []
    return [*own, stimulus.get("file")] if isinstance(stimulus, dict) else own


def _is_record(record: Json, name: str) -> bool:
    return (
        all(isinstance(record.get(key), kind) for key, kind in _NEEDED.items())
        and all(_is_count(record.get(key)) for key in _COUNTS)
        and all(isinstance(drop, dict) and _is_drop(drop) for drop in record["drops"])
        and all(isinstance(note, str) for note in record["notes"])
        and all(isinstance(entry, dict) for entry in record["files"].values())
        and isinstance(record["files"].get(FIXATIONS, {}).get("sha256"), str)
        and isinstance(record.get("variant_of", ""), str)
        and _is_stimulus(record.get("stimulus"))
        and record["id"] == name
    )


def _is_drop(drop: Json) -> bool:
    return isinstance(drop.get("reason"), str) and _is_count(drop.get("count"))


def _is_stimulus(found: Any) -> bool:
    """Whether it tells of a file, and of that what a file may have."""
    if found is None:
        return True
    return (
        isinstance(found, dict)
        and isinstance(found.get("member"), str | None)
        and found.get("kind") in _KINDS
        and all(_is_count(found.get(name, 1), 1) for name in ("width", "height", "frames"))
        and found.get("width", 1) * found.get("height", 1) <= MAX_PIXELS
        and all(_is_positive(found.get(name, 1)) for name in ("frames_per_s", "duration_s"))
        and isinstance(found.get("uneven_rate", False), bool)
    )


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and least <= value <= _MOST


def _is_positive(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < math.inf


def is_whole(folder: Path, raw: RawItem, source: Path) -> bool:
    """Whether an item's folder is complete, and made of the raw files as they are now.

    Logs and tables are compared by checksum; stimuli, maps and pictures by size. A raw file that cannot be read is not
    as it was: making the item tells why.
    """
    try:
        return _is_whole(folder, raw, source)
    except OSError:
        return False


def _is_whole(folder: Path, raw: RawItem, source: Path) -> bool:
    record = read_record(folder)
    if record is None or len(record["logs"]) != len(raw.logs) or (record["stimulus"] is None) != (raw.stimulus is None):
        return False
    if any(raw_file(log, source) != entry for log, entry in zip(raw.logs, record["logs"], strict=True)):
        return False
    if raw.stimulus is not None and raw.stimulus.is_file():
        size = raw.stimulus.stat().st_size
        if (relative(raw.stimulus, source), size) != (record["stimulus"].get("file"), record["stimulus"].get("bytes")):
            return False
    return all(_is_as_written(folder / name, entry) for name, entry in record["files"].items())


def _is_as_written(path: Path, entry: object) -> bool:
    if not isinstance(entry, dict) or not path.is_file() or path.stat().st_size != entry.get("bytes"):
        return False
    return path.name not in (FIXATIONS, STATISTICS) or file_sha256(path) == entry.get("sha256")


def written_file(path: Path) -> Json:
    """Size and checksum of a file of a prepared item."""
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


def raw_file(path: Path, source: Path) -> Json:
    """Name, size and checksum of a raw file; of a folder of pictures, how many."""
    if path.is_dir():
        return {"file": relative(path, source), "pictures": sum(1 for file in path.iterdir() if file.is_file())}
    return {"file": relative(path, source), "bytes": path.stat().st_size, "sha256": cached_sha256(path)}


def relative(path: Path, source: Path) -> str:
    """The path as seen from the source folder."""
    return path.relative_to(source).as_posix() if path.is_relative_to(source) else str(path)
