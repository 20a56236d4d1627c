"""Fixation maps and saliency maps of flat photos: a Gaussian in the photo's plane."""

import numpy as np
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.gaze.directions import Floats
from atsal.gaze.records import PlanarFixations


def planar_fixation_map(fixations: PlanarFixations, height: int, width: int) -> Floats:
    """Count the fixations on each pixel, (H, W) float64; u or v of 1 belongs to the last column or row."""
    _check_size(height, width)
    column = np.minimum((fixations.u * width).astype(np.int64), width - 1)
    row = np.minimum((fixations.v * height).astype(np.int64), height - 1)
    counts = np.bincount(row * width + column, minlength=height * width)
    return counts.reshape(height, width).astype(np.float64)


def planar_saliency_map(fixations: PlanarFixations, height: int, width: int, sigma_width: float) -> NDArray[np.float32]:
    """Sum a Gaussian of height 1 around each fixation, (H, W) float32.

    `sigma_width` is the standard deviation as a fraction of the photo's width: the same number of pixels both ways.
    """
    _check_size(height, width)
    if not 0 < sigma_width < np.inf:
        raise ConfigError(f"sigma of {sigma_width} widths: expected a number above 0")
    across = _gaussian((np.arange(width) + 0.5) / width, fixations.u, sigma_width)
    down = _gaussian((np.arange(height) + 0.5) / height, fixations.v, sigma_width * width / height)
    return (down.T @ across).astype(np.float32)


def _gaussian(centres: Floats, positions: Floats, sigma: float) -> Floats:
    values: Floats = np.exp(-0.5 * ((centres[None, :] - positions[:, None]) / sigma) ** 2)
    return values


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise ConfigError(f"a map of {width}x{height}: expected at least 1x1")
