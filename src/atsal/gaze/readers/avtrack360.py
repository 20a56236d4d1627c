"""AVTrack360 head rotations (Fremerey et al., MMSys 2018): one JSON file a viewer.

`{"label": viewer, "data": [{"filename": "6.mp4", "pitch_yaw_roll_data_hmd": [{"sec", "pitch", "yaw", "roll"}, …]}, …]}`
Angles are whole degrees at about 10 Hz; yaw + to the right, 0 at the frame's centre; **pitch is negative upwards**.
Viewers start at yaw 0.
"""

import json
import math
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atsal.errors import InputError

_VIDEO_NOTES = "SRC_info"  # the data set's folder of JSON files about the videos, beside the viewers'


@dataclass(frozen=True)
class HeadTrack:
    """Where one viewer's head pointed during one video."""

    observer: str
    timestamp_s: NDArray[np.float64]  # (N,)
    lon_rad: NDArray[np.float64]  # (N,) in [-π, π), + to the right
    lat_rad: NDArray[np.float64]  # (N,) in [-π/2, π/2], + up


def read_avtrack360(path: Path) -> dict[str, list[HeadTrack]]:
    """Read every viewer from a folder of JSON files or a tar archive of them.

    Returns the tracks of each video, keyed by its file name without the ending. Raises `InputError`, naming the
    file, for a file of another shape and for a pitch beyond ±90°.
    """
    tracks: dict[str, list[HeadTrack]] = defaultdict(list)
    for name, text in _json_files(path):
        try:
            document = json.loads(text)
            for clip in document["data"]:
                samples = clip["pitch_yaw_roll_data_hmd"]
                columns = np.array([[s["sec"], s["pitch"], s["yaw"]] for s in samples], np.float64).reshape(-1, 3)
                _check_angles(columns, f"{name}, {clip['filename']}")
                lon = np.deg2rad((columns[:, 2] + 180) % 360 - 180)
                track = HeadTrack(str(document["label"]), columns[:, 0], lon, np.deg2rad(-columns[:, 1]))
                tracks[Path(clip["filename"]).stem].append(track)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{name}: not an AVTrack360 head-rotation file ({error!r})") from error
    if not tracks:
        raise InputError(f"{path}: no AVTrack360 JSON files found; expected one a viewer, in a folder or a tar archive")
    return dict(tracks)


def _check_angles(columns: NDArray[np.float64], where: str) -> None:
    if not np.isfinite(columns).all():
        raise InputError(f"{where}: a time or an angle is not a number")
    if columns.size and np.abs(columns[:, 1]).max() > 90:
        raise InputError(f"{where}: pitch {np.abs(columns[:, 1]).max():.0f}°, expected within ±90°")


def _json_files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            if file.parent.name != _VIDEO_NOTES:
                yield str(file), file.read_bytes()
        return
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name)
            wanted = name.suffix == ".json" and name.parent.name != _VIDEO_NOTES
            stream = archive.extractfile(member) if wanted else None
            if stream is not None:
                yield f"{path}:{member.name}", stream.read()


def head_counts(tracks: list[HeadTrack], erp_height: int, *, skip_s: float = 2.0) -> NDArray[np.float64]:
    """How many head samples fall on each pixel of an ERP map, (H, 2H); the first `skip_s` are the start position."""
    counts = np.zeros((erp_height, 2 * erp_height))
    for track in tracks:
        kept = track.timestamp_s >= skip_s
        column = ((track.lon_rad[kept] / (2 * math.pi) + 0.5) * 2 * erp_height).astype(int) % (2 * erp_height)
        row = np.clip(((0.5 - track.lat_rad[kept] / math.pi) * erp_height).astype(int), 0, erp_height - 1)
        np.add.at(counts, (row, column), 1)
    return counts
