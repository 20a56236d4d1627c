"""Made-up VR-EyeTracking: a text file a viewer and video, positions from the left lower corner, frames from 1."""

from pathlib import Path

import numpy as np

from fakes.gaze import Target

RATE_HZ, SECONDS = 10.0, 1.0


def write_split_file(path: Path, train: list[int], test: list[int]) -> None:
    """`train_test_set.xlsx`: two sheets of numbers in column A, without header."""
    from openpyxl import Workbook

    book = Workbook()
    sheets = [book.active, book.create_sheet()]
    for sheet, name, numbers in zip(sheets, ("train_set", "test_set"), (train, test), strict=True):
        sheet.title = name
        for number in numbers:
            sheet.append([number])
    book.save(path)


def write_vr_eyetracking(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """`Gaze_txt_files/p001/001._2017-10-13-10-28_ori_0.txt`, `videos/001.mp4`, ..."""
    rng = np.random.default_rng(seed)
    targets = {f"{number:03d}": Target(100 * seed + number) for number in range(1, items + 1)}
    for name, target in targets.items():
        target.write_video(root / "videos" / f"{name}.mp4", seconds=SECONDS, fps=RATE_HZ)
        for observer in range(1, observers + 1):
            folder = root / "Gaze_txt_files" / f"p{observer:03d}"
            folder.mkdir(parents=True, exist_ok=True)
            lines = [_line(target, rng, frame) for frame in range(1, int(RATE_HZ * SECONDS) + 1)]
            (folder / f"{name}._2017-10-13-10-{observer:02d}_ori_0.txt").write_text("\n".join(lines) + "\n")
    return targets


def _line(target: Target, rng: np.random.Generator, frame: int) -> str:
    (head_x, head_v), (gaze_x, gaze_v) = (target.look_uv(rng, (frame - 1) / RATE_HZ) for _ in range(2))
    return f"frame, {frame}, forward, {head_x:.6f}, {1 - head_v:.6f}, eye, {gaze_x:.6f}, {1 - gaze_v:.6f}"
