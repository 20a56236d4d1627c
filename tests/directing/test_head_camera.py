"""What a recorded viewer saw."""

from pathlib import Path

import numpy as np
import pytest

from atsal.directing.head_camera import HeadCamera, choose_viewer
from atsal.errors import ConfigError, DataError
from atsal.gaze.directions import unit_vectors
from atsal.gaze.records import GazeSamples

LOG = Path("heads.csv")


def viewer(name, times, yaw, pitch):
    return GazeSamples(name, np.array(times), head=unit_vectors(np.radians(yaw), np.radians(pitch)))


def test_the_camera_follows_the_head_and_stands_before_and_after():
    path = HeadCamera(viewer("a", [1.0, 2, 2, 3], [30, 170, 170, -170], [0, 10, 10, 10]), 75.0)
    yaw, pitch, fov = path.at(np.array([0.0, 1, 2, 2.5, 3, 9])).T
    assert np.mod(yaw, 360) == pytest.approx([30, 30, 170, 180, 190, 190])
    assert pitch == pytest.approx([0, 0, 10, 10, 10, 10], abs=0.2)
    assert (fov == 75).all()


def test_a_log_of_another_length_is_told():
    path = HeadCamera(viewer("a", [0.0, 5], [0, 0], [0, 0]), 90.0)
    assert path.check_covers(LOG, 0.0, 5.5) is None
    assert "from 0.00 to 5.00 s only" in path.check_covers(LOG, 0.0, 10.0)
    with pytest.raises(DataError, match="expected the log of this video"):
        path.check_covers(LOG, 20.0, 30.0)


def test_one_of_several_viewers_is_chosen_by_name():
    viewers = [viewer(name, [0.0], [0], [0]) for name in "ab"]
    assert choose_viewer(LOG, viewers, "b") is viewers[1]
    assert choose_viewer(LOG, viewers[:1], None) is viewers[0]
    with pytest.raises(ConfigError, match=r"has 2 viewers \(a, b\)"):
        choose_viewer(LOG, viewers, None)
    with pytest.raises(ConfigError, match="no viewer 'c'"):
        choose_viewer(LOG, viewers, "c")
