"""VR-EyeTracking gaze (Xu et al., Gaze Prediction in Dynamic 360° Immersive Videos, CVPR 2018): one text file a viewer
and video, `Gaze_txt_files/p001/180._2017-10-13-10-28_ori_0.txt`, without header, separated by commas:

    frame, 1, forward, 0.5, 0.5, eye, 0.48, 0.52

| column | content |
|---|---|
| 1, 3, 6 | the words `frame`, `forward`, `eye`; not looked at |
| 2 | frame of the video, counted from **1** |
| 4, 5 | position of the head, x and y in [0, 1] of the picture, from its **left lower** corner |
| 7, 8 | position of the gaze in the world, the same |

Sources: the release's README (columns, frames from 1, positions as shares of the panorama "computed from left bottom
corner"); public readers of the set agree (Romero Rondón et al., TRACK). There is one row a frame, so the rate is the
video's, which the file does not tell.
"""

from pathlib import Path

import numpy as np

from atsal.errors import DataError, ShapeError
from atsal.gaze.directions import Floats, lonlat_from_uv, unit_vectors
from atsal.gaze.readers.parsing.normalised_positions import shares_of_frame
from atsal.gaze.readers.parsing.text_table import read_table
from atsal.gaze.reading import DropCounter, Reading
from atsal.gaze.records import MOST_FRAMES, GazeSamples

_COLUMNS = ("label 1", "frame", "label 2", "head x", "head y", "label 3", "gaze x", "gaze y")


def read_vr_eyetracking(path: Path, frames_per_s: float | None = None) -> Reading[GazeSamples]:
    """Read one viewer's samples of one video, with `head` and `head_eye`; the viewer is the folder's name.

    `frame_index` counts from 0; times are there if `frames_per_s` of the video is given. Dropped and counted: rows
    without a position or a frame, with a position outside [0, 1], with a frame below 1, and repeated ones. `DataError`:
    another number of columns, a text where a number belongs, no rows, and more than half of the positions outside
    [0, 1].
    """
    if frames_per_s is not None and not 0 < frames_per_s < np.inf:
        raise ShapeError(f"frames_per_s {frames_per_s}: expected a positive number")
    table = read_table(path, _COLUMNS)
    if not len(table):
        raise DataError(f"{path}: the file is empty; expected a row a frame: copy or download it again")
    drops, notes = DropCounter(), []
    frame, given = table.integers_given("frame")
    usable = np.ones(len(table), bool)
    wrong_rows = {
        "the same row once more": table.repeats("frame"),
        "no frame": ~given,
        "frame below 1": given & (frame < 1),
        "frame that no video has": frame > MOST_FRAMES,
    }
    for reason, rows in wrong_rows.items():
        wrong = rows & usable
        drops.add(reason, table.where(int(np.argmax(wrong))), int(wrong.sum()))
        usable &= ~wrong
    frame = frame - 1
    positions = np.stack([table.numbers(name) for name in _COLUMNS if name[-2:] in (" x", " y")], 1)
    positions, inside = shares_of_frame(path, positions, table.where, drops, usable)
    kept = np.flatnonzero(inside)
    if (np.diff(frame[kept]) < 0).any():
        kept = kept[np.argsort(frame[kept], kind="stable")]
        notes.append(f"{path}: rows out of order of frame; sorted")
    head, gaze = (_vectors(positions[kept, i], positions[kept, i + 1]) for i in (0, 2))
    times = None if frames_per_s is None else frame[kept] / frames_per_s
    samples = GazeSamples(path.resolve().parent.name, times, frame[kept], head=head, head_eye=gaze)
    return Reading(samples, drops.result(), tuple(notes))


def _vectors(x: Floats, y_up: Floats) -> Floats:
    return unit_vectors(*lonlat_from_uv(x, 1 - y_up))
