"""The spectral residual as a baseline: what is unusual in the spectrum of a picture (Hou & Zhang, CVPR 2007)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from atsal.evaluation.ground_truth import GroundTruth
from atsal.projection import CubemapToErp, ErpToCubemap, resize_erp, resize_flat

VERSION = 2  # raise it when the same picture gets another map
_SIDE = 64  # pixels of the shorter side of the picture whose spectrum is taken, as in the paper
_BLUR = 2.5  # of these pixels: standard deviation of the smoothing
_FACE_FOV_DEG = 110.0  # faces overlap, so that their borders, where the transform wraps round, are blended away


def spectral_residual_maps(truth: GroundTruth, item: str) -> NDArray[np.float32]:
    """Return the map (H, W) of a picture; of a video, maps (N, H, W) of the middle frames of its windows.

    The map of a whole clip is the mean over frames half a second apart.
    """
    stimulus = truth.prepared.stimulus(item)
    if truth.protocol.is_planar:
        return spectral_residual(truth.prepared.picture(item))
    height = truth.size(item)[0]
    if stimulus.frames is None:
        return spectral_residual_erp(truth.prepared.picture(item), height)
    windows = [window for window in truth.windows(item) if window is not None]
    step = max(1, round((stimulus.frames_per_s or 2) / 2))
    frames = [(w.first_frame + w.last_frame) // 2 for w in windows] or range(step // 2, stimulus.frames, step)
    pictures = truth.prepared.pictures(item, frames, size=(2 * height, height))
    maps = np.stack([spectral_residual_erp(picture, height) for picture in pictures])
    if windows:
        return maps
    found: NDArray[np.float32] = (maps / maps.mean((1, 2), keepdims=True)).mean(0)
    return found


def spectral_residual(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the saliency (h, w) >= 0 of a flat picture (H, W, 3) uint8, with 64 pixels on the shorter side."""
    height, width = image.shape[:2]
    scale = _SIDE / min(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = resize_flat(_grey(image), *size)
    found: NDArray[np.float32] = _residual(small)[0, 0].numpy()
    return found


def spectral_residual_erp(image: NDArray[np.uint8], erp_height: int) -> NDArray[np.float32]:
    """Return the saliency (H, 2H) >= 0 of an ERP frame (h, 2h, 3) uint8: that of the six cube faces, blended.

    The method is made for flat pictures. On a whole ERP frame it answers to the distortion of the poles. Its values
    have no scale, so each face is weighted by its contrast, the deviation of its grey values.
    """
    half = max(2 * _SIDE, min(erp_height, image.shape[0]))
    erp = resize_erp(_grey(image), half)
    faces = ErpToCubemap(half, _SIDE, fov_deg=_FACE_FOV_DEG)(erp)  # (1, 6, 1, S, S)
    maps = _residual(faces[0])
    contrast = faces[0].std((-2, -1), keepdim=True)
    if not contrast.any():
        return np.ones((erp_height, 2 * erp_height), np.float32)  # nothing stands out in a frame of one colour
    maps = (maps / maps.mean((-2, -1), keepdim=True) * contrast)[None]
    found: NDArray[np.float32] = CubemapToErp(_SIDE, erp_height, fov_deg=_FACE_FOV_DEG)(maps)[0, 0].clamp(min=0).numpy()
    return found


def _grey(image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(image.mean(-1, dtype=np.float32))[None, None] / 255


def _residual(pictures: Tensor) -> Tensor:
    """The spectral residual of grey pictures, (B, 1, h, w) -> (B, 1, h, w)."""
    spectrum = torch.fft.fft2(pictures)
    log_amplitude = torch.log(spectrum.abs() + 1e-8)
    local_mean = F.avg_pool2d(F.pad(log_amplitude, (1, 1, 1, 1), mode="circular"), 3, 1)
    saliency: Tensor = (
        torch.fft.ifft2(torch.exp(log_amplitude - local_mean) * torch.exp(1j * spectrum.angle())).abs() ** 2
    )
    radius = int(3 * _BLUR)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / _BLUR) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(saliency, (radius,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None, :])
