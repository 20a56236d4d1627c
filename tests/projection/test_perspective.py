"""What a perspective camera sees."""

import math

import numpy as np
import pytest

from atsal.errors import ConfigError
from atsal.projection.perspective import Perspective


def direction(yaw_deg, pitch_deg):
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    return np.array([math.cos(pitch) * math.sin(yaw), math.sin(pitch), math.cos(pitch) * math.cos(yaw)])


@pytest.mark.parametrize("aspect", [16 / 9, 1.0, 9 / 16])
def test_the_field_of_view_is_that_of_the_longer_side(aspect):
    frame = Perspective(90, aspect)
    yaw, pitch = (1, 0) if aspect >= 1 else (0, 1)
    assert frame.contains(direction(44.9 * yaw, 44.9 * pitch), 0, 0)
    assert not frame.contains(direction(45.1 * yaw, 45.1 * pitch), 0, 0)
    shorter = math.degrees(math.atan(min(aspect, 1 / aspect)))
    assert frame.contains(direction((shorter - 0.1) * pitch, (shorter - 0.1) * yaw), 0, 0)
    if aspect != 1:
        assert not frame.contains(direction((shorter + 0.1) * pitch, (shorter + 0.1) * yaw), 0, 0)


def test_a_camera_sees_across_the_back_and_over_the_pole_but_not_behind_itself():
    frame = Perspective(90, 1.0)
    assert frame.contains(direction(-170, 5), 175, 0)
    assert frame.contains(direction(180, 80), 0, 80)
    assert not frame.contains(direction(180, 0), 0, 0)


def test_the_border_is_where_the_frame_ends():
    frame = Perspective(100, 16 / 9)
    border = frame.border(170, -30)
    assert frame.contains(border * 1.0 + 0.01 * direction(170, -30), 170, -30).all()
    assert not frame.contains(border - 0.01 * direction(170, -30), 170, -30).any()


@pytest.mark.parametrize("fov_deg", [0, 140.5, float("nan")])
def test_an_impossible_field_of_view_is_refused(fov_deg):
    with pytest.raises(ConfigError, match="field of view"):
        Perspective(fov_deg)
