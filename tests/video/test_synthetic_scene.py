"""The made-up scene: seamless, repeatable, and its objects are where it says."""

import math
import time

import numpy as np
import pytest

from atsal.errors import ConfigError
from atsal.video.probe import probe_video
from atsal.video.reader import read_frames
from atsal.video.synthetic_scene import Scene, render_video


def test_same_seed_same_picture():
    first, again, other = (Scene(seed).render(64, 1.5) for seed in (3, 3, 4))
    assert first.shape == (64, 128, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.1


def test_only_objects_move():
    scene = Scene(1, object_count=0)
    np.testing.assert_array_equal(scene.render(64, 0), scene.render(64, 9))
    assert scene.object_directions(0).shape == (0, 2)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("time_s", [0.0, 3.7, 11.0])
def test_objects_are_where_they_are_said_to_be(seed, time_s):
    """Where the picture differs from the empty scene, and only there, is an object; its middle is its direction."""
    height = 192
    scene = Scene(seed)
    directions = scene.object_directions(time_s)
    changed = (scene.render(height, time_s) != Scene(seed, object_count=0).render(height, time_s)).any(axis=2)
    lat = (0.5 - (np.arange(height) + 0.5) / height)[:, None] * math.pi
    lon = ((np.arange(2 * height) + 0.5) / (2 * height) - 0.5)[None, :] * 2 * math.pi
    inside = np.zeros_like(changed)
    near = np.zeros_like(changed)
    assert directions.shape == (4, 2)
    for (lon0, lat0), thing in zip(directions, scene.objects, strict=True):
        assert -math.pi <= lon0 < math.pi
        cosine = np.sin(lat) * math.sin(lat0) + np.cos(lat) * math.cos(lat0) * np.cos(lon - lon0)
        angle = np.arccos(np.clip(cosine, -1, 1))
        inside |= angle < thing.radius_rad - 0.03
        near |= angle < thing.radius_rad + 0.03
    assert not (changed & ~near).any()
    assert changed[inside].mean() > 0.95


def jump(a, b):
    return np.abs(a.astype(int) - b).mean()


@pytest.mark.parametrize("seed", range(3))
def test_no_seam_and_calm_poles(seed):
    empty = Scene(seed, object_count=0).render(256, 0)
    steps = [jump(empty[:, j], empty[:, j + 1]) for j in range(511)]
    assert jump(empty[:, 0], empty[:, -1]) <= max(steps)
    assert jump(empty[:110, 0], empty[:110, -1]) <= 3 * np.median(steps) + 1  # above the houses there is no edge at all
    for row in (0, -1):
        assert empty[row].astype(float).std(axis=0).max() < 6


def test_an_object_crosses_the_seam_whole():
    from dataclasses import replace

    from atsal.video import synthetic_scene as synthetic

    grey = np.full((128, 256, 3), 100, np.uint8)
    thing = replace(Scene(0).objects[1], lat_rad=0.0, sway_rad=0.0, speed=0.0)
    ahead, behind = grey.copy(), grey.copy()
    synthetic._draw_object(ahead, replace(thing, lon_rad=0.0), 0.0)
    synthetic._draw_object(behind, replace(thing, lon_rad=math.pi), 0.0)
    changed = (np.roll(behind, 128, axis=1) != 100).any(axis=2)
    assert (changed == (ahead != 100).any(axis=2)).mean() > 0.999
    assert changed.any()


def test_an_object_over_the_pole():
    from dataclasses import replace

    from atsal.video import synthetic_scene as synthetic

    grey = np.full((128, 256, 3), 100, np.uint8)
    synthetic._draw_object(grey, replace(Scene(0).objects[2], lat_rad=math.pi / 2, sway_rad=0.0), 0.0)
    assert (grey[0] != 100).any(axis=1).all()
    assert (grey[30:] == 100).all()


def test_fast_enough():
    scene = Scene(0)
    scene.render(480, 0)
    start = time.process_time()
    for step in range(5):
        scene.render(480, step / 10)
    assert (time.process_time() - start) / 5 < 0.2  # 5 ms on an idle core; slow machines are busy


def test_a_video_of_the_scene(tmp_path):
    render_video(tmp_path / "scene.mp4", seconds=0.5, frame_rate=20, erp_height=64, seed=2)
    info = probe_video(tmp_path / "scene.mp4")
    assert (info.frame_count, info.eye_size, info.spherical_tagged) == (10, (128, 64), True)
    for frame in read_frames(tmp_path / "scene.mp4"):
        drawn = Scene(2).render(64, frame.index / 20)
        assert frame.timestamp_s == pytest.approx(frame.index / 20, abs=1e-4)
        assert np.abs(frame.image.astype(int) - drawn).mean() < 8


def test_bad_sizes_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="erp_height is 8"):
        Scene(0).render(8, 0)
    with pytest.raises(ConfigError, match="seconds is 0"):
        render_video(tmp_path / "a.mp4", seconds=0, frame_rate=30, erp_height=64, seed=0)
