"""Structural similarity of luma, on flat pictures and on the sphere.

Sources: Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004 (window
of 11 x 11, Gaussian of 1.5 pixels, constants 0.01 and 0.03 of the peak); Chen et al., "Spherical structural similarity
index for objective omnidirectional video quality assessment", ICME 2018 (the windows lie on the sphere).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from atsal.projection.sampling import ErpSampler
from atsal.projection.sphere import erp_position, unit_vectors

PEAK = 255.0
_WINDOW, _SIGMA = 11, 1.5  # pixels
_C1, _C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
_GOLDEN_TURN = math.pi * (3 - math.sqrt(5))


def flat_ssim(reference: Tensor, distorted: Tensor) -> float:
    """Return the mean SSIM of two pictures (H, W) in [0, 255], H and W at least 11; windows lie inside the picture."""
    window = _gaussian(reference.dtype)
    kernels = window.view(1, 1, -1, 1), window.view(1, 1, 1, -1)

    def mean(values: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(values[None, None], kernels[0]), kernels[1])[0, 0]

    return float(_similarity(reference, distorted, mean).mean())


class SphericalSsim:
    """S-SSIM at points that are spread evenly over the sphere, so that a plain mean over them is one by solid angle.

    Around each point, a window of 11 x 11 samples is taken from the plane that touches the sphere there. The samples
    are as far apart as pixels of the ERP frame at the equator. (Chen et al. place a window at every pixel and weight
    the pixels by their solid angle. Even points give the same mean with fewer windows.)
    """

    def __init__(self, erp_height: int, points: int = 10_000) -> None:
        self.lon_rad, self.lat_rad = _even_points(points)
        step = math.pi / erp_height
        offset = (torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2) * step
        up, right = (axis.flatten() for axis in torch.meshgrid(-offset, offset, indexing="ij"))
        forward = unit_vectors(self.lon_rad, self.lat_rad)
        east = unit_vectors(self.lon_rad + math.pi / 2, torch.zeros_like(self.lat_rad))
        north = torch.linalg.cross(forward, east)
        rays = forward[:, None] + right[:, None] * east[:, None] + up[:, None] * north[:, None]
        self._sampler = ErpSampler(*erp_position(rays, erp_height), erp_height)
        self._window = torch.outer(_gaussian(torch.float32), _gaussian(torch.float32)).flatten()

    def __call__(self, reference: Tensor, distorted: Tensor) -> NDArray[np.float64]:
        """Return the similarity at each point, (points,), of two ERP pictures (H, 2H) float32 in [0, 255]."""
        samples = self._sampler(torch.stack([reference, distorted])[:, None])[:, 0]
        similarity = _similarity(samples[0], samples[1], lambda values: values @ self._window)
        return similarity.double().numpy()


def _similarity(x: Tensor, y: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return luminance * (2 * covariance + _C2) / (variance_x + variance_y + _C2)


def _gaussian(dtype: torch.dtype) -> Tensor:
    offset = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    weights = torch.exp(-0.5 * (offset / _SIGMA) ** 2)
    return (weights / weights.sum()).to(dtype)


def _even_points(count: int) -> tuple[Tensor, Tensor]:
    """Return longitudes and latitudes (count,) of a Fibonacci spiral: each point stands for the same solid angle."""
    number = torch.arange(count, dtype=torch.float64)
    lat_rad = torch.asin(1 - (2 * number + 1) / count)
    return torch.remainder(number * _GOLDEN_TURN, 2 * math.pi) - math.pi, lat_rad
