import numpy as np
import pytest

from atsal.datasets.dataset import Stimulus
from atsal.datasets.prepared.item_fixations import drop_past_end
from atsal.datasets.sets.sport360 import IDS, SPORT360
from atsal.datasets.stimulus import describe
from atsal.errors import DataError
from fakes.gaze import SPREAD_RAD
from fakes.sport360 import RATE_HZ, write_sport360


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "360_Saliency_dataset_2018ECCV"
    return tmp_path, root, write_sport360(root)


def test_gaze_follows_the_target(source):
    above, root, targets = source
    found = SPORT360.find(above)
    assert [item.id for item in found.items] == sorted(targets) == ["217", "218"]
    assert found.missing == (
        f"<video>/0001.jpg ... for 219, 220, 221, 222, 223, 224, 225, 226, … (102): not below {above}",
    )
    for item in found.items:
        stimulus = describe(item, "videos")
        assert (item.stimulus, stimulus.kind, stimulus.frames) == (root / item.id, "frames", 6)
        gaze = SPORT360.read(item, "head_eye", stimulus)
        fixations = gaze.fixations
        assert (len(fixations), gaze.drops) == (18, ())
        right = np.array([targets[item.id].lonlat(frame / RATE_HZ) for frame in fixations.first_frame])
        assert fixations.lat_rad == pytest.approx(right[:, 1], abs=5 * SPREAD_RAD)
        turn = np.angle(np.exp(1j * (fixations.lon_rad - right[:, 0]))) * np.cos(fixations.lat_rad)
        assert turn == pytest.approx(0, abs=5 * SPREAD_RAD)


def test_gaze_without_pictures(source):
    _, root, _ = source
    (root / "vinfo.pkl").rename(root.parent / "vinfo.pkl")
    items = SPORT360.find(root.parent).items
    assert len(items) == 2
    for folder in ("217", "218"):
        for file in (root / folder).iterdir():
            file.unlink()
    items = SPORT360.find(root.parent).items
    assert [item.id for item in items] == list(IDS)
    assert len(SPORT360.read(items[1], "head_eye", Stimulus()).fixations) == 18
    with pytest.raises(DataError, match="no video 219; it holds 217, 218"):
        SPORT360.read(items[2], "head_eye", Stimulus())


def test_a_gap_in_the_pictures_is_refused(source):
    _, root, _ = source
    (root / "217" / "0003.jpg").unlink()
    item = SPORT360.find(root).items[0]
    with pytest.raises(DataError, match=r"found 0004\.jpg, expected 0003\.jpg before it"):
        SPORT360.read(item, "head_eye", describe(item, "videos"))


def test_frames_past_the_end_are_counted(source):
    _, root, _ = source
    for name in ("0005.jpg", "0006.jpg"):
        (root / "217" / name).unlink()
    item = SPORT360.find(root).items[0]
    stimulus = describe(item, "videos")
    gaze = drop_past_end(SPORT360.read(item, "head_eye", stimulus), stimulus)
    assert gaze.fixations.first_frame.max() == 3
    assert [(drop.reason, drop.count) for drop in gaze.drops] == [("past the end of the video (4 frames)", 6)]


def test_a_changed_file_is_read_again(source):
    _, root, _ = source
    item = SPORT360.find(root).items[0]
    SPORT360.read(item, "head_eye", Stimulus())
    (root / "vinfo.pkl").write_bytes(b"no pickle")
    with pytest.raises(DataError, match="not a pickle of plain data"):
        SPORT360.read(item, "head_eye", Stimulus())


def test_nothing_found_names_the_tree(tmp_path):
    with pytest.raises(DataError, match=r"217/0001\.jpg"):
        SPORT360.find(tmp_path)


def test_published_split():
    split = SPORT360.splits["published"]
    assert len(IDS) == 104
    assert (len(split["train"]), len(split["test"])) == (80, 24)
    assert set(split["train"]) | set(split["test"]) == set(IDS)
    assert {"217", "280", "309"} <= set(split["train"])
    assert {"218", "248", "316"} <= set(split["test"])
