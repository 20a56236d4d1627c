"""D-SAV360 gaze (Bernal-Berdun et al., ISMAR 2023): one CSV file per video, `gaze_data/gaze_video_0001.csv`.

| column | content |
|---|---|
| `id`, `video` | viewer; number of the video |
| `frame` | frame of the video, counted from 0 |
| `t` | time; its unit is **not documented** and is detected from the frames |
| `u`, `v` | gaze in [0, 1] of the picture, u from its left border, v from its **top** |
| `fixation` | 1 (or True) where the sample belongs to a fixation |
| `valid_fix_classification` | 1 where that could be decided |

Rows with frame 0, u = 0.5 and v = 0.5 are not measurements. Source: the authors' scripts (edurnebernal/D-SAV360). They
drop those rows, map (u, v) to the map's column and row, number the frames of the video from 0 too, assume 60 frames per
second, and count each run of samples marked as fixation once.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atsal.errors import DataError, ShapeError
from atsal.gaze.checked_records import CheckedRecords
from atsal.gaze.directions import Floats, Integers, Mask, lonlat_from_uv, lonlat_from_vectors, unit_vectors
from atsal.gaze.readers.parsing.checked_table import CheckedTable
from atsal.gaze.readers.parsing.position_checks import fractions, number_recordings
from atsal.gaze.readers.parsing.text_table import TextTable, read_table
from atsal.gaze.readers.parsing.time_units import SECONDS_PER_UNIT, matching_units
from atsal.gaze.records import Fixations, GazeSamples, rows_of_each

_COLUMNS = ("id", "video", "frame", "t", "u", "v", "fixation", "valid_fix_classification")
_WHOLE = re.compile(r"^(\d+)\.0+$")  # pandas writes a column of numbers with gaps as 12.0


@dataclass(frozen=True, eq=False)
class DSav360Gaze:
    """The gaze of all viewers of one video."""

    samples: tuple[GazeSamples, ...]  # `head_eye`, one entry per viewer
    fixations: Fixations  # mean direction of each run of samples that the authors marked


def read_dsav360(path: Path, frames_per_s: float = 60.0) -> CheckedRecords[DSav360Gaze]:
    """Read the samples and fixations of all viewers of one video.

    A viewer's times are relative to the first sample, which is placed at the time of its frame at `frames_per_s`. If
    `t` fits no unit, there are frames only, with a note. Rows without viewer, frame, position or time, with a position
    outside [0, 1] or a frame below 0, and rows that are not measurements are dropped and counted. Raises `DataError`
    for missing columns, text where a number belongs, a file without rows, a video number other than in the file's
    name, and if more than half of the positions are outside [0, 1].
    """
    if not 0 < frames_per_s < np.inf:
        raise ShapeError(f"frames_per_s {frames_per_s}: expected a positive number")
    table = read_table(path)
    table.require_columns(_COLUMNS, "D-SAV360 gaze")
    if not len(table):
        raise DataError(f"{path}: a header without rows; copy or download the file again")
    _check_video(table)
    rows = CheckedTable(table)
    rows.drop_repeats("id", "t")
    u, v = table.numbers("u"), table.numbers("v")
    frame = rows.frames("frame")
    rows.drop((frame == 0) & (u == 0.5) & (v == 0.5), "frame 0 at the centre, no measurement")
    viewer = rows.names("id", "viewer")
    viewer = np.array([_WHOLE.sub(r"\1", name) for name in viewer.tolist()], np.str_)
    time = rows.times("t", lowest=-np.inf)
    u, v = rows.positions(fractions(("u", "v")), recording=number_recordings(viewer))
    vectors = unit_vectors(*lonlat_from_uv(u, v))
    fixating = table.flags("fixation", missing_is_false=True)
    fixating &= table.flags("valid_fix_classification", missing_is_false=True)
    own_rows = [rows.rows[own] for own in rows_of_each(viewer[rows.rows]).values()]
    unit, notes = _detect_unit(path, [(frame[own], time[own]) for own in own_rows], frames_per_s)
    tracks, fixations = [], []
    for rows_of_viewer in own_rows:
        keys = (time, frame) if unit is None else (frame, time)
        own = rows_of_viewer[np.lexsort([key[rows_of_viewer] for key in keys])]
        time_s = None
        if unit is not None:
            time_s = (time[own] - time[own[0]]) * SECONDS_PER_UNIT[unit] + frame[own[0]] / frames_per_s
        tracks.append(GazeSamples(str(viewer[own[0]]), time_s, frame[own], head_eye=vectors[own]))
        fixations.append(_marked_fixations(tracks[-1], fixating[own]))
    return rows.result(DSav360Gaze(tuple(tracks), Fixations.concatenate(fixations)), notes)


def _check_video(table: TextTable) -> None:
    named = re.search(r"(\d+)$", table.path.name.partition(".")[0])
    numbers, given = table.integers_or_missing("video")
    other = given & (numbers != (int(named[1]) if named else numbers[np.argmax(given)]))
    if other.any():
        row = int(np.argmax(other))
        expected = f"{int(named[1])} as in the file's name" if named else f"one video, {numbers[np.argmax(given)]}"
        raise DataError(f"{table.where(row)}: video is {numbers[row]}, expected {expected}: is this another file?")


def _detect_unit(
    path: Path, viewers: list[tuple[Integers, Floats]], frames_per_s: float
) -> tuple[str | None, tuple[str, ...]]:
    """Return the unit in which `t` grows by one second every `frames_per_s` frames, in the median of the viewers.

    `viewers` are the frames and times of each. Only their middle half is used, so that single outliers do not matter.
    """
    rates = []
    for columns in viewers:
        frames, times = (np.subtract(*np.percentile(values, (75, 25))) for values in columns)
        if frames:
            rates.append(times / frames * frames_per_s)
    rate = float(np.median(rates)) if rates else 0.0
    units = matching_units(rate, (0.7, 1.4))
    if units:
        return units[0], () if units[0] == "s" else (f"{path}: t is in {units[0]}, not in s; converted",)
    found = f"t grows by {rate:.4g} in {frames_per_s:g} frames, which is neither s nor ms, µs or ns"
    return None, (f"{path}: {found}; times are left out, frames are used",)


def _marked_fixations(track: GazeSamples, fixating: Mask) -> Fixations:
    """Return one fixation per run of marked samples: mean direction, from the first sample to the end of the last."""
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
        duration = (track.timestamp_s[last] - onset + np.nan_to_num(1 / track.sampling_rate_hz())) * 1000
    frames = track.frame_index
    observer = np.full(len(first), track.observer)
    lon, lat = lonlat_from_vectors(means)
    return Fixations(observer, lon, lat, onset, duration, frames[first], np.maximum(frames[first], frames[last]))
