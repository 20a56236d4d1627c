"""A small 360_em: real names and layout; videos of 128x64, 1 s at 10 frames a second; logs of 120 Hz."""

from pathlib import Path

import numpy as np

from fakes.gaze import Target

FRAMES = 10
FPS = 10.0
WIDTH, HEIGHT = 3840, 1920
VIDEOS = ("01_park_6eLyo2Y7mZU", "10_eiffel_tower_-wJl-zFqA2A")
LABELS = "@ATTRIBUTE labeller_1 {unassigned,fixation,saccade,SP,noise,VOR,OKN}\n"
_HEADER = f"""@RELATION gaze_360

%@METADATA distance_mm 0.00
%@METADATA height_mm 0.00
%@METADATA height_px {HEIGHT}
%@METADATA width_mm 0.00
%@METADATA width_px {WIDTH}

%@METADATA fov_height_deg 100.00
%@METADATA fov_height_px 1440
%@METADATA fov_width_deg 100.00
%@METADATA fov_width_px 1280

@ATTRIBUTE time INTEGER
@ATTRIBUTE x NUMERIC
@ATTRIBUTE y NUMERIC
@ATTRIBUTE confidence NUMERIC
@ATTRIBUTE x_head NUMERIC
@ATTRIBUTE y_head NUMERIC
@ATTRIBUTE angle_deg_head NUMERIC
"""


def write_em360(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """Write the recordings of all viewers, one of them labelled too; the eyes are lost in each tenth sample."""
    rng = np.random.default_rng(seed)
    targets = {}
    names = [*VIDEOS, *(f"{number:02d}_made_up" for number in range(20, 20 + items))][:items]
    for number, name in enumerate(names, 1):
        target = targets[name] = Target(1000 * seed + number)
        target.write_video(root / f"videos/{name}.mp4", seconds=FRAMES / FPS, fps=FPS)
        for viewer in range(1, observers + 1):
            rows = _rows(rng, target)
            _write(root / f"gaze/{viewer:03d}/{viewer:03d}_{name}.arff", _HEADER, rows)
            if viewer == 1:
                part = root / f"ground_truth/{'test' if number % 2 else 'train'}/{viewer:03d}_{name}.arff"
                _write(part, _HEADER + LABELS, [f"{row},fixation" for row in rows])
    (root / "participant_info.csv").write_text("id\n" + "".join(f"{n:03d}\n" for n in range(1, observers + 1)))
    return targets


def _rows(rng: np.random.Generator, target: Target) -> list[str]:
    rows = []
    for number in range(120):
        time_s = number / 120
        head, eyes = (target.look_uv(rng, time_s) for _ in range(2))
        lost = number % 10 == 9
        x, y = (0.0, 0.0) if lost else (eyes[0] * WIDTH, eyes[1] * HEIGHT)
        x_head, y_head = head[0] * WIDTH, head[1] * HEIGHT
        rows.append(f"{time_s * 1e6:.0f},{x:.2f},{y:.2f},{0 if lost else 1:.2f},{x_head:.2f},{y_head:.2f},1.25")
    return rows


def _write(path: Path, header: str, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + "\n\n@DATA\n" + "\n".join(rows) + "\n")
