"""What a recorded viewer sees: perspective views of a video, and how good they are."""

import math

import numpy as np
import torch

from atsal.gaze.head_path import HeadPath
from atsal.projection.viewport import erp_to_viewport
from atsal.quality.ssim import flat_ssim

FOV_DEG = 90.0  # horizontal and vertical: about what a head-mounted display shows of a view
_HELD_S = 1.0  # for which the first and the last direction of a viewer also stand


def direction_at(viewer: HeadPath, timestamp_s: float) -> tuple[float, float] | None:
    """Return (yaw_deg, pitch_deg) of a viewer at a time; None more than 1 s before or after the samples."""
    if not viewer.times_s[0] - _HELD_S <= timestamp_s <= viewer.times_s[-1] + _HELD_S:
        return None
    yaw_deg, pitch_deg = viewer.at(np.array([timestamp_s]))[0]
    return float(yaw_deg), float(pitch_deg)


def viewport_scores(
    reference: torch.Tensor, distorted: torch.Tensor, direction: tuple[float, float], fov_deg: float
) -> tuple[float, float]:
    """Return (mean squared error, SSIM) of the views of two ERP pictures, (H, 2H) float32, in one direction.

    The view is square. Its pixels are as large in the middle as those of the ERP picture at the equator.
    """
    side = max(11, round(2 * math.tan(math.radians(fov_deg / 2)) * reference.shape[0] / math.pi))
    both = torch.stack([reference, distorted])[:, None]
    first, second = erp_to_viewport(both, *direction, fov_deg, side)[:, 0]
    return float(((first - second) ** 2).mean()), flat_ssim(first, second)
