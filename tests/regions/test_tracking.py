import pytest

from atsal.errors import ConfigError, MissingDependencyError
from atsal.regions import FrameRegions, Region, RegionTracker, track_regions
from fakes.blob_maps import share_kept_and_error, tracked_scene, wandering


def region(yaw_deg, pitch_deg=0.0, size_deg=14.0):
    return Region(yaw_deg, pitch_deg, size_deg, size_deg, 0.3, 10, yaw_deg, pitch_deg)


def ids(frames):
    return [[r.id for r in frame.regions] for frame in track_regions(frames)]


@pytest.mark.parametrize(
    "paths",
    [
        [lambda t: (-60 + 20 * t, 3, 1, 6), lambda t: (60 - 20 * t, -3, 0.8, 6)],
        [lambda t: (-120 - 20 * t, 3, 1, 6), lambda t: (120 + 20 * t, -3, 0.8, 6)],
        [lambda t: (0, 40 + 15 * t, 1, 6) if t < 10 / 3 else (180, 140 - 15 * t, 1, 6), lambda t: (90, 20, 0.8, 6)],
        [lambda t: (-60 + 30 * t, 3, 1, 6), lambda t: (-20 + 8 * t, -3, 0.8, 6)],
    ],
    ids=["crossing at the front", "crossing at ±180°", "over the pole", "overtaking"],
)
def test_identities_are_kept(paths):
    scene = tracked_scene(paths, 180)
    found = [share_kept_and_error(scene, blob) for blob in range(2)]
    assert all(kept >= 0.99 and error < 5 for kept, error, _ in found)
    assert len({identity for *_, identity in found}) == 2


@pytest.mark.parametrize("seed", range(3))
def test_four_wandering_things_keep_their_identities(seed):
    scene = tracked_scene(wandering(seed), 200)
    found = [share_kept_and_error(scene, blob) for blob in range(4)]
    assert all(kept >= 0.95 and error < 5 for kept, error, _ in found)
    assert len({identity for *_, identity in found}) == 4


def test_a_common_region_names_both_things():
    paths = [lambda t: (-30 + 20 * t, 0, 1, 6), lambda t: (30 - 20 * t, 0, 0.9, 6)]
    together = [frame for _, frame in tracked_scene(paths, 90) if len(frame.regions) == 1]
    assert together
    assert all({r.id, *r.merged_ids} == {1, 2} for frame in together for r in frame.regions)


def test_a_short_loss_keeps_the_identity_and_a_long_one_does_not():
    def lost_for(seconds):
        return [FrameRegions(0, 0.0, (region(10),)), FrameRegions(1, 0.1, ()), FrameRegions(2, seconds, (region(10),))]

    assert ids(lost_for(0.5)) == [[1], [], [1]]
    assert ids([*lost_for(0.5)[:2], FrameRegions(2, 1.2, ()), FrameRegions(3, 1.3, (region(10),))]) == [
        [1],
        [],
        [],
        [2],
    ]


def test_a_region_far_from_all_is_new():
    assert ids([FrameRegions(0, 0.0, (region(0),)), FrameRegions(1, 1 / 30, (region(60), region(1)))]) == [[1], [2, 1]]


def test_frames_out_of_order_are_refused():
    tracker = RegionTracker()
    tracker.update(FrameRegions(1, 0.5, ()))
    with pytest.raises(ConfigError, match=r"frame 2 at 0.5 s follows one at 0.5 s"):
        tracker.update(FrameRegions(2, 0.5, ()))


def test_without_scipy_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.optimize", None)
    frames = [FrameRegions(k, float(k), (region(0),)) for k in range(2)]
    with pytest.raises(MissingDependencyError, match=r'SciPy: pip install "atsal\[regions\]"'):
        list(track_regions(frames))
