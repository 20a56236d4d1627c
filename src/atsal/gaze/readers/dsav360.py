"""D-SAV360 gaze (Bernal-Berdun et al., ISMAR 2023): a CSV file a video, `gaze_data/gaze_video_0001.csv`, all viewers.

| column | content |
|---|---|
| `id`, `video` | viewer; number of the video |
| `frame` | frame of the video, counted from 0 |
| `t` | time; its unit is **not documented** and told here from the frames |
| `u`, `v` | gaze in [0, 1] of the picture, u from its left border, v from its **top** |
| `fixation` | 1 (or True) where the sample belongs to a fixation |
| `valid_fix_classification` | 1 where that could be told |

Rows with frame 0, u = 0.5 and v = 0.5 are no measurements. Source: the authors' scripts (edurnebernal/D-SAV360), which
drop those rows, lay (u, v) on the map's column and row, take frames of the video by the same number from 0, take 60
frames a second, and count each run of samples marked as fixation once.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import DataError, ShapeError
from atsal.gaze.directions import Floats, lonlat_from_uv, lonlat_from_vectors, unit_vectors
from atsal.gaze.readers.parsing.normalised_positions import shares_of_frame
from atsal.gaze.readers.parsing.position_checks import recordings
from atsal.gaze.readers.parsing.text_table import TextTable, read_table, require_columns
from atsal.gaze.reading import DropCounter, Reading
from atsal.gaze.records import MOST_FRAMES, Fixations, GazeSamples, Integers
from atsal.untrusted.text import short_repr

_COLUMNS = ("id", "video", "frame", "t", "u", "v", "fixation", "valid_fix_classification")
_UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6, "ns": 1e9}  # a second in each
_WHOLE = re.compile(r"^(\d+)\.0+$")
_TRUE, _FALSE = {"1", "1.0", "true"}, {"0", "0.0", "false", "", "nan"}

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DSav360Gaze:
    """The gaze of all viewers of one video."""

    samples: tuple[GazeSamples, ...]  # `head_eye`, one entry a viewer
    fixations: Fixations  # mean direction of each run of samples that the authors marked


def read_dsav360(path: Path, frames_per_s: float = 60.0) -> Reading[DSav360Gaze]:
    """Read the samples and fixations of all viewers of one video.

    A viewer's times count from the first sample, put where its frame is at `frames_per_s`; if `t` fits no unit, there
    are frames only, with a note. Dropped and counted: rows without viewer, frame, position or time, positions outside
    [0, 1], the rows that are no measurements, frames below 0. `DataError`: missing columns, text where a number
    belongs, no rows, another video than in the file's name, more than half of the positions outside [0, 1].
    """
    if not 0 < frames_per_s < np.inf:
        raise ShapeError(f"frames_per_s {frames_per_s}: expected a positive number")
    table = read_table(path)
    require_columns(table, _COLUMNS, "D-SAV360 gaze")
    if not len(table):
        raise DataError(f"{path}: a header without rows; copy or download the file again")
    _check_video(table)
    drops = DropCounter()
    rows = _Rows(table, drops)
    unit, notes = _unit_of_time(rows, frames_per_s)
    samples, fixations = [], []
    for viewer in dict.fromkeys(rows.viewer[rows.kept].tolist()):
        own = np.flatnonzero(rows.kept & (rows.viewer == viewer))
        own = own[np.lexsort((rows.time[own], rows.frame[own]) if unit is None else (rows.frame[own], rows.time[own]))]
        time = None
        if unit is not None:
            time = (rows.time[own] - rows.time[own[0]]) / _UNITS[unit] + rows.frame[own[0]] / frames_per_s
        track = GazeSamples(viewer, time, rows.frame[own], head_eye=rows.vectors[own])
        samples.append(track)
        fixations.append(_fixations(track, rows.fixating[own]))
    gaze = DSav360Gaze(tuple(samples), Fixations.concatenate(fixations))
    return Reading(gaze, drops.result(), notes)


class _Rows:
    """The columns of a file and which rows are kept."""

    def __init__(self, table: TextTable, drops: DropCounter) -> None:
        self.table = table
        # a column of numbers with gaps comes as 12.0
        written = table.names("id")
        names = {name: _WHOLE.sub(r"\1", name) for name in np.unique(written).tolist()}
        self.viewer = np.array([names[name] for name in written.tolist()], np.str_)
        frame, framed = table.integers_given("frame")
        self.frame: Integers = frame
        self.time = table.numbers("t")
        position = np.stack([table.numbers("u"), table.numbers("v")], 1)
        self.fixating = _flags(table, "fixation") & _flags(table, "valid_fix_classification")
        self.kept = np.ones(len(table), bool)
        self._drop(table.repeats("id", "t"), "the same row once more", drops)
        self._drop(~framed, "no frame", drops)
        erroneous = (self.frame == 0) & (position == 0.5).all(1)
        self._drop(erroneous, "frame 0 at the centre, no measurement", drops)
        self._drop(self.viewer == "", "no viewer", drops)
        self._drop(self.frame < 0, "frame below 0", drops)
        self._drop(~np.isfinite(self.time), "no time", drops)
        self._drop(self.frame >= MOST_FRAMES, "frame that no video has", drops)
        position, self.kept = shares_of_frame(
            table.path, position, table.where, drops, self.kept, recording=recordings(self.viewer)
        )
        self.vectors = unit_vectors(*lonlat_from_uv(position[:, 0], position[:, 1]))

    def _drop(self, wrong: Mask, reason: str, drops: DropCounter) -> None:
        wrong = wrong & self.kept
        drops.add(reason, self.table.where(int(np.argmax(wrong))), int(wrong.sum()))
        self.kept &= ~wrong


def _check_video(table: TextTable) -> None:
    named = re.search(r"(\d+)$", table.path.name.partition(".")[0])
    numbers, given = table.integers_given("video")
    other = given & (numbers != (int(named[1]) if named else numbers[np.argmax(given)]))
    if other.any():
        row = int(np.argmax(other))
        expected = f"{int(named[1])} as in the file's name" if named else f"one video, {numbers[np.argmax(given)]}"
        raise DataError(f"{table.where(row)}: video is {numbers[row]}, expected {expected}: is the file another one?")


def _flags(table: TextTable, name: str) -> Mask:
    texts = [text.lower() for text in table.columns[name]]
    for row, text in enumerate(texts):
        if text not in _TRUE and text not in _FALSE:
            raise DataError(f"{table.where(row)}: {name} is {short_repr(text)}, expected 1 or 0, True or False")
    return np.array([text in _TRUE for text in texts], bool)


def _unit_of_time(rows: _Rows, frames_per_s: float) -> tuple[str | None, tuple[str, ...]]:
    """The unit in which `t` grows by one second every `frames_per_s` frames, in the median of the viewers."""
    rates = []
    for viewer in dict.fromkeys(rows.viewer[rows.kept].tolist()):
        own = rows.kept & (rows.viewer == viewer)
        # over the middle half: one frame or time far off does not tell
        frames, times = (np.subtract(*np.percentile(values[own], (75, 25))) for values in (rows.frame, rows.time))
        if frames:
            rates.append(times / frames * frames_per_s)
    rate = float(np.median(rates)) if rates else 0.0
    for name, second in _UNITS.items():
        if 0.7 < rate / second < 1.4:
            return name, () if name == "s" else (f"{rows.table.path}: t is in {name}; made seconds",)
    text = f"t grows by {rate:.4g} in {frames_per_s:g} frames, neither s nor ms, µs or ns: left out, frames are used"
    return None, (f"{rows.table.path}: {text}",)


def _fixations(track: GazeSamples, fixating: Mask) -> Fixations:
    """One fixation for each run of marked samples: mean direction, from the first to the end of the last sample."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], fixating, [False]))))
    first, last = edges[::2], edges[1::2] - 1
    if not len(first) or track.frame_index is None:
        return Fixations.empty()
    vectors = track.vectors("head_eye")
    means = np.array([vectors[a : b + 1].mean(0) for a, b in zip(first, last, strict=True)])
    onset: Floats | None = None
    duration: Floats | None = None
    if track.timestamp_s is not None:
        onset = track.timestamp_s[first]
        step_s = np.nan_to_num(1 / track.sampling_rate_hz())
        duration = (track.timestamp_s[last] - onset + step_s) * 1000
    frames = track.frame_index
    lon, lat = lonlat_from_vectors(means)
    observer = np.full(len(first), track.observer)
    return Fixations(observer, lon, lat, onset, duration, frames[first], np.maximum(frames[first], frames[last]))
