"""Raw files -> prepared set -> training sample, for every data set: maps peak where the made-up viewers looked."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from atsal.datasets import dataset_named, dataset_names
from atsal.datasets.prepared import PreparedSet
from atsal.datasets.prepared.augmentation import Chain, Flip, Shift
from atsal.datasets.prepared.clip import read_clip
from atsal.datasets.prepared.preparation import preparation_for
from atsal.datasets.prepared.prepare import prepare
from atsal.errors import ConfigError, DataError
from atsal.gaze.directions import angle_rad, unit_vectors
from fakes.avtrack360 import write_avtrack360
from fakes.em360 import write_em360
from fakes.every_set import WRITERS
from fakes.fixations2d import write_fixations2d
from fakes.sport360 import RATE_HZ

FLAT = {"osie", "crowd", "scene", "photo-folder"}
DIRECTIONS = [(name, direction) for name in WRITERS for direction in dataset_named(name).directions]


def peak(saliency: torch.Tensor) -> np.ndarray:
    """Unit vector of the highest pixel of (1, H, 2H)."""
    row, column = np.unravel_index(int(saliency.argmax()), saliency.shape[1:])
    height = saliency.shape[1]
    return unit_vectors((column + 0.5) / height * math.pi - math.pi, math.pi / 2 - (row + 0.5) / height * math.pi)


def test_no_set_is_left_out():
    assert WRITERS.keys() | FLAT == set(dataset_names())


@pytest.mark.parametrize(("name", "direction"), DIRECTIONS)
def test_from_raw_files_to_training_samples(name, direction, tmp_path):
    targets = WRITERS[name](tmp_path / "raw")
    dataset = dataset_named(name)
    preparation = preparation_for(dataset, direction=direction, sigma_deg=8.0, erp_height=64)
    done = prepare(dataset, tmp_path / "raw", tmp_path / "out", preparation)
    assert done.refused == {}
    prepared = PreparedSet(tmp_path / "out")
    assert set(prepared.items) == set(targets)
    for item, target in targets.items():
        stimulus = prepared.stimulus(item)
        index = (stimulus.frames or 1) - 2 if stimulus.frames else 0
        rate = stimulus.frames_per_s or RATE_HZ
        where = unit_vectors(*target.lonlat(index / rate if stimulus.frames else 0.0))
        frames, saliency_maps, fixation_maps = read_clip(prepared, item, [index], erp_height=64)
        assert frames.shape == (1, 3, 64, 128)
        assert frames.dtype == torch.uint8
        assert frames.min() < frames.max()
        assert saliency_maps.shape == fixation_maps.shape == (1, 1, 64, 128)
        assert saliency_maps.max() == 1
        assert fixation_maps.sum() > 0
        assert math.degrees(angle_rad(peak(saliency_maps[0]), where)) < 9
        moved = read_clip(prepared, item, [index], erp_height=64, transform=Chain((Shift(90), Flip())))
        np.testing.assert_array_equal(moved.frames, frames.roll(32, -1).flip(-1))
        np.testing.assert_allclose(moved.saliency_maps, saliency_maps.roll(32, -1).flip(-1))
        assert float(moved.fixation_maps.sum()) == float(fixation_maps.sum())


@pytest.mark.parametrize("events", ["ivt", "idt"])
def test_events_are_detected_from_samples(events, tmp_path):
    write_avtrack360(tmp_path / "raw")
    dataset = dataset_named("avtrack360")
    done = prepare(dataset, tmp_path / "raw", tmp_path / "out", preparation_for(dataset, events=events))
    manifest = PreparedSet(tmp_path / "out").manifest
    assert done.refused == {}
    assert 0 < manifest["totals"]["fixations"] < sum(item["samples"] for item in manifest["items"])


def test_noise_without_fixations_is_said_to_be_so(tmp_path):
    write_em360(tmp_path / "raw", items=1)  # every sample of its viewers jumps
    dataset = dataset_named("360-em")
    done = prepare(dataset, tmp_path / "raw", tmp_path / "out", preparation_for(dataset, events="idt"))
    assert all("no fixation is left (idt found none in" in why for why in done.refused.values())
    assert done.refused


def test_photos(tmp_path):
    spots = write_fixations2d(tmp_path / "raw")
    dataset = dataset_named("osie")
    prepare(dataset, tmp_path / "raw", tmp_path / "out", preparation_for(dataset, maps="npy"))
    prepared = PreparedSet(tmp_path / "out")
    assert prepared.manifest["about"]["sigma_width"] == dataset.sigma_width
    assert prepared.manifest["preparation"]["sigma_deg"] is None
    for item, (u, v) in spots.items():
        saliency = np.load(tmp_path / "out" / item / f"{item}.npy")
        # half of the fixations are the first ones, at the centre
        row, column = int(v * saliency.shape[0]), int(u * saliency.shape[1])
        assert saliency[row, column] > 0.3 * saliency.max()
        assert prepared.picture(item).shape[:2] == saliency.shape
        with pytest.raises(DataError, match="flat photo"):
            read_clip(prepared, item)


def test_photos_of_ones_own(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "cat.jpg")
    (tmp_path / "cat.csv").write_text("observer,u,v\na,0.25,0.5\nb,0.25,0.5\n")
    dataset = dataset_named("photo-folder")
    prepare(dataset, tmp_path, tmp_path / "out", preparation_for(dataset, maps="npy"))
    saliency = np.load(tmp_path / "out" / "cat" / "cat.npy")
    assert saliency.shape == (30, 40)
    assert np.unravel_index(saliency.argmax(), (30, 40))[1] in (9, 10)


@pytest.mark.parametrize("chosen", [{"sigma_deg": 2.0}, {"erp_height": 64}, {"window": "clip"}])
def test_settings_that_photos_do_not_have_are_refused(chosen):
    with pytest.raises(ConfigError, match="holds flat photos: " + next(iter(chosen))):
        preparation_for(dataset_named("osie"), **chosen)


def test_positions_of_another_kind_are_refused(tmp_path):
    Image.new("RGB", (64, 32)).save(tmp_path / "cat.jpg")
    (tmp_path / "cat.csv").write_text("observer,u,v\na,0.25,0.5\n")
    dataset = dataset_named("folder")
    done = prepare(dataset, tmp_path, tmp_path / "out", preparation_for(dataset))
    assert "positions are u, v; expected lon_deg, lat_deg" in done.refused["cat"]
