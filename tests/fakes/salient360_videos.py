"""A small Salient360! video set: real names and layout; videos and maps of 128x64, 1 s at 10 frames a second."""

from pathlib import Path

import numpy as np

from atsal.datasets.sets.salient360_videos import VIDEOS
from fakes.gaze import Target
from fakes.salient360_images import HEIGHT, blob, write_maps, write_scanpaths

FRAMES = 10
FPS = 10.0
_HEADER = "# Idx, longitude, latitude, start timestamp, duration, start frame, end frame"


def write_salient360_videos(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """Write the first videos of the set: head positions every 200 ms, fixations of both eyes, maps of the first."""
    rng = np.random.default_rng(seed)
    targets = {}
    for number, name in enumerate(VIDEOS[:items], 1):
        target = targets[name] = Target(1000 * seed + number)
        target.write_video(root / f"Stimuli/{name}.mp4", seconds=FRAMES / FPS, fps=FPS, erp_height=HEIGHT)
        rows = _scanpaths(rng, target, observers, length_ms=200)
        _write(root / f"H/Scanpaths/{name}_fixations.csv", rows)
        for eye in "LR":
            rows = _scanpaths(rng, target, observers, length_ms=300)
            _write(root / f"HE/Scanpaths/{eye}/{name}_fixations.csv", rows)
    maps = np.stack([blob(targets[VIDEOS[0]], frame / FPS) for frame in range(FRAMES)])
    for kind in ("H", "HE"):
        write_maps(root / f"{kind}/SalMaps/{VIDEOS[0]}_{2 * HEIGHT}x{HEIGHT}x{FRAMES}_32b.bin", maps)
    return targets


def _scanpaths(rng: np.random.Generator, target: Target, observers: int, length_ms: float) -> list[tuple[float, ...]]:
    """Looks of the same length; each follows the target as it is at half of its time."""
    rows = []
    for _ in range(observers):
        for index in range(int(1000 * FRAMES / FPS / length_ms)):
            start = index * length_ms
            first = int(start / 1000 * FPS) + 1
            last = int(np.ceil((start + length_ms) / 1000 * FPS))
            u, v = target.look_uv(rng, (start + length_ms / 2) / 1000)
            rows.append((index, u, v, start, length_ms, first, last))
    return rows


def _write(path: Path, rows: list[tuple[float, ...]]) -> None:
    write_scanpaths(path, _HEADER, rows)
    header, *lines = path.read_text().splitlines()
    whole = [",".join([*line.split(",")[:5], str(row[5]), str(row[6])]) for line, row in zip(lines, rows, strict=True)]
    path.write_text("\n".join([header, *whole, ""]))
