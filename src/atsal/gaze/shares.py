"""How the gaze of a map is shared out over the cells of a coarse grid."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atsal.errors import ConfigError
from atsal.gaze.directions import Floats
from atsal.projection import resize_erp, solid_angle_weights


def gaze_shares(saliency: NDArray[np.floating[Any]], rows: int) -> Floats:
    """Return the share of the gaze in each cell of a grid of `rows` x 2 `rows`; the sum is 1.

    `saliency` is (H, 2H), a density per solid angle. Raises `ConfigError` for a map that is negative, not finite or
    zero everywhere, or has another shape.
    """
    density = np.array(saliency, np.float64)
    if density.ndim != 2 or density.shape[1] != 2 * density.shape[0] or not np.isfinite(density).all():
        raise ConfigError(f"a saliency map of shape {density.shape}: expected (H, 2H) with finite values")
    if density.min() < 0 or not density.any():
        raise ConfigError("a saliency map with negative values, or zero everywhere: expected the density of gaze")
    reduced = resize_erp(torch.from_numpy(density)[None, None], rows)[0, 0].numpy()
    gaze = reduced * solid_angle_weights(rows).numpy()
    shares: Floats = gaze / gaze.sum()
    return shares
