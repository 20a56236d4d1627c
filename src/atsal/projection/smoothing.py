"""Gaussian smoothing on the sphere."""

import math

import torch
from torch import Tensor

from atsal.errors import ConfigError
from atsal.projection.sampling import ConstantTensor, run_in_float32
from atsal.projection.sphere import check_erp, erp_latitudes, solid_angle_weights

_NEGLIGIBLE = 1e-9  # share of a frequency's amplitude that may be dropped; float32 rounds by more


class SphericalGaussian:
    """Smooth ERP maps with a Gaussian of the angular distance, exact at the poles and across the ±180° border.

    Each output is a weighted mean of the input (Gaussian times solid angle), so a constant map does not change.

    The kernel between two rows depends only on the difference of longitudes. So for each pair of rows the smoothing is
    a circular convolution: a product of Fourier coefficients. The kernel is also the same in the north and the south.
    So the even and the odd part of a map about the equator are smoothed separately, each with half the rows. The
    transform is a matrix product too: at these sizes it is as fast as an FFT, and every runtime supports it.

    Memory grows with H³: use it at H <= 320.
    """

    def __init__(self, erp_height: int, sigma_deg: float) -> None:
        if not 0 < sigma_deg < 180:
            raise ConfigError(f"sigma_deg {sigma_deg}: expected more than 0 and less than 180 degrees")
        self.erp_height = erp_height
        transfer = _transfer_matrices(erp_height, sigma_deg)
        count = len(transfer)
        half = (erp_height + 1) // 2
        north, south = transfer[:, :half, :half], transfer[:, :half].flip(2)[..., :half]
        even_odd = torch.stack([north + south, north - south]) / 2
        if erp_height % 2:
            even_odd[..., -1] /= 2  # the row on the equator is its own mirror image
        self._transfer = ConstantTensor(even_odd)  # (even and odd, frequency, row out, row in)
        step = torch.arange(2 * erp_height, dtype=torch.float64) * math.pi / erp_height
        angles = step[:, None] * torch.arange(count)
        waves = torch.cat([angles.cos(), angles.sin()], 1)  # (column, cosines and sines)
        self._waves = ConstantTensor(waves)
        multiplicity = torch.full((count,), 2.0, dtype=torch.float64)  # each frequency also stands for its negative
        multiplicity[0] = 1
        if count == erp_height + 1:
            multiplicity[-1] = 1
        self._inverse = ConstantTensor((waves * multiplicity.repeat(2) / (2 * erp_height)).mT)

    def __call__(self, erp: Tensor) -> Tensor:
        """(B, C, H, 2H) -> the same shape, smoothed; differentiable."""
        check_erp(erp, self.erp_height)
        return run_in_float32(self._smooth, erp)

    def _smooth(self, erp: Tensor) -> Tensor:
        maps = erp.flatten(0, 1)
        half = (self.erp_height + 1) // 2
        north, south = maps[:, :half], maps.flip(1)[:, :half]
        waves = torch.stack([north + south, north - south]) @ self._waves.like(erp)  # (2, B C, half, 2 frequencies)
        waves = waves.reshape(*waves.shape[:3], 2, -1).permute(0, 4, 2, 1, 3)  # (2, frequency, half, B C, 2)
        waves = self._transfer.like(erp) @ waves.flatten(3)
        waves = waves.reshape(*waves.shape[:3], -1, 2).permute(0, 3, 2, 4, 1).flatten(3)  # as before
        even, odd = (waves @ self._inverse.like(erp)).unbind()
        smooth = torch.cat([even + odd, (even - odd)[:, : self.erp_height - half].flip(1)], 1).reshape(erp.shape)
        # a weighted mean stays within its input, but Fourier sums are off by a few millionths
        lowest, highest = erp.amin((-2, -1), keepdim=True), erp.amax((-2, -1), keepdim=True)
        smooth = torch.where(smooth < lowest, lowest, smooth)  # WebGPU has no minimum of two tensors
        return torch.where(smooth > highest, highest, smooth)


def _transfer_matrices(erp_height: int, sigma_deg: float) -> Tensor:
    """Return the factor from row to row for each frequency along longitude, (frequency, row out, row in) float64.

    Frequencies that the smoothing removes are left out.
    """
    latitude = erp_latitudes(erp_height)
    step = torch.arange(2 * erp_height, dtype=torch.float64) * math.pi / erp_height
    cos_latitude, sin_latitude = latitude.cos(), latitude.sin()
    cosine = cos_latitude[:, None, None] * cos_latitude[None, :, None] * step.cos()
    cosine += sin_latitude[:, None, None] * sin_latitude[None, :, None]
    angle = torch.arccos(cosine.clamp(-1, 1))
    kernel = torch.exp(-0.5 * (angle / math.radians(sigma_deg)) ** 2) * solid_angle_weights(erp_height)
    kernel /= kernel.sum((1, 2), keepdim=True)
    transfer: Tensor = torch.fft.rfft(kernel).real.permute(2, 0, 1)  # real because the kernel is even in longitude
    return transfer[: int((transfer.abs().amax((1, 2)) > _NEGLIGIBLE).sum())]
