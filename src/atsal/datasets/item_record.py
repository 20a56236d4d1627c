"""The record of a prepared item: what it was made of and what was written, and whether that is still so."""

import json
from pathlib import Path
from typing import Any

from atsal.datasets.dataset import RawItem
from atsal.jobs.checksums import file_sha256, known_sha256
from atsal.jobs.output_folder import FolderKind

RECORD = "item.json"
STATISTICS = "statistics.json"
FIXATIONS = "fixations.csv"
PREPARED_ITEM = FolderKind(
    holds="a prepared item",
    format="atsal prepared item",
    record=RECORD,
    writes=(FIXATIONS, STATISTICS, "saliency.npy", "saliency/??????.png", "image.png", "frames/??????.jpg"),
)
Json = dict[str, Any]
_NEEDED = {"id": str, "logs": list, "files": dict, "drops": list, "fixations": int, "observers": int}


def read_record(folder: Path) -> Json | None:
    """The record of an item's folder; None where there is none, or none that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if _is_record(record, folder.name) else None


def _is_record(record: Any, name: str) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("stimulus"), dict | None):
        return False
    return (
        all(isinstance(record.get(key), kind) for key, kind in _NEEDED.items())
        and (record.get("stimulus") is None or isinstance(record["stimulus"].get("file"), str))
        and all(isinstance(drop, dict) and {"reason", "count"} <= drop.keys() for drop in record["drops"])
        and record["id"] == name
    )


def is_whole(folder: Path, raw: RawItem, source: Path) -> bool:
    """Whether an item's folder is complete, and made of the raw files as they are now.

    Logs and tables are compared by checksum; stimuli, maps and pictures by size.
    """
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
    return {"file": relative(path, source), "bytes": path.stat().st_size, "sha256": known_sha256(path)}


def relative(path: Path, source: Path) -> str:
    """The path as seen from the source folder."""
    return path.relative_to(source).as_posix() if path.is_relative_to(source) else str(path)
