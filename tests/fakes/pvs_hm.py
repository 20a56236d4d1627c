"""A small PVS-HM: real names and layout; videos of 128x64, 1 s at 10 frames a second, two rows a frame."""

from itertools import count
from pathlib import Path

import numpy as np

from atsal.datasets.sets.pvs_hm import VIDEOS
from fakes.gaze import Target

FRAMES = 10
FPS = 10.0


def write_pvs_hm(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """Write the first videos of the set and their matrix; columns as in the authors' code: latitude, longitude."""
    from scipy.io import savemat

    rng = np.random.default_rng(seed)
    targets, content = {}, {}
    for number, name in enumerate(VIDEOS[:items]):
        target = targets[name] = _far_from_the_front(1000 * seed + 100 * number)
        target.write_video(root / f"PVS-HM/{name}.mp4", seconds=FRAMES / FPS, fps=FPS)
        matrix = np.empty((2 * FRAMES, 2 * observers))
        for row in range(2 * FRAMES):
            for viewer in range(observers):
                lon, lat = np.rad2deg(target.look(rng, row / (2 * FPS)))
                matrix[row, 2 * viewer : 2 * viewer + 2] = lat, -lon
        content[name] = matrix
    path = root / "PVS-HM/FULLdata_per_video_frame.mat"
    savemat(path, content, do_compression=True)
    with path.open("r+b") as file:  # the header has the time of writing
        file.write(b"MATLAB 5.0 MAT-file, made up".ljust(116))
    return targets


def _far_from_the_front(seed: int) -> Target:
    """A target that stays beyond ±90° of longitude, as looks of some of 58 viewers always do."""
    for tried in count(seed):
        target = Target(tried)
        if all(abs(target.lonlat(time)[0]) > np.deg2rad(100) for time in np.linspace(0, 1, 20)):
            return target
    raise AssertionError("never")
