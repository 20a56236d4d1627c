"""The commands about data sets, as a user types them."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atsal.cli import main
from atsal.datasets import dataset_names
from atsal.errors import OutputError
from fakes.avtrack360 import write_avtrack360
from fakes.folder import write_folder
from fakes.salient360_images import write_salient360_images


def atsal(*words, status=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result.output


def test_every_set_is_listed_and_explained():
    listed = atsal("datasets", "list")
    for name in dataset_names():
        assert name in listed
        told = atsal("datasets", "info", name)
        assert f"atsal prepare {name} SOURCE OUTPUT" in told
        for label in ("licence", "get it at", "cite", "σ"):
            assert label in told
    assert "did you mean 'vr-eyetracking'" in atsal("datasets", "info", "vreyetracking", status=1)


def test_prepare_and_inspect(tmp_path, monkeypatch):
    write_avtrack360(tmp_path / "raw", observers=4)
    told = atsal("prepare", "avtrack360", tmp_path / "raw", tmp_path / "out", "--workers", 1)
    assert "2 items made" in told
    assert "missing: " in told, "the set has 20 videos"
    assert "1, " not in told.split("items made")[1]
    again = atsal("prepare", "avtrack360", tmp_path / "raw", tmp_path / "out", "--workers", 1)
    assert "0 items made, 2 made before" in again
    pytest.importorskip("matplotlib")
    drawn = atsal("inspect", tmp_path / "out", "1", "-o", tmp_path / "look", "--scanpaths")
    assert drawn.split() == [str(tmp_path / "look" / name) for name in ("sheet.png", "1.png")]
    with Image.open(tmp_path / "look" / "sheet.png") as sheet:
        assert sheet.size == (1600, 1200)
    atsal("inspect", tmp_path / "out", "--all", "-o", tmp_path / "all", "--frame", 20)
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["1.png", "2.png", "sheet.png"]
    assert "no frame 9999" in atsal("inspect", tmp_path / "out", "1", "-o", tmp_path, "--frame", 9999, status=1)

    def full(_path, _picture):
        raise OutputError("the disk is full")

    monkeypatch.setattr("atsal.video.image_writer.write_rgb_png", full)
    assert "the disk is full" in atsal("inspect", tmp_path / "out", "-o", tmp_path / "new" / "deep", status=1)
    assert not (tmp_path / "new").exists(), "no empty folder stays"


def test_inspect_replaces_its_own_pictures_and_no_others(tmp_path):
    write_avtrack360(tmp_path / "raw", observers=4)
    atsal("prepare", "avtrack360", tmp_path / "raw", tmp_path / "out", "--workers", 1)
    pytest.importorskip("matplotlib")
    for _ in range(2):
        atsal("inspect", tmp_path / "out", "1", "-o", tmp_path / "look")
    Image.new("RGB", (8, 4)).save(tmp_path / "look" / "1.png")
    before = (tmp_path / "look" / "1.png").read_bytes()
    refused = atsal("inspect", tmp_path / "out", "1", "-o", tmp_path / "look", status=1)
    assert "1.png: already exists, and atsal did not draw it" in refused
    assert (tmp_path / "look" / "1.png").read_bytes() == before


def test_inspect_goes_on_after_an_item_that_is_damaged(tmp_path):
    write_avtrack360(tmp_path / "raw", observers=4)
    atsal("prepare", "avtrack360", tmp_path / "raw", tmp_path / "out", "--workers", 1)
    pytest.importorskip("matplotlib")
    (tmp_path / "out" / "1" / "fixations.csv").write_text("nothing")
    told = atsal("inspect", tmp_path / "out", "--all", "-o", tmp_path / "look", status=3)
    assert "1 of 2 items failed" in told
    assert (tmp_path / "look" / "2.png").exists()


def test_a_refused_item_ends_with_a_status(tmp_path):
    write_salient360_images(tmp_path / "raw")
    (tmp_path / "raw/HE/Scanpaths/L/HEscanpath_1.txt").write_text("Idx, longitude, latitude\n0, 0.5\n")
    told = atsal("prepare", "salient360-images", tmp_path / "raw", tmp_path / "out", "--workers", 1, status=3)
    assert "P1 refused" in told
    assert "HEscanpath_1.txt, line 2" in told
    assert "1 item made, 1 refused" in told
    assert list(json.loads((tmp_path / "out/manifest.json").read_text())["refused"]) == ["P1"]


def test_nothing_found_says_what_was_expected(tmp_path):
    told = atsal("prepare", "vr-eyetracking", tmp_path, tmp_path / "out", status=1)
    assert "Gaze_txt_files/p001" in told
    assert "github.com/xuyanyu-shh" in told
    assert not (tmp_path / "out").exists()


def test_settings_of_the_maps(tmp_path):
    write_folder(tmp_path / "raw")
    words = ["--maps", "npy", "--size", "64x32", "--sigma", "5", "--window", "clip", "--workers", 1]
    atsal("prepare", "folder", tmp_path / "raw", tmp_path / "out", *words)
    for item in ("image_1", "video_2"):
        assert np.load(tmp_path / "out" / item / f"{item}.npy").shape == (32, 64)
    told = atsal("prepare", "folder", tmp_path / "raw", tmp_path / "out", "--sigma", "6", status=1)
    assert "made with other settings" in told
    assert "sigma_deg was 5.0, is 6.0" in told
    told = atsal("prepare", "folder", tmp_path / "raw", tmp_path / "new", "--size", "64x64", status=2)
    assert "twice the height" in told


def test_a_folder_that_is_no_prepared_set(tmp_path):
    assert "no prepared data set" in atsal("inspect", tmp_path, "-o", tmp_path / "look", status=1)
    assert not (tmp_path / "look").exists()
