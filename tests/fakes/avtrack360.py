"""AVTrack360 as it is released: JSON logs of head rotations, and the videos, or stills of them, beside."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np

from fakes.gaze import Target

LENGTH_S = 4.0  # the first 2 s are the start position
FIRST_VIEWER = 2  # the real set has no viewer 1


def write_avtrack360(
    root: Path, *, items: int = 2, observers: int = 3, seed: int = 0, stills: bool = False
) -> dict[str, Target]:
    """Write `root/AVTrack360_dataset`; the heads follow the target, or rest on where it is in the still."""
    folder = root / "AVTrack360_dataset"
    targets = {str(number): Target(seed + number) for number in range(1, items + 1)}
    (folder / "SRC_info").mkdir(parents=True)
    (folder / "Head_rotation").mkdir()
    for name, target in targets.items():
        (folder / "SRC_info" / f"{name}.json").write_text('{"streams": []}')
        if stills:
            target.write_image(folder / "frames" / f"{name}.webp")
        else:
            target.write_video(folder / f"{name}.mp4", seconds=LENGTH_S)
    rng = np.random.default_rng(seed)
    for viewer in range(FIRST_VIEWER, FIRST_VIEWER + observers):
        clips = [_clip(name, target, rng, moves=not stills) for name, target in targets.items()]
        text = json.dumps({"data": clips, "label": str(viewer)})
        (folder / "Head_rotation" / f"{viewer}.json").write_text(text)
    return targets


def _clip(name: str, target: Target, rng: np.random.Generator, *, moves: bool) -> dict[str, object]:
    rows = []
    for time_s in np.arange(0.2, LENGTH_S, 0.1):
        lon, lat = np.rad2deg(target.look(rng, time_s if moves else 0.0)) if time_s > 1.5 else (0, 0)
        rows.append({"pitch": -round(float(lat)), "roll": 1, "sec": round(float(time_s), 3), "yaw": round(float(lon))})
    return {
        "filename": f"{name}.mp4",
        "hmd": "vive",
        "video_length_in_s": LENGTH_S,
        "pitch_yaw_roll_data_hmd": rows,
    }


def pack(folder: Path, archive: Path) -> None:
    """A .tar.xz of the logs in `folder`, in the same bytes each time."""
    with tarfile.open(archive, "w:xz") as packed:
        for file in sorted(folder.rglob("*.json")):
            entry = tarfile.TarInfo(f"./{file.relative_to(folder.parent).as_posix()}")
            content = file.read_bytes()
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
