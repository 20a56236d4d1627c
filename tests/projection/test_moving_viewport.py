"""Fast views of a moving camera equal the exact ones."""

import math

import numpy as np
import pytest
import torch

from atsal.errors import ShapeError
from atsal.projection import erp_to_viewport
from atsal.projection.moving_viewport import MovingViewport
from atsal.video.synthetic_scene import Scene

POSES = [(0, 0, 90), (179, 10, 90), (-180, -30, 110), (30, 60, 90), (10, -89, 100), (77, 90, 140), (100, 40, 140)]


@pytest.mark.parametrize(("width", "height"), [(192, 108), (108, 192), (120, 120)])
def test_views_equal_the_exact_ones(width, height):
    image = Scene(seed=1).render(120, 0.0)
    erp = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    viewport = MovingViewport(width, height)
    for yaw, pitch, fov in POSES:
        half = math.tan(math.radians(fov / 2)) * min(1, width / height)
        horizontal = math.degrees(2 * math.atan(half))
        exact = erp_to_viewport(erp, yaw, pitch, horizontal, (height, width))[0].permute(1, 2, 0).numpy()
        difference = np.abs(viewport.render(image, yaw, pitch, fov) - exact)
        assert difference.max() < 4, (yaw, pitch, fov)  # one grey value by rounding, a few at hard edges
        assert difference.mean() < 0.3


def test_a_camera_that_stands_still_follows_the_picture():
    viewport = MovingViewport(32, 18)
    dark, light = np.full((32, 64, 3), 10, np.uint8), np.full((32, 64, 3), 200, np.uint8)
    assert (viewport.render(dark, 5, 5, 90) == 10).all()
    assert (viewport.render(light, 5, 5, 90) == 200).all()
    assert (viewport.render(np.full((64, 128, 3), 30, np.uint8), 5, 5, 90) == 30).all()


def test_another_picture_is_refused():
    with pytest.raises(ShapeError, match="W = 2H"):
        MovingViewport(32, 18).render(np.zeros((32, 32, 3), np.uint8), 0, 0, 90)
