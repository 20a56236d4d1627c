import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from atsal.datasets import dataset_named
from atsal.datasets.dataset import Stimulus
from atsal.datasets.stimulus import read_photo
from atsal.errors import DataError
from fakes.fixations2d import webp, write_fixations2d

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "fixations2d"
OSIE = dataset_named("osie")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    return root, write_fixations2d(root / "osie", items=3)


def test_items_and_gaze(made):
    root, spots = made
    found = OSIE.find(root)
    assert [item.id for item in found.items] == ["1001", "1002", "1003"]
    for item in found.items:
        assert item.stimulus == root / "osie" / "images.zip"
        assert item.member == f"{item.id}.webp"
        fixations = OSIE.read(item, "eye", Stimulus()).fixations
        assert fixations.observers == ["0", "1", "2", "3", "4"]
        assert fixations.u[::2].tolist() == [0.5] * 5, "the first fixations are there"
        assert (fixations.u[1::2].mean(), fixations.v[1::2].mean()) == pytest.approx(spots[item.id], abs=0.03)
    assert found.missing == (
        f"fixations on 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, … (697): not in {root}/osie/fixations.csv.gz",
    )


def test_an_archive_that_was_replaced_is_read_anew(tmp_path):
    archive = tmp_path / "images.zip"
    for level in (10, 200):
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr("1001.webp", webp(np.full((8, 8, 3), level, np.uint8)))
        os.utime(archive, ns=(level, level))
        assert (read_photo(archive, "1001.webp") == level).all()


def test_unpacked_photos(tmp_path):
    write_fixations2d(tmp_path)
    with zipfile.ZipFile(tmp_path / "images.zip") as archive:
        archive.extract("1002.webp", tmp_path / "images")
    found = OSIE.find(tmp_path)
    assert [item.stimulus for item in found.items] == [None, tmp_path / "images" / "1002.webp"]
    assert [item.member for item in found.items] == [None, None]
    assert any(line.startswith("photos 1001: not in images or images.zip") for line in found.missing)


def test_a_folder_deeper(tmp_path):
    write_fixations2d(tmp_path / "unpacked")
    assert len(OSIE.find(tmp_path).items) == 2
    write_fixations2d(tmp_path / "other")
    with pytest.raises(DataError, match="found 2 in the folders below it"):
        OSIE.find(tmp_path)


def test_another_set_is_told(made):
    with pytest.raises(DataError, match=r"none of the photos 001 … 500 of crowd; found 1001, 1002, 1003"):
        dataset_named("crowd").find(made[0] / "osie")


def test_nothing_found(tmp_path):
    with pytest.raises(DataError, match=r"no fixations.csv.gz(.|\n)*images.zip(.|\n)*github"):
        OSIE.find(tmp_path)


def test_hostile_names_are_refused(tmp_path):
    row = "1001,0,0,.5,.5,200\n../x,0,0,.5,.5,200\n"
    (tmp_path / "fixations.csv").write_text("image,observer,fixation,u,v,duration_ms\n" + row)
    with pytest.raises(DataError, match=r"image '\.\./x'"):
        OSIE.find(tmp_path)


def test_broken_archive(tmp_path):
    write_fixations2d(tmp_path)
    (tmp_path / "images.zip").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match=r"images\.zip: not a zip archive"):
        OSIE.find(tmp_path)


def test_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        write_fixations2d(tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


@pytest.mark.skipif(not SHARED.exists(), reason="the real sets are not here")
@pytest.mark.parametrize("name", ["osie", "crowd", "scene"])
def test_real_sets(name):
    declared = dataset_named(name)
    found = declared.find(SHARED)
    assert len(found.items) == declared.items
    assert found.missing == ()
    assert len(OSIE.read(found.items[-1], "eye", Stimulus()).fixations) > 50


def _write_scene(folder, swapped):
    """A table of 60 photos whose gaze spreads 1.5 times as wide as high."""
    rng = np.random.default_rng(0)
    rows = ["image,observer,fixation,u,v,duration_ms"]
    for number in range(1, 61):
        u, v = np.clip(rng.normal(0.5, [0.18, 0.12]), 0, 0.999)
        u, v = (v, u) if swapped else (u, v)
        rows.append(f"{number:03d},0,0,{u:.5f},{v:.5f},200")
    folder.mkdir()
    (folder / "fixations.csv").write_text("\n".join(rows) + "\n")


def test_swapped_columns_of_scene_are_swapped_back(tmp_path):
    scene, found = dataset_named("scene"), {}
    for name, swapped in (("right", False), ("wrong", True)):
        _write_scene(tmp_path / name, swapped)
        items = scene.find(tmp_path / name).items
        found[name] = [scene.read(item, "eye", Stimulus()) for item in items]
    for right, wrong in zip(found["right"], found["wrong"], strict=True):
        assert (right.fixations.u == wrong.fixations.u).all()
        assert (right.fixations.v == wrong.fixations.v).all()
        assert not right.notes
        assert "swapped" in wrong.notes[0]
