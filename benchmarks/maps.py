"""Compare the time of a saliency map with the time of the plain sum of its definition, in one run.

python benchmarks/maps.py
"""

import math
import platform
import time

import numpy as np

from atsal.gaze.directions import unit_vectors
from atsal.gaze.maps import saliency_map
from atsal.gaze.records import Fixations

HEIGHT, COUNT = 1024, 1000
PART = 20  # the fixations on which the plain sum is timed


def plain_sum(points: Fixations, height: int, sigma_deg: float) -> np.ndarray:
    """Add the Gaussian of every fixation to every pixel."""
    lat = math.pi / 2 - (np.arange(height) + 0.5) / height * math.pi
    lon = (np.arange(2 * height) + 0.5) / height * math.pi - math.pi
    pixels = unit_vectors(*np.broadcast_arrays(lon[None, :], lat[:, None]))
    total = np.zeros((height, 2 * height))
    for vector in unit_vectors(points.lon_rad, points.lat_rad):
        total += np.exp(-0.5 * (np.arccos(np.clip(pixels @ vector, -1, 1)) / math.radians(sigma_deg)) ** 2)
    return total


def main() -> None:
    """Print a table."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(COUNT, 3))
    lon, lat = np.arctan2(vectors[:, 0], vectors[:, 2]), np.arcsin(vectors[:, 1] / np.linalg.norm(vectors, axis=1))
    points = Fixations(np.full(COUNT, "a"), lon, lat)
    few = points.select(slice(PART))
    print(f"{COUNT} fixations, {2 * HEIGHT}x{HEIGHT}, {platform.machine()}, numpy {np.__version__}")
    print("sigma  first map   next    plain sum (scaled)   ratio   largest error / peak")
    for sigma in (1.0, 2.0, 3.34, 6.0, 9.35):
        times = []
        for _ in range(4):
            start = time.perf_counter()
            saliency_map(points, HEIGHT, sigma)
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        expected = plain_sum(few, HEIGHT, sigma)
        plain = (time.perf_counter() - start) * COUNT / PART
        error = np.abs(saliency_map(few, HEIGHT, sigma) - expected).max() / expected.max()
        best = min(times[1:])
        print(f"{sigma:5.2f}  {times[0]:7.3f} s  {best:6.3f} s  {plain:12.1f} s   {plain / best:8.0f}   {error:.1e}")


if __name__ == "__main__":
    main()
