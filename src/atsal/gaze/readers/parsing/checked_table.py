"""Rows of a log that pass the checks. Every row that does not is dropped and counted under a reason.

An exported table has rows of blinks, of no observer and of places beside the picture.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.checked_records import LOST_SAMPLE, CheckedRecords, DropCounter, T
from atsal.gaze.directions import Floats, Integers, Mask
from atsal.gaze.readers.parsing.position_checks import (
    PLACEHOLDER,
    PositionRange,
    find_placeholders,
    impossible_placeholders,
    look_exchanged,
    look_tiny,
    within,
)
from atsal.gaze.readers.parsing.text_table import TextTable
from atsal.gaze.records import MOST_FRAMES, Fixations, Gaze, GazeSamples, PlanarFixations, rows_of_each

Column = NDArray[Any]


class RowFilter:
    """Which rows of a log are used, and how many were dropped for each reason."""

    def __init__(self, count: int, where: Callable[[int], str], drops: DropCounter | None = None) -> None:
        """`where` returns the place of a row for messages; `drops` collects the counts of several filters."""
        self.where = where
        self.drops = DropCounter() if drops is None else drops
        self.used = np.ones(count, bool)

    @property
    def rows(self) -> Integers:
        """The indices of the used rows."""
        return np.flatnonzero(self.used)

    def drop(self, wrong: Mask, reason: str) -> None:
        """Drop the used rows where `wrong` is True, and count them."""
        wrong = wrong & self.used
        if wrong.any():
            self.drops.add(reason, self.where(int(np.argmax(wrong))), int(wrong.sum()))
            self.used = self.used & ~wrong

    def drop_backward(self, values: Floats | Integers, reason: str, recording: Integers | None = None) -> None:
        """Drop the rows whose value is below that of an earlier used row (of the same recording)."""
        backward = np.zeros(len(values), bool)
        known = np.where(self.used, values, -np.inf)
        for group in (slice(None),) if recording is None else [recording == n for n in np.unique(recording)]:
            backward[group] = known[group] < np.maximum.accumulate(known[group])
        self.drop(backward, reason)

    def drop_bad_times(self, values: Floats, label: str, lowest: float = 0.0) -> None:
        """Drop the rows whose time or duration is missing or below `lowest`."""
        self.drop(~np.isfinite(values), f"no {label}")
        self.drop(values < lowest, f"{label} below 0")

    def check_positions(
        self,
        x: Floats,
        y: Floats,
        allowed: PositionRange,
        *,
        label: str = "position",
        lost: Mask | None = None,
        recording: Integers | None = None,
        most_outside: float | None = 0.5,
        few: int = 0,
        only_heads: bool = False,
    ) -> tuple[Floats, Floats]:
        """Drop the rows whose position is missing, a placeholder or out of range; return x and y clipped to the range.

        Rows that are `lost` (N,) need no position. `recording` (N,) numbers the recordings, as for `find_placeholders`;
        heads, which may rest at 0, 0, have placeholders out of range only.

        Raises `DataError` if the positions as a whole contradict the range: more than the fraction `most_outside` (and
        more than `few`, or half) are outside, the columns seem exchanged, or all values are tiny. None skips this.
        """
        given = np.ones(len(x), bool) if lost is None else ~lost
        inside = allowed.contains(x, y)
        if only_heads:
            placeholder = impossible_placeholders(x, y, inside) & given
        else:
            placeholder = find_placeholders(x, y, inside, recording) & given
        missing = ~(np.isfinite(x) & np.isfinite(y)) & given
        known = given & ~missing & ~placeholder
        outside = known & ~inside
        if most_outside is not None:
            self._refuse_other_unit(x[known], y[known], allowed)
            count, total = int(outside.sum()), int(known.sum())
            if 2 * count > total or (count > few and count > most_outside * total):
                row = int(np.argmax(outside))
                raise DataError(
                    f"{self.where(row)}: {label} {x[row]:.4g}, {y[row]:.4g}; {count} of {total} {label}s lie outside "
                    f"the frame. Expected {allowed}: is it another unit, origin or format?"
                )
        self.drop(placeholder, PLACEHOLDER)
        self.drop(missing, f"no {label} {LOST_SAMPLE}")
        self.drop(outside, f"{label} outside the frame")
        return allowed.clip(x, y)

    def _refuse_other_unit(self, x: Floats, y: Floats, allowed: PositionRange) -> None:
        if np.ptp(allowed.x) > np.ptp(allowed.y) and look_exchanged(x, y, allowed.y):
            raise DataError(
                f"{self.where(0)} and below: {allowed.names[1]} reaches from {y.min():g} to {y.max():g}, "
                f"{allowed.names[0]} from {x.min():g} to {x.max():g}; expected {allowed}: are the columns exchanged? "
                "Exchange their names"
            )
        if allowed.tiny and look_tiny(x, y, allowed.tiny):
            raise DataError(
                f"{self.where(0)} and below: all {len(x)} positions lie within ±{allowed.tiny[0]:.3g} and "
                f"±{allowed.tiny[1]:.3g}; expected {allowed}: are they radians or fractions of the frame? Convert "
                "them, or declare their unit with `atsal.gaze.readers.table`"
            )

    def result(self, records: T, notes: tuple[str, ...] = ()) -> CheckedRecords[T]:
        """Return records together with the account of the dropped rows."""
        return CheckedRecords(records, self.drops.result(), notes)


class CheckedTable(RowFilter):
    """A text table and which of its rows are used. Its columns come with unusable rows already dropped.

    In a strict table, an unusable row is a `DataError` instead, and names keep their spaces.
    """

    def __init__(self, table: TextTable, drops: DropCounter | None = None, *, strict: bool = False) -> None:
        super().__init__(len(table), table.where, drops)
        self.table = table
        self.strict = strict

    def reject(self, wrong: Mask, reason: str, column: str, expected: str) -> None:
        """Drop rows for `reason`; if the table is strict, raise `DataError` with what was expected in `column`."""
        if self.strict:
            self.table.refuse(wrong, column, expected)
        self.drop(wrong, reason)

    def drop_repeats(self, *key: str) -> None:
        """Drop the rows that equal an earlier one in all columns; `key` is as for `TextTable.repeats`."""
        self.drop(self.table.repeats(*key), "the same row once more")

    def names(self, column: str, label: str) -> NDArray[np.str_]:
        """Return a column of names (N,)."""
        found = np.array(self.table.columns[column], np.str_) if self.strict else self.table.names(column)
        self.reject(found == "", f"no {label}", column, "a name")
        return found

    def times(self, column: str, label: str = "time", *, lowest: float = 0.0) -> Floats:
        """Return a column of times or durations (N,), not below `lowest`."""
        values = self.table.numbers(column)
        self.reject(~np.isfinite(values), f"no {label}", column, "a number")
        self.reject(values < lowest, f"{label} below {lowest:g}", column, f"{lowest:g} or more")
        return values

    def frames(self, column: str, first: int = 0) -> Integers:
        """Return a column of frames (N,), counted from 0; `first` is the number of frame 0 in the table."""
        values = self.table.numbers(column)
        given = np.isfinite(values)
        self.table.refuse(given & (values != np.round(values)), column, "a whole number")
        frame = np.clip(np.where(given, values, first), -(2.0**53), 2.0**53).astype(np.int64)
        expected = f"a frame, counted from {first}"
        self.reject(~given, "no frame", column, expected)
        self.reject(frame < first, f"frame below {first}", column, expected)
        if not self.strict:
            self.drop(frame - first >= MOST_FRAMES, "frame that no video has")
        return frame - first

    def positions(self, allowed: PositionRange, **options: Any) -> tuple[Floats, Floats]:
        """Return two columns of positions (N,), named and limited by `allowed`; options as for `check_positions`.

        In a strict table, any value in range is a position, and a lost row has NaN for a value out of range.
        """
        if not self.strict:
            x, y = (self.table.numbers(name) for name in allowed.names)
            return self.check_positions(x, y, allowed, **options)
        lost = options.get("lost")
        columns = []
        for name, limits in zip(allowed.names, (allowed.x, allowed.y), strict=True):
            values = self.table.numbers(name)
            outside = ~within(values, limits)
            expected = f"a number from {limits[0]:g} to {limits[1]:g}"
            self.table.refuse(outside if lost is None else outside & ~lost, name, expected)
            columns.append(np.where(outside, np.nan, values))
        return allowed.clip(columns[0], columns[1])

    def make_records(self, columns: Mapping[str, Column], rows: Integers) -> Gaze:
        """Return the records of some rows, from the fields of a record for all rows, (N, ...).

        `columns` are the fields of `Fixations`, of `PlanarFixations`, or else of `GazeSamples`, where `observer` has
        one entry per row. Raises `DataError` if the times of an observer are out of order in samples.
        """
        own = {name: values[rows] for name, values in columns.items()}
        if "lon_rad" in own:
            return Fixations(**own)
        if "u" in own:
            return PlanarFixations(**own)
        tracks = []
        for name, chosen in rows_of_each(own.pop("observer")).items():
            track = {field: values[chosen] for field, values in own.items()}
            if "timestamp_s" in track:
                self.table.check_time_order(rows[chosen], track["timestamp_s"], name)
            tracks.append(GazeSamples(name, **track))
        return tuple(tracks)
