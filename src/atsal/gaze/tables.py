"""Our own tables of gaze: fixations and samples as CSV or Parquet.

| table | columns |
|---|---|
| fixations, 360° | observer, onset_s, duration_ms, lon_deg, lat_deg, first_frame, last_frame |
| fixations, photo | observer, onset_s, duration_ms, u, v |
| samples | observer, timestamp_s, frame_index, {head,head_eye,eye}_{lon,lat}_deg, valid |

Only `observer`, the positions and, for samples, one of time and frame must be there. Conventions are those of
`records`: longitude within ±180°, + right, 0 at the frame's centre; latitude within ±90°, + up; u right and v down in
[0, 1]; frames from 0. CSV is rounded to 6 decimals, Parquet holds the float64 itself.
The direction of a lost sample is left empty. A table about several stimuli has one more column, `item`.
"""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.config import suggest_name
from atsal.errors import DataError, OutputError, ShapeError
from atsal.gaze.directions import Floats, unit_vectors
from atsal.gaze.readers.parsing.parquet_columns import pyarrow
from atsal.gaze.readers.parsing.text_rows import listed
from atsal.gaze.readers.parsing.text_table import TextTable, load_table
from atsal.gaze.readers.parsing.usable_rows import usable_rows
from atsal.gaze.reading import DropCounter
from atsal.gaze.records import Fixations, GazeSamples, Integers, PlanarFixations, rows_of_each
from atsal.jobs.atomic_write import atomic_file, output_errors
from atsal.untrusted.text import short_repr

Column = NDArray[Any]
Gaze = Fixations | PlanarFixations | tuple[GazeSamples, ...]

_DIRECTIONS = ("head", "head_eye", "eye")
_SPHERE = ("observer", "onset_s", "duration_ms", "lon_deg", "lat_deg", "first_frame", "last_frame")
_PHOTO = ("observer", "onset_s", "duration_ms", "u", "v")
_ANGLES = tuple(f"{name}_{axis}_deg" for name in _DIRECTIONS for axis in ("lon", "lat"))
_SAMPLES = ("observer", "timestamp_s", "frame_index", *_ANGLES, "valid")
_LIMITS = {"lon": 180.0, "lat": 90.0}
_HAIR = 1e-6  # degrees, or parts of a photo, that rounding explains


def write_fixations(path: Path, fixations: Fixations | PlanarFixations) -> None:
    """Write a table, `.csv` or `.parquet`; the same fixations give the same bytes of CSV."""
    columns: dict[str, Column | None] = {name: getattr(fixations, name) for name in _PHOTO[:3]}
    if isinstance(fixations, PlanarFixations):
        columns |= {"u": fixations.u, "v": fixations.v}
    else:
        columns |= {"lon_deg": _degrees(fixations.lon_rad, "lon"), "lat_deg": _degrees(fixations.lat_rad, "lat")}
        columns |= {"first_frame": fixations.first_frame, "last_frame": fixations.last_frame}
    _write(path, columns)


def read_fixations(path: Path) -> Fixations | PlanarFixations:
    """Read what `write_fixations` wrote, or a table made by hand; `DataError` names the line of a wrong value."""
    found = _only(path)
    if isinstance(found, tuple):
        raise DataError(f"{path}: a table of samples, expected fixations (with lon_deg and lat_deg, or u and v)")
    return found


def write_samples(path: Path, samples: Sequence[GazeSamples]) -> None:
    """Write a table, `.csv` or `.parquet`; an observer without samples leaves no trace in it.

    Raises `ShapeError` where an observer stands twice, or the observers' logs do not carry the same.
    """
    names = [track.observer for track in samples]
    if len(set(names)) < len(names):
        raise ShapeError(f"{path}: an observer stands twice in {', '.join(names)}; name each recording differently")
    kinds = {(t.directions, t.timestamp_s is None, t.frame_index is None) for t in samples}
    if len(kinds) > 1:
        raise ShapeError(f"{path}: logs with different directions, times or frames; write each kind to its own table")
    nothing: dict[str, Column] = {"observer": np.array([], np.str_), "valid": np.array([], bool)}
    tracks = [_columns(track) for track in samples] or [nothing]
    _write(path, {name: np.concatenate([track[name] for track in tracks]) for name in tracks[0]})


def read_samples(path: Path) -> tuple[GazeSamples, ...]:
    """Read what `write_samples` wrote, or a table made by hand; `DataError` names the line of a wrong value."""
    found = _only(path)
    if not isinstance(found, tuple):
        raise DataError(f"{path}: a table of fixations, expected samples (with timestamp_s or frame_index)")
    return found


def read_gaze(path: Path, drops: DropCounter | None = None) -> dict[str | None, Gaze]:
    """Read a table of either kind, by its column `item`; None stands for a table without that column.

    Rows that say nothing usable are counted in `drops`, and spaces around names do not count; without it, as for what
    was written here, such rows are errors as all others, and names are as they stand.
    """
    table = load_table(path)
    known = _kind(table)
    for name in table.columns:
        if name not in (*known, "item"):
            raise DataError(
                f"{path}: unknown column {short_repr(name)}{suggest_name(name, known)}; rename it or leave it out"
            )
    table = table if drops is None else usable_rows(table, drops)
    read = _read_samples if known is _SAMPLES else _read_fixations
    if "item" not in table.columns:
        return {None: read(table)}
    items = table.names("item")
    table.refuse(items == "", "item", "the name of its stimulus")
    return {name: read(table.select(rows)) for name, rows in rows_of_each(items).items()}


def _only(path: Path) -> Gaze:
    found = read_gaze(path)
    if None not in found:
        raise DataError(f"{path}: has a column 'item', a table of several stimuli; expected the gaze on one")
    return found[None]


def _kind(table: TextTable) -> tuple[str, ...]:
    names = table.columns.keys()
    for kind, wanted in ((_SPHERE, {"lon_deg", "lat_deg"}), (_PHOTO, {"u", "v"})):
        if names >= {"observer", *wanted}:
            return kind
    if "observer" in names and names & {"timestamp_s", "frame_index", "valid"}:
        return _SAMPLES
    raise DataError(
        f"{table.path}: no table of gaze: found {listed(names)}; expected observer with lon_deg and lat_deg "
        "(fixations), with u and v (on a photo), or with timestamp_s or frame_index and head_lon_deg, … (samples)"
    )


def _read_fixations(table: TextTable) -> Fixations | PlanarFixations:
    observer = _observers(table)
    onset_s, duration_ms = _optional(table, "onset_s"), _optional(table, "duration_ms")
    if duration_ms is not None:
        table.refuse(duration_ms < 0, "duration_ms", "0 or more")
    if "u" in table.columns:
        u, v = (_within(table, name, 0.0, 1.0) for name in ("u", "v"))
        return PlanarFixations(observer, u, v, onset_s, duration_ms)
    lon, lat = (np.deg2rad(_within(table, f"{axis}_deg", -limit, limit)) for axis, limit in _LIMITS.items())
    first, last = _frames(table, "first_frame"), _frames(table, "last_frame")
    if (first is None) != (last is None):
        raise DataError(f"{table.path}: first_frame and last_frame go together; found one of them")
    if first is not None and last is not None:
        table.refuse(last < first, "last_frame", "first_frame or more")
    return Fixations(observer, lon, lat, onset_s, duration_ms, first, last)


def _read_samples(table: TextTable) -> tuple[GazeSamples, ...]:
    observer = _observers(table)
    valid = table.flags("valid") if "valid" in table.columns else np.ones(len(table), bool)
    time_s, frame = _optional(table, "timestamp_s"), _frames(table, "frame_index")
    vectors = {name: _vectors(table, name, valid) for name in _DIRECTIONS if _has(table, name)}
    if len(table) and (not vectors or (time_s is None and frame is None)):
        raise DataError(
            f"{table.path}: samples need timestamp_s or frame_index, and head_lon_deg and head_lat_deg, or those of "
            f"head_eye or eye; found {listed(table.columns)}"
        )
    found = []
    for name, rows in rows_of_each(observer).items():
        times, frames = None if time_s is None else time_s[rows], None if frame is None else frame[rows]
        if times is not None:
            table.refuse_disorder(rows, times, name)
        head, head_eye, eye = (vectors[which][rows] if which in vectors else None for which in _DIRECTIONS)
        found.append(GazeSamples(name, times, frames, head, head_eye, eye, valid[rows]))
    return tuple(found)


def _has(table: TextTable, direction: str) -> bool:
    pair = [f"{direction}_{axis}_deg" for axis in _LIMITS]
    there = [name in table.columns for name in pair]
    if any(there) and not all(there):
        raise DataError(f"{table.path}: {pair[0]} and {pair[1]} go together; found one of them")
    return all(there)


def _vectors(table: TextTable, direction: str, valid: NDArray[np.bool_]) -> Floats:
    """Unit vectors, NaN where a lost sample has no direction."""
    lon, lat = (_within(table, f"{direction}_{axis}_deg", -limit, limit, valid) for axis, limit in _LIMITS.items())
    return unit_vectors(np.deg2rad(lon), np.deg2rad(lat))


def _observers(table: TextTable) -> NDArray[np.str_]:
    found = np.array(table.columns["observer"], np.str_)
    table.refuse(found == "", "observer", "a name")
    return found


def _optional(table: TextTable, name: str) -> Floats | None:
    if name not in table.columns:
        return None
    values = table.numbers(name)
    table.refuse(~np.isfinite(values), name, "a number")
    return values


def _frames(table: TextTable, name: str) -> Integers | None:
    if name not in table.columns:
        return None
    values = table.integers(name)
    table.refuse(values < 0, name, "a frame, counted from 0")
    return values


def _within(table: TextTable, name: str, low: float, high: float, needed: NDArray[np.bool_] | None = None) -> Floats:
    """Numbers of a range; they may be missing where they are not `needed` (all, if not given)."""
    values = table.numbers(name)
    fits = (values >= low - _HAIR) & (values <= high + _HAIR)  # NaN does not
    missing_fits = False if needed is None else np.isnan(values) & ~needed
    table.refuse(~(fits | missing_fits), name, f"a number from {low:g} to {high:g}")
    return np.clip(values, low, high)


def _columns(track: GazeSamples) -> dict[str, Column]:
    columns: dict[str, Column | None] = {"observer": np.full(len(track), track.observer)}
    columns |= {"timestamp_s": track.timestamp_s, "frame_index": track.frame_index}
    for direction in track.directions:
        lon, lat = track.lonlat(direction)
        columns |= {f"{direction}_lon_deg": _degrees(lon, "lon"), f"{direction}_lat_deg": _degrees(lat, "lat")}
    columns["valid"] = track.is_valid
    return {name: values for name, values in columns.items() if values is not None}


def _degrees(angle_rad: Floats, axis: str) -> Floats:
    return np.clip(np.rad2deg(angle_rad), -_LIMITS[axis], _LIMITS[axis])


def _write(path: Path, columns: dict[str, Column | None]) -> None:
    there = {name: values for name, values in columns.items() if values is not None}
    kinds = {".csv": _write_csv, ".parquet": _write_parquet}
    write = kinds.get(path.suffix.lower())
    if write is None:
        raise OutputError(f"{path}: tables are written as .csv or .parquet; found {path.suffix or 'no ending'!r}")
    with output_errors(path), atomic_file(path) as part:
        try:
            write(part, there)
        except UnicodeEncodeError as error:
            name = short_repr(error.object)
            raise ShapeError(
                f"{path}: the name of an observer is no text in Unicode, near {name}; rename it"
            ) from error


def _write_csv(path: Path, columns: dict[str, Column]) -> None:
    cells = [[_cell(value) for value in values.tolist()] for values in columns.values()]
    # csv leaves a carriage return unquoted, and takes it for the end of a line when it reads
    odd = any("\r" in name for name in columns["observer"].tolist())
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL if odd else csv.QUOTE_MINIMAL, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*cells, strict=True))


def _cell(value: str | float | bool) -> str:
    if isinstance(value, float):
        text = f"{value:.6f}".rstrip("0").rstrip(".")
        return "" if math.isnan(value) else "0" if text == "-0" else text
    return str(int(value)) if isinstance(value, bool) else str(value)


def _write_parquet(path: Path, columns: dict[str, Column]) -> None:
    arrow, parquet = pyarrow()
    arrays: dict[str, Any] = {**columns, "observer": arrow.array(columns["observer"].tolist(), arrow.string())}
    with path.open("wb") as stream:
        parquet.write_table(arrow.table(arrays), stream)
