"""Made-up Sport360: `vinfo.pkl` of Python 2 and a folder of pictures a video."""

from pathlib import Path

import numpy as np
from PIL import Image

from atsal.video.synthetic_scene import Scene
from fakes.gaze import Target
from fakes.sitzmann import python2_pickle

FRAMES, RATE_HZ = 6, 5.0


def write_sport360(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """`vinfo.pkl`, `217/0001.jpg`, `217/0001_gt.npy`, ...; frame n is at (n - 1) / 5 s of the target's path."""
    rng = np.random.default_rng(seed)
    targets = {str(217 + number): Target(100 * seed + number) for number in range(items)}
    gaze = {}
    for name, target in targets.items():
        (root / name).mkdir(parents=True)
        gaze[name] = {}
        for number in range(1, FRAMES + 1):
            time_s = (number - 1) / RATE_HZ
            gaze[name][f"{number:04d}"] = [target.look_uv(rng, time_s) for _ in range(observers)]
            Image.fromarray(Scene(target.seed).render(64, time_s)).save(root / name / f"{number:04d}.jpg")
            np.save(root / name / f"{number:04d}_gt.npy", np.zeros((1, 4, 8), np.float32))
    (root / "vinfo.pkl").write_bytes(python2_pickle(gaze))
    return targets
