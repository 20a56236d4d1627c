import re
import shutil

import numpy as np
import pytest

from atsal.datasets.dataset import RawItem, Stimulus
from atsal.datasets.prepared.item_fixations import drop_past_end
from atsal.datasets.sets.salient360_videos import SALIENT360_VIDEOS, VIDEOS
from atsal.errors import DataError
from atsal.gaze.directions import angle_rad, unit_vectors
from atsal.gaze.readers.saliency_bin import read_saliency_bin
from fakes.salient360_videos import FPS, FRAMES, write_salient360_videos

CLIP = Stimulus("video", 128, 64, FRAMES, FPS, FRAMES / FPS)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("salient360_videos")
    return root, write_salient360_videos(root)


def test_items_and_their_files(source):
    root, targets = source
    found = SALIENT360_VIDEOS.find(root)
    assert [item.id for item in found.items] == list(targets) == ["1_PortoRiverside", "2_Diner"]
    assert found.items[1].stimulus == root / "Stimuli/2_Diner.mp4"
    assert [str(log.relative_to(root)) for log in found.items[1].logs] == [
        "H/Scanpaths/2_Diner_fixations.csv",
        "HE/Scanpaths/L/2_Diner_fixations.csv",
        "HE/Scanpaths/R/2_Diner_fixations.csv",
    ]
    assert len(found.missing) == 4
    assert found.missing[0] == (
        "Stimuli/<n>_<name>.mp4 for 3_PlanEnergyBioLab, 4_Ocean, 5_Waterpark, 6_DroneFlight, 7_GazaFishermen, 8_Sofa, "
        f"9_MattSwift, 10_Cows, … (17): not below {root}"
    )


@pytest.mark.parametrize(("direction", "looks"), [("head", 5), ("head_eye", 3)])
def test_gaze_follows_the_target_in_time(source, direction, looks):
    root, targets = source
    for item in SALIENT360_VIDEOS.find(root).items:
        gaze = SALIENT360_VIDEOS.read(item, direction, CLIP)
        fixations = gaze.fixations
        assert len(fixations) == 3 * looks
        assert fixations.first_frame.max() <= 8
        assert gaze.drops == ()
        middle = (fixations.first_frame + fixations.last_frame + 1) / 2 / FPS
        assert middle == pytest.approx(fixations.onset_s + fixations.duration_ms / 2000)
        where = np.array([unit_vectors(*targets[item.id].lonlat(time)) for time in middle])
        error = angle_rad(unit_vectors(fixations.lon_rad, fixations.lat_rad), where)
        assert np.rad2deg(error).max() < 8


def test_each_window_of_200_ms_has_one_position_of_each_head(source):
    item = SALIENT360_VIDEOS.find(source[0]).items[0]
    fixations = SALIENT360_VIDEOS.read(item, "head", CLIP).fixations
    for first in range(0, FRAMES, 2):
        assert fixations.in_frames(first, first + 1).observer.tolist() == ["1", "2", "3"]


def item_of(tmp_path, *rows):
    path = tmp_path / "H/Scanpaths/1_PortoRiverside_fixations.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "\n".join(["# Idx, longitude, latitude, start timestamp, duration, start frame, end frame", *rows, ""])
    )
    return RawItem("1_PortoRiverside", None, (path,))


def test_frames_past_the_end_of_the_video(tmp_path):
    item = item_of(tmp_path, "0,0.5,0.5,0,900,1,10", "1,0.6,0.5,900,200,10,12", "2,0.7,0.5,1100,200,11,12")
    gaze = drop_past_end(SALIENT360_VIDEOS.read(item, "head", CLIP), CLIP)
    assert gaze.fixations.first_frame.tolist() == [0, 9]
    assert gaze.fixations.last_frame.tolist() == [9, 9]
    assert [(drop.count, drop.reason) for drop in gaze.drops] == [(1, "past the end of the video (10 frames, 1 s)")]
    assert "observer 1" in gaze.drops[0].first
    assert "1 fixations last beyond the video's 10 frames" in gaze.notes[0]
    assert SALIENT360_VIDEOS.read(item, "head", Stimulus()).fixations.last_frame.tolist() == [9, 11, 11]


def test_a_video_that_is_another_one(tmp_path):
    item = item_of(tmp_path, "0,0.5,0.5,0,200,1,10", "1,0.6,0.5,900,200,20,22", "2,0.7,0.5,1100,200,23,24")
    with pytest.raises(DataError, match=r"2 of 3 .* past the end .*10 frames.* to 22"):
        drop_past_end(SALIENT360_VIDEOS.read(item, "head", CLIP), CLIP)


@pytest.mark.parametrize("name", ["01_PortoRiverside.mp4", "1_PortoRiverSide.mp4", "1_PortoRiverside.MP4"])
def test_names_in_other_spellings(source, tmp_path, name):
    for folder in ("H", "HE"):
        shutil.copytree(source[0] / folder, tmp_path / "Videos" / folder)
    (tmp_path / "Videos/Stimuli").mkdir()
    (tmp_path / "Videos/Stimuli" / name).write_bytes(b"")
    (tmp_path / "Videos/Stimuli/1_PortoRiverside_saliency.mp4").write_bytes(b"")
    found = SALIENT360_VIDEOS.find(tmp_path)
    expected = tmp_path / "Videos/Stimuli" / name
    assert found.items[0].stimulus == expected
    assert found.items[1].stimulus is None


def test_files_of_other_names_are_none_of_the_set(tmp_path):
    item_of(tmp_path, "0,0.5,0.5,0,200,1,10")
    (tmp_path / "H/Scanpaths/20_Other_fixations.csv").write_text("")
    assert [item.id for item in SALIENT360_VIDEOS.find(tmp_path).items] == ["1_PortoRiverside"]


def test_nothing_of_the_set(tmp_path):
    with pytest.raises(DataError, match=r"no scanpaths of Salient360! videos(.|\n)*_fixations\.csv(.|\n)*ls2n"):
        SALIENT360_VIDEOS.find(tmp_path)


def test_the_split_names_videos_of_the_set_once():
    split = SALIENT360_VIDEOS.splits["track"]
    assert split["test"] == ("1_PortoRiverside", "3_PlanEnergyBioLab", "5_Waterpark", "14_Warship", "16_Turtle")
    assert (len(VIDEOS), len(split["train"])) == (19, 10)
    assert not set(split["train"]) & set(split["test"])
    assert set(VIDEOS) - set(split["train"]) - set(split["test"]) == {
        "7_GazaFishermen", "11_Abbottsford", "13_Fountain", "18_Bar",
    }  # fmt: skip


def test_maps_of_the_release(source):
    maps = read_saliency_bin(source[0] / "HE/SalMaps/1_PortoRiverside_128x64x10_32b.bin")
    assert maps.shape == (10, 64, 128)


def test_fakes_are_the_same_each_time(source, tmp_path):
    write_salient360_videos(tmp_path)
    for name in ("HE/Scanpaths/R/2_Diner_fixations.csv", "Stimuli/2_Diner.mp4"):
        assert (tmp_path / name).read_bytes() == (source[0] / name).read_bytes()


def test_maps_of_another_length_than_the_video_are_told(tmp_path):
    write_salient360_videos(tmp_path, items=1)
    (item,) = SALIENT360_VIDEOS.find(tmp_path).items
    (maps,) = (tmp_path / "H/SalMaps").glob("*.bin")
    frames = int(re.search(r"x(\d+)_32b", maps.name)[1])
    assert not any(
        "maps for a video" in note for note in SALIENT360_VIDEOS.read(item, "head", Stimulus(frames=frames)).notes
    )
    (note,) = [
        n for n in SALIENT360_VIDEOS.read(item, "head", Stimulus(frames=frames + 1)).notes if "maps for a video" in n
    ]
    assert note.startswith(f"{maps}: {frames} maps for a video of {frames + 1} frames")
