"""Rows of a log that pass the checks. Every row that does not is dropped and counted under a reason.

An exported table has rows of blinks, of no observer and of places beside the picture.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.checked_records import LOST_SAMPLE, CheckedRecords, DropCounter, T
from atsal.gaze.directions import Floats, Integers, Mask
from atsal.gaze.readers.parsing.position_checks import (
    PHOTO_RANGE,
    PLACEHOLDER,
    PositionRange,
    degrees,
    find_placeholders,
    impossible_placeholders,
    look_exchanged,
    look_tiny,
    number_recordings,
)
from atsal.gaze.readers.parsing.text_table import TextTable
from atsal.gaze.records import MOST_FRAMES

REPEATED_ROW = "the same row once more"

_DIRECTIONS = ("", "head_", "head_eye_", "eye_")


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
    """A text table and which of its rows are used. Its columns come with unusable values already dropped."""

    def __init__(self, table: TextTable, drops: DropCounter | None = None) -> None:
        super().__init__(len(table), table.where, drops)
        self.table = table

    def drop_repeats(self, *key: str) -> None:
        """Drop the rows that equal an earlier one in all columns; `key` is as for `TextTable.repeats`."""
        self.drop(self.table.repeats(*key), REPEATED_ROW)

    def names(self, column: str, label: str) -> NDArray[np.str_]:
        """Return a column of names (N,); drop the rows without one."""
        found = self.table.names(column)
        self.drop(found == "", f"no {label}")
        return found

    def times(self, column: str, label: str = "time", *, lowest: float = 0.0) -> Floats:
        """Return a column of times or durations (N,); drop missing ones and those below `lowest`."""
        values = self.table.numbers(column)
        self.drop_bad_times(values, label, lowest)
        return values

    def frames(self, column: str, first: int = 0) -> Integers:
        """Return a column of frames (N,), counted from 0; drop missing and impossible ones. `first` is frame 0."""
        values = self.table.numbers(column)
        given = np.isfinite(values)
        self.table.refuse(given & (values != np.round(values)), column, "a whole number")
        frame = np.clip(np.where(given, values, first), -(2.0**53), 2.0**53).astype(np.int64)
        self.drop(~given, "no frame")
        self.drop(frame < first, f"frame below {first}")
        self.drop(frame - first >= MOST_FRAMES, "frame that no video has")
        return frame - first


def drop_unusable_rows(table: TextTable, drops: DropCounter) -> TextTable:
    """Return a table of the columns of `atsal.gaze.tables` without the rows that a reader cannot use.

    Dropped are rows without an observer, a position, a time or a frame, rows with one out of range, and repeated rows.
    Names lose the spaces around them. Raises `DataError` if more than a tenth of the positions are out of range, the
    columns seem exchanged, or degrees seem to be radians.
    """
    columns = table.columns
    names = {name: table.names(name) for name in ("observer", "item") if name in columns}
    table = replace(table, columns=columns | {name: tuple(found.tolist()) for name, found in names.items()})
    checked = CheckedTable(table, drops)
    if "observer" in columns:
        checked.names("observer", "observer")
        times = [name for name in ("timestamp_s", "onset_s") if name in columns]
        if times:
            checked.drop_repeats("observer", *times)
    _check_own_positions(checked, number_recordings(*names.values()) if names else None)
    for name in ("onset_s", "timestamp_s"):
        if name in columns:
            checked.times(name, lowest=-np.inf)
    if "duration_ms" in columns:
        checked.times("duration_ms", "duration")
    for name in ("first_frame", "last_frame", "frame_index"):
        if name in columns:
            checked.frames(name)
    return table if checked.used.all() else table.select(checked.rows)


def _check_own_positions(checked: CheckedTable, recording: Integers | None) -> None:
    ranges = [degrees((f"{name}lon_deg", f"{name}lat_deg")) for name in _DIRECTIONS]
    table = checked.table
    lost = ~table.flags("valid") if "valid" in table.columns else None
    for allowed in (*ranges, PHOTO_RANGE):
        if all(name in table.columns for name in allowed.names):
            x, y = (table.numbers(name) for name in allowed.names)
            # longitudes from 0 to 360 are half within ±180, so a tenth is the limit; two rows may always be wrong
            checked.check_positions(x, y, allowed, lost=lost, recording=recording, most_outside=0.1, few=2)
