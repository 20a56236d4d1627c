import numpy as np
import pytest

from atsal.datasets.dataset import Stimulus
from atsal.datasets.sets.sitzmann import IDS, SITZMANN
from atsal.errors import DataError
from fakes.gaze import SPREAD_RAD
from fakes.sitzmann import write_sitzmann


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "vr-saliency"
    return root, write_sitzmann(root)


def away(target, lon, lat):
    right = target.lonlat()
    return np.arccos(np.cos(lat) * np.cos(right[1]) * np.cos(lon - right[0]) + np.sin(lat) * np.sin(right[1]))


def test_gaze_follows_the_target(source):
    root, targets = source
    found = SITZMANN.find(root)
    assert [item.id for item in found.items] == sorted(targets) == ["cubemap_0000", "cubemap_0001"]
    for item in found.items:
        assert item.stimulus == root / "data" / "img_files" / f"{item.id}.png"
        gaze = SITZMANN.read(item, "head_eye", Stimulus())
        assert [track.observer for track in gaze.samples] == [f"{item.id}-run0{n}" for n in range(3)]
        for track in gaze.samples:
            assert track.sampling_rate_hz() == pytest.approx(60)
            assert away(targets[item.id], *track.lonlat("head_eye")).max() < 5 * SPREAD_RAD
            assert away(targets[item.id], *track.lonlat("head")).max() < 5 * SPREAD_RAD
        assert len(gaze.fixations) == 9
        assert away(targets[item.id], gaze.fixations.lon_rad, gaze.fixations.lat_rad).max() < 5 * SPREAD_RAD
        assert gaze.fixations.duration_ms == pytest.approx(600)
        assert [(drop.reason, drop.count) for drop in gaze.drops] == [("no position (a lost sample)", 9)]


def test_fixations_are_of_the_gaze_not_of_the_head(source):
    item = SITZMANN.find(source[0]).items[0]
    assert SITZMANN.read(item, "head", Stimulus()).fixations is None


@pytest.mark.parametrize("at", [".", "..", "data", "data/vr"])
def test_found_from_near_by(source, at):
    found = SITZMANN.find((source[0] / at).resolve())
    assert [item.id for item in found.items] == ["cubemap_0000", "cubemap_0001"]
    assert all(item.stimulus is not None for item in found.items)
    assert all(item.logs[0].parent.name == "vr" for item in found.items)
    assert len(found.missing) == 1
    assert found.missing[0].startswith("vr/<scene>.pck for cubemap_0002, cubemap_0003")


def test_missing_pictures_are_told(source):
    (source[0] / "data" / "img_files" / "cubemap_0001.png").unlink()
    found = SITZMANN.find(source[0])
    assert found.items[1].stimulus is None
    assert found.missing[0].startswith("img_files/<scene>.png for cubemap_0001")


def test_other_conditions_are_not_taken_for_it(source):
    root, _ = source
    (root / "data" / "vr").rename(root / "data" / "seated")
    with pytest.raises(DataError, match=r"vr/cubemap_\*\.pck"):
        SITZMANN.find(root)


def test_split():
    assert len(IDS) == 22
    split = SITZMANN.splits["scandmm"]
    assert (len(split["train"]), split["test"]) == (19, ("cubemap_0000", "cubemap_0006", "cubemap_0009"))
