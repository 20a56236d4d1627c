"""The rows of a table with declared columns, on one item: their observers, times and positions."""

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError, DataError
from atsal.gaze.directions import Floats, Mask, lonlat_from_uv, unit_vectors
from atsal.gaze.readers.parsing.checked_table import CheckedTable, Column
from atsal.gaze.readers.parsing.position_checks import (
    PositionRange,
    lost_positions,
    number_recordings,
    remove_turns,
)
from atsal.gaze.readers.parsing.text_table import TextTable
from atsal.gaze.readers.parsing.time_units import FIXATION_S
from atsal.gaze.readers.table_columns import TableColumns
from atsal.gaze.readers.table_fields import (
    CLOCKS,
    DURATIONS,
    FRAMES,
    HORIZONTAL,
    SIZES,
    TIMES,
    VALIDITY,
    VERTICAL,
    Axis,
)
from atsal.gaze.records import Direction, Fixations, GazeSamples, PlanarFixations, by_observer, rows_of_each
from atsal.untrusted.text import plural, short_repr

_DAY = datetime(1970, 1, 1, tzinfo=UTC)
_STEP_S = (2e-4, 2.0)  # from one sample to the next
_ENOUGH_STEPS, _ENOUGH_DURATIONS = 50, 5  # to contradict a declared unit
_TINY = {360.0: (math.pi, math.pi / 2, 0.5), None: (1.0, 1.0, 0.0)}  # positions declared as degrees or pixels


def file_stem(path: Path) -> str:
    """Return the name of a table without its ending, also of one that is gzipped."""
    return Path(path.name.removesuffix(".gz")).stem


class DeclaredRows(CheckedTable):
    """The rows about one item, and the fields that were declared. `size_px` is the size of the stimulus."""

    def __init__(self, table: TextTable, columns: TableColumns, size_px: tuple[int | None, int | None]) -> None:
        super().__init__(table)
        self.columns = columns
        self.notes: list[str] = []
        self._size_px = size_px
        if columns.observer is None:
            self.observer: NDArray[np.str_] = np.full(len(table), file_stem(table.path))
        else:
            self.observer = self.names(columns.observer, "observer")
        if name := columns.one_of(TIMES):
            self.drop_repeats(columns.columns[name])

    def samples(self, direction: Direction) -> tuple[GazeSamples, ...]:
        """Return the samples of each observer; lost ones have no direction."""
        lost = self._marked_lost()
        u, v = self._positions(lost, keep_lost=True)
        vectors = np.where(lost[:, None], np.nan, unit_vectors(*lonlat_from_uv(u, v)))
        fields = {"observer": self.observer, direction: vectors, "valid": ~lost, **self._times("timestamp_s")}
        if name := self.columns.one_of(FRAMES):
            fields["frame_index"] = self.frames(self.columns.columns[name], FRAMES[name])
        tracks = cast("tuple[GazeSamples, ...]", self.make_records(fields, self.rows))
        for track in tracks:
            steps = np.zeros(0) if track.timestamp_s is None else np.diff(track.timestamp_s)
            self._check_unit(steps[steps > 0], _STEP_S, "a sample every", TIMES, _ENOUGH_STEPS)
        return tracks

    def fixations(self) -> Fixations:
        """Return the fixations on the sphere, grouped by observer."""
        lon, lat = lonlat_from_uv(*self._fixated())
        fields = {"lon_rad": lon, "lat_rad": lat, **self._fixation_times()}
        return by_observer(cast("Fixations", self.make_records(fields, self.rows)))

    def photo_fixations(self) -> PlanarFixations:
        """Return the fixations on a flat photo, grouped by observer."""
        u, v = self._fixated()
        fields = {"u": u, "v": v, **self._fixation_times()}
        return by_observer(cast("PlanarFixations", self.make_records(fields, self.rows)))

    def _marked_lost(self) -> Mask:
        """Return which rows are marked as lost, (N,) bool."""
        name = self.columns.one_of(VALIDITY)
        if name is None:
            return np.zeros(len(self.table), bool)
        flags = self.table.flags(self.columns.columns[name], missing_is_false=name == "lost")
        return flags if name == "lost" else ~flags

    def _fixated(self) -> tuple[Floats, Floats]:
        lost = self._marked_lost()
        self.drop(lost, "marked as lost")
        return self._positions(lost, keep_lost=False)

    def _fixation_times(self) -> dict[str, Column]:
        fields: dict[str, Column] = {"observer": self.observer, **self._times("onset_s")}
        if name := self.columns.one_of(DURATIONS):
            duration_s = self.times(self.columns.columns[name], "duration") * DURATIONS[name]
            lasting = duration_s[self.used & (duration_s > 0)]
            self._check_unit(lasting, FIXATION_S, "fixations last", DURATIONS, _ENOUGH_DURATIONS)
            fields["duration_ms"] = duration_s * 1000
        return fields

    def _times(self, field: str) -> dict[str, Column]:
        """Return the times in seconds since the start of the stimulus as `field`, or nothing without times."""
        name = self.columns.one_of(TIMES)
        if name is None:
            return {}
        column = self.columns.columns[name]
        times = self._moments(column) if name == "clock_iso" else self.times(column, lowest=-math.inf)
        if name in CLOCKS:
            for rows in rows_of_each(self.observer).values():
                known = rows[np.isfinite(times[rows])]
                times[rows] -= times[known[0]] if len(known) else 0
            first = "the first row of an observer is taken as the start of the stimulus"
            self.notes.append(f"{self.table.path.name}: {column} is a clock; {first}")
        self.drop(times < 0, "time is negative")
        return {field: times * TIMES[name]}

    def _moments(self, column: str) -> Floats:
        """Return dates and times in microseconds, (N,), of which float64 holds all; drop rows without one."""
        texts = [text.strip() for text in self.table.columns[column]]
        found = [_microseconds(text) if text else math.nan for text in texts]
        wrong = np.array([value is None for value in found], bool)
        self.table.refuse(wrong, column, "a date and time, or a time of day, as 2024-05-31T14:05:01.250")
        times = np.array(found, np.float64)
        self.drop(np.isnan(times), "no time")
        return times

    def _positions(self, lost: Mask, *, keep_lost: bool) -> tuple[Floats, Floats]:
        """Return the shares of the frame's width from the left and of its height from the top, (N,).

        Rows without a usable position are dropped; with `keep_lost` those that have none are added to `lost` instead.
        """
        horizontal, vertical = self.columns.axis(HORIZONTAL), self.columns.axis(VERTICAL)
        spans = self._span(*horizontal, 0), self._span(*vertical, 1)
        names = self.columns.columns[horizontal[0]], self.columns.columns[vertical[0]]
        x, y = (self.table.numbers(name) for name in names)
        x, y = remove_turns(x, y, horizontal[1].turn, vertical[1].turn)
        limits = horizontal[1].limits(spans[0]), vertical[1].limits(spans[1])
        size = "" if horizontal[1].span else "; of another frame, declare width_px and height_px"
        unit = f"{horizontal[0]}, {vertical[0]}{size}"
        allowed = PositionRange(*limits, unit, names, _TINY.get(horizontal[1].span))
        recording = number_recordings(self.observer)
        if keep_lost:
            found = lost_positions(x, y, allowed, recording) & ~lost
            if found.any():
                first = self.where(int(np.argmax(found)))
                self.notes.append(f"{plural(int(found.sum()), 'sample')} without a position (first: {first})")
            lost |= found
        most = 0.1 if horizontal[0].startswith("lon_") else 0.5  # half of the longitudes from 0 to 360 are in range
        x, y = self.check_positions(x, y, allowed, lost=lost, recording=recording, most_outside=most, few=2)
        return horizontal[1].share(x, spans[0]), vertical[1].share(y, spans[1])

    def _span(self, name: str, axis: Axis, side: int) -> float:
        """Return the width (`side` 0) or height (1) of the frame in the unit of an axis."""
        if axis.span is not None:
            return axis.span
        size = self.columns.size_px(side) or self._size_px[side]
        if size is None:
            remedy = f"declare {tuple(SIZES)[side]}=NUMBER, too"
            raise ConfigError(f"{self.table.path}: {name} needs the size of the frame; {remedy}")
        return float(size)

    def _check_unit(
        self, seconds: Floats, limits_s: tuple[float, float], label: str, group: Mapping[str, float], fewest: int
    ) -> None:
        """Raise `DataError` if the median of times, at least `fewest`, contradicts the declared unit."""
        if len(seconds) < fewest or limits_s[0] <= float(np.median(seconds)) <= limits_s[1]:
            return
        name = self.columns.one_of(group)
        raise DataError(
            f"{self.table.path}: {label} {np.median(seconds):g} s (median) if "
            f"{short_repr(self.columns.columns[str(name)])} is {name}; expected {limits_s[0]:g} to {limits_s[1]:g} s; "
            "declare another unit of time"
        )


def _microseconds(text: str) -> float | None:
    """Return the microseconds of a date and time since 1970, or of a time of day; None for any other text."""
    for kind in (datetime, time):
        with suppress(ValueError):
            found = kind.fromisoformat(text)
            moment = found if isinstance(found, datetime) else datetime.combine(_DAY, found)
            return float((moment.replace(tzinfo=moment.tzinfo or UTC) - _DAY) / timedelta(microseconds=1))
    return None
