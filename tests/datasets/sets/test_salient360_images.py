import re
import shutil

import numpy as np
import pytest

from atsal.datasets.dataset import Stimulus
from atsal.datasets.sets.salient360_images import SALIENT360_IMAGES
from atsal.errors import DataError
from atsal.gaze.directions import angle_rad, unit_vectors
from atsal.gaze.readers.saliency_bin import read_saliency_bin, saliency_frame
from fakes.salient360_images import FIXATIONS, write_salient360_images


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("salient360_images")
    return root, write_salient360_images(root)


def largest_error_deg(fixations, target):
    where = unit_vectors(*target.lonlat())
    return np.rad2deg(angle_rad(unit_vectors(fixations.lon_rad, fixations.lat_rad), where)).max()


def test_items_and_their_files(source):
    root, targets = source
    found = SALIENT360_IMAGES.find(root)
    assert [item.id for item in found.items] == list(targets) == ["P1", "P2"]
    assert found.items[1].stimulus == root / "Stimuli" / "P2_128x64.jpg"
    assert [str(log.relative_to(root)) for log in found.items[1].logs] == [
        "H/Scanpaths/Hscanpath_2.txt",
        "HE/Scanpaths/L/HEscanpath_2.txt",
        "HE/Scanpaths/R/HEscanpath_2.txt",
    ]
    assert found.missing == (f"83 of the 85 training images: no scanpaths below {root}",)


@pytest.mark.parametrize("direction", ["head", "head_eye"])
def test_gaze_lies_on_the_target_once_a_look(source, direction):
    root, targets = source
    for item in SALIENT360_IMAGES.find(root).items:
        gaze = SALIENT360_IMAGES.read(item, direction, Stimulus("image", 128, 64))
        assert largest_error_deg(gaze.fixations, targets[item.id]) < 8
        assert gaze.fixations.observers == ["1", "2", "3"]
        assert len(gaze.fixations) == 3 * FIXATIONS
        assert gaze.fixations.first_frame is None
        assert gaze.drops == ()


def test_the_left_eye_is_read_and_the_other_only_where_it_is_alone(source, tmp_path):
    root, _ = source
    item = SALIENT360_IMAGES.find(root).items[0]
    left = SALIENT360_IMAGES.read(item, "head_eye", Stimulus())
    assert not left.notes
    copy = shutil.copytree(root, tmp_path / "set")
    shutil.rmtree(copy / "HE/Scanpaths/L")
    item = SALIENT360_IMAGES.find(copy).items[0]
    right = SALIENT360_IMAGES.read(item, "head_eye", Stimulus())
    assert "right eye" in right.notes[0]
    assert not np.allclose(left.fixations.lon_rad, right.fixations.lon_rad)


def test_the_three_folders_may_lie_apart_and_deeper(source, tmp_path):
    root, _ = source
    for folder in ("H", "HE", "Stimuli"):
        shutil.copytree(root / folder, tmp_path / "Images" / f"Image_{folder}" / folder)
    assert [item.id for item in SALIENT360_IMAGES.find(tmp_path).items] == ["P1", "P2"]
    assert all(item.stimulus and len(item.logs) == 3 for item in SALIENT360_IMAGES.find(tmp_path).items)


def test_what_is_missing_is_told(source, tmp_path):
    copy = shutil.copytree(source[0], tmp_path / "set")
    (copy / "Stimuli/P1_128x64.jpg").unlink()
    (copy / "H/Scanpaths/Hscanpath_2.txt").unlink()
    found = SALIENT360_IMAGES.find(copy)
    assert found.missing[:2] == (
        f"Stimuli/P<n>_<W>x<H>.jpg for P1: not below {copy}",
        f"H/Scanpaths/Hscanpath_<n>.txt for P2: not below {copy}",
    )
    assert found.items[0].stimulus is None
    with pytest.raises(DataError, match="P2: no head scanpaths; expected a file in H/Scanpaths, found"):
        SALIENT360_IMAGES.read(found.items[1], "head", Stimulus())
    with pytest.raises(DataError, match="no eye direction"):
        SALIENT360_IMAGES.read(found.items[1], "eye", Stimulus())


def test_items_are_in_order_of_number(tmp_path):
    write_salient360_images(tmp_path, items=11, observers=1)
    found = SALIENT360_IMAGES.find(tmp_path)
    assert [item.id for item in found.items] == [f"P{n}" for n in range(1, 12)]
    for file in (tmp_path / "Stimuli").iterdir():
        file.unlink()
    assert "for P1, P2, P3, P4, P5, P6, P7, P8, … (11):" in SALIENT360_IMAGES.find(tmp_path).missing[0]


def test_nothing_of_the_set(tmp_path):
    with pytest.raises(DataError, match=rf"{re.escape(str(tmp_path))}: no scanpaths of Salient360! images(.|\n)*ls2n"):
        SALIENT360_IMAGES.find(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        SALIENT360_IMAGES.find(tmp_path / "none")


def test_maps_of_the_release_have_their_peak_at_the_target(source):
    root, targets = source
    values = saliency_frame(read_saliency_bin(root / "HE/SalMaps/HEsalmap_1_128x64_32b.bin"), 0)
    row, column = np.unravel_index(values.argmax(), values.shape)
    lon, lat = targets["P1"].lonlat()
    assert (column + 0.5) / 128 == pytest.approx(lon / (2 * np.pi) + 0.5, abs=1 / 128)
    assert (row + 0.5) / 64 == pytest.approx(0.5 - lat / np.pi, abs=1 / 64)


def test_fakes_are_the_same_each_time(source, tmp_path):
    write_salient360_images(tmp_path)
    for name in ("HE/Scanpaths/R/HEscanpath_2.txt", "H/SalMaps/Hsalmap_1_128x64_32b.bin", "Stimuli/P1_128x64.jpg"):
        assert (tmp_path / name).read_bytes() == (source[0] / name).read_bytes()
