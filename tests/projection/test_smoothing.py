import math

import numpy as np
import pytest
import torch

from atsal.projection import SphericalGaussian, erp_directions, solid_angle_weights


def brute_force_gaussian(erp, sigma_deg):
    height = erp.shape[0]
    vectors = erp_directions(height).numpy().reshape(-1, 3)
    angle = np.arccos(np.clip(vectors @ vectors.T, -1, 1))
    area = np.broadcast_to(solid_angle_weights(height).numpy(), (height, 2 * height)).ravel()
    kernel = np.exp(-0.5 * (angle / math.radians(sigma_deg)) ** 2) * area
    kernel /= kernel.sum(1, keepdims=True)
    return (kernel @ erp.ravel()).reshape(erp.shape)


@pytest.mark.parametrize("sigma_deg", [5, 20])
def test_smoothing_equals_brute_force(sigma_deg):
    erp = np.random.default_rng(0).random((24, 48))
    ours = SphericalGaussian(24, sigma_deg)(torch.from_numpy(erp)[None, None].float())[0, 0].numpy()
    assert np.abs(ours - brute_force_gaussian(erp, sigma_deg)).max() < 1e-5


def test_smoothing_stays_within_its_input():
    spot = torch.zeros(1, 1, 40, 80)
    spot[..., 12, 79] = 1000
    assert SphericalGaussian(40, 5)(spot).min() >= 0, "rounding must not make a density negative"


def test_smoothing_knows_no_border():
    smooth = SphericalGaussian(40, 9)
    spot = torch.zeros(1, 1, 40, 80)
    spot[..., 12, 79] = 1
    assert torch.allclose(smooth(spot).roll(33, -1), smooth(spot.roll(33, -1)), atol=1e-6)
    assert torch.allclose(smooth(torch.ones(2, 3, 40, 80)), torch.ones(2, 3, 40, 80), atol=1e-5)


def test_geometry_keeps_its_precision_within_autocast():
    """A map of a high peak on a low floor, where products in bfloat16 would be a multiple of the floor off."""
    erp = torch.full((1, 1, 40, 80), 1e-4)
    erp[..., 20, 40] = 1
    smooth = SphericalGaussian(40, 9)
    with torch.autocast("cpu", torch.bfloat16):
        found = smooth(erp)
    assert found.dtype == torch.float32
    assert torch.equal(found, smooth(erp))
