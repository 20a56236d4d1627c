"""Sport360 gaze (Zhang et al., Saliency Detection in 360° Videos, ECCV 2018): one pickle of the whole set, `vinfo.pkl`.

    {"217": {"0001": [(x, y), ...], "0002": [...], ...}, ...}

Videos are named by number, frames like their pictures, counted from **1**. A point is one viewer's gaze in [0, 1] of
the picture, x from its left border, y from its **top**. Viewers are not told apart, and there are no times.

Source: the authors' training code (xuyanyu-shh/Saliency-detection-in-360-video, `data.py`), which maps a point to
column x W and row y H, and takes the frame as the name of the picture.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from atsal.errors import DataError
from atsal.gaze.checked_records import CheckedRecords
from atsal.gaze.directions import Floats, lonlat_from_uv
from atsal.gaze.readers.parsing.checked_table import RowFilter
from atsal.gaze.readers.parsing.load_pickle import load_pickle
from atsal.gaze.readers.parsing.position_checks import fractions
from atsal.gaze.records import Fixations
from atsal.untrusted.text import escape_controls, short_repr

OBSERVER = "all"  # the viewers' names are unknown

_ENDING = re.compile(r"\.(?:jpe?g|png|0)$", re.IGNORECASE)  # of a picture's name, or of a float like 12.0


def read_sport360(path: Path) -> dict[str, CheckedRecords[Fixations]]:
    """Read the gaze of every video, by name; `first_frame` = `last_frame` count from 0, the observer is "all".

    Points that are missing or outside [0, 1], and frames below 1 are dropped and counted. Raises `DataError` for a
    pickle that cannot be read safely, one of another structure, and a video with more than half of its points outside
    [0, 1].
    """
    document = load_pickle(path)
    if not isinstance(document, dict) or not document or not all(isinstance(name, str | int) for name in document):
        raise DataError(f"{path}: holds {_describe(document)}, expected {{video: {{frame: [(x, y), ...]}}}}")
    videos = {str(name): frames for name, frames in document.items()}
    return {name: _read_video(f"{path}, video {escape_controls(name[:80])}", frames) for name, frames in videos.items()}


def _read_video(label: str, frames: Any) -> CheckedRecords[Fixations]:
    if not isinstance(frames, dict):
        raise DataError(f"{label}: holds {_describe(frames)}, expected {{frame: [(x, y), ...]}}")
    numbers = np.array([_frame_number(label, name) for name in frames], np.int64)
    parts = [_read_points(f"{label}, frame {n}", points) for n, points in zip(numbers, frames.values(), strict=True)]
    order = np.argsort(numbers, kind="stable")
    x, y = np.concatenate([np.empty((0, 2)), *(parts[n] for n in order)]).T
    frame = np.repeat(numbers[order], [len(parts[n]) for n in order])
    rows = RowFilter(len(frame), lambda row: f"{label}, frame {frame[row]}")
    rows.drop(frame < 1, "frame below 1")
    x, y = rows.check_positions(x, y, fractions())
    lon, lat = lonlat_from_uv(x[rows.used], y[rows.used])
    index = frame[rows.used] - 1
    return rows.result(Fixations(np.full(len(lon), OBSERVER), lon, lat, first_frame=index, last_frame=index))


def _frame_number(label: str, name: Any) -> int:
    text = _ENDING.sub("", str(name)) if isinstance(name, str | int | float) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise DataError(f"{label}: a frame named {short_repr(name)}, expected a number such as 0001")
    return int(text)


def _read_points(label: str, points: Any) -> Floats:
    try:
        if isinstance(points, list | tuple):  # None is a viewer whose gaze was lost
            points = [(np.nan, np.nan) if point is None else point for point in points]
        found = np.asarray(points, np.float64)
    except (TypeError, ValueError):
        found = np.empty(())
    if found.shape == (0,):
        return found.reshape(0, 2)
    if found.ndim != 2 or found.shape[1] != 2:
        raise DataError(f"{label}: holds {_describe(points)}, expected a list of points (x, y)")
    return found


def _describe(value: Any) -> str:
    return f"{type(value).__name__} {short_repr(value)}"
