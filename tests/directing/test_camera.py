"""The camera between keyframes: smooth, within its limits, and refused where it cannot be."""

import numpy as np
import pytest

from atsal.directing.camera import MAX_SPEED_DEG_S, ROUNDING_S, Camera, Keyframe, sphere_speed_deg_s
from atsal.directing.taut_string import taut_string
from atsal.errors import ConfigError

TIMES = np.arange(0, 20, 1 / 30)


def key(time_s, yaw=0.0, pitch=0.0, fov=90.0, *, cut=False):
    return Keyframe(time_s, yaw, pitch, fov, cut)


def test_a_camera_rests_turns_evenly_and_rests():
    camera = Camera([key(0), key(5), key(10, 100), key(20, 100)])
    yaw, pitch, fov = camera.at(np.array([0, 2, 7.5, 13])).T
    assert yaw == pytest.approx([0, 0, 50, 100], abs=1e-6)
    assert (pitch == 0).all()
    assert fov == pytest.approx([90] * 4)
    speed = sphere_speed_deg_s(camera.at(TIMES), TIMES)
    assert speed.max() == pytest.approx(20, abs=0.1)
    acceleration = np.abs(np.diff(speed)).max() * 30
    assert acceleration <= 4 * 20 / ROUNDING_S


def test_the_path_is_the_average_of_the_straight_lines():
    keyframes = [key(0), key(1.5, 40, -10), key(2, 60, 5), key(6, 30, 5, 60)]
    window = np.linspace(-0.5, 0.5, 20001) * ROUNDING_S
    weights = np.cos(np.pi * window / ROUNDING_S) ** 2
    times = np.array([0.0, 0.7, 1.6, 2.4, 5.9])
    lines = [[k.timestamp_s, k.yaw_deg, k.pitch_deg, k.fov_deg] for k in keyframes]
    knots, *columns = np.array(lines).T
    averaged = [[np.average(np.interp(t + window, knots, c), weights=weights) for c in columns] for t in times]
    assert Camera(keyframes).at(times) == pytest.approx(np.array(averaged), abs=1e-3)


def test_it_turns_the_shorter_way_across_the_back():
    yaw = Camera([key(0, 170), key(10, -170)]).at(np.array([0.0, 5, 10]))[:, 0]
    assert np.abs(yaw) == pytest.approx([171, 180, 171], abs=1.5)


def test_it_jumps_only_at_a_cut():
    camera = Camera([key(0), key(5), key(5.1, 150, cut=True), key(20, 150)])
    yaw = camera.at(np.array([5.0, 5.09, 5.1, 6]))[:, 0]
    assert yaw == pytest.approx([0, 0, 150, 150])


def test_any_allowed_keyframes_keep_the_limits():
    rng = np.random.default_rng(0)
    for _ in range(30):
        times = np.cumsum(rng.uniform(0.05, 3, 12))
        angle, step = rng.uniform(0, 2 * np.pi, 12), rng.uniform(0, 59.9, 12) * np.diff(times, prepend=0)
        step = np.minimum(step, 170)
        yaw = (np.cumsum(step * np.cos(angle)) + 180) % 360 - 180
        pitch = np.clip(np.cumsum(step * np.sin(angle)), -60, 60)
        camera = Camera([key(float(t), float(y), float(p)) for t, y, p in zip(times, yaw, pitch, strict=True)])
        moments = np.arange(times[0], times[-1], 1 / 60)
        path = camera.at(moments)
        assert sphere_speed_deg_s(path, moments).max() <= MAX_SPEED_DEG_S + 1e-6
        speeds = np.diff(np.unwrap(path[:, :2], period=360, axis=0), axis=0) * 60
        assert np.hypot(*np.diff(speeds, axis=0).T).max() * 60 <= 4 * MAX_SPEED_DEG_S / ROUNDING_S + 1e-6


@pytest.mark.parametrize(
    ("keyframes", "message"),
    [
        ([], "without keyframes"),
        ([key(1), key(1)], "order of time"),
        ([key(0), key(1, 90)], r"keyframes\[1\] at 1 s: the camera would turn at 90°/s"),
        ([key(0), key(1.5, 90, cut=True)], "cuts 1.5 s after the cut before"),
        ([key(0), key(3, 9, cut=True), key(4.9, 0, cut=True)], "at least 2 s between cuts"),
    ],
)
def test_keyframes_that_no_camera_can_follow_are_refused(keyframes, message):
    with pytest.raises(ConfigError, match=message):
        Camera(keyframes)


def test_a_keyframe_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="fov_deg 150"):
        key(0, fov=150)


def test_a_taut_string_stays_in_its_tube_and_is_never_faster():
    rng = np.random.default_rng(1)
    for _ in range(50):
        times = np.cumsum(rng.uniform(0.1, 0.5, rng.integers(2, 80)))
        path = np.cumsum(rng.integers(-2, 3, len(times)) * 5.0)
        corners = taut_string(times, path, 4.0)
        order = sorted(corners)
        string = np.interp(times, times[order], [corners[i] for i in order])
        assert np.abs(string - path).max() <= 4 + 1e-9
        fastest = np.abs(np.diff(path) / np.diff(times)).max()
        assert np.abs(np.diff(string) / np.diff(times)).max() <= fastest + 1e-9


def test_a_taut_string_ignores_wandering_and_straightens_steps():
    times = np.arange(9.0)
    assert taut_string(times, np.array([0.0, 3, -3, 3, 0, -2, 2, 3, 0]), 4.0) == {0: 0.0, 8: 0.0}
    steps = taut_string(times, np.array([0.0, 0, 5, 5, 10, 10, 15, 15, 20]), 4.0)
    assert steps == {0: 4.0, 1: 4.0, 8: 16.0}
