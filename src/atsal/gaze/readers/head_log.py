"""A plain log of where viewers of one video looked: a CSV or Parquet table with one row per sample.

| column | content |
|---|---|
| `timestamp_s` | seconds since the first frame of the video, ascending for each viewer |
| `yaw_deg` | degrees, 0 at the centre of the frame, + to the right, -180 to 180 |
| `pitch_deg` | degrees, + up, -90 to 90 |
| `viewer` | a name; may be left out if the log is of one viewer |
"""

from pathlib import Path

import numpy as np

from atsal.errors import DataError
from atsal.gaze.directions import unit_vectors
from atsal.gaze.readers.parsing.checked_table import CheckedTable
from atsal.gaze.readers.parsing.position_checks import degrees
from atsal.gaze.readers.parsing.text_table import load_table
from atsal.gaze.records import GazeSamples, rows_of_each

COLUMNS = ("timestamp_s", "yaw_deg", "pitch_deg")
ONLY_VIEWER = "viewer"
_ENOUGH_STEPS = 20  # to tell the unit of the times
_LONGEST_STEP_S = 2.0  # in the median; logs in milliseconds have steps of 4 and more


def read_head_log(path: Path) -> tuple[GazeSamples, ...]:
    """Read the samples (`head` and `timestamp_s`) of each viewer, in order of appearance.

    Raises `DataError`, naming the file and the line, for a missing column, a text or value that is out of range, a
    time that goes back, times in another unit than seconds, and a table without rows.
    """
    table = load_table(path)
    table.require_columns(COLUMNS, "head log")
    if not len(table):
        raise DataError(f"{path}: a header without rows; expected samples of at least one viewer")
    rows = CheckedTable(table, strict=True)
    has_names = "viewer" in table.columns
    viewer = rows.names("viewer", "viewer") if has_names else np.full(len(table), ONLY_VIEWER)
    time_s = rows.times("timestamp_s")
    yaw, pitch = rows.positions(degrees(("yaw_deg", "pitch_deg")))
    head = unit_vectors(np.radians(yaw), np.radians(pitch))
    tracks = []
    for name, own in rows_of_each(viewer).items():
        table.check_time_order(own, time_s[own], name)
        tracks.append(GazeSamples(name, time_s[own], head=head[own]))
    _check_unit(path, tracks)
    return tuple(tracks)


def _check_unit(path: Path, tracks: list[GazeSamples]) -> None:
    steps_s = np.concatenate([np.diff(track.timestamp_s) for track in tracks if track.timestamp_s is not None])
    if len(steps_s) >= _ENOUGH_STEPS and np.median(steps_s) > _LONGEST_STEP_S:
        raise DataError(
            f"{path}: a sample every {np.median(steps_s):g} s (median); expected at most {_LONGEST_STEP_S:g} s between "
            "samples. Is timestamp_s in milliseconds? Convert it to seconds"
        )
