"""A plain folder: images and videos of 128x64 in turn, each beside a table of fixations of the same name."""

from pathlib import Path

import numpy as np

from atsal.gaze.records import Fixations
from atsal.gaze.tables import write_fixations
from fakes.gaze import Target

FRAMES = 10
FPS = 10.0


def write_folder(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """Write `image_1.png`, `video_2.mp4`, … and their tables; five looks of 200 ms each a viewer."""
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True, exist_ok=True)
    targets = {}
    for number in range(1, items + 1):
        still = number % 2 == 1
        name = f"{'image' if still else 'video'}_{number}"
        target = targets[name] = Target(1000 * seed + number)
        if still:
            target.write_image(root / f"{name}.png")
        else:
            target.write_video(root / f"{name}.mp4", seconds=FRAMES / FPS, fps=FPS)
        onset_s = np.tile(np.arange(5) * 0.2, observers)
        looks = np.array([target.look(rng, 0.0 if still else time + 0.1) for time in onset_s])
        observer = np.repeat([f"viewer {n}" for n in range(1, observers + 1)], 5)
        table = Fixations(observer, looks[:, 0], looks[:, 1], onset_s, np.full(len(observer), 200.0))
        write_fixations(root / f"{name}.csv", table)
    return targets
