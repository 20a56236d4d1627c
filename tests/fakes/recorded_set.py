"""A prepared set of a photo and a video, both black, with fixations of two viewers in known places at known times."""

from pathlib import Path

import numpy as np

from atsal.datasets import dataset_named
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.gaze.records import Direction, Fixations
from atsal.gaze.tables import write_fixations
from atsal.video.image_writer import write_rgb_png
from atsal.video.writer import VideoWriter

ROWS, RATE, FRAMES = 128, 10, 50
LOOKS = {  # viewer -> (start in s, end in s, yaw, pitch)
    "anna": ((1.0, 1.3, 30, 10), (2.0, 2.5, -60, -20), (3.9, 4.4, 150, 30)),
    "ben": ((1.6, 1.9, -150, 0), (3.0, 3.3, -90, 40)),
}


def write_recorded_set(folder: Path, direction: Direction = "head_eye") -> PreparedSet:
    """Write raw files into `folder/raw` and prepare the items "photo", "video" and "order", which has no times."""
    raw = folder / "raw"
    raw.mkdir(parents=True)
    black = np.zeros((ROWS, 2 * ROWS, 3), np.uint8)
    for name in ("photo", "order"):
        write_rgb_png(raw / f"{name}.png", black)
    with VideoWriter(raw / "video.mp4", (2 * ROWS, ROWS), RATE) as writer:
        for frame in range(FRAMES):
            writer.write(black, frame / RATE)
    for name in ("photo", "video", "order"):
        write_fixations(raw / f"{name}.csv", _fixations(with_times=name != "order"))
    dataset = dataset_named("folder")
    prepare(dataset, raw, folder / "set", preparation_for(dataset, direction=direction, erp_height=64, sigma_deg=4.0))
    return PreparedSet(folder / "set")


def _fixations(*, with_times: bool) -> Fixations:
    rows = [(viewer, *look) for viewer, looks in LOOKS.items() for look in looks]
    observer, start_s, end_s, yaw_deg, pitch_deg = (np.array(column) for column in zip(*rows, strict=True))
    lon, lat = np.radians(yaw_deg.astype(float)), np.radians(pitch_deg.astype(float))
    if not with_times:
        return Fixations(observer, lon, lat)
    return Fixations(observer, lon, lat, start_s, (end_s - start_s) * 1000)
