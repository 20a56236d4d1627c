import numpy as np
import pytest

from atsal.datasets.dataset import Stimulus
from atsal.datasets.prepared.item_fixations import drop_past_end
from atsal.datasets.sets.vr_eyetracking import IDS, VR_EYETRACKING, read_split_file
from atsal.datasets.stimulus import describe
from atsal.errors import DataError
from fakes.vr_eyetracking import write_split_file, write_vr_eyetracking


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "VR Eye-Tracking Dataset"
    return tmp_path, root, write_vr_eyetracking(root)


def test_gaze_follows_the_target(source):
    _, root, targets = source
    found = VR_EYETRACKING.find(root)
    assert [item.id for item in found.items] == sorted(targets) == ["001", "002"]
    for item in found.items:
        stimulus = describe(item, "videos")
        gaze = VR_EYETRACKING.read(item, "head_eye", stimulus)
        assert [track.observer for track in gaze.samples] == ["p001", "p002", "p003"]
        assert (stimulus.frames, gaze.drops) == (10, ())
        for track in gaze.samples:
            assert track.timestamp_s == pytest.approx(np.arange(10) / 10)
            for direction in VR_EYETRACKING.directions:
                lon, lat = track.lonlat(direction)
                right = np.array([targets[item.id].lonlat(time) for time in track.timestamp_s])
                assert np.abs(np.angle(np.exp(1j * (lon - right[:, 0])))) * np.cos(lat) == pytest.approx(0, abs=0.15)
                assert lat == pytest.approx(right[:, 1], abs=0.15)


@pytest.mark.parametrize("nested", [False, True])
def test_found_up_to_three_folders_deeper(source, nested):
    above, root, _ = source
    if nested:  # as the archives unpack
        for name in ("Gaze_txt_files", "videos"):
            (root / name).rename(root / "part")
            (root / name).mkdir()
            (root / "part").rename(root / name / name)
    found = VR_EYETRACKING.find(above)
    assert [item.id for item in found.items] == ["001", "002"]
    assert all(item.stimulus is not None and len(item.logs) == 3 for item in found.items)
    assert found.missing == (
        f"Gaze_txt_files/p*/<number>*.txt for 003, 004, 005, 006, 007, 008, 009, 010, … (206): not below {above}",
    )


def test_gaze_without_a_video(source):
    _, root, _ = source
    (root / "videos" / "002.mp4").unlink()
    found = VR_EYETRACKING.find(root)
    assert found.items[1].stimulus is None
    assert found.missing[0].startswith("videos/<number>.mp4 for 002")
    samples = VR_EYETRACKING.read(found.items[1], "head_eye", Stimulus()).samples
    assert samples[0].timestamp_s is None


def test_rows_past_the_end_and_second_logs_are_counted(source):
    _, root, _ = source
    folder = root / "Gaze_txt_files" / "p002"
    log = next(folder.glob("001*"))
    (folder / "001._2017-10-13-11-00_ori_1.txt").write_text("".join(log.read_text().splitlines(True)[:4]))
    log.write_text(log.read_text() + "frame,11,forward,.5,.5,eye,.5,.5\n")
    item = VR_EYETRACKING.find(root).items[0]
    clip = Stimulus(kind="video", frames=10, frames_per_s=10)
    gaze = drop_past_end(VR_EYETRACKING.read(item, "head", clip), clip)
    assert [(track.observer, len(track)) for track in gaze.samples] == [("p001", 10), ("p002", 10), ("p003", 10)]
    assert {drop.reason: drop.count for drop in gaze.drops} == {
        "another log of the same viewer is longer": 4,
        "past the end of the video (10 frames)": 1,
    }


def test_nothing_found_names_the_tree(tmp_path):
    with pytest.raises(DataError, match="Gaze_txt_files/p001") as caught:
        VR_EYETRACKING.find(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: no gaze of VR-EyeTracking")
    assert "https://github.com/xuyanyu-shh/VR-EyeTracking" in str(caught.value)
    with pytest.raises(DataError, match="no such folder"):
        VR_EYETRACKING.find(tmp_path / "none")


def test_splits():
    assert len(IDS) == 208
    sizes = {name: [len(part) for part in split.values()] for name, split in VR_EYETRACKING.splits.items()}
    assert sizes == {"published": [134, 74], "ca-sum-360": [140, 66], "sst-sal": [107, 25]}
    for split in VR_EYETRACKING.splits.values():
        assert not set(split["train"]) & set(split["test"])
        assert set(split["train"]) | set(split["test"]) <= set(IDS)
    assert VR_EYETRACKING.splits["published"]["test"][:13] == (*[f"{n:03d}" for n in range(23, 35)], "058")


def test_split_file_of_the_release(source):
    above, root, _ = source
    assert VR_EYETRACKING.read_splits(above) == {}
    write_split_file(root / "train_test_set.xlsx", [1, 2, 35], [23])
    assert VR_EYETRACKING.read_splits(above) == {"published": {"train": ("001", "002", "035"), "test": ("023",)}}


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [([1, 2], [2], "002 in both parts"), ([1], [], "a part without"), ([1, 1.5], [2], "1.5")],
)
def test_other_split_files_are_refused(tmp_path, train, test, message):
    write_split_file(tmp_path / "split.xlsx", train, test)
    with pytest.raises(DataError, match=message):
        read_split_file(tmp_path / "split.xlsx")


def test_broken_split_file(tmp_path):
    (tmp_path / "split.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(DataError, match="not an Excel workbook"):
        read_split_file(tmp_path / "split.xlsx")


def test_one_empty_log_does_not_cost_the_video(source):
    _, root, _ = source
    item = VR_EYETRACKING.find(root).items[0]
    item.logs[1].write_text("\n")
    gaze = VR_EYETRACKING.read(item, "head_eye", Stimulus())
    assert [track.observer for track in gaze.samples] == ["p001", "p003"]
    assert [(drop.reason, drop.count) for drop in gaze.drops] == [("empty log of a viewer", 1)]
