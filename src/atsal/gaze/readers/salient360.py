"""Salient360! scanpaths of images (Rai 2017, Gutiérrez 2018) and videos (David et al., MMSys 2018).

All viewers of a stimulus are in one text file, one after the other, separated by commas:

| column | content |
|---|---|
| `Idx` | number of the fixation, from 0; where it returns to 0 the **next viewer** begins. Viewers have no names. |
| `longitude`, `latitude` | [0, 1] of the equirectangular picture: from its left border, from its **top** |
| `start timestamp` | milliseconds since the start |
| `duration` | milliseconds |
| `start frame`, `end frame` | videos only, counted from **1**, the end inclusive |

Videos have all seven columns. Images have the first four, or five; which of them have a duration is not verified.
Names may contain spaces, and the header may begin with a `#`. Sources: the header of a released video file; the
authors' own tools of 2018, which take columns 0-3 of an image's file and 0, 1, 2, 5, 6 of a video's and begin a viewer
at index 0; the Salient360! toolbox (`helper.py`), whose vector of a fixation has z = cos(π latitude), so that latitude
0 is the top, and which draws it at (longitude W, latitude H) of the picture.

H files are paths of the head; for videos they hold one position every 200 ms. HE files are fixations of the eyes in the
world, one file for the left eye (`L`), one for the right (`R`).
"""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords, DropCounter
from atsal.gaze.directions import Floats, Integers, Mask, lonlat_from_uv
from atsal.gaze.readers.parsing.checked_table import CheckedTable
from atsal.gaze.readers.parsing.position_checks import fractions
from atsal.gaze.readers.parsing.text_table import TextTable, read_table
from atsal.gaze.readers.parsing.time_units import convert_times, median_or_nan
from atsal.gaze.records import Fixations

_FORMAT = "Salient360! scanpath"
_EARLIEST_MS = -1.0  # files are reported to begin up to a fraction of a millisecond before 0
_LENGTH_S = (0.01, 60.0)  # median of fixations, and of the steps from one to the next; stimuli last 20 or 25 s
_START, _DURATION, _FRAMES = "start timestamp", "duration", ("start frame", "end frame")


def read_salient360(path: Path) -> CheckedRecords[Fixations]:
    """Read the scanpaths of all viewers of one image or video.

    Viewers are named by their order, "1", "2", …. Times and frames are given if the file has them; frames count from 0.
    If an index skips numbers, the row is read as the same viewer's, with a note. If it falls back to another number
    than 0, the start of a viewer is missing and the file is refused, because the row could belong to anyone. Times in
    seconds are converted, with a note. Raises `DataError` for a file of another structure or unit.
    """
    table = read_table(path)
    names = {name: " ".join(re.split(r"[\s_]+", name.lower())) for name in table.columns}
    table = replace(table, columns={names[name]: values for name, values in table.columns.items()})
    table.require_columns(("idx", "longitude", "latitude"), _FORMAT)
    if not len(table):
        raise DataError(f"{path}: a header without rows; expected the scanpaths of all viewers: copy the file again")
    rows, notes = CheckedTable(table), list[str]()
    rows.drop(_equal_row_before(table) & (table.numbers("idx") != 0), "the row before once more")
    viewer = _number_viewers(rows, notes)
    u, v = rows.positions(fractions(("longitude", "latitude")), recording=viewer)
    lon, lat = lonlat_from_uv(u, v)
    onset_ms = _read_onsets(rows, viewer, notes)
    duration_ms = _read_durations(rows, notes)
    first, last = _read_frames(rows, viewer, notes)
    onset_s, used = None if onset_ms is None else onset_ms / 1000, rows.used
    columns = (viewer.astype(np.str_), lon, lat, onset_s, duration_ms, first, last)
    fixations = Fixations(*(None if column is None else column[used] for column in columns))  # type: ignore[arg-type]
    return rows.result(fixations, tuple(notes))


def merge_eyes(left: CheckedRecords[Fixations], right: CheckedRecords[Fixations]) -> CheckedRecords[Fixations]:
    """Return the fixations of both eyes, grouped by viewer, each group in order of time.

    Every look then counts **twice**, once per eye: suitable for a density, not for counts or scanpaths. Viewers are
    matched by their order; `DataError` if the files do not have the same number.
    """
    eyes = (left.records, right.records)
    counts = [max((int(name) for name in eye.observers), default=0) for eye in eyes]
    if counts[0] != counts[1]:
        raise DataError(
            f"the left eye's file has {counts[0]} viewers, the right eye's {counts[1]}: only their order identifies"
            " viewers, so they cannot be matched; use one eye"
        )
    both = Fixations.concatenate(eyes)
    onset = np.zeros(len(both)) if both.onset_s is None else both.onset_s
    both = both.select(np.lexsort((onset, both.observer.astype(np.int64))))
    drops = DropCounter()
    drops.merge((*left.drops, *right.drops))
    return CheckedRecords(both, drops.result(), (*left.notes, *right.notes, "both eyes: every look counts twice"))


def _equal_row_before(table: TextTable) -> Mask:
    """Return which rows equal the row before in all columns."""
    rows = list(zip(*table.columns.values(), strict=True))
    return np.array([False, *(row == before for before, row in pairwise(rows))], bool)


def _note_rows(rows: CheckedTable, which: Mask, text: str, notes: list[str]) -> None:
    if which.any():
        notes.append(f"{rows.where(int(np.argmax(which)))}: {text} ({which.sum()} x in the file)")


def _number_viewers(rows: CheckedTable, notes: list[str]) -> Integers:
    """Return the number of the viewer of each row, from 1."""
    index = rows.table.integers("idx")
    step = np.diff(index, prepend=index[0])
    begins = (index == 0) & rows.used
    back = ~begins & (step <= 0) & rows.used
    if back.any():
        row = int(np.argmax(back))
        before = "nothing" if row == 0 else str(index[row - 1])
        raise DataError(
            f"{rows.where(row)}: Idx is {index[row]} after {before}, expected 0 for the next viewer or a larger number:"
            " the start of a viewer is missing; copy or download the file again"
        )
    gap = ~begins & (step > 1)
    _note_rows(rows, gap, "fixations are missing before this one; taken as the same viewer's", notes)
    return np.cumsum(begins).astype(np.int64)


def _to_milliseconds(table: TextTable, column: str, lengths: Floats, notes: list[str]) -> Floats:
    """Return a column in ms. `lengths` are what its times measure: fixations, or steps from one to the next."""
    typical = median_or_nan(lengths[lengths > 0])  # NaN is not
    values, note = convert_times(
        table.numbers(column),
        typical,
        _LENGTH_S,
        f"{table.path}: {column}",
        promised="ms",
        alternatives=("s",),
        target="ms",
    )
    notes += note
    return values


def _read_onsets(rows: CheckedTable, viewer: Integers, notes: list[str]) -> Floats | None:
    """Return start times in ms, None if the file has none."""
    if _START not in rows.table.columns:
        notes.append(f"{rows.table.path}: no column {_START!r}; read without times")
        return None
    steps = np.diff(rows.table.numbers(_START))[viewer[1:] == viewer[:-1]]
    onset = _to_milliseconds(rows.table, _START, steps, notes)
    rows.drop_bad_times(onset, _START, _EARLIEST_MS)
    _note_rows(rows, rows.used & (onset < 0), "starts less than 1 ms before 0; taken as 0", notes)
    onset = np.maximum(onset, 0)
    rows.drop_backward(onset, f"{_START} before that of an earlier fixation", viewer)
    return onset


def _read_durations(rows: CheckedTable, notes: list[str]) -> Floats | None:
    """Return durations in ms, None if the file has none."""
    if _DURATION not in rows.table.columns:
        return None
    duration = _to_milliseconds(rows.table, _DURATION, rows.table.numbers(_DURATION), notes)
    rows.drop_bad_times(duration, _DURATION)
    return duration


def _read_frames(rows: CheckedTable, viewer: Integers, notes: list[str]) -> tuple[Integers | None, Integers | None]:
    """Return first and last frame, from 0; None if the file has none."""
    if not any(name in rows.table.columns for name in _FRAMES):
        return None, None
    rows.table.require_columns(_FRAMES, _FORMAT)
    first, last = (rows.frames(name, first=1) for name in _FRAMES)
    rows.drop(last < first, "end frame before the start frame")
    begins = np.flatnonzero(np.diff(viewer, prepend=0))
    if 2 * (first[begins] == -1).sum() > len(begins):
        notes.append(
            f"{rows.table.path}: most viewers begin in frame 0, although frames should count from 1: if the file "
            "counts from 0, all frames here are one too low"
        )
    return first, last
