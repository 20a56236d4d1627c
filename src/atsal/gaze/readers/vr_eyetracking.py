"""VR-EyeTracking gaze (Xu et al., Gaze Prediction in Dynamic 360° Immersive Videos, CVPR 2018).

One text file per viewer and video, `Gaze_txt_files/p001/180._2017-10-13-10-28_ori_0.txt`, comma-separated, no header:

    frame, 1, forward, 0.5, 0.5, eye, 0.48, 0.52

| column | content |
|---|---|
| 1, 3, 6 | the words `frame`, `forward`, `eye`; ignored |
| 2 | frame of the video, counted from **1** |
| 4, 5 | position of the head, x and y in [0, 1] of the picture, from its **lower left** corner |
| 7, 8 | position of the gaze in the world, in the same way |

Sources: the README of the release (columns, frames from 1, positions as fractions of the panorama "computed from left
bottom corner"); public readers of the set agree (Romero Rondón et al., TRACK). There is one row per frame, so the
sampling rate is that of the video, which the file does not give.
"""

from pathlib import Path

import numpy as np

from atsal.errors import DataError, ShapeError
from atsal.gaze.checked_records import CheckedRecords
from atsal.gaze.directions import lonlat_from_uv, unit_vectors
from atsal.gaze.readers.parsing.checked_table import CheckedTable
from atsal.gaze.readers.parsing.position_checks import fractions
from atsal.gaze.readers.parsing.text_table import read_table
from atsal.gaze.records import GazeSamples

_COLUMNS = ("label 1", "frame", "label 2", "head x", "head y", "label 3", "gaze x", "gaze y")


def read_vr_eyetracking(path: Path, frames_per_s: float | None = None) -> CheckedRecords[GazeSamples]:
    """Read one viewer's samples of one video, with `head` and `head_eye`; the observer is the folder's name.

    `frame_index` counts from 0. Times are given if `frames_per_s` of the video is. Rows without a position or a frame,
    with a position outside [0, 1] or a frame below 1, and repeated rows are dropped and counted. Raises `DataError` for
    another number of columns, text where a number belongs, a file without rows, and if more than half of the positions
    are outside [0, 1].
    """
    if frames_per_s is not None and not 0 < frames_per_s < np.inf:
        raise ShapeError(f"frames_per_s {frames_per_s}: expected a positive number")
    rows = CheckedTable(read_table(path, _COLUMNS))
    if not len(rows.table):
        raise DataError(f"{path}: the file is empty; expected one row per frame: copy or download it again")
    rows.drop_repeats("frame")
    frame = rows.frames("frame", first=1)
    vectors = {}
    for direction in ("head", "gaze"):
        x, y = rows.positions(fractions((f"{direction} x", f"{direction} y")))
        vectors[direction] = unit_vectors(*lonlat_from_uv(x, 1 - y))
    used, notes = rows.rows, list[str]()
    if (np.diff(frame[used]) < 0).any():
        used = used[np.argsort(frame[used], kind="stable")]
        notes.append(f"{path}: rows are not in order of frame; sorted")
    times = None if frames_per_s is None else frame[used] / frames_per_s
    head, gaze = vectors["head"][used], vectors["gaze"][used]
    samples = GazeSamples(path.resolve().parent.name, times, frame[used], head=head, head_eye=gaze)
    return rows.result(samples, tuple(notes))
