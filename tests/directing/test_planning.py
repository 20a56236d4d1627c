"""Plans of films from maps whose best camera is known."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from atsal.directing import shot
from atsal.directing.camera import MAX_SPEED_DEG_S, Camera, sphere_speed_deg_s
from atsal.directing.in_frame import GazeLog, predicted_in_frame, recorded_in_frame
from atsal.directing.planning import plan_film, thin
from atsal.directing.reward import PITCHES_DEG, YAWS_DEG, FrameReward
from atsal.directing.scene_cuts import FrameWatch
from atsal.errors import ConfigError, DataError
from atsal.gaze.records import GazeSamples
from atsal.projection import erp_directions, solid_angle_weights
from atsal.projection.perspective import Perspective
from atsal.video.reader import Frame
from atsal.video.synthetic_scene import Scene

WIDE = Perspective(90, 16 / 9)
_VECTORS = erp_directions(36).numpy()


def vector(yaw_deg, pitch_deg=0.0):
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    return np.array([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)])


def blob(yaw_deg, pitch_deg=0.0, floor=0.02):
    """Most of the gaze within some degrees of a direction."""
    return np.exp((_VECTORS @ vector(yaw_deg, pitch_deg) - 1) / np.radians(8) ** 2) + floor


def watched(seconds, scenes=()):
    watch = FrameWatch()
    watch.first_s, watch.last_s, watch.scene_starts_s = 0.0, float(seconds), list(scenes)
    return watch


@pytest.fixture
def gaze():
    with GazeLog() as log:
        yield log


def plan(map_at, seconds, gaze, scenes=(), front_deg=0.0):
    maps = ((i, i * 0.25, map_at(i * 0.25)) for i in range(4 * seconds + 1))
    return plan_film(maps, watched(seconds, scenes), WIDE, gaze, front_deg)


def cuts_of(keyframes):
    return [keyframe.timestamp_s for keyframe in keyframes if keyframe.cut]


def check_limits(keyframes, seconds):
    """No jump but at a cut, no two cuts within 2 s, and no frame faster than 60°/s."""
    cuts = cuts_of(keyframes)
    assert all(after - before >= 2 - 1e-9 for before, after in pairwise(cuts))
    times = np.arange(0, seconds, 1 / 30)
    speed = sphere_speed_deg_s(Camera(keyframes).at(times), times)
    for cut in cuts[1:]:
        speed[np.searchsorted(times, cut - 1e-9) - 1] = 0
    assert speed.max() <= MAX_SPEED_DEG_S
    return speed


def test_the_reward_of_a_direction_is_the_gaze_in_its_frame():
    saliency = np.random.default_rng(0).random((36, 72)) ** 4
    reward = FrameReward(WIDE)(saliency)
    shares = saliency * solid_angle_weights(36).numpy()
    shares /= shares.sum()
    for pitch, yaw in [(0, 0), (3, 20), (14, 71)]:
        right, up = WIDE.frame_position(_VECTORS, YAWS_DEG[yaw], PITCHES_DEG[pitch])
        inside = (np.abs(right) <= 1) & (np.abs(up) <= 1)
        near = (1 - right[inside] ** 2) * (1 - up[inside] ** 2)
        expected = (shares[inside] * (0.5 + 0.5 * near)).sum()
        assert reward[pitch, yaw] == pytest.approx(expected, abs=0.01)


def test_the_camera_follows_an_object_all_the_way_round(gaze):
    keyframes = plan(lambda t: blob(18 * t - 134, -10), 30, gaze)
    camera = Camera(keyframes)
    times = np.arange(2, 29, 0.5)
    yaw = camera.at(times)[:, 0]
    away = (yaw - (18 * times - 134) + 180) % 360 - 180
    assert np.abs(away).max() < 15
    assert check_limits(keyframes, 30).max() < 25
    shares = predicted_in_frame(gaze, camera.at, WIDE.aspect, 0.0)
    assert shares.directed > shares.forward + 0.1


def test_the_camera_stays_at_the_front_where_nothing_else_is_clearly_better(gaze):
    keyframes = plan(lambda t: blob(0) + 1.06 * blob(120), 20, gaze)
    assert {(k.yaw_deg, k.pitch_deg) for k in keyframes} == {(0.0, 0.0)}


def test_without_a_front_it_goes_where_most_is(gaze):
    keyframes = plan(lambda t: blob(0) + 1.2 * blob(120), 20, gaze, front_deg=None)
    assert {k.yaw_deg for k in keyframes} == {120.0}


def test_it_does_not_wander_after_small_changes(gaze):
    keyframes = plan(lambda t: blob(60 + 6 * np.sin(3 * t)), 20, gaze)
    assert np.ptp(Camera(keyframes).at(np.arange(0, 20, 0.1))[:, 0]) < 1


def test_a_cut_is_made_where_it_pays_and_a_glance_is_not_followed(gaze):
    both = plan(lambda t: blob(-90 if t < 15 else 90, floor=0.002), 30, gaze)
    assert cuts_of(both) == [0.0, 15.0]
    glance = plan(lambda t: blob(90 if 15 <= t < 15.75 else -90, floor=0.002), 30, gaze)
    assert cuts_of(glance) == [0.0]
    assert np.ptp([k.yaw_deg for k in glance]) == 0


def test_a_scene_cut_of_the_source_resets_the_camera_at_its_very_frame(gaze):
    keyframes = plan(lambda t: blob(-90 if t < 10.1 else 90), 20, gaze, scenes=[10.1, 11.0])
    assert cuts_of(keyframes) == [0.0, 10.1]
    yaw = Camera(keyframes).at(np.array([10.0, 10.09, 10.1, 12]))[:, 0]
    assert yaw == pytest.approx([-90, -90, 90, 90], abs=0.1)


def test_it_does_not_turn_there_and_back_for_a_little(gaze):
    keyframes = plan(lambda t: blob(40) + (1.2 if t % 6 < 3 else 0.8) * blob(100), 30, gaze)
    assert np.ptp(Camera(keyframes).at(np.arange(0, 30, 0.1))[:, 0]) < 10


@pytest.mark.parametrize("seed", range(4))
def test_adversarial_maps_break_no_limit(seed, gaze):
    rng = np.random.default_rng(seed)
    spots = rng.uniform((-180, -85), (180, 85), (200, 2))
    length = rng.choice([1, 3, 9])
    scenes = np.sort(rng.uniform(0, 40, 12))
    keyframes = plan(lambda t: blob(*spots[int(t * 4) // length % 200], floor=1e-4), 40, gaze, scenes=list(scenes))
    check_limits(keyframes, 40)
    assert max(abs(k.pitch_deg) for k in keyframes) <= max(PITCHES_DEG)


@pytest.mark.parametrize("seed", [1, 9, 13])
def test_a_window_does_not_end_in_the_still_after_a_cut(seed, gaze, monkeypatch):
    monkeypatch.setattr(shot, "WINDOW_S", 4.0)
    monkeypatch.setattr(shot, "LOOK_AHEAD_S", 2.0)
    spots = np.random.default_rng(seed).uniform((-180, -30), (180, 30), (40, 2))
    keyframes = plan(lambda t: blob(*spots[int(t * 4) // 9], floor=1e-4), 60, gaze)
    assert len(cuts_of(keyframes)) > 3
    check_limits(keyframes, 60)


def test_windows_that_look_ahead_plan_nearly_as_well_as_the_whole(monkeypatch):
    def total(window_s, look_ahead_s):
        monkeypatch.setattr(shot, "WINDOW_S", window_s)
        monkeypatch.setattr(shot, "LOOK_AHEAD_S", look_ahead_s)
        with GazeLog() as log:
            keyframes = plan(lambda t: blob(40 * np.sin(t / 3) + (150 if 20 < t < 40 else 0), floor=0.005), 60, log)
            check_limits(keyframes, 60)
            return predicted_in_frame(log, Camera(keyframes).at, WIDE.aspect, 0.0).directed

    assert total(10.0, 8.0) > total(1000.0, 0.0) - 0.01


def test_maps_with_a_gap_are_refused(gaze):
    maps = [(0, 0.0, blob(0)), (1, 5.0, blob(0))]
    with pytest.raises(DataError, match=r"no map between 0.00 s and 5.00 s"):
        plan_film(maps, watched(5), WIDE, gaze)
    with pytest.raises(DataError, match=r"no map between 0.00 s and 3.00 s"):
        plan_film(maps[:1], watched(3), WIDE, gaze)


def test_a_map_without_gaze_is_refused(gaze):
    with pytest.raises(ConfigError, match="zero everywhere"):
        plan_film([(0, 0.0, np.zeros((36, 72)))], watched(0), WIDE, gaze)


def test_recorded_directions_are_counted_for_each_viewer_alike(gaze):
    keyframes = plan(lambda t: blob(60), 10, gaze)
    times = np.arange(0, 10, 0.5)
    ahead = GazeSamples("a", times, head=np.tile(vector(0), (len(times), 1)))
    aside = GazeSamples("b", times[:5], head=np.tile(vector(60), (5, 1)))
    camera = Camera(keyframes).at
    viewers = [ahead, aside, replace(aside, observer="c")]
    shares = recorded_in_frame(viewers, camera, WIDE.aspect, 0.0, (0, 10), gaze)
    assert [shares.directed, shares.forward, shares.peaks] == pytest.approx([2 / 3, 1 / 3, 2 / 3])
    assert recorded_in_frame([ahead], camera, WIDE.aspect, 0.0, (20, 30)) is None


def test_scene_cuts_are_found_in_pictures():
    first, second = Scene(seed=1), Scene(seed=2)
    frames = [Frame(i, i / 10, (first if i < 12 else second).render(64, i / 10)) for i in range(24)]
    watch = FrameWatch()
    assert len(list(watch.watch(iter(frames)))) == 24
    assert watch.scene_starts_s == [1.2]
    assert (watch.first_s, watch.last_s) == (0.0, 2.3)


def test_pictures_that_always_change_are_no_scene_cuts():
    noise = np.random.default_rng(0).integers(0, 256, (20, 48, 96, 3), np.uint8)
    watch = FrameWatch()
    list(watch.watch(Frame(i, i / 10, image) for i, image in enumerate(noise)))
    assert len(watch.scene_starts_s) <= 1  # at the first change, nothing else is known yet


def test_frames_are_thinned_to_the_steps_of_the_plan():
    frames = [Frame(i, i / 30, np.zeros((1, 2, 3), np.uint8)) for i in range(31)]
    assert [frame.index for frame in thin(iter(frames))] == [0, 8, 15, 23, 30]
    sparse = [Frame(i, i * 0.6, np.zeros((1, 2, 3), np.uint8)) for i in range(4)]
    assert [frame.index for frame in thin(iter(sparse))] == [0, 1, 2, 3]


def test_a_video_of_few_frames_needs_few_maps(gaze):
    watch = watched(9)
    watch.longest_step_s = 3.0
    maps = [(i, 3.0 * i, blob(60)) for i in range(4)]
    assert {k.yaw_deg for k in plan_film(maps, watch, WIDE, gaze)} == {60.0}
