"""A classical bottom-up model: what in a picture's spectrum its neighbours do not tell (Hou & Zhang, CVPR 2007)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from atsal.projection import CubemapToErp, ErpToCubemap, resize_erp, resize_flat

VERSION = 2  # raised when the same picture gets another map
_SIDE = 64  # pixels of the shorter side at which the spectrum is taken, as in the paper
_BLUR = 2.5  # pixels of it: standard deviation of the smoothing
_FACE_FOV_DEG = 110.0  # faces overlap, so that borders, where the transform wraps round, are blended away


def spectral_residual(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Saliency (h, w) >= 0 of a flat picture (H, W, 3) uint8, with 64 pixels on the shorter side."""
    height, width = image.shape[:2]
    scale = _SIDE / min(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = resize_flat(_grey(image), *size)
    found: NDArray[np.float32] = _residual(small)[0, 0].numpy()
    return found


def spectral_residual_erp(image: NDArray[np.uint8], erp_height: int) -> NDArray[np.float32]:
    """Saliency (H, 2H) >= 0 of an ERP frame (h, 2h, 3) uint8: the faces of a cube as flat pictures, blended.

    The model is made for flat pictures; on a whole ERP frame it answers to the poles' distortion. What it gives has no
    scale, so each face is weighed by its contrast: the deviation of its grey values.
    """
    half = max(2 * _SIDE, min(erp_height, image.shape[0]))
    erp = resize_erp(_grey(image), half)
    faces = ErpToCubemap(half, _SIDE, fov_deg=_FACE_FOV_DEG)(erp)  # (1, 6, 1, S, S)
    maps = _residual(faces[0])
    contrast = faces[0].std((-2, -1), keepdim=True)
    if not contrast.any():
        return np.ones((erp_height, 2 * erp_height), np.float32)  # a black frame: nothing stands out
    maps = (maps / maps.mean((-2, -1), keepdim=True) * contrast)[None]
    found: NDArray[np.float32] = CubemapToErp(_SIDE, erp_height, fov_deg=_FACE_FOV_DEG)(maps)[0, 0].clamp(min=0).numpy()
    return found


def _grey(image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(image.mean(-1, dtype=np.float32))[None, None] / 255


def _residual(pictures: Tensor) -> Tensor:
    """(B, 1, h, w) -> (B, 1, h, w)."""
    spectrum = torch.fft.fft2(pictures)
    log_amplitude = torch.log(spectrum.abs() + 1e-8)
    around = F.avg_pool2d(F.pad(log_amplitude, (1, 1, 1, 1), mode="circular"), 3, 1)
    saliency: Tensor = torch.fft.ifft2(torch.exp(log_amplitude - around) * torch.exp(1j * spectrum.angle())).abs() ** 2
    radius = int(3 * _BLUR)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / _BLUR) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(saliency, (radius,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])
