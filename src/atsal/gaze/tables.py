"""Our own tables of gaze: fixations and samples as CSV or Parquet.

| table | columns |
|---|---|
| fixations, 360° | observer, onset_s, duration_ms, lon_deg, lat_deg, first_frame, last_frame |
| fixations, photo | observer, onset_s, duration_ms, u, v |
| samples | observer, timestamp_s, frame_index, {head,head_eye,eye}_{lon,lat}_deg, valid |

Only `observer`, the positions and, for samples, time or frame are required. Conventions are those of `records`:
longitude within ±180°, + right, 0 at the frame's centre; latitude within ±90°, + up; u right and v down in [0, 1];
frames from 0. CSV is rounded to 6 decimals, Parquet holds the float64 itself. The direction of a lost sample is empty.
A table about several stimuli has one more column, `item`.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from atsal.config import suggest_name
from atsal.errors import DataError, ShapeError
from atsal.gaze.checked_records import DropCounter
from atsal.gaze.directions import Floats, unit_vectors
from atsal.gaze.readers.parsing.checked_table import CheckedTable, Column
from atsal.gaze.readers.parsing.position_checks import (
    PHOTO_RANGE,
    PositionRange,
    degrees,
    lost_positions,
    number_recordings,
)
from atsal.gaze.readers.parsing.text_rows import listed_columns
from atsal.gaze.readers.parsing.text_table import TextTable, column_names, load_table
from atsal.gaze.records import Direction, Fixations, Gaze, GazeSamples, PlanarFixations, rows_of_each
from atsal.gaze.table_files import write_columns
from atsal.untrusted.text import short_repr

_DIRECTIONS = get_args(Direction)
_SPHERE = ("observer", "onset_s", "duration_ms", "lon_deg", "lat_deg", "first_frame", "last_frame")
_PHOTO = ("observer", "onset_s", "duration_ms", "u", "v")
_ANGLES = tuple(f"{name}_{axis}_deg" for name in _DIRECTIONS for axis in ("lon", "lat"))
_SAMPLES = ("observer", "timestamp_s", "frame_index", *_ANGLES, "valid")


def write_fixations(path: Path, fixations: Fixations | PlanarFixations) -> None:
    """Write a table, `.csv` or `.parquet`; the same fixations give the same bytes of CSV."""
    columns: dict[str, Column | None] = {name: getattr(fixations, name) for name in _PHOTO[:3]}
    if isinstance(fixations, PlanarFixations):
        columns |= {"u": fixations.u, "v": fixations.v}
    else:
        columns |= _angle_columns("", fixations.lon_rad, fixations.lat_rad)
        columns |= {"first_frame": fixations.first_frame, "last_frame": fixations.last_frame}
    write_columns(path, columns)


def read_fixations(path: Path) -> Fixations | PlanarFixations:
    """Read what `write_fixations` wrote, or a table made by hand; `DataError` names the line of a wrong value."""
    found = _read_one_item(path)
    if isinstance(found, tuple):
        raise DataError(f"{path}: a table of samples, expected fixations (with lon_deg and lat_deg, or u and v)")
    return found


def write_samples(path: Path, samples: Sequence[GazeSamples]) -> None:
    """Write a table, `.csv` or `.parquet`; an observer without samples is not in it.

    Raises `ShapeError` for a duplicate observer, and for logs that do not all have the same fields.
    """
    names = [track.observer for track in samples]
    if len(set(names)) < len(names):
        raise ShapeError(f"{path}: a duplicate observer in {', '.join(names)}; name each recording differently")
    if len({(t.directions, t.timestamp_s is None, t.frame_index is None) for t in samples}) > 1:
        raise ShapeError(f"{path}: logs with different directions, times or frames; write each kind to its own table")
    nothing: dict[str, Column] = {"observer": np.array([], np.str_), "valid": np.array([], bool)}
    tracks = [_sample_columns(track) for track in samples] or [nothing]
    write_columns(path, {name: np.concatenate([track[name] for track in tracks]) for name in tracks[0]})


def read_samples(path: Path) -> tuple[GazeSamples, ...]:
    """Read what `write_samples` wrote, or a table made by hand; `DataError` names the line of a wrong value."""
    found = _read_one_item(path)
    if not isinstance(found, tuple):
        raise DataError(f"{path}: a table of fixations, expected samples (with timestamp_s or frame_index)")
    return found


def read_gaze(path: Path, drops: DropCounter | None = None) -> dict[str | None, Gaze]:
    """Read a table of either kind, by its column `item`; the key is None for a table without that column.

    With `drops`, unusable rows are dropped and counted there, samples without a position stay as lost ones, and names
    are stripped. Without it every wrong value is an error and names are taken as they are, as for the tables written by
    this module.
    """
    table = load_table(path)
    known = _known_columns(path, table.columns)
    for name in table.columns:
        if name not in (*known, "item"):
            raise DataError(
                f"{path}: unknown column {short_repr(name)}{suggest_name(name, known)}; rename it or leave it out"
            )
    rows = CheckedTable(table, drops, strict=drops is None)
    items = table.names("item") if "item" in table.columns else None
    checks: dict[str, Any] = {}
    if drops is not None:
        recording = number_recordings(*(table.names(name) for name in ("observer", "item") if name in table.columns))
        # longitudes from 0 to 360 are half within ±180, so a tenth may be wrong; two rows may always be
        checks = {"recording": recording, "most_outside": 0.1, "few": 2}
    columns = (_read_samples if known is _SAMPLES else _read_fixations)(rows, checks)
    if items is None:
        return {None: rows.make_records(columns, rows.rows)}
    table.refuse(items == "", "item", "the name of its stimulus")
    used = rows.rows
    return {name: rows.make_records(columns, used[own]) for name, own in rows_of_each(items[used]).items()}


def holds_samples(path: Path) -> bool:
    """Return whether a table holds samples, by its header; `DataError` if it is no table of gaze."""
    return _known_columns(path, column_names(path)) is _SAMPLES


def _read_one_item(path: Path) -> Gaze:
    found = read_gaze(path)
    if None not in found:
        raise DataError(f"{path}: has a column 'item', so it is about several stimuli; expected the gaze on one")
    return found[None]


def _known_columns(path: Path, names: Collection[str]) -> tuple[str, ...]:
    """Return the columns that this kind of table may have; raise `DataError` if it is none of the three kinds."""
    given = set(names)
    for columns, required in ((_SPHERE, {"lon_deg", "lat_deg"}), (_PHOTO, {"u", "v"})):
        if given >= {"observer", *required}:
            return columns
    if "observer" in given and given & {"timestamp_s", "frame_index", "valid"}:
        return _SAMPLES
    raise DataError(
        f"{path}: no table of gaze: found {listed_columns(names)}; expected observer with lon_deg and lat_deg "
        "(fixations), with u and v (on a photo), or with timestamp_s or frame_index and head_lon_deg, … (samples). For "
        "other columns, say what they hold: --columns (`atsal datasets info folder`)"
    )


def _read_fixations(rows: CheckedTable, checks: dict[str, Any]) -> dict[str, Column]:
    """Return the fields of `Fixations` or `PlanarFixations` for all rows."""
    columns = _read_common(rows, "onset_s")
    if "duration_ms" in rows.table.columns:
        columns["duration_ms"] = rows.times("duration_ms", "duration")
    if "u" in rows.table.columns:
        columns["u"], columns["v"] = rows.positions(PHOTO_RANGE, **checks)
        return columns
    columns["lon_rad"], columns["lat_rad"] = np.deg2rad(rows.positions(degrees(("lon_deg", "lat_deg")), **checks))
    frames = [name for name in ("first_frame", "last_frame") if name in rows.table.columns]
    if len(frames) == 1:
        raise DataError(f"{rows.table.path}: first_frame and last_frame go together; found {frames[0]} alone")
    columns |= {name: rows.frames(name) for name in frames}
    if frames:
        reversed_ = columns["last_frame"] < columns["first_frame"]
        rows.reject(reversed_, "last frame before the first", "last_frame", "first_frame or more")
    return columns


def _read_samples(rows: CheckedTable, checks: dict[str, Any]) -> dict[str, Column]:
    """Return the fields of `GazeSamples` for all rows; `observer` has one entry per row."""
    table = rows.table
    columns = _read_common(rows, "timestamp_s")
    if "frame_index" in table.columns:
        columns["frame_index"] = rows.frames("frame_index")
    columns["valid"] = table.flags("valid") if "valid" in table.columns else np.ones(len(table), bool)
    ranges = _sample_ranges(table)
    if not rows.strict:
        for allowed in ranges.values():
            x, y = (table.numbers(name) for name in allowed.names)
            columns["valid"] &= ~lost_positions(x, y, allowed, checks["recording"])
    for direction, allowed in ranges.items():
        lonlat_deg = rows.positions(allowed, lost=~columns["valid"], **checks)
        columns[direction] = unit_vectors(*np.deg2rad(lonlat_deg))
    no_time = not {"timestamp_s", "frame_index"} & columns.keys()
    if len(table) and (no_time or not columns.keys() & set(_DIRECTIONS)):
        raise DataError(
            f"{table.path}: samples need timestamp_s or frame_index, and head_lon_deg and head_lat_deg, or those of "
            f"head_eye or eye; found {listed_columns(table.columns)}"
        )
    return columns


def _sample_ranges(table: TextTable) -> dict[str, PositionRange]:
    """Return the columns of each direction; `DataError` for a longitude without latitude, or the reverse."""
    found = {}
    for direction in _DIRECTIONS:
        allowed = degrees((f"{direction}_lon_deg", f"{direction}_lat_deg"))
        given = [name in table.columns for name in allowed.names]
        if any(given) and not all(given):
            raise DataError(f"{table.path}: {' and '.join(allowed.names)} go together; found one of them")
        if all(given):
            found[direction] = allowed
    return found


def _read_common(rows: CheckedTable, time: str) -> dict[str, Column]:
    """Return observers and times; a repeated row is dropped unless the table is strict."""
    columns: dict[str, Column] = {"observer": rows.names("observer", "observer")}
    if time in rows.table.columns:
        columns[time] = rows.times(time, lowest=-np.inf)
        if not rows.strict:
            rows.drop_repeats("observer", time)
    return columns


def _sample_columns(track: GazeSamples) -> dict[str, Column]:
    columns: dict[str, Column | None] = {"observer": np.full(len(track), track.observer)}
    columns |= {"timestamp_s": track.timestamp_s, "frame_index": track.frame_index}
    for direction in track.directions:
        columns |= _angle_columns(f"{direction}_", *track.lonlat(direction))
    columns["valid"] = track.is_valid
    return {name: values for name, values in columns.items() if values is not None}


def _angle_columns(prefix: str, lon_rad: Floats, lat_rad: Floats) -> dict[str, Column]:
    names = f"{prefix}lon_deg", f"{prefix}lat_deg"
    return dict(zip(names, degrees(names).clip(np.rad2deg(lon_rad), np.rad2deg(lat_rad)), strict=True))
