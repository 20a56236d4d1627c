import math

import numpy as np
import pytest
import torch

from atsal.errors import ConfigError
from atsal.projection import erp_directions, resize_erp, resize_flat, solid_angle_weights


def directions_as_image(height):
    return erp_directions(height).permute(2, 0, 1)[None]


@pytest.mark.parametrize("height", [7, 20, 50, 128])
def test_resize_keeps_the_field(height):
    resized = resize_erp(directions_as_image(40), height)
    assert resized.shape == (1, 3, height, 2 * height)
    tolerance = {7: 0.15, 20: 0.02}.get(height, 0.01)  # the middle of what a pixel at a pole covers lies off its centre
    assert (resized - directions_as_image(height)).abs().max() < tolerance


def band(below, above):
    """Solid angle between two latitudes, a radian wide."""
    return math.sin(above) - math.sin(below)


def integrated_by_hand(erp, height):
    """The mean over the solid angle that each new pixel covers, pixel by pixel and piece by piece."""
    rows, columns = erp.shape
    found = np.zeros((height, 2 * height))
    for i, j in np.ndindex(*found.shape):
        area = 0.0
        for k, m in np.ndindex(rows, columns):
            north, south = min(1 - i / height, 1 - k / rows), max(1 - (i + 1) / height, 1 - (k + 1) / rows)
            west, east = max(j / (2 * height), m / columns), min((j + 1) / (2 * height), (m + 1) / columns)
            if north > south and east > west:
                piece = band((south - 0.5) * math.pi, (north - 0.5) * math.pi) * (east - west)
                found[i, j] += piece * erp[k, m]
                area += piece
        found[i, j] /= area
    return found


@pytest.mark.parametrize(("own", "height"), [(6, 4), (7, 3), (8, 4), (9, 8), (5, 1)])
def test_a_smaller_map_equals_the_integral_over_what_its_pixels_cover(own, height):
    erp = np.random.default_rng(own).random((own, 2 * own))
    found = resize_erp(torch.from_numpy(erp)[None, None], height)[0, 0].numpy()
    np.testing.assert_allclose(found, integrated_by_hand(erp, height), rtol=1e-12)


@pytest.mark.parametrize(
    ("own", "height"), [(320, 240), (320, 160), (1024, 320), (512, 180), (320, 319), (160, 7), (101, 100)]
)
def test_a_smaller_map_keeps_the_mass_of_every_point(own, height):
    """What the mass gains by a point at a pixel, its gradient, is the pixel's solid angle, before and after."""
    erp = torch.zeros(1, 1, own, 2 * own, requires_grad=True)
    (resize_erp(erp, height).double() * solid_angle_weights(height)).sum().backward()
    expected = solid_angle_weights(own).float().expand(-1, 2 * own)
    torch.testing.assert_close(erp.grad[0, 0], expected, rtol=1e-6, atol=0)


def test_a_smaller_density_stays_a_density():
    spots = (torch.rand(1, 1, 40, 80) > 0.9).float()
    resized = resize_erp(spots, 27)
    assert resized.min() == 0
    assert resized.max() <= 1


@pytest.mark.parametrize(("size", "to"), [((12, 20), (8, 5)), ((9, 7), (4, 7)), ((16, 12), (4, 3)), ((3, 5), (1, 1))])
def test_a_smaller_flat_map_equals_a_finer_grid_averaged(size, to):
    """On a grid that both sizes divide, each pixel is repeated and each new one is the mean of a block."""
    flat = np.random.default_rng(0).random(size)
    fine = flat.repeat(to[0], 0).repeat(to[1], 1)
    expected = fine.reshape(to[0], size[0], to[1], size[1]).mean((1, 3))
    found = resize_flat(torch.from_numpy(flat)[None, None], *to)[0, 0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_flat_map_is_averaged_along_the_side_that_shrinks_and_interpolated_along_the_other():
    flat = torch.rand(2, 3, 12, 5, dtype=torch.float64)
    expected = torch.nn.functional.interpolate(flat.reshape(2, 3, 4, 3, 5).mean(3), (4, 11), mode="bilinear")
    torch.testing.assert_close(resize_flat(flat, 4, 11), expected, rtol=1e-12, atol=0)
    assert torch.equal(resize_flat(flat, 12, 5), flat)
    with pytest.raises(ConfigError, match="0x4"):
        resize_flat(flat, 4, 0)


@pytest.mark.parametrize("resize", [lambda x: resize_erp(x, 12), lambda x: resize_flat(x, 12, 25)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_smaller_map_of_ones_is_of_ones_in_its_precision(resize, dtype):
    resized = resize(torch.ones(2, 3, 20, 40, dtype=dtype))
    assert resized.dtype == dtype
    torch.testing.assert_close(resized, torch.ones_like(resized), rtol=1e-6, atol=0)
    spot = torch.rand(1, 1, 20, 40)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(resize(spot), resize(spot.clone()))
        assert resize(spot).dtype == torch.float32
    erp = torch.rand(1, 1, 20, 40, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(resize, erp)


def test_resize_does_not_see_the_border():
    erp = torch.rand(1, 1, 20, 40)
    assert torch.allclose(resize_erp(erp.roll(20, -1), 50), resize_erp(erp, 50).roll(50, -1), atol=1e-6)
