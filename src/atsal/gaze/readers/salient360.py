"""Salient360! scanpaths of images (Rai 2017, Gutiérrez 2018) and videos (David et al., MMSys 2018).

All viewers of a stimulus stand in one text file, one after the other, separated by commas:

| column | content |
|---|---|
| `Idx` | number of the fixation, from 0; back at 0 the **next viewer** begins. Viewers have no names. |
| `longitude`, `latitude` | [0, 1] of the equirectangular picture: from its left border, from its **top** |
| `start timestamp` | milliseconds since the start |
| `duration` | milliseconds |
| `start frame`, `end frame` | videos only, counted from **1**, the end inclusive |

Videos have all seven columns. Images have the first four, or five; which of them carry a duration is not verified.
Names may carry spaces and the header a `#`. Sources: the header of a released video file; the authors' own tools of
2018, which take columns 0-3 of an image's file and 0, 1, 2, 5, 6 of a video's and begin a viewer at index 0; the
Salient360! toolbox (`helper.py`), whose vector of a fixation has z = cos(π latitude), so that latitude 0 is the top,
and which draws it at (longitude W, latitude H) of the picture.

H files are paths of the head: for videos one position every 200 ms. HE files are fixations of the eyes in the world,
one file for the left eye (`L`), one for the right (`R`).
"""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError
from atsal.gaze.directions import Floats, lonlat_from_uv
from atsal.gaze.readers.parsing.position_checks import LOST_WRITTEN, placeholders
from atsal.gaze.readers.parsing.text_table import TextTable, read_table, require_columns
from atsal.gaze.reading import DropCounter, Reading
from atsal.gaze.records import Fixations, Integers

_FORMAT = "Salient360! scanpath"
_ROUNDING = 1e-6  # of a position beyond [0, 1]
_CLOCK_MS = 1.0  # files are reported to begin up to a fraction of a millisecond before 0
_SHORTEST_MS = 10.0  # no fixation, and no step from one to the next, is shorter in the median
_LONGEST_MS = 60_000.0  # stimuli last 20 or 25 s

Mask = NDArray[np.bool_]


def read_salient360(path: Path) -> Reading[Fixations]:
    """Read the scanpaths of all viewers of one image or video.

    Viewers are named by their order, "1", "2", …. Times and frames are there if the file has them; frames count from 0.
    An index that leaves numbers out is read as the same viewer's, with a note. One that falls back to another number
    than 0 means that the start of a viewer is missing: refused, for the row could belong to anyone. Times in seconds
    are converted, with a note. Raises `DataError` for a file of another structure or unit.
    """
    table = read_table(path)
    names = {name: " ".join(re.split(r"[\s_]+", name.lower())) for name in table.columns}
    table = replace(table, columns={names[name]: values for name, values in table.columns.items()})
    require_columns(table, ("idx", "longitude", "latitude"), _FORMAT)
    if not len(table):
        raise DataError(f"{path}: a header without rows; expected the scanpaths of all viewers: copy the file again")
    return _Rows(table).reading()


def merge_eyes(left: Reading[Fixations], right: Reading[Fixations]) -> Reading[Fixations]:
    """The fixations of both eyes, each viewer's together and in order of time, under one name.

    Every look then counts **twice**, once an eye: fit for a density, not for counts or for scanpaths. Viewers are
    matched by their order; `DataError` where the files do not have as many.
    """
    eyes = (left.records, right.records)
    counts = [max((int(name) for name in eye.observers), default=0) for eye in eyes]
    if counts[0] != counts[1]:
        raise DataError(
            f"the left eye's file has {counts[0]} viewers, the right eye's {counts[1]}: viewers are known by their"
            " order only, so they cannot be matched; use one eye"
        )
    both = Fixations.concatenate(eyes)
    onset = np.zeros(len(both)) if both.onset_s is None else both.onset_s
    both = both.select(np.lexsort((onset, both.observer.astype(np.int64))))
    drops = DropCounter()
    drops.merge((*left.drops, *right.drops))
    note = "both eyes: every look counts twice"
    return Reading(both, drops.result(), (*left.notes, *right.notes, note))


class _Rows:
    """The rows of a file and which of them are kept so far."""

    def __init__(self, table: TextTable) -> None:
        self.table = table
        self.drops = DropCounter()
        self.notes: list[str] = []
        self.kept = np.ones(len(table), bool)
        self._drop(_repeated(table) & (table.numbers("idx") != 0), "the row before once more")
        self.viewer = self._viewers()

    def reading(self) -> Reading[Fixations]:
        u, v = self._positions()
        onset_ms, duration_ms = self._onsets(), self._durations()
        first, last = self._frames()
        lon, lat = lonlat_from_uv(u, v)
        onset_s = None if onset_ms is None else onset_ms / 1000
        columns = (self.viewer.astype(np.str_), lon, lat, onset_s, duration_ms, first, last)
        fixations = Fixations(*(None if column is None else column[self.kept] for column in columns))  # type: ignore[arg-type]
        return Reading(fixations, self.drops.result(), tuple(self.notes))

    def _drop(self, wrong: Mask, reason: str) -> None:
        wrong = wrong & self.kept
        if wrong.any():
            self.drops.add(reason, self.table.where(int(np.argmax(wrong))), int(wrong.sum()))
            self.kept = self.kept & ~wrong

    def _note(self, which: Mask, text: str) -> None:
        if which.any():
            self.notes.append(f"{self.table.where(int(np.argmax(which)))}: {text} ({which.sum()} x in the file)")

    def _viewers(self) -> Integers:
        """Number of the viewer of each row, from 1."""
        index = self.table.integers("idx")
        step = np.diff(index, prepend=index[0])
        begins = (index == 0) & self.kept
        lost = ~begins & (step <= 0) & self.kept
        if lost.any():
            row = int(np.argmax(lost))
            before = "nothing" if row == 0 else str(index[row - 1])
            raise DataError(
                f"{self.table.where(row)}: Idx is {index[row]} after {before}, expected 0 for the next viewer or a"
                " number that goes on: the start of a viewer is missing; copy or download the file again"
            )
        gap = ~begins & (step > 1)
        self._note(gap, "fixations are missing before this one; taken as the same viewer's")
        return np.cumsum(begins).astype(np.int64)

    def _positions(self) -> tuple[Floats, Floats]:
        table, positions = self.table, []
        outside = np.zeros(len(table), bool)
        longitude, latitude = (self._finite(name) for name in ("longitude", "latitude"))
        inside = (np.abs(longitude - 0.5) <= 0.5) & (np.abs(latitude - 0.5) <= 0.5)  # NaN is not
        written = placeholders(longitude, latitude, inside, self.viewer)
        self._drop(written, LOST_WRITTEN)
        for name in ("longitude", "latitude"):
            values = np.where(written, 0.5, self._finite(name))
            self._drop(np.isnan(values), f"{name} missing")
            wrong = (values < -_ROUNDING) | (values > 1 + _ROUNDING)
            if wrong.sum() > len(table) / 2:
                raise DataError(
                    f"{table.path}: {name} is outside [0, 1] in {wrong.sum()} of {len(table)} rows (as"
                    f" {values[np.argmax(wrong)]:g}, line {table.line[np.argmax(wrong)]}): degrees, radians or pixels?"
                    f" Expected a {_FORMAT} with positions in [0, 1]"
                )
            outside |= wrong
            positions.append(np.clip(values, 0, 1))
        self._drop(outside, "position outside [0, 1]")
        return positions[0], positions[1]

    def _finite(self, name: str) -> Floats:
        """A column of numbers; infinite ones count as missing."""
        values = self.table.numbers(name)
        return np.where(np.isfinite(values), values, np.nan)

    def _onsets(self) -> Floats | None:
        """Milliseconds."""
        if "start timestamp" not in self.table.columns:
            self.notes.append(f"{self.table.path}: no column 'start timestamp'; read without times")
            return None
        onset = self._finite("start timestamp")
        same = self.viewer[1:] == self.viewer[:-1]
        onset = self._milliseconds("start timestamp", onset, np.diff(onset)[same])
        self._drop(np.isnan(onset), "start timestamp missing")
        self._drop(onset < -_CLOCK_MS, "start timestamp before 0")
        self._note(self.kept & (onset < 0), "starts less than 1 ms before 0; taken as 0")
        onset = np.maximum(onset, 0)
        latest = np.where(self.kept, onset, 0)
        for viewer in np.unique(self.viewer):
            own = self.viewer == viewer
            latest[own] = np.maximum.accumulate(latest[own])
        self._drop(onset < latest, "start timestamp before that of an earlier fixation")
        return onset

    def _durations(self) -> Floats | None:
        """Milliseconds."""
        if "duration" not in self.table.columns:
            return None
        duration = self._finite("duration")
        duration = self._milliseconds("duration", duration, duration)
        self._drop(np.isnan(duration), "duration missing")
        self._drop(duration < 0, "duration below 0")
        return duration

    def _milliseconds(self, name: str, values: Floats, lengths: Floats) -> Floats:
        """The column in ms; its unit told by `lengths`: of fixations, or from one fixation to the next."""
        lengths = lengths[lengths > 0]  # nor where one is missing
        if not len(lengths):
            return values
        middle = float(np.median(lengths))
        if _SHORTEST_MS <= middle <= _LONGEST_MS:
            return values
        if _SHORTEST_MS / 1000 <= middle < _SHORTEST_MS:
            self.notes.append(
                f"{self.table.path}: {name} is in seconds (median length {middle:.3g}); made milliseconds"
            )
            return values * 1000
        raise DataError(
            f"{self.table.path}: {name}: fixations, or steps from one to the next, of {middle:.3g} in the median are"
            " neither milliseconds nor seconds; expected milliseconds"
        )

    def _frames(self) -> tuple[Integers | None, Integers | None]:
        """First and last frame, from 0."""
        names = ("start frame", "end frame")
        if not any(name in self.table.columns for name in names):
            return None, None
        require_columns(self.table, names, _FORMAT)
        (first, began), (last, ended) = (self.table.integers_given(name) for name in names)
        first, last = first - 1, last - 1
        self._drop(~(began & ended), "start or end frame missing")
        self._note_count_from_0(first)
        self._drop(first < 0, "start frame below 1")
        self._drop(last < first, "end frame before the start frame")
        return first, last

    def _note_count_from_0(self, first: Integers) -> None:
        """`first` is -1 where the file says frame 0."""
        begins = np.flatnonzero(np.diff(self.viewer, prepend=0))
        if 2 * (first[begins] == -1).sum() > len(begins):
            self.notes.append(
                f"{self.table.path}: most viewers begin in frame 0, where frames are promised to count from 1: if the "
                "file counts from 0, all frames here are one too low"
            )


def _repeated(table: TextTable) -> Mask:
    """The rows that say the same as the row before, all columns alike."""
    rows = list(zip(*table.columns.values(), strict=True))
    return np.array([False, *(row == before for before, row in pairwise(rows))], bool)
