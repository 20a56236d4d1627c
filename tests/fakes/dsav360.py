"""Made-up D-SAV360: a CSV file a video with two samples a frame of 60 frames a second."""

from pathlib import Path

import numpy as np

from fakes.gaze import Target

RATE_HZ, FRAMES = 60.0, 40
HEADER = "id,video,frame,t,u,v,fixation,valid_fix_classification"
FIRST_FRAME = 2  # gaze begins some frames into the video


def write_dsav360(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """`gaze_data/gaze_video_0001.csv`, `videos/0001/0001.mp4`, ...; saccades of 4 samples every 20."""
    rng = np.random.default_rng(seed)
    (root / "gaze_data").mkdir(parents=True)
    targets = {f"{number:04d}": Target(100 * seed + number) for number in range(1, items + 1)}
    for name, target in targets.items():
        target.write_video(root / "videos" / name / f"{name}.mp4", seconds=FRAMES / RATE_HZ, fps=RATE_HZ)
        rows = [row for viewer in range(1, observers + 1) for row in _rows(name, target, rng, viewer)]
        (root / "gaze_data" / f"gaze_video_{name}.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return targets


def _rows(name: str, target: Target, rng: np.random.Generator, viewer: int) -> list[str]:
    rows = [f"{viewer},{int(name)},0,0.0,0.5,0.5,0,0"]
    for sample in range(2 * (FRAMES - FIRST_FRAME)):
        frame, time_s = FIRST_FRAME + sample // 2, sample / (2 * RATE_HZ)
        u, v = target.look_uv(rng, frame / RATE_HZ)
        rows.append(f"{viewer},{int(name)},{frame},{time_s:.6f},{u:.6f},{v:.6f},{int(sample % 20 >= 4)},1")
    return rows
