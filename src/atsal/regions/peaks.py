"""The places of a map where most of the gaze is predicted, as directions."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from atsal.regions.finding import find_regions


class Peak(NamedTuple):
    """A local maximum of a map, in degrees."""

    yaw_deg: float  # 0 at the centre of the frame, + to the right, in [-180, 180)
    pitch_deg: float  # 0 at the horizon, + up, in [-90, 90]
    weight: float  # share of the map's gaze that falls in the region around the peak, in (0, 1]


def peaks(saliency: NDArray[np.floating[Any]], n: int = 5) -> list[Peak]:
    """Return the at most `n` peaks of a map with the largest weights, the largest first.

    They are the peaks of `find_regions`, which says what counts as one, what `saliency` is, and what it raises. In maps
    of more than 90 rows they are found to 2°.
    """
    found = find_regions(saliency, max_regions=n, min_weight=0.0)
    return [Peak(region.peak_yaw_deg, region.peak_pitch_deg, region.weight) for region in found]
