import numpy as np
import pytest

from atsal.datasets.dataset import Stimulus
from atsal.datasets.prepared.item_fixations import drop_past_end
from atsal.datasets.sets.dsav360 import DSAV360, IDS
from atsal.datasets.stimulus import describe
from atsal.errors import DataError
from fakes.dsav360 import write_dsav360
from fakes.gaze import SPREAD_RAD


@pytest.fixture
def source(tmp_path):
    return tmp_path, write_dsav360(tmp_path / "D-SAV360")


def away(target, lon, lat, time_s):
    right = np.array([target.lonlat(time) for time in time_s])
    across = np.cos(lat) * np.cos(right[:, 1]) * np.cos(lon - right[:, 0]) + np.sin(lat) * np.sin(right[:, 1])
    return np.arccos(np.clip(across, -1, 1))


def test_gaze_follows_the_target(source):
    root, targets = source
    found = DSAV360.find(root)
    assert [item.id for item in found.items] == sorted(targets) == ["0001", "0002"]
    for item in found.items:
        gaze = DSAV360.read(item, "head_eye", describe(item, "videos"))
        assert [track.observer for track in gaze.samples] == ["1", "2", "3"]
        for track in gaze.samples:
            assert track.timestamp_s[0] == pytest.approx(2 / 60)
            assert away(targets[item.id], *track.lonlat("head_eye"), track.timestamp_s).max() < 5 * SPREAD_RAD
        fixations = gaze.fixations
        assert len(fixations) == 3 * 4
        middle = fixations.onset_s + fixations.duration_ms / 2000
        assert away(targets[item.id], fixations.lon_rad, fixations.lat_rad, middle).max() < 2 * SPREAD_RAD
        assert fixations.first_frame[:4].tolist() == [4, 14, 24, 34]
        assert [(drop.reason, drop.count) for drop in gaze.drops] == [("frame 0 at the centre, no measurement", 3)]


def test_missing_is_told_in_short(source):
    root, _ = source
    (root / "D-SAV360" / "videos" / "0002" / "0002.mp4").rename(root / "D-SAV360" / "0002_mono_60fps.mp4")
    found = DSAV360.find(root)
    assert found.items[1].stimulus is None, "the untrimmed videos may begin elsewhere"
    assert found.missing == (
        f"videos/<id>/<id>.mp4 for 0002: not below {root}",
        f"gaze_data/gaze_video_<id>.csv for 0003, 0004, 0005, 0006, 0007, 0008, 0009, 0010, … (83): not below {root}",
    )


def test_rows_past_the_end_are_counted(source):
    root, _ = source
    clip = Stimulus(kind="video", frames=30, frames_per_s=60)
    gaze = drop_past_end(DSAV360.read(DSAV360.find(root).items[0], "head_eye", clip), clip)
    assert max(track.frame_index.max() for track in gaze.samples) == 29
    assert {drop.reason: drop.count for drop in gaze.drops}["past the end of the video (30 frames)"] == 3 * 20
    assert (gaze.fixations.first_frame.max(), gaze.fixations.last_frame.max()) == (24, 29)


def test_nothing_found_names_the_tree(tmp_path):
    with pytest.raises(DataError, match=r"gaze_data/gaze_video_0001\.csv"):
        DSAV360.find(tmp_path)


def test_splits_are_five_folds():
    assert len(IDS) == len(set(IDS)) == 85
    folds = list(DSAV360.splits.values())
    assert [len(fold["test"]) for fold in folds] == [17] * 5
    assert sorted(name for fold in folds for name in fold["test"]) == list(IDS)
    assert all(set(fold["train"]) == set(IDS) - set(fold["test"]) for fold in folds)
