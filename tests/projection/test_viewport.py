import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from atsal.errors import ConfigError
from atsal.projection import RotateErp, erp_directions, erp_to_viewport


def directions_as_image(height):
    return erp_directions(height).permute(2, 0, 1)[None]


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (90, 0), (-135, 40), (180, -80), (10, 90)])
def test_viewport_looks_where_it_is_told(yaw, pitch):
    """The centre against SciPy's rotations; the corner against the field of view."""
    view = erp_to_viewport(directions_as_image(256), yaw, pitch, 90, 33)[0]
    centre = Rotation.from_euler("YX", [yaw, -pitch], degrees=True).apply([0, 0, 1])
    assert view[:, 16, 16].numpy() == pytest.approx(centre, abs=1e-3)
    right_edge = Rotation.from_euler("YX", [yaw, -pitch], degrees=True).apply([1 - 1 / 33, 0, 1])
    assert view[:, 16, 32].numpy() == pytest.approx(right_edge / np.linalg.norm(right_edge), abs=1e-3)
    top_edge = Rotation.from_euler("YX", [yaw, -pitch], degrees=True).apply([0, 1 - 1 / 33, 1])
    assert view[:, 0, 16].numpy() == pytest.approx(top_edge / np.linalg.norm(top_edge), abs=1e-3)


def test_viewport_shape_and_gradient():
    erp = torch.rand(1, 2, 8, 16, dtype=torch.float64, requires_grad=True)
    assert erp_to_viewport(erp, 0, 0, 100, (5, 9)).shape == (1, 2, 5, 9)
    assert torch.autograd.gradcheck(lambda x: erp_to_viewport(x, 170, 20, 70, 3), erp)
    for fov in (0, 180, -5):
        with pytest.raises(ConfigError, match="fov_deg"):
            erp_to_viewport(erp, 0, 0, fov, 4)


def test_rotation_about_the_vertical_is_a_roll():
    erp = torch.rand(1, 1, 20, 40, dtype=torch.float64)
    turned = RotateErp(20, 90)(erp)
    assert torch.allclose(turned, erp.roll(-10, -1), atol=1e-9)


def test_rotation_and_back():
    vectors = directions_as_image(128)
    there, back = RotateErp(128, 30, -50, 20), RotateErp(128, 30, -50, 20, inverse=True)
    error = (back(there(vectors)) - vectors).abs()
    assert error.max() < 2e-3
