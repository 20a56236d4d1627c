"""Regions as files: JSON with everything, CSV and Parquet with one row per region. docs/regions.md has the schema."""

import csv
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from atsal.config import suggest_name
from atsal.errors import ConfigError, DataError
from atsal.gaze.readers.parsing.parquet_columns import import_pyarrow, parquet_columns
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.regions.region import FrameRegions, Region, Regions
from atsal.untrusted.files import ErrorFactory, check_readable
from atsal.untrusted.json_text import read_object
from atsal.untrusted.text import error_reason, short_repr

FORMAT, VERSION = "atsal-regions", 1
SUFFIXES = (".json", ".csv", ".parquet")
COLUMNS = ("frame_index", "timestamp_s", *(field.name for field in fields(Region)))
_MAX_LINE = 10_000  # characters
_MAX_ROWS = 4_000_000  # two hours at 60 frames a second have 3.5 million, at 8 regions each; take about 600 bytes each
_RANGES = {
    "frame_index": (0, 2**53),
    "timestamp_s": (0, 1e9),
    "yaw_deg": (-180, 180),
    "pitch_deg": (-90, 90),
    "width_deg": (0, 360),
    "height_deg": (0, 180),
    "weight": (0, 1),
    "peak": (0, 1e9),
    "peak_yaw_deg": (-180, 180),
    "peak_pitch_deg": (-90, 90),
    "id": (0, 2**53),
    "merged_ids": (1, 2**53),
}
_WHOLE = ("frame_index", "id", "merged_ids")


def write_regions(path: Path, regions: Regions) -> None:
    """Write a file whose suffix says the format: `.json`, `.csv` or `.parquet` (needs pyarrow).

    JSON keeps the name of the source, the settings and frames without regions; the tables do not. Numbers are rounded
    to 6 decimals. Raises `ConfigError` for another suffix, `OutputError` if the file cannot be written.
    """
    write = {".json": _write_json, ".csv": _write_csv, ".parquet": _write_parquet}[check_suffix(path)]
    with output_errors(path), atomic_file(path) as part:
        write(part, regions)


def read_regions(path: Path) -> Regions:
    """Read what `write_regions` wrote, or a file of the same form from elsewhere.

    Raises `ConfigError` for another suffix, `DataError` for a file that is damaged or does not follow the schema.
    """
    suffix = check_suffix(path)
    make_error = ErrorFactory(DataError, path, "expected a file of `atsal regions`; write it again")
    if suffix == ".json":
        return _from_document(read_object(path, make_error), make_error)
    rows = _read_csv(path, make_error) if suffix == ".csv" else _read_parquet(path)
    return Regions(_frames_of_rows(rows, make_error))


def check_suffix(path: Path) -> str:
    """Return the suffix of a file of regions, in lower case; raise `ConfigError` for another one."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(f"{path}: regions are kept in {', '.join(SUFFIXES)}; choose one of these suffixes")
    return suffix


def _write_json(path: Path, regions: Regions) -> None:
    path.write_text(json.dumps(regions_document(regions), indent=1) + "\n", encoding="utf-8")


def regions_document(regions: Regions) -> dict[str, Any]:
    """Return what `write_regions` writes as JSON."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "source": regions.source,
        "settings": regions.settings,
        "frames": [
            {
                "frame_index": frame.frame_index,
                "timestamp_s": round(frame.timestamp_s, 6),
                "regions": [region_values(region) for region in frame.regions],
            }
            for frame in regions.frames
        ],
    }


def region_values(region: Region) -> dict[str, Any]:
    """Return the values of a region by their names, as files have them: rounded to 6 decimals."""
    values = {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(region).items()}
    for name in ("yaw_deg", "peak_yaw_deg"):  # rounding may reach the other side
        values[name] = -180.0 if values[name] >= 180 else values[name]
    return values


def _rows(regions: Regions) -> Iterable[dict[str, Any]]:
    for frame in regions.frames:
        for region in frame.regions:
            row = {
                "frame_index": frame.frame_index,
                "timestamp_s": round(frame.timestamp_s, 6),
                **region_values(region),
            }
            yield row | {"merged_ids": " ".join(map(str, region.merged_ids))}


def _write_csv(path: Path, regions: Regions) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_rows(regions))


def _write_parquet(path: Path, regions: Regions) -> None:
    arrow, parquet = import_pyarrow()
    rows = list(_rows(regions))
    types = {name: arrow.int64() if name in _WHOLE else arrow.float64() for name in COLUMNS} | {
        "merged_ids": arrow.string()
    }
    columns = {name: arrow.array([row[name] for row in rows], types[name]) for name in COLUMNS}
    parquet.write_table(arrow.table(columns), path)


def _read_csv(path: Path, make_error: ErrorFactory) -> Iterator[dict[str, Any]]:
    check_readable(path, "table of regions", DataError)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield from csv.DictReader(iter(partial(file.readline, _MAX_LINE), ""), strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise make_error(f"cannot be read as CSV ({error_reason(error)})") from error


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    columns, count = parquet_columns(path, _MAX_ROWS * len(COLUMNS))
    return ({name: cells[i] for name, cells in columns.items()} for i in range(count))


def _from_document(document: dict[str, Any], make_error: ErrorFactory) -> Regions:
    if document.get("format") != FORMAT or document.get("version") != VERSION:
        found = f"format {short_repr(document.get('format'))}, version {short_repr(document.get('version'))}"
        raise make_error(f"has {found}; expected format {FORMAT!r}, version {VERSION}")
    source, settings, frames = document.get("source", ""), document.get("settings", {}), document.get("frames")
    if not (isinstance(source, str) and isinstance(settings, dict) and isinstance(frames, list)):
        raise make_error("expected a text `source`, an object `settings` and a list `frames`")
    found_frames = []
    for frame in frames:
        regions = frame.get("regions") if isinstance(frame, dict) else None
        if not isinstance(regions, list) or not all(isinstance(region, dict) for region in regions):
            raise make_error("expected objects with `frame_index`, `timestamp_s` and a list `regions` in `frames`")
        where = f"frame {short_repr(frame.get('frame_index'))}"
        index, time_s = (_number(frame, name, where, make_error) for name in COLUMNS[:2])
        found_frames.append(
            FrameRegions(int(index), time_s, tuple(_region(region, where, make_error) for region in regions))
        )
    return Regions(_in_order(found_frames, make_error), source, settings)


def _frames_of_rows(rows: Iterable[dict[str, Any]], make_error: ErrorFactory) -> tuple[FrameRegions, ...]:
    frames: dict[tuple[int, float], list[Region]] = {}
    for number, row in enumerate(rows, start=1):
        if number > _MAX_ROWS:
            raise make_error(f"has more than {_MAX_ROWS:,} rows, the most that are read")
        where = f"row {number}"
        index, time_s = (_number(row, name, where, make_error) for name in COLUMNS[:2])
        frames.setdefault((int(index), time_s), []).append(_region(row, where, make_error))
    return _in_order([FrameRegions(*key, tuple(regions)) for key, regions in frames.items()], make_error)


def _in_order(frames: list[FrameRegions], make_error: ErrorFactory) -> tuple[FrameRegions, ...]:
    for before, after in pairwise(frames):
        if after.frame_index <= before.frame_index or after.timestamp_s <= before.timestamp_s:
            raise make_error(
                f"frame {after.frame_index} at {after.timestamp_s} s follows frame {before.frame_index} at "
                f"{before.timestamp_s} s; expected each frame once, in the order of time"
            )
    return tuple(frames)


def _region(values: dict[str, Any], where: str, make_error: ErrorFactory) -> Region:
    unknown = [name for name in values if name not in COLUMNS]
    if unknown:
        raise make_error(f"{where}: unknown column {short_repr(unknown[0])}{suggest_name(str(unknown[0]), COLUMNS)}")
    merged = values.get("merged_ids", ())
    if isinstance(merged, str):
        merged = merged.split()
    if not isinstance(merged, list | tuple):
        raise make_error(f"{where}: merged_ids {short_repr(merged)}; expected a list of identities")
    merged_ids = tuple(int(_number({"merged_ids": value}, "merged_ids", where, make_error)) for value in merged)
    numbers = {name: _number(values, name, where, make_error) for name in COLUMNS[2:-2]}
    identity = int(_number(values, "id", where, make_error))
    return Region(**numbers, id=identity, merged_ids=merged_ids)


def _number(values: dict[str, Any], name: str, where: str, make_error: ErrorFactory) -> float:
    """Return a number of a row or object: in its range, and whole where the column counts something."""
    value = values.get(name)
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    least, most = _RANGES[name]
    if not least <= number <= most or (name in _WHOLE and number != int(number)):
        kind = "a whole number" if name in _WHOLE else "a number"
        raise make_error(f"{where}: {name} {short_repr(value)}; expected {kind} from {least:g} to {most:g}")
    return number
