"""A tiny data folder of the layout that the training of `lite` reads, whose gaze follows a bright spot."""

import csv
import shutil
from pathlib import Path

from atsal.synthetic import Scene
from fakes.avtrack360 import pack, write_avtrack360
from fakes.fixations2d import webp, write_fixations2d


def write_photo_set(folder: Path, count: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """One set of `fixations2d`: five observers look at the spot (u, v), after a first fixation at the centre."""
    return write_fixations2d(folder, items=count, seed=seed)


def write_head_frames(folder: Path, count: int) -> None:
    """AVTrack360: stills of made-up scenes, and an archive of viewers whose heads rest on the scene's first object."""
    write_avtrack360(folder, items=count, stills=True)
    unpacked = folder / "AVTrack360_dataset"
    (unpacked / "frames").rename(folder / "frames")
    pack(unpacked, folder / "head_rotation.tar.xz")
    shutil.rmtree(unpacked)


def write_panoramas(folder: Path, count: int) -> None:
    """Panoramas without gaze, and the list of them."""
    folder.mkdir(parents=True)
    with (folder / "sources.csv").open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["name", "licence"])
        for number in range(count):
            (folder / f"made_up_{number}.webp").write_bytes(webp(Scene(100 + number).render(128, 0.0)))
            writer.writerow([f"made_up_{number}", "CC0"])
