"""Panoramas without gaze: made-up scenes, for teachers to look at."""

from pathlib import Path

from atsal.video.synthetic_scene import Scene
from fakes.fixations2d import webp


def write_panoramas(folder: Path, count: int) -> None:
    """Write `made_up_0.webp`, … of 256x128."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"made_up_{number}.webp").write_bytes(webp(Scene(100 + number).render(128, 0.0)))
