"""A small Salient360! image set: real names and layout; stimuli and maps of 128x64."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from atsal.gaze.directions import angle_rad, unit_vectors
from atsal.projection.sphere import erp_latitudes, erp_longitudes
from fakes.gaze import Target

HEIGHT = 64
FIXATIONS = 8  # of each observer


def write_salient360_images(root: Path, *, items: int = 2, observers: int = 3, seed: int = 0) -> dict[str, Target]:
    """Write P1, P2, …: head paths (four columns), fixations of both eyes (five), maps of P1."""
    rng = np.random.default_rng(seed)
    targets = {}
    for number in range(1, items + 1):
        target = targets[f"P{number}"] = Target(1000 * seed + number)
        target.write_image(root / "Stimuli" / f"P{number}_{2 * HEIGHT}x{HEIGHT}.jpg", HEIGHT)
        header = "Idx, longitude, latitude, start timestamp"
        write_scanpaths(root / f"H/Scanpaths/Hscanpath_{number}.txt", header, _scanpaths(rng, target, observers, 4))
        for eye in "LR":
            path = root / f"HE/Scanpaths/{eye}/HEscanpath_{number}.txt"
            write_scanpaths(path, header + ", duration", _scanpaths(rng, target, observers, 5))
    for kind in ("H", "HE"):
        density = blob(targets["P1"], 0.0)
        write_maps(root / f"{kind}/SalMaps/{kind}salmap_1_{2 * HEIGHT}x{HEIGHT}_32b.bin", density)
    return targets


def write_scanpaths(path: Path, header: str, rows: Sequence[Sequence[float]]) -> None:
    """As numpy.savetxt writes them: the index as it is, the rest in 19 digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join([str(int(row[0])), *(f"{value:.18e}" for value in row[1:])]) for row in rows]
    path.write_text("\n".join([header, *lines, ""]))


def write_maps(path: Path, maps: np.ndarray) -> None:
    """float32, little endian, row by row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(maps.astype("<f4").tobytes())


def blob(target: Target, time_s: float, sigma_deg: float = 5.0) -> np.ndarray:
    """A map (H, 2H) with its peak at the target."""
    lon, lat = np.meshgrid(erp_longitudes(2 * HEIGHT).numpy(), erp_latitudes(HEIGHT).numpy())
    angle = angle_rad(unit_vectors(lon, lat), unit_vectors(*target.lonlat(time_s)))
    return np.exp(-0.5 * (angle / np.deg2rad(sigma_deg)) ** 2)


def _scanpaths(rng: np.random.Generator, target: Target, observers: int, columns: int) -> list[tuple[float, ...]]:
    rows = []
    for _ in range(observers):
        start = 0.0
        for index in range(FIXATIONS):
            duration = float(rng.uniform(150, 600))
            rows.append((index, *target.look_uv(rng), start, duration)[:columns])
            start += duration + 40
    return rows
