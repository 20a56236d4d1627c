"""Any table of gaze, CSV or Parquet, whose columns the caller declares.

A row is a sample, or a fixation if a column of durations is declared. Nothing is guessed: the unit and origin of the
positions, the unit of the times and the number of the first frame are declared. A table that contradicts them as a
whole is refused.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from atsal.config import suggest_name
from atsal.errors import ConfigError, DataError
from atsal.gaze.checked_records import CheckedRecords
from atsal.gaze.directions import Floats, Integers, Mask, unit_vectors
from atsal.gaze.readers.parsing.checked_table import CheckedTable, Column
from atsal.gaze.readers.parsing.position_checks import PositionRange, number_recordings
from atsal.gaze.readers.parsing.text_table import load_table
from atsal.gaze.readers.parsing.time_units import FIXATION_S
from atsal.gaze.records import Fixations, Gaze, GazeSamples, by_observer, rows_of_each

TimeUnit = Literal["s", "ms", "us"]

_SECONDS: dict[TimeUnit, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_STEP_S = (2e-4, 2.0)  # from one sample to the next
_ENOUGH_STEPS, _ENOUGH_DURATIONS = 50, 5  # to contradict a declared unit
_TINY = {"deg": (math.pi, math.pi / 2, 0.5), "px": (1.0, 1.0, 0.0)}

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

    `unit` is that of the positions. "deg" and "rad" count by default from the frame's centre, + right and + up. "unit"
    ([0, 1] over the whole frame) and "px" (of a frame of `size_px`, 0 to width and height) count from its upper left
    corner. `longitude_from` and `latitude_from` override that: "left" is 0 to a full turn; "top" and "bottom" are 0 to
    half a turn from the upper or lower pole.
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
            raise ConfigError(f"separator {self.separator!r}: expected one character, such as ',' or ';'")
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
) -> CheckedRecords[dict[str, tuple[GazeSamples, ...]]] | CheckedRecords[dict[str, Fixations]]:
    """Read the samples of each observer, or the fixations if a duration is declared, by item.

    Without a column for the item, the item is the file's stem. Rows without observer, item, time, frame or position,
    and rows with one of them or the duration out of range are dropped and counted. A sample marked as not valid stays,
    without a direction; such a fixation is dropped. Raises `DataError` for a missing column, text where a number
    belongs, an observer's times out of order, and a table that as a whole contradicts the declared unit.
    """
    table = load_table(path, separator=columns.separator)
    for label in ("observer", "item", "longitude", "latitude", "time", "frame", "duration", "valid"):
        name = getattr(columns, label)
        if name is not None and name not in table.columns:
            raise DataError(f"{path}: no column {name!r}, declared as {label}{suggest_name(name, table.columns)}")
    rows = CheckedTable(table)
    observer = rows.names(columns.observer, "observer")
    if columns.item is None:
        item = np.full(len(table), Path(path.name.removesuffix(".gz")).stem)
    else:
        item = rows.names(columns.item, "item")
    lost = np.zeros(len(table), bool) if columns.valid is None else ~table.flags(columns.valid)
    if columns.time is not None:
        rows.drop_repeats(columns.observer, columns.time)
    if columns.duration is not None:
        rows.drop(lost, "marked as not valid")
    lon, lat = _check_positions(rows, columns, lost, number_recordings(observer, item))
    time_s = None if columns.time is None else _seconds(rows, columns.time, columns.time_unit, "time")
    fields: dict[str, Column] = {"observer": observer}
    if columns.duration is not None:
        duration_s = _seconds(rows, columns.duration, columns.duration_unit, "duration")
        lasting = duration_s[rows.used & (duration_s > 0)]
        declared = f"{columns.duration} is in {columns.duration_unit!r}"
        _check_unit(path, lasting, FIXATION_S, "fixations last", declared, fewest=_ENOUGH_DURATIONS)
        fields |= {"lon_rad": lon, "lat_rad": lat, "duration_ms": duration_s * 1000}
        fields |= {} if time_s is None else {"onset_s": time_s}
    else:
        fields |= {columns.direction: np.where(lost[:, None], np.nan, unit_vectors(lon, lat)), "valid": ~lost}
        fields |= {} if time_s is None else {"timestamp_s": time_s}
        fields |= {} if columns.frame is None else {"frame_index": rows.frames(columns.frame, columns.first_frame)}
    used = rows.rows
    items = {name: rows.make_records(fields, used[own]) for name, own in rows_of_each(item[used]).items()}
    return rows.result({name: _finish(path, records, columns) for name, records in items.items()})  # type: ignore[return-value]


def _finish(path: Path, records: Gaze, columns: TableColumns) -> Gaze:
    """Group fixations by observer, and check the time steps of samples."""
    if not isinstance(records, tuple):
        return by_observer(records)
    for track in records:
        steps = np.zeros(0) if track.timestamp_s is None else np.diff(track.timestamp_s)
        declared = f"{columns.time} is in {columns.time_unit!r}"
        _check_unit(path, steps[steps > 0], _STEP_S, "a sample every", declared, fewest=_ENOUGH_STEPS)
    return records


def _check_positions(
    rows: CheckedTable, columns: TableColumns, lost: Mask, recording: Integers
) -> tuple[Floats, Floats]:
    """Return longitude and latitude in radians; drop the rows without a usable position."""
    turn, half = {"deg": (360.0, 180.0), "rad": (2 * math.pi, math.pi), "unit": (1.0, 1.0)}.get(
        columns.unit, columns.size_px or (1.0, 1.0)
    )
    angles = columns.unit in ("deg", "rad")
    longitude_from = columns.longitude_from or ("centre" if angles else "left")
    latitude_from = columns.latitude_from or ("equator" if angles else "top")
    left = -turn / 2 if longitude_from == "centre" else 0.0
    lowest = -half / 2 if latitude_from == "equator" else 0.0
    allowed = PositionRange(
        (left, left + turn),
        (lowest, lowest + half),
        f"{columns.unit}, longitude from the {longitude_from}, latitude from the {latitude_from}",
        (columns.longitude, columns.latitude),
        _TINY.get(columns.unit),
    )
    lon, lat = rows.positions(allowed, lost=lost, recording=recording)
    x = lon / turn if longitude_from == "centre" else lon / turn - 0.5
    y = {"equator": lat / half, "top": 0.5 - lat / half, "bottom": lat / half - 0.5}[latitude_from]
    return x * (2 * math.pi), y * math.pi


def _seconds(rows: CheckedTable, column: str, unit: TimeUnit, label: str) -> Floats:
    return rows.times(column, label) * _SECONDS[unit]


def _check_unit(
    path: Path, seconds: Floats, limits_s: tuple[float, float], label: str, declared: str, *, fewest: int
) -> None:
    """Raise `DataError` if the median of times, at least `fewest`, contradicts the declared unit."""
    median = float(np.median(seconds)) if len(seconds) >= fewest else limits_s[0]
    if not limits_s[0] <= median <= limits_s[1]:
        raise DataError(
            f"{path}: {label} {median:g} s (median) if {declared}; expected {limits_s[0]:g} to {limits_s[1]:g} "
            "s; declare another unit of time"
        )
