"""Sport360 gaze (Zhang et al., Saliency Detection in 360° Videos, ECCV 2018): one pickle of the whole set, `vinfo.pkl`.

    {"217": {"0001": [(x, y), ...], "0002": [...], ...}, ...}

Videos are named by number, frames as their pictures, counted from **1**. A point is one viewer's gaze in [0, 1] of the
picture, x from its left border, y from its **top**. Viewers are not told apart, and there are no times.

Source: the authors' training code (xuyanyu-shh/Saliency-detection-in-360-video, `data.py`), which lays a point on
column x W and row y H of the map, and takes the frame as the name of the picture.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from atsal.errors import DataError
from atsal.gaze.directions import lonlat_from_uv
from atsal.gaze.readers.parsing.normalised_positions import shares_of_frame
from atsal.gaze.readers.parsing.restricted_pickle import load
from atsal.gaze.reading import DropCounter, Reading
from atsal.gaze.records import Fixations
from atsal.untrusted.text import escape_controls, short_repr

_ENDING = re.compile(r"\.(?:jpe?g|png|0)$", re.IGNORECASE)  # of a picture's name; 12.0 is a number of Python
OBSERVER = "all"  # the viewers' names are unknown


def read_sport360(path: Path) -> dict[str, Reading[Fixations]]:
    """Read the gaze of every video, by its name; `first_frame` = `last_frame` count from 0, the observer is "all".

    Dropped and counted: points that are missing or outside [0, 1], and frames below 1. Raises `DataError` for a pickle
    that cannot be read safely, one of another structure, and a video with more than half of its points outside [0, 1].
    """
    document = load(path)
    if not isinstance(document, dict) or not document or not all(isinstance(name, str | int) for name in document):
        raise DataError(f"{path}: holds {_what(document)}, expected {{video: {{frame: [(x, y), ...]}}}}")
    return {
        str(video): _video(path, f"{path}, video {escape_controls(str(video)[:80])}", frames)
        for video, frames in document.items()
    }


def _video(path: Path, where: str, frames: Any) -> Reading[Fixations]:
    if not isinstance(frames, dict):
        raise DataError(f"{where}: holds {_what(frames)}, expected {{frame: [(x, y), ...]}}")
    by_number = sorted(((_number(where, name), points) for name, points in frames.items()), key=lambda entry: entry[0])
    parts = [_points(f"{where}, frame {number}", points) for number, points in by_number]
    positions = np.concatenate([np.empty((0, 2)), *parts])
    frame = np.repeat(np.array([number for number, _ in by_number], np.int64), [len(part) for part in parts]) - 1
    drops = DropCounter()
    early = np.flatnonzero(frame < 0)
    if len(early):
        drops.add("frame below 1", f"{where}, frame {frame[early[0]] + 1}", len(early))
    positions, kept = shares_of_frame(
        path, positions, lambda row: f"{where}, frame {frame[row] + 1}", drops, frame >= 0
    )
    lon, lat = lonlat_from_uv(positions[kept, 0], positions[kept, 1])
    observer = np.full(len(lon), OBSERVER)
    return Reading(Fixations(observer, lon, lat, first_frame=frame[kept], last_frame=frame[kept]), drops.result())


def _number(where: str, name: Any) -> int:
    text = _ENDING.sub("", str(name)) if isinstance(name, str | int | float) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise DataError(f"{where}: a frame named {short_repr(name)}, expected a number as 0001")
    return int(text)


def _points(where: str, points: Any) -> Any:
    try:
        if isinstance(points, list | tuple):  # a viewer whose gaze was lost
            points = [(np.nan, np.nan) if point is None else point for point in points]
        found = np.asarray(points, np.float64)
    except (TypeError, ValueError):
        found = np.empty(())
    if found.shape == (0,):
        return found.reshape(0, 2)
    if found.ndim != 2 or found.shape[1] != 2:
        raise DataError(f"{where}: holds {_what(points)}, expected a list of points (x, y)")
    return found


def _what(value: Any) -> str:
    return f"{type(value).__name__} {short_repr(value)}"
