"""How good each direction of the camera is at one moment: the share of the gaze that its frame would show.

The map is reduced to cells of 5°. For each pitch of the camera, a kernel says how much each cell counts when the camera
looks at yaw 0. A yaw only moves the kernel sideways, so that all yaws together are one circular correlation.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from atsal.gaze.shares import gaze_shares
from atsal.projection import erp_directions
from atsal.projection.perspective import Perspective

CELL_DEG = 5
PITCHES_DEG = tuple(range(-35, 40, CELL_DEG))  # of the camera; people seldom look farther up or down
YAWS_DEG = tuple(range(-180, 180, CELL_DEG))
_ROWS = 180 // CELL_DEG
_SAMPLES = 6  # per cell and axis, for cells on the border of the frame
_MIDDLE = 0.5  # the part of a cell's weight that depends on how near it is to the middle of the frame

Floats = NDArray[np.float64]
Map = NDArray[np.floating]


class FrameReward:
    """The reward of all directions of a camera, (pitches, yaws), for one map after the other."""

    def __init__(self, perspective: Perspective) -> None:
        self._spectra = np.conj(np.fft.rfft(_kernels(perspective), axis=-1))  # (pitches, rows, frequencies)

    def __call__(self, saliency: Map) -> Floats:
        """Return, for each of `PITCHES_DEG` and `YAWS_DEG`, a value in [0, 1].

        It is the share of the gaze in the frame, where gaze near the middle counts up to twice as much as gaze at the
        border. Raises what `gaze_shares` raises.
        """
        spectrum = np.fft.rfft(gaze_shares(saliency, _ROWS), axis=-1)
        product = np.einsum("prf,rf->pf", self._spectra, spectrum)
        found: Floats = np.fft.irfft(product, n=len(YAWS_DEG), axis=-1)
        return found


@lru_cache(maxsize=8)
def _kernels(perspective: Perspective) -> Floats:
    """Return how much each cell counts for a camera at yaw -180°, the first of `YAWS_DEG`: (pitches, rows, columns).

    Cells on the border of the frame count by the part that is inside.
    """
    vectors = erp_directions(_ROWS * _SAMPLES).numpy()
    kernels = []
    for pitch_deg in PITCHES_DEG:
        right, up = perspective.frame_position(vectors, YAWS_DEG[0], pitch_deg)
        inside = (np.abs(right) <= 1) & (np.abs(up) <= 1)
        nearness = np.where(inside, (1 - np.minimum(right**2, 1)) * (1 - np.minimum(up**2, 1)), 0)
        weight = inside * (1 - _MIDDLE) + nearness * _MIDDLE
        kernels.append(weight.reshape(_ROWS, _SAMPLES, 2 * _ROWS, _SAMPLES).mean((1, 3)))
    return np.stack(kernels)
