"""A classical bottom-up model: what in a picture's spectrum its neighbours do not tell (Hou & Zhang, CVPR 2007)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from atsal.projection import resize_erp

_SIDE = 64  # pixels of the shorter side at which the spectrum is taken, as in the paper
_BLUR = 2.5  # pixels of it: standard deviation of the smoothing


def spectral_residual(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Saliency (h, w) >= 0 of a flat picture (H, W, 3) uint8, with 64 pixels on the shorter side."""
    height, width = image.shape[:2]
    scale = _SIDE / min(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = F.interpolate(_grey(image), size, mode="area")
    found: NDArray[np.float32] = _smoothed(_residual(small), "reflect")[0, 0].numpy()
    return found


def spectral_residual_erp(image: NDArray[np.uint8], erp_height: int) -> NDArray[np.float32]:
    """Saliency (H, 2H) >= 0 of an ERP frame (h, 2h, 3) uint8.

    The frame goes on over the poles, where it returns on the other side: the picture and its way back repeat in both
    directions, as the Fourier transform takes it. The poles' distortion stays.
    """
    erp = resize_erp(_grey(image), _SIDE)
    there_and_back = torch.cat([erp, erp.roll(_SIDE, -1).flip(-2)], -2)
    saliency = _smoothed(_residual(there_and_back), "circular")[..., :_SIDE, :]
    found: NDArray[np.float32] = resize_erp(saliency, erp_height)[0, 0].numpy()
    return found


def _grey(image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(image.mean(-1, dtype=np.float32))[None, None] / 255


def _residual(picture: Tensor) -> Tensor:
    spectrum = torch.fft.fft2(picture)
    log_amplitude = torch.log(spectrum.abs() + 1e-8)
    around = F.avg_pool2d(F.pad(log_amplitude, (1, 1, 1, 1), mode="circular"), 3, 1)
    residual: Tensor = torch.fft.ifft2(torch.exp(log_amplitude - around) * torch.exp(1j * spectrum.angle())).abs() ** 2
    return residual


def _smoothed(saliency: Tensor, border: str) -> Tensor:
    radius = int(3 * _BLUR)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / _BLUR) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(saliency, (radius,) * 4, mode=border)
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])
