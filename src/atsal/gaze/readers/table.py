"""Any table of gaze, CSV or Parquet, whose columns the caller declares.

A row is a sample, or a fixation where a column of durations is declared. What the columns hold is not guessed: unit and
origin of the positions, unit of the times and the number of the first frame are declared, and a table that contradicts
them as a whole is refused.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from atsal.config import suggest_name
from atsal.errors import ConfigError, DataError
from atsal.gaze.directions import Floats, unit_vectors
from atsal.gaze.readers.parsing.position_checks import LOST_WRITTEN, look_exchanged, placeholders, recordings
from atsal.gaze.readers.parsing.text_table import TextTable, load_table
from atsal.gaze.readers.parsing.time_units import FIXATION_S
from atsal.gaze.reading import Drop, DropCounter, Reading
from atsal.gaze.records import MOST_FRAMES, Fixations, GazeSamples, by_observer, rows_of_each

Mask = NDArray[np.bool_]
TimeUnit = Literal["s", "ms", "us"]

_SECONDS: dict[TimeUnit, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_HAIR = 1e-6  # of the whole range: what rounding explains
_TELLING = 50  # rows from which on a table as a whole can contradict a declared unit
_FEW = 5  # durations from which on it can


_CHOICES: dict[str, tuple[object, ...]] = {
    "unit": ("deg", "rad", "unit", "px"),
    "longitude_from": ("centre", "left", None),
    "latitude_from": ("equator", "top", "bottom", None),
    "time_unit": ("s", "ms", "us"),
    "duration_unit": ("s", "ms", "us"),
    "first_frame": (0, 1),
    "direction": ("head", "head_eye"),
}


@dataclass(frozen=True)
class TableColumns:
    """What the columns of a table hold; the names are those of its header.

    `unit` is that of the positions: "deg" and "rad" count by default from the frame's centre, + right and + up; "unit"
    ([0, 1] over the whole frame) and "px" (of a frame of `size_px`, 0 to width and height) from its left upper corner.
    `longitude_from` and `latitude_from` say otherwise: "left" is 0 to a full turn; "top" and "bottom" are 0 to half a
    turn from the upper or lower pole.
    """

    observer: str
    longitude: str  # or u, or x
    latitude: str  # or v, or y
    unit: Literal["deg", "rad", "unit", "px"] = "deg"
    size_px: tuple[int, int] | None = None  # width and height
    longitude_from: Literal["centre", "left"] | None = None
    latitude_from: Literal["equator", "top", "bottom"] | None = None
    time: str | None = None  # of the sample, or the start of the fixation
    time_unit: TimeUnit = "s"
    frame: str | None = None
    first_frame: Literal[0, 1] = 0
    duration: str | None = None  # makes the rows fixations
    duration_unit: TimeUnit = "ms"
    item: str | None = None  # the stimulus; without it the file is about one
    valid: str | None = None  # 1 or 0, true or false
    direction: Literal["head", "head_eye"] = "head_eye"  # of samples
    separator: str = ","

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ConfigError(
                    f"{name} {value!r}{suggest_name(str(value), [str(c) for c in choices if c is not None])}"
                )
        if len(self.separator) != 1:
            raise ConfigError(f"separator {self.separator!r}: expected one character, as ',' or ';'")
        if (self.unit == "px") != (self.size_px is not None):
            raise ConfigError("size_px, width and height of the frame, is needed with unit 'px', and only there")
        if self.size_px is not None and min(self.size_px) < 1:
            raise ConfigError(f"size_px {self.size_px}: expected a positive width and height")
        if self.time is None and self.frame is None and self.duration is None:
            raise ConfigError("samples need a column for their time or their frame; declare time or frame")
        if self.frame is not None and self.duration is not None:
            raise ConfigError("fixations take their frames from time and duration; declare no frame with a duration")


def read_columns(
    path: Path, columns: TableColumns
) -> Reading[dict[str, tuple[GazeSamples, ...]]] | Reading[dict[str, Fixations]]:
    """Samples of each observer, or fixations where a duration is declared, by item (without such a column: the stem).

    Dropped and counted: rows without observer, item, time, frame or position, and those whose position, time, frame or
    duration is out of range. A sample marked as not valid stays, without a direction; a fixation is dropped.
    `DataError`: a column that is not there, a text where a number belongs, an observer's times out of order, and a
    table that as a whole contradicts the declared unit.
    """
    table = load_table(path, separator=columns.separator)
    _require(table, columns)
    rows = _Rows(table, np.ones(len(table), bool), DropCounter())
    observer = rows.names(columns.observer, "observer")
    item = (
        np.full(len(table), Path(path.name.removesuffix(".gz")).stem)
        if columns.item is None
        else rows.names(columns.item, "item")
    )
    lost = np.zeros(len(table), bool) if columns.valid is None else ~table.flags(columns.valid)
    if columns.time is not None:
        rows.drop(table.repeats(columns.observer, columns.time), "the same row once more")
    if columns.duration is not None:
        rows.drop(lost, "marked as not valid")
    recording = recordings(observer, item)
    lon, lat = _positions(rows, columns, lost, recording)
    time_s = None if columns.time is None else _times(rows, columns.time, columns.time_unit)
    if columns.duration is not None:
        duration_s = _times(rows, columns.duration, columns.duration_unit, what="duration")
        declared = f"{columns.duration} is in {columns.duration_unit!r}"
        lasting = duration_s[rows.keep & (duration_s > 0)]
        _check_scale(table, lasting, FIXATION_S, "fixations last", declared, fewest=_FEW)
        kept = np.flatnonzero(rows.keep)
        found = Fixations(observer[kept], lon[kept], lat[kept], _at(time_s, kept), duration_s[kept] * 1000)
        items = {name: by_observer(found.select(own)) for name, own in rows_of_each(item[kept]).items()}
        return Reading(items, rows.drops())
    frame = None if columns.frame is None else _frames(rows, columns.frame, columns.first_frame)
    whole = _Samples(observer, time_s, frame, np.where(lost[:, None], np.nan, unit_vectors(lon, lat)), ~lost)
    kept = np.flatnonzero(rows.keep)
    samples = {name: tuple(whole.tracks(table, kept[own], columns)) for name, own in rows_of_each(item[kept]).items()}
    return Reading(samples, rows.drops())


def _require(table: TextTable, columns: TableColumns) -> None:
    for what in ("observer", "item", "longitude", "latitude", "time", "frame", "duration", "valid"):
        name = getattr(columns, what)
        if name is not None and name not in table.columns:
            raise DataError(f"{table.path}: no column {name!r}, declared as {what}{suggest_name(name, table.columns)}")


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which rows of a table are kept, and why the others are not."""

    table: TextTable
    keep: Mask
    counter: DropCounter

    def drop(self, wrong: Mask, reason: str) -> None:
        wrong = wrong & self.keep
        if wrong.any():
            self.counter.add(reason, self.table.where(int(np.argmax(wrong))), int(wrong.sum()))
            self.keep[wrong] = False

    def names(self, column: str, what: str) -> NDArray[np.str_]:
        found = self.table.names(column)
        self.drop(found == "", f"no {what}")
        return found

    def drops(self) -> tuple[Drop, ...]:
        return self.counter.result()


@dataclass(frozen=True, eq=False)
class _Samples:
    """The samples of all observers and items, in the table's order."""

    observer: NDArray[np.str_]
    time_s: Floats | None
    frame: NDArray[np.int64] | None
    vectors: Floats
    valid: Mask

    def tracks(self, table: TextTable, chosen: NDArray[np.int64], columns: TableColumns) -> Iterator[GazeSamples]:
        for name, own in rows_of_each(self.observer[chosen]).items():
            rows = chosen[own]
            time_s = _at(self.time_s, rows)
            if time_s is not None:
                table.refuse_disorder(rows, time_s, name)
                steps = np.diff(time_s)
                declared = f"{columns.time} is in {columns.time_unit!r}"
                _check_scale(table, steps[steps > 0], (2e-4, 2.0), "a sample every", declared)
            frame = None if self.frame is None else self.frame[rows]
            directions = {columns.direction: self.vectors[rows]}
            yield GazeSamples(name, time_s, frame, **directions, valid=self.valid[rows])


def _positions(rows: _Rows, columns: TableColumns, lost: Mask, recording: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Longitude and latitude in radians, with 0 where a row is dropped or lost."""
    lon, lat = rows.table.numbers(columns.longitude), rows.table.numbers(columns.latitude)
    turn, half = {"deg": (360.0, 180.0), "rad": (2 * math.pi, math.pi), "unit": (1.0, 1.0)}.get(
        columns.unit, columns.size_px or (1.0, 1.0)
    )
    angles = columns.unit in ("deg", "rad")
    longitude_from = columns.longitude_from or ("centre" if angles else "left")
    latitude_from = columns.latitude_from or ("equator" if angles else "top")
    x = lon / turn if longitude_from == "centre" else lon / turn - 0.5
    y = {"equator": lat / half, "top": 0.5 - lat / half, "bottom": lat / half - 0.5}[latitude_from]
    inside = (np.abs(x) <= 0.5 + _HAIR) & (np.abs(y) <= 0.5 + _HAIR)  # NaN is not
    written = placeholders(lon, lat, inside, recording) & ~lost
    missing = ~(np.isfinite(x) & np.isfinite(y)) & ~lost
    outside = ~inside & ~lost & ~missing & ~written
    declared = f"{columns.unit}, longitude from the {longitude_from}, latitude from the {latitude_from}"
    _check_unit(rows, columns, (lon, lat), lost | missing | written, outside, declared)
    if turn != half:
        lowest = {"equator": -half / 2, "top": 0.0, "bottom": 0.0}[latitude_from]
        _check_exchanged(rows, columns, (lon[~(lost | written)], lat[~(lost | written)]), (lowest, lowest + half))
    rows.drop(written, LOST_WRITTEN)
    rows.drop(missing, "position is missing")
    rows.drop(outside, f"position out of range ({declared})")
    gone = lost | ~rows.keep
    x, y = (np.clip(np.where(gone, 0.0, values), -0.5, 0.5) for values in (x, y))
    return x * (2 * math.pi), y * math.pi


def _check_unit(
    rows: _Rows, columns: TableColumns, values: tuple[Floats, Floats], skipped: Mask, outside: Mask, declared: str
) -> None:
    there = ~skipped
    if not there.any():
        return
    lon, lat = (column[there] for column in values)
    found = f"{columns.longitude} {lon.min():g} … {lon.max():g}, {columns.latitude} {lat.min():g} … {lat.max():g}"
    if 2 * outside.sum() > there.sum():
        raise DataError(
            f"{rows.table.path}: {outside.sum()} of {there.sum()} positions are out of range ({declared}): found "
            f"{found}; declare another unit or origin"
        )
    narrow = {"deg": (math.pi, math.pi / 2), "px": (1.0, 1.0)}.get(columns.unit)
    size = (np.abs(lon).max(), np.abs(lat).max())
    if narrow and len(lon) >= _TELLING and size[0] <= narrow[0] and size[1] <= narrow[1]:
        raise DataError(
            f"{rows.table.path}: all {len(lon)} positions are tiny for {columns.unit!r}; found {found}; are they "
            "radians ('rad'), or parts of the frame ('unit')?"
        )


def _check_exchanged(
    rows: _Rows, columns: TableColumns, values: tuple[Floats, Floats], latitudes: tuple[float, float]
) -> None:
    hair = _HAIR * (latitudes[1] - latitudes[0])
    if look_exchanged(*values, latitudes[0] - hair, latitudes[1] + hair):
        raise DataError(
            f"{rows.table.path}: {columns.latitude} leaves the range {latitudes[0]:g} … {latitudes[1]:g} of latitudes "
            f"and {columns.longitude} never does: do they stand in each other's place?"
        )


def _times(rows: _Rows, column: str, unit: TimeUnit, what: str = "time") -> Floats:
    """Seconds, with 0 where a row is dropped."""
    seconds = rows.table.numbers(column) * _SECONDS[unit]
    rows.drop(~np.isfinite(seconds), f"{what} is missing")
    rows.drop(seconds < 0, f"{what} is negative")
    return np.where(rows.keep, seconds, 0.0)


def _frames(rows: _Rows, column: str, first_frame: int) -> NDArray[np.int64]:
    """Frames from 0, with 0 where a row is dropped."""
    values = rows.table.numbers(column)
    rows.drop(~np.isfinite(values), "frame is missing")
    rows.table.refuse(rows.keep & (values != np.round(values)), column, "a whole number, a frame")
    rows.drop(values < first_frame, f"frame before the first ({first_frame})")
    rows.drop(values >= MOST_FRAMES, "frame that no video has")
    return np.where(rows.keep, values - first_frame, 0).astype(np.int64)


def _check_scale(
    table: TextTable,
    seconds: Floats,
    limits_s: tuple[float, float],
    what: str,
    declared: str,
    *,
    fewest: int = _TELLING,
) -> None:
    """`DataError` where a column of times as a whole is not of the declared unit."""
    median = float(np.median(seconds)) if len(seconds) >= fewest else limits_s[0]
    if not limits_s[0] <= median <= limits_s[1]:
        raise DataError(
            f"{table.path}: {what} {median:g} s (median) if {declared}; expected {limits_s[0]:g} to {limits_s[1]:g} s; "
            "declare another unit of time"
        )


def _at(values: Floats | None, rows: NDArray[np.int64]) -> Floats | None:
    return None if values is None else values[rows]
