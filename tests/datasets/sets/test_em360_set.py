import shutil
from dataclasses import replace

import numpy as np
import pytest

from atsal.datasets.dataset import Stimulus
from atsal.datasets.prepared.item_fixations import drop_past_end
from atsal.datasets.sets.em360 import EM360
from atsal.errors import DataError
from atsal.gaze.directions import angle_rad, unit_vectors
from atsal.gaze.readers.em360 import read_em360
from fakes.em360 import FPS, FRAMES, write_em360

CLIP = Stimulus("video", 128, 64, FRAMES, FPS, FRAMES / FPS)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("em360")
    return root, write_em360(root)


def test_items_and_what_is_missing(source):
    root, targets = source
    found = EM360.find(root)
    assert [item.id for item in found.items] == list(targets) == ["01_park_6eLyo2Y7mZU", "10_eiffel_tower_-wJl-zFqA2A"]
    park = found.items[0]
    assert park.stimulus == root / "videos/01_park_6eLyo2Y7mZU.mp4"
    assert [log.name for log in park.logs] == [f"00{n}_01_park_6eLyo2Y7mZU.arff" for n in (1, 2, 3)]
    assert found.missing == (
        f"recordings of all 13 viewers for {', '.join(targets)}: not below {root}",
        f"13 of the 15 videos: no recordings below {root}",
    )


@pytest.mark.parametrize("direction", ["head", "head_eye"])
def test_gaze_follows_the_target_in_time(source, direction):
    root, targets = source
    for item in EM360.find(root).items:
        gaze = EM360.read(item, direction, CLIP)
        assert [track.observer for track in gaze.samples] == ["001", "002", "003"]
        for track in gaze.samples:
            assert track.directions == (direction,)
            assert len(track) == 120
            assert track.valid.sum() == (120 if direction == "head" else 108)
            assert track.sampling_rate_hz() == pytest.approx(120, rel=1e-3)
            where = np.array([unit_vectors(*targets[item.id].lonlat(time)) for time in track.timestamp_s])
            error = angle_rad(track.vectors(direction), where)[track.valid]
            assert np.rad2deg(error).max() < 8


def test_samples_past_the_end_are_counted(source):
    item = EM360.find(source[0]).items[0]
    gaze = drop_past_end(EM360.read(item, "head", CLIP), replace(CLIP, duration_s=0.75))
    assert [len(track) for track in gaze.samples] == [90, 90, 90]
    assert [(drop.reason, drop.count) for drop in gaze.drops] == [("past the end of the video (10 frames, 0.75 s)", 90)]
    with pytest.raises(DataError, match=r"240 of 360 .* past the end of the video \(10 frames, 0\.33"):
        drop_past_end(EM360.read(item, "head", CLIP), replace(CLIP, duration_s=0.3333))


def test_labels_of_the_ground_truth(source):
    reading = read_em360(source[0] / "ground_truth/test/001_01_park_6eLyo2Y7mZU.arff", "001")
    assert set(reading.records.labels["labeller_1"]) == {"fixation"}


def test_a_video_is_found_by_its_number(source, tmp_path):
    shutil.copytree(source[0], tmp_path / "unpacked/360_em_dataset")
    videos = tmp_path / "unpacked/360_em_dataset/videos"
    (videos / "01_park_6eLyo2Y7mZU.mp4").rename(videos / "01_park.mp4")
    items = EM360.find(tmp_path).items
    assert [item.stimulus.name for item in items] == ["01_park.mp4", "10_eiffel_tower_-wJl-zFqA2A.mp4"]
    shutil.rmtree(videos)
    found = EM360.find(tmp_path)
    assert [item.stimulus for item in found.items] == [None, None]
    assert found.missing[0].startswith("videos/<video>.mp4 for 01_park")


def test_nothing_there(tmp_path):
    (tmp_path / "gaze/001").mkdir(parents=True)
    (tmp_path / "gaze/001/notes.arff").write_text("")
    with pytest.raises(DataError, match=r"(?s)no recordings of 360_em.*gaze/<viewer>.*gin\.g-node"):
        EM360.find(tmp_path)


def test_the_fake_is_the_same_each_time(source, tmp_path):
    write_em360(tmp_path)
    name = "gaze/002/002_01_park_6eLyo2Y7mZU.arff"
    assert (tmp_path / name).read_bytes() == (source[0] / name).read_bytes()


def test_a_viewer_without_rows_is_counted(source, tmp_path):
    shutil.copytree(source[0], tmp_path / "set")
    item = EM360.find(tmp_path / "set").items[0]
    header = item.logs[0].read_text().partition("@DATA")[0]
    item.logs[0].write_text(header + "@DATA\n")
    item.logs[1].write_bytes(b"")
    gaze = EM360.read(item, "head_eye", CLIP)
    assert [track.observer for track in gaze.samples] == ["003"]
    assert {drop.reason: drop.count for drop in gaze.drops} == {
        "empty log of a viewer": 1,
        "log of a viewer without a usable row": 1,
    }
