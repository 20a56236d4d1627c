import shutil
from dataclasses import replace

import numpy as np
import pytest

from atsal.datasets.dataset import Stimulus
from atsal.datasets.prepared.item_fixations import drop_past_end
from atsal.datasets.sets.pvs_hm import PVS_HM, TEST, VIDEOS
from atsal.errors import DataError
from atsal.gaze.directions import angle_rad, unit_vectors
from fakes.pvs_hm import FPS, FRAMES, write_pvs_hm

CLIP = Stimulus("video", 128, 64, FRAMES, FPS, FRAMES / FPS)
pytest.importorskip("scipy")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("pvs_hm")
    return root, write_pvs_hm(root)


def test_items_and_what_is_missing(source):
    root, targets = source
    found = PVS_HM.find(root)
    assert [item.id for item in found.items] == list(targets) == ["A380", "AcerEngine"]
    assert found.items[0].stimulus == root / "PVS-HM/A380.mp4"
    assert found.items[0].logs == (root / "PVS-HM/FULLdata_per_video_frame.mat",)
    assert len(found.missing) == 1
    assert found.missing[0].startswith("matrices in FULLdata_per_video_frame.mat for AcerPredator, AirShow")


def test_gaze_follows_the_target_in_time(source):
    root, targets = source
    for item in PVS_HM.find(root).items:
        gaze = PVS_HM.read(item, "head", CLIP)
        assert [track.observer for track in gaze.samples] == ["01", "02", "03"]
        assert gaze.drops == ()
        assert gaze.notes == (
            "each viewer's columns are latitude, longitude, detected from the data",
            "3 viewers; the whole set has 58",
        )
        for track in gaze.samples:
            assert len(track) == 20
            assert track.frame_index.tolist() == np.repeat(np.arange(10), 2).tolist()
            where = np.array([unit_vectors(*targets[item.id].lonlat(time)) for time in track.timestamp_s])
            assert np.rad2deg(angle_rad(track.head, where)).max() < 8


def test_samples_past_the_end_are_counted(source):
    item = PVS_HM.find(source[0]).items[0]
    short = replace(CLIP, frames=6)
    gaze = drop_past_end(PVS_HM.read(item, "head", short), short)
    assert [len(track) for track in gaze.samples] == [12, 12, 12]
    assert [(drop.reason, drop.count) for drop in gaze.drops] == [("past the end of the video (6 frames, 1 s)", 24)]
    short = replace(CLIP, frames=4)
    with pytest.raises(DataError, match=r"36 of 60 .* past the end of the video \(4 frames"):
        drop_past_end(PVS_HM.read(item, "head", short), short)


def test_one_row_a_frame_is_told_from_the_video(source):
    item = PVS_HM.find(source[0]).items[0]
    gaze = PVS_HM.read(item, "head", replace(CLIP, frames=20, frames_per_s=20.0))
    assert gaze.samples[0].frame_index.tolist() == list(range(20))
    assert gaze.samples[0].timestamp_s[-1] == pytest.approx(0.95)
    assert "20 rows for 20 frames: one a frame" in gaze.notes[-1]


def test_without_a_video_there_are_frames_only(source):
    track = PVS_HM.read(PVS_HM.find(source[0]).items[0], "head", Stimulus()).samples[0]
    assert track.timestamp_s is None
    assert track.frame_index.max() == 9


def test_files_one_folder_up_and_missing_videos(source, tmp_path):
    shutil.copy(source[0] / "PVS-HM/FULLdata_per_video_frame.mat", tmp_path)
    found = PVS_HM.find(tmp_path)
    assert [item.stimulus for item in found.items] == [None, None]
    assert found.missing[1].startswith("<video>.mp4 for A380, AcerEngine: not below")


def test_nothing_there(tmp_path):
    with pytest.raises(DataError, match=r"(?s)no FULLdata_per_video_frame\.mat.*expected.*A380\.mp4.*github"):
        PVS_HM.find(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        PVS_HM.find(tmp_path / "none")


def test_the_split_of_the_paper():
    assert len(VIDEOS) == len(set(VIDEOS)) == 76
    parts = PVS_HM.splits["paper"]
    assert (len(parts["train"]), len(parts["test"])) == (61, 15)
    assert set(parts["train"]) | set(TEST) == set(VIDEOS)


def test_the_fake_is_the_same_each_time(source, tmp_path):
    write_pvs_hm(tmp_path)
    name = "PVS-HM/FULLdata_per_video_frame.mat"
    assert (tmp_path / name).read_bytes() == (source[0] / name).read_bytes()
