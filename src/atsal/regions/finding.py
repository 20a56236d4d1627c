"""The salient regions of one saliency map: its peaks, each with the pixels of at least half its density.

Peaks are told apart by their prominence. Pixels are visited from the densest to the least dense; where two peaks meet,
the lower one counts as a region of its own if the map falls, between the two, to less than `SADDLE` of its density.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import ConfigError, ShapeError
from atsal.projection import erp_directions, resize_erp, solid_angle_weights
from atsal.projection.sphere import rotation_matrix
from atsal.regions.region import Region, yaw_pitch_deg

ROWS = 90  # larger maps are reduced to 2° per pixel first
HALF = 0.5  # a region ends where the density falls below this share of its peak
SADDLE = 0.85  # two peaks are one region unless the map falls below this share of the lower peak between them


class Peak(NamedTuple):
    """A local maximum of a map, in degrees."""

    yaw_deg: float  # 0 at the centre of the frame, + to the right, in [-180, 180)
    pitch_deg: float  # 0 at the horizon, + up, in [-90, 90]
    weight: float  # share of the map's gaze that falls in the region around the peak, in (0, 1]


def find_regions(
    saliency: NDArray[np.floating[Any]], *, max_regions: int = 8, min_weight: float = 0.01
) -> tuple[Region, ...]:
    """Find the regions of one saliency map.

    Args:
        saliency: (H, 2H), >= 0, in any unit: density of gaze per solid angle, as `predict_image` returns it.
        max_regions: how many regions to return at most: those with the largest weights.
        min_weight: the smallest share of the frame's gaze that makes a region, in [0, 1).

    Returns:
        The regions, the one with the largest weight first. None for a map that is the same everywhere.

    Raises:
        ShapeError: the map is not (H, 2H).
        ConfigError: a value is negative or not finite, the map is zero everywhere, or a setting is out of range.

    """
    if max_regions < 1 or not 0 <= min_weight < 1:
        raise ConfigError(
            f"max_regions {max_regions}, min_weight {min_weight}: expected at least 1 region and a weight in [0, 1)"
        )
    density = _relative_density(saliency)
    peaks = _label_peaks(density)
    found = [region for region in (_measure(density, pixels) for pixels in peaks) if region.weight >= min_weight]
    return tuple(sorted(found, key=lambda region: -region.weight)[:max_regions])


def peaks(saliency: NDArray[np.floating[Any]], n: int = 5) -> list[Peak]:
    """Return the at most `n` peaks of a map with the largest weights, the largest first.

    They are the peaks of the regions that `find_regions` finds, whatever their weight; it says what `saliency` is and
    what is raised. `ConfigError` for `n` below 1. In maps of 90 rows or more, peaks are found to 2°.
    """
    if n < 1:
        raise ConfigError(f"n {n}: expected the most peaks to return, 1 or more")
    found = find_regions(saliency, max_regions=n, min_weight=0.0)
    return [Peak(region.peak_yaw_deg, region.peak_pitch_deg, region.weight) for region in found]


def _relative_density(saliency: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the map with at most `ROWS` rows, relative to gaze spread evenly: its mean over the sphere is 1."""
    if saliency.ndim != 2 or saliency.shape[1] != 2 * saliency.shape[0] or saliency.shape[0] < 2:
        raise ShapeError(f"a saliency map of shape {saliency.shape}: expected (H, W) with W = 2H")
    density = np.asarray(saliency, np.float64)
    if not np.isfinite(density).all() or density.min() < 0:
        raise ConfigError("a saliency map with negative values, NaN or infinity: expected finite values >= 0")
    if len(density) > ROWS:
        density = resize_erp(torch.from_numpy(density)[None, None], ROWS)[0, 0].numpy()
    mean = float((density * _solid_angles(len(density))).sum()) / (4 * math.pi)
    if mean <= 0:
        raise ConfigError("a saliency map that is zero everywhere has no regions")
    return density / mean


def _label_peaks(density: NDArray[np.float64]) -> list[list[int]]:
    """Return, for each prominent peak, its pixels (flat indices), the peak itself first."""
    candidates = np.flatnonzero(density.ravel() > 1)  # where gaze is denser than on average
    order = candidates[np.argsort(-density.ravel()[candidates], kind="stable")].tolist()
    flat, neighbours = density.ravel().tolist(), _neighbours(len(density))  # Python's own numbers, which loops want
    owner: dict[int, int] = {}  # pixel -> peak
    pixels: dict[int, list[int]] = {}  # peak -> pixels
    for pixel in order:
        peaks = {owner[other] for other in neighbours[pixel] if other in owner}
        if not peaks:
            owner[pixel], pixels[pixel] = pixel, [pixel]
            continue
        highest = max(peaks, key=lambda peak: (flat[peak], -peak)) if len(peaks) > 1 else peaks.pop()
        for peak in peaks - {highest}:
            if flat[pixel] > SADDLE * flat[peak]:
                for moved in pixels[peak]:
                    owner[moved] = highest
                pixels[highest] += pixels.pop(peak)
        owner[pixel] = highest
        pixels[highest].append(pixel)
    return [[pixel for pixel in found if flat[pixel] >= HALF * flat[peak]] for peak, found in pixels.items()]


def _measure(density: NDArray[np.float64], pixels: list[int]) -> Region:
    """Measure the region of these pixels, the peak first."""
    rows = len(density)
    vectors = _directions(rows)[pixels]
    gaze = density.ravel()[pixels] * _solid_angles(rows).repeat(2 * rows)[pixels]
    yaw_deg, pitch_deg = yaw_pitch_deg(gaze @ vectors)
    peak_yaw_deg, peak_pitch_deg = yaw_pitch_deg(vectors[0])
    right, up, forward = (vectors @ rotation_matrix(yaw_deg, pitch_deg).numpy()).T  # as seen by who faces the centre
    pixel_deg = 180 / rows
    width_deg = float(np.ptp(np.degrees(np.arctan2(right, forward)))) + pixel_deg
    height_deg = float(np.ptp(np.degrees(np.arctan2(up, np.hypot(right, forward))))) + pixel_deg
    return Region(
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        width_deg=min(width_deg, 360.0),
        height_deg=min(height_deg, 180.0),
        weight=float(gaze.sum()) / (4 * math.pi),
        peak=float(density.ravel()[pixels[0]]),
        peak_yaw_deg=peak_yaw_deg,
        peak_pitch_deg=peak_pitch_deg,
    )


@lru_cache(maxsize=4)
def _directions(rows: int) -> NDArray[np.float64]:
    """Return the unit vector of each pixel, (rows * 2 rows, 3)."""
    vectors: NDArray[np.float64] = erp_directions(rows).reshape(-1, 3).numpy()
    vectors.flags.writeable = False
    return vectors


@lru_cache(maxsize=4)
def _solid_angles(rows: int) -> NDArray[np.float64]:
    """Return the solid angle of a pixel of each row, (rows, 1)."""
    angles: NDArray[np.float64] = solid_angle_weights(rows).numpy()
    angles.flags.writeable = False
    return angles


@lru_cache(maxsize=4)
def _neighbours(rows: int) -> list[list[int]]:
    """Return the eight neighbours of each pixel: around the back, and over the poles."""
    row, column = np.divmod(np.arange(2 * rows * rows), 2 * rows)
    found = []
    for down, right in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]:
        other = row + down
        over_pole = (other < 0) | (other >= rows)
        other = np.clip(other, 0, rows - 1)
        found.append(other * 2 * rows + (column + right + over_pole * rows) % (2 * rows))
    neighbours: list[list[int]] = np.stack(found, axis=1).tolist()
    return neighbours
